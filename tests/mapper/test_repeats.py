"""A list of documents maps to the list of what each maps to, however often the same one comes.

The native mapper copies what it has mapped before, so a few documents are repeated here in all orders, in lists
that are long enough for that.
"""

from __future__ import annotations

import contextlib
import functools
from random import Random

import pytest
import schemas
from hypothesis import given
from messages import Generator, spoiled
from mutations import Writer
from notation import file, message
from test_equal import equal, randoms, roots

from eegrpc.mapper import MapperError, MessageMapper

LEAST = {"native": 48 << 10, "python": 1 << 10}  # bytes: the native mapper remembers nothing of short documents
LISTS = file(
    "lists",
    "proto3",
    list(schemas.FILES),
    *[message(f"List{number}", f"repeated {name} items = 1") for number, name in enumerate(schemas.ROOTS)],
)
schemas.POOL.Add(LISTS)


@functools.cache
def mappers(name: str, implementation: str) -> tuple[MessageMapper, MessageMapper]:
    """Return the mapper of a type, and that of a list of it."""
    list_name = f"mapper.lists.List{schemas.ROOTS.index(name)}"
    one, many = (schemas.message_class(each).DESCRIPTOR for each in (name, list_name))
    return MessageMapper(one, implementation=implementation), MessageMapper(many, implementation=implementation)  # type: ignore[arg-type]


def element(wire: bytes, field: int = 1) -> bytes:
    """Return a message as the value, or an element, of a field."""
    length, varint = len(wire), b""
    while length > 0x7F:
        varint += bytes([length & 0x7F | 0x80])
        length >>= 7
    return bytes([field << 3 | 2]) + varint + bytes([length]) + wire


def repeated(choices: Random, items: list[bytes], least: int) -> list[bytes]:
    """Return items of these in random order: `least` bytes of them, and so many that each comes again."""
    count = max(3 * len(items), least // (sum(map(len, items)) // len(items) + 1))
    return [*Random(choices.getrandbits(32)).choices(items, k=count), *items]  # more choices than hypothesis can make


def texts(choices: Random, name: str, *, mild: bool) -> list[bytes]:
    generator, writer = Generator(choices), Writer(choices, mild=mild)
    found = [writer.write(generator.message(name)).strip() for _ in range(choices.randint(1, 6))]
    return [text for text in found if text not in (b"", b"null")]


@equal
@given(name=roots, choices=randoms)
def test_a_list_of_texts_is_the_list_of_their_messages(implementation: str, name: str, choices: Random) -> None:
    alone, together = mappers(name, implementation)
    mapped = {}
    for text in texts(choices, name, mild=True):
        with contextlib.suppress(MapperError):  # a few spellings are refused
            mapped[text] = alone.to_wire_and_skipped(text)
    if not mapped:
        return
    items = repeated(choices, list(mapped), LEAST[implementation])
    wire, skipped = together.to_wire_and_skipped(b'{"items":[' + b",".join(items) + b"]}")
    assert wire == b"".join(element(mapped[text][0]) for text in items)
    counts = [mapped[text][1] for text in items]
    assert (skipped.fields if skipped else 0) == sum(each.fields for each in counts if each)
    assert (skipped.enum_names if skipped else 0) == sum(each.enum_names for each in counts if each)


@equal
@given(name=roots, choices=randoms)
def test_a_mistake_after_many_texts_is_found_where_it_is(implementation: str, name: str, choices: Random) -> None:
    alone, together = mappers(name, implementation)
    good, bad = [], {}
    for text in texts(choices, name, mild=False):
        try:
            alone.to_wire(text)
        except MapperError as error:
            if error.kind in ("integer", "range", "unknown", "value"):  # what is no JSON alone may be some in a list
                bad[text] = error
        else:
            good.append(text)
    items = repeated(choices, good, LEAST[implementation]) if good else []
    for text, expected in bad.items():
        document = b'{"items":[' + b"".join(item + b"," for item in items) + text + b"]}"
        with pytest.raises(MapperError) as caught:
            together.to_wire(document)
        start = len(document) - len(text) - 2
        assert caught.value.kind == expected.kind
        assert caught.value.offset == (None if expected.offset is None else start + expected.offset)
        if caught.value.path or expected.path:  # the Python engine does not say where a key comes twice
            assert caught.value.path.startswith(f"items[{len(items)}]")


@equal
@given(name=roots, choices=randoms)
def test_a_list_of_messages_is_the_list_of_their_texts(implementation: str, name: str, choices: Random) -> None:
    alone, together = mappers(name, implementation)
    generator = Generator(choices)
    wires = [generator.message(name).SerializePartialToString() for _ in range(choices.randint(1, 6))]
    if choices.random() < 0.3:
        wires.append(spoiled(choices, wires[0]))
    mapped = {}
    for wire in wires:
        with contextlib.suppress(MapperError):
            mapped[wire] = alone.to_json(wire)
    if not mapped:
        return
    items = repeated(choices, list(mapped), LEAST[implementation])
    text = together.to_json(b"".join(map(element, items)))
    assert text == b'{"items":[' + b",".join(mapped[wire] for wire in items) + b"]}"


def test_what_was_mapped_higher_up_may_be_too_deep(implementation: str) -> None:
    """The same text, often at the top and once so deep that what is in it lies below level 100."""
    alone, _ = mappers("mapper.proto3.Tree", implementation)
    twig, count = b'{"right":{"right":{}}}', LEAST[implementation] // 20

    def text(level: int) -> bytes:
        deep = b'{"left":' * level + twig + b"}" * level
        return b'{"children":[' + (twig + b",") * count + deep + b"]}"

    def wire(level: int) -> bytes:
        short = deep = element(element(b"", 3), 3)
        for _ in range(level):
            deep = element(deep, 2)
        return element(short, 4) * count + element(deep, 4)

    assert alone.to_wire(text(97)) == wire(97)
    assert alone.to_json(wire(97)) == text(97)
    for refused in (lambda: alone.to_wire(text(98)), lambda: alone.to_json(wire(98))):
        with pytest.raises(MapperError) as caught:
            refused()
        assert caught.value.kind == "depth"
