"""Large bodies of a told length: however they come, whatever follows them, and however the call ends."""

from __future__ import annotations

import asyncio
import socket
import ssl
import sys
import threading
import time

import grpc
import pytest
import trustme
from peers import HttpPeer, http
from waiting import PATIENCE

import eegrpc
from eegrpc.transcoding.aio_sender import AioSender
from eegrpc.transcoding.connections import Connection
from eegrpc.transcoding.deadline import Deadline
from eegrpc.transcoding.endpoint import Endpoint
from eegrpc.transcoding.exchange import Exchange
from eegrpc.transcoding.framing import LARGE_BODY
from eegrpc.transcoding.low_water import LowWater
from eegrpc.transcoding.types import HttpRequest
from eegrpc.v1alpha import ComputeImagesRequest, EarthEngineStub

Code = grpc.StatusCode
TOKEN = "n" * (3 * LARGE_BODY)
LARGE = http(body=b'{"nextPageToken":"%s"}' % TOKEN.encode())
SMALL = http(body=b'{"nextPageToken":"small"}')


def in_pieces(*sizes: int):
    """Return a script that sends each answer in pieces of these sizes, and the last one on the end."""

    def script(connection):
        while connection.read() is not None:
            rest = LARGE
            for size in sizes:
                connection.send(rest[:size])
                rest = rest[size:]
            connection.send(rest)

    return script


@pytest.mark.parametrize("sizes", [(), (10,), (200,), (100, 1 << 16, 1), (LARGE_BODY, LARGE_BODY), (len(LARGE) - 1,)])
def test_it_comes_whole_in_whatever_pieces_and_its_connection_is_used_again(open_caller, sizes):
    with HttpPeer(in_pieces(*sizes)) as peer:
        caller = open_caller("rest", peer.port)
        for _ in range(3):
            assert caller.call().response.next_page_token == TOKEN
        assert peer.accepted == 1


IMAGES = b",".join(b'{"name":"image %d","id":"%s"}' % (number, b"i" * 1000) for number in range(4000))
"""Enough for most of a page to be merged before its end is read."""


def test_images_come_in_order_however_many(open_caller):
    with HttpPeer(
        lambda connection: connection.read() and connection.send(http(body=b'{"images":[%s]}' % IMAGES))
    ) as peer:
        images = open_caller("rest", peer.port).call().response.images
        assert [image.name for image in images] == [f"image {number}" for number in range(4000)]
        assert {len(image.id) for image in images} == {1000}


@pytest.mark.parametrize(
    ("end", "code", "reason"),
    [
        (b',{"name":7}]}', Code.INTERNAL, "BAD_RESPONSE"),
        (b',{"name":"\xff"}]}', Code.UNKNOWN, "NOT_JSON"),
        (b",", Code.UNAVAILABLE, "TRUNCATED"),
        (b'],"error":{"code":503,"status":"UNAVAILABLE","message":"late"}}', Code.UNAVAILABLE, ""),
    ],
)
def test_what_is_wrong_at_the_end_of_a_page_leaves_nothing_of_it(open_caller, end, code, reason):
    body = b'{"images":[%s%s' % (IMAGES, end)
    with HttpPeer(lambda connection: connection.read() and connection.send(http(body=body))) as peer:
        outcome = open_caller("rest", peer.port).call()
        assert (outcome.code, outcome.response) == (code, None)
        assert not reason or outcome.reason == reason


@pytest.mark.parametrize("end", ["close", "reset"])
@pytest.mark.parametrize("sent", [200, LARGE_BODY + 5, len(LARGE) - 1])
def test_a_cut_is_a_cut(open_caller, end, sent):
    def script(connection):
        if connection.read() is not None:
            connection.send(LARGE[:sent])
            getattr(connection, end)()

    with HttpPeer(script) as peer:
        caller = open_caller("rest", peer.port)
        outcome = caller.call()
        assert outcome.code is Code.UNAVAILABLE
        assert outcome.reason in ("TRUNCATED", "CONNECTION_LOST")


def test_htt_03_what_follows_it_unasked_is_never_the_next_reply(open_caller):
    stray = http(body=b'{"nextPageToken":"stray"}')
    sent = threading.Semaphore(0)
    first = threading.Event()

    def script(connection):
        while connection.read() is not None:
            if first.is_set():
                connection.send(SMALL)
                continue
            first.set()
            connection.send(LARGE + stray)
            sent.release()

    with HttpPeer(script) as peer:
        caller = open_caller("rest", peer.port)
        assert caller.call().response.next_page_token == TOKEN
        assert sent.acquire(timeout=PATIENCE)
        assert caller.call().response.next_page_token == "small"
        assert caller.call().response.next_page_token == "small"


