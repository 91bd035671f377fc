"""Looks at single JSON values for `scan`: what json_format lets pass that harms, or refuses that is right."""

from __future__ import annotations

import math
import re
import struct
from typing import TYPE_CHECKING, Any, Final, Protocol

from eegrpc.mapper._options import MAX_SKIPPED_NAMES, Options, Skipped
from eegrpc.mapper._python_engine.free_form import require_shallow_value
from eegrpc.mapper._python_engine.refusal import Refusal, quote

if TYPE_CHECKING:
    from google.protobuf.descriptor import EnumDescriptor

__all__ = ["NOTHING", "OTHER_CHECKS", "Check", "EnumCheck", "Run", "check_float", "check_struct_or_list", "check_value"]

_FLOAT: Final = 3.4028234663852886e38  # the largest
_TIMESTAMP: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]*)?(?:Z|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])"
)
_DURATION: Final = re.compile(r"-?[0-9]+(?:\.[0-9]*)?s")
NOTHING: Final = object()
"""What a check returns to have the value taken out."""


class Check(Protocol):
    """Looks at the JSON value of a field in a message at `level`; returns what to make of it, maybe `NOTHING`."""

    def __call__(self, value: Any, level: int, run: Run, /) -> Any: ...


class Run:
    """What one call found and skipped."""

    __slots__ = ("_enum_names", "_field_names", "_fields", "_gaps", "_value_names", "in_any")

    def __init__(self) -> None:
        self._fields = 0
        self._enum_names = 0
        self._field_names: dict[tuple[str, str], None] = {}
        self._value_names: dict[tuple[str, str], None] = {}
        self.in_any = False
        self._gaps: dict[int, list[int]] = {}

    def skipped(self) -> Skipped | None:
        """Return the summary; None if nothing was skipped."""
        if not self._fields and not self._enum_names:
            return None
        return Skipped(self._fields, self._enum_names, tuple(self._field_names), tuple(self._value_names))

    def note_field(self, owner: str, name: str) -> None:
        """Count a field that a message type does not have."""
        self._fields += 1
        _note(self._field_names, owner, name)

    def note_enum_name(self, owner: str, name: str) -> None:
        """Count a value that an enum type does not have."""
        self._enum_names += 1
        _note(self._value_names, owner, name)

    def take_out(self, values: list[Any], gone: list[int]) -> None:
        """Take the elements at these indices, which ascend, out of a list."""
        self._gaps[id(values)] = gone
        out = frozenset(gone)
        values[:] = [value for index, value in enumerate(values) if index not in out]

    def original_index(self, values: list[Any], index: int) -> int:
        """Return which index the element of a list had before others were taken out."""
        for gone in self._gaps.get(id(values), ()):
            index += gone <= index
        return index


class EnumCheck:
    """Looks at values of an enum type."""

    __slots__ = ("_known", "_name", "_options")

    def __init__(self, descriptor: EnumDescriptor, options: Options) -> None:
        self._name = descriptor.full_name
        # Newer protobufs have an option by which values get names of their own in JSON.
        options_of_values = (value.GetOptions() for value in descriptor.values if value.has_options)
        renamed = (option for of_value in options_of_values for option in of_value.ListFields())
        custom = (option.string for field, option in renamed if field.full_name == "pb.enumvalue.json")
        self._known = frozenset((*descriptor.values_by_name, *custom))
        self._options = options

    def __call__(self, value: Any, _level: int, run: Run, /) -> Any:
        if value in self._known if isinstance(value, str) else isinstance(value, (dict, list, type(None))):
            return value  # json_format knows lists and null to be wrong
        if isinstance(value, bool):
            raise Refusal("value", f"expected {self._name}, got {quote(value)}")
        try:
            number = int(value)  # json_format reads numbers in strings
        except (ValueError, OverflowError):
            if isinstance(value, float):  # infinite
                return value
        else:
            if isinstance(value, float) and number != value:
                raise Refusal("integer", f"expected {self._name}, got {quote(value)}")
            if not -(2**31) <= number < 2**31:  # json_format takes the lower 32 bits
                raise Refusal("range", f"{quote(value)} is out of the range of {self._name}")
            return value
        if not self._options.ignore_unknown_enum_names:
            raise Refusal("value", f"{self._name} has no value {quote(value)}")
        run.note_enum_name(self._name, value)
        return NOTHING


def check_float(value: Any, _level: int, _run: Run, /) -> Any:
    """Bring what rounds to the largest float within json_format's bounds, which leave no room for rounding."""
    if type(value) is float and math.isfinite(value):
        try:
            return struct.unpack("f", struct.pack("f", value))[0] if abs(value) > _FLOAT else value
        except OverflowError:
            return value
    return value


def _check_form(form: re.Pattern[str], name: str) -> Check:
    """Return the check of values that are text, in whose forms json_format goes by what Python reads."""

    def check(value: Any, _level: int, _run: Run, /) -> Any:
        if isinstance(value, str) and form.fullmatch(value) is None:
            raise Refusal("value", f"expected a {name}, got {quote(value)}")
        return value

    return check


def check_value(value: Any, level: int, run: Run, /) -> Any:
    """Look how deep a google.protobuf.Value in an Any nests; elsewhere, reading the encoding shows it."""
    if run.in_any:
        require_shallow_value(value, level + 1)
    return value


def check_struct_or_list(value: Any, level: int, run: Run, /) -> Any:
    """Look how deep a google.protobuf.Struct or ListValue in an Any nests."""
    if run.in_any:
        require_shallow_value(value, level)  # as if it were in a Value, which would be one level more
    return value


def _note(names: dict[tuple[str, str], None], owner: str, name: str) -> None:
    if len(names) < MAX_SKIPPED_NAMES:
        names[owner, name] = None


OTHER_CHECKS: Final = {
    "google.protobuf.Duration": _check_form(_DURATION, "google.protobuf.Duration"),
    "google.protobuf.FloatValue": check_float,
    "google.protobuf.Timestamp": _check_form(_TIMESTAMP, "google.protobuf.Timestamp"),
}
"""The checks of the well-known types that need one and nothing else."""
