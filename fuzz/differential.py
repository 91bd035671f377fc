"""Random messages and JSON texts through a mapper and google.protobuf.json_format, to see whether they agree.

    python fuzz/differential.py --count 1000000 --seed 1 --jobs 2 [--implementation native|python]

Each message is mapped to JSON and back, then a text of it, with other spellings and mistakes, to wire bytes; now and
then also its encoding with bytes changed to JSON. Prints
what the two disagree about, cut down to the smallest input found, and exits with 1 if there is anything that
tests/mapper/differences.py does not list. A run is repeated exactly by its seed.
"""

# ruff: noqa: S311, T201

from __future__ import annotations

import argparse
import collections
import concurrent.futures
import contextlib
import logging
import random
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests" / "mapper"))

import differences
import schemas
from google.protobuf.message import DecodeError
from messages import Generator, spoiled
from mutations import Writer
from reference import Disagreement, Reference

if TYPE_CHECKING:
    from collections.abc import Callable

    from eegrpc.mapper import MessageMapper

OPTIONS: list[dict[str, bool]] = [
    {},
    {},
    {"ignore_unknown_fields": False},
    {"preserving_proto_field_name": True},
    {"always_print_fields_with_no_presence": True},
    {"use_integers_for_enums": True, "ignore_unknown_fields": False},
]
BATCH = 5000
RARE = {"mapper.proto3.Wide"}  # slow in json_format, for its 150 fields


class Runner:
    """Maps one batch after another."""

    def __init__(self, implementation: str) -> None:
        self._implementation = implementation
        self._pairs: dict[tuple[str, int], tuple[Reference, MessageMapper]] = {}

    def pair(self, name: str, which: int) -> tuple[Reference, MessageMapper]:
        """Return json_format and the mapper for a type and a set of options."""
        if (name, which) not in self._pairs:
            reference = Reference(name, **OPTIONS[which])
            self._pairs[name, which] = reference, reference.mapper(self._implementation)
        return self._pairs[name, which]

    def run(self, seed: int, count: int) -> tuple[collections.Counter[str], list[Disagreement]]:
        """Return how often each listed difference was met, and what is not listed (each sort once, minimised)."""
        choices = random.Random(seed)
        usual, hostile = Generator(choices), Generator(choices, hostile=True)
        writers = [Writer(choices, mild=True), Writer(choices), Writer(choices, mistakes=2)]
        met: collections.Counter[str] = collections.Counter()
        bad: dict[tuple[str, ...], Disagreement] = {}
        for index in range(count):
            name = schemas.ROOTS[choices.randrange(len(schemas.ROOTS))]
            if name in RARE and index % 8:
                continue
            reference, mapper = self.pair(name, choices.randrange(len(OPTIONS)))
            is_hostile = index % 4 == 0
            message = (hostile if is_hostile else usual).message(name)
            wire = message.SerializePartialToString()
            text = writers[index % 3].write(message)
            checks = [
                reference.check_wire(mapper, wire, round_trip=not is_hostile and index % 2 == 1),
                reference.check_json(mapper, text),
            ]
            if index % 8 == 0:
                checks.append(reference.check_wire(mapper, spoiled(choices, wire), round_trip=False))
            for found in checks:
                if found is None:
                    continue
                explained = differences.explain(found, mapper)
                met.update(explained)
                sort = (found.direction, found.what, found.type)
                if not explained and sort not in bad:
                    bad[sort] = minimised(found, reference, mapper)
        return met, list(bad.values())


def minimised(found: Disagreement, reference: Reference, mapper: MessageMapper) -> Disagreement:
    """Return the disagreement of the same sort with the smallest input that leaving things out leads to."""
    best = found

    def fails(data: bytes) -> bool:
        nonlocal best
        if found.direction == "to_wire":
            again = reference.check_json(mapper, data)
        else:
            again = reference.check_wire(mapper, data, round_trip=found.direction == "round trip")
        if again is None or (again.direction, again.what) != (found.direction, found.what):
            return False
        if differences.explain(again, mapper):
            return False
        best = again
        return True

    if found.direction == "to_wire":
        shortest(found.given, fails)
    else:
        with contextlib.suppress(DecodeError, UnicodeDecodeError):  # upb has strings that Python has not
            message = reference.type()
            message.MergeFromString(found.given)
            sparsest(message, lambda: fails(message.SerializePartialToString()))
    return best