def test_a_few_bytes_behind_it_are_noticed_however_many_were_waited_for_before(open_caller):
    answered, sent = threading.Event(), threading.Semaphore(0)

    def script(connection):
        while connection.read() is not None:
            if answered.is_set():
                connection.send(SMALL)
                continue
            connection.send(LARGE)
            answered.wait(PATIENCE)
            connection.send(b"stray")
            sent.release()

    with HttpPeer(script) as peer:
        caller = open_caller("rest", peer.port)
        assert caller.call().response.next_page_token == TOKEN
        answered.set()
        assert sent.acquire(timeout=PATIENCE)
        assert caller.call().response.next_page_token == "small"
        assert peer.accepted == 2


@pytest.mark.skipif(sys.platform != "linux", reason="other systems may never wake who waits")
def test_the_mark_of_a_socket_is_never_more_than_what_is_to_come():
    def mark():
        return ours.getsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT)

    with socket.create_server(("127.0.0.1", 0)) as listener, socket.create_connection(listener.getsockname()) as ours:
        low_water = LowWater(ours)
        for coming, expected in ((10, 10), (1 << 30, 1 << 19), (70_000, 70_000), (0, 1)):
            low_water.expect(coming)
            assert mark() == expected
        ours.close()
        low_water.expect(10)  # as when a call is cancelled


@pytest.mark.skipif(sys.platform != "linux", reason="other systems may never wake who waits")
@pytest.mark.parametrize("seconds", [None, PATIENCE])
def test_a_part_of_what_is_to_come_is_read_when_it_is_there(seconds):
    """Without a deadline the system itself waits, and would for ever: what is left is too little to be woken for."""
    coming, first = 600_000, 500_000
    got = []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        ours = socket.socket()
        ours.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
        ours.connect(listener.getsockname())
        connection = Connection("127.0.0.1", 0)
        connection.sock = ours
        connection.assign(Exchange(Deadline(seconds)))
        theirs, _ = listener.accept()
        with ours, theirs:
            theirs.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % coming)
            connection.receive()
            theirs.sendall(b"x" * first)
            while len(ours.recv(coming, socket.MSG_PEEK)) < first:
                pass
            reading = threading.Thread(target=lambda: got.append(connection.receive_body()), daemon=True)
            reading.start()
            until = time.monotonic() + PATIENCE
            while seconds is None and connection.framing.left == coming and time.monotonic() < until:
                pass
            assert connection.framing.left == (coming - first if seconds is None else coming)
            theirs.sendall(b"x" * (coming - first))
            reading.join(PATIENCE)
            assert got == [b"x" * coming]


def test_the_deadline_ends_it_and_the_next_call_has_a_connection_of_its_own(open_caller):
    stopped = []

    def script(connection):
        if connection.read() is not None and not stopped:
            stopped.append(connection)
            connection.send(LARGE[: 2 * LARGE_BODY])
            connection.await_close()
            return
        connection.send(SMALL)

    with HttpPeer(script) as peer:
        caller = open_caller("rest", peer.port)
        assert caller.call(timeout=0.5).code is Code.DEADLINE_EXCEEDED
        assert caller.call().response.next_page_token == "small"
        assert peer.gone.acquire(timeout=PATIENCE)
        assert peer.accepted == 2


async def test_a_cancelled_call_closes_its_connection_and_leaves_no_task():
    begun = threading.Event()

    def script(connection):
        if connection.read() is not None:
            connection.send(LARGE[: 2 * LARGE_BODY])
            begun.set()
            connection.await_close()

    with HttpPeer(script) as peer:
        async with eegrpc.create_aio_channel(f"http://127.0.0.1:{peer.port}", transport="rest") as channel:
            before = asyncio.all_tasks()
            call = EarthEngineStub(channel).ComputeImages(ComputeImagesRequest(project="projects/p"), timeout=20)
            task = asyncio.ensure_future(call.wait_for_connection())
            await asyncio.to_thread(begun.wait, PATIENCE)
            call.cancel()
            with pytest.raises(asyncio.CancelledError):
                await call
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            assert await asyncio.to_thread(peer.gone.acquire, timeout=PATIENCE)
            assert asyncio.all_tasks() == before


async def test_tls_takes_the_same_way():
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)

    async def answer(reader, writer):
        while True:
            try:
                await reader.readuntil(b"\r\n\r\n")
            except asyncio.IncompleteReadError:
                break
            writer.write(LARGE)
            await writer.drain()
        writer.close()

    accepted = []

    async def serve(reader, writer):
        accepted.append(writer)
        await answer(reader, writer)

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    endpoint = Endpoint.parse(f"https://localhost:{server.sockets[0].getsockname()[1]}")
    async with server:
        sender = AioSender(endpoint, pool_size=1, max_receive_bytes=1 << 24, ssl_context=trusting)
        for _ in range(3):
            response = await sender.send(HttpRequest("GET", "/", (), b""), replayable=False)
            assert LARGE.endswith(response.body)
            assert len(response.body) > LARGE_BODY
        await sender.close()
    assert len(accepted) == 1
