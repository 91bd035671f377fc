"""A soak: both channels, threads and tasks, for a long time under faults; looks for wrong images, and for leaks.

    python benchmarks/soak.py [--minutes 30] [--transport grpc|rest] [--output soak.json]

Forty callers, ten of each kind of channel (or twenty, of one transport), share a gate of 40 in flight and 100 requests
per second. They compute collections page by page from an emulator in a process of its own, which answers after 0.3 s on
average and does harm to 5 % of the replies; besides, 1 % of the requests are cancelled. What a failed page interrupts
is resumed from its token. Each image must be the one, byte for byte, and in the place, that a run without faults has;
errors must be of the kinds that the faults are known for.

Three or four times a minute the callers rest, after a call that all make at the same time and that nothing happens to:
so each has its connection. Then file descriptors, threads, tasks and memory are taken: at rest, and after the allocator
has given back what it had free. (The program runs with a malloc that keeps nothing for its threads, as what it keeps
for them grows for hours.) The first three minutes (a third of a shorter run) are for warming up. A line is fitted to
what is left. In a run of ten minutes and more, the slope of resident memory may be 1 MiB in 10 minutes, and that of
what is in use, as malloc and Python's allocator count it, no more. A shorter one is over before everything is warm, and
resident memory says nothing: what is in use may grow by 10 MiB in 10 minutes, which is 240 bytes for each request. A
slope of what is in use counts that is too large by three times its standard error.

Descriptors, threads and tasks must be at the end what they were when it was warm. Spare connections, more than one for
each caller, are listed but not counted: how many idle ones a pool has of its 64 is a matter of chance. Then the clients
are closed, and what is open must be what was before. Prints tables, and fails on a miss. Needs Linux.
"""

from __future__ import annotations

import argparse
import itertools
import json
import logging
import subprocess
import sys
import threading
import time
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from process_state import Memory, Open, Slope, connections, with_plain_malloc
from soak_callers import COLLECTIONS, Rest, Shared, Tally, encoded, expression, start_tasks, start_threads

import eegrpc

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Iterable, Iterator

FAULTS = (
    "latency=exponential(0.3)",
    "unavailable:0.008",
    "internal:0.002",
    "rate_limit:0.004",
    "reset:0.006",
    "reset_in_body:0.006",
    "truncate:0.006",
    "html_502:0.006",
    "invalid_body:0.003",
    "wrong_content_type:0.002",
    "goaway:0.004",
    "goaway(processed=False):0.002",
    "rst_stream(code='refused_stream'):0.001",
)
CALM = ("latency=1",)
"""What they are while the callers come to rest: then all have a connection at the same time."""
MOST_SLOPE, MOST_WARMING = 1.0, 10.0
"""MiB in 10 minutes, in a long run and in a short one."""
MOST_BLOCKS = 10_000
"""Of Python's own allocator, in 10 minutes: a MiB, more or less."""
LONG = 10
"""Minutes from which resident memory says something."""
MOST_DESCRIPTORS = 2


# --- the emulator ----------------------------------------------------------------------------------------------------


class Emulator:
    """The emulator, in a process of its own."""

    def __init__(self) -> None:
        command = [sys.executable, "-m", "eegrpc.cli", "emulator", "--port", "0", "--control"]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        self.endpoint = "http://" + self._process.stdout.readline().strip().rpartition("=")[2]

    def harm(self, faults: Iterable[str], seed: int = 0) -> None:
        body = json.dumps({"faults": list(faults), "seed": seed}).encode()
        request = urllib.request.Request(f"{self.endpoint}/emulator/faults", body, method="PUT")
        request.add_header("content-type", "application/json")
        urllib.request.urlopen(request).close()

    def end(self) -> None:
        self._process.terminate()
        self._process.wait(30)


def expected(endpoint: str) -> dict[str, list[bytes]]:
    """Return the images of each collection as they are without faults."""
    with eegrpc.EarthEngineClient("p", endpoint=endpoint, transport="grpc") as client:
        return {name: [encoded(image) for image in client.compute_images(expression(name))] for name in COLLECTIONS}


# --- measuring -------------------------------------------------------------------------------------------------------


class Rested(NamedTuple):
    """What the process had while all callers rested."""

    second: float
    open: Open
    spare: int
    """Connections more than one for each caller, which `open` does not count."""
    memory: Memory

    @classmethod
    def now(cls, second: float, port: int, wanted: int = 0, loop: asyncio.AbstractEventLoop | None = None) -> Rested:
        spare = max(connections(port) - wanted, 0)
        all_open = Open.now(loop)
        return cls(second, all_open._replace(descriptors=all_open.descriptors - spare), spare, Memory.now())


def interval(minutes: float) -> int:
    """Return the seconds between two rests."""
    return 20 if minutes >= LONG else 15


