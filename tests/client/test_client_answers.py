"""What the clients make of answers, also of those that gRPC's servers do not give."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading

import grpc
import grpc.aio
import h2.config
import h2.connection
import h2.events
import pytest
from client_kinds import AT_ONCE, EXPRESSION, compute_aio, compute_sync, response

from eegrpc.errors import CallContext

Code = grpc.StatusCode


class H2Peer:
    """A server of bare HTTP/2 on a real socket: `script(connection, stream)` answers each whole request."""

    def __init__(self, script):
        self._script = script
        self.requests = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.target = f"127.0.0.1:{self._listener.getsockname()[1]}"
        self._sockets = []
        self._threads = [threading.Thread(target=self._accept)]

    def __enter__(self):
        self._threads[0].start()
        return self

    def __exit__(self, *error):
        for sock in (self._listener, *self._sockets):
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
            sock.close()
        for thread in self._threads:
            thread.join()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                sock, _ = self._listener.accept()
                self._sockets.append(sock)
                thread = threading.Thread(target=self._converse, args=[sock])
                thread.start()  # before it is listed: leaving joins what is listed
                self._threads.append(thread)

    def _converse(self, sock):
        connection = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False))
        connection.initiate_connection()
        with contextlib.suppress(OSError):
            sock.sendall(connection.data_to_send())
            while data := sock.recv(65536):
                for event in connection.receive_data(data):
                    if isinstance(event, h2.events.StreamEnded):
                        self.requests += 1
                        self._script(connection, event.stream_id)
                sock.sendall(connection.data_to_send())


MESSAGE = response(["only"]).SerializeToString()
FRAME = b"\0" + len(MESSAGE).to_bytes(4, "big") + MESSAGE


def answering(*data, end=True):
    def script(connection, stream):
        connection.send_headers(stream, [(":status", "200"), ("content-type", "application/grpc")])
        for part in data:
            connection.send_data(stream, part)
        if end:
            connection.send_headers(stream, [("grpc-status", "0")], end_stream=True)

    return script


async def compute_over_grpc(colour, target, **arguments):
    """Compute with a client of a colour over gRPC's own channel."""
    arguments = {"expression": EXPRESSION, **arguments}
    if colour == "sync":
        with grpc.insecure_channel(target) as channel:
            return await asyncio.to_thread(compute_sync, channel, {"retry": AT_ONCE}, False, arguments)
    async with grpc.aio.insecure_channel(target) as channel:
        return await compute_aio(channel, {"retry": AT_ONCE}, False, arguments)


COLOURS = pytest.mark.parametrize("colour", ["sync", "aio"])


@COLOURS
async def test_the_bare_peer_can_answer_well(colour):
    with H2Peer(answering(FRAME)) as peer:
        assert (await compute_over_grpc(colour, peer.target)).names == ["only"]


@COLOURS
@pytest.mark.parametrize(
    "data",
    [pytest.param((FRAME[:-3],), id="GRP-01-message-cut"), pytest.param((), id="GRP-01-no-message")],
)
async def test_grp_01_ok_without_a_message_is_no_success(colour, data):
    with H2Peer(answering(*data)) as peer:
        outcome = await compute_over_grpc(colour, peer.target)
        assert peer.requests == 1  # not retried
    assert outcome.names == []
    assert (outcome.error.code(), outcome.error.reason) == (Code.INTERNAL, "BAD_RESPONSE")


@COLOURS
async def test_grp_02_two_messages_end_at_the_deadline(colour):
    with H2Peer(answering(FRAME, FRAME)) as peer:
        outcome = await compute_over_grpc(colour, peer.target, timeout=1.0)
    assert outcome.names == []
    assert outcome.error.code() is Code.DEADLINE_EXCEEDED
    assert not outcome.error.retryable


async def test_errors_of_the_server(compute, servicer):
    servicer.script = lambda request, context: context.abort(Code.INVALID_ARGUMENT, "Computation timed out.")
    error = (await compute()).error
    assert (error.code(), error.details()) == (Code.INVALID_ARGUMENT, "Computation timed out.")
    assert (error.reason, error.retryable) == ("COMPUTATION_TIMED_OUT", False)
    assert error.context == CallContext("projects/p", page=1, attempt=1)
    assert isinstance(error.__cause__, grpc.RpcError)
    assert len(servicer.requests) == 1
