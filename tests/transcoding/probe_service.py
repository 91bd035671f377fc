"""A service made at run time, in a descriptor pool of its own, with every kind of field and HTTP rule."""

from __future__ import annotations

from typing import Any

from google.api import annotations_pb2, http_pb2, httpbody_pb2  # noqa: F401 - the extension, for text format
from google.protobuf import (
    any_pb2,
    descriptor_pb2,
    descriptor_pool,
    duration_pb2,
    field_mask_pb2,
    message_factory,
    struct_pb2,
    text_format,
    timestamp_pb2,
    wrappers_pb2,
)

_IMPORTS = (any_pb2, duration_pb2, field_mask_pb2, struct_pb2, timestamp_pb2, wrappers_pb2, httpbody_pb2)

_SCALARS = {
    **{name: f"TYPE_{name.upper()}" for name in ("string", "int32", "int64", "uint64", "sint32", "sint64", "fixed64")},
    **{
        name: f"TYPE_{name.upper()}" for name in ("fixed32", "sfixed32", "sfixed64", "bool", "bytes", "double", "float")
    },
}


def _field(line: str, message: str) -> str:
    """Return the text format of a field written as in a .proto file: ``[repeated|optional] type name = number``."""
    words = line.replace("=", " ").split()
    label = "LABEL_OPTIONAL"
    extra = ""
    if words[0] == "repeated":
        label, words = "LABEL_REPEATED", words[1:]
    elif words[0] == "optional":
        extra, words = "proto3_optional: true oneof_index: 0", words[1:]
    kind, name, number = words[:3]
    if len(words) > 3:
        extra += f' json_name: "{words[3]}"'
    if kind in _SCALARS:
        typed = f"type: {_SCALARS[kind]}"
    elif kind == "Color":
        typed = 'type: TYPE_ENUM type_name: ".probe.Color"'
    elif kind == "map":
        typed = f'type: TYPE_MESSAGE type_name: ".probe.{message}.{name.title()}Entry"'
        label = "LABEL_REPEATED"
    else:
        typed = f'type: TYPE_MESSAGE type_name: ".{kind if "." in kind else "probe." + kind}"'
    return f'field {{ name: "{name}" number: {number} label: {label} {typed} {extra} }}'


def _message(name: str, lines: str) -> str:
    fields = [line.strip() for line in lines.splitlines() if line.strip()]
    body = " ".join(_field(line, name) for line in fields)
    for line in fields:
        if line.startswith("map "):
            entry = line.split()[1].title() + "Entry"
            body += f' nested_type {{ name: "{entry}" options {{ map_entry: true }} '
            body += _field("string key = 1", name) + _field("string value = 2", name) + " }"
        if line.startswith("optional "):
            body += f' oneof_decl {{ name: "_{line.split()[2]}" }}'
    return f'message_type {{ name: "{name}" {body} }}'


_ITEM = """
    string name = 1
    Inner inner = 2
    int64 big = 3
    bool flag = 4
    Color color = 5
    bytes blob = 6
    double ratio = 7
    float small = 8
    repeated int32 numbers = 9
    repeated Color colors = 10
    map labels = 11
    repeated Inner inners = 12
    google.protobuf.Timestamp at = 13
    google.protobuf.Duration wait = 14
    google.protobuf.FieldMask mask = 15
    google.protobuf.StringValue maybe_text = 16
    google.protobuf.Int64Value maybe_big = 17
    optional int32 opt = 18
    google.protobuf.Struct attributes = 19
    google.api.HttpBody raw = 20
    uint64 unsigned = 21
    sint32 zigzag = 22
    fixed64 fixed = 23
    string some_name = 24 otherName
    google.protobuf.Value value = 25
    repeated google.protobuf.Timestamp times = 26
    sfixed32 signed = 27
    google.protobuf.BoolValue maybe_flag = 28
    google.protobuf.FloatValue maybe_small = 29
    google.protobuf.BytesValue maybe_blob = 30
    google.protobuf.Any anything = 31
    sint64 zigzag_big = 32
"""
_INNER = """
    string name = 1
    int32 count = 2
    Inner child = 3
    repeated string tags = 4
"""

