"""What every synchronous channel must show; aio_channel_suite.py has the same for asyncio, under the same names.

The tests take `world`: a kind of channel and a server that answers by a script; or `cold_world`, where the server has
not been started yet. They run on grpc's own channel first.
"""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest
from google.protobuf import any_pb2
from google.rpc import error_details_pb2, status_pb2
from grpc_status import rpc_status
from servers import Hang, HangEach
from waiting import PATIENCE

from eegrpc.v1alpha import ComputeImagesRequest, ComputeImagesResponse, EarthEngineStub

Code = grpc.StatusCode
METHOD = "/google.earthengine.v1alpha.EarthEngine/ComputeImages"


def request(token: str = "token") -> ComputeImagesRequest:
    return ComputeImagesRequest(project="projects/p", page_token=token)


def rich_status() -> status_pb2.Status:
    details = [error_details_pb2.ErrorInfo(reason="R", domain="d"), error_details_pb2.RetryInfo()]
    packed = []
    for detail in details:
        packed.append(any_pb2.Any())
        packed[-1].Pack(detail)
    return status_pb2.Status(code=Code.FAILED_PRECONDITION.value[0], message="rich: größe 🌍 100%\nof", details=packed)


@pytest.fixture
def channel(world):
    return world.open()


@pytest.fixture
def stub(channel):
    return EarthEngineStub(channel)


def failure(call, *args, **kwargs) -> grpc.RpcError:
    with pytest.raises(grpc.RpcError) as caught:
        call(*args, **kwargs)
    return caught.value


# --- Outcomes --------------------------------------------------------------------------------------------------------


def test_success(stub):
    assert stub.ComputeImages(request("größe 🌍")) == ComputeImagesResponse(next_page_token="größe 🌍")


def test_the_call_of_a_success(stub):
    response, call = stub.ComputeImages.with_call(request())
    assert response.next_page_token == "token"
    assert isinstance(call, grpc.Call)
    assert call.code() is Code.OK
    assert not call.details()
    assert not call.is_active()
    assert not call.cancel()


def test_every_status_code(world, stub):
    world.servicer.answer = lambda request, context: context.abort(Code[request.page_token], f"no {request.page_token}")
    for code in Code:
        if code is not Code.OK:
            error = failure(stub.ComputeImages, request(code.name))
            assert (error.code(), error.details()) == (code, f"no {code.name}")
            assert rpc_status.from_call(error) is None


def test_error_with_rich_details(world, stub):
    status = rich_status()
    world.servicer.answer = lambda request, context: context.abort_with_status(rpc_status.to_status(status))
    error = failure(stub.ComputeImages, request())
    assert (error.code(), error.details()) == (Code.FAILED_PRECONDITION, status.message)
    assert rpc_status.from_call(error) == status
    assert isinstance(error, grpc.Call)


def test_a_servicer_that_raises(world, stub):
    world.servicer.answer = lambda request, context: 1 / 0
    assert failure(stub.ComputeImages, request()).code() is Code.UNKNOWN
    world.servicer.answer = lambda request, context: ComputeImagesResponse()
    assert stub.ComputeImages(request()) == ComputeImagesResponse()


def test_a_method_that_is_not_there(channel):
    method = channel.unary_unary("/google.earthengine.v1alpha.EarthEngine/NoSuch")
    assert failure(method, b"").code() is Code.UNIMPLEMENTED


def test_raw_bytes_without_serializers(channel):
    wire = channel.unary_unary(METHOD)(request().SerializeToString())
    assert ComputeImagesResponse.FromString(wire).next_page_token == "token"


def test_serializers_that_raise(world, channel):
    def fail(_):
        raise RuntimeError("mine")

    wire = request().SerializeToString()
    error = failure(channel.unary_unary(METHOD, fail), request())
    assert (error.code(), error.details()) == (Code.INTERNAL, "Exception serializing request!")
    assert world.servicer.calls == 0
    error = failure(channel.unary_unary(METHOD, None, fail), wire)
    assert (error.code(), error.details()) == (Code.INTERNAL, "Exception deserializing response!")
    assert channel.unary_unary(METHOD)(wire)


def test_registered_method_by_keyword_and_position(channel):
    wire = request().SerializeToString()
    assert channel.unary_unary(METHOD, None, None, True)(wire)
    assert channel.unary_unary(METHOD, request_serializer=None, response_deserializer=None, _registered_method=True)(
        wire
    )


