"""The google.rpc.Status of an error: read from trailing metadata, made for what this library finds, and judged by it.

Loaded when the first error is made: most processes begin without one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from google.protobuf.message import DecodeError
from google.rpc import error_details_pb2, status_pb2

from eegrpc._error_rules import BY_CODE, OWN_DOMAIN, UNKNOWN_CAUSE, find_rule

if TYPE_CHECKING:
    from collections.abc import Iterable

    import grpc

__all__ = ["STATUS_KEY", "Verdict", "judge", "own_status"]

STATUS_KEY: Final = "grpc-status-details-bin"
"""Trailing metadata that holds the encoded google.rpc.Status (gRPC's richer error model)."""


class Verdict(NamedTuple):
    """What an error is, and what to do about it; the meanings are in `eegrpc.errors.EarthEngineError`."""

    status: status_pb2.Status
    reason: str
    retryable: bool
    hint: str


def judge(code: grpc.StatusCode, details: str, trailing: Iterable[tuple[str, str | bytes]]) -> Verdict:
    """Return what an error is, by its code, its text, and the details in its trailing metadata."""
    status = _read(code, details, trailing)
    info = _error_info(status)
    rule = find_rule(code, details, info)
    if rule is not None:
        return Verdict(status, rule.reason, rule.retryable, rule.hint)
    retryable, hint = BY_CODE.get(code, (False, UNKNOWN_CAUSE))
    return Verdict(status, info.reason or code.name, retryable, hint)


def own_status(code: grpc.StatusCode, details: str, reason: str, field: str) -> bytes:
    """Return the encoded status of an error that this library itself finds; see `eegrpc.errors.make_error`."""
    status = status_pb2.Status(code=code.value[0], message=details)
    status.details.add().Pack(error_details_pb2.ErrorInfo(reason=reason, domain=OWN_DOMAIN))
    if field:
        violation = error_details_pb2.BadRequest.FieldViolation(field=field, description=details)
        status.details.add().Pack(error_details_pb2.BadRequest(field_violations=[violation]))
    return bytes(status.SerializeToString())


def _read(code: grpc.StatusCode, details: str, trailing: Iterable[tuple[str, str | bytes]]) -> status_pb2.Status:
    """Return the Status of the trailing metadata; one of code and details when it has none, or a contradicting one."""
    for key, value in trailing:
        if key == STATUS_KEY and isinstance(value, bytes):
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
