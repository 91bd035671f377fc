"""How the REST channels use connections: reuse, replacement of stale ones, limits; both colours."""

import threading

import grpc
import pytest
from peers import HttpPeer, http
from waiting import PATIENCE

from eegrpc.transcoding.connection_pool import ConnectionPool
from eegrpc.transcoding.connections import Connection
from eegrpc.transcoding.deadline import Deadline
from eegrpc.transcoding.exchange import Cancelled, Exchange

Code = grpc.StatusCode
PAGE = http(body=b'{"nextPageToken":"next"}')


def test_one_connection_serves_many_calls(open_caller):
    with HttpPeer.answering(PAGE) as peer:
        caller = open_caller("rest", peer.port)
        assert [caller.call().code for _ in range(10)] == [Code.OK] * 10
        assert peer.accepted == 1
        caller.close()
        assert peer.gone.acquire(timeout=PATIENCE)


def test_htt_17_keep_alive_closed_while_idle(open_caller):
    closed = threading.Semaphore(0)

    def script(connection):
        if connection.read() is not None:
            connection.send(PAGE)
            connection.close()
            closed.release()

    with HttpPeer(script) as peer:
        caller = open_caller("rest", peer.port)
        for _ in range(3):
            assert caller.call().code is Code.OK
            assert closed.acquire(timeout=PATIENCE)
    assert len(peer.requests) == 3


def test_htt_17_keep_alive_closed_as_we_write(open_caller):
    def script(connection):
        for _ in range(2):
            if connection.read() is None:
                return
            if len(connection.peer.requests) == 2:
                connection.reset()  # the second request has come, on the first connection: no byte of an answer
                return
            connection.send(PAGE)

    with HttpPeer(script) as peer:
        caller = open_caller("rest", peer.port)
        assert [caller.call().code for _ in range(2)] == [Code.OK] * 2
    assert len(peer.requests) == 3
    assert peer.accepted == 2


def test_htt_17_a_request_is_sent_again_only_once_and_on_a_new_connection(open_caller):
    warm = threading.Barrier(4)

    def script(connection):
        while connection.read() is not None:
            if len(connection.peer.requests) > 4:
                connection.close()
                return
            warm.wait(PATIENCE)  # so that the first four calls need four connections
            connection.send(PAGE)

    with HttpPeer(script) as peer:
        caller = open_caller("rest", peer.port)
        assert {outcome.code for outcome in caller.calls(4)} == {Code.OK}
        outcome = caller.call()
        assert (outcome.code, outcome.reason) == (Code.UNAVAILABLE, "CONNECTION_LOST")
    assert len(peer.requests) == 6
    assert peer.accepted == 5


def test_htt_17_a_new_connection_that_is_lost_is_not_replaced(open_caller):
    def script(connection):
        connection.read()
        connection.close()

    with HttpPeer(script) as peer:
        outcome = open_caller("rest", peer.port).call()
    assert (outcome.code, outcome.reason) == (Code.UNAVAILABLE, "CONNECTION_LOST")
    assert len(peer.requests) == 1


def test_htt_17_connection_close_each_time(open_caller):
    def script(connection):
        connection.read()
        connection.send(http(headers=["connection: close"]))
        connection.await_close()

    with HttpPeer(script) as peer:
        caller = open_caller("rest", peer.port)
        assert [caller.call().code for _ in range(3)] == [Code.OK] * 3
        for _ in range(3):
            assert peer.gone.acquire(timeout=PATIENCE)
    assert peer.accepted == 3


def test_grp_13_many_calls_on_one_connection(open_caller):
    with HttpPeer.answering(PAGE) as peer:
        caller = open_caller("rest", peer.port, eegrpc__pool_size=1)
        assert {outcome.code for outcome in caller.calls(40)} == {Code.OK}
        assert peer.accepted == 1


def test_waiting_for_a_connection_ends_at_the_deadline(open_caller):
    def script(connection):
        connection.read()
        connection.await_close()

    with HttpPeer(script) as peer:
        caller = open_caller("rest", peer.port, eegrpc__pool_size=1)
        assert {outcome.code for outcome in caller.calls(3, timeout=0.3)} == {Code.DEADLINE_EXCEEDED}
        caller.close()


def test_cancelling_who_waits_for_a_connection():
    pool = ConnectionPool(lambda: None, 0)
    exchange = Exchange(Deadline(None))
    ended = threading.Event()

    def wait():
        try:
            pool.acquire(exchange)
        except Cancelled:
            ended.set()

    thread = threading.Thread(target=wait)
    thread.start()
    exchange.cancel()
    assert ended.wait(PATIENCE)
    thread.join()


def test_cancelling_who_has_just_been_given_an_idle_connection_closes_it():
    """Also at the last moment: the connection is in nobody's hands then, and must not be left open."""
    with HttpPeer.answering(PAGE) as peer:
        exchange = Exchange(Deadline(None))

        class CancelledMeanwhile(Connection):
            @property
            def is_connected(self):
                exchange.cancel()
                return super().is_connected

        pool = ConnectionPool(lambda: CancelledMeanwhile("127.0.0.1", peer.port), 1)
        connection = pool.acquire(Exchange(Deadline(None)))
        connection.connect()
        pool.release(connection, reusable=True)
        with pytest.raises(Cancelled):
            pool.acquire(exchange)
        assert connection.sock is None
        assert peer.gone.acquire(timeout=PATIENCE)
        pool.release(pool.acquire(Exchange(Deadline(None))), reusable=False)  # its place is free again
