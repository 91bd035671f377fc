"""The table of failures: how each kind is recognised, whether sending again can help, and what to do next.

Earth Engine sends several very different failures under one code: a computation that takes too long, one that needs too
much memory and a misspelt band are all INVALID_ARGUMENT. `RULES` tells them apart. It is data: one row for each way to
recognise a kind, the first row that fits wins, and `BY_CODE` has the last word for what no row knows.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Final, NamedTuple

import grpc

if TYPE_CHECKING:
    from collections.abc import Iterable

    from google.rpc import error_details_pb2

__all__ = ["BY_CODE", "OWN_DOMAIN", "RULES", "THROTTLED", "UNKNOWN_CAUSE", "Rule", "find_rule"]

OWN_DOMAIN: Final = "eegrpc"
"""ErrorInfo.domain of the errors that the client makes itself."""
_OWN_DOMAINS: Final = (OWN_DOMAIN, "eegrpc.transcoding")

_Code = grpc.StatusCode


class Rule(NamedTuple):
    """One kind of failure: how to recognise it, and what to do about it.

    A rule fits when `codes` has the error's code, and either `infos` has the reason of its google.rpc.ErrorInfo or
    `text` is found in its message or in the ErrorInfo's values.
    """

    reason: str
    """Our name for the kind, given as `EarthEngineError.reason`. Rows that recognise one kind in two ways share it."""
    codes: frozenset[grpc.StatusCode]
    hint: str
    """What to do next."""
    retryable: bool = False
    infos: frozenset[str] = frozenset()
    text: str = ""
    """A pattern, or none; compiled when an error comes, for that takes longer than to load everything else here."""


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
    return Rule(reason, frozenset(codes), hint, retryable, frozenset({reason, *infos.split()}), text)


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE)


_BAD_INPUT: Final = (_Code.INVALID_ARGUMENT, _Code.FAILED_PRECONDITION, _Code.OUT_OF_RANGE)
_DAILY: Final = "The project's quota for the day is used up: wait for the next day, or have its owner raise the quota."
_RATE: Final = "Send fewer requests per second (100 by default, per project), or have the quota raised."

THROTTLED: Final = frozenset(("TOO_MANY_AGGREGATIONS", "CONCURRENCY_LIMIT", "RATE_LIMIT_EXCEEDED"))
"""Reasons that say, under whatever code, that we send too much at a time: sending later helps."""

RULES: Final[tuple[Rule, ...]] = (
    # The computation: whoever wrote the expression must act; the same request fails again.
    _rule(
        "COMPUTATION_TIMED_OUT",
        (*_BAD_INPUT, _Code.DEADLINE_EXCEEDED, _Code.INTERNAL),
        "Ask for less in one request: filter by date and bounds first, compute fewer properties, use a smaller page.",
        text=r"computation timed out",
    ),
    _rule(
        "MEMORY_LIMIT_EXCEEDED",
        (*_BAD_INPUT, _Code.RESOURCE_EXHAUSTED, _Code.INTERNAL),
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
        "USER_PROJECT_DENIED",
        (_Code.PERMISSION_DENIED,),
        "Have the caller granted roles/serviceusage.serviceUsageConsumer on the project, or pass another project.",
        text=r"required permission to use project",
    ),
    _rule(
        "BAD_PROJECT",
        (*_BAD_INPUT, _Code.NOT_FOUND, _Code.PERMISSION_DENIED),
        "Pass the id or number of a Google Cloud project that is registered for Earth Engine.",
        infos="CONSUMER_INVALID RESOURCE_PROJECT_INVALID",
        # Not a project within the name of an asset, as in "asset 'projects/my-project/assets/a' not found".
        text=r"(?<![\w/-])project\b.*\b(not found|deleted|not registered|invalid|does not match projects)"
        r"|not signed up",
    ),
    _rule(
        "BAD_EXPRESSION",
        _BAD_INPUT,
        "Correct the expression at the place that the message names.",
        text=r"invalid value at 'expression|^[A-Z]\w*(\.\w+)*(, argument '[^']*')?: |error in map\(",
    ),
    _rule("REQUEST_TOO_LARGE", _BAD_INPUT, "Make the expression smaller: large geometries are the usual cause."),
    _rule("BAD_REQUEST", (*_BAD_INPUT, _Code.INTERNAL), "Correct the argument that the message names."),
    # Quotas: wait, ask for more of it, or send less.
    _rule(
        "TOO_LARGE",
        (_Code.RESOURCE_EXHAUSTED,),
        "Ask for less in one answer: a smaller page_size, or fields= for the fields you need.",
        text=r"(received|sent|decompressed) message.*larger than|too_large|message (is )?too large",
    ),
    _rule(
        "DAILY_QUOTA",
        (_Code.RESOURCE_EXHAUSTED,),
        _DAILY,
        text=r"daily|per.?day|eecu",
    ),
    _rule(  # 403 with names of this form is how Google's older JSON APIs speak of quotas
        "DAILY_QUOTA",
        (_Code.PERMISSION_DENIED,),
        _DAILY,
        infos="dailyLimitExceeded",
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
        _RATE,
        retryable=True,
        text=r"rate.?limit|too many requests|per.?minute|per.?second|quota",
    ),
    _rule(
        "RATE_LIMIT_EXCEEDED",
        (_Code.PERMISSION_DENIED,),
        _RATE,
        retryable=True,
        infos="rateLimitExceeded userRateLimitExceeded",
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
        "TLS did not come about: check the endpoint, its certificate, and the certificate authorities in use.",
        text=r"certificate.?verify.?failed|ssl handshake|wrong.version.number|hostname verification check failed"
        r"|tls handshake failed \(TSI_PROTOCOL_FAILURE\)",
    ),
    _rule(
        "PROXY",
        (_Code.UNAVAILABLE,),
        "The proxy refused the connection: check its address and its rules.",
        text=r"HTTP proxy returned response code|last error: .*: Expected 'H'",  # the latter is an answer without HTTP
    ),
    _rule(
        "PROTOCOL",
        (_Code.UNAVAILABLE,),
        "What answered does not speak HTTP/1.1: check the endpoint and the proxies on the way; a server that speaks "
        'HTTP/2 alone needs transport="grpc".',
        retryable=True,
    ),
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
        "BAD_RESPONSE",
        (_Code.INTERNAL,),
        "The answer is not one of this method: check the endpoint and its proxies.",
        text=r"exception deserializing response|compression bit set",
    ),
    _rule("TOKEN_LOOP", (_Code.INTERNAL,), "Paging would never end: report it to whoever runs the server."),
    _rule("NO_PROGRESS", (_Code.INTERNAL,), "Only empty pages came: filter the collection more closely, or report it."),
)

UNKNOWN_CAUSE: Final = "The server failed: try again later, and report it if it stays."
BY_CODE: Final[dict[grpc.StatusCode, tuple[bool, str]]] = {
    _Code.CANCELLED: (False, "The call was cancelled before it was answered."),
    _Code.UNKNOWN: (False, UNKNOWN_CAUSE),
    _Code.INVALID_ARGUMENT: (False, "Correct the request; the message says where."),
    _Code.DEADLINE_EXCEEDED: (False, "Give the call a longer timeout=, or ask for less in one request."),
    _Code.NOT_FOUND: (False, "Check the names of the assets and of the project."),
    _Code.ALREADY_EXISTS: (False, UNKNOWN_CAUSE),
    _Code.PERMISSION_DENIED: (
        False,
        "Have the caller granted earthengine.computations.create and serviceusage.services.use on the project.",
    ),
    _Code.RESOURCE_EXHAUSTED: (True, "Wait, then send fewer requests at a time."),
    _Code.FAILED_PRECONDITION: (False, "Correct the request or the state that the message names."),
    _Code.ABORTED: (False, UNKNOWN_CAUSE),
    _Code.OUT_OF_RANGE: (False, "Correct the request; the message says where."),
    _Code.UNIMPLEMENTED: (False, "This endpoint does not offer the method: check endpoint, transport and api_version."),
    _Code.INTERNAL: (True, UNKNOWN_CAUSE),
    _Code.UNAVAILABLE: (True, "Check the network and the endpoint; it is safe to send the request again."),
    _Code.DATA_LOSS: (False, UNKNOWN_CAUSE),
    _Code.UNAUTHENTICATED: (False, "Check the credentials: run `eegrpc doctor`, or log in again."),
}


def find_rule(code: grpc.StatusCode, details: str, info: error_details_pb2.ErrorInfo) -> Rule | None:
    """Return the first rule that fits, else None."""
    text = "\n".join([details, *info.metadata.values()])
    for rule in RULES:
        if code not in rule.codes:
            continue
        if info.domain in _OWN_DOMAINS:  # ours: it says which rule it is, whatever words it quotes from the request
            if info.reason == rule.reason:
                return rule
        elif info.reason in rule.infos or (rule.text and _compiled(rule.text).search(text)):
            return rule
    return None
