"""Programs that test_forks.py runs in processes of their own: `python fork_programs.py NAME TRANSPORT PORT`."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import sys
import threading
from typing import TYPE_CHECKING

import grpc

import eegrpc
from eegrpc.errors import EarthEngineError
from eegrpc.v1alpha import ComputeImagesRequest, EarthEngineStub

if TYPE_CHECKING:
    from collections.abc import Iterator

NAME, TRANSPORT, PORT = sys.argv[1:]
EXPRESSION = {"result": "0", "values": {"0": {"constantValue": 1}}}
CHANNEL = {"endpoint": f"http://127.0.0.1:{PORT}", "transport": TRANSPORT}


def request(token: str) -> ComputeImagesRequest:
    return ComputeImagesRequest(project="projects/p", page_token=token)


@contextlib.contextmanager
def raises(kind: type[BaseException], text: str) -> Iterator[None]:
    """Insist on an error with this text."""
    try:
        yield
    except kind as error:
        if text not in str(error):
            raise
    else:
        raise AssertionError(f"no {kind.__name__}")


def fork_and_wait(child) -> None:
    """Run `child` in a forked process that ends as an interpreter does; its exit code must be 7."""
    pid = os.fork()
    if pid == 0:
        child()
        sys.exit(7)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 7


def stubs_calls_and_rubbish() -> None:
    """A stub, a call under way and a subscription go over a fork; the child collects all of the parent's."""
    channel = eegrpc.create_channel(**CHANNEL)
    seen: list[object] = []
    channel.subscribe(seen.append)
    stub = EarthEngineStub(channel)
    assert stub.ComputeImages(request("first"), timeout=20).next_page_token == "first"
    # Over gRPC it would be at grpcio's mercy whether a child lives that is forked in the middle of a call.
    under_way = stub.ComputeImages.future(request("hang" if TRANSPORT == "rest" else "soon over"), timeout=60)

    def child() -> None:
        nonlocal channel, stub, under_way
        seen.clear()
        if TRANSPORT == "rest":
            error = under_way.exception(20)
            assert error.code() is grpc.StatusCode.UNAVAILABLE
            assert "forked" in error.details()
        del under_way
        gc.collect()
        for n in range(20):
            assert stub.ComputeImages(request(f"child-{n}"), timeout=20).next_page_token == f"child-{n}"
        channel.close()
        with raises(ValueError, "closed channel"):
            stub.ComputeImages(request("closed"))
        assert not seen, "the parent's watcher"
        del channel, stub
        gc.collect()

    fork_and_wait(child)
    for n in range(20):
        assert stub.ComputeImages(request(f"parent-{n}"), timeout=20).next_page_token == f"parent-{n}"
    under_way.cancel()
    channel.close()


def call_under_way() -> None:
    """A fork waits for calls by gRPC, but not for ever: then it is said what that means."""
    stub = EarthEngineStub(eegrpc.create_channel(**CHANNEL))
    under_way = stub.ComputeImages.future(request("hang"), timeout=60)
    pid = os.fork()
    if pid == 0:
        os._exit(7)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 7
    under_way.cancel()


def no_fork_support() -> None:
    """GRPC_ENABLE_FORK_SUPPORT=0: what would hang says so; a child of an unused client is none the worse."""
    unused = EarthEngineStub(eegrpc.create_channel(**CHANNEL))

    def first_child() -> None:
        assert unused.ComputeImages(request("child"), timeout=20).next_page_token == "child"

    fork_and_wait(first_child)
    assert unused.ComputeImages(request("first"), timeout=20).next_page_token == "first"

    def child() -> None:
        for stub in (unused, EarthEngineStub(eegrpc.create_channel(**CHANNEL))):
            with raises(RuntimeError, "unset the variable"):
                stub.ComputeImages(request("child"), timeout=20)

    fork_and_wait(child)
    fork_and_wait(child)


