"""The connectivity state of a transcoding channel and its watchers, as grpc.Channel has them."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable

import grpc

from eegrpc._processes import restart_in_children

__all__ = ["Connectivity", "ConnectivityCallback"]

ConnectivityCallback = Callable[[grpc.ChannelConnectivity], None]


class Connectivity:
    """A channel's state; thread-safe.

    Callbacks run on a thread of their own, one at a time and in the order of the changes, as stock grpc channels do it:
    a callback may use the channel, block or raise without harm to the call that made the change.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._state = grpc.ChannelConnectivity.IDLE
        self._callbacks: list[ConnectivityCallback] = []
        self._pending: deque[tuple[ConnectivityCallback, grpc.ChannelConnectivity]] = deque()
        self._delivering = False
        restart_in_children(self)

    def _after_fork(self) -> None:
        """Begin without connections, and without the parent's watchers."""
        self._lock = threading.Lock()
        if self._state is not grpc.ChannelConnectivity.SHUTDOWN:
            self._state = grpc.ChannelConnectivity.IDLE
        self._callbacks.clear()
        self._pending.clear()
        self._delivering = False

    @property
    def state(self) -> grpc.ChannelConnectivity:
        """The state now."""
        return self._state

    def change(self, state: grpc.ChannelConnectivity) -> None:
        """Move to `state` and tell the watchers; SHUTDOWN is final."""
        if state is self._state:  # the usual case, on every call: no lock
            return
        with self._lock:
            if state is self._state or self._state is grpc.ChannelConnectivity.SHUTDOWN:
                return
            self._state = state
            self._pending.extend((callback, state) for callback in self._callbacks)
            self._deliver_soon()

    def subscribe(self, callback: ConnectivityCallback) -> None:
        """Call `callback` with the state now and with every later one."""
        with self._lock:
            self._callbacks.append(callback)
            self._pending.append((callback, self._state))
            self._deliver_soon()

    def unsubscribe(self, callback: ConnectivityCallback) -> None:
        """Stop calling `callback`; nothing happens if it is not subscribed."""
        with self._lock:
            if callback in self._callbacks:
                self._callbacks.remove(callback)

    def _deliver_soon(self) -> None:
        if self._pending and not self._delivering:
            self._delivering = True
            threading.Thread(target=self._deliver, name="eegrpc-connectivity", daemon=True).start()

    def _deliver(self) -> None:
        while True:
            with self._lock:
                if not self._pending:
                    self._delivering = False
                    return
                callback, state = self._pending.popleft()
            try:
                callback(state)
            except Exception:  # somebody else's code must not stop the others from being told
                logging.getLogger(__name__).exception("a connectivity callback raised")