def shortest(data: bytes, fails: Callable[[bytes], bool], most: int = 20_000) -> bytes:
    """Return the input with everything left out that `fails` does not need, by trying windows of every size."""
    size = len(data)
    while size and most > 0:
        at = 0
        shrunk = False
        while at + size <= len(data) and most > 0:
            most -= 1
            rest = data[:at] + data[at + size :]
            if fails(rest):
                data, shrunk = rest, True
            else:
                at += 1
        size = min(size - 1, len(data)) if not shrunk or size > 40 else min(40, len(data))
    return data


def sparsest(message: Any, fails: Callable[[], bool]) -> None:
    """Take everything out of a message that `fails`, which looks at the message around it, does not need."""
    for field, _ in message.ListFields():
        kept = type(message)()
        kept.CopyFrom(message)
        message.ClearExtension(field) if field.is_extension else message.ClearField(field.name)
        if fails():
            continue
        message.CopyFrom(kept)
        value = message.Extensions[field] if field.is_extension else getattr(message, field.name)
        if field.message_type is not None and field.message_type.GetOptions().map_entry:
            for key in list(value):
                if len(value) > 1:
                    _without_key(message, value, key, fails)
            if field.message_type.fields_by_name["value"].message_type is not None:
                for item in value.values():
                    sparsest(item, fails)
        elif field.is_repeated:
            for index in reversed(range(len(value))):
                items = list(value)
                del value[index]
                if not fails():
                    del value[:]
                    value.extend(items)
            if field.message_type is not None:
                for item in value:
                    sparsest(item, fails)
        elif field.message_type is not None:
            sparsest(value, fails)


def _without_key(message: Any, value: Any, key: Any, fails: Callable[[], bool]) -> None:
    kept = type(message)()
    kept.CopyFrom(message)
    del value[key]
    if not fails():
        message.CopyFrom(kept)


_runner: dict[str, Any] = {}


def run(implementation: str, seed: int, count: int) -> tuple[collections.Counter[str], list[Disagreement]]:
    """Run one batch in a worker process."""
    if implementation not in _runner:
        logging.getLogger("eegrpc.mapper").setLevel(logging.CRITICAL)  # it tells of every name that it skips
        _runner[implementation] = Runner(implementation)
    result: tuple[collections.Counter[str], list[Disagreement]] = _runner[implementation].run(seed, count)
    return result


def main() -> int:
    """Run the batches on several processes and report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=100_000, help="how many messages")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=1, help="how many processes")
    parser.add_argument("--implementation", choices=("native", "python"), default="native")
    arguments = parser.parse_args()
    began = time.monotonic()
    met: collections.Counter[str] = collections.Counter()
    bad: dict[tuple[str, ...], Disagreement] = {}
    batches = [min(BATCH, arguments.count - done) for done in range(0, arguments.count, BATCH)]
    with concurrent.futures.ProcessPoolExecutor(arguments.jobs) as pool:
        seeds = [arguments.seed * 1_000_003 + index for index in range(len(batches))]
        for number, (listed, others) in enumerate(
            pool.map(run, [arguments.implementation] * len(batches), seeds, batches)
        ):
            met += listed
            for found in others:
                sort = (found.direction, found.what, found.type)
                if sort not in bad:
                    if not any(other.given == found.given for other in bad.values()):
                        report(found)
                    bad[sort] = found
            if sys.stderr.isatty():
                print(f"\r{(number + 1) * BATCH} messages", end="", file=sys.stderr)
    seconds = time.monotonic() - began
    rate = arguments.count / seconds / arguments.jobs
    print(f"{arguments.count} messages, seed {arguments.seed}: {seconds:.0f} s, {rate:.0f} messages/s per process")
    for difference in differences.DIFFERENCES:
        print(
            f"  difference {difference.number} ({difference.what}: {difference.text}): {met[difference.number]} times"
        )
    print(f"  not in the list: {len(bad)}")
    return 1 if bad else 0


def report(found: Disagreement) -> None:
    """Print a disagreement."""
    print(f"{found.direction} {found.what}: {found.type} {found.options or ''}")
    print(
        f"    given     {found.given!r}\n    expected  {found.expected[:300]!r}\n    got       {found.got[:300]!r}",
        flush=True,
    )


if __name__ == "__main__":
    sys.exit(main())
