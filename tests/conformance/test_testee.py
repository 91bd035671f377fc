"""The testee answers as the conformance runner expects, over a real pipe; no runner is needed."""

from __future__ import annotations

import contextlib
import json
import os
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import any_pb2, descriptor_pb2, descriptor_pool, message_factory, struct_pb2, text_format

from eegrpc import mapper

TESTEE = Path(__file__).with_name("testee.py")
TYPE_URL = "type.googleapis.com/testee.Sample"

# The part of conformance/conformance.proto that matters here.
PROTOCOL = """
name: "conformance/conformance.proto" package: "conformance" syntax: "proto3"
enum_type { name: "WireFormat"
  value { name: "UNSPECIFIED" number: 0 } value { name: "PROTOBUF" number: 1 } value { name: "JSON" number: 2 }
  value { name: "JSPB" number: 3 } value { name: "TEXT_FORMAT" number: 4 } }
enum_type { name: "TestCategory"
  value { name: "UNSPECIFIED_TEST" number: 0 } value { name: "BINARY_TEST" number: 1 }
  value { name: "JSON_TEST" number: 2 } value { name: "JSON_IGNORE_UNKNOWN_PARSING_TEST" number: 3 } }
message_type { name: "ConformanceRequest"
  field { name: "protobuf_payload" number: 1 type: TYPE_BYTES oneof_index: 0 }
  field { name: "json_payload" number: 2 type: TYPE_STRING oneof_index: 0 }
  field { name: "text_payload" number: 8 type: TYPE_STRING oneof_index: 0 }
  field { name: "requested_output_format" number: 3 type: TYPE_ENUM type_name: ".conformance.WireFormat" }
  field { name: "message_type" number: 4 type: TYPE_STRING }
  field { name: "test_category" number: 5 type: TYPE_ENUM type_name: ".conformance.TestCategory" }
  oneof_decl { name: "payload" } }
message_type { name: "ConformanceResponse"
  field { name: "parse_error" number: 1 type: TYPE_STRING oneof_index: 0 }
  field { name: "runtime_error" number: 2 type: TYPE_STRING oneof_index: 0 }
  field { name: "protobuf_payload" number: 3 type: TYPE_BYTES oneof_index: 0 }
  field { name: "json_payload" number: 4 type: TYPE_STRING oneof_index: 0 }
  field { name: "skipped" number: 5 type: TYPE_STRING oneof_index: 0 }
  field { name: "serialize_error" number: 6 type: TYPE_STRING oneof_index: 0 }
  oneof_decl { name: "result" } }
"""
MESSAGES = """
name: "testee.proto" package: "testee" syntax: "proto3" dependency: "google/protobuf/any.proto"
message_type { name: "Sample"
  field { name: "image_count" number: 1 type: TYPE_INT32 }
  field { name: "title" number: 2 type: TYPE_STRING }
  field { name: "anything" number: 3 type: TYPE_MESSAGE type_name: ".google.protobuf.Any" } }
"""


def schema() -> descriptor_pb2.FileDescriptorSet:
    """Return what the testee is given: its protocol, the well-known types that are used here, and testee.Sample."""
    files = descriptor_pb2.FileDescriptorSet()
    for well_known in (any_pb2, struct_pb2):
        well_known.DESCRIPTOR.CopyToProto(files.file.add())
    for text in (PROTOCOL, MESSAGES):
        text_format.Parse(text, files.file.add())
    return files


POOL = descriptor_pool.DescriptorPool()
for each in schema().file:
    POOL.Add(each)


def new(name: str, **fields: Any) -> Any:
    return message_factory.GetMessageClass(POOL.FindMessageTypeByName(name))(**fields)


def request(payload: str | bytes, wanted: str = "PROTOBUF", name: str = "testee.Sample", **more: Any) -> Any:
    """Return a ConformanceRequest; JSON is str, the wire encoding bytes."""
    kind = "json_payload" if isinstance(payload, str) else "protobuf_payload"
    return new(
        "conformance.ConformanceRequest",
        requested_output_format=wanted,
        message_type=name,
        **({kind: payload} | more),
    )


