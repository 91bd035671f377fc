"""The object that a transcoded call is: grpc.Call, grpc.Future, and the grpc.RpcError it raises when it fails."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING, Any

import grpc

from eegrpc._processes import restart_in_children
from eegrpc.transcoding.unary import CANCELLED, FORKED

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from eegrpc.transcoding.exchange import Exchange
    from eegrpc.transcoding.types import MetadataValue, Reply

__all__ = ["TranscodedCall"]


class TranscodedCall(grpc.RpcError, grpc.Call, grpc.Future):  # type: ignore[type-arg]
    """One unary call, running or ended; like stock grpc's, it is what a failed call raises.

    Whoever catches it finds in `code` who must act: see eegrpc.transcoding.status for how HTTP errors become codes.
    """

    def __init__(self, exchange: Exchange) -> None:
        super().__init__()
        self._exchange = exchange
        self._ended = threading.Condition()
        self._reply: Reply | None = None
        self._response: Any = None
        self._callbacks: list[Callable[[], None]] = []
        restart_in_children(self)

    # How the channel ends it -------------------------------------------------------------------------------------

    def end(self, reply: Reply, response: Any = None) -> None:
        """End the call, unless it has ended already; then run the callbacks."""
        with self._ended:
            if self._reply is not None:
                return
            self._response = response
            self._reply = reply
            callbacks, self._callbacks = self._callbacks, []
            self._ended.notify_all()
        for callback in callbacks:
            try:
                callback()
            except Exception:  # somebody else's code must not cost the caller its response
                logging.getLogger(__name__).exception("a callback of a call raised")

    def _after_fork(self) -> None:
        """End a call that the parent goes on with; its callbacks are the parent's."""
        self._ended = threading.Condition()
        if self._reply is None:
            self._callbacks = []
            self._reply = FORKED
        self._exchange.disown()

    def outcome(self) -> Any:
        """Return the response of a call that has ended.

        Raises:
            TranscodedCall: itself, the call failed.
        """
        if self._wait().code is not grpc.StatusCode.OK:
            raise self
        return self._response

    # grpc.Call ---------------------------------------------------------------------------------------------------

    def code(self) -> grpc.StatusCode:
        """Return the status code, when the call has ended."""
        return self._wait().code

    def details(self) -> str:
        """Return the status message, when the call has ended."""
        return self._wait().details

    def initial_metadata(self) -> tuple[tuple[str, MetadataValue], ...]:
        """Return the server's initial metadata, when the call has ended."""
        return tuple(self._wait().initial_metadata)

    def trailing_metadata(self) -> tuple[tuple[str, MetadataValue], ...]:  # type: ignore[override]
        """Return the server's trailing metadata, when the call has ended."""
        return tuple(self._wait().trailing_metadata)

    def debug_error_string(self) -> str:
        """Return code and message, as stock errors do."""
        reply = self._wait()
        return f"{reply.code.name}:{reply.details}"

    def is_active(self) -> bool:
        """Whether the call still runs."""
        return self._reply is None

    def time_remaining(self) -> float | None:  # type: ignore[override]
        """Return the seconds until the deadline, 0 when past; None without one."""
        left = self._exchange.deadline.remaining()
        return None if left is None else max(left, 0.0)

    def add_callback(self, callback: Callable[[], None]) -> bool:
        """Have `callback` run when the call ends; False, and no run, if it has ended already."""
        with self._ended:
            if self._reply is not None:
                return False
            self._callbacks.append(callback)
            return True

    def cancel(self) -> bool:
        """End the call now, with CANCELLED, and close its connection; nothing happens to a call that has ended."""
        self.end(CANCELLED)
        self._exchange.cancel()
        return self.cancelled()

    # grpc.Future -------------------------------------------------------------------------------------------------

    def cancelled(self) -> bool:
        """Whether the call ended by `cancel`."""
        return self._reply is CANCELLED

    def running(self) -> bool:
        """Whether the call still runs."""
        return self._reply is None

    def done(self) -> bool:
        """Whether the call has ended."""
        return self._reply is not None

    def result(self, timeout: float | None = None) -> Any:
        """Wait at most `timeout` seconds for the end and return the response.

        Raises:
            grpc.FutureTimeoutError: The call still runs.
            grpc.FutureCancelledError: The call was cancelled.
            grpc.RpcError: The call failed; it is the call itself.
        """
        self._wait(timeout)
        if self.cancelled():
            raise grpc.FutureCancelledError
        return self.outcome()

    def exception(self, timeout: float | None = None) -> TranscodedCall | None:
        """Wait at most `timeout` seconds for the end and return the error, or None for success.

        Raises:
            grpc.FutureTimeoutError: The call still runs.
            grpc.FutureCancelledError: The call was cancelled.
        """
        reply = self._wait(timeout)
        if self.cancelled():
            raise grpc.FutureCancelledError
        return None if reply.code is grpc.StatusCode.OK else self

    def traceback(self, timeout: float | None = None) -> TracebackType | None:
        """Wait at most `timeout` seconds for the end and return the error's traceback, or None for success.

        Raises:
            grpc.FutureTimeoutError: The call still runs.
            grpc.FutureCancelledError: The call was cancelled.
        """
        error = self.exception(timeout)
        if error is None:
            return None
        try:
            raise error
        except grpc.RpcError as raised:
            return raised.__traceback__

    def add_done_callback(self, fn: Callable[[Any], None]) -> None:
        """Have `fn` called with this call when it ends, or at once if it has."""
        if not self.add_callback(lambda: fn(self)):
            fn(self)

    # -------------------------------------------------------------------------------------------------------------

    def _wait(self, timeout: float | None = None) -> Reply:
        if self._reply is None:
            with self._ended:
                if not self._ended.wait_for(self.done, timeout):
                    raise grpc.FutureTimeoutError
        assert self._reply is not None
        return self._reply

    def __repr__(self) -> str:
        if self._reply is None:
            return f"<{type(self).__name__}: in flight>"
        return f"<{type(self).__name__}: {self._reply.code}, details = {self._reply.details!r}>"

    __str__ = __repr__
