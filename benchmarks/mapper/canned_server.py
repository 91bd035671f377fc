"""A server that always gives the same answer, by gRPC and by HTTP/1.1, in a process of its own.

    python -m benchmarks.mapper.canned_server < pickle of the answer's wire bytes and its JSON

prints the ports of gRPC, of REST, and of REST with gzip, and serves until it is ended. It encodes nothing per call.
"""

from __future__ import annotations

import gzip
import pickle
import socket
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import grpc

from benchmarks.mapper.measure import pin

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["canned_server"]

ROOT = Path(__file__).resolve().parents[2]
SERVICE, METHOD = "google.earthengine.v1alpha.EarthEngine", "ComputeImages"


@contextmanager
def canned_server(wire: bytes, json: bytes) -> Iterator[tuple[int, int, int]]:
    """Run the server, and give the ports of gRPC, of REST, and of REST with gzip."""
    command = [sys.executable, "-m", "benchmarks.mapper.canned_server"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT) as process:
        try:
            pickle.dump((wire, json), process.stdin)  # type: ignore[arg-type]
            process.stdin.close()  # type: ignore[union-attr]
            native, rest, zipped = map(int, process.stdout.readline().split())  # type: ignore[union-attr]
            yield native, rest, zipped
        finally:
            process.terminate()


def _serve_grpc(wire: bytes) -> int:
    handler = grpc.unary_unary_rpc_method_handler(lambda _request, _context: wire)  # without serializers: bytes
    server = grpc.server(ThreadPoolExecutor(4))
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, {METHOD: handler}),))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    _keep.append(server)
    return port


def _serve_http(body: bytes, coding: str) -> int:
    headers = ["HTTP/1.1 200 OK", "content-type: application/json; charset=UTF-8", f"content-length: {len(body)}"]
    headers += [f"content-encoding: {coding}"] if coding else []
    answer = "\r\n".join([*headers, "", ""]).encode() + body
    listener = socket.create_server(("127.0.0.1", 0))

    def accept() -> None:
        while True:
            connection, _ = listener.accept()
            threading.Thread(target=_answer, args=(connection, answer), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    return int(listener.getsockname()[1])


def _answer(connection: socket.socket, answer: bytes) -> None:
    """Answer one request after the other, until the client goes. Requests have a content-length."""
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    with connection, connection.makefile("rb") as reader:
        while reader.readline():
            length = 0
            while (line := reader.readline().strip().lower()) != b"":
                if line.startswith(b"content-length:"):
                    length = int(line.partition(b":")[2])
            reader.read(length)
            connection.sendall(answer)


_keep: list[object] = []  # a server that is not referred to stops


def _main() -> None:
    pin(0)
    wire, json = pickle.load(sys.stdin.buffer)
    print(_serve_grpc(wire), _serve_http(json, ""), _serve_http(gzip.compress(json, 6), "gzip"), flush=True)
    threading.Event().wait()


if __name__ == "__main__":
    _main()