def test_streams_are_made_without_error_and_unimplemented_when_called(world, channel):
    path = "/google.earthengine.v1alpha.EarthEngine/Stream"
    calls = [
        lambda: list(channel.unary_stream(path, _registered_method=True)(b"")),
        lambda: channel.stream_unary(path, None, None, True)(iter([b""])),
        lambda: list(channel.stream_stream(path)(iter([b""]), timeout=5)),
    ]
    for call in calls:
        error = failure(call)
        assert error.code() is world.code_of_streams
        assert error.details()


# --- Metadata --------------------------------------------------------------------------------------------------------


def test_metadata_to_the_server(world, stub):
    seen = []
    world.servicer.answer = lambda request, context: (
        seen.extend(context.invocation_metadata()) or ComputeImagesResponse()
    )
    sent = [("x-one", "1"), ("x-two", "a"), ("x-two", "b, c"), ("x-raw-bin", b"\x00\xff\r\n"), ("x-raw-bin", b"")]
    stub.ComputeImages(request(), metadata=sent)
    assert [tuple(pair) for pair in seen if pair[0] in dict(sent)] == sent


def test_metadata_from_the_server(world, stub):
    first = (("x-first", "1"), ("x-first", "2"), ("x-first-bin", b"\x00\x01"))
    last = (("x-last", "a"), ("x-last", "b"), ("x-last-bin", b"\xff\n"))

    def answer(request, context):
        context.send_initial_metadata(first)
        context.set_trailing_metadata(last)
        if request.page_token == "fail":
            context.abort(Code.NOT_FOUND, "gone")
        return ComputeImagesResponse()

    world.servicer.answer = answer
    _, call = stub.ComputeImages.with_call(request())
    error = failure(stub.ComputeImages, request("fail"))
    for each in (call, error):
        assert [tuple(pair) for pair in each.initial_metadata() if pair[0].startswith("x-first")] == list(first)
        assert [tuple(pair) for pair in each.trailing_metadata() if pair[0].startswith("x-last")] == list(last)


# --- Deadlines -------------------------------------------------------------------------------------------------------


def test_deadline_when_the_server_never_answers(world, stub):
    world.servicer.answer = hang = Hang()
    error = failure(stub.ComputeImages, request(), timeout=0.3)
    assert error.code() is Code.DEADLINE_EXCEEDED
    assert error.details().startswith("Deadline Exceeded")
    assert hang.gone.wait(PATIENCE)
    assert stub.ComputeImages(request(), timeout=PATIENCE)


def test_the_server_knows_the_deadline(world, stub):
    left = []
    world.servicer.answer = lambda request, context: left.append(context.time_remaining()) or ComputeImagesResponse()
    stub.ComputeImages(request(), timeout=100)
    assert 0 < left[0] < 101


def test_grp_15_a_deadline_that_has_passed(world, stub):
    assert failure(stub.ComputeImages, request(), timeout=-1).code() is Code.DEADLINE_EXCEEDED
    assert world.servicer.calls == 0


# --- Cancellation ----------------------------------------------------------------------------------------------------


def test_cancel_while_the_server_works(world, stub):
    world.servicer.answer = hang = Hang()
    call = stub.ComputeImages.future(request())
    assert hang.arrived.wait(PATIENCE)
    assert not call.done()
    assert call.cancel()
    assert hang.gone.wait(PATIENCE)
    assert call.cancelled()
    assert call.done()
    assert (call.code(), call.details()) == (Code.CANCELLED, "Locally cancelled by application!")
    with pytest.raises(grpc.FutureCancelledError):
        call.result()
    assert stub.ComputeImages(request(), timeout=PATIENCE)


def test_cancel_at_once(world, stub):
    world.servicer.answer = hang = Hang()  # an answer that came first would rightly win
    call = stub.ComputeImages.future(request())
    call.cancel()
    assert call.cancelled()
    assert call.code() is Code.CANCELLED
    hang.release.set()
    assert stub.ComputeImages(request(), timeout=PATIENCE)


def test_cancel_of_an_ended_call(stub):
    call = stub.ComputeImages.future(request())
    assert call.result(PATIENCE).next_page_token == "token"
    assert not call.cancel()
    assert not call.cancelled()
    assert call.code() is Code.OK


# --- Futures and calls -----------------------------------------------------------------------------------------------


