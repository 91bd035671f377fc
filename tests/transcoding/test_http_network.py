"""What is around the exchange of one request: pools, silent networks, other protocols, and what is never sent along."""

import os
import struct
import threading
import time

import grpc
import pytest
from callers import Caller
from faulty_http import FaultyPeer, meet, page
from peers import HttpPeer, http
from waiting import PATIENCE

from eegrpc.v1alpha import ComputeImagesRequest

Code = grpc.StatusCode


# --- HTT-27: nothing from the environment ----------------------------------------------------------------------------


def test_htt_27_netrc_and_cookies(open_caller, monkeypatch, tmp_path):
    """The authorization is the caller's, whatever ~/.netrc says, and cookies are never sent back."""
    netrc = tmp_path / ".netrc"
    netrc.write_text("machine 127.0.0.1 login netrc-user password netrc-password\ndefault login x password y\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NETRC", str(netrc))
    cookies = [f"set-cookie: session{number}=planted; Path=/; HttpOnly" for number in range(3)]
    with HttpPeer.answering(http(headers=cookies), http(503, headers=cookies), http(headers=cookies)) as peer:
        caller = open_caller("rest", peer.port, eegrpc__allow_auth_metadata=True)
        mine = (("authorization", "Bearer mine"),)
        assert caller.call(metadata=mine).code is Code.OK
        assert caller.call(metadata=mine).code is Code.UNAVAILABLE
        assert caller.call(metadata=mine).code is Code.OK
        assert caller.call().code is Code.OK
    sent = [sorted(line.lower() for line in head.split(b"\r\n")) for head, _ in peer.requests]
    for lines in sent[:3]:
        assert [line for line in lines if line.startswith(b"authorization")] == [b"authorization: bearer mine"]
    for line in (line for lines in sent for line in lines):
        assert not line.startswith(b"cookie")
        assert b"planted" not in line
        assert b"netrc" not in line
    assert not [line for line in sent[3] if line.startswith(b"authorization")]


# --- HTT-26: TLS with a server that does not speak HTTP/1.1 ----------------------------------------------------------

NO_APPLICATION_PROTOCOL = struct.pack(">BHHBB", 21, 0x0303, 2, 2, 120)


@pytest.mark.parametrize("greeting", [NO_APPLICATION_PROTOCOL, b""], ids=["alert", "close"])
@pytest.mark.parametrize("then", ["fin", "rst"])
def test_htt_26_a_server_that_closes_at_alpn(colour, greeting, then):
    """By an alert or without a word: the call fails at once, and nothing is sent in the clear."""

    def script(connection):
        connection.sock.recv(1 << 16)
        connection.send(greeting)
        if then == "rst":
            connection.reset()
        else:
            connection.close()

    with HttpPeer(script) as peer:
        outcome = secure_call(colour, peer.port)
        # Without a word it may be a server that restarts: a connection could not be made, and that can be tried again.
        reason = "TLS" if greeting and then == "fin" else "UNREACHABLE"
        assert outcome.code is Code.UNAVAILABLE
        assert outcome.reason == reason or (then == "rst" and outcome.reason == "TLS")
        assert peer.accepted == 1
    assert not peer.requests


def secure_call(colour, port, **kwargs):
    """Return the outcome of a call to a port that should speak TLS, and does not get to a certificate."""
    caller = Caller(colour, "rest", port, secure=True)
    try:
        return caller.call(**kwargs)
    finally:
        caller.close()


# --- HTT-28: many callers, few connections ---------------------------------------------------------------------------


def descriptors():
    return len(os.listdir("/proc/self/fd"))


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="descriptors are counted in /proc")
def test_htt_28_200_callers_share_40_connections(open_caller):
    with HttpPeer.answering(page("x")) as peer:
        before = descriptors()
        caller = open_caller("rest", peer.port, eegrpc__pool_size=40)
        for _ in range(4):
            assert {outcome.code for outcome in caller.calls(200, timeout=60)} == {Code.OK}
        assert len(peer.requests) == 800
        assert peer.accepted <= 40
        assert descriptors() <= before + 2 * 40 + 4  # both ends are in this process, and an event loop takes some
        caller.close()
        for _ in range(peer.accepted):
            assert peer.gone.acquire(timeout=PATIENCE)
        assert descriptors() <= before + peer.accepted  # the peer's ends are closed at the end


def test_htt_28_who_waits_for_a_connection_obeys_its_deadline(open_caller):
    """40 calls hold all connections, 160 wait: all end by their deadlines, and then the pool is free again."""
    answering = set()

    def script(connection):
        while (head := connection.read()) is not None:
            if b"x-answer" not in head.lower():
                connection.await_close()
                return
            answering.add(connection)
            connection.send(http())

    with HttpPeer(script) as peer:
        caller = open_caller("rest", peer.port, eegrpc__pool_size=40)
        started = time.monotonic()
        outcomes = caller.calls(200, timeout=1.5)
        took = time.monotonic() - started
        assert {outcome.code for outcome in outcomes} == {Code.DEADLINE_EXCEEDED}
        assert 1.5 <= took < 10
        outcomes = caller.calls(200, timeout=60, metadata=(("x-answer", "please"),))
        assert {outcome.code for outcome in outcomes} == {Code.OK}
        assert len(answering) <= 40
        for _ in range(peer.accepted - len(answering)):  # those of the calls that ended
            assert peer.gone.acquire(timeout=PATIENCE)


# --- HTT-29: a network that went silent ------------------------------------------------------------------------------


@pytest.mark.parametrize("at", [1, 2], ids=["new-connection", "used-connection"])
def test_htt_29_a_black_hole(open_caller, at):
    """The peer reads and writes no more and sends no FIN: the deadline holds, and the next call connects anew."""
    ended = threading.Event()

    def silent(connection):
        assert ended.wait(PATIENCE)
        connection.await_close()

    with FaultyPeer(silent, at=at) as peer:
        caller = open_caller("rest", peer.port)
        for number in range(1, at):
            assert caller.call().response.next_page_token == str(number)
        started = time.monotonic()
        assert caller.call(timeout=0.5).code is Code.DEADLINE_EXCEEDED
        assert 0.5 <= time.monotonic() - started < 3
        assert caller.call().response.next_page_token == str(at + 1)
        assert caller.call().response.next_page_token == str(at + 2)
        ended.set()
        assert peer.gone.acquire(timeout=PATIENCE)
        assert peer.accepted == 2


def test_htt_29_a_black_hole_in_the_middle_of_a_body(open_caller):
    outcome = meet(open_caller, b'HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{"next', timeout=0.5)
    assert outcome.code is Code.DEADLINE_EXCEEDED


def test_htt_29_a_black_hole_that_swallows_a_large_request(open_caller):
    """On a used connection, which is silent before the request is sent: it fills what buffers there are."""
    ended = threading.Event()

    def script(connection):
        if connection.peer.accepted == 1:
            connection.read()
            connection.send(http())
            assert ended.wait(PATIENCE)
            connection.await_close()
        else:
            while connection.read() is not None:
                connection.send(http())

    with HttpPeer(script) as peer:
        caller = open_caller("rest", peer.port)
        assert caller.call().code is Code.OK
        message = ComputeImagesRequest(project="projects/p", page_token="t" * 9_000_000)
        assert caller.call(message, timeout=0.5).code is Code.DEADLINE_EXCEEDED
        assert caller.call().code is Code.OK
        ended.set()
        assert peer.gone.acquire(timeout=PATIENCE)
        assert peer.accepted == 2
