"""Retries over channels that the client makes: what the other side sees, on both transports and in both colours."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
import threading

import google.oauth2.credentials
import grpc
import h2.errors
import pytest
from google.rpc import code_pb2, error_details_pb2, status_pb2
from grpc_status import rpc_status
from peers import H2Peer, HttpPeer, http
from prepared_calls import told
from retry_doubles import EXPRESSION, compute
from servers import ScriptedServicer, grpc_server, rest_server
from waiting import PATIENCE

import eegrpc
from eegrpc import RetryPolicy
from eegrpc._calls import own_channel_options
from eegrpc.errors import EarthEngineError
from eegrpc.v1alpha import ComputeImagesResponse, EarthEngineAsset

Code = grpc.StatusCode
AT_ONCE = RetryPolicy(initial=0.0)
ANSWER = ComputeImagesResponse(images=[EarthEngineAsset(name="only")])
JSON = b'{"images": [{"name": "only"}]}'


class Recorder(ScriptedServicer):
    """Fails as `failures` say, one by one, then answers; keeps what came."""

    def __init__(self):
        super().__init__()
        self.failures, self.requests, self.metadata = [], [], []
        self.answer = self.fail_or_answer

    def fail_or_answer(self, request, context):
        self.requests.append(request)
        self.metadata.append(dict(context.invocation_metadata()))
        if self.failures:
            self.failures.pop(0)(context)
        return ANSWER


def aborts(code, details="not now", *, trailing=()):
    def fail(context):
        context.set_trailing_metadata(trailing)
        context.abort(code, details)

    return fail


@pytest.fixture
def servicer():
    return Recorder()


@pytest.fixture(params=["grpc", "rest"])
def options(request, servicer):
    """How a client reaches the servicer."""
    serve = {"grpc": grpc_server, "rest": rest_server}[request.param]
    with serve(servicer) as port:
        yield {"endpoint": f"http://127.0.0.1:{port}", "transport": request.param, "retry": AT_ONCE}


@pytest.fixture(params=["sync", "aio"])
def colour(request):
    return request.param


# ---- which failures ----


def test_ret_03_each_code(options, colour, servicer):
    attempts = {}
    for code in Code:
        if code is not Code.OK:
            servicer.failures, servicer.requests = [aborts(code)] * 9, []
            error = compute(colour, options)
            assert error.code() is code
            assert error.context.attempt == len(servicer.requests)
            attempts[code] = len(servicer.requests)
    assert attempts.pop(Code.UNAVAILABLE) == attempts.pop(Code.RESOURCE_EXHAUSTED) == 5
    assert attempts.pop(Code.INTERNAL) == 2
    assert set(attempts.values()) == {1}


def test_ret_08_a_403_for_the_rate_is_sent_again(options, colour, servicer):
    def deny(reason):
        status = status_pb2.Status(code=code_pb2.PERMISSION_DENIED, message="User Rate Limit Exceeded")
        status.details.add().Pack(error_details_pb2.ErrorInfo(reason=reason, domain="usageLimits"))
        return lambda context: context.abort_with_status(rpc_status.to_status(status))

    servicer.failures = [deny("rateLimitExceeded"), deny("userRateLimitExceeded")]
    assert compute(colour, options) == ["only"]
    assert len(servicer.requests) == 3
    servicer.failures = [deny("forbidden")]
    assert compute(colour, options).code() is Code.PERMISSION_DENIED
    assert len(servicer.requests) == 4


def test_ret_08_as_googles_older_json_apis_say_it(colour):
    def body(reason):
        errors = [{"domain": "usageLimits", "reason": reason}]
        return http(403, json.dumps({"error": {"code": 403, "message": "x", "errors": errors}}).encode())

    answers = (
        body("rateLimitExceeded"),
        body("userRateLimitExceeded"),
        http(200, JSON),
        body("insufficientPermissions"),
    )
    with HttpPeer.answering(*answers) as peer:
        options = {"endpoint": f"http://127.0.0.1:{peer.port}", "transport": "rest", "retry": AT_ONCE}
        assert compute(colour, options) == ["only"]
        assert len(peer.requests) == 3
        assert compute(colour, options).code() is Code.PERMISSION_DENIED
        assert len(peer.requests) == 4


@pytest.mark.parametrize("how", ["close", "reset"])
def test_a_connection_lost_before_the_answer_is_tried_again_over_rest(colour, how):
    def script(connection):
        while connection.read() is not None:
            if len(peer.requests) <= 2:
                getattr(connection, how)()
                return
            connection.send(http(200, JSON))

    with HttpPeer(script) as peer:
        options = {"endpoint": f"http://127.0.0.1:{peer.port}", "transport": "rest", "retry": AT_ONCE}
        assert compute(colour, options) == ["only"]
        assert len(peer.requests) == 3


def test_a_connection_lost_before_the_answer_is_tried_again_over_grpc(colour):
    def script(stream):
        if len(peer.requests) == 1:
            stream.sock.close()
            return
        stream.begin()
        stream.message(ANSWER.SerializeToString())
        stream.finish()

    with H2Peer(script) as peer:
        # grpc connects anew at its own pace, a second at first; the waits of the policy are shorter than that.
        options = {"endpoint": f"http://127.0.0.1:{peer.port}", "transport": "grpc"}
        assert compute(colour, options | {"retry": RetryPolicy(max_attempts=99, initial=0.1, budget=None)}) == ["only"]
        assert len(peer.requests) == 2


# ---- when, in the server's words ----


@pytest.mark.parametrize(
    ("value", "attempts"),
    [
        pytest.param("300", 2, id="RET-06-300"),
        pytest.param("-1", 1, id="RET-06-negative"),
        pytest.param("x", 1, id="RET-06-text"),
    ],
)
def test_ret_06_pushback(options, colour, servicer, value, attempts, caplog):
    caplog.set_level(logging.INFO, "eegrpc")
    servicer.failures = [aborts(Code.UNAVAILABLE, trailing=(("grpc-retry-pushback-ms", value),))]
    outcome = compute(colour, options)
    assert len(servicer.requests) == attempts
    if attempts == 1:
        assert outcome.code() is Code.UNAVAILABLE
    else:
        assert outcome == ["only"]
        assert "next in 0.30 s" in caplog.text


def test_ret_06_pushback_beyond_the_deadline_fails_at_once(options, colour, servicer):
    servicer.failures = [aborts(Code.UNAVAILABLE, trailing=(("grpc-retry-pushback-ms", "60000"),))]
    assert compute(colour, options, timeout=30).code() is Code.UNAVAILABLE
    assert len(servicer.requests) == 1


# ---- what is sent ----


def test_ret_14_attempts_are_equal_but_for_their_number(options, colour, servicer):
    servicer.failures = [aborts(Code.UNAVAILABLE), aborts(Code.RESOURCE_EXHAUSTED, "Too many concurrent requests.")]
    credentials = google.oauth2.credentials.Credentials("access-token")
    assert compute(colour, {**options, "credentials": credentials}, page_token="page") == ["only"]
    assert len(servicer.requests) == 3
    assert len({request.SerializeToString(deterministic=True) for request in servicer.requests}) == 1
    assert {request.page_token for request in servicer.requests} == {"page"}
    assert {metadata["authorization"] for metadata in servicer.metadata} == {"Bearer access-token"}
    told = [
        {key: metadata.pop(key, None) for key in ("eegrpc-attempt", "eegrpc-retry-reason")}
        for metadata in servicer.metadata
    ]
    assert told == [
        {"eegrpc-attempt": None, "eegrpc-retry-reason": None},
        {"eegrpc-attempt": "2", "eegrpc-retry-reason": "UNAVAILABLE"},
        {"eegrpc-attempt": "3", "eegrpc-retry-reason": "CONCURRENCY_LIMIT"},
    ]
    for metadata in servicer.metadata:
        metadata.pop("x-server-timeout", None)  # what is left of the call's time
    assert servicer.metadata[0] == servicer.metadata[1] == servicer.metadata[2]


def test_ret_14_the_bytes_of_the_body(colour):
    with HttpPeer.answering(http(503, b""), http(503, b""), http(200, JSON)) as peer:
        options = {"endpoint": f"http://127.0.0.1:{peer.port}", "transport": "rest", "retry": AT_ONCE}
        assert compute(colour, options, page_token="page", page_size=7) == ["only"]
        assert len(peer.requests) == 3
        assert len({body for _, body in peer.requests}) == 1
        assert b'"page"' in peer.requests[0][1]


# ---- one policy, and not another one inside ----


def refuse(stream):
    """Refuse a request as a server does that has not looked at it."""
    stream.reset(h2.errors.ErrorCodes.REFUSED_STREAM)


def unavailable(stream):
    """End a request with UNAVAILABLE, and nothing else."""
    stream.headers([(":status", "200"), ("content-type", "application/grpc"), ("grpc-status", "14")], end=True)


@pytest.mark.parametrize("script", [refuse, unavailable], ids=["RET-12-refused", "RET-12-unavailable"])
def test_ret_12_without_retry_grpc_does_not_retry_either(colour, script):
    with H2Peer(script) as peer:
        options = {"endpoint": f"http://127.0.0.1:{peer.port}", "transport": "grpc", "retry": None}
        assert compute(colour, options).code() is Code.UNAVAILABLE
        assert len(peer.requests) == 1


def test_ret_12_five_attempts_are_five_requests(colour):
    with H2Peer(unavailable) as peer:
        options = {"endpoint": f"http://127.0.0.1:{peer.port}", "transport": "grpc", "retry": AT_ONCE}
        assert compute(colour, options).code() is Code.UNAVAILABLE
        assert len(peer.requests) == 5
    with HttpPeer.answering(http(503, b"")) as peer:
        options = {"endpoint": f"http://127.0.0.1:{peer.port}", "transport": "rest", "retry": AT_ONCE}
        assert compute(colour, options).code() is Code.UNAVAILABLE
        assert len(peer.requests) == 5


@pytest.mark.parametrize(
    ("retry", "disabled"), [(..., False), (None, True), (RetryPolicy(max_attempts=1), True), (RetryPolicy(), False)]
)
def test_ret_12_no_channel_of_the_client_takes_a_retry_policy_from_dns(retry, disabled):
    options = dict(own_channel_options(told(retry, own_channel=True)))
    assert options.pop("grpc.service_config_disable_resolution") == 1
    assert options == ({"grpc.enable_retries": 0} if disabled else {})


# ---- a policy of one's own ----


class Own:
    """Waits as long as it is told, and says when it is asked: the call waits from then on."""

    def __init__(self, delay):
        self.delay, self.asked, self.codes = delay, threading.Event(), []

    def next_delay(self, failures, elapsed):
        self.codes.append([error.code() for error in failures])
        self.asked.set()
        return self.delay


@pytest.mark.parametrize("where", ["client", "call"])
def test_an_own_policy(options, colour, servicer, where):
    servicer.failures = [aborts(Code.ABORTED), aborts(Code.DATA_LOSS)]
    own = Own(0)
    arguments = {"retry": own} if where == "call" else {}
    assert compute(colour, options | ({} if arguments else {"retry": own}), **arguments) == ["only"]
    assert own.codes == [[Code.ABORTED], [Code.ABORTED, Code.DATA_LOSS]]


@pytest.mark.parametrize("retry", [5, "RetryPolicy", RetryPolicy, object()], ids=["number", "name", "class", "object"])
def test_what_is_no_policy_is_refused(options, colour, retry):
    with pytest.raises(TypeError, match="next_delay"):
        compute(colour, options | {"retry": retry})


# ---- RET-15: the end of a call that waits; if it waited on, the test would hang ----


def test_ret_15_another_thread_closes_the_client(options, servicer):
    servicer.failures = [aborts(Code.UNAVAILABLE, "the cause")] * 9
    own = Own(300.0)
    client = eegrpc.EarthEngineClient("p", **options | {"retry": own})
    closer = threading.Thread(target=lambda: own.asked.wait(PATIENCE) and client.close())
    closer.start()
    with pytest.raises(EarthEngineError, match="closed while") as caught:
        next(client.compute_images(EXPRESSION))
    closer.join()
    assert caught.value.code() is Code.CANCELLED
    assert caught.value.__cause__.details() == "the cause"
    assert len(servicer.requests) == 1


async def test_ret_15_another_task_closes_the_client(options, servicer):
    servicer.failures = [aborts(Code.UNAVAILABLE, "the cause")] * 9
    own = Own(300.0)
    client = eegrpc.EarthEngineAsyncClient("p", **options | {"retry": own})
    task = asyncio.create_task((await client.compute_images(EXPRESSION)).__anext__())
    await asyncio.to_thread(own.asked.wait, PATIENCE)
    await client.close()
    with pytest.raises(EarthEngineError, match="closed while") as caught:
        await task
    assert caught.value.code() is Code.CANCELLED
    assert len(servicer.requests) == 1


async def test_ret_15_a_cancelled_task(options, servicer):
    servicer.failures = [aborts(Code.UNAVAILABLE)] * 9
    own = Own(300.0)
    async with eegrpc.EarthEngineAsyncClient("p", **options | {"retry": own}) as client:
        task = asyncio.create_task((await client.compute_images(EXPRESSION)).__anext__())
        await asyncio.to_thread(own.asked.wait, PATIENCE)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert len(servicer.requests) == 1


def test_ret_15_a_keyboard_interrupt(options, servicer):
    servicer.failures = [aborts(Code.UNAVAILABLE)]
    own = Own(300.0)
    interrupter = threading.Thread(target=lambda: own.asked.wait(PATIENCE) and os.kill(os.getpid(), signal.SIGINT))
    interrupter.start()
    with eegrpc.EarthEngineClient("p", **options | {"retry": own}) as client:
        with pytest.raises(KeyboardInterrupt):
            next(client.compute_images(EXPRESSION))
        interrupter.join()
        assert len(servicer.requests) == 1
        assert [image.name for image in client.compute_images(EXPRESSION, retry=AT_ONCE)] == ["only"]