def soak(minutes: float, seed: int, transports: tuple[str, ...]) -> dict[str, Any]:
    """Run, and return all that was found."""
    emulator = Emulator()
    try:
        port = int(emulator.endpoint.rpartition(":")[2])
        tally = Tally(expected(emulator.endpoint))
        before = Rested.now(0.0, port)
        seeds = itertools.count(seed)
        rest = Rest(lambda: emulator.harm(CALM), lambda: emulator.harm(FAULTS, next(seeds)))
        rest.harm()
        gate, stop = eegrpc.QuotaGate(), threading.Event()
        shared = Shared(emulator.endpoint, gate, tally, rest, stop, seed, transports)
        # A connection for each caller by REST, and one for each channel by gRPC.
        wanted = 2 * sum(shared.callers if transport == "rest" else 1 for transport in transports)
        loop, end_tasks = start_tasks(shared)
        ends = [*(start_threads(shared, transport) for transport in transports), end_tasks]
        resting: list[Rested] = []
        began = time.monotonic()
        warm = min(180.0, minutes * 20)
        try:
            for rest_at in range(interval(minutes), int(minutes * 60) + 1, interval(minutes)):
                time.sleep(max(began + rest_at - time.monotonic(), 0))
                rest.begin()
                rested = Rested.now(time.monotonic() - began, port, wanted, loop)
                rest.end()
                if rested.second >= warm:
                    resting.append(rested)
                if rest_at % 60 == 0:
                    memory = f"{rested.memory.resident:.1f} MiB, {rested.memory.in_use:.1f} MiB in use"
                    print(f"{rest_at // 60} min: {memory}, {tally.counts['pages']} pages", file=sys.stderr)
        finally:
            stop.set()
            for event in (rest.go, rest.over):  # for callers that are at rest
                event.set()
            for end in ends:
                end()
        time.sleep(2.0)
        after = Rested.now(time.monotonic() - began, port, loop=loop)
    finally:
        emulator.end()
    return {
        "minutes": minutes,
        "counts": dict(tally.counts),
        "wrong": tally.wrong,
        "unexplained": tally.unexplained,
        "resident": Slope.of([(each.second, each.memory.resident) for each in resting]),
        "in use": Slope.of([(each.second, each.memory.in_use) for each in resting]),
        "blocks": Slope.of([(each.second, float(each.memory.blocks)) for each in resting]),
        "before": before,
        "resting": resting,
        "after": after,
    }


def misses(found: dict[str, Any]) -> list[str]:
    """Return what is not as it must be."""
    warm, *_, last = found["resting"]
    problems = [*found["wrong"][:10], *found["unexplained"][:10]]
    is_long = found["minutes"] >= LONG
    if is_long and not found["resident"].per_10_minutes <= MOST_SLOPE:
        problems.append(f"resident memory grows by {found['resident']} MiB in 10 minutes")
    for name, most in (("in use", MOST_SLOPE if is_long else MOST_WARMING), ("blocks", MOST_BLOCKS)):
        slope = found[name]
        if slope.per_10_minutes - 3 * slope.error > most:
            problems.append(f"memory in use grows by {slope} {'blocks' if name == 'blocks' else 'MiB'} in 10 minutes")
    for when, one, other in [
        ("from warm to end", warm.open, last.open),
        ("from beginning to end", found["before"].open, found["after"].open),
    ]:
        if abs(other.descriptors - one.descriptors) > MOST_DESCRIPTORS:
            problems.append(f"file descriptors {when}: {one.descriptors} and {other.descriptors}")
        if (one.threads, one.tasks) != (other.threads, other.tasks):
            problems.append(f"threads and tasks {when}: {one} and {other}")
    return problems


def report(found: dict[str, Any]) -> Iterator[str]:
    """Yield the lines of the tables."""
    counts = found["counts"]
    errors = {name: count for name, count in counts.items() if name.startswith("error")}
    yield "| minutes | pages | images | wrong | unexplained | errors, resumed | cancelled |"
    yield "|---|---|---|---|---|---|---|"
    yield (
        f"| {found['minutes']:g} | {counts['pages']} | {counts['images']} | {len(found['wrong'])} "
        f"| {len(found['unexplained'])} | {sum(errors.values())} | {counts.get('cancelled', 0)} |"
    )
    yield ""
    yield "| in 10 minutes | resident, MiB | in use by malloc, MiB | blocks of Python's |"
    yield "|---|---|---|---|"
    yield f"| from {len(found['resting'])} rests | {found['resident']} | {found['in use']} | {found['blocks']} |"
    yield ""
    yield "| when | file descriptors | spare connections | threads | native threads | tasks | MiB | in use |"
    yield "|---|---|---|---|---|---|---|---|"
    warm, *_, last = found["resting"]
    stages = ("before", "warm, at rest", "at the end, at rest", "closed")
    for when, each in zip(stages, (found["before"], warm, last, found["after"]), strict=True):
        has = each.open
        figures = (has.descriptors, each.spare, has.threads, has.native_threads, has.tasks)
        yield f"| {when} | {' | '.join(map(str, figures))} | {each.memory.resident:.1f} | {each.memory.in_use:.1f} |"
    yield ""
    yield f"Errors that callers saw and resumed from: {errors}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--transport", choices=("grpc", "rest"), help="the only one; both if not given")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--output", type=Path, help="where to write everything as JSON")
    arguments = parser.parse_args()
    logging.getLogger("eegrpc").setLevel(logging.CRITICAL)  # a line for each fault
    with_plain_malloc()
    transports = (arguments.transport,) if arguments.transport else ("grpc", "rest")
    found = soak(arguments.minutes, arguments.seed, transports)
    if arguments.output:
        arguments.output.write_text(json.dumps(found))
    print("\n".join(report(found)))
    problems = misses(found)
    for problem in problems:
        print(f"MISSED: {problem}", file=sys.stderr)
    return int(bool(problems))


if __name__ == "__main__":
    sys.exit(main())
