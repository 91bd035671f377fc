"""EarthEngineError: a gRPC error and call, told apart by the table, picklable, equal for sync and asyncio."""

from __future__ import annotations

import pickle

import grpc
import grpc.aio
import pytest
from google.protobuf.duration_pb2 import Duration
from google.rpc import error_details_pb2, status_pb2
from grpc_status import rpc_status

from eegrpc._error_rules import THROTTLED
from eegrpc.errors import RULES, CallContext, EarthEngineError, from_rpc_error, make_error
from eegrpc.transcoding.status import DOMAIN

Code = grpc.StatusCode


def rich(code: Code, message: str, *details) -> EarthEngineError:
    """The error that a server sends with details."""
    status = status_pb2.Status(code=code.value[0], message=message)
    for detail in details:
        status.details.add().Pack(detail)
    return EarthEngineError(code, message, trailing_metadata=(("grpc-status-details-bin", status.SerializeToString()),))


def test_is_an_rpc_error_and_a_finished_call():
    error = EarthEngineError(
        Code.UNAVAILABLE, "gone", initial_metadata=[("a", "1")], trailing_metadata=[("b-bin", b"2")]
    )
    assert isinstance(error, grpc.RpcError)
    assert isinstance(error, grpc.Call)
    assert (error.code(), error.details()) == (Code.UNAVAILABLE, "gone")
    assert error.initial_metadata() == (("a", "1"),)
    assert error.trailing_metadata() == (("b-bin", b"2"),)
    assert not error.is_active()
    assert error.time_remaining() is None
    assert not error.cancel()
    assert not error.add_callback(pytest.fail)


@pytest.mark.parametrize("code", [code for code in Code if code is not Code.OK])
def test_every_code_has_a_reason_and_a_hint(code):
    error = EarthEngineError(code, "something odd")
    assert error.reason == code.name
    assert error.hint
    assert error.retryable is (code in (Code.UNAVAILABLE, Code.RESOURCE_EXHAUSTED, Code.INTERNAL))
    assert error.status == status_pb2.Status(code=code.value[0], message="something odd")
    assert rpc_status.from_call(error) is None


@pytest.mark.parametrize(
    ("code", "message", "reason", "retryable"),
    [
        (Code.INVALID_ARGUMENT, "Computation timed out.", "COMPUTATION_TIMED_OUT", False),
        (Code.INVALID_ARGUMENT, "User memory limit exceeded.", "MEMORY_LIMIT_EXCEEDED", False),
        (Code.RESOURCE_EXHAUSTED, "Too many concurrent aggregations.", "TOO_MANY_AGGREGATIONS", True),
        (Code.RESOURCE_EXHAUSTED, "Too many concurrent requests.", "CONCURRENCY_LIMIT", True),
        (Code.RESOURCE_EXHAUSTED, "Quota exceeded for quota metric 'Requests' and limit 'Requests per minute'",
         "RATE_LIMIT_EXCEEDED", True),
        (Code.RESOURCE_EXHAUSTED, "Quota exceeded for limit 'EECU-seconds per day'", "DAILY_QUOTA", False),
        (Code.RESOURCE_EXHAUSTED, "CLIENT: Received message larger than max (5 vs. 4)", "TOO_LARGE", False),
        (Code.PERMISSION_DENIED, "Google Earth Engine API has not been used in project 1 before or it is disabled.",
         "SERVICE_DISABLED", False),
        (Code.NOT_FOUND, "Project 'projects/x' not found.", "BAD_PROJECT", False),
        (Code.PERMISSION_DENIED, "Request had insufficient authentication scopes.", "ACCESS_TOKEN_SCOPE_INSUFFICIENT",
         False),
        (Code.PERMISSION_DENIED, "Caller does not have permission", "PERMISSION_DENIED", False),
        (Code.INVALID_ARGUMENT, "Image.select: Pattern 'B99' did not match any bands.", "BAD_EXPRESSION", False),
        (Code.INVALID_ARGUMENT, "Invalid value at 'expression' (type.googleapis.com/x)", "BAD_EXPRESSION", False),
        (Code.INVALID_ARGUMENT, "The page token has expired.", "BAD_PAGE_TOKEN", False),
        (Code.UNAVAILABLE, "failed to connect: CERTIFICATE_VERIFY_FAILED", "TLS", False),
    ],
)  # fmt: skip
def test_messages_tell_reasons_apart(code, message, reason, retryable):
    error = EarthEngineError(code, message)
    assert (error.reason, error.retryable) == (reason, retryable)
    assert {rule.hint for rule in RULES if rule.reason == reason} == (set() if reason == code.name else {error.hint})


def test_rules_say_one_thing_for_each_reason_and_what_to_do():
    assert len({(rule.reason, rule.hint, rule.retryable) for rule in RULES}) == len({rule.reason for rule in RULES})
    assert {rule.reason for rule in RULES} >= THROTTLED
    assert all(rule.hint.endswith(".") for rule in RULES)


