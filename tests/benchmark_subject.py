"""One subject of the comparison at work, in a process of its own, as the benchmark has it.

    python tests/benchmark_subject.py MODULE CLASS PORT_OF_GRPC PORT_OF_REST PORT_OF_ENVOY < work.json

prints how many images a call gave, and how many the pages had; the last port is 0 where there is no Envoy.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import sys
from typing import Any

from benchmarks.comparison.subject import AsyncSubject, Servers, SyncSubject, Work


async def _at_work(subject: AsyncSubject, servers: Servers, work: Work) -> tuple[int, int]:
    subject.open(servers)
    counts = await subject.call(subject.prepare(work)), await subject.iterate(work)
    await subject.close()
    return counts


def _say(called: int, iterated: int) -> None:
    sys.stdout.write(f"{called} {iterated}\n")


def _main() -> None:
    module, name, *ports = sys.argv[1:]
    grpc, rest, envoy = map(int, ports)
    servers = Servers(grpc, rest, envoy or None)
    fields: dict[str, Any] = json.load(sys.stdin)
    work = Work(**fields)
    subject = getattr(importlib.import_module(module), name)()
    if isinstance(subject, AsyncSubject):
        _say(*asyncio.run(_at_work(subject, servers, work)))
        return
    assert isinstance(subject, SyncSubject)
    subject.open(servers)
    _say(subject.call(subject.prepare(work)), subject.iterate(work))
    subject.close()


if __name__ == "__main__":
    _main()
