"""The servicer with the journal before it: what each call asked for, and how it ended, whatever ended it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import grpc
from google.protobuf.message import DecodeError

from eegrpc.emulator.serving.service import ASSUMPTIONS_KEY, ERROR_DOMAIN, INVALID_REQUEST
from eegrpc.emulator.serving.statuses import end_call, error_info
from eegrpc.transcoding.servicer_context import Context as RestContext
from eegrpc.v1alpha import ComputeImagesRequest, ComputeImagesResponse

if TYPE_CHECKING:
    from eegrpc.emulator.faults.service import FaultyService
    from eegrpc.emulator.testing.journal import JournalKeeper, Record

__all__ = ["RecordedService"]


class RecordedService:
    """Reads requests, has them answered, and enters them in the journal.

    Args:
        service: Answers, or fails.
        journal: Where calls are entered.
    """

    def __init__(self, service: FaultyService, journal: JournalKeeper) -> None:
        self._service = service
        self._journal = journal

    def compute_images(self, wire: bytes, context: Any) -> ComputeImagesResponse | bytes:
        """Answer an encoded request; bytes are sent as they are."""
        # Read here: what a request_deserializer raises is INTERNAL to grpc.
        try:
            request = ComputeImagesRequest.FromString(wire)
        except DecodeError:
            request, is_read, wire = ComputeImagesRequest(), False, b""
        else:
            is_read = True
        protocol = "rest" if isinstance(context, RestContext) else "grpc"
        with self._journal.record(protocol, "computeImages", request, context.invocation_metadata(), wire) as record:
            try:
                if not is_read:
                    _refuse(context)
                response = self._service.ComputeImages(request, context)
            except BaseException:
                _note_failure(record, context)
                raise
            _note_answer(record, response, context)
            return response


def _refuse(context: Any) -> None:
    message = "The request cannot be read: it is malformed, or its parts are nested more than 100 levels deep."
    end_call(context, grpc.StatusCode.INVALID_ARGUMENT, message, error_info(INVALID_REQUEST, ERROR_DOMAIN))


def _note_failure(record: Record, context: Any) -> None:
    code = context.code() or grpc.StatusCode.UNKNOWN  # none was set: the servicer failed
    details = context.details() or ""
    record.status = code.name
    record.message = details.decode(errors="replace") if isinstance(details, bytes) else details
    record.is_abandoned = not context.is_active()


def _note_answer(record: Record, response: ComputeImagesResponse | bytes, context: Any) -> None:
    if isinstance(response, ComputeImagesResponse):
        record.images = len(response.images)
        record.next_page_token = response.next_page_token
    for key, value in context.trailing_metadata() or ():
        if key == ASSUMPTIONS_KEY:
            record.assumptions = tuple(value.split(","))
    record.is_abandoned = not context.is_active()
