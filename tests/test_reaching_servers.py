"""The way to a server: names that are not found, certificates that are not accepted, bytes that come too slowly."""

import asyncio
import datetime
import socket
import ssl
import threading
import time
import warnings
from unittest import mock

import grpc
import pytest
import trustme
from peers import HttpPeer, http
from phases import NAME, REQUEST, AioCaller, Scene, SyncCaller, scene, secure
from retry_doubles import EXPRESSION
from waiting import PATIENCE

import eegrpc
from eegrpc.errors import EarthEngineError

Code = grpc.StatusCode
PAGE = http(body=b'{"nextPageToken":"next"}')
QUICK = eegrpc.RetryPolicy(initial=0.02, budget=None)

both_transports = pytest.mark.parametrize("transport", ["rest", "grpc"])


def error_of(colour, make, timeout=PATIENCE):
    """Return the error of a client's call on a channel that `make` returns for a colour, retries and all."""
    if colour == "sync":
        with make("sync") as channel, pytest.raises(EarthEngineError) as caught:
            list(
                eegrpc.EarthEngineClient("p", channel=channel, retry=QUICK).compute_images(EXPRESSION, timeout=timeout)
            )
        return caught.value

    async def call():
        async with make("aio") as channel:
            client = eegrpc.EarthEngineAsyncClient("p", channel=channel, retry=QUICK)
            async for _ in await client.compute_images(EXPRESSION, timeout=timeout):
                pass

    with pytest.raises(EarthEngineError) as caught:
        asyncio.run(call())
    return caught.value


# --- HTT-18: servers that drip ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("start", "drop"),
    [
        pytest.param(b"HTTP/1.1 200 OK\r\nx-a: ", b"a", id="HTT-18-header"),
        pytest.param(PAGE[:-24], b" ", id="HTT-18-body"),
        pytest.param(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n", b"0", id="HTT-18-chunk-size"),
        pytest.param(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n", b"1\r\n \r\n", id="HTT-18-chunks"),
    ],
)
def test_servers_that_send_a_byte_now_and_then(open_caller, start, drop):
    def script(connection):
        connection.read()
        connection.send(start)
        while not connection.peer.stopping.wait(0.3):
            connection.send(drop)

    with HttpPeer(script) as peer:
        caller = open_caller("rest", peer.port)
        late = []
        while not late or (min(late) > 0.15 and len(late) < 3):
            began = time.monotonic()
            assert caller.call(timeout=1).code is Code.DEADLINE_EXCEEDED
            late.append(time.monotonic() - began - 1)
        assert 0 <= min(late) <= 0.15
        caller.close()


# --- HTT-23: names ---------------------------------------------------------------------------------------------------


def nxdomain(name_server):
    """Answer every question that comes to a socket by: no such name."""
    while True:
        try:
            question, asker = name_server.recvfrom(512)
        except OSError:
            return
        if not question:
            return
        name_server.sendto(question[:2] + b"\x81\x83" + question[4:6] + bytes(6) + question[12:], asker)


@both_transports
def test_htt_23_a_name_that_there_is_not(colour, transport):
    if transport == "rest":
        refusal = socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        with mock.patch("socket.getaddrinfo", side_effect=refusal) as getaddrinfo:
            began = time.monotonic()
            make = eegrpc.create_channel if colour == "sync" else eegrpc.create_aio_channel
            error = error_of(colour, lambda _: make(f"http://{NAME}", transport="rest"))
        assert error.reason == "UNREACHABLE"
        assert getaddrinfo.call_count == QUICK.max_attempts
        assert "not known" in error.details()
    else:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
            server.bind(("127.0.0.1", 0))
            threading.Thread(target=nxdomain, args=(server,), daemon=True).start()
            target = f"dns://127.0.0.1:{server.getsockname()[1]}/{NAME}:80"
            began = time.monotonic()
            module = grpc if colour == "sync" else grpc.aio
            error = error_of(colour, lambda _: module.insecure_channel(target))
            server.sendto(b"", server.getsockname())
    assert error.code() is Code.UNAVAILABLE
    assert time.monotonic() - began < 5  # five attempts of at most one second


def test_htt_23_a_silent_resolver_is_asked_once_for_all(colour):
    """The deadlines themselves: CON-09, phase dns."""
    asked = []
    release = threading.Event()
    real = socket.getaddrinfo

    def silent(host, *args):
        if host != NAME:
            return real(host, *args)
        asked.append(host)
        release.wait(PATIENCE)
        return real("127.0.0.1", *args)

    with HttpPeer.answering(PAGE) as peer, mock.patch("socket.getaddrinfo", silent):
        make = eegrpc.create_channel if colour == "sync" else eegrpc.create_aio_channel
        made = Scene(lambda _: make(f"http://{NAME}:{peer.port}", transport="rest"))
        if colour == "sync":
            caller = SyncCaller(made)
            calls = [caller.stub.ComputeImages.future(REQUEST, timeout=0.3) for _ in range(20)]
            assert {call.code() for call in calls} == {Code.DEADLINE_EXCEEDED}
            assert len(asked) == 1
            release.set()
            caller.call(PATIENCE)
            caller.close()
        else:
            asyncio.run(ask_20(made, asked, release))
        assert len(asked) <= 2


async def ask_20(made, asked, release):
    caller = AioCaller(made)
    ended = await asyncio.gather(*(caller.call(0.3) for _ in range(20)), return_exceptions=True)
    assert {error.code() for error in ended} == {Code.DEADLINE_EXCEEDED}
    assert len(asked) == 1
    release.set()
    await caller.call(PATIENCE)
    await caller.close()


def test_htt_23_a_silent_resolver_does_not_keep_an_event_loop_from_ending():
    async def call():
        caller = AioCaller(made)
        with pytest.raises(grpc.RpcError):
            await caller.call(0.2)
        await caller.close()

    with scene("dns", "rest") as made:
        began = time.monotonic()
        asyncio.run(call())
        assert time.monotonic() - began < 2


# --- HTT-24: TLS -----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def authority():
    return trustme.CA()


def context_of(authority, *names, **validity):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*names, **validity).configure_cert(context)
    context.set_alpn_protocols(["h2", "http/1.1"])
    return context


