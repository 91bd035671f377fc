"""What a mapper is told once, who takes what it makes, and what it tells of a call beside the bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from google.protobuf.descriptor import Descriptor
    from google.protobuf.descriptor_pool import DescriptorPool

__all__ = ["MAX_SKIPPED_NAMES", "Engine", "Options", "Skipped", "Taker"]

MAX_SKIPPED_NAMES = 16
"""Most names that one `Skipped` carries: the counts are exact, the names are for a log."""


class Options(NamedTuple):
    """How a message type is mapped; the meanings are in `eegrpc.mapper.MessageMapper`."""

    descriptor_pool: DescriptorPool
    ignore_unknown_fields: bool
    ignore_unknown_enum_names: bool
    preserving_proto_field_name: bool
    always_print_fields_with_no_presence: bool
    use_integers_for_enums: bool


class Skipped(NamedTuple):
    """What one call of `Engine.to_wire` left out because the message has no place for it."""

    fields: int
    """JSON fields that their message does not have."""
    enum_names: int
    """Values that their enum does not have."""
    field_names: tuple[tuple[str, str], ...]
    """(full name of the message, name of the field), the first few, once each."""
    value_names: tuple[tuple[str, str], ...]
    """(full name of the enum, name of the value), the first few, once each."""

    def may_have(self, owner: str, field: str) -> bool:
        """Return whether a field of this name was skipped in a message of the type `owner`, as far as that is known."""
        return (owner, field) in self.field_names or len(self.field_names) >= MAX_SKIPPED_NAMES


class Taker(Protocol):
    """Takes a large encoded message while its JSON is still being read: whole fields at a time, in order.

    To put the pieces together, and what is returned in the end, makes the encoding; to merge each makes the message.
    They are for nothing if the call raises in the end.
    """

    @property
    def has_taken(self) -> bool:
        """Whether there is a piece."""

    def take(self, piece: bytes, /) -> object:
        """Take the next fields, a hundred kilobytes or more. What it raises, the call raises."""

    def restart(self) -> object:
        """Forget what was taken: the message comes anew."""


class Engine(Protocol):
    """One implementation of the mapping, for one message type."""

    def __init__(self, descriptor: Descriptor, options: Options) -> None: ...

    def to_json(self, wire: bytes) -> bytes:
        """Return the JSON of an encoded message; raise MapperError."""

    def to_wire(self, json: bytes, taker: Taker, /) -> tuple[bytes, Skipped | None]:
        """Return the encoding of a message given as JSON, and what was skipped if anything was; raise MapperError.

        A large one may go to `taker`, but for the rest that is returned.
        """