def test_error_info_names_the_reason_and_its_values_the_rule():
    info = error_details_pb2.ErrorInfo(
        reason="RATE_LIMIT_EXCEEDED",
        domain="googleapis.com",
        metadata={"quota_limit": "daily_eecu_usage_time"},
    )
    error = rich(Code.RESOURCE_EXHAUSTED, "Quota exceeded.", info)
    assert error.reason == "DAILY_QUOTA"
    assert error.status.details[0].value == info.SerializeToString()  # the server's own word is kept
    assert not error.retryable
    assert "day" in error.hint
    other = error_details_pb2.ErrorInfo(reason="SOMETHING_NEW", domain="googleapis.com")
    assert rich(Code.INTERNAL, "x", other).reason == "SOMETHING_NEW"


def test_own_errors_are_told_by_their_reason_not_by_words_quoted_from_the_request():
    error = make_error(Code.INVALID_ARGUMENT, 'result names "page token"', reason="BAD_EXPRESSION", field="expression")
    assert error.reason == "BAD_EXPRESSION"
    assert error.hint == next(rule.hint for rule in RULES if rule.reason == "BAD_EXPRESSION")


@pytest.mark.parametrize(
    ("code", "reason", "retryable"),
    [
        (Code.UNAVAILABLE, "NOT_JSON", True),  # the HTML of a 502
        (Code.UNKNOWN, "NOT_JSON", False),
        (Code.UNAVAILABLE, "TRUNCATED", True),
        (Code.UNAVAILABLE, "CONNECTION_LOST", True),
        (Code.RESOURCE_EXHAUSTED, "TOO_LARGE", False),
        (Code.UNKNOWN, "REDIRECT", False),
        (Code.INTERNAL, "BAD_RESPONSE", False),
    ],
)
def test_reasons_of_the_transcoding_channel(code, reason, retryable):
    info = error_details_pb2.ErrorInfo(reason=reason, domain=DOMAIN)
    error = rich(code, "<title>Project not found: page token, certificate verify failed, daily</title>", info)
    assert (error.reason, error.retryable) == (reason, retryable)


def test_status_is_kept_whole_and_from_call_works():
    retry = error_details_pb2.RetryInfo(retry_delay=Duration(seconds=3))
    error = rich(Code.UNAVAILABLE, "later", retry)
    assert rpc_status.from_call(error) == error.status
    unpacked = error_details_pb2.RetryInfo()
    assert error.status.details[0].Unpack(unpacked)
    assert unpacked == retry


@pytest.mark.parametrize(
    "value",
    [b"\xff", status_pb2.Status(code=5, message="x").SerializeToString()],
    ids=["undecodable", "contradicts-code"],
)
def test_a_broken_status_is_replaced(value):
    error = EarthEngineError(Code.INTERNAL, "x", trailing_metadata=[("grpc-status-details-bin", value)])
    assert error.status == status_pb2.Status(code=13, message="x")


def test_broken_details_do_no_harm():
    status = status_pb2.Status(code=14, message="x")
    status.details.add(type_url="type.googleapis.com/google.rpc.ErrorInfo", value=b"\xff")
    trailing = [("grpc-status-details-bin", status.SerializeToString())]
    assert EarthEngineError(Code.UNAVAILABLE, "x", trailing_metadata=trailing).reason == "UNAVAILABLE"


def test_pickle_keeps_everything_but_the_cause():
    context = CallContext("projects/p", page=3, attempt=2)
    error = make_error(Code.INTERNAL, "loop", reason="TOKEN_LOOP", context=context)
    error.__cause__ = ValueError("not for others")
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is EarthEngineError
    assert (copy.code(), copy.details(), copy.reason, copy.hint) == (Code.INTERNAL, "loop", "TOKEN_LOOP", error.hint)
    assert (copy.status, copy.context, copy.trailing_metadata()) == (error.status, context, error.trailing_metadata())
    assert copy.__cause__ is None


def test_str_and_repr_say_what_to_do_and_leave_metadata_out():
    error = EarthEngineError(Code.UNAUTHENTICATED, "no", trailing_metadata=[("authorization", "Bearer canary")])
    assert str(error) == f"UNAUTHENTICATED: no ({error.hint})"
    assert "canary" not in str(error) + repr(error)


def test_from_asyncio_error_with_its_own_metadata_type():
    cause = grpc.aio.AioRpcError(
        Code.UNAVAILABLE,
        grpc.aio.Metadata(("a", "1")),
        grpc.aio.Metadata(("b-bin", b"2"), ("b-bin", b"3")),
        details="gone",
    )
    error = from_rpc_error(cause, context=CallContext("projects/p"))
    assert (error.code(), error.details(), error.context.project) == (Code.UNAVAILABLE, "gone", "projects/p")
    assert error.initial_metadata() == (("a", "1"),)
    assert error.trailing_metadata() == (("b-bin", b"2"), ("b-bin", b"3"))
    assert pickle.loads(pickle.dumps(error)).trailing_metadata() == error.trailing_metadata()


def test_from_a_bare_rpc_error():
    error = from_rpc_error(grpc.RpcError())
    assert (error.code(), error.details()) == (Code.UNKNOWN, "")


def test_asyncio_error_without_details():
    cause = grpc.aio.AioRpcError(Code.ABORTED, grpc.aio.Metadata(), grpc.aio.Metadata())
    assert from_rpc_error(cause).details() == ""
