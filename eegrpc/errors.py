"""The one error that calls raise, and the table of reasons that says who must act.

`EarthEngineError` is a `grpc.RpcError` and a finished `grpc.Call`, as gRPC's own errors are, so code written for gRPC
handles it unchanged; ``grpc_status.rpc_status.from_call(error)`` gives the google.rpc.Status with all its details.

The table that tells failures apart, `RULES`, stands in ``eegrpc/_error_rules.py``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import grpc
from google.protobuf.message import DecodeError
from google.rpc import error_details_pb2, status_pb2

from eegrpc._error_rules import BY_CODE, OWN_DOMAIN, RULES, UNKNOWN_CAUSE, Rule, find_rule

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

__all__ = ["RULES", "CallContext", "EarthEngineError", "Rule", "from_rpc_error", "make_error"]

_STATUS_KEY: Final = "grpc-status-details-bin"

_Code = grpc.StatusCode
_Metadata = tuple[tuple[str, str | bytes], ...]


@dataclass(frozen=True, slots=True)
class CallContext:
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
        super().__init__(code, details)
        self._code = code
        self._details = details
        self._initial_metadata = _pairs(initial_metadata)
        self._trailing_metadata = _pairs(trailing_metadata)
        self.context = context or CallContext()
        """The request that failed: project, page, attempt."""
        self.status = _read_status(code, details, self._trailing_metadata)
        """The google.rpc.Status, with the details that the server sent."""
        info = _error_info(self.status)
        rule = find_rule(code, details, info)
        retryable, hint = (rule.retryable, rule.hint) if rule else BY_CODE.get(code, (False, UNKNOWN_CAUSE))
        self.reason: str = rule.reason if rule else (info.reason or code.name)
        """Machine-readable reason: a name from `RULES`, else the server's ErrorInfo.reason, else the code's name."""
        self.retryable: bool = retryable
        """Whether the same request may succeed when it is sent again later."""
        self.hint: str = hint
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
    status = status_pb2.Status(code=code.value[0], message=details)
    status.details.add().Pack(error_details_pb2.ErrorInfo(reason=reason, domain=OWN_DOMAIN))
    if field:
        violation = error_details_pb2.BadRequest.FieldViolation(field=field, description=details)
        status.details.add().Pack(error_details_pb2.BadRequest(field_violations=[violation]))
    return EarthEngineError(
        code, details, trailing_metadata=((_STATUS_KEY, status.SerializeToString()),), context=context
    )


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


def _read_status(code: grpc.StatusCode, details: str, trailing: _Metadata) -> status_pb2.Status:
    """Return the Status of the trailing metadata; one of code and details when it has none, or a contradicting one."""
    for key, value in trailing:
        if key == _STATUS_KEY and isinstance(value, bytes):
            try:
                status = status_pb2.Status.FromString(value)
            except DecodeError:
                continue
            if status.code == code.value[0]:
                return status
    return status_pb2.Status(code=code.value[0], message=details)


def _error_info(status: status_pb2.Status) -> error_details_pb2.ErrorInfo:
    """Return the status's ErrorInfo; an empty one when it has none that can be read."""
    info = error_details_pb2.ErrorInfo()
    for detail in status.details:
        if detail.Is(info.DESCRIPTOR):
            try:
                detail.Unpack(info)
            except DecodeError:
                continue
            return info
    return info