class Pipe:
    """A running testee."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self.process = process

    def send(self, data: bytes) -> None:
        self.process.stdin.write(struct.pack("<I", len(data)) + data)
        self.process.stdin.flush()

    def ask(self, one: Any) -> Any:
        """Send a request and wait for its response; the testee gets nothing more before that."""
        self.send(one.SerializeToString())
        (length,) = struct.unpack("<I", self.process.stdout.read(4))
        response = new("conformance.ConformanceResponse")
        response.ParseFromString(self.process.stdout.read(length))
        return response


@pytest.fixture(scope="module", params=["python", "native"])
def implementation(request):
    if request.param == "native" and mapper.NATIVE_FAILURE and os.environ.get("EEGRPC_MAPPER") != "native":
        pytest.skip(f"no native mapper: {mapper.NATIVE_FAILURE}")
    return request.param


@pytest.fixture(scope="module")
def start(implementation, tmp_path_factory):
    """Return a function that starts a testee."""
    file = tmp_path_factory.mktemp("schema") / "schema.binpb"
    file.write_bytes(schema().SerializeToString())
    command = [sys.executable, str(TESTEE), "--schema", str(file), "--implementation", implementation]
    with contextlib.ExitStack() as stack:

        def start_one() -> Pipe:
            process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
            stack.enter_context(process)
            stack.callback(process.kill)
            return Pipe(process)

        yield start_one


@pytest.fixture(scope="module")
def pipe(start):
    return start()


def test_json_to_protobuf(pipe) -> None:
    response = pipe.ask(request('{"imageCount": 3, "title": "é"}'))
    sample = new("testee.Sample")
    sample.ParseFromString(response.protobuf_payload)
    assert (sample.image_count, sample.title) == (3, "é")


def test_protobuf_to_json(pipe) -> None:
    wire = new("testee.Sample", image_count=3, title="é").SerializeToString()
    assert json.loads(pipe.ask(request(wire, "JSON")).json_payload) == {"imageCount": 3, "title": "é"}


def test_json_to_json_and_any_of_a_type_that_only_the_schema_has(pipe) -> None:
    text = json.dumps({"anything": {"@type": TYPE_URL, "image_count": "7"}})
    response = pipe.ask(request(text, "JSON"))
    assert json.loads(response.json_payload) == {"anything": {"@type": TYPE_URL, "imageCount": 7}}


def test_unknown_fields_are_ignored_in_their_category_only(pipe) -> None:
    text = '{"imageCount": 3, "novel": [1, {}]}'
    assert "novel" in pipe.ask(request(text)).parse_error
    assert pipe.ask(request(text, test_category="JSON_TEST")).WhichOneof("result") == "parse_error"
    response = pipe.ask(request(text, test_category="JSON_IGNORE_UNKNOWN_PARSING_TEST"))
    assert response.protobuf_payload == b"\x08\x03"


@pytest.mark.parametrize(
    ("one", "result"),
    [
        (request('{"imageCount": 1.5}'), "parse_error"),
        (request('{"imageCount": 1.5}', "JSON"), "parse_error"),
        (request("{"), "parse_error"),
        (request(b"\x08", "JSON"), "parse_error"),  # a varint that ends early
        (request(b"\x12\x01\xff", "JSON"), "parse_error"),  # a string that is not UTF-8
        (request(b"\x11\0\0\0\0\0\0\xf8\x7f", "JSON", "google.protobuf.Value"), "serialize_error"),  # NaN
        (request(b"\x08\x03", "PROTOBUF"), "skipped"),
        (request(b"\x08\x03", "TEXT_FORMAT"), "skipped"),
        (request("", text_payload="image_count: 3"), "skipped"),
        (request("", "JSON", text_payload="image_count: 3"), "skipped"),
        (request("{}", "JSPB"), "skipped"),
        (request("{}", "UNSPECIFIED"), "skipped"),
        (request("{}", name="testee.Nobody"), "runtime_error"),
    ],
)
def test_what_has_no_answer(pipe, one, result) -> None:
    response = pipe.ask(one)
    assert response.WhichOneof("result") == result
    assert getattr(response, result)
    assert pipe.ask(request("{}", "JSON")).json_payload == "{}"  # it goes on


def test_a_message_greater_than_any_buffer(pipe) -> None:
    title = "x" * 3_000_000
    assert json.loads(pipe.ask(request(json.dumps({"title": title}), "JSON")).json_payload) == {"title": title}


def test_it_ends_with_its_input(start) -> None:
    pipe = start()
    assert pipe.ask(request("{}", "JSON")).json_payload == "{}"
    assert pipe.process.communicate() == (b"", None)
    assert pipe.process.returncode == 0


@pytest.mark.parametrize("cut", [b"\x05\0", b"\x05\0\0\0\x12\x02{}"])
def test_a_request_cut_short_is_an_error(start, cut, capfd) -> None:
    pipe = start()
    assert pipe.process.communicate(cut) == (b"", None)
    assert pipe.process.returncode != 0
    assert "EOFError: the request ended after" in capfd.readouterr().err
