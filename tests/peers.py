"""Peers made of raw sockets, for what no proper server does: HTTP/1.1 byte by byte, and HTTP/2 frame by frame."""

from __future__ import annotations

import contextlib
import re
import socket
import struct
import threading
from typing import TYPE_CHECKING

import h2.config
import h2.connection
import h2.events
import h2.exceptions
import h2.settings
from waiting import PATIENCE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

Headers = list[tuple[str, str]]

_SETTINGS = {
    h2.settings.SettingCodes.MAX_CONCURRENT_STREAMS: 1000,
    h2.settings.SettingCodes.MAX_HEADER_LIST_SIZE: 1 << 16,
}


def http(status: int = 200, body: bytes = b"{}", headers: Iterable[str] = ("content-type: application/json",)) -> bytes:
    """Return a complete HTTP/1.1 response."""
    lines = [f"HTTP/1.1 {status} Reason", *headers, f"content-length: {len(body)}", "", ""]
    return "\r\n".join(lines).encode("latin-1") + body


class _Peer:
    """Accepts connections, counts them, and runs each in a thread of its own until the test ends."""

    def __init__(self) -> None:
        self.accepted = 0
        self.gone = threading.Semaphore(0)
        """Released for each connection that the other side has closed."""
        self.stopping = threading.Event()
        """Set when the test ends; what a script that says nothing waits for."""
        self._sockets: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.port = int(self._listener.getsockname()[1])

    def __enter__(self):
        self._spawn(self._accept)
        return self

    def __exit__(self, *_: object) -> None:
        self.stopping.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for sock in self._sockets:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(PATIENCE)
        for sock in self._sockets:
            sock.close()

    def _spawn(self, target, *args) -> None:
        thread = threading.Thread(target=target, args=args, daemon=True)
        thread.start()  # before it is listed: leaving joins what is listed
        self._threads.append(thread)

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._sockets.append(sock)
            self.accepted += 1
            self._spawn(self._serve, sock)

    def _serve(self, sock: socket.socket) -> None:
        with contextlib.suppress(OSError, h2.exceptions.ProtocolError):  # the other side hung up, or the test has ended
            self.converse(sock)

    def take_little(self) -> None:
        """Have the system keep hardly anything of what comes and is not read, on connections from now on."""
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)

    def sockets(self) -> int:
        """Return how many sockets there are of this side."""
        return 1 + len(self._sockets)

    def converse(self, sock: socket.socket) -> None:
        raise NotImplementedError


class HttpPeer(_Peer):
    """Runs `script(connection)` for each connection. `requests` has head and body of all that came."""

    def __init__(self, script: Callable[[HttpConnection], None]) -> None:
        super().__init__()
        self._script = script
        self.requests: list[tuple[bytes, bytes]] = []

    @classmethod
    def answering(cls, *responses: bytes) -> HttpPeer:
        """Return a peer that answers with these in turn, on whatever connection; with the last one from then on."""
        left = list(responses)

        def script(connection: HttpConnection) -> None:
            while connection.read() is not None:
                with connection.peer._lock:
                    response = left.pop(0) if len(left) > 1 else left[0]
                connection.send(response)

        return cls(script)

    def converse(self, sock: socket.socket) -> None:
        self._script(HttpConnection(self, sock))


class HttpConnection:
    """One connection of an HttpPeer."""

    def __init__(self, peer: HttpPeer, sock: socket.socket) -> None:
        self.peer = peer
        self.sock = sock
        self._data = b""

    def read(self) -> bytes | None:
        """Return the head of the next request; None when the other side has closed the connection."""
        while b"\r\n\r\n" not in self._data:
            if not self._receive():
                return None
        head, _, self._data = self._data.partition(b"\r\n\r\n")
        length = re.search(rb"(?i)\r\ncontent-length: *(\d+)", head)
        size = int(length[1]) if length else 0
        while len(self._data) < size:
            if not self._receive():
                return None
        self.peer.requests.append((head, self._data[:size]))
        self._data = self._data[size:]
        return head

    def send(self, data: bytes) -> None:
        self.sock.sendall(data)

    def close(self) -> None:
        self.sock.shutdown(socket.SHUT_RDWR)

    def finish(self) -> None:
        """Send FIN, and go on reading: unlike `close`, this lets `await_close` see what the other side does."""
        self.sock.shutdown(socket.SHUT_WR)

    def reset(self) -> None:
        """Close with RST in place of FIN."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()

    def await_close(self) -> None:
        """Return when the other side has closed the connection."""
        while self._receive():
            pass

    def _receive(self) -> bool:
        try:
            data = self.sock.recv(1 << 16)
        except ConnectionError:
            data = b""
        self._data += data
        if not data:
            self.peer.gone.release()
        return bool(data)


class H2Peer(_Peer):
    """Speaks HTTP/2; runs `script(stream)` for each request that has come in full.

    After `reads` pieces, if that is said, it reads no more, and so lets no more be sent.
    """

    def __init__(self, script: Callable[[H2Stream], None], *, reads: int | None = None) -> None:
        super().__init__()
        self._script = script
        self._reads = reads
        self.requests: list[Headers] = []
        self.resets = 0
        """Streams that the other side has ended by RST_STREAM."""
        self.pings = 0

    def converse(self, sock: socket.socket) -> None:
        connection = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False, header_encoding="utf-8"))
        connection.local_settings = h2.settings.Settings(client=False, initial_values=_SETTINGS)
        connection.initiate_connection()
        sock.sendall(connection.data_to_send())
        pieces = 0
        while data := sock.recv(1 << 16):
            pieces += 1
            for event in connection.receive_data(data):
                if isinstance(event, h2.events.RequestReceived):
                    self.requests.append(event.headers)
                elif isinstance(event, h2.events.PingReceived):
                    self.pings += 1
                elif isinstance(event, h2.events.StreamReset):
                    self.resets += 1
                elif isinstance(event, h2.events.StreamEnded):
                    self._script(H2Stream(self, connection, sock, event.stream_id))
            sock.sendall(connection.data_to_send())
            if pieces == self._reads:
                self.stopping.wait()
        self.gone.release()


class H2Stream:
    """One request of an H2Peer, and how to answer it."""

    def __init__(self, peer: H2Peer, connection: h2.connection.H2Connection, sock: socket.socket, number: int) -> None:
        self.peer = peer
        self.sock = sock
        self._connection = connection
        self._number = number

    def headers(self, headers: Headers, *, end: bool = False) -> None:
        self._connection.send_headers(self._number, headers, end_stream=end)

    def data(self, data: bytes, *, end: bool = False) -> None:
        self._connection.send_data(self._number, data, end_stream=end)

    def begin(self) -> None:
        """Send the header of a gRPC response."""
        self.headers([(":status", "200"), ("content-type", "application/grpc")])

    def finish(self, status: str = "0") -> None:
        """Send the trailers of a gRPC response."""
        self.headers([("grpc-status", status)], end=True)

    def reset(self, code: int) -> None:
        """End the stream with RST_STREAM."""
        self._connection.reset_stream(self._number, code)

    def goaway(self, last: int | None = None, code: int = 0, debug: bytes = b"") -> None:
        """Send GOAWAY; `last` is the last stream that counts, this one if it is None."""
        self._connection.close_connection(code, debug, self._number if last is None else last)

    def hang_up(self) -> None:
        """Send what there is, and close the connection."""
        self.sock.sendall(self._connection.data_to_send())
        self.sock.shutdown(socket.SHUT_RDWR)

    def message(self, wire: bytes) -> None:
        """Send a gRPC message."""
        self.data(struct.pack(">BI", 0, len(wire)) + wire)
