"""The one error that calls raise, and the table of reasons that says who must act.

`EarthEngineError` is a `grpc.RpcError` and a finished `grpc.Call`, as gRPC's own errors are, so code written for gRPC
handles it unchanged; ``grpc_status.rpc_status.from_call(error)`` gives the google.rpc.Status with all its details.

The table that tells failures apart, `RULES`, stands in ``eegrpc/_error_rules.py``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import grpc

from eegrpc._processes import load_before_forks

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from google.rpc.status_pb2 import Status

    from eegrpc._error_rules import RULES, Rule

__all__ = ["RULES", "CallContext", "EarthEngineError", "Rule", "from_rpc_error", "make_error"]

load_before_forks("eegrpc._error_status")  # needed when something fails, as the table is

_Code = grpc.StatusCode
_Metadata = tuple[tuple[str, str | bytes], ...]


def __getattr__(name: str) -> Any:
    if name not in ("RULES", "Rule"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import eegrpc._error_rules as table

    return getattr(table, name)


class CallContext(NamedTuple):
    """Which request failed; nothing in it is secret."""

    project: str = ""
    """Resource name of the project, ``projects/my-project``."""
    page: int = 0
    """Number of the page that was asked for, from 1; 0 when nothing was."""
    attempt: int = 0
    """Number of the attempt that failed, from 1; 0 when nothing was sent."""


class EarthEngineError(grpc.RpcError, grpc.Call):
    """A call that failed, or a request that was refused before anything was sent.

    Who must act stands in `hint`; in short: INVALID_ARGUMENT, whoever wrote the expression or the arguments;
    PERMISSION_DENIED and UNAUTHENTICATED, whoever runs the project or the credentials; RESOURCE_EXHAUSTED, the caller,
    by waiting or sending less; UNAVAILABLE and INTERNAL, whoever runs the network or the server. The error a channel
    raised, if any, is its ``__cause__``. Errors can be pickled (without the cause) and hold no credentials.

    Args:
        code: gRPC status code; never OK.
        details: What was wrong, and where.
        initial_metadata, trailing_metadata: What the server sent, as pairs of key and text or bytes.
        context: The request that failed.
    """

    def __init__(
        self,
        code: grpc.StatusCode,
        details: str,
        *,
        initial_metadata: Iterable[tuple[str, str | bytes]] = (),
        trailing_metadata: Iterable[tuple[str, str | bytes]] = (),
        context: CallContext | None = None,
    ) -> None:
        from eegrpc._error_status import judge

        super().__init__(code, details)
        self._code = code
        self._details = details
        self._initial_metadata = _pairs(initial_metadata)
        self._trailing_metadata = _pairs(trailing_metadata)
        self.context = context or CallContext()
        """The request that failed: project, page, attempt."""
        verdict = judge(code, details, self._trailing_metadata)
        self.status: Status = verdict.status
        """The google.rpc.Status, with the details that the server sent."""
        self.reason: str = verdict.reason
        """Machine-readable reason: a name from `RULES`, else the server's ErrorInfo.reason, else the code's name."""
        self.retryable: bool = verdict.retryable
        """Whether the same request may succeed when it is sent again later."""
        self.hint: str = verdict.hint
        """What to do next, as a sentence."""

    def code(self) -> grpc.StatusCode:
        """Return the gRPC status code."""
        return self._code

    def details(self) -> str:
        """Return what was wrong, in the server's words if it came from there."""
        return self._details

    def initial_metadata(self) -> Any:  # a tuple of pairs; gRPC's stubs want their own private alias
        """Return the metadata that came before the answer, as pairs."""
        return self._initial_metadata

    def trailing_metadata(self) -> Any:
        """Return the metadata that came with the status, as pairs; ``grpc-status-details-bin`` holds the details."""
        return self._trailing_metadata

    def is_active(self) -> bool:
        """Return False: the call is over."""
        return False

    def time_remaining(self) -> Any:  # grpc.Call documents None for a call without a deadline, its stubs say float
        """Return None: the call is over."""
        return None

    def cancel(self) -> bool:
        """Return False: there is nothing left to cancel."""
        return False

    def add_callback(self, callback: Callable[[], None]) -> bool:  # noqa: ARG002  # the interface of grpc.Call
        """Return False: the call is over, so `callback` will not be called."""
        return False

    def __str__(self) -> str:
        reason = f" [{self.reason}]" if self.reason != self._code.name else ""
        tries = f" after {self.context.attempt} attempts" if self.context.attempt > 1 else ""
        return f"{self._code.name}{tries}: {self._details}{reason} ({self.hint})"

    def __repr__(self) -> str:
        return f"<EarthEngineError {self._code.name} {self.reason}: {self._details!r}>"

    def __reduce__(self) -> tuple[Callable[..., EarthEngineError], tuple[Any, ...]]:
        state = (self._code, self._details, self._initial_metadata, self._trailing_metadata, self.context)
        return _restore, state


def from_rpc_error(error: grpc.RpcError, *, context: CallContext | None = None) -> EarthEngineError:
    """Return the EarthEngineError for what a stub raised; the caller raises it ``from error``.

    Args:
        error: The error of a synchronous or asyncio channel.
        context: The request that failed.
    """
    code = _ask(error, "code")
    return EarthEngineError(
        code if isinstance(code, grpc.StatusCode) and code is not _Code.OK else _Code.UNKNOWN,
        _ask(error, "details") or "",
        initial_metadata=_ask(error, "initial_metadata") or (),
        trailing_metadata=_ask(error, "trailing_metadata") or (),
        context=context,
    )


def make_error(
    code: grpc.StatusCode, details: str, *, reason: str, field: str = "", context: CallContext | None = None
) -> EarthEngineError:
    """Return an error that this library itself finds, in the form a Google API would send it (AIP-193).

    Args:
        code: gRPC status code.
        details: What is wrong, where, and what is right.
        reason: A name from `RULES`; travels as ErrorInfo.reason.
        field: Path of the offending request field, if one is; travels as a google.rpc.BadRequest.FieldViolation.
        context: The request.
    """
    from eegrpc._error_status import STATUS_KEY, own_status

    trailing = ((STATUS_KEY, own_status(code, details, reason, field)),)
    return EarthEngineError(code, details, trailing_metadata=trailing, context=context)


def _restore(
    code: grpc.StatusCode, details: str, initial: _Metadata, trailing: _Metadata, context: CallContext
) -> EarthEngineError:
    """Rebuild a pickled error."""
    return EarthEngineError(code, details, initial_metadata=initial, trailing_metadata=trailing, context=context)


def _ask(error: grpc.RpcError, name: str) -> Any:
    """Return what the error's method gives; None where it has no such method, as a bare grpc.RpcError has not."""
    method = getattr(error, name, None)
    return method() if callable(method) else None


def _pairs(metadata: Iterable[tuple[str, str | bytes]]) -> _Metadata:
    """Return metadata as plain pairs, which can be pickled; gRPC has types of its own for them."""
    return tuple((key, value) for key, value in metadata)
