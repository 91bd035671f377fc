"""When to come again, in the server's own words: pushback (gRFC A6), google.rpc.RetryInfo, and Retry-After.

Colourless, and without a clock: only a date in Retry-After needs the time of day, which is asked for then.
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Final

from google.protobuf.message import DecodeError
from google.rpc import error_details_pb2

from eegrpc._processes import load_before_forks

if TYPE_CHECKING:
    from collections.abc import Callable

    from eegrpc.errors import EarthEngineError

__all__ = ["STOP", "least_delay", "pushback"]

load_before_forks("email.utils")

STOP: Final = -1.0
"""What `pushback` returns for a server that wants no further attempt."""

_WHOLE: Final = r"-?[0-9]{1,15}"


def pushback(error: EarthEngineError) -> float | None:
    """Return the exact delay in seconds that ``grpc-retry-pushback-ms`` asks for; `STOP`; None when there is none.

    As gRFC A6 has it, a negative number stops, and so does what is no number.
    """
    for key, value in (*error.trailing_metadata(), *error.initial_metadata()):
        if key == "grpc-retry-pushback-ms":
            text = _text(value)
            return int(text) / 1000 if re.fullmatch(_WHOLE, text) and int(text) >= 0 else STOP
    return None


def least_delay(error: EarthEngineError, now: Callable[[], float]) -> float:
    """Return the longest delay in seconds that RetryInfo and Retry-After ask for; 0 when none makes sense.

    Args:
        error: The failure.
        now: Gives the time of day as seconds since 1970; asked only when the server names a date.
    """
    metadata = (*error.initial_metadata(), *error.trailing_metadata())
    asked = [_retry_after(_text(value), now) for key, value in metadata if key == "retry-after"]
    asked.append(_retry_info(error))
    return max(asked)


def _text(value: str | bytes) -> str:
    return (value.decode("latin-1") if isinstance(value, bytes) else value).strip()


def _retry_info(error: EarthEngineError) -> float:
    """Return the delay of the status's google.rpc.RetryInfo, else 0."""
    info = error_details_pb2.RetryInfo()
    for detail in error.status.details:
        if detail.Is(info.DESCRIPTOR):
            try:
                detail.Unpack(info)
            except DecodeError:
                continue
            return max(0.0, float(info.retry_delay.seconds + info.retry_delay.nanos / 1e9))
    return 0.0


def _retry_after(text: str, now: Callable[[], float]) -> float:
    """Return the delay of a Retry-After field, which is a number of seconds or a date; 0 when it is neither."""
    if text.isascii() and text.isdigit():
        return float(text) if len(text) < 16 else math.inf
    until = _timestamp(text)
    return 0.0 if until is None else max(0.0, until - now())


def _timestamp(text: str) -> float | None:
    """Return an HTTP date as seconds since 1970, or None when it is not one."""
    from email.utils import parsedate_to_datetime  # seldom needed, and long to load

    try:
        return parsedate_to_datetime(text).timestamp()
    except (ValueError, TypeError, OverflowError):
        return None
