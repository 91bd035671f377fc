"""Calls that failed before anything was sent, and those that failed for a token that has been replaced since."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import grpc

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["FailedCall", "mark_replaced", "token_was_replaced"]

_REPLACED: Final = "_eegrpc_token_was_replaced"


class FailedCall(grpc.RpcError, grpc.Call, grpc.Future):  # type: ignore[type-arg]
    """A call that ended before anything was sent: to callers like any call that failed."""

    def __init__(self, code: grpc.StatusCode, details: str) -> None:
        super().__init__()
        self._code = code
        self._details = details

    def __str__(self) -> str:
        return f"<FailedCall of RPC that terminated with:\n\tstatus = {self._code}\n\tdetails = {self._details!r}\n>"

    __repr__ = __str__

    def __reduce__(self) -> Any:
        return type(self), (self._code, self._details)

    def code(self) -> grpc.StatusCode:
        """Return the status."""
        return self._code

    def details(self) -> str:
        """Return why."""
        return self._details

    def debug_error_string(self) -> str:
        """Return code and reason, as stock errors do."""
        return f"{self._code.name}:{self._details}"

    def initial_metadata(self) -> Any:
        """Return no metadata."""
        return ()

    def trailing_metadata(self) -> Any:
        """Return no metadata."""
        return ()

    def is_active(self) -> bool:
        """Return False: it has ended."""
        return False

    def time_remaining(self) -> float | None:  # type: ignore[override]
        """Return None."""
        return None

    def cancel(self) -> bool:
        """Do nothing."""
        return False

    def cancelled(self) -> bool:
        """Return False: it failed."""
        return False

    def running(self) -> bool:
        """Return False: it has ended."""
        return False

    def done(self) -> bool:
        """Return True."""
        return True

    def add_callback(self, callback: Callable[[], None]) -> bool:  # noqa: ARG002
        """Return False, which says that the call has ended and `callback` will not run."""
        return False

    def add_done_callback(self, fn: Callable[[Any], None]) -> None:
        """Run `fn` now."""
        fn(self)

    def result(self, timeout: float | None = None) -> Any:  # noqa: ARG002
        """Raise this call, as calls that failed do."""
        raise self

    def exception(self, timeout: float | None = None) -> Exception:  # noqa: ARG002
        """Return this call."""
        return self

    def traceback(self, timeout: float | None = None) -> Any:  # noqa: ARG002
        """Return where it was raised, None before."""
        return self.__traceback__

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        raise self


def mark_replaced(call: Any) -> None:
    """Note that a `future` call failed for its token, and that there is a new one."""
    setattr(call, _REPLACED, True)


def token_was_replaced(call: Any) -> bool:
    """Return whether a `future` call failed for its token, and sending it once more has a new one."""
    return bool(getattr(call, _REPLACED, False))
