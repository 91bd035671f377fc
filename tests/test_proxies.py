"""HTTP proxies, row HTT-25. By gRPC they are grpcio's own. REST knows none, on purpose.

A proxy that comes from the environment would see who computes what, and get the credentials of a plaintext channel;
and the two HTTP libraries differ in what they make of the variables. So the REST transport connects directly, and says
so where an option asks for a proxy: answers to CONNECT do not reach it, and there is no Proxy-Authorization to leak.
"""

import socket
import threading

import grpc
import pytest
from callers import Caller
from google.rpc import error_details_pb2
from peers import HttpPeer, http
from servers import ScriptedServicer, grpc_server, rest_server
from waiting import PATIENCE

import eegrpc
from eegrpc._error_rules import find_rule

Code = grpc.StatusCode
VARIABLES = [spelling for name in ("http", "https", "all", "grpc") for spelling in (f"{name}_proxy", f"{name}_PROXY")]
SECRET = "dXNlcjpzZWNyZXQ="  # user:secret


class Recorder(ScriptedServicer):
    """Keeps the metadata of calls."""

    def __init__(self):
        super().__init__()
        self.metadata = []
        self.answer = self.record

    def record(self, request, context):
        self.metadata.extend(context.invocation_metadata())
        return eegrpc.v1alpha.ComputeImagesResponse(next_page_token="direct")


@pytest.fixture
def servicer():
    return Recorder()


def through(colour, port, proxy):
    """Return a caller by gRPC whose calls go through the proxy, though the server is on loopback."""
    options = {"grpc__http_proxy": f"http://user:secret@127.0.0.1:{proxy.port}", "grpc__enable_http_proxy": 1}
    return Caller(colour, "grpc", port, **options)


def forward(source, target):
    try:
        while data := source.recv(1 << 16):
            target.sendall(data)
    except OSError:
        pass


def tunnel(connection):
    """Do what CONNECT asks for."""
    head = connection.read()
    host, port = head.split()[1].decode().split(":")
    with socket.create_connection((host, int(port))) as server:
        connection.send(b"HTTP/1.1 200 Connection established\r\n\r\n")
        back = threading.Thread(target=forward, args=(server, connection.sock), daemon=True)
        back.start()
        forward(connection.sock, server)
        server.shutdown(socket.SHUT_RDWR)
        back.join(PATIENCE)


@pytest.mark.parametrize("transport", ["rest", "grpc"])
@pytest.mark.parametrize("no_proxy", [None, "", "example.com"])
def test_htt_25_the_environment_names_no_proxy_for_loopback_nor_for_rest(
    open_caller, servicer, monkeypatch, transport, no_proxy
):
    serve = {"rest": rest_server, "grpc": grpc_server}[transport]
    with HttpPeer.answering(http(407)) as proxy, serve(servicer) as port:
        for name in VARIABLES:
            monkeypatch.setenv(name, f"http://user:secret@127.0.0.1:{proxy.port}")
        for name in ("no_proxy", "NO_PROXY"):
            monkeypatch.delenv(name, raising=False)
        if no_proxy is not None:
            monkeypatch.setenv("no_proxy", no_proxy)
        caller = open_caller(transport, port)
        assert caller.call().response.next_page_token == "direct"
        caller.close()
        assert proxy.accepted == 0
    assert not [key for key, _ in servicer.metadata if key.startswith("proxy-")]


def test_htt_25_no_proxy_is_respected_by_grpc(open_caller, servicer, monkeypatch):
    with HttpPeer.answering(http(407)) as proxy, grpc_server(servicer) as port:
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{proxy.port}")
        monkeypatch.setenv("no_proxy", "example.com,127.0.0.1")
        caller = open_caller("grpc", port, grpc__enable_http_proxy=1)
        assert caller.call().response.next_page_token == "direct"
        caller.close()
        assert proxy.accepted == 0


def test_htt_25_through_a_proxy_by_grpc(colour, servicer):
    """Its password goes to the proxy, and not to the server behind it."""
    with grpc_server(servicer) as port, HttpPeer(tunnel) as proxy:
        caller = through(colour, port, proxy)
        assert caller.call().response.next_page_token == "direct"
        caller.close()
    assert f"Proxy-Authorization: Basic {SECRET}".encode() in proxy.requests[0][0]
    for key, value in servicer.metadata:
        assert not key.startswith("proxy-")
        assert SECRET not in str(value)


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(http(407, b"", ['proxy-authenticate: Basic realm="x"']), id="HTT-25-407"),
        pytest.param(http(403, b"<html>No</html>", ["content-type: text/html"]), id="HTT-25-403"),
        pytest.param(b"<html>No</html>\r\n\r\n", id="HTT-25-html"),
    ],
)
def test_a_proxy_that_refuses(colour, servicer, answer):
    with grpc_server(servicer) as port, HttpPeer.answering(answer) as proxy:
        caller = through(colour, port, proxy)
        outcome = caller.call()
        caller.close()
    assert outcome.code is Code.UNAVAILABLE
    assert find_rule(outcome.code, outcome.details, error_details_pb2.ErrorInfo()).reason == "PROXY"
    assert "secret" not in outcome.details
    assert SECRET not in outcome.details
    assert servicer.calls == 0


def test_htt_25_a_proxy_that_says_nothing(colour, servicer):
    with grpc_server(servicer) as port, HttpPeer(lambda connection: connection.await_close()) as proxy:
        caller = through(colour, port, proxy)
        assert caller.call(timeout=0.5).code is Code.DEADLINE_EXCEEDED
        caller.close()
    assert servicer.calls == 0


@pytest.mark.parametrize(("endpoint", "transport"), [(None, "auto"), ("http://localhost", "rest"), ("a.b", "auto")])
def test_htt_25_rest_refuses_the_option(colour, endpoint, transport):
    make = {"sync": eegrpc.create_channel, "aio": eegrpc.create_aio_channel}[colour]
    with pytest.raises(ValueError, match=r"grpc\.http_proxy: the REST transport connects directly") as caught:
        make(endpoint, transport=transport, options=[("grpc.http_proxy", "http://user:secret@proxy:1")])
    assert "secret" not in str(caught.value)


def test_htt_25_proxy_authorization_is_no_metadata(open_caller, servicer):
    with rest_server(servicer) as port:
        outcome = open_caller("rest", port).call(metadata=(("proxy-authorization", f"Basic {SECRET}"),))
    assert outcome.code is Code.INTERNAL
    assert SECRET not in outcome.details
    assert servicer.calls == 0
