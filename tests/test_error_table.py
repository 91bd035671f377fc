"""Failures as Earth Engine and Google's front ends word them, told apart alike on both transports and in both colours.

Each is sent twice: with the google.rpc.ErrorInfo that newer servers add, and with its message alone.
"""

from __future__ import annotations

import itertools
import json
import pickle
from typing import NamedTuple

import canaries
import grpc
import pytest
from google.rpc import error_details_pb2, status_pb2
from grpc_status import rpc_status
from peers import HttpPeer, http
from retry_doubles import compute
from servers import ScriptedServicer, grpc_server, rest_server

from eegrpc import RetryPolicy
from eegrpc.errors import CallContext, EarthEngineError
from eegrpc.transcoding.error_body import HTTP_OF_CODE

Code = grpc.StatusCode


class Row(NamedTuple):
    """One failure: what the server says, and what must be made of it."""

    code: grpc.StatusCode
    message: str
    reason: str
    hint: str
    """A part of it."""
    attempts: int = 1
    info: str = ""
    values: dict[str, str] = {}  # noqa: RUF012

    @property
    def status(self):
        status = status_pb2.Status(code=self.code.value[0], message=self.message)
        if self.info:
            info = error_details_pb2.ErrorInfo(reason=self.info, domain="googleapis.com", metadata=self.values)
            status.details.add().Pack(info)
        return status


