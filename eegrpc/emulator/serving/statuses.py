"""How the emulator ends a call with an error: a google.rpc.Status with details, as Google's services do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

import grpc
from google.protobuf import any_pb2, duration_pb2
from google.rpc import error_details_pb2, status_pb2

if TYPE_CHECKING:
    from google.protobuf.message import Message

__all__ = ["end_call", "error_info", "retry_info", "status_of"]


class _Status(grpc.Status):
    def __init__(self, code: grpc.StatusCode, status: status_pb2.Status) -> None:
        self.code = code
        self.details = status.message
        self.trailing_metadata = (("grpc-status-details-bin", status.SerializeToString()),)


def end_call(context: Any, code: grpc.StatusCode, message: str, *details: Message) -> NoReturn:
    """End the call of a servicer's context with an error.

    Args:
        context: What the servicer was handed.
        code: Not OK.
        message: What was wrong.
        details: Messages for the details of the google.rpc.Status.
    """
    context.abort_with_status(_Status(code, status_of(code, message, *details)))
    raise AssertionError("abort_with_status raises")


def status_of(code: grpc.StatusCode, message: str, *details: Message) -> status_pb2.Status:
    """Return a google.rpc.Status; the arguments are those of `end_call`."""
    status = status_pb2.Status(code=code.value[0], message=message)
    for each in details:
        detail = any_pb2.Any()
        detail.Pack(each, deterministic=True)  # the metadata of ErrorInfo are a map
        status.details.append(detail)
    return status


def error_info(reason: str, domain: str, **metadata: str) -> error_details_pb2.ErrorInfo:
    """Return a google.rpc.ErrorInfo; metadata without a value are left out."""
    given = {key: value for key, value in metadata.items() if value}
    return error_details_pb2.ErrorInfo(reason=reason, domain=domain, metadata=given)


def retry_info(seconds: float) -> error_details_pb2.RetryInfo:
    """Return a google.rpc.RetryInfo that says to come back after `seconds`."""
    delay = duration_pb2.Duration()
    delay.FromNanoseconds(round(seconds * 1e9))
    return error_details_pb2.RetryInfo(retry_delay=delay)
