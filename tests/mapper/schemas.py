"""Message types for the mapper's tests, in a descriptor pool of their own.

Three synthetic files hold everything the mapping has a rule for: ``mapper_proto3.proto``, ``mapper_proto2.proto`` and
``mapper_editions.proto``. Beside them the pool has the real ones: Earth Engine's messages, the well-known types,
google.longrunning.Operation, google.cloud.location and google.rpc.Status with its details.

    cls = schemas.message_class("mapper.proto3.Scalars")
    schemas.ROOTS                    # names of the types that generators start from
    schemas.file_descriptor_set()    # the same schema for the native mapper's own tests and fuzz targets

The notation is that of notation.py.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from google.cloud.location import locations_pb2
from google.longrunning import operations_pb2
from google.protobuf import (
    any_pb2,
    api_pb2,
    descriptor_pool,
    duration_pb2,
    empty_pb2,
    field_mask_pb2,
    message_factory,
    struct_pb2,
    timestamp_pb2,
    type_pb2,
    wrappers_pb2,
)
from google.protobuf.descriptor_pb2 import FileDescriptorProto, FileDescriptorSet
from google.rpc import error_details_pb2, status_pb2
from notation import SCALARS, enum, file, message, walk

from eegrpc.v1alpha import earth_engine_pb2

if TYPE_CHECKING:
    from google.protobuf.descriptor import FileDescriptor
    from google.protobuf.message import Message

MAP_KEYS = [name for name in SCALARS if name not in ("double", "float", "bytes")]
WRAPPERS = [
    f"{kind}Value" for kind in ("Double", "Float", "Int64", "UInt64", "Int32", "UInt32", "Bool", "String", "Bytes")
]
WELL_KNOWN = [
    f"google.protobuf.{name}"
    for name in ["Timestamp", "Duration", "FieldMask", "Any", "Empty", "Struct", "Value", "ListValue", *WRAPPERS]
]

_MODULES: list[Any] = [
    *(any_pb2, duration_pb2, empty_pb2, field_mask_pb2, struct_pb2, timestamp_pb2, wrappers_pb2, type_pb2, api_pb2),
    *(earth_engine_pb2, operations_pb2, locations_pb2, status_pb2, error_details_pb2),
]
_NAMES = ("any", "api", "duration", "empty", "field_mask", "struct", "timestamp", "type", "wrappers")
_IMPORTS = [f"google/protobuf/{name}.proto" for name in _NAMES]

_COLOUR = {"COLOUR_UNSPECIFIED": 0, "RED": 1, "GREEN": 2, "NEGATIVE": -1, "LARGEST": 2**31 - 1, "SMALLEST": -(2**31)}


def _proto3() -> FileDescriptorProto:
    named = enum("Colour", _COLOUR)
    alias = enum("Aliased", {"NONE": 0, "ONE": 1, "UNO": 1, "TWO": 2, "two_lower": 2}, "allow_alias: true")
    scalars = message("Scalars", *[f"{kind} f_{kind} = {i}" for i, kind in enumerate(SCALARS, 1)], "Colour f_enum = 16")
    optional = message(
        "Optional", *[f"optional {kind} o_{kind} = {i}" for i, kind in enumerate([*SCALARS, "Colour", "Scalars"], 1)]
    )
    packed = message(
        "Repeated", *[f"repeated {kind} r_{kind} = {i}" for i, kind in enumerate([*SCALARS, "Colour", "Scalars"], 1)]
    )
    unpacked = message(
        "Unpacked",
        *[f"repeated {kind} u_{kind} = {i}; options {{ packed: false }}" for i, kind in enumerate(SCALARS[:13], 1)],
        "repeated Colour u_enum = 14; options { packed: false }",
    )
    keys = message(
        "MapKeys",
        *[f"map<{key}, int32> by_{key} = {i}" for i, key in enumerate(MAP_KEYS, 1)],
        *[f"map<{key}, Scalars> message_by_{key} = {i}" for i, key in enumerate(MAP_KEYS, 21)],
    )
    values = message(
        "MapValues",
        *[f"map<string, {kind}> of_{kind} = {i}" for i, kind in enumerate([*SCALARS, "Colour", "Aliased", "Tree"], 1)],
        *[f"map<string, {kind}> of_{kind.rpartition('.')[2].lower()} = {i}" for i, kind in enumerate(WELL_KNOWN, 31)],
        "map<string, google.protobuf.NullValue> of_null = 51",
    )
    oneofs = message(
        "Oneofs",
        (
            "kind",
            *[f"{kind} k_{kind} = {i}" for i, kind in enumerate(SCALARS, 1)],
            "Colour k_enum = 16",
            "google.protobuf.NullValue k_null = 17",
            "google.protobuf.Value k_value = 18",
            "google.protobuf.Struct k_struct = 19",
            "google.protobuf.Int32Value k_wrapper = 20",
            "google.protobuf.Empty k_empty = 21",
            "Oneofs k_self = 22",
        ),
        "int32 between = 30",
        ("other", "string left = 31", "bytes right = 32"),
    )
    known = message(
        "WellKnown",
        *[f"{kind} s_{kind.rpartition('.')[2].lower()} = {i}" for i, kind in enumerate(WELL_KNOWN, 1)],
        *[f"repeated {kind} r_{kind.rpartition('.')[2].lower()} = {i}" for i, kind in enumerate(WELL_KNOWN, 31)],
        "google.protobuf.NullValue s_null = 61",
        "repeated google.protobuf.NullValue r_null = 62",
        "google.protobuf.Type s_type = 63",
        "google.protobuf.Api s_api = 64",
    )
    tree = message(
        "Tree",
        "string name = 1",
        "Tree left = 2",
        "Tree right = 3",
        "repeated Tree children = 4",
        "map<string, Tree> by_name = 5",
        "Tree.Leaf leaf = 6",
        "repeated Tree.Kind kinds = 7",
        "google.protobuf.Any detail = 8",
        message("Leaf", "int64 id = 1", "Tree.Leaf.Mark mark = 2", message("Mark", "bool set = 1")),
        enum("Kind", {"KIND_UNSPECIFIED": 0, "OAK": 1, "ELM": 2}),
    )
    names = message(
        "Names",
        "int32 plain = 1",
        "int32 two_words = 2",
        "int32 _leading = 3",
        "int32 trailing_ = 4",
        "int32 double__underscore = 5",
        "int32 digit_1 = 6",
        "int32 digit2 = 7",
        "int32 a1_b2_c3 = 8",
        "int32 camelCase = 9",
        "int32 UPPER = 10",
        "int32 Mixed_Case = 11",
        "int32 renamed = 12; json_name: 'other'",
        "int32 spaced = 13; json_name: 'with space'",
        "int32 quoted = 14; json_name: 'quo\"te\\\\'",
        "int32 accented = 15; json_name: 'é€\U0001f600'",
        "int32 at_type = 16; json_name: '@type'",
        "int32 bracket = 17; json_name: '[x.y]'",
        "int32 number = 18; json_name: '1'",
        "repeated int32 list_ = 21",
        "map<string, int32> map_1 = 22",
        "Names self_ = 23",
        "int32 " + "long_" * 20 + "name = 536870911",
    )
    # More fields than a 64-bit set of seen ones holds, declared against the order of their numbers.
    wide = message("Wide", *[f"int32 w{i} = {300 - i}" for i in range(150)], "repeated Wide wides = 400")
    singular = [scalars, optional, oneofs, known, tree, names]
    types = [named, alias, *singular, packed, unpacked, keys, values, wide, message("Nothing")]
    return file("proto3", "proto3", _IMPORTS, *types)


def _proto2() -> FileDescriptorProto:
    closed = enum("Closed", {"FIRST": 5, "SECOND": -7, "ZERO": 0})
    alias = enum("Aliased", {"A": 1, "ALSO_A": 1, "B": 2}, "allow_alias: true")
    defaults = {
        "double": "inf",
        "float": "-1.5",
        "int32": "-7",
        "int64": "9007199254740993",
        "uint64": "18446744073709551615",
        "bool": "true",
        "string": 'dé\\"fault',
        "bytes": "\\\\000\\\\377",
    }
    scalars = message(
        "Scalars",
        *[
            f"optional {kind} f_{kind} = {i}" + (f'; default_value: "{defaults[kind]}"' if kind in defaults else "")
            for i, kind in enumerate(SCALARS, 1)
        ],
        'optional Closed f_enum = 16; default_value: "SECOND"',
        "optional Aliased f_alias = 17",
    )
    repeated = message(
        "Repeated",
        *[f"repeated {kind} r_{kind} = {i}" for i, kind in enumerate([*SCALARS, "Closed"], 1)],
        *[
            f"repeated {kind} p_{kind} = {i}; options {{ packed: true }}"
            for i, kind in enumerate([*SCALARS[:13], "Closed"], 21)
        ],
    )
    required = message(
        "Required",
        "required int32 id = 1",
        "required string name = 2",
        "optional Required inner = 3",
        "repeated Required inners = 4",
        "map<string, Required> by_name = 5",
        "required Closed kind = 6",
    )
    groups = message(
        "Groups",
        "optional Groups.Single single = 1; type: TYPE_GROUP",
        "repeated Groups.Many many = 2; type: TYPE_GROUP",
        ("kind", "Groups.Chosen chosen = 3; type: TYPE_GROUP", "int32 number = 4"),
        message(
            "Single",
            "optional int32 a = 1",
            "optional Groups.Single.Deep deep = 2; type: TYPE_GROUP",
            message("Deep", "optional string b = 1"),
        ),
        message("Many", "required int32 a = 1", "repeated Groups nested = 2"),
        message("Chosen", "optional string c = 1"),
    )
    maps = message(
        "Maps",
        *[f"map<{key}, Closed> closed_by_{key} = {i}" for i, key in enumerate(MAP_KEYS, 1)],
        "map<string, Scalars> scalars = 21",
        "map<string, bytes> blobs = 22",
    )
    extended = message(
        "Extended",
        "optional int32 own = 1",
        "optional Extended self = 2",
        message("Inner", "optional string text = 1"),
        text="""
            extension_range { start: 100 end: 200 } extension_range { start: 1000 end: 536870912 }
            extension { name: "nested" number: 150 label: LABEL_OPTIONAL type: TYPE_MESSAGE
                        type_name: ".mapper.proto2.Extended.Inner" extendee: ".mapper.proto2.Extended" }
        """,
    )
    extensions = [
        'name: "x_int64" number: 100 label: LABEL_OPTIONAL type: TYPE_INT64',
        'name: "x_string" number: 101 label: LABEL_OPTIONAL type: TYPE_STRING default_value: "d"',
        'name: "x_packed" number: 102 label: LABEL_REPEATED type: TYPE_DOUBLE options { packed: true }',
        'name: "x_strings" number: 103 label: LABEL_REPEATED type: TYPE_STRING',
        'name: "x_enum" number: 104 label: LABEL_OPTIONAL type: TYPE_ENUM type_name: ".mapper.proto2.Closed"',
        'name: "x_messages" number: 1000 label: LABEL_REPEATED type: TYPE_MESSAGE type_name: ".mapper.proto2.Scalars"',
        'name: "x_time" number: 1001 label: LABEL_OPTIONAL type: TYPE_MESSAGE type_name: ".google.protobuf.Timestamp"',
        'name: "x_json" number: 1002 json_name: "ignored" label: LABEL_OPTIONAL type: TYPE_BOOL',
    ]
    text = "\n".join(f'extension {{ {item} extendee: ".mapper.proto2.Extended" }}' for item in extensions)
    types = [closed, alias, scalars, repeated, required, groups, maps, extended]
    return file("proto2", "proto2", _IMPORTS, *types, text=text)


def _editions() -> FileDescriptorProto:
    presence = "options { features { field_presence: %s } }"
    opened = enum("Open", {"OPEN_UNSPECIFIED": 0, "OPEN_ONE": 1, "OPEN_MINUS": -1})
    closed = enum("Closed", {"C_FIVE": 5, "C_ONE": 1}, "features { enum_type: CLOSED }")
    explicit = message(
        "Explicit", *[f"{kind} e_{kind} = {i}" for i, kind in enumerate([*SCALARS, "Open", "Closed"], 1)]
    )
    implicit = message(
        "Implicit", *[f"{kind} i_{kind} = {i}; {presence % 'IMPLICIT'}" for i, kind in enumerate([*SCALARS, "Open"], 1)]
    )
    required = message(
        "Required",
        f"int32 id = 1; {presence % 'LEGACY_REQUIRED'}",
        f"Closed kind = 2; {presence % 'LEGACY_REQUIRED'}",
        "Required inner = 3",
    )
    repeated = message(
        "Repeated",
        *[f"repeated {kind} p_{kind} = {i}" for i, kind in enumerate([*SCALARS, "Open", "Closed"], 1)],
        *[
            f"repeated {kind} x_{kind} = {i}; options {{ features {{ repeated_field_encoding: EXPANDED }} }}"
            for i, kind in enumerate([*SCALARS[:13], "Open", "Closed"], 21)
        ],
    )
    delimited = "options { features { message_encoding: DELIMITED } }"
    groups = message(
        "Delimited",
        f"Delimited.Item item = 1; {delimited}",
        f"repeated Delimited.Item items = 2; {delimited}",
        "Delimited.Item prefixed = 3",
        f"Delimited recursive = 4; {delimited}",
        f"google.protobuf.Timestamp time = 5; {delimited}",
        f"repeated google.protobuf.Struct structs = 6; {delimited}",
        ("kind", f"Delimited.Item left = 7; {delimited}", "Closed right = 8"),
        "map<string, Delimited> by_name = 9",
        message("Item", "int64 a = 1", "string b = 2"),
    )
    maps = message(
        # No map of a closed enum: upb does not build one in editions ("invalid subenum").
        "Maps",
        "map<int32, Open> open = 2",
        "map<bool, Explicit> explicit = 3",
    )
    loose = message(
        "Loose",
        "string text = 1; options { features { utf8_validation: NONE } }",
        "repeated string texts = 2; options { features { utf8_validation: NONE } }",
        "int32 ext_own = 3",
        text="extension_range { start: 100 end: 200 }",
    )
    text = """
        extension { extendee: ".mapper.editions.Loose" name: "e_list" number: 100 label: LABEL_REPEATED
                    type: TYPE_INT32 }
        extension { extendee: ".mapper.editions.Loose" name: "e_item" number: 101 label: LABEL_OPTIONAL
                    type: TYPE_MESSAGE type_name: ".mapper.editions.Delimited.Item"
                    options { features { message_encoding: DELIMITED } } }
    """
    types = [opened, closed, explicit, implicit, required, repeated, groups, maps, loose]
    return file("editions", "editions", _IMPORTS, *types, text=text)


def _files() -> dict[str, FileDescriptorProto]:
    """Return every file of the pool by name, dependencies first."""
    files: dict[str, FileDescriptorProto] = {}

    def add(descriptor: FileDescriptor) -> None:
        if descriptor.name not in files:
            for dependency in descriptor.dependencies:
                add(dependency)
            files[descriptor.name] = FileDescriptorProto.FromString(descriptor.serialized_pb)

    for module in _MODULES:
        add(module.DESCRIPTOR)
    for proto in (_proto3(), _proto2(), _editions()):
        files[proto.name] = proto
    return files


FILES = _files()
POOL = descriptor_pool.DescriptorPool()
for _proto in FILES.values():
    POOL.Add(_proto)

OWN = tuple(
    scope
    for name in ("proto3", "proto2", "editions")
    for _, scope in walk(FILES[f"mapper_{name}.proto"].message_type, f"mapper.{name}")
    if not _.options.map_entry
)
REAL = (
    "google.earthengine.v1alpha.ComputeImagesRequest",
    "google.earthengine.v1alpha.ComputeImagesResponse",
    "google.earthengine.v1alpha.EarthEngineAsset",
    "google.earthengine.v1alpha.Expression",
    "google.earthengine.v1alpha.ValueNode",
    "google.longrunning.Operation",
    "google.longrunning.ListOperationsResponse",
    "google.longrunning.WaitOperationRequest",
    "google.cloud.location.ListLocationsResponse",
    "google.cloud.location.Location",
    "google.rpc.Status",
    "google.rpc.BadRequest",
    "google.rpc.ErrorInfo",
    "google.rpc.RetryInfo",
    "google.rpc.QuotaFailure",
    "google.protobuf.Type",
    "google.protobuf.Api",
)
ROOTS = (*OWN, *WELL_KNOWN, *REAL)
"""Full names of the message types that tests and generators start from."""

ANY_TYPES = (
    "mapper.proto3.Scalars",
    "mapper.proto3.Tree",
    "mapper.proto3.Oneofs",
    "mapper.proto2.Groups",
    "mapper.editions.Delimited",
    "google.rpc.ErrorInfo",
    "google.rpc.RetryInfo",
    *WELL_KNOWN,
)
"""What a google.protobuf.Any may hold in generated messages."""


def message_class(name: str) -> type[Message]:
    """Return the message class of a type in the pool."""
    return message_factory.GetMessageClass(POOL.FindMessageTypeByName(name))


def file_descriptor_set(*names: str) -> bytes:
    """Return an encoded FileDescriptorSet of these files and what they import (all files when none is named)."""
    wanted: dict[str, FileDescriptorProto] = {}

    def add(name: str) -> None:
        if name not in wanted:
            for dependency in FILES[name].dependency:
                add(dependency)
            wanted[name] = FILES[name]

    for name in names or FILES:
        add(name)
    return FileDescriptorSet(file=wanted.values()).SerializeToString(deterministic=True)