QUOTA = (
    "Quota exceeded for quota metric '{}' and limit '{}' of service 'earthengine.googleapis.com' for consumer "
    "'project_number:599401802498'."
)
ASSET = "(does not exist or caller does not have access)."
ROWS = {
    "RET-07-time": Row(
        Code.INVALID_ARGUMENT, "Computation timed out.", "COMPUTATION_TIMED_OUT", "Ask for less in one request"
    ),
    "RET-07-memory": Row(
        Code.INVALID_ARGUMENT, "User memory limit exceeded.", "MEMORY_LIMIT_EXCEEDED", "Make the computation smaller"
    ),
    "RET-07-daily": Row(
        Code.RESOURCE_EXHAUSTED,
        QUOTA.format("Earth Engine compute time (EECU-seconds)", "EECU-seconds per day"),
        "DAILY_QUOTA",
        "wait for the next day",
        info="RATE_LIMIT_EXCEEDED",
        values={"service": "earthengine.googleapis.com", "quota_limit": "daily_eecu_usage_time"},
    ),
    "memory-of-the-server": Row(
        Code.INVALID_ARGUMENT,
        "Execution failed; out of memory.",
        "MEMORY_LIMIT_EXCEEDED",
        "Make the computation smaller",
    ),
    "aggregations": Row(
        Code.RESOURCE_EXHAUSTED, "Too many concurrent aggregations.", "TOO_MANY_AGGREGATIONS", "fewer aggregations", 2
    ),
    "aggregations-as-400": Row(
        Code.INVALID_ARGUMENT, "Too many concurrent aggregations.", "TOO_MANY_AGGREGATIONS", "fewer aggregations", 2
    ),
    "concurrency": Row(
        Code.RESOURCE_EXHAUSTED,
        "Too Many Requests: Request was rejected because the request rate or concurrency limit was exceeded.",
        "CONCURRENCY_LIMIT",
        "fewer requests at a time",
        2,
    ),
    "concurrency-as-a-quota": Row(
        Code.RESOURCE_EXHAUSTED,
        QUOTA.format("Concurrent interactive requests", "Concurrent interactive requests per project"),
        "CONCURRENCY_LIMIT",
        "fewer requests at a time",
        2,
        "RATE_LIMIT_EXCEEDED",
        {"quota_limit": "ConcurrentRequestsPerProject"},
    ),
    "rate": Row(
        Code.RESOURCE_EXHAUSTED,
        QUOTA.format("Number of read requests", "Number of read requests per minute per user"),
        "RATE_LIMIT_EXCEEDED",
        "fewer requests per second",
        2,
        "RATE_LIMIT_EXCEEDED",
        {"quota_limit": "ReadRequestsPerMinutePerProjectPerUser", "quota_limit_value": "6000"},
    ),
    "api-disabled": Row(
        Code.PERMISSION_DENIED,
        "Google Earth Engine API has not been used in project 599401802498 before or it is disabled. Enable it by "
        "visiting https://console.developers.google.com/apis/api/earthengine.googleapis.com/overview?project="
        "599401802498 then retry. If you enabled this API recently, wait a few minutes for the action to propagate to "
        "our systems and retry.",
        "SERVICE_DISABLED",
        "Enable earthengine.googleapis.com",
        info="SERVICE_DISABLED",
        values={"service": "earthengine.googleapis.com", "consumer": "projects/599401802498"},
    ),
    "no-permission": Row(
        Code.PERMISSION_DENIED,
        "Permission 'earthengine.computations.create' denied on resource 'projects/demo' (or it may not exist).",
        "PERMISSION_DENIED",
        "earthengine.computations.create",
    ),
    "no-permission-to-bill": Row(
        Code.PERMISSION_DENIED,
        "Caller does not have required permission to use project demo. Grant the caller the roles/serviceusage."
        "serviceUsageConsumer role, or a custom role with the serviceusage.services.use permission, by visiting "
        "https://console.developers.google.com/iam-admin/iam/project?project=demo and then retry.",
        "USER_PROJECT_DENIED",
        "serviceUsageConsumer",
        info="USER_PROJECT_DENIED",
        values={"service": "earthengine.googleapis.com", "consumer": "projects/demo"},
    ),
    "narrow-scope": Row(
        Code.PERMISSION_DENIED,
        "Request had insufficient authentication scopes.",
        "ACCESS_TOKEN_SCOPE_INSUFFICIENT",
        "scope",
        info="ACCESS_TOKEN_SCOPE_INSUFFICIENT",
    ),
    "project-not-registered": Row(
        Code.PERMISSION_DENIED,
        "Not signed up for Earth Engine or project is not registered. Visit https://developers.google.com/earth-engine/"
        "guides/access",
        "BAD_PROJECT",
        "registered for Earth Engine",
    ),
    "project-deleted": Row(
        Code.PERMISSION_DENIED,
        "Project 'projects/demo' not found or deleted.",
        "BAD_PROJECT",
        "registered for Earth Engine",
        info="CONSUMER_INVALID",
        values={"consumer": "projects/demo"},
    ),
    "project-malformed": Row(
        Code.INVALID_ARGUMENT,
        "Project ID 'projects/Demo' is invalid.",
        "BAD_PROJECT",
        "registered for Earth Engine",
        info="RESOURCE_PROJECT_INVALID",
    ),
    "unauthenticated": Row(
        Code.UNAUTHENTICATED,
        "Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or other valid "
        "authentication credential. See https://developers.google.com/identity/sign-in/web/devconsole-project.",
        "UNAUTHENTICATED",
        "eegrpc doctor",
    ),
    "no-such-band": Row(
        Code.INVALID_ARGUMENT,
        "Image.select: Band pattern 'B99' did not match any bands. Available bands: [B1, B2]",
        "BAD_EXPRESSION",
        "Correct the expression",
    ),
    "no-such-band-in-map": Row(
        Code.INVALID_ARGUMENT,
        "Error in map(ID=LC08_044034_20140318): Image.select: Band pattern 'B99' did not match any bands.",
        "BAD_EXPRESSION",
        "Correct the expression",
    ),
    "wrong-type": Row(
        Code.INVALID_ARGUMENT,
        "Collection.first, argument 'collection': Invalid type. Expected type: FeatureCollection. Actual type: String.",
        "BAD_EXPRESSION",
        "Correct the expression",
    ),
    "no-such-asset-of-a-project": Row(
        Code.INVALID_ARGUMENT,
        f"ImageCollection.load: ImageCollection asset 'projects/my-project/assets/c' not found {ASSET}",
        "BAD_EXPRESSION",
        "Correct the expression",
    ),
    "malformed-expression": Row(
        Code.INVALID_ARGUMENT,
        "Invalid value at 'expression.values[0].value' (oneof), oneof field 'value' is already set.",
        "BAD_EXPRESSION",
        "Correct the expression",
    ),
    "page-token": Row(Code.INVALID_ARGUMENT, "Invalid page token.", "BAD_PAGE_TOKEN", "start over"),
    "no-such-asset": Row(
        Code.NOT_FOUND, f"Asset 'projects/my-project/assets/c' not found {ASSET}", "NOT_FOUND", "names of the assets"
    ),
    "capacity": Row(Code.UNAVAILABLE, "Earth Engine capacity exceeded.", "UNAVAILABLE", "safe to send", 2),
    "internal": Row(Code.INTERNAL, "An internal error has occurred.", "INTERNAL", "try again later", 2),
}
CASES = [pytest.param(row, id=name) for name, row in ROWS.items()] + [
    pytest.param(row._replace(info="", values={}), id=f"{name}-message-alone") for name, row in ROWS.items() if row.info
]
CANARY = canaries.API_KEY


