"""What every asyncio channel must show: channel_suite.py in the other colour, under the same names."""

from __future__ import annotations

import asyncio

import grpc
import grpc.aio
import pytest
from channel_suite import METHOD, request, rich_status
from google.rpc import error_details_pb2
from grpc_status import rpc_status
from servers import Hang, HangEach
from waiting import PATIENCE

from eegrpc.v1alpha import ComputeImagesResponse, EarthEngineStub

Code = grpc.StatusCode


@pytest.fixture
async def channel(world):
    async with world.open_aio() as channel:
        yield channel


@pytest.fixture
async def stub(channel):
    return EarthEngineStub(channel)


async def failure(call) -> grpc.aio.AioRpcError:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    return caught.value


async def happens(event) -> bool:
    """Wait for an event of the server's threads."""
    return await asyncio.to_thread(event.wait, PATIENCE)


# --- Outcomes --------------------------------------------------------------------------------------------------------


async def test_success(stub):
    assert await stub.ComputeImages(request("größe 🌍")) == ComputeImagesResponse(next_page_token="größe 🌍")


async def test_the_call_of_a_success(stub):
    call = stub.ComputeImages(request())
    assert isinstance(call, grpc.aio.UnaryUnaryCall)
    assert (await call).next_page_token == "token"
    assert (await call).next_page_token == "token"
    assert await call.code() is Code.OK
    assert not await call.details()
    assert call.done()
    assert not call.cancel()


async def test_every_status_code(world, stub):
    world.servicer.answer = lambda request, context: context.abort(Code[request.page_token], f"no {request.page_token}")
    for code in Code:
        if code is not Code.OK:
            error = await failure(stub.ComputeImages(request(code.name)))
            assert (error.code(), error.details()) == (code, f"no {code.name}")
            assert rpc_status.from_call(error) is None


async def test_error_with_rich_details(world, stub):
    status = rich_status()
    world.servicer.answer = lambda request, context: context.abort_with_status(rpc_status.to_status(status))
    call = stub.ComputeImages(request())
    error = await failure(call)
    assert (error.code(), error.details()) == (Code.FAILED_PRECONDITION, status.message)
    assert rpc_status.from_call(error) == status
    assert await rpc_status.aio.from_call(call) == status
    reason = error_details_pb2.ErrorInfo()
    assert status.details[0].Unpack(reason)


async def test_a_servicer_that_raises(world, stub):
    world.servicer.answer = lambda request, context: 1 / 0
    assert (await failure(stub.ComputeImages(request()))).code() is Code.UNKNOWN
    world.servicer.answer = lambda request, context: ComputeImagesResponse()
    assert await stub.ComputeImages(request()) == ComputeImagesResponse()


async def test_a_method_that_is_not_there(channel):
    method = channel.unary_unary("/google.earthengine.v1alpha.EarthEngine/NoSuch")
    assert (await failure(method(b""))).code() is Code.UNIMPLEMENTED


async def test_raw_bytes_without_serializers(channel):
    wire = await channel.unary_unary(METHOD)(request().SerializeToString())
    assert ComputeImagesResponse.FromString(wire).next_page_token == "token"


async def test_registered_method_by_keyword_and_position(channel):
    wire = request().SerializeToString()
    assert await channel.unary_unary(METHOD, None, None, True)(wire)
    method = channel.unary_unary(METHOD, request_serializer=None, response_deserializer=None, _registered_method=True)
    assert await method(wire)


async def test_streams_are_made_without_error_and_unimplemented_when_called(world, channel):
    path = "/google.earthengine.v1alpha.EarthEngine/Stream"

    async def all_of(call):
        return [message async for message in call]

    calls = [lambda: all_of(channel.unary_stream(path, _registered_method=True)(b""))]
    made = (channel.stream_unary(path, None, None, True), channel.stream_stream(path))
    if world.kind == "rest":  # stock asyncio streams that send end with INTERNAL or CancelledError, as chance has it
        calls += [lambda: made[0](iter([b""])), lambda: all_of(made[1](iter([b""]), timeout=5))]
    for call in calls:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await call()
        assert caught.value.code() is world.code_of_streams
        assert caught.value.details()


