"""How servicers behind the REST face fail, and what of it is seen."""

from __future__ import annotations

import contextlib

import grpc
import pytest
from google.protobuf import any_pb2
from google.rpc import error_details_pb2, status_pb2
from grpc_status import rpc_status
from probe_servers import post, probe, running
from probe_service import SERVICE, Item

Code = grpc.StatusCode


def rich(code, message):
    packed = any_pb2.Any()
    packed.Pack(error_details_pb2.ErrorInfo(reason="R", domain="d"))
    return rpc_status.to_status(status_pb2.Status(code=code.value[0], message=message, details=[packed]))


def test_every_way_to_fail_is_tabled():
    assert set(FAILURES) == {
        "abort",
        "abort-ok",
        "abort-number",
        "status",
        "set",
        "set-number",
        "raise",
        "swallowed",
        "none",
    }


FAILURES = {
    "abort": (lambda r, c: c.abort(Code.ABORTED, "m"), Code.ABORTED, "m"),
    "abort-ok": (lambda r, c: c.abort(Code.OK, "m"), Code.UNKNOWN, ""),
    "abort-number": (lambda r, c: c.abort(5, "m"), Code.NOT_FOUND, "m"),
    "status": (lambda r, c: c.abort_with_status(rich(Code.RESOURCE_EXHAUSTED, "m")), Code.RESOURCE_EXHAUSTED, "m"),
    "set": (lambda r, c: (c.set_code(Code.DATA_LOSS), c.set_details("m")) and r, Code.DATA_LOSS, "m"),
    "set-number": (lambda r, c: c.set_code(77) or r, Code.UNKNOWN, ""),
    "raise": (lambda r, c: 1 / 0, Code.UNKNOWN, "Exception calling application"),
    "swallowed": (lambda r, c: swallow(c) or r, Code.ABORTED, "m"),
    "none": (lambda r, c: None, Code.INTERNAL, "Failed to serialize response!"),
}


def swallow(context):
    with contextlib.suppress(Exception):
        context.abort(Code.ABORTED, "m")


@pytest.mark.parametrize("name", FAILURES)
async def test_failures_of_blocking_servicers(name):
    behaviour, code, details = FAILURES[name]
    async with running(probe(Post=behaviour), SERVICE) as port:
        reply, _ = await post(port)
    assert reply.code is code
    assert reply.details == details or not details
    assert any(key == "grpc-status-details-bin" for key, _ in reply.trailing_metadata) == (name == "status")


async def test_failures_of_asyncio_servicers():
    async def abort(request, context):
        if request.name == "status":
            await context.abort_with_status(rich(Code.RESOURCE_EXHAUSTED, "m"))
        await context.abort(Code.ABORTED, "m", (("t", "1"),))

    async with running(probe(Post=abort), SERVICE) as port:
        reply, _ = await post(port)
        assert (reply.code, reply.details) == (Code.ABORTED, "m")
        assert ("t", "1") in reply.trailing_metadata
        reply, _ = await post(port, Item(name="status"))
        assert reply.code is Code.RESOURCE_EXHAUSTED


@pytest.mark.parametrize("kind", ["blocking", "asyncio"])
async def test_what_a_servicer_raises_stays_here(kind, caplog):
    def blocking(request, context):
        raise ValueError("canary")

    async def on_loop(request, context):
        raise ValueError("canary")

    async with running(probe(Post=blocking if kind == "blocking" else on_loop), SERVICE) as port:
        reply, _ = await post(port)
    assert reply.code is Code.UNKNOWN
    assert "canary" not in repr(reply)
    (record,) = caplog.records
    assert "ValueError" in record.getMessage()
    assert kind.replace("asyncio", "on_loop") in record.getMessage()  # where it was
    # Its text is not logged; the traceback shows the line of code, where this test has it as a literal.
    assert record.exc_info is None


async def test_bytes_that_a_servicer_cannot_read_or_write():
    def fail(_):
        raise ValueError("canary")

    handler = grpc.unary_unary_rpc_method_handler(lambda r, c: r, fail, None)
    async with running([grpc.method_handlers_generic_handler("probe.Probe", {"Post": handler})], SERVICE) as port:
        reply, _ = await post(port)
    assert (reply.code, reply.details) == (Code.INTERNAL, "Exception deserializing request!")
    handler = grpc.unary_unary_rpc_method_handler(lambda r, c: r)  # bytes in, bytes out
    async with running([grpc.method_handlers_generic_handler("probe.Probe", {"Post": handler})], SERVICE) as port:
        assert (await post(port, Item(name="n")))[1] == Item(name="n")
