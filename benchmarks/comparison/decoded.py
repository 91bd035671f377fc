"""How large a page is once it is decoded: what resident memory grows by for each that is held."""

from __future__ import annotations

import json
import multiprocessing
from typing import TYPE_CHECKING

from benchmarks.comparison import resident
from benchmarks.comparison.answers import answers

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

__all__ = ["page_bytes"]

_HELD = 4


def page_bytes() -> dict[str, int]:
    """Return the bytes of the standard page, as a ``message`` and as a ``dictionary``; 0 where that is not known."""
    return {form: _in_new_process(form) for form in ("message", "dictionary")}


def _in_new_process(form: str) -> int:
    context = multiprocessing.get_context("spawn")
    pipe, its = context.Pipe()
    process = context.Process(target=_measure, args=(its, form), daemon=True)
    process.start()
    its.close()
    size: int = pipe.recv()
    process.join()
    return size


def _measure(pipe: Connection, form: str) -> None:
    from eegrpc.v1alpha import ComputeImagesResponse

    answer = answers(1)[b"projects/page"]
    resident.give_back()
    before = resident.now()
    if form == "message":
        held = [ComputeImagesResponse.FromString(answer.wire) for _ in range(_HELD)]
    else:
        held = [json.loads(answer.json) for _ in range(_HELD)]
    resident.give_back()
    pipe.send((resident.now() - before) // len(held))