# --- Metadata --------------------------------------------------------------------------------------------------------


async def test_metadata_to_the_server(world, stub):
    seen = []
    world.servicer.answer = lambda request, context: (
        seen.extend(context.invocation_metadata()) or ComputeImagesResponse()
    )
    sent = [("x-one", "1"), ("x-two", "a"), ("x-two", "b, c"), ("x-raw-bin", b"\x00\xff\r\n"), ("x-raw-bin", b"")]
    for metadata in (sent, grpc.aio.Metadata(*sent)):
        await stub.ComputeImages(request(), metadata=metadata)
        assert [tuple(pair) for pair in seen if pair[0] in dict(sent)] == sent
        seen.clear()


async def test_metadata_from_the_server(world, stub):
    first = (("x-first", "1"), ("x-first", "2"), ("x-first-bin", b"\x00\x01"))
    last = (("x-last", "a"), ("x-last", "b"), ("x-last-bin", b"\xff\n"))

    def answer(request, context):
        context.send_initial_metadata(first)
        context.set_trailing_metadata(last)
        if request.page_token == "fail":
            context.abort(Code.NOT_FOUND, "gone")
        return ComputeImagesResponse()

    def pairs(metadata, prefix):
        assert isinstance(metadata, grpc.aio.Metadata)
        return tuple((key, value) for key, value in metadata if key.startswith(prefix))

    world.servicer.answer = answer
    call = stub.ComputeImages(request())
    await call
    assert pairs(await call.initial_metadata(), "x-first") == first
    assert pairs(await call.trailing_metadata(), "x-last") == last
    error = await failure(stub.ComputeImages(request("fail")))
    assert pairs(error.initial_metadata(), "x-first") == first
    assert pairs(error.trailing_metadata(), "x-last") == last


# --- Deadlines -------------------------------------------------------------------------------------------------------


async def test_deadline_when_the_server_never_answers(world, stub):
    world.servicer.answer = hang = Hang()
    error = await failure(stub.ComputeImages(request(), timeout=0.3))
    assert error.code() is Code.DEADLINE_EXCEEDED
    assert error.details().startswith("Deadline Exceeded")
    assert await happens(hang.gone)
    assert await stub.ComputeImages(request(), timeout=PATIENCE)


async def test_the_server_knows_the_deadline(world, stub):
    left = []
    world.servicer.answer = lambda request, context: left.append(context.time_remaining()) or ComputeImagesResponse()
    await stub.ComputeImages(request(), timeout=100)
    assert 0 < left[0] < 101


async def test_grp_15_a_deadline_that_has_passed(world, stub):
    assert (await failure(stub.ComputeImages(request(), timeout=-1))).code() is Code.DEADLINE_EXCEEDED
    assert world.servicer.calls == 0


# --- Cancellation ----------------------------------------------------------------------------------------------------


async def test_cancel_while_the_server_works(world, stub):
    world.servicer.answer = hang = Hang()
    call = stub.ComputeImages(request())
    assert await happens(hang.arrived)
    assert not call.done()
    assert call.cancel()
    assert await happens(hang.gone)
    assert call.cancelled()
    assert call.done()
    assert (await call.code(), await call.details()) == (Code.CANCELLED, "Locally cancelled by application!")
    with pytest.raises(asyncio.CancelledError):
        await call
    assert await stub.ComputeImages(request(), timeout=PATIENCE)


async def test_cancel_at_once(stub):
    call = stub.ComputeImages(request())
    assert call.cancel()
    assert call.cancelled()
    assert not call.cancel()
    assert await call.code() is Code.CANCELLED
    assert await stub.ComputeImages(request(), timeout=PATIENCE)


async def test_cancel_of_an_ended_call(stub):
    call = stub.ComputeImages(request())
    assert (await call).next_page_token == "token"
    assert not call.cancel()
    assert not call.cancelled()
    assert await call.code() is Code.OK


async def test_cancel_of_the_task_that_waits(world, stub):
    world.servicer.answer = hang = Hang()
    call = stub.ComputeImages(request())

    async def wait():
        return await call

    task = asyncio.create_task(wait())
    assert await happens(hang.arrived)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await happens(hang.gone)
    assert await call.code() is Code.CANCELLED


