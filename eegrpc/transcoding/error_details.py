"""The details of a failed reply: google.rpc.Status in trailing metadata, as gRPC's richer error model has it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from google.protobuf import any_pb2
from google.protobuf.message import DecodeError
from google.rpc import error_details_pb2, status_pb2

from eegrpc.transcoding.status import DETAILS_KEY
from eegrpc.transcoding.types import Metadata, Reply

if TYPE_CHECKING:
    from collections.abc import Iterable

    import grpc

__all__ = ["failed_reply", "reason_detail", "status_details"]


def failed_reply(code: grpc.StatusCode, details: str, anys: Iterable[any_pb2.Any], metadata: Metadata) -> Reply:
    """Return a failed reply with these details, and with `metadata` besides."""
    details = _unicode(details)
    packed = list(anys)
    trailing = [pair for pair in metadata if pair[0] != DETAILS_KEY]
    if packed:
        status = status_pb2.Status(code=code.value[0], message=details, details=packed)
        trailing.append((DETAILS_KEY, status.SerializeToString()))
    return Reply(code, details, trailing_metadata=tuple(trailing))


def reason_detail(reason: str, domain: str) -> any_pb2.Any:
    """Return a google.rpc.ErrorInfo."""
    packed = any_pb2.Any()
    packed.Pack(error_details_pb2.ErrorInfo(reason=_unicode(reason), domain=_unicode(domain)))
    return packed


def status_details(reply: Reply) -> list[any_pb2.Any]:
    """Return the details of a failed reply; none if there are none or they cannot be read."""
    for key, value in reply.trailing_metadata:
        if key == DETAILS_KEY and isinstance(value, bytes):
            try:
                return list(status_pb2.Status.FromString(value).details)
            except DecodeError:  # a servicer may put anything there
                return []
    return []


def _unicode(text: str) -> str:
    """Return text that has a UTF-8 form: JSON can write lone surrogates."""
    return text.encode(errors="replace").decode()
