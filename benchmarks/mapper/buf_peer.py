"""Messages of protobuf-py (Buf), made at run time from the descriptors that protobuf's own messages have.

Its generated classes are the same but for their type annotations: they too are made from a descriptor when imported.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from google.protobuf import descriptor_pb2

if TYPE_CHECKING:
    from collections.abc import Mapping

    from google.protobuf.descriptor import Descriptor, FileDescriptor

__all__ = ["message_class"]


def message_class(descriptor: Descriptor) -> Any:
    """Return protobuf-py's class of a message."""
    messages = {message.type_name: message for message in _file(descriptor.file).messages}
    return messages[descriptor.full_name].type


@cache
def _file(file: FileDescriptor) -> Any:
    from protobuf._codegen import file_desc  # what its generated code calls

    proto = descriptor_pb2.FileDescriptorProto()
    file.CopyToProto(proto)
    # Annotations are for servers and documentation, and bring extensions of descriptor.proto along.
    needed = [dependency for dependency in file.dependencies if not dependency.name.startswith("google/api/")]
    proto.dependency[:] = [dependency.name for dependency in needed]
    _name_fields(proto.message_type, file.message_types_by_name)
    return file_desc(proto.SerializeToString(), [_file(dependency) for dependency in needed], {})


def _name_fields(messages: Any, descriptors: Mapping[str, Descriptor]) -> None:
    """Fill in the JSON names: a compiler always does, CopyToProto does not."""
    for message in messages:
        descriptor = descriptors[message.name]
        for field in message.field:
            field.json_name = descriptor.fields_by_name[field.name].json_name
        _name_fields(message.nested_type, descriptor.nested_types_by_name)
