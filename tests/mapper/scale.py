"""Measures one implementation of the mapper, in a process of its own: ``scale.py IMPLEMENTATION MEASURE [FILE]``.

Prints one JSON object. Times are seconds of CPU, the best of a few; memory is in bytes.
"""

from __future__ import annotations

import json
import logging
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import golden
from mapping import PAGE, message_class, new_mapper

from eegrpc.mapper import MapperError

if TYPE_CHECKING:
    from collections.abc import Callable


OF_THE_ROW = (
    "a number in an unknown field",
    "a number too large for a Value",
    "a fraction in a Value",
    "2,000 numbers of 4,300 digits",
    "2,000 fractions of 4,300 digits",
    "unknown keys",
    "escapes",
)
"""The texts that row MAP-29 has; the others are of the same sort."""


def memory(line: str) -> int:
    """Return a figure of /proc/self/status: VmRSS is now, VmHWM the most so far (getrusage knows the parent's, too)."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition(f"{line}:")[2].split()[0]) * 1024


def cpu(call: Callable[[], object], times: int = 3) -> float:
    best = float("inf")
    for _ in range(times):
        start = time.process_time()
        try:
            call()
        except MapperError as error:
            if error.kind == "bug":
                raise
        best = min(best, time.process_time() - start)
    return best


def body(implementation: str, path: str) -> dict[str, Any]:
    """Map a large body once each way; tell the memory, and how long another thread had to wait for its turn."""
    mapper = new_mapper(implementation, PAGE)
    text = Path(path).read_bytes()
    longest = 0.0
    over = threading.Event()

    def tick() -> None:
        nonlocal longest
        last = time.perf_counter()
        while not over.wait(0.001):
            longest, last = max(longest, time.perf_counter() - last), time.perf_counter()

    thread = threading.Thread(target=tick)
    thread.start()
    wire = mapper.to_wire(text)
    over.set()
    thread.join()
    peak, waited = memory("VmHWM"), longest
    longest = 0.0
    over.clear()
    thread = threading.Thread(target=tick)
    thread.start()
    shown = mapper.to_json(wire)
    over.set()
    thread.join()
    return {
        "body": len(text),
        "peak": peak,
        "waited": max(waited, longest),
        "same": message_class(PAGE).FromString(mapper.to_wire(shown)) == message_class(PAGE).FromString(wire),
        "wire": len(wire),
    }


def empty_images(implementation: str) -> dict[str, Any]:
    """Map very many messages of no bytes."""
    mapper = new_mapper(implementation, PAGE)
    count = 200_000
    text = b'{"images":[' + b",".join([b"{}"] * count) + b"]}"
    mapper.to_wire(b'{"images":[{}]}')
    before = memory("VmRSS")
    assert len(mapper.to_wire(text)) == 2 * count
    return {"body": len(text), "grown": memory("VmHWM") - before, "seconds": cpu(lambda: mapper.to_wire(text))}


def hostile(implementation: str) -> dict[str, Any]:
    """Tell the time for a byte of texts that may be read in quadratic time, in times of a byte of a page."""
    logging.disable(logging.CRITICAL)
    million = 10**6
    digits = b"7" * million
    page, repeated, value, blob = (
        new_mapper(implementation, name).to_wire
        for name in (PAGE, "Repeated", "google.protobuf.Value", "google.protobuf.BytesValue")
    )
    texts = {
        "a number in an unknown field": (page, b'{"novel":' + digits + b"}"),
        "a fraction in an unknown field": (page, b'{"novel":0.' + digits + b"}"),
        "a number too large for a Value": (value, digits),
        "a fraction in a Value": (value, b"0." + digits),
        "an exponent in a Value": (value, b"1e-" + digits),
        "zeros and an exponent": (value, b"1" + b"0" * million + b"e-1000000"),
        "a number too large for an integer": (repeated, b'{"rInt64":[' + digits + b"]}"),
        "a number too large for an integer, quoted": (repeated, b'{"rInt64":["' + digits + b'"]}'),
        "an integer with a long fraction": (repeated, b'{"rInt64":["7.' + b"0" * million + b'"]}'),
        "2,000 numbers of 4,300 digits": (page, b'{"novel":[' + b",".join([b"7" * 4300] * 2000) + b"]}"),
        "2,000 fractions of 4,300 digits": (value, b"[" + b",".join([b"0." + b"7" * 4300] * 2000) + b"]"),
        "2,000 integers with 4,300 zeros": (
            repeated,
            b'{"rInt64":[' + b",".join([b'"1' + b"0" * 4300 + b'e-4300"'] * 2000) + b"]}",
        ),
        "unknown keys": (page, b"{" + b",".join(b'"k%d":1' % number for number in range(million)) + b"}"),
        "keys of a Struct": (value, b"{" + b",".join(b'"k%d":1' % number for number in range(million // 10)) + b"}"),
        "escapes": (page, b'{"nextPageToken":"' + b"\\u0041" * million + b'"}'),
        "escapes in an unknown field": (page, b'{"novel":"' + b"\\u0041" * million + b'"}'),
        "escapes in a key": (page, b'{"' + b"\\u0041" * million + b'":1}'),
        "backslashes": (page, b'{"nextPageToken":"' + b"\\\\" * million + b'"}'),
        "base64": (blob, b'"' + b"QUJD" * million + b'"'),
        "unknown names of enum values": (
            new_mapper(implementation, "Repeated").to_wire,
            b'{"rColour":[' + b",".join(b'"C%d"' % number for number in range(million // 10)) + b"]}",
        ),
        "space": (page, b"{" + b" " * million + b"}"),
        "unknown lists": (page, b'{"novel":[' + b",".join([b"[]"] * million) + b"]}"),
    }
    text = golden.page(100)
    usual = cpu(lambda: page(text)) / len(text)
    return {case: cpu(lambda m=to_wire, t=text: m(t)) / len(text) / usual for case, (to_wire, text) in texts.items()}  # type: ignore[misc]


if __name__ == "__main__":
    implementation, measure, *arguments = sys.argv[1:]
    print(json.dumps(globals()[measure](implementation, *arguments)))  # noqa: T201
