"""What can happen to a reply: faults as immutable data, each with the name it has in text.

A fault says what happens, never when: that is the plan's (`eegrpc.emulator.faults.plan`). How each looks on the wire of
either protocol stands in docs/emulator.md.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import ClassVar

import grpc

from eegrpc.emulator.faults.distributions import Distribution, check_number

__all__ = [
    "FAULTS",
    "SHORT_NAMES",
    "BadGateway",
    "CutGzip",
    "Drip",
    "EmptyPage",
    "ExpireTokens",
    "Fault",
    "Garbage",
    "GoAway",
    "GzipBomb",
    "HugeHeaders",
    "InvalidBody",
    "Latency",
    "NoMessage",
    "Ok",
    "Redirect",
    "RepeatedToken",
    "Reset",
    "ResetInBody",
    "RstStream",
    "Status",
    "Truncate",
    "WrongContentType",
]

STATUS_CODES = {code.name.lower(): code for code in grpc.StatusCode if code is not grpc.StatusCode.OK}
"""The status codes that a fault may have, by their names in text."""

# RFC 9113, section 7
RST_CODES = {
    "no_error": 0,
    "protocol_error": 1,
    "internal_error": 2,
    "flow_control_error": 3,
    "refused_stream": 7,
    "cancel": 8,
    "enhance_your_calm": 11,
    "http_1_1_required": 13,
}

GARBAGE = b"\xff" * 64
"""Bytes that neither HTTP/1.1 nor HTTP/2 allows where a reply begins."""

HTML_502 = b"<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>\n"
"""The page of a proxy that does not reach its server."""

_MAX_BOMB_MIB = 512
_MAX_HEADERS_KIB = 1024


@dataclass(frozen=True)
class Fault:
    """What happens to one reply; the base of all faults, which say in their class statements what holds for them."""

    name: ClassVar[str]
    """The fault's name in text."""
    on_wire: ClassVar[bool]
    """Whether it happens to the bytes of the reply, and not in the servicer."""
    hides_answer: ClassVar[bool]
    """Whether nothing of the true answer is seen, so that none needs to be computed."""

    def __init_subclass__(cls, *, name: str = "", on_wire: bool = False, hides_answer: bool = False) -> None:
        cls.name = name
        cls.on_wire = on_wire
        cls.hides_answer = hides_answer


@dataclass(frozen=True)
class Ok(Fault, name="ok"):
    """Nothing happens; for scripts."""


@dataclass(frozen=True)
class Latency(Fault, name="latency"):
    """The answer begins to be worked out later; joins any other fault.

    Args:
        seconds: How much later.
    """

    seconds: Distribution = field(default=Distribution("fixed", (0.1,)))

    def __post_init__(self) -> None:
        if isinstance(self.seconds, (int, float)):
            object.__setattr__(self, "seconds", Distribution("fixed", (self.seconds,)))
        if not isinstance(self.seconds, Distribution):
            raise ValueError("latency takes seconds, or a distribution such as lognormal(0.2, 1)")


@dataclass(frozen=True)
class Drip(Fault, name="drip", on_wire=True):
    """The body comes in small pieces.

    Args:
        size: Bytes of a piece.
        interval: Seconds between two pieces.
    """

    size: int = 100
    interval: float = 0.01

    def __post_init__(self) -> None:
        check_number("drip's size", self.size, 1, 1 << 20)
        check_number("drip's interval", self.interval, 0, math.inf, whole=False)


@dataclass(frozen=True)
class Status(Fault, hides_answer=True):
    """The call ends with an error, in the form in which Google's services send it.

    Args:
        code: The status code's name in small letters, such as ``unavailable``.
        message: The text; a default one if empty.
        reason: Of the google.rpc.ErrorInfo; none is sent if empty.
        retry_info: Seconds in a google.rpc.RetryInfo; none is sent if None.
        retry_after: Whole seconds in the header ``retry-after`` (RFC 9110, 10.2.3); none is sent if None.
    """

    code: str
    message: str = ""
    reason: str = ""
    retry_info: float | None = None
    retry_after: int | None = None

    def __post_init__(self) -> None:
        if self.code not in STATUS_CODES:
            raise ValueError(f"no status code is called {str(self.code)[:64]!r}: give one of {', '.join(STATUS_CODES)}")
        for field_name, value in (("message", self.message), ("reason", self.reason)):
            if not isinstance(value, str):
                raise ValueError(f"{self.code}'s {field_name} must be text")
        if self.retry_info is not None:
            check_number(f"{self.code}'s retry_info", self.retry_info, 0, 1e9, whole=False)
        if self.retry_after is not None:
            check_number(f"{self.code}'s retry_after", self.retry_after, 0, 1_000_000_000)


@dataclass(frozen=True)
class ExpireTokens(Fault, name="expire_tokens"):
    """Each access token is good for a few requests; then, and without one, calls are UNAUTHENTICATED.

    Args:
        uses: Requests that a token is good for.
    """

    uses: int = 1

    def __post_init__(self) -> None:
        check_number("expire_tokens' uses", self.uses, 0, 1_000_000_000)


@dataclass(frozen=True)
class Reset(Fault, name="reset", on_wire=True, hides_answer=True):
    """The connection is reset (TCP RST) before an answer."""


