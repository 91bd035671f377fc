"""Ending one call from outside, on threads."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final, TypeVar

import grpc

from eegrpc._admission import Admission
from eegrpc._bell import Bell
from eegrpc._failed_call import FailedCall, token_was_replaced

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

__all__ = ["Stop"]

_Response = TypeVar("_Response")

_UNWANTED: Final = "the answer was no longer wanted, or the client was closed"


class Stop:
    """What somebody else may end by calling this: for good, from any thread, and from the garbage collector.

    The thread whose call it is waits through it, whatever for: an answer, its next attempt, a place at the gate. It is
    woken to clean up after itself, so that whoever stops it takes no lock and waits for nothing.
    """

    def __init__(self) -> None:
        self.bell = Bell()
        self.stopped = False

    def __call__(self) -> None:
        """Have the call ended."""
        self.stopped = True
        self.bell.ring()

    def sleep(self, seconds: float) -> bool:
        """Wait; return True, early, when stopped."""
        until = time.monotonic() + seconds
        while not self.stopped and (left := until - time.monotonic()) > 0:
            self.bell.wait(left)
        return self.stopped

    def admission(self, client: Admission) -> Admission:
        """Return the client's way through its gate, from which this call can be sent away alone."""
        return _Alone(client, self)

    def method(self, method: Callable[..., _Response]) -> Callable[..., _Response]:
        """Return a stub's method, which blocks, with calls that end with CANCELLED when stopped."""

        def call(request: Any, *, timeout: float, metadata: Any) -> _Response:
            until = time.monotonic() + timeout
            ended = self._send(method, request, timeout, metadata)
            if token_was_replaced(ended):  # a blocking call would have been sent again by the interceptor
                ended = self._send(method, request, until - time.monotonic(), metadata)
            response: _Response = ended.result()
            return response

        return call

    def _send(self, method: Any, request: Any, timeout: float, metadata: Any) -> Any:
        """Send once; return the call when it has ended, and the callbacks that were added to it have run."""
        if self.stopped:
            raise FailedCall(grpc.StatusCode.CANCELLED, _UNWANTED)
        call = method.future(request, timeout=timeout, metadata=metadata)
        seen: list[Any] = []

        def see(ended: Any) -> None:
            seen.append(ended)
            self.bell.ring()

        call.add_done_callback(see)
        while not seen:
            if self.stopped:
                call.cancel()
                raise FailedCall(grpc.StatusCode.CANCELLED, _UNWANTED)
            self.bell.wait()
        return call


class _Alone(Admission):
    """The way of one call, which takes its turn as all of its client's do."""

    def __init__(self, client: Admission, stop: Stop) -> None:
        self.gate = client.gate
        self.bell = stop.bell
        self._client = client
        self._stop = stop

    @property
    def group(self) -> Hashable:
        return self._client.group

    @property
    def closed(self) -> bool:
        return self._client.closed or self._stop.stopped
