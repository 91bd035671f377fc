"""The one error that calls raise, and the table of reasons that says who must act.

`EarthEngineError` is a `grpc.RpcError` and a finished `grpc.Call`, as gRPC's own errors are, so code written for gRPC
handles it unchanged; ``grpc_status.rpc_status.from_call(error)`` gives the google.rpc.Status with all its details.

Earth Engine sends several very different failures under one code: a computation that takes too long, one that needs too
much memory and a misspelt band are all INVALID_ARGUMENT. `RULES` tells them apart. It is data: one row for each kind,
the first row that fits wins, and `_BY_CODE` has the last word for what no row knows.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import grpc
from google.protobuf.message import DecodeError
from google.rpc import error_details_pb2, status_pb2

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

__all__ = ["RULES", "CallContext", "EarthEngineError", "Rule", "from_rpc_error", "make_error"]

_STATUS_KEY: Final = "grpc-status-details-bin"
_DOMAIN: Final = "eegrpc"
_DOMAINS: Final = (_DOMAIN, "eegrpc.transcoding")  # ErrorInfo.domain of the errors that this library makes itself

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


@dataclass(frozen=True, slots=True)
class Rule:
    """One kind of failure: how to recognise it, and what to do about it.

    A rule fits when `codes` has the error's code, and either `infos` has the reason of its google.rpc.ErrorInfo or
    `text` is found in its message or in the ErrorInfo's values.
    """

    reason: str
    """Our name, given as `EarthEngineError.reason` when the server sent no ErrorInfo."""
    codes: frozenset[grpc.StatusCode]
    hint: str
    """What to do next."""
    retryable: bool = False
    infos: frozenset[str] = frozenset()
    text: re.Pattern[str] | None = None


def _rule(
    reason: str,
    codes: Iterable[grpc.StatusCode],
    hint: str,
    *,
    retryable: bool = False,
    infos: str = "",
    text: str = "",
) -> Rule:
    """Return a rule; `infos` are names separated by blanks (the rule's own reason is always one), `text` a pattern."""
    pattern = re.compile(text, re.IGNORECASE) if text else None
    return Rule(reason, frozenset(codes), hint, retryable, frozenset({reason, *infos.split()}), pattern)


_BAD_INPUT: Final = (_Code.INVALID_ARGUMENT, _Code.FAILED_PRECONDITION, _Code.OUT_OF_RANGE)

RULES: Final[tuple[Rule, ...]] = (
    # The computation: whoever wrote the expression must act; the same request fails again.
    _rule(
        "COMPUTATION_TIMED_OUT",
        (*_BAD_INPUT, _Code.DEADLINE_EXCEEDED),
        "Ask for less in one request: filter by date and bounds first, compute fewer properties, use a smaller page.",
        text=r"computation timed out",
    ),
    _rule(
        "MEMORY_LIMIT_EXCEEDED",
        (*_BAD_INPUT, _Code.RESOURCE_EXHAUSTED),
        "Make the computation smaller: filter earlier, avoid toList() and large joins, use a smaller page.",
        text=r"memory (limit|capacity) exceeded|out of memory",
    ),
    _rule(
        "UNSUPPORTED_BY_EMULATOR",
        _BAD_INPUT,
        "The emulator does not know this function; use one it knows, or run the expression against Earth Engine.",
    ),
    _rule(
        "BAD_PAGE_TOKEN",
        _BAD_INPUT,
        "The token expired or belongs to another expression or project: start over without page_token.",
        text=r"page.?token",
    ),
    _rule(
        "BAD_PROJECT",
        (*_BAD_INPUT, _Code.NOT_FOUND, _Code.PERMISSION_DENIED),
        "Pass the id or number of a Google Cloud project that is registered for Earth Engine.",
        infos="USER_PROJECT_DENIED CONSUMER_INVALID RESOURCE_PROJECT_INVALID",
        text=r"project\b.*\b(not found|deleted|not registered|invalid|does not match projects)|not signed up",
    ),
    _rule(
        "BAD_EXPRESSION",
        _BAD_INPUT,
        "Correct the expression at the place that the message names.",
        text=r"invalid value at 'expression|^[A-Z]\w*(\.\w+)*: |error in map\(",
    ),
    _rule("REQUEST_TOO_LARGE", _BAD_INPUT, "Make the expression smaller: large geometries are the usual cause."),
    _rule("BAD_REQUEST", (*_BAD_INPUT, _Code.INTERNAL), "Correct the argument that the message names."),
    # Quota: wait, ask for more of it, or send less.
    _rule(
        "TOO_LARGE",
        (_Code.RESOURCE_EXHAUSTED,),
        "Ask for less in one answer: a smaller page_size, or fields= for the fields you need.",
        text=r"(received|sent|decompressed) message.*larger than|too_large|message (is )?too large",
    ),
    _rule(
        "DAILY_QUOTA",
        (_Code.RESOURCE_EXHAUSTED,),
        "The project's quota for the day is used up: wait for the next day, or ask its owner to raise the quota.",
        text=r"daily|per day|eecu",
    ),
    _rule(
        "TOO_MANY_AGGREGATIONS",
        (*_BAD_INPUT, _Code.RESOURCE_EXHAUSTED),
        "Run fewer aggregations at a time; the limit is per user and fixed.",
        retryable=True,
        text=r"too many concurrent aggregations",
    ),
    _rule(
        "CONCURRENCY_LIMIT",
        (_Code.RESOURCE_EXHAUSTED,),
        "Send fewer requests at a time (40 by default, per project), or have the quota raised.",
        retryable=True,
        text=r"concurren",
    ),
    _rule(
        "RATE_LIMIT_EXCEEDED",
        (_Code.RESOURCE_EXHAUSTED,),
        "Send fewer requests per second (100 by default, per project), or have the quota raised.",
        retryable=True,
        text=r"rate.?limit|too many requests|per minute|per second|quota",
    ),
    # Access: whoever administers the project or the credentials must act.
    _rule(
        "SERVICE_DISABLED",
        (_Code.PERMISSION_DENIED, _Code.FAILED_PRECONDITION),
        "Enable earthengine.googleapis.com for the project in the Google Cloud console, then wait a few minutes.",
        text=r"has not been used in project|api .*(is disabled|not enabled)",
    ),
    _rule(
        "ACCESS_TOKEN_SCOPE_INSUFFICIENT",
        (_Code.PERMISSION_DENIED, _Code.UNAUTHENTICATED),
        "Make credentials with the scope https://www.googleapis.com/auth/earthengine.readonly.",
        text=r"insufficient.*scope",
    ),
    # The way there: whoever runs the network, the proxy or the server must act.
    _rule(
        "TLS",
        (_Code.UNAVAILABLE,),
        "The server's certificate was not accepted: check the endpoint, and the certificate authorities in use.",
        text=r"certificate.?verify.?failed|ssl handshake|wrong.version.number",
    ),
    _rule("PROXY", (_Code.UNAVAILABLE,), "The proxy refused the connection: check its address and its rules."),
    _rule(
        "TRUNCATED",
        (_Code.UNAVAILABLE,),
        "The answer ended early; it is safe to send the request again.",
        retryable=True,
    ),
    _rule(
        "NOT_JSON",
        (_Code.UNKNOWN, _Code.INTERNAL, _Code.UNIMPLEMENTED, _Code.PERMISSION_DENIED, _Code.UNAUTHENTICATED),
        "Something else than Earth Engine answered: check the endpoint, and the proxies on the way to it.",
    ),
    _rule(
        "REDIRECT", (_Code.UNKNOWN,), "Redirects are not followed: pass the endpoint that it leads to, if you trust it."
    ),
    # The server answered what no server should: report it to whoever runs it.
    _rule(
        "BAD_RESPONSE", (_Code.INTERNAL,), "The answer is not one of this method: check the endpoint and its proxies."
    ),
    _rule("TOKEN_LOOP", (_Code.INTERNAL,), "Paging would never end: report it to whoever runs the server."),
    _rule("NO_PROGRESS", (_Code.INTERNAL,), "Only empty pages came: filter the collection more closely, or report it."),
)

_UNKNOWN_CAUSE: Final = "The server failed: try again later, and report it if it stays."
_BY_CODE: Final[dict[grpc.StatusCode, tuple[bool, str]]] = {
    _Code.CANCELLED: (False, "The call was cancelled before it was answered."),
    _Code.UNKNOWN: (False, _UNKNOWN_CAUSE),
    _Code.INVALID_ARGUMENT: (False, "Correct the request; the message says where."),
    _Code.DEADLINE_EXCEEDED: (False, "Give the call a longer timeout=, or ask for less in one request."),
    _Code.NOT_FOUND: (False, "Check the names of the assets and of the project."),
    _Code.ALREADY_EXISTS: (False, _UNKNOWN_CAUSE),
    _Code.PERMISSION_DENIED: (
        False,
        "Have the caller granted earthengine.computations.create and serviceusage.services.use on the project.",
    ),
    _Code.RESOURCE_EXHAUSTED: (True, "Wait, then send fewer requests at a time."),
    _Code.FAILED_PRECONDITION: (False, "Correct the request or the state that the message names."),
    _Code.ABORTED: (False, _UNKNOWN_CAUSE),
    _Code.OUT_OF_RANGE: (False, "Correct the request; the message says where."),
    _Code.UNIMPLEMENTED: (False, "This endpoint does not offer the method: check endpoint, transport and api_version."),
    _Code.INTERNAL: (False, _UNKNOWN_CAUSE),
    _Code.UNAVAILABLE: (True, "Check the network and the endpoint; it is safe to send the request again."),
    _Code.DATA_LOSS: (False, _UNKNOWN_CAUSE),
    _Code.UNAUTHENTICATED: (False, "Check the credentials: run `eegrpc doctor`, or log in again."),
}


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
        rule = _find_rule(code, details, info)
        retryable, hint = (rule.retryable, rule.hint) if rule else _BY_CODE.get(code, (False, _UNKNOWN_CAUSE))
        self.reason: str = info.reason or (rule.reason if rule else code.name)
        """Machine-readable reason: the server's ErrorInfo.reason, else a name from `RULES`, else the code's name."""
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
        return f"{self._code.name}: {self._details}{reason} ({self.hint})"

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
    status.details.add().Pack(error_details_pb2.ErrorInfo(reason=reason, domain=_DOMAIN))
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


def _find_rule(code: grpc.StatusCode, details: str, info: error_details_pb2.ErrorInfo) -> Rule | None:
    """Return the first rule that fits, else None."""
    text = "\n".join([details, *info.metadata.values()])
    for rule in RULES:
        if code not in rule.codes:
            continue
        if info.domain in _DOMAINS:  # ours: it says which rule it is, whatever words it quotes from the request
            if info.reason == rule.reason:
                return rule
        elif info.reason in rule.infos or (rule.text is not None and rule.text.search(text)):
            return rule
    return None