def test_future_of_a_success(stub):
    call = stub.ComputeImages.future(request(), timeout=PATIENCE)
    assert isinstance(call, grpc.Future)
    assert isinstance(call, grpc.Call)
    assert call.result().next_page_token == "token"
    assert call.exception() is None
    assert call.traceback() is None
    assert call.done()
    assert not call.running()
    assert not call.cancelled()


def test_future_of_an_error(world, stub):
    world.servicer.answer = lambda request, context: context.abort(Code.ABORTED, "again")
    call = stub.ComputeImages.future(request())
    error = failure(call.result, PATIENCE)
    assert error.code() is Code.ABORTED
    assert call.exception().details() == "again"
    assert call.traceback() is not None
    assert call.code() is Code.ABORTED


def test_future_that_takes_too_long(world, stub):
    world.servicer.answer = hang = Hang()
    call = stub.ComputeImages.future(request())
    for wait in (call.result, call.exception, call.traceback):
        with pytest.raises(grpc.FutureTimeoutError):
            wait(0.01)
    assert call.running()
    assert call.is_active()
    assert call.time_remaining() is None
    hang.release.set()
    assert call.result(PATIENCE)


def test_callbacks(world, stub):
    world.servicer.answer = hang = Hang()
    call = stub.ComputeImages.future(request(), timeout=PATIENCE)
    told, ended = [], threading.Semaphore(0)

    def fail(_=None):
        raise RuntimeError("a callback's own mistake, which must not reach the others")

    call.add_done_callback(fail)
    call.add_done_callback(lambda future: (told.append(future), ended.release()))
    assert call.add_callback(ended.release)
    assert 0 < call.time_remaining() <= PATIENCE
    hang.release.set()
    assert call.result()
    assert ended.acquire(timeout=PATIENCE)
    assert ended.acquire(timeout=PATIENCE)
    call.add_done_callback(told.append)
    assert told == [call, call]
    assert not call.add_callback(ended.release)


def test_the_request_may_change_once_the_call_has_begun(world, stub):
    message = request("before")
    call = stub.ComputeImages.future(message)
    message.page_token = "after"
    assert call.result(PATIENCE).next_page_token == "before"


# --- Interceptors ----------------------------------------------------------------------------------------------------


class Interceptor(grpc.UnaryUnaryClientInterceptor):
    def __init__(self, intercept):
        self.intercept_unary_unary = intercept


def changed(details, **changes):
    class Details(grpc.ClientCallDetails):
        method, metadata, timeout = details.method, details.metadata, details.timeout
        credentials, wait_for_ready, compression = details.credentials, details.wait_for_ready, details.compression

    for name, value in changes.items():
        setattr(Details, name, value)
    return Details()


Interceptor.__abstractmethods__ = frozenset()


def test_interceptors_change_metadata_and_timeout(world):
    seen, left = [], []

    def outer(go_on, details, message):
        assert details.method in (METHOD, METHOD.encode())
        return go_on(changed(details, metadata=[*(details.metadata or ()), ("x-outer", "1")], timeout=50), message)

    def inner(go_on, details, message):
        return go_on(changed(details, metadata=[*(details.metadata or ()), ("x-inner", "2")]), message)

    def answer(message, context):
        seen.extend(tuple(pair) for pair in context.invocation_metadata() if pair[0].startswith("x-"))
        left.append(context.time_remaining())
        return ComputeImagesResponse()

    world.servicer.answer = answer
    stub = EarthEngineStub(world.open([Interceptor(outer), Interceptor(inner)]))
    stub.ComputeImages(request(), metadata=(("x-caller", "0"),))
    assert seen == [("x-caller", "0"), ("x-outer", "1"), ("x-inner", "2")]
    assert 0 < left[0] < 51


def test_interceptor_that_answers_itself(world):
    class Answer(grpc.Future, grpc.Call):
        def result(self, timeout=None):
            return ComputeImagesResponse(next_page_token="mine")

        def code(self):
            return Code.OK

    Answer.__abstractmethods__ = frozenset()
    stub = EarthEngineStub(world.open([Interceptor(lambda go_on, details, message: Answer())]))
    assert stub.ComputeImages(request()).next_page_token == "mine"
    assert world.servicer.calls == 0


def test_interceptor_that_tries_twice(world):
    def answer(message, context):
        if world.servicer.calls == 1:
            context.abort(Code.UNAVAILABLE, "not yet")
        return ComputeImagesResponse(next_page_token="second")

    def retry(go_on, details, message):
        first = go_on(details, message)
        return go_on(details, message) if first.code() is Code.UNAVAILABLE else first

    world.servicer.answer = answer
    stub = EarthEngineStub(world.open([Interceptor(retry)]))
    assert stub.ComputeImages(request()).next_page_token == "second"
    assert world.servicer.calls == 2


