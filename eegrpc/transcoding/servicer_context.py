"""What a servicer is handed with a call that came by HTTP: grpc's contexts, for blocking and for asyncio servicers."""

# ruff: noqa: D102 - the methods of the contexts are grpc's, and documented there

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

import grpc
import grpc.aio

from eegrpc.transcoding.types import Reply

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from eegrpc.transcoding.types import Metadata, MetadataValue

__all__ = ["Aborted", "AioContext", "CallState", "Context", "Metadatum"]

_BY_NUMBER: Mapping[int, grpc.StatusCode] = {code.value[0]: code for code in grpc.StatusCode}


class Metadatum(NamedTuple):
    """One pair of metadata, as grpc hands it to servicers."""

    key: str
    value: MetadataValue


class Aborted(Exception):  # noqa: N818 - not an error: how `abort` leaves the servicer
    """Raised by `abort`; what the call ends with is in its state."""


class CallState:
    """What is known of one call; shared by the context, in whatever thread it is used, and the server.

    Args:
        metadata: What the caller sent.
        peer: Where the caller is, in grpc's form.
        timeout: Seconds the call may take, None for no limit.
        interrupt: Called, in any thread, when the servicer cancels the call.
    """

    def __init__(self, metadata: Metadata, peer: str, timeout: float | None, interrupt: Callable[[], None]) -> None:
        self.metadata = tuple(Metadatum(key, value) for key, value in metadata)
        self.peer = peer
        self.deadline = None if timeout is None else time.monotonic() + timeout
        self.code: grpc.StatusCode | None = None
        self.details = ""
        self.initial: Metadata = ()
        self.trailing: Metadata = ()
        self.aborted = False
        self.cancelled = False
        self._interrupt = interrupt
        self._lock = threading.Lock()
        self._callbacks: list[Callable[[], Any]] = []
        self._ended = False

    def time_remaining(self) -> float | None:
        """Return the seconds that are left, at least 0; None if there is no limit."""
        return None if self.deadline is None else max(0.0, self.deadline - time.monotonic())

    def is_active(self) -> bool:
        """Return whether anyone still waits for the answer."""
        return not self._ended

    def add_callback(self, callback: Callable[[], Any]) -> bool:
        """Have `callback` called at the end; return False, and do not call it, if that was before."""
        with self._lock:
            if self._ended:
                return False
            self._callbacks.append(callback)
            return True

    def end(self, *, cancelled: bool = False) -> list[Callable[[], Any]]:
        """End the call; return the callbacks to call, nothing if it had ended before."""
        with self._lock:
            if self._ended:
                return []
            self._ended = True
            self.cancelled = self.cancelled or cancelled
            return self._callbacks

    def cancel(self) -> None:
        """Cancel the call on behalf of the servicer."""
        self.cancelled = True
        self._interrupt()

    def set_code(self, code: Any) -> None:
        """Set the status code; a number that is none becomes UNKNOWN, as in grpc."""
        self.code = code if isinstance(code, grpc.StatusCode) else _BY_NUMBER.get(code, grpc.StatusCode.UNKNOWN)

    def abort(self, code: Any, details: str) -> NoReturn:
        """End the servicer's work with a status; OK, which is no error, becomes UNKNOWN, as in grpc."""
        self.set_code(code)
        self.details = details
        if self.code is grpc.StatusCode.OK:
            self.code, self.details = grpc.StatusCode.UNKNOWN, ""
        self.aborted = True
        raise Aborted

    def failure(self, code: grpc.StatusCode, details: str) -> Reply:
        """Return a failed reply with the metadata that the servicer set."""
        return Reply(code, details, initial_metadata=self.initial, trailing_metadata=self.trailing)


class _Common:
    """What both kinds of context have."""

    def __init__(self, state: CallState) -> None:
        self._state = state

    def invocation_metadata(self) -> Any:
        return self._state.metadata

    def peer(self) -> str:
        return self._state.peer

    def peer_identities(self) -> Iterable[bytes] | None:
        return None

    def peer_identity_key(self) -> str | None:
        return None

    def auth_context(self) -> Mapping[str, Any]:
        return {}

    def set_compression(self, compression: Any) -> None:
        """Do nothing: the caller's Accept-Encoding decides."""

    def disable_next_message_compression(self) -> None:
        """Do nothing: the caller's Accept-Encoding decides."""

    def set_trailing_metadata(self, trailing_metadata: Any) -> None:
        self._state.trailing = tuple(trailing_metadata)

    def trailing_metadata(self) -> Any:
        return self._state.trailing

    def set_code(self, code: Any) -> None:
        self._state.set_code(code)

    def set_details(self, details: str) -> None:
        self._state.details = details

    def code(self) -> Any:
        return self._state.code

    def details(self) -> str:
        return self._state.details

    def time_remaining(self) -> Any:
        return self._state.time_remaining()


class Context(_Common, grpc.ServicerContext):
    """The context of a blocking servicer."""

    def is_active(self) -> bool:
        return self._state.is_active()

    def cancel(self) -> bool:
        self._state.cancel()
        return True

    def add_callback(self, callback: Callable[[], Any]) -> bool:
        return self._state.add_callback(callback)

    def send_initial_metadata(self, initial_metadata: Any) -> None:
        self._state.initial = tuple(initial_metadata)

    def abort(self, code: Any, details: str) -> NoReturn:
        self._state.abort(code, details)

    def abort_with_status(self, status: Any) -> NoReturn:
        self._state.trailing = tuple(status.trailing_metadata or ())
        self._state.abort(status.code, status.details)


class AioContext(_Common, grpc.aio.ServicerContext[Any, Any]):
    """The context of an asyncio servicer."""

    async def read(self) -> Any:
        raise grpc.aio.UsageError("a unary call has no further messages to read")

    async def write(self, message: Any) -> None:  # noqa: ARG002
        raise grpc.aio.UsageError("a unary call returns its message")

    async def send_initial_metadata(self, initial_metadata: Any) -> None:
        self._state.initial = tuple(initial_metadata)

    async def abort(self, code: Any, details: str = "", trailing_metadata: Any = ()) -> NoReturn:
        if trailing_metadata:
            self._state.trailing = tuple(trailing_metadata)
        self._state.abort(code, details)

    async def abort_with_status(self, status: Any) -> NoReturn:
        self._state.trailing = tuple(status.trailing_metadata or ())
        self._state.abort(status.code, status.details)

    def add_done_callback(self, callback: Callable[[Any], None]) -> None:
        self._state.add_callback(lambda: callback(self))

    def cancelled(self) -> bool:
        return self._state.cancelled

    def done(self) -> bool:
        return not self._state.is_active()
