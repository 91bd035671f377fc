"""The little of the protobuf wire format that a split into path, query and body needs.

Fields are cut out of an encoded message and put back together without decoding it: concatenated encodings of parts of
a message are an encoding of the message (https://protobuf.dev/programming-guides/encoding/#last-one-wins).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Union

from eegrpc.mapper import MapperError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["FieldTree", "fields", "length_delimited", "payloads", "pieces", "split", "tag", "union", "varint"]

VARINT, I64, LEN, START_GROUP, END_GROUP, I32 = range(6)

FieldTree = dict[int, Union["FieldTree", None]]
"""Fields by number: None for a whole field, a tree for some fields of a message field."""


def varint(value: int) -> bytes:
    """Return the encoding of an integer from 0 to 2**64 - 1."""
    if value < 0x80:
        return bytes((value,))
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def tag(number: int, wire_type: int) -> bytes:
    """Return the encoding of a field's tag."""
    return varint(number << 3 | wire_type)


def length_delimited(number: int, payload: bytes) -> bytes:
    """Return the encoding of a field that holds a string, bytes or a message."""
    return tag(number, LEN) + varint(len(payload)) + payload


def fields(wire: bytes) -> Iterator[tuple[int, int, int, int]]:
    """Yield (field number, start of the tag, start of the payload, end) of each top-level field, in order.

    The payload of a length-delimited field begins after its length.

    Raises:
        MapperError: kind ``wire`` or ``eof``: not an encoded message.
    """
    position, size = 0, len(wire)
    while position < size:
        start = position
        key = wire[start]
        if key & 0x87 == LEN and key > 7 and size - start > 2:  # nearly all: by hand, a length of up to 16 kB
            low, high = wire[start + 1], wire[start + 2]
            if low < 0x80:
                payload, position = start + 2, start + 2 + low
            elif high < 0x80:
                payload = start + 3
                position = payload + (high << 7) + low - 0x80
            else:
                length, payload = _varint(wire, start + 1)
                position = payload + length
            if position > size:
                raise MapperError("eof", "the message ends inside a field", offset=start)
            yield key >> 3, start, payload, position
            continue
        key, position = _varint(wire, position)
        number, wire_type = key >> 3, key & 7
        if not 1 <= number <= 0x1FFFFFFF:
            raise MapperError("wire", f"{number} is no field number", offset=start)
        payload, position = _skip(wire, wire_type, position, start)
        if position > size:
            raise MapperError("eof", "the message ends inside a field", offset=start)
        yield number, start, payload, position


def split(wire: bytes, tree: FieldTree) -> tuple[bytes, bytes]:
    """Return the parts of an encoded message that are in `tree` and that are not.

    A submessage of which nothing remains outside of `tree` is left out of the rest.

    Raises:
        MapperError: `wire` is not an encoded message.
    """
    inside: list[bytes] = []
    rest: list[bytes] = []
    kept = 0  # start of the bytes of the rest that are not yet copied
    for number, start, payload, end in fields(wire):
        if number not in tree:
            continue
        if start > kept:
            rest.append(wire[kept:start])
        kept = end
        subtree = tree[number]
        if subtree is None or wire[start] & 7 != LEN:
            inside.append(wire[start:end])
            continue
        below, beside = split(wire[payload:end], subtree)
        if below:
            inside.append(length_delimited(number, below))
        if beside or not below:
            rest.append(length_delimited(number, beside))
    if kept == 0:
        return b"", wire
    rest.append(wire[kept:])
    return b"".join(inside), b"".join(rest)


def payloads(wire: bytes, number: int) -> bytes | None:
    """Return the concatenated payloads of a message field: the encoded submessage; None if it is not set."""
    found = [
        wire[payload:end] for field, start, payload, end in fields(wire) if field == number and wire[start] & 7 == LEN
    ]
    return b"".join(found) if found else None


def pieces(wire: bytes, size: int) -> Iterator[bytes]:
    """Yield an encoded message in pieces of at least `size` bytes, but for the last, cut between top-level fields.

    Raises:
        MapperError: `wire` is not an encoded message.
    """
    begin = 0
    for _, _, _, end in fields(wire):
        if end - begin >= size:
            yield wire[begin:end]
            begin = end
    if begin < len(wire):
        yield wire[begin:]


def union(trees: list[Mapping[int, FieldTree | None]]) -> FieldTree:
    """Return the tree of the fields that are in any of the trees."""
    merged: FieldTree = {}
    for tree in trees:
        for number, subtree in tree.items():
            known = merged.get(number, {})
            merged[number] = None if subtree is None or known is None else union([known, subtree])
    return merged


def _varint(wire: bytes, position: int) -> tuple[int, int]:
    """Return the integer that begins at `position`, and the position after it."""
    value = shift = 0
    try:
        while True:
            byte = wire[position]
            position += 1
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value, position
            shift += 7
            if shift > 63:
                raise MapperError("wire", "an integer of more than 10 bytes", offset=position)
    except IndexError:
        raise MapperError("eof", "the message ends inside an integer", offset=position) from None


def _skip(wire: bytes, wire_type: int, position: int, start: int) -> tuple[int, int]:
    """Return where the payload of a field begins and where it ends, given the position after its tag."""
    if wire_type == LEN:
        length, position = _varint(wire, position)
        return position, position + length
    if wire_type == VARINT:
        return position, _varint(wire, position)[1]
    if wire_type in (I64, I32):
        return position, position + (8 if wire_type == I64 else 4)
    if wire_type != START_GROUP:
        raise MapperError("wire", f"unexpected wire type {wire_type}", offset=start)
    payload, depth = position, 1  # groups occur in proto2 and among unknown fields
    while depth:
        key, position = _varint(wire, position)
        if key & 7 == START_GROUP:
            depth += 1
        elif key & 7 == END_GROUP:
            depth -= 1
        else:
            position = _skip(wire, key & 7, position, start)[1]
    return payload, position
