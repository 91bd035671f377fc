"""The mapper as protobuf's conformance runner wants to see it: a program that answers requests on a pipe.

    python testee.py --schema FILE [--implementation native|python]

FILE is an encoded FileDescriptorSet with conformance/conformance.proto and the message types to map. On stdin and
stdout go messages, each after its length (four bytes, little-endian): a ConformanceRequest in, a ConformanceResponse
out, until stdin ends. What has no JSON at either end is answered with "skipped". `run.py` is the usual caller.
"""

from __future__ import annotations

import argparse
import os
import struct
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

from eegrpc import mapper
from eegrpc.mapper import MapperError, MessageMapper

if TYPE_CHECKING:
    from google.protobuf.descriptor_pool import DescriptorPool

LENGTH = struct.Struct("<I")
NOT_A_MESSAGE = {"depth", "eof", "utf8", "wire"}
"""The kinds by which to_json says that its input is no message; the others say that the message has no JSON form."""


class Testee:
    """Answers conformance requests by one implementation of the mapper."""

    __test__ = False  # pytest: not a test class

    def __init__(self, pool: DescriptorPool, implementation: Any) -> None:
        self._pool = pool
        self.request_class: Any = message_factory.GetMessageClass(
            pool.FindMessageTypeByName("conformance.ConformanceRequest")
        )
        self.response_class: Any = message_factory.GetMessageClass(
            pool.FindMessageTypeByName("conformance.ConformanceResponse")
        )
        formats = pool.FindEnumTypeByName("conformance.WireFormat").values_by_name
        self._json, self._protobuf = formats["JSON"].number, formats["PROTOBUF"].number
        categories = pool.FindEnumTypeByName("conformance.TestCategory").values_by_name
        self._ignoring = categories["JSON_IGNORE_UNKNOWN_PARSING_TEST"].number
        self._implementation = implementation
        self._mappers: dict[tuple[str, bool], MessageMapper] = {}

    def answer(self, request: Any) -> Any:
        """Return the ConformanceResponse to a ConformanceRequest."""
        source, wanted = request.WhichOneof("payload"), request.requested_output_format
        reads_json, writes_json = source == "json_payload", wanted == self._json
        if source not in ("json_payload", "protobuf_payload") or wanted not in (self._json, self._protobuf):
            return self.response_class(skipped="neither JSON nor the binary encoding")
        if not (reads_json or writes_json):
            return self.response_class(skipped="no JSON at either end")
        try:
            return self._map(request, reads_json, writes_json)
        except Exception as error:  # noqa: BLE001 (a bug in the mapper fails this test, and must not hide the others)
            return self.response_class(runtime_error=f"{type(error).__name__}: {error}")

    def _map(self, request: Any, reads_json: bool, writes_json: bool) -> Any:
        one = self._mapper_of(request.message_type, request.test_category == self._ignoring)
        wire = request.protobuf_payload
        if reads_json:
            try:
                wire = one.to_wire(request.json_payload.encode())
            except MapperError as error:
                return self._refusal(error, "parse_error")
        if not writes_json:
            return self.response_class(protobuf_payload=wire)
        try:
            return self.response_class(json_payload=one.to_json(wire).decode())
        except MapperError as error:
            # What to_wire wrote is a message: if to_json cannot read that, no "parse error" may excuse it.
            broken = reads_json or error.kind not in NOT_A_MESSAGE
            return self._refusal(error, "serialize_error" if broken else "parse_error")

    def _mapper_of(self, name: str, ignore_unknown_fields: bool) -> MessageMapper:
        key = name, ignore_unknown_fields
        if key not in self._mappers:
            self._mappers[key] = MessageMapper(
                self._pool.FindMessageTypeByName(name),
                ignore_unknown_fields=ignore_unknown_fields,
                descriptor_pool=self._pool,
                implementation=self._implementation,
            )
        return self._mappers[key]

    def _refusal(self, error: MapperError, field: str) -> Any:
        return self.response_class(**{"runtime_error" if error.kind == "bug" else field: f"{error.kind}: {error}"})

    def serve(self, requests: BinaryIO, responses: BinaryIO) -> None:
        """Answer until `requests` ends.

        Raises:
            EOFError: It ended inside a message.
        """
        while header := requests.read(LENGTH.size):
            (length,) = LENGTH.unpack(_whole(header, LENGTH.size))
            request = self.request_class.FromString(_whole(requests.read(length), length))
            answer = self.answer(request).SerializeToString()
            responses.write(LENGTH.pack(len(answer)) + answer)
            responses.flush()  # the runner sends nothing more until it has this


def _whole(data: bytes, length: int) -> bytes:
    if len(data) != length:
        raise EOFError(f"the request ended after {len(data)} of {length} bytes")
    return data


def load_pool(schema: bytes) -> DescriptorPool:
    """Return a pool of its own with the files of an encoded FileDescriptorSet, in which imported files come first."""
    pool = descriptor_pool.DescriptorPool()
    for file in descriptor_pb2.FileDescriptorSet.FromString(schema).file:
        pool.Add(file)
    return pool


def main() -> int:
    """Serve the pipe; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--schema", type=Path, required=True, metavar="FILE", help="an encoded FileDescriptorSet")
    parser.add_argument(
        "--implementation",
        choices=("native", "python"),
        default=mapper.IMPLEMENTATION,
        help="the mapper to test (default: the one that EEGRPC_MAPPER chooses, here %(default)s)",
    )
    options = parser.parse_args()
    responses = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # a stray print must not end up between two responses
    Testee(load_pool(options.schema.read_bytes()), options.implementation).serve(sys.stdin.buffer, responses)
    return 0


if __name__ == "__main__":
    sys.exit(main())
