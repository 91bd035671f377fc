"""grpc's own channel as we hand it out: closed while its connectivity is watched. Forks are in test_forks.py."""

from __future__ import annotations

import threading

import grpc
import pytest
from servers import free_port
from waiting import PATIENCE

from eegrpc import _native_channel
from eegrpc._native_channel import NativeChannel

LOOKS = ["check_connectivity_state", "watch_connectivity_state"]


@pytest.mark.parametrize("look", LOOKS)
def test_closed_between_two_looks_of_the_thread_that_watches(monkeypatch, look):
    """pytest fails a test in which a thread dies with a traceback."""
    about_to_look, closed = threading.Event(), threading.Event()
    watching: list[threading.Thread] = []
    original = getattr(_native_channel._WatchedUntilClosed, look)

    def late(self, *args):
        watching.append(threading.current_thread())
        about_to_look.set()
        assert closed.wait(PATIENCE)
        return original(self, *args)

    monkeypatch.setattr(_native_channel._WatchedUntilClosed, look, late)
    channel = NativeChannel(lambda: grpc.insecure_channel(f"127.0.0.1:{free_port()}"))
    channel.subscribe(lambda _: None, try_to_connect=True)
    assert about_to_look.wait(PATIENCE)
    channel.close()
    closed.set()
    watching[0].join(PATIENCE)
    assert not watching[0].is_alive()


def test_grpc_still_keeps_what_it_watches_where_we_look_for_it():
    """Else its thread dies with a traceback now and then, as said at `_WatchedUntilClosed`."""
    with NativeChannel(lambda: grpc.insecure_channel("127.0.0.1:1")) as channel:
        watched = channel.of_this_process()._connectivity_state.channel
        assert isinstance(watched, _native_channel._WatchedUntilClosed)
