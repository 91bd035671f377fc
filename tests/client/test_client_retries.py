"""Retries over real channels; the policy itself is tested in test_retry.py."""

from __future__ import annotations

import grpc
import pytest
from client_kinds import AT_ONCE, numbers, paged
from google.protobuf.duration_pb2 import Duration
from google.rpc import error_details_pb2, status_pb2
from grpc_status import rpc_status

Code = grpc.StatusCode


def failing(times, code, then):
    """A script that fails `times` times, then goes on with another."""
    left = [None] * times

    def script(request, context):
        if left:
            left.pop()
            context.abort(code, "not now")
        return then(request, context)

    return script


@pytest.mark.parametrize("code", [Code.UNAVAILABLE, Code.RESOURCE_EXHAUSTED])
async def test_a_failed_page_is_sent_again(compute, servicer, code):
    servicer.script = failing(3, code, paged(5, 2))
    outcome = await compute(options={"retry": AT_ONCE})
    assert (outcome.names, outcome.error) == (numbers(5), None)
    assert len(servicer.requests) == 6


async def test_ret_02_at_most_five_attempts(compute, servicer):
    servicer.script = failing(99, Code.UNAVAILABLE, paged(1, 1))
    outcome = await compute(options={"retry": AT_ONCE})
    assert outcome.error.context.attempt == len(servicer.requests) == 5


@pytest.mark.parametrize("where", ["client", "call"])
async def test_ret_12_without_retry_one_attempt(compute, servicer, where):
    servicer.script = failing(1, Code.UNAVAILABLE, paged(1, 1))
    outcome = await (compute(options={"retry": None}) if where == "client" else compute(retry=None))
    assert outcome.error.code() is Code.UNAVAILABLE
    assert len(servicer.requests) == 1


@pytest.mark.parametrize("how", ["RetryInfo", "retry-after"])
async def test_ret_10_a_server_that_asks_for_more_time_than_is_left_fails_the_call_at_once(compute, servicer, how):
    status = status_pb2.Status(code=Code.RESOURCE_EXHAUSTED.value[0], message="Too many concurrent requests.")
    if how == "RetryInfo":
        status.details.add().Pack(error_details_pb2.RetryInfo(retry_delay=Duration(seconds=100)))

    def script(request, context):
        if how == "RetryInfo":
            context.abort_with_status(rpc_status.to_status(status))
        context.set_trailing_metadata((("retry-after", "100"),))
        context.abort(Code.RESOURCE_EXHAUSTED, status.message)

    servicer.script = script
    error = (await compute(timeout=90)).error
    assert len(servicer.requests) == 1
    assert (error.reason, error.retryable, error.status) == ("CONCURRENCY_LIMIT", True, status)
    if how == "RetryInfo":
        assert rpc_status.from_call(error) == rpc_status.from_call(error.__cause__) == status


async def test_a_retry_that_is_no_policy_is_a_type_error(compute):
    with pytest.raises(TypeError, match="RetryPolicy"):
        await compute(retry=5)
