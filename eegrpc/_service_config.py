"""A look at gRPC's service config before gRPC gets it: gRPC ignores some mistakes and fails every call for others."""

from __future__ import annotations

import json
import re
from typing import Any

import grpc

__all__ = ["check_service_config"]

_DURATION = r"[0-9]+(\.[0-9]{1,9})?s"
_CODES = frozenset(code.name for code in grpc.StatusCode)


def check_service_config(text: str) -> None:
    """Check the JSON given as ``grpc.service_config``.

    The shape is that of https://github.com/grpc/grpc-proto/blob/master/grpc/service_config/service_config.proto, with
    the limits of gRFC A6 for retries. Load balancing and health checking are left to gRPC.

    Raises:
        ValueError: It is no JSON object, or a part has the wrong shape; the text names the part. The caller must
            correct it.
    """
    try:
        config = json.loads(text)
    except ValueError as error:
        raise _wrong("", f"is not JSON ({error})") from None
    _object(config, "")
    methods = config.get("methodConfig", [])
    if not isinstance(methods, list):
        raise _wrong("methodConfig", "is not a list")
    for index, method in enumerate(methods):
        _check_method(_object(method, f"methodConfig[{index}]"), f"methodConfig[{index}]")
    if "retryThrottling" in config:
        throttling = _object(config["retryThrottling"], "retryThrottling")
        _number(throttling, "retryThrottling", "maxTokens", most=1000)
        _number(throttling, "retryThrottling", "tokenRatio")


def _check_method(method: dict[str, Any], where: str) -> None:
    names = method.get("name")
    if not isinstance(names, list) or not all(isinstance(name, dict) for name in names):
        raise _wrong(f"{where}.name", 'is not a list of {"service": …, "method": …} objects')
    if "timeout" in method:
        _duration(method, where, "timeout")
    if "waitForReady" in method and not isinstance(method["waitForReady"], bool):
        raise _wrong(f"{where}.waitForReady", "is not true or false")
    if "retryPolicy" in method:
        if "hedgingPolicy" in method:
            raise _wrong(where, "has both retryPolicy and hedgingPolicy")
        _check_retry(_object(method["retryPolicy"], f"{where}.retryPolicy"), f"{where}.retryPolicy")


def _check_retry(policy: dict[str, Any], where: str) -> None:
    attempts = policy.get("maxAttempts")
    if type(attempts) is not int or attempts < 2:
        raise _wrong(f"{where}.maxAttempts", "is not a whole number of at least 2")
    _duration(policy, where, "initialBackoff")
    _duration(policy, where, "maxBackoff")
    _number(policy, where, "backoffMultiplier")
    codes = policy.get("retryableStatusCodes")
    if not isinstance(codes, list) or not codes or not all(isinstance(c, str) and c.upper() in _CODES for c in codes):
        raise _wrong(f"{where}.retryableStatusCodes", "is not a non-empty list of gRPC status names")


def _object(value: object, where: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _wrong(where, "is not a JSON object")
    return value


def _number(parent: dict[str, Any], where: str, key: str, *, most: float = float("inf")) -> None:
    value = parent.get(key)
    if type(value) not in (int, float) or not 0 < value <= most:  # type: ignore[operator]
        limit = "" if most == float("inf") else f" and at most {most:g}"
        raise _wrong(f"{where}.{key}", f"is not a number greater than 0{limit}")


def _duration(parent: dict[str, Any], where: str, key: str) -> None:
    value = parent.get(key)
    if not isinstance(value, str) or not re.fullmatch(_DURATION, value) or not float(value[:-1]) > 0:
        raise _wrong(f"{where}.{key}", 'is not a duration greater than 0 in seconds, like "0.5s"')


def _wrong(where: str, what: str) -> ValueError:
    return ValueError(f"option grpc.service_config: {where or 'it'} {what}")