async def test_wait_for_stops_the_call(world, stub):
    world.servicer.answer = hang = Hang()
    with pytest.raises(asyncio.TimeoutError):
        await asyncio.wait_for(stub.ComputeImages(request()), 0.3)
    assert await happens(hang.gone)


# --- Calls -----------------------------------------------------------------------------------------------------------


async def test_callbacks(world, stub):
    world.servicer.answer = hang = Hang()
    call, ended = stub.ComputeImages(request(), timeout=PATIENCE), asyncio.Event()
    told = []
    call.add_done_callback(lambda call: (told.append(call), ended.set()))
    assert await happens(hang.arrived)
    assert 0 < call.time_remaining() <= PATIENCE
    assert not call.done()
    hang.release.set()
    await call
    await ended.wait()
    assert told == [call]


# --- Interceptors ----------------------------------------------------------------------------------------------------


class Interceptor(grpc.aio.UnaryUnaryClientInterceptor):
    def __init__(self, intercept):
        self.intercept = intercept

    async def intercept_unary_unary(self, continuation, client_call_details, request):
        return await self.intercept(continuation, client_call_details, request)


def with_metadata(details, key, value):
    metadata = grpc.aio.Metadata(*(details.metadata or ()))
    metadata.add(key, value)
    return details._replace(metadata=metadata)


async def test_interceptors_change_metadata_and_timeout(world):
    seen, left = [], []

    async def outer(go_on, details, message):
        assert details.method == METHOD.encode()
        return await go_on(with_metadata(details, "x-outer", "1")._replace(timeout=50), message)

    async def inner(go_on, details, message):
        return await go_on(with_metadata(details, "x-inner", "2"), message)

    def answer(message, context):
        seen.extend(tuple(pair) for pair in context.invocation_metadata() if pair[0].startswith("x-"))
        left.append(context.time_remaining())
        return ComputeImagesResponse()

    world.servicer.answer = answer
    async with world.open_aio([Interceptor(outer), Interceptor(inner)]) as channel:
        await EarthEngineStub(channel).ComputeImages(request(), metadata=(("x-caller", "0"),))
    assert seen == [("x-caller", "0"), ("x-outer", "1"), ("x-inner", "2")]
    assert 0 < left[0] < 51


async def test_interceptor_that_answers_itself(world):
    async def answer(go_on, details, message):
        return ComputeImagesResponse(next_page_token="mine")

    async with world.open_aio([Interceptor(answer)]) as channel:
        call = EarthEngineStub(channel).ComputeImages(request())
        assert (await call).next_page_token == "mine"
        assert await call.code() is Code.OK
    assert world.servicer.calls == 0


async def test_interceptor_that_tries_twice(world):
    def answer(message, context):
        if world.servicer.calls == 1:
            context.abort(Code.UNAVAILABLE, "not yet")
        return ComputeImagesResponse(next_page_token="second")

    async def retry(go_on, details, message):
        first = await go_on(details, message)
        return await go_on(details, message) if await first.code() is Code.UNAVAILABLE else first

    world.servicer.answer = answer
    async with world.open_aio([Interceptor(retry)]) as channel:
        assert (await EarthEngineStub(channel).ComputeImages(request())).next_page_token == "second"
    assert world.servicer.calls == 2


async def test_interceptor_that_raises(world):
    async def refuse(go_on, details, message):
        raise LookupError("mine")

    async with world.open_aio([Interceptor(refuse)]) as channel:
        with pytest.raises(LookupError, match="mine"):
            await EarthEngineStub(channel).ComputeImages(request())
    assert world.servicer.calls == 0


# --- Connections -----------------------------------------------------------------------------------------------------


async def test_grp_11_connection_refused(cold_world):
    async with cold_world.open_aio() as channel:
        error = await failure(EarthEngineStub(channel).ComputeImages(request(), timeout=PATIENCE))
    assert error.code() is Code.UNAVAILABLE
    assert "connect" in error.details()


