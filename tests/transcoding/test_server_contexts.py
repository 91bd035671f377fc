"""What servicers behind the REST face are told, and how their calls end early."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest
from probe_servers import post, probe, running
from probe_service import SERVICE, Item

Code = grpc.StatusCode


@pytest.mark.parametrize("kind", ["blocking", "asyncio"])
async def test_what_a_context_gives_and_takes(kind):
    seen = {}

    def look(request, context):
        seen["metadata"] = dict(context.invocation_metadata())
        seen["keys"] = [pair.key for pair in context.invocation_metadata()]
        seen["left"] = context.time_remaining()
        seen["peer"] = context.peer()
        seen["auth"] = (context.auth_context(), context.peer_identities(), context.peer_identity_key())
        context.set_trailing_metadata((("t", "1"), ("t-bin", b"\xff")))
        context.set_compression(grpc.Compression.Gzip)
        context.disable_next_message_compression()
        seen["trailing"] = context.trailing_metadata()
        seen["code"] = (context.code(), context.details())

    def blocking(request, context):
        look(request, context)
        seen["active"] = context.is_active()
        context.send_initial_metadata((("i", "1"),))
        return request

    async def on_loop(request, context):
        look(request, context)
        seen["active"] = not context.done() and not context.cancelled()
        await context.send_initial_metadata((("i", "1"),))
        for forbidden in (context.read(), context.write(request)):
            with pytest.raises(grpc.aio.UsageError):
                await forbidden
        return request

    async with running(probe(Post=blocking if kind == "blocking" else on_loop), SERVICE) as port:
        metadata = (("a", "b"), ("a-bin", b"\0"), ("authorization", "Bearer x"))
        reply, got = await post(port, Item(name="n"), metadata=metadata, timeout=30.0)
    assert got == Item(name="n")
    assert ("i", "1") in reply.initial_metadata
    assert reply.trailing_metadata == (("t", "1"), ("t-bin", b"\xff"))
    assert seen["metadata"].items() >= dict(metadata).items()
    assert {"x-server-timeout", "host", "content-length", "accept-encoding"}.isdisjoint(seen["keys"])
    assert 0 < seen["left"] <= 30
    assert seen["peer"].startswith("ipv4:127.0.0.1:")
    assert seen["active"] is True
    assert seen["auth"] == ({}, None, None)
    assert seen["trailing"] == (("t", "1"), ("t-bin", b"\xff"))
    assert seen["code"] == (None, "")


async def test_a_deadline_ends_an_asyncio_servicer():
    ended = asyncio.Event()
    callbacks = []

    async def wait(request, context):
        context.add_done_callback(lambda c: callbacks.append((c.done(), c.cancelled())))
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    async with running(probe(Post=wait), SERVICE) as port:
        reply, _ = await post(port, timeout=0.05)
        assert reply.code is Code.DEADLINE_EXCEEDED
        await ended.wait()
    assert callbacks == [(True, True)]


async def test_a_deadline_ends_a_blocking_servicer():
    ended = threading.Event()
    inactive = []

    def wait(request, context):
        assert context.add_callback(ended.set)
        ended.wait()
        inactive.append((context.is_active(), context.add_callback(print)))
        return request

    with ThreadPoolExecutor(1) as executor:
        async with running(probe(Post=wait), SERVICE, executor=executor) as port:
            reply, _ = await post(port, timeout=0.05)
            assert reply.code is Code.DEADLINE_EXCEEDED
    assert inactive == [(False, False)]


async def test_no_time_no_work():
    def never(request, context):
        raise AssertionError

    async with running(probe(Post=never), SERVICE) as port:
        assert (await post(port, timeout=0))[0].code is Code.DEADLINE_EXCEEDED


async def test_a_blocking_servicer_that_waited_too_long_for_a_thread_never_runs():
    held, release, ran = threading.Event(), threading.Event(), []

    def hold(request, context):
        if request.name == "hold":
            held.set()
            release.wait()
        else:
            ran.append(request.name)
        return request

    with ThreadPoolExecutor(1) as executor:
        async with running(probe(Post=hold), SERVICE, executor=executor) as port:
            first = asyncio.ensure_future(post(port, Item(name="hold")))
            await asyncio.to_thread(held.wait)
            assert (await post(port, Item(name="late"), timeout=0.05))[0].code is Code.DEADLINE_EXCEEDED
            release.set()
            assert (await first)[0].code is Code.OK
    assert ran == []


@pytest.mark.parametrize("kind", ["blocking", "asyncio"])
async def test_a_client_that_goes_away_cancels(kind):
    started, ended = threading.Event(), threading.Event()

    def blocking(request, context):
        context.add_callback(ended.set)
        started.set()
        ended.wait()
        return request

    async def on_loop(request, context):
        started.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            ended.set()
            raise

    async with running(probe(Post=blocking if kind == "blocking" else on_loop), SERVICE) as port:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"POST /v1/plain HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\n{}")
        await asyncio.to_thread(started.wait)
        writer.close()
        await writer.wait_closed()
        await asyncio.to_thread(ended.wait)


async def test_a_servicer_cancels_its_own_call():
    def cancel(request, context):
        assert context.cancel()
        return request

    async def cancelled(request, context):
        raise asyncio.CancelledError

    for behaviour in (cancel, cancelled):
        async with running(probe(Post=behaviour), SERVICE) as port:
            assert (await post(port))[0].code is Code.CANCELLED


async def test_a_callback_that_raises_harms_nobody(caplog):
    called = []

    def behaviour(request, context):
        context.add_callback(lambda: 1 / 0)
        context.add_callback(lambda: called.append(1))
        return request

    async with running(probe(Post=behaviour), SERVICE) as port:
        assert (await post(port))[0].code is Code.OK
    assert called == [1]
    assert "ZeroDivisionError" in caplog.text