@dataclass(frozen=True)
class ResetInBody(Fault, name="reset_in_body", on_wire=True):
    """The connection is reset in the middle of the body.

    Args:
        after: Bytes of the body that come before; at most half of it does.
    """

    after: int = 100

    def __post_init__(self) -> None:
        check_number("reset_in_body's after", self.after, 0, 1 << 30)


@dataclass(frozen=True)
class Truncate(Fault, name="truncate", on_wire=True):
    """The body ends early, and cleanly.

    Args:
        after: Bytes of the body that come; at most half of it does.
    """

    after: int = 100

    def __post_init__(self) -> None:
        check_number("truncate's after", self.after, 0, 1 << 30)


@dataclass(frozen=True)
class InvalidBody(Fault, name="invalid_body", on_wire=True, hides_answer=True):
    """A success whose body is no JSON, or no protobuf message."""


@dataclass(frozen=True)
class NoMessage(Fault, name="no_message", on_wire=True, hides_answer=True):
    """A success without any body, or without any message."""


@dataclass(frozen=True)
class CutGzip(Fault, name="cut_gzip", on_wire=True):
    """The answer, compressed and cut in the middle, in a body or message of just that length."""


@dataclass(frozen=True)
class Garbage(Fault, name="garbage", on_wire=True, hides_answer=True):
    """What comes in place of the answer is no HTTP."""


@dataclass(frozen=True)
class BadGateway(Fault, name="html_502", on_wire=True, hides_answer=True):
    """A proxy answers 502 with a page in HTML."""


@dataclass(frozen=True)
class WrongContentType(Fault, name="wrong_content_type", on_wire=True):
    """The true answer, labelled ``text/html``."""


@dataclass(frozen=True)
class GzipBomb(Fault, name="gzip_bomb", on_wire=True, hides_answer=True):
    """A small body that becomes a large one when it is decompressed.

    Args:
        mib: Its size when decompressed, in MiB.
    """

    mib: int = 160

    def __post_init__(self) -> None:
        check_number("gzip_bomb's mib", self.mib, 1, _MAX_BOMB_MIB)


@dataclass(frozen=True)
class HugeHeaders(Fault, name="huge_headers", on_wire=True):
    """The true answer, with a very long header ``x-huge``.

    Args:
        kib: The header's size in KiB.
    """

    kib: int = 128

    def __post_init__(self) -> None:
        check_number("huge_headers' kib", self.kib, 1, _MAX_HEADERS_KIB)


@dataclass(frozen=True)
class Redirect(Fault, name="redirect", on_wire=True, hides_answer=True):
    """A redirect, 302.

    Args:
        location: Where to; the default is a name that never resolves (RFC 6761).
    """

    location: str = "http://elsewhere.invalid/"

    def __post_init__(self) -> None:
        good = isinstance(self.location, str) and self.location.isascii() and self.location.isprintable()
        if not good or not 0 < len(self.location) <= 2000:
            raise ValueError("redirect's location must be 1 to 2000 visible ASCII characters")


@dataclass(frozen=True)
class RepeatedToken(Fault, name="repeated_token"):
    """The page's next token is the one it was asked for with; the first page, which has none, is left as it is."""


@dataclass(frozen=True)
class EmptyPage(Fault, name="empty_page"):
    """A page without images, whose token leads to the same place (AIP-158 allows it): nothing is lost by it."""


@dataclass(frozen=True)
class GoAway(Fault, name="goaway", on_wire=True):
    """The server is about to close the connection.

    Args:
        processed: Whether this call, and those before it, are still answered.
    """

    processed: bool = True

    def __post_init__(self) -> None:
        if not isinstance(self.processed, bool):
            raise ValueError("goaway's processed must be True or False")


@dataclass(frozen=True)
class RstStream(Fault, name="rst_stream", on_wire=True, hides_answer=True):
    """The server gives up this one call, and the connection stays.

    Args:
        code: The error code's name (RFC 9113, section 7) in small letters.
    """

    code: str = "internal_error"

    def __post_init__(self) -> None:
        if self.code not in RST_CODES:
            raise ValueError(
                f"no code of rst_stream is called {str(self.code)[:64]!r}: give one of {', '.join(RST_CODES)}"
            )


FAULTS: dict[str, type[Fault]] = {
    kind.name: kind
    for kind in (
        *(Ok, Latency, Drip, ExpireTokens, Reset, ResetInBody, Truncate, InvalidBody, NoMessage, CutGzip, Garbage),
        *(BadGateway, WrongContentType, GzipBomb, HugeHeaders, Redirect, RepeatedToken, EmptyPage, GoAway, RstStream),
    )
}
"""The faults by their names, but for `Status`, whose names are `STATUS_CODES` and `SHORT_NAMES`."""

SHORT_NAMES: dict[str, Status] = {
    "rate_limit": Status("resource_exhausted", "Quota exceeded for quota metric 'Requests'.", "RATE_LIMIT_EXCEEDED"),
    "concurrency_limit": Status(
        "resource_exhausted",
        "Too Many Requests: Request was rejected because the request rate or concurrency limit was exceeded.",
    ),
    "daily_quota": Status("resource_exhausted", "Quota exceeded for quota metric 'EECU-seconds' and limit 'per day'."),
    "computation_timeout": Status("invalid_argument", "Computation timed out."),
    "memory_limit": Status("invalid_argument", "User memory limit exceeded."),
    "aggregations": Status("resource_exhausted", "Too many concurrent aggregations."),
}
"""Errors that Earth Engine is known for, by a name."""