async def test_grp_11_wait_for_ready_ends_at_the_deadline(cold_world):
    async with cold_world.open_aio() as channel:
        call = EarthEngineStub(channel).ComputeImages(request(), timeout=0.5, wait_for_ready=True)
        assert (await failure(call)).code() is Code.DEADLINE_EXCEEDED


async def test_wait_for_ready_and_a_server_that_starts_later(cold_world):
    async with cold_world.open_aio() as channel:
        call = EarthEngineStub(channel).ComputeImages(request(), timeout=PATIENCE, wait_for_ready=True)
        while (state := channel.get_state()) is not grpc.ChannelConnectivity.TRANSIENT_FAILURE:
            await asyncio.wait_for(channel.wait_for_state_change(state), PATIENCE)
        await asyncio.to_thread(cold_world.start)
        assert (await call).next_page_token == "token"


async def test_wait_for_ready_and_a_server_that_is_there(stub):
    call = stub.ComputeImages(request(), timeout=PATIENCE, wait_for_ready=True)
    assert (await call).next_page_token == "token"


async def test_connectivity(channel, stub):
    assert channel.get_state() is grpc.ChannelConnectivity.IDLE
    changed = asyncio.create_task(channel.wait_for_state_change(grpc.ChannelConnectivity.IDLE))
    await stub.ComputeImages(request())
    await asyncio.wait_for(changed, PATIENCE)
    while (state := channel.get_state()) is not grpc.ChannelConnectivity.READY:
        await asyncio.wait_for(channel.wait_for_state_change(state), PATIENCE)


async def test_channel_ready(channel, stub):
    await asyncio.wait_for(channel.channel_ready(), PATIENCE)
    assert channel.get_state() is grpc.ChannelConnectivity.READY
    assert await stub.ComputeImages(request())


async def test_channel_ready_once_the_server_has_started(cold_world):
    async with cold_world.open_aio() as channel:
        call = EarthEngineStub(channel).ComputeImages(request(), timeout=PATIENCE)
        assert (await failure(call)).code() is Code.UNAVAILABLE
        ready = asyncio.create_task(channel.channel_ready())
        assert not (await asyncio.wait([ready], timeout=0.01))[0]
        await asyncio.to_thread(cold_world.start)
        await asyncio.wait_for(ready, PATIENCE)


# --- Closing ---------------------------------------------------------------------------------------------------------


async def test_grp_16_close_twice_and_call_after_close(world, channel, stub):
    assert await stub.ComputeImages(request())
    await channel.close()
    await channel.close()
    assert channel.get_state() is grpc.ChannelConnectivity.SHUTDOWN
    with pytest.raises(grpc.aio.UsageError, match="closed"):
        await stub.ComputeImages(request())
    assert world.servicer.calls == 1


async def test_grp_16_close_during_calls(world, channel, stub):
    world.servicer.answer = hang = HangEach()
    calls = [stub.ComputeImages(request()) for _ in range(8)]
    assert await happens(hang.arrived)
    await channel.close()
    assert {await call.code() for call in calls} == {Code.CANCELLED}
    for call in calls:
        with pytest.raises(asyncio.CancelledError):
            await call
    assert await happens(hang.gone)


async def test_grp_16_close_with_grace(world, channel, stub):
    world.servicer.answer = hang = Hang()
    call = stub.ComputeImages(request())
    assert await happens(hang.arrived)
    closing = asyncio.create_task(channel.close(grace=PATIENCE))
    hang.release.set()
    assert (await call).next_page_token == "token"
    await closing


async def test_context_manager(world):
    async with world.open_aio() as channel:
        stub = EarthEngineStub(channel)
        assert await stub.ComputeImages(request())
    with pytest.raises(grpc.aio.UsageError, match="closed"):
        await stub.ComputeImages(request())


# --- Many callers ----------------------------------------------------------------------------------------------------


async def test_many_callers_share_one_channel(world, stub):
    async def work(number):
        for turn in range(2):
            token = f"{number}/{turn}"
            assert (await stub.ComputeImages(request(token), timeout=PATIENCE)).next_page_token == token

    await asyncio.gather(*(work(number) for number in range(200)))
    assert world.servicer.calls == 400
    assert len(world.servicer.peers) <= 64, "connections were thrown away"
