"""FBK-05: by REST a call goes to the same host, with the same TLS and the same credentials."""

from __future__ import annotations

import os
import subprocess
import sys

import grpc
import grpc.aio
import pytest
import trustme
from canaries import ACCESS_TOKEN
from fallback_peers import Client, Port, client, html, http1_answers, http1_only, http2_answers
from google.oauth2.credentials import Credentials

import eegrpc
from eegrpc._aio_fallback_channel import AioFallbackChannel
from eegrpc._fallback import TransportJudge
from eegrpc._fallback_channel import FallbackChannel
from eegrpc.transcoding import AioTranscodingChannel, TranscodingChannel

Code = grpc.StatusCode


@pytest.fixture
def authority():
    return trustme.CA()


def tls_port(stack, authority, http2, http1, *, alpn=("http/1.1",)):
    import ssl

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1", "localhost").configure_cert(context)
    context.set_alpn_protocols(list(alpn))
    return stack.enter_context(Port(http2, http1, tls=context))


def tls_client(colour, port, authority, *, rest_trusts=True) -> Client:
    """Return an `auto` channel that trusts a test's certificates."""
    import ssl

    pem = authority.cert_pem.bytes()
    credentials, target = grpc.ssl_channel_credentials(pem), f"127.0.0.1:{port.number}"

    def make():
        context = ssl.create_default_context()
        if rest_trusts:
            authority.configure_trust(context)
        judge = TransportJudge(300.0, target)
        if colour == "sync":
            rest = TranscodingChannel(port.url, ssl_context=context, labels=judge.labels)
            return FallbackChannel(grpc.secure_channel(target, credentials), rest, judge, "v1alpha")
        rest = AioTranscodingChannel(port.url, ssl_context=context, labels=judge.labels)
        return AioFallbackChannel(grpc.aio.secure_channel(target, credentials), rest, judge, "v1alpha", ())

    return Client(colour, make)


@pytest.mark.parametrize("alpn", ["http/1.1", "h2"])
def test_fbk_05_tls_without_http2_falls_back_to_https(stack, colour, authority, alpn):
    port = tls_port(stack, authority, html(403), http1_answers(), alpn=(alpn, "http/1.1"))
    auto = stack.enter_context(tls_client(colour, port, authority))
    outcome = auto.call()
    assert (outcome.code, outcome.token, outcome.by_rest) == (Code.OK, "raw", True)
    assert port.seen["other"] == 0, "something was sent in the clear"
    assert len(port.requests) == 1


def test_fbk_05_the_certificate_is_verified_after_the_fallback(stack, colour, authority):
    port = tls_port(stack, authority, http1_only, http1_answers())
    auto = stack.enter_context(tls_client(colour, port, authority, rest_trusts=False))
    outcome = auto.call()
    assert outcome.code is Code.UNAVAILABLE
    assert "TLS" in outcome.details or "CERTIFICATE_VERIFY_FAILED" in outcome.details
    assert (port.requests, port.seen["other"]) == ([], 0)


def test_fbk_05_the_whole_way_with_certificates_from_the_environment(stack, authority, tmp_path):
    port = tls_port(stack, authority, http1_only, http1_answers())
    roots = tmp_path / "roots.pem"
    authority.cert_pem.write_to_path(roots)
    program = f"""
import asyncio, eegrpc
from eegrpc.v1alpha import ComputeImagesRequest, EarthEngineStub
request = ComputeImagesRequest(project="projects/p")
with eegrpc.create_channel("{port.url}") as channel:
    print(dict(EarthEngineStub(channel).ComputeImages.with_call(request, timeout=20)[1].trailing_metadata()))
async def main():
    async with eegrpc.create_aio_channel("{port.url}") as channel:
        call = EarthEngineStub(channel).ComputeImages(request, timeout=20)
        await call
        print(dict(tuple(await call.trailing_metadata())))
asyncio.run(main())
"""
    environment = {**os.environ, "SSL_CERT_FILE": str(roots), "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH": str(roots)}
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("'eegrpc-transport': 'rest'") == 2
    assert done.stdout.count("no HTTP/2 connection") == 2
    assert (len(port.requests), port.seen["other"]) == (2, 0)


@pytest.mark.parametrize("endpoint", ["http://10.0.0.1", "http://gateway.internal:8080", "http://127.0.0.1.evil"])
def test_fbk_05_credentials_over_plaintext_are_refused_before_anything_is_tried(colour, endpoint):
    create = eegrpc.create_channel if colour == "sync" else eegrpc.create_aio_channel
    with pytest.raises(ValueError, match="plaintext"):
        create(endpoint, transport="auto", credentials=Credentials(ACCESS_TOKEN))


def test_fbk_05_credentials_go_to_the_same_host_only(stack, colour):
    seen = []

    def forbidden(connection, stream):
        connection.send_headers(stream, [(":status", "307"), ("location", elsewhere.url)], end_stream=True)

    elsewhere = stack.enter_context(Port(html(403), http1_answers()))
    http2 = http2_answers(forbidden)
    port = stack.enter_context(Port(http2, http1_answers(b"", 307, f"text/html\r\nlocation: {elsewhere.url}/x")))
    auto = stack.enter_context(client(colour, port.url, credentials=Credentials(ACCESS_TOKEN)))
    running = auto.start()
    if colour == "sync":
        code, details = running.call.code(), running.call.details()
    else:
        outcome = running.end()
        code, details = outcome.code, outcome.details
    assert code is Code.UNKNOWN
    assert "redirect" in details
    assert ACCESS_TOKEN not in details
    seen = [headers.get("authorization") for _, headers in port.requests]
    assert seen == [f"Bearer {ACCESS_TOKEN}"]
    assert sum(elsewhere.seen.values()) == 0
