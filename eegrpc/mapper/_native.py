"""The native engine: the Rust extension, and the schema it is given."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING, NoReturn, cast

from google.protobuf import descriptor_pb2

from eegrpc.mapper._errors import Kind, MapperError
from eegrpc.mapper._options import Skipped
from eegrpc.mapper._rust import Plan, RefusedError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from google.protobuf.descriptor import Descriptor, FieldDescriptor, FileDescriptor

    from eegrpc.mapper._options import Options, Taker
    from eegrpc.mapper._rust import Output

__all__ = ["NativeEngine"]


class NativeEngine:
    """Maps one message type by a plan compiled from its descriptors.

    A google.protobuf.Any may hold a type that the descriptor does not mention. The first time one comes, the plan is
    made anew with it: the plan stays a pure function, and the pool is asked once for each type.
    """

    __slots__ = ("_descriptor", "_options", "_others", "_plan")

    def __init__(self, descriptor: Descriptor, options: Options) -> None:
        self._descriptor = descriptor
        self._options = options
        self._others: tuple[Descriptor, ...] = ()
        self._plan = self._compile(())

    def to_json(self, wire: bytes) -> bytes:
        """Return the JSON of an encoded message."""
        while True:
            try:
                made = self._plan.to_json(wire)
            except RefusedError as refused:
                self._learn_type(refused)
            else:
                return made if isinstance(made, bytes) else _whole(made)

    def to_wire(self, json: bytes, taker: Taker, /) -> tuple[bytes, Skipped | None]:
        """Return the encoding of a message in JSON, or of a large one the rest, and what was skipped."""
        while True:
            try:
                rest, skipped = self._plan.to_wire(json, taker.take)
            except RefusedError as refused:
                self._learn_type(refused)
                taker.restart()
            else:
                rest = rest if isinstance(rest, bytes) else _whole(rest)
                return rest, None if skipped is None else _skipped(*skipped)

    def _learn_type(self, refused: RefusedError) -> None:
        """Add the type that an Any wanted to the plan, or raise what was refused."""
        name = refused.args[4]
        if name is None:
            _raise(refused)
        try:
            wanted = self._options.descriptor_pool.FindMessageTypeByName(name)
        except KeyError:
            _raise(refused)
        if any(known is wanted for known in self._others):
            _raise(refused)
        # Two threads may do this at once: each plan is complete for its caller, and one of them stays.
        others = (*self._others, wanted)
        self._plan = self._compile(others)
        self._others = others

    def _compile(self, others: tuple[Descriptor, ...]) -> Plan:
        options = self._options
        try:
            return Plan(
                _file_descriptor_set([self._descriptor, *others], options),
                self._descriptor.full_name,
                [other.full_name for other in others],
                ignore_unknown_fields=options.ignore_unknown_fields,
                ignore_unknown_enum_names=options.ignore_unknown_enum_names,
                preserving_proto_field_name=options.preserving_proto_field_name,
                always_print_fields_with_no_presence=options.always_print_fields_with_no_presence,
                use_integers_for_enums=options.use_integers_for_enums,
            )
        except RefusedError as refused:
            _raise(refused)


def _raise(refused: RefusedError) -> NoReturn:
    kind, message, path, offset, _wanted = refused.args
    raise MapperError(cast("Kind", kind), message, path=path, offset=offset) from None


def _whole(made: Output) -> bytes:
    """Return output in one piece.

    Large output is taken from its end, so that the extension frees what is here already: the two together take
    little more memory than one. It is written into zeros, which cost nothing before, and BytesIO hands those out
    without a copy.
    """
    end = len(made)
    whole = BytesIO(bytes(end))
    with whole.getbuffer() as target:
        while end:
            piece = made.pop()
            target[end - len(piece) : end] = piece
            end -= len(piece)
    return whole.getvalue()


def _skipped(
    fields: int, enum_names: int, field_names: list[tuple[str, str]], value_names: list[tuple[str, str]]
) -> Skipped:
    return Skipped(fields, enum_names, tuple(field_names), tuple(value_names))


def _file_descriptor_set(messages: list[Descriptor], options: Options) -> bytes:
    """Return the files of all types that the messages contain, and of their known extensions, as FileDescriptorSet."""
    files: dict[str, FileDescriptor] = {}
    seen: set[str] = set()
    pending = list(messages)
    while pending:
        message = pending.pop()
        if message.full_name in seen:
            continue
        seen.add(message.full_name)
        files[message.file.name] = message.file
        for field in _fields(message, options):
            if field.is_extension:
                files[field.file.name] = field.file  # type: ignore[attr-defined]  # the stubs do not know it
            if field.message_type is not None:
                pending.append(field.message_type)
            if field.enum_type is not None:
                files[field.enum_type.file.name] = field.enum_type.file
    file_set = descriptor_pb2.FileDescriptorSet()
    for file in files.values():
        file.CopyToProto(file_set.file.add())
    return file_set.SerializeToString()


def _fields(message: Descriptor, options: Options) -> Iterator[FieldDescriptor]:
    yield from message.fields
    if message.is_extendable:
        yield from options.descriptor_pool.FindAllExtensions(message)
