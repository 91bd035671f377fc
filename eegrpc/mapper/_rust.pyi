from collections.abc import Callable

from typing_extensions import Self

class RefusedError(Exception):
    args: tuple[str, str, str, int | None, str | None]

class Output:
    def __len__(self) -> int: ...
    def pop(self) -> bytes: ...

class Plan:
    def __new__(
        cls,
        file_descriptor_set: bytes,
        root: str,
        others: list[str],
        *,
        ignore_unknown_fields: bool,
        ignore_unknown_enum_names: bool,
        preserving_proto_field_name: bool,
        always_print_fields_with_no_presence: bool,
        use_integers_for_enums: bool,
    ) -> Self: ...
    def to_json(self, wire: bytes) -> bytes | Output: ...
    def to_wire(
        self, json: bytes, take: Callable[[bytes], object]
    ) -> tuple[bytes | Output, tuple[int, int, list[tuple[str, str]], list[tuple[str, str]]] | None]: ...

def is_sound_expression(wire: bytes) -> bool: ...
