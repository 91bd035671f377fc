"""One client's way through a quota gate, and the right to send one attempt; where there is no gate, nearly nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import grpc

from eegrpc.errors import CallContext, from_rpc_error, make_error

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable
    from types import EllipsisType

    from eegrpc._bell import Bell
    from eegrpc._gate import QuotaGate
    from eegrpc._quota import Ticket
    from eegrpc._retry import Attempts

__all__ = ["NO_PERMIT", "Admission", "Permit"]


class Admission:
    """One client's way through a gate; the clients that share a gate take turns.

    Args:
        quota: The gate; None for no gate. By default one of the client's own at Google's endpoints, whose quota it is,
            and none elsewhere.
        is_google: Whether the requests go to one of them.

    Raises:
        TypeError: `quota` is something else.
    """

    def __init__(self, quota: QuotaGate | EllipsisType | None = None, *, is_google: bool = False) -> None:
        self.gate: QuotaGate | None = None
        if quota is not None and (is_google or quota is not ...):
            self.gate = _gate(quota)
        self._closed = False

    bell: Bell | None = None
    """What wakes the one call that goes this way; None where each call has a bell of its own."""

    @property
    def closed(self) -> bool:
        """Whether nothing goes this way any more."""
        return self._closed

    @property
    def group(self) -> Hashable:
        """Whose turn it is when it is this one's."""
        return self

    def close(self) -> None:
        """Send away all that wait, and all that come."""
        self._closed = True
        if self.gate is not None:
            self.gate._lines().close(self)


class Permit:
    """The right to send one attempt through a gate: what the waiters of both colours share. They are context managers.

    Args:
        admission: The client's.
        attempts: The call's; its time bounds the wait, and its project is whose line it waits in.
    """

    def __init__(self, admission: Admission, attempts: Attempts) -> None:
        self._admission = admission
        self._attempts = attempts
        assert admission.gate is not None, "without a gate, nobody needs a permit"
        self._lines = admission.gate._lines()
        self._ticket: Ticket | None = None
        self._throttled = False

    def failed(self, cause: grpc.RpcError) -> None:
        """Take note of how the attempt failed."""
        if self._ticket is None or _code(cause) is not grpc.StatusCode.RESOURCE_EXHAUSTED:
            return
        error = from_rpc_error(cause)
        if error.retryable:  # else a daily quota, or an answer that is too large
            self._throttled = True
            self._lines.refused(self._ticket, error)

    def _look(self, wake: Callable[[], bool]) -> float | None:
        """Return the seconds after which to look again, at the latest; None once the attempt may be sent.

        Raises:
            EarthEngineError: The time is up (DEADLINE_EXCEEDED, or how the last attempt failed), or the client was
                closed (CANCELLED). Nothing is sent.
        """
        project = self._attempts.project
        if self._ticket is None:
            self._ticket, wait = self._lines.enter(project, self._admission.group, wake)
        else:
            wait = self._lines.look(self._ticket)
        if self._admission.closed:
            raise make_error(
                grpc.StatusCode.CANCELLED,
                f"the client was closed while the request waited for quota of {project}; nothing was sent",
                reason="CANCELLED",
                context=CallContext(project),
            )
        if wait is None:
            return None
        left = self._attempts.left()
        if left <= 0:
            raise self._attempts.expired(f"while the request waited for quota of {project}")
        return min(wait, left)

    def _end(self, kind: type[BaseException] | None) -> None:
        """Give the place back; once, however often this is called.

        Args:
            kind: Class of the exception that ends the attempt, if one does.
        """
        if self._ticket is None:
            return
        if kind is GeneratorExit:
            # A coroutine that nobody will resume: the garbage collector may be at it, on a thread that holds the lock.
            self._lines.drop(self._ticket)
        else:
            self._lines.leave(self._ticket, answered=kind is None and not self._throttled)


class NoPermit:
    """What stands for a permit where there is no gate, in both colours."""

    def failed(self, cause: grpc.RpcError) -> None:
        """Take note of nothing."""

    def __enter__(self) -> NoPermit:  # noqa: PYI034 - Self needs Python 3.11
        return self

    def __exit__(self, *_: object) -> None:
        pass

    async def __aenter__(self) -> NoPermit:  # noqa: PYI034
        return self

    async def __aexit__(self, *_: object) -> None:
        pass


NO_PERMIT: Final = NoPermit()


def _gate(quota: object) -> QuotaGate:
    """Return the gate that a user gave, or the default one for ``...``."""
    from eegrpc._gate import QuotaGate  # most clients of an emulator have none

    gate = QuotaGate() if quota is ... else quota
    if not isinstance(gate, QuotaGate):
        raise TypeError(f"quota is a {type(gate).__name__}: pass an eegrpc.QuotaGate, or None for no limits")
    return gate


def _code(error: grpc.RpcError) -> Any:
    """Return the code of a stub's error; None for a bare grpc.RpcError, which has none."""
    code = getattr(error, "code", None)
    return code() if callable(code) else None
