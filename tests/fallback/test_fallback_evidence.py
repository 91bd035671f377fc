"""What counts as proof for gRPC or against it."""

from __future__ import annotations

import grpc
import pytest
from google.rpc import status_pb2

from eegrpc._fallback import Evidence, TransportJudge, both_failed, evidence_of, rest_answered
from eegrpc.transcoding.status import failure
from eegrpc.transcoding.types import Reply

Code = grpc.StatusCode


NOTHING, SPEAKS, NOT = Evidence.NONE, Evidence.SPEAKS_GRPC, Evidence.NOT_GRPC
DETAILS = (("grpc-status-details-bin", b""),)


@pytest.mark.parametrize(
    ("code", "text", "trailing", "connected", "replayable", "evidence"),
    [
        (Code.OK, "", (), True, False, SPEAKS),
        (Code.INVALID_ARGUMENT, "x", (), True, False, SPEAKS),
        (Code.UNAVAILABLE, "overloaded", (), True, True, NOTHING),
        (Code.UNAVAILABLE, "overloaded", (("retry-after", "1"),), True, True, SPEAKS),
        (Code.RESOURCE_EXHAUSTED, "quota", DETAILS, True, True, SPEAKS),
        (Code.RESOURCE_EXHAUSTED, "CLIENT: Sent message larger than max (5 vs. 2)", (), True, True, NOTHING),
        (Code.DEADLINE_EXCEEDED, "Deadline Exceeded", (), False, True, NOTHING),
        (
            Code.CANCELLED,
            "Stream removed (RST_STREAM (Received RST_STREAM with error code 8))",
            (),
            True,
            True,
            NOTHING,
        ),
        (Code.UNIMPLEMENTED, "Method not found!", (), True, False, NOT),
        (Code.UNIMPLEMENTED, "not here", DETAILS, True, True, SPEAKS),
        # a server's own upstream could not be reached
        (Code.UNAVAILABLE, "failed to connect to all addresses; last error: x", (), True, True, NOTHING),
        (Code.UNAVAILABLE, "failed to connect to all addresses; last error: x", (), False, False, NOT),
        (Code.UNAVAILABLE, "DNS resolution failed for x", (), False, False, NOT),
        (Code.UNAVAILABLE, "errors resolving x:1: [", (), False, False, NOT),
        (Code.UNAVAILABLE, "upstream says: failed to connect to all addresses", (), False, True, NOTHING),
        # what it may have done must not be done twice
        (Code.INTERNAL, "Received RST_STREAM with error code 2", (), True, True, NOT),
        (Code.INTERNAL, "Received RST_STREAM with error code 2", (), True, False, NOTHING),
        (Code.UNAVAILABLE, "Socket closed", (), True, True, NOT),
        (Code.UNAVAILABLE, "Socket closed", (), True, False, NOTHING),
        (Code.UNAVAILABLE, "upstream: Socket closed", (), True, True, NOTHING),
        (Code.UNKNOWN, "No status received", (("server", "nginx"),), True, True, NOT),
        (Code.UNAVAILABLE, "Received http2 header with status: 502", (), True, True, NOT),
        (Code.UNAVAILABLE, "Received http2 header with status: 502", (), True, False, NOTHING),
        (Code.UNIMPLEMENTED, "Received http2 header with status: 404", (), True, False, NOT),
        (Code.UNAVAILABLE, "Received http2 header with status: 503", (), True, True, NOTHING),
        (Code.INTERNAL, "my own upstream: Received http2 header with status: 502", DETAILS, True, True, SPEAKS),
    ],
)
def test_evidence(code, text, trailing, connected, replayable, evidence):
    reply = Reply(code, text, trailing_metadata=trailing)
    assert evidence_of(reply, connected=connected, replayable=replayable)[0] is evidence


def test_reasons_may_stand_in_metadata():
    judge = TransportJudge(1.0, "x")
    reason = judge.not_grpc("größe\r\nx-injected: 1\0" + "y" * 999)
    assert len(reason) == 256
    assert reason.isascii()
    assert reason.isprintable()
    assert judge.labels[1] == ("eegrpc-fallback-reason", reason)


@pytest.mark.parametrize(
    ("reply", "answered"),
    [
        (Reply(Code.OK), True),
        (Reply(Code.NOT_FOUND, "no such thing", trailing_metadata=(("http-status", "404"),)), True),
        (Reply(Code.UNAVAILABLE, "busy", trailing_metadata=(("http-status", "503"),)), True),
        (Reply(Code.UNIMPLEMENTED, "no such path", trailing_metadata=(("http-status", "404"),)), False),
        (Reply(Code.UNAVAILABLE, "HTTP 502 Bad Gateway: <html>", trailing_metadata=(("http-status", "502"),)), False),
        (failure(Code.UNAVAILABLE, "failed to connect: refused", "UNREACHABLE"), False),
        (Reply(Code.DEADLINE_EXCEEDED, "Deadline Exceeded"), False),
    ],
)
def test_what_is_an_answer_by_rest(reply, answered):
    assert rest_answered(reply) is answered


def test_both_failed_keeps_status_and_details_in_step():
    reply = both_failed(failure(Code.UNAVAILABLE, "refused", "UNREACHABLE", metadata=(("a", "b"),)), "no HTTP/2")
    status = status_pb2.Status.FromString(dict(reply.trailing_metadata)["grpc-status-details-bin"])
    assert reply.details == status.message == "refused (by REST, after gRPC: no HTTP/2)"
    assert dict(reply.trailing_metadata)["a"] == "b"
    assert len(status.details) == 1
