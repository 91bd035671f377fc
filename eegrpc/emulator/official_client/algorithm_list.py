"""The list of algorithms, from which official clients make their methods when they are initialized."""

from __future__ import annotations

import importlib.util
import json
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eegrpc.emulator.evaluation.registry import algorithms

if TYPE_CHECKING:
    from eegrpc.emulator.evaluation.registry import Algorithm

__all__ = ["algorithm_list"]

_PREFIX = "algorithms/"


@lru_cache(maxsize=1)
def algorithm_list() -> bytes:
    """Return the ListAlgorithmsResponse, as JSON.

    earthengine-api brings a copy of Earth Engine's whole list for its own tests. Where that is installed, it is what is
    served, so that every graph can be built, and the emulator refuses by name what it does not know; else, and besides,
    there is what the emulator knows.

    Returns:
        The answer, UTF-8.
    """
    listed: list[dict[str, Any]] = _copy_of_official_list()
    names = {each["name"] for each in listed}
    ours = (_describe(declared) for _, declared in sorted(algorithms().items()))
    listed += (each for each in ours if each["name"] not in names)
    return json.dumps({"algorithms": listed}, separators=(",", ":")).encode()


def _copy_of_official_list() -> list[dict[str, Any]]:
    spec = importlib.util.find_spec("ee")  # which does not import it
    for folder in (spec.submodule_search_locations if spec is not None else None) or ():
        file = Path(folder) / "tests" / "algorithms.json"
        if file.is_file():
            listed: list[dict[str, Any]] = json.loads(file.read_text(encoding="utf-8"))["algorithms"]
            return listed
    return []


def _describe(declared: Algorithm) -> dict[str, Any]:
    arguments: list[dict[str, Any]] = []
    for parameter in declared.parameters:
        argument: dict[str, Any] = {"argumentName": parameter.name, "type": parameter.type}
        if parameter.optional:
            argument |= {"optional": True, "defaultValue": parameter.default}
        arguments.append(argument)
    return {
        "name": f"{_PREFIX}{declared.name}",
        "description": declared.summary,
        "returnType": declared.returns,
        "arguments": arguments,
    }