RULES = {
    "Get": 'get: "/v1/{name=items/*}"',
    "Nested": 'post: "/v1/{inner.name=items/*}/{inner.child.count}:run" body: "*"',
    "BodyMessage": 'patch: "/v1/{inner.name=items/*}" body: "inner"',
    "BodyRepeated": 'put: "/v1/{name=items/*}/numbers" body: "numbers"',
    "BodyMessages": 'put: "/v1/{name=items/*}/inners" body: "inners" response_body: "inners"',
    "BodyMap": 'put: "/v1/{name=items/*}/labels" body: "labels" response_body: "labels"',
    "BodyScalar": 'put: "/v1/{name=items/*}/text" body: "some_name" response_body: "some_name"',
    "BodyValue": 'put: "/v1/{name=items/*}/value" body: "value" response_body: "value"',
    "BodyInner": 'put: "/v1/{name=items/*}/inner" body: "inner" response_body: "inner"',
    "Typed": 'get: "/v1/typed/{big}/{flag}/{color}/{blob}/{ratio}/{opt}/{zigzag}/{fixed}"',
    "Raw": 'put: "/v1/{name=items/*}/raw" body: "raw" response_body: "raw"',
    "Two": 'get: "/v1/{name=a/*}" additional_bindings { get: "/v1/{name=b/*}/c" }'
    ' additional_bindings { post: "/v1/two" body: "*" }',
    "Custom": 'custom { kind: "HEAD" path: "/v1/{name=items/*}/head" }',
    "Anything": 'custom { kind: "*" path: "/v1/any/{name}" }',
    "Plain": None,
    "Post": 'post: "/v1/plain" body: "*"',
    "Tail": 'get: "/v1/tail/{name=**}"',
}


def _methods() -> str:
    text = ""
    for name, rule in RULES.items():
        options = f"options {{ [google.api.http] {{ {rule} }} }}" if rule else ""
        text += f'method {{ name: "{name}" input_type: ".probe.Item" output_type: ".probe.Item" {options} }}'
    text += (
        'method { name: "Upload" input_type: ".google.api.HttpBody" output_type: ".google.api.HttpBody"'
        ' options { [google.api.http] { post: "/v1/upload" body: "*" } } }'
        'method { name: "Stream" input_type: ".probe.Item" output_type: ".probe.Item" server_streaming: true'
        ' options { [google.api.http] { get: "/v1/stream" } } }'
        'method { name: "Wrong" input_type: ".probe.Item" output_type: ".probe.WithError"'
        ' options { idempotency_level: IDEMPOTENT [google.api.http] { post: "/v1/wrong" body: "*" } } }'
    )
    return text


def make_pool(methods: str, *, package: str = "probe") -> descriptor_pool.DescriptorPool:
    """Return a pool with the messages above and a service ``Probe`` with the methods given in text format."""
    pool = descriptor_pool.DescriptorPool()
    for module in _IMPORTS:
        pool.AddSerializedFile(module.DESCRIPTOR.serialized_pb)
    file = text_format.Parse(
        f'name: "probe.proto" package: "{package}" syntax: "proto3" '
        + "".join(f'dependency: "{module.DESCRIPTOR.name}" ' for module in _IMPORTS)
        + _message("Item", _ITEM)
        + _message("Inner", _INNER)
        + _message("WithError", "string error = 1")
        + 'enum_type { name: "Color" value { name: "COLOR_UNSPECIFIED" number: 0 }'
        ' value { name: "RED" number: 1 } value { name: "NEGATIVE" number: -1 } }'
        + f'service {{ name: "Probe" {methods} }}',
        descriptor_pb2.FileDescriptorProto(),
    )
    pool.AddSerializedFile(file.SerializeToString())
    return pool


POOL = make_pool(_methods())
SERVICE = POOL.FindServiceByName("probe.Probe")
Item: Any = message_factory.GetMessageClass(POOL.FindMessageTypeByName("probe.Item"))
Inner: Any = message_factory.GetMessageClass(POOL.FindMessageTypeByName("probe.Inner"))
WithError: Any = message_factory.GetMessageClass(POOL.FindMessageTypeByName("probe.WithError"))


def service_with(rule: str) -> Any:
    """Return a service with one method ``M`` that has this HTTP rule."""
    method = 'method { name: "M" input_type: ".probe.Item" output_type: ".probe.Item" options { [google.api.http] { '
    return make_pool(method + rule + " } } }").FindServiceByName("probe.Probe")
