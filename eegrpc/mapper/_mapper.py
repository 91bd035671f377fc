"""The mapper of one message type: an engine, and the count of what it had to skip."""

from __future__ import annotations

import logging
import threading
from io import BytesIO
from typing import TYPE_CHECKING, Final

from eegrpc._processes import restart_in_children
from eegrpc.mapper._options import Engine, Options, Skipped, Taker
from eegrpc.mapper._switch import IMPLEMENTATION, Implementation, engine

if TYPE_CHECKING:
    from google.protobuf.descriptor import Descriptor
    from google.protobuf.descriptor_pool import DescriptorPool

__all__ = ["MessageMapper"]

_LOGGER: Final = logging.getLogger("eegrpc.mapper")
_MOST_LOGGED: Final = 256  # names are the sender's: without a bound a hostile one fills log and memory


class MessageMapper:
    """Maps one message type between wire bytes and proto3 JSON bytes; safe to share between threads.

    The mapping is the one of https://protobuf.dev/programming-guides/json/, printed compactly. Both implementations
    refuse and accept the same, but for the few differences that docs/mapper.md lists.

    Args:
        descriptor: The message type. Any other type it contains comes along.
        ignore_unknown_fields: Skip JSON fields that the message does not have, as a client of a server that grows must;
            False refuses them, as a server must refuse a misspelt request.
        ignore_unknown_enum_names: The same for names of enum values: the field stays unset, a list or map goes without
            the element. None: as `ignore_unknown_fields`. Unknown numbers are always kept, unless the enum is closed.
        preserving_proto_field_name: Print names as the .proto file has them, not in camel case. Both are always read.
        always_print_fields_with_no_presence: Print fields that cannot tell "unset" from their default: scalars of
            proto3 that are not `optional`, repeated fields and maps.
        use_integers_for_enums: Print enum values as numbers.
        descriptor_pool: Where the types of google.protobuf.Any, and extensions, are looked up; None: the descriptor's.
        implementation: "native" or "python"; None: what `eegrpc.mapper.IMPLEMENTATION` says.

    Raises:
        ImportError: `implementation` is "native", and this build has none.
        ValueError: `implementation` is neither.
    """

    __slots__ = (
        "__weakref__",
        "_engine",
        "_lock",
        "_logged",
        "_skipped_enum_names",
        "_skipped_fields",
        "descriptor",
        "implementation",
    )

    def __init__(
        self,
        descriptor: Descriptor,
        *,
        ignore_unknown_fields: bool = True,
        ignore_unknown_enum_names: bool | None = None,
        preserving_proto_field_name: bool = False,
        always_print_fields_with_no_presence: bool = False,
        use_integers_for_enums: bool = False,
        descriptor_pool: DescriptorPool | None = None,
        implementation: Implementation | None = None,
    ) -> None:
        if ignore_unknown_enum_names is None:
            ignore_unknown_enum_names = ignore_unknown_fields
        options = Options(
            descriptor_pool=descriptor.file.pool if descriptor_pool is None else descriptor_pool,
            ignore_unknown_fields=ignore_unknown_fields,
            ignore_unknown_enum_names=ignore_unknown_enum_names,
            preserving_proto_field_name=preserving_proto_field_name,
            always_print_fields_with_no_presence=always_print_fields_with_no_presence,
            use_integers_for_enums=use_integers_for_enums,
        )
        self.descriptor = descriptor
        self.implementation: Implementation = IMPLEMENTATION if implementation is None else implementation
        self._engine: Engine = engine(implementation)(descriptor, options)
        self._lock = threading.Lock()
        self._skipped_fields = 0
        self._skipped_enum_names = 0
        self._logged: set[tuple[str, str]] = set()
        restart_in_children(self)

    def _after_fork(self) -> None:
        """Go on in a forked child, where another thread may hold the lock for ever."""
        self._lock = threading.Lock()

    @property
    def skipped_fields(self) -> int:
        """How many JSON fields this mapper has skipped so far, because their message does not have them."""
        return self._skipped_fields

    @property
    def skipped_enum_names(self) -> int:
        """How many enum values this mapper has skipped so far, because their enum does not have the name."""
        return self._skipped_enum_names

    def to_json(self, wire: bytes) -> bytes:
        """Return the JSON encoding (UTF-8, no insignificant space) of an encoded message.

        Raises:
            TypeError: `wire` is not bytes.
            MapperError: `wire` is not an encoding of the message, nests too deeply, or holds what JSON cannot.
        """
        _require_bytes(wire)
        return self._engine.to_json(wire)

    def to_wire(self, json: bytes) -> bytes:
        """Return the wire encoding of a message given as JSON (UTF-8).

        Raises:
            TypeError: `json` is not bytes.
            MapperError: `json` is not JSON, not this message, or nests deeper than protobuf parsers read (100 levels).
        """
        return self.to_wire_and_skipped(json)[0]

    def to_wire_and_skipped(self, json: bytes, taker: Taker | None = None) -> tuple[bytes, Skipped | None]:
        """Return the same as `to_wire`, and what was skipped in this document; None if nothing was.

        Args:
            json: The message as JSON (UTF-8).
            taker: Gets a large message piece by piece while its JSON is still being read; what is returned is the rest
                then. A message that is merged so needs no memory for its encoding.

        Raises:
            TypeError, MapperError: As `to_wire`.
            Exception: What `taker` raises.
        """
        _require_bytes(json)
        if taker is None:
            whole = _Whole()
            rest, skipped = self._engine.to_wire(json, whole)
            wire = whole.with_rest(rest)
        else:
            wire, skipped = self._engine.to_wire(json, taker)
        if skipped is not None:
            self._note(skipped)
        return wire, skipped

    def _note(self, skipped: Skipped) -> None:
        """Count what was skipped, and log each name once."""
        with self._lock:
            self._skipped_fields += skipped.fields
            self._skipped_enum_names += skipped.enum_names
            fields = self._new(skipped.field_names)
            values = self._new(skipped.value_names)
        for owner, name in fields:
            _LOGGER.info(
                "skipped the field %.64r, which %s does not have here: a newer eegrpc may know it", name, owner
            )
        for owner, name in values:
            _LOGGER.warning(
                "skipped the value %.64r, which %s does not have here: a newer eegrpc may know it", name, owner
            )

    def _new(self, names: tuple[tuple[str, str], ...]) -> list[tuple[str, str]]:
        new = [name for name in names if name not in self._logged][: _MOST_LOGGED - len(self._logged)]
        self._logged.update(new)
        return new


class _Whole:
    """Puts a large message in one piece."""

    __slots__ = ("_taken",)

    def __init__(self) -> None:
        self._taken: BytesIO | None = None

    @property
    def has_taken(self) -> bool:
        return self._taken is not None

    def take(self, piece: bytes, /) -> None:
        if self._taken is None:
            self._taken = BytesIO()
        self._taken.write(piece)

    def restart(self) -> None:
        self._taken = None

    def with_rest(self, rest: bytes) -> bytes:
        """Return all that was taken, and the rest."""
        if self._taken is None:
            return rest
        self._taken.write(rest)
        return self._taken.getvalue()


def _require_bytes(data: object) -> None:
    if type(data) is not bytes:  # a bytearray or memoryview could change while it is read
        raise TypeError(f"mappers take bytes, not {type(data).__name__}")
