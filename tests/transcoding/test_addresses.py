"""A host of several addresses: whichever answers first is used, by both colours."""

from __future__ import annotations

import asyncio
import socket
import threading
from concurrent.futures import Future
from typing import TYPE_CHECKING

import grpc
import pytest
from peers import HttpPeer, http
from servers import silent_port

import eegrpc
from eegrpc.transcoding import aio_connect, connect, connections
from eegrpc.transcoding.deadline import Deadline
from eegrpc.transcoding.exchange import Cancelled, Exchange
from eegrpc.v1alpha import ComputeImagesRequest, EarthEngineStub

if TYPE_CHECKING:
    from typing import Any

Code = grpc.StatusCode
COLOURS = pytest.mark.parametrize("colour", ["sync", "aio"])
REQUEST = ComputeImagesRequest(project="projects/p")


@pytest.fixture
def addresses(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What the name server says."""
    found: list[Any] = []

    def look_up(host: str, port: int) -> Future[list[Any]]:
        future: Future[list[Any]] = Future()
        future.set_result(list(found))
        return future

    monkeypatch.setattr(connections, "look_up", look_up)
    monkeypatch.setattr(aio_connect, "look_up", look_up)
    return found


def address(port: int, host: str = "127.0.0.1") -> Any:
    return socket.AF_INET, socket.SOCK_STREAM, 0, "", (host, port)


def refusing() -> int:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        return int(closed.getsockname()[1])


def first_page(colour: str, timeout: float = 20) -> str:
    async def by_asyncio() -> str:
        async with eegrpc.create_aio_channel("http://several.example:1", transport="rest") as channel:
            return str((await EarthEngineStub(channel).ComputeImages(REQUEST, timeout=timeout)).next_page_token)

    if colour == "aio":
        return asyncio.run(by_asyncio())
    with eegrpc.create_channel("http://several.example:1", transport="rest") as channel:
        return str(EarthEngineStub(channel).ComputeImages(REQUEST, timeout=timeout).next_page_token)


@COLOURS
def test_every_address_is_tried(addresses: list[Any], colour: str) -> None:
    with HttpPeer.answering(http(body=b'{"nextPageToken":"here"}')) as peer:
        addresses += [address(refusing()), address(refusing()), address(peer.port)]
        assert first_page(colour) == "here"
        assert peer.accepted == 1


@COLOURS
def test_an_address_that_does_not_answer_holds_nobody_up(addresses: list[Any], colour: str) -> None:
    with HttpPeer.answering(http(body=b'{"nextPageToken":"here"}')) as peer, silent_port() as port:
        addresses += [address(port), address(refusing()), address(peer.port)]
        assert first_page(colour) == "here"
        assert peer.accepted == 1


@COLOURS
def test_addresses_that_do_not_answer_are_given_up_at_the_deadline(addresses: list[Any], colour: str) -> None:
    with silent_port() as one, silent_port() as other:
        addresses += [address(one), address(other)]
        with pytest.raises(grpc.RpcError) as failed:
            first_page(colour, timeout=0.5)
        assert failed.value.code() is Code.DEADLINE_EXCEEDED


@COLOURS
@pytest.mark.parametrize("count", [0, 1, 2])
def test_no_address_answers(addresses: list[Any], colour: str, count: int) -> None:
    addresses += [address(refusing()) for _ in range(count)]
    with pytest.raises(grpc.RpcError) as failed:
        first_page(colour)
    assert failed.value.code() is Code.UNAVAILABLE
    assert isinstance(failed.value, grpc.Call | grpc.aio.AioRpcError)
    assert b"UNREACHABLE" in dict(failed.value.trailing_metadata())["grpc-status-details-bin"]


async def test_the_attempts_that_lost_are_given_up(addresses: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    reach, given_up = aio_connect._connect, asyncio.Event()

    async def silent_but_one(where: Any) -> socket.socket:
        if where[4][1] != peer.port:
            try:
                await asyncio.Event().wait()
            finally:
                given_up.set()
        return await reach(where)

    monkeypatch.setattr(aio_connect, "_connect", silent_but_one)
    with HttpPeer.answering(http(body=b'{"nextPageToken":"here"}')) as peer:
        addresses += [address(9), address(peer.port)]
        async with eegrpc.create_aio_channel("http://several.example:1", transport="rest") as channel:
            await EarthEngineStub(channel).ComputeImages(REQUEST, timeout=20)
        assert given_up.is_set()


def test_sockets_that_lost_are_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[socket.socket] = []

    class Kept(socket.socket):
        def __init__(self, *arguments: Any) -> None:
            super().__init__(*arguments)
            made.append(self)

    with silent_port() as port, socket.create_server(("127.0.0.1", 0)) as server:
        monkeypatch.setattr(socket, "socket", Kept)
        places = [address(port), address(refusing()), address(server.getsockname()[1])]
        made.clear()
        with connect.first_to_answer(places, Exchange(Deadline(20))) as sock:
            assert sock.getpeername() == server.getsockname()
            assert [each.fileno() for each in made if each is not sock] == [-1, -1]


def test_attempts_end_when_the_exchange_is_cancelled(monkeypatch: pytest.MonkeyPatch) -> None:
    exchange, begin, begun = Exchange(Deadline(20)), connect._begin, threading.Semaphore(0)

    def counted(where: Any) -> socket.socket:
        sock = begin(where)
        begun.release()
        return sock

    def cancel_when_both_are_tried() -> None:
        for _ in range(2):
            begun.acquire()
        exchange.cancel()

    monkeypatch.setattr(connect, "_begin", counted)
    canceller = threading.Thread(target=cancel_when_both_are_tried)
    with silent_port() as one, silent_port() as other:
        canceller.start()
        with pytest.raises(Cancelled):
            connect.first_to_answer([address(one), address(other)], exchange)
        canceller.join()