@pytest.fixture(scope="module")
def servicer():
    return ScriptedServicer()


@pytest.fixture(scope="module")
def ways(servicer):
    """Options of a client, for each way to the servicer."""
    with grpc_server(servicer) as native, rest_server(servicer) as rest:
        targets = {"grpc": f"http://127.0.0.1:{native}", "rest": f"http://127.0.0.1:{rest}"}
        yield [
            (colour, {"transport": transport, "endpoint": endpoint, "retry": RetryPolicy(max_attempts=2, initial=0)})
            for colour, (transport, endpoint) in itertools.product(("sync", "aio"), targets.items())
        ]


def facts(error):
    """What must be equal however the error came."""
    told = (error.code(), error.details(), error.reason, error.retryable, error.hint)
    return *told, unpacked(error.status), error.context, str(error)


def unpacked(status):
    """A status to compare: the bytes of a detail depend on the order of a map, which is anybody's."""
    infos = [error_details_pb2.ErrorInfo() for _ in status.details]
    assert all(detail.Unpack(info) for detail, info in zip(status.details, infos, strict=True))
    return status.code, status.message, infos


@pytest.mark.parametrize("row", CASES)
def test_failures_are_told_apart_alike_everywhere(row, ways, servicer):
    servicer.answer = lambda request, context: context.abort_with_status(rpc_status.to_status(row.status))
    body = {"code": HTTP_OF_CODE[row.code], "message": row.message, "status": row.code.name}
    if row.info:
        info = {"reason": row.info, "domain": "googleapis.com", "metadata": row.values}
        body["details"] = [{"@type": "type.googleapis.com/google.rpc.ErrorInfo", **info}]
    with HttpPeer.answering(http(HTTP_OF_CODE[row.code], json.dumps({"error": body}).encode())) as google:
        as_google = [("sync", ways[0][1] | {"transport": "rest", "endpoint": f"http://127.0.0.1:{google.port}"})]
        errors = [compute(colour, options, metadata=[("x-secret", CANARY)]) for colour, options in [*ways, *as_google]]
    for error in errors:
        assert isinstance(error, EarthEngineError)
        assert facts(error) == facts(errors[0])
        assert facts(pickle.loads(pickle.dumps(error))) == facts(error)
        metadata = (*error.initial_metadata(), *error.trailing_metadata())
        assert CANARY not in f"{error} {error!r} {error.__cause__!r} {metadata}"
    error = errors[0]
    assert (error.code(), error.details(), error.reason) == (row.code, row.message, row.reason)
    assert error.retryable is (row.attempts > 1)
    assert row.hint in error.hint
    assert unpacked(error.status) == unpacked(row.status)
    assert error.context == CallContext("projects/p", page=1, attempt=row.attempts)