def pager() -> None:
    """A pager goes on in both processes; not in the child, if another thread was inside of it."""
    client = eegrpc.EarthEngineClient("p", **CHANNEL)
    free = client.compute_images(EXPRESSION, page_token="free", timeout=20)
    busy = client.compute_images(EXPRESSION, page_token="hang", timeout=60)
    if TRANSPORT == "rest":
        threading.Thread(target=lambda: next(busy, None), daemon=True).start()
        while not busy._lock.locked():
            pass
    else:  # as if; it would be at grpcio's mercy whether the child lives
        busy._lock.acquire()

    def child() -> None:
        assert next(free.pages).next_page_token == "free"
        with raises(RuntimeError, "page_token="):
            next(busy)

    fork_and_wait(child)
    assert next(free.pages).next_page_token == "free"


def pager_ahead() -> None:
    """What is fetched ahead at a fork goes on in the parent; the child asks for that page itself."""
    ahead = "hang" if TRANSPORT == "rest" else "soon over"
    client = eegrpc.EarthEngineClient("p", **CHANNEL)
    pager = client.compute_images(EXPRESSION, page_token=f"before {ahead}", timeout=2)
    assert next(pager.pages).next_page_token == ahead

    def child() -> None:
        nonlocal pager
        if TRANSPORT == "rest":
            with raises(EarthEngineError, "DEADLINE_EXCEEDED"):
                next(pager.pages)
        else:
            assert next(pager.pages).next_page_token == ahead
        del pager
        gc.collect()
        client.close()

    fork_and_wait(child)
    if TRANSPORT != "rest":
        assert next(pager.pages).next_page_token == ahead
    pager.close()
    client.close()


def asyncio_client() -> None:
    """An asyncio client says what to do in a child, in which everything synchronous works."""
    unused = eegrpc.EarthEngineAsyncClient("p", **CHANNEL) if TRANSPORT == "rest" else None
    client = asyncio.run(_used())

    async def in_child() -> None:
        for each in filter(None, (client, unused)):
            with raises(RuntimeError, "make it in the child"):
                await each.compute_images(EXPRESSION)
            await each.close()

    def child() -> None:
        nonlocal client, unused
        asyncio.run(in_child())
        client = unused = None
        gc.collect()
        if TRANSPORT != "rest":
            with raises(RuntimeError, "transport='rest'"):
                asyncio.run(_used())

    fork_and_wait(child)
    for each in filter(None, (client, unused)):
        asyncio.run(each.close())


async def _used() -> eegrpc.EarthEngineAsyncClient:
    client = eegrpc.EarthEngineAsyncClient("p", **CHANNEL)
    async for page in (await client.compute_images(EXPRESSION, page_token="x", timeout=20)).pages:
        assert page.next_page_token == "x"
        break
    return client


def two_loops() -> None:
    """A client of a loop that has ended says what to do, and can be closed."""
    client = asyncio.run(_used())

    async def again() -> None:
        with raises(RuntimeError, "one for each loop, or run its calls on its own loop"):
            await client.compute_images(EXPRESSION)
        await client.close()
        await client.close()

    asyncio.run(again())


def leave_at_once() -> None:
    """The interpreter ends while calls run, by threads and by `future`, and nothing is closed."""
    channel = eegrpc.create_channel(**CHANNEL)
    stub = EarthEngineStub(channel)
    assert stub.ComputeImages(request("first"), timeout=20).next_page_token == "first"
    for _ in range(3):
        threading.Thread(target=stub.ComputeImages, args=(request("hang"),), daemon=True).start()
    sys.stdout.write("now\n")
    stub.ComputeImages.future(request("hang"))
    sys.stdin.readline()  # the server has them all
    sys.exit(5)


def leave_a_loop() -> None:
    """The interpreter ends in the middle of a loop with calls under way."""

    async def main() -> None:
        client = await _used()
        tasks = [asyncio.ensure_future(_page(client)) for _ in range(3)]
        sys.stdout.write("now\n")
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)
        assert not any(task.done() for task in tasks)
        sys.exit(5)

    asyncio.run(main())


async def _page(client: eegrpc.EarthEngineAsyncClient) -> None:
    await anext((await client.compute_images(EXPRESSION, page_token="hang")).pages)


globals()[NAME]()