def test_interceptor_that_raises(world):
    def refuse(go_on, details, message):
        raise LookupError("mine")

    stub = EarthEngineStub(world.open([Interceptor(refuse)]))
    with pytest.raises(LookupError, match="mine"):
        stub.ComputeImages(request())
    assert world.servicer.calls == 0


# --- Connections -----------------------------------------------------------------------------------------------------


def test_grp_11_connection_refused(cold_world):
    error = failure(EarthEngineStub(cold_world.open()).ComputeImages, request(), timeout=PATIENCE)
    assert error.code() is Code.UNAVAILABLE
    assert "connect" in error.details()


def test_grp_11_wait_for_ready_ends_at_the_deadline(cold_world):
    error = failure(EarthEngineStub(cold_world.open()).ComputeImages, request(), timeout=0.5, wait_for_ready=True)
    assert error.code() is Code.DEADLINE_EXCEEDED


def test_wait_for_ready_and_a_server_that_starts_later(cold_world):
    channel, failed = cold_world.open(), threading.Event()
    channel.subscribe(lambda state: state is grpc.ChannelConnectivity.TRANSIENT_FAILURE and failed.set())
    call = EarthEngineStub(channel).ComputeImages.future(request(), timeout=PATIENCE, wait_for_ready=True)
    assert failed.wait(PATIENCE)
    cold_world.start()
    assert call.result().next_page_token == "token"


def test_wait_for_ready_and_a_server_that_is_there(stub):
    assert stub.ComputeImages(request(), timeout=PATIENCE, wait_for_ready=True).next_page_token == "token"


def test_connectivity(channel, stub):
    states, ready = [], threading.Event()

    def watch(state):
        states.append(state)
        if state is grpc.ChannelConnectivity.READY:
            ready.set()

    channel.subscribe(watch)
    stub.ComputeImages(request())
    assert ready.wait(PATIENCE)
    assert states[0] is grpc.ChannelConnectivity.IDLE
    channel.unsubscribe(watch)


def test_channel_ready(channel, stub):
    grpc.channel_ready_future(channel).result(PATIENCE)
    assert stub.ComputeImages(request())


def test_channel_ready_once_the_server_has_started(cold_world):
    channel = cold_world.open()
    assert failure(EarthEngineStub(channel).ComputeImages, request(), timeout=PATIENCE).code() is Code.UNAVAILABLE
    ready = grpc.channel_ready_future(channel)
    with pytest.raises(grpc.FutureTimeoutError):
        ready.result(0.01)
    cold_world.start()
    ready.result(PATIENCE)


# --- Closing ---------------------------------------------------------------------------------------------------------


def test_grp_16_close_twice_and_call_after_close(world, channel, stub):
    assert stub.ComputeImages(request())
    channel.close()
    channel.close()
    with pytest.raises(ValueError, match="closed"):
        stub.ComputeImages(request())
    with pytest.raises(ValueError, match="closed"):
        stub.ComputeImages.future(request())
    assert world.servicer.calls == 1


def test_grp_16_close_during_calls(world, channel, stub):
    world.servicer.answer = hang = HangEach()
    calls = [stub.ComputeImages.future(request()) for _ in range(8)]
    assert hang.arrived.wait(PATIENCE)
    channel.close()
    assert {call.code() for call in calls} == {Code.CANCELLED}
    assert all(call.details().startswith("Channel closed!") for call in calls)
    assert hang.gone.wait(PATIENCE)


def test_context_manager(world):
    with world.open() as channel:
        stub = EarthEngineStub(channel)
        assert stub.ComputeImages(request())
    with pytest.raises(ValueError, match="closed"):
        stub.ComputeImages(request())


# --- Many callers ----------------------------------------------------------------------------------------------------


def test_many_callers_share_one_channel(world, stub):
    def work(number):
        for turn in range(4):
            token = f"{number}/{turn}"
            assert stub.ComputeImages(request(token), timeout=PATIENCE).next_page_token == token

    with ThreadPoolExecutor(64) as pool:
        list(pool.map(work, range(64)))
    assert world.servicer.calls == 256
    assert len(world.servicer.peers) <= 64, "connections were thrown away"