def old_tls(authority):
    context = context_of(authority, "localhost")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
    context.set_ciphers("ALL:@SECLEVEL=0")
    return context


YESTERDAY = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(days=1)
SERVERS = {
    "expired": lambda authority: context_of(
        authority, "localhost", not_before=YESTERDAY - datetime.timedelta(days=1), not_after=YESTERDAY
    ),
    "wrong-host": lambda authority: context_of(authority, "other.example"),
    "unknown-authority": lambda _: context_of(trustme.CA(), "localhost"),
    "tls-1.1": old_tls,
    "plain": lambda _: None,
}


def tls_peer(context, answer=PAGE):
    """Return a peer that shakes hands, and answers; without a context, one that answers at once and in plain text."""

    def script(connection):
        if context is None:
            connection.send(answer)
            connection.await_close()
            return
        with context.wrap_socket(connection.sock, server_side=True) as secured:
            while secured.recv(1 << 16):
                secured.sendall(answer)

    return HttpPeer(script)


def trusting(transport, port, authority):
    return secure(transport, port, roots=authority.cert_pem.bytes())


@both_transports
@pytest.mark.parametrize("server", [pytest.param(name, id=f"HTT-24-{name}") for name in SERVERS])
def test_tls_that_is_not_accepted(colour, transport, authority, server):
    with tls_peer(SERVERS[server](authority)) as peer:
        error = error_of(colour, trusting(transport, peer.port, authority))
    assert (error.code(), error.reason, error.retryable) == (Code.UNAVAILABLE, "TLS", False), error.details()
    if transport == "rest":
        assert peer.accepted == 1


def test_htt_24_tls_that_is_accepted(colour, authority):
    with tls_peer(context_of(authority, "localhost")) as peer:
        made = Scene(trusting("rest", peer.port, authority))
        if colour == "sync":
            caller = SyncCaller(made)
            caller.call(PATIENCE)
            caller.close()
        else:

            async def call():
                caller = AioCaller(made)
                await caller.call(PATIENCE)
                await caller.close()

            asyncio.run(call())


@both_transports
def test_htt_24_a_handshake_that_stalls(colour, transport):
    with scene("tls", transport) as made:
        assert error_of(colour, made.make, timeout=0.3).code() is Code.DEADLINE_EXCEEDED


def test_htt_24_a_server_that_hangs_up_in_the_handshake(colour, authority):
    """That is not the certificate's fault, and may be better the next time."""
    with HttpPeer(lambda connection: connection.close()) as peer:
        error = error_of(colour, trusting("rest", peer.port, authority))
    assert (error.code(), error.reason, error.retryable) == (Code.UNAVAILABLE, "UNREACHABLE", True)
    assert peer.accepted == QUICK.max_attempts


@pytest.mark.parametrize("options", [[], [("grpc.ssl_target_name_override", "localhost")]], ids=["none", "override"])
def test_htt_24_no_option_of_a_rest_channel_makes_it_trust_anybody(colour, options):
    with tls_peer(context_of(trustme.CA(), "localhost")) as peer:
        make = eegrpc.create_channel if colour == "sync" else eegrpc.create_aio_channel
        endpoint = f"https://localhost:{peer.port}"
        assert error_of(colour, lambda _: make(endpoint, transport="rest", options=options)).reason == "TLS"
