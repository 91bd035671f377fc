"""What the emulator supports, as data: for the page of the documentation, the status page and the command line."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from eegrpc.emulator.assumptions import ASSUMPTIONS
from eegrpc.emulator.evaluation.image_functions import Keeps, rules
from eegrpc.emulator.evaluation.registry import algorithms

if TYPE_CHECKING:
    from eegrpc.emulator.evaluation.registry import Algorithm

__all__ = ["Room", "functions_page", "rooms"]

_FIRST = ("collections", "filters", "joins", "images", "image_arithmetic")  # what most people look for


class Room(NamedTuple):
    """Functions of one kind.

    Attributes:
        title: What is in it.
        functions: By name, in alphabetical order.
    """

    title: str
    functions: tuple[Algorithm, ...]


def rooms() -> tuple[Room, ...]:
    """Return all functions, those that need pixels last."""
    by_room: dict[str, list[Algorithm]] = {}
    for _, declared in sorted(algorithms().items()):
        by_room.setdefault(declared.room, []).append(declared)

    def place(room: str) -> tuple[int, str]:
        return (_FIRST.index(room) if room in _FIRST else len(_FIRST) + (room == "needs_pixels"), room)

    return tuple(Room(_title(room), tuple(by_room[room])) for room in sorted(by_room, key=place))


def functions_page() -> str:
    """Return docs/emulator-functions.md."""
    lines = [
        "# The emulator's functions, and its assumptions",
        "",
        "Made by `python docs/build.py`; a test holds it equal to the code. [emulator.md](emulator.md) explains it.",
        "",
        "Signatures are Earth Engine's. An argument that is null is an absent one. A string stands for the asset with",
        "that id, a number for a constant image, a list for a collection, a string for a filter.",
    ]
    for room in rooms():
        lines += ["", f"## {room.title}", "", "| function | what it does here |", "|---|---|"]
        lines += [f"| `{each.signature}` | {each.summary} |" for each in room.functions]
    lines += ["", "## What images keep", "", *_kept()]
    lines += ["", "## Assumptions", "", "| name | the choice |", "|---|---|"]
    lines += [f"| `{name}` | {choice} |" for name, choice in sorted(ASSUMPTIONS.items())]
    return "\n".join(lines) + "\n"


def _kept() -> list[str]:
    """Return the table of what the results of image functions have of their images."""
    lines = [
        "What the result of a function has of its images, besides bands.",
        "",
        "| it keeps | functions | which is |",
        "|---|---|---|",
    ]
    found = rules()
    for keeps in Keeps:
        for assumption in sorted({rule.assumption for rule in found.values() if rule.keeps is keeps}):
            names = sorted(name for name, rule in found.items() if rule == (keeps, assumption))
            source = f"assumed: `{assumption}`" if assumption else "documented or observed"
            lines.append(f"| {keeps.value} | {', '.join(names)} | {source} |")
    return lines


def _title(room: str) -> str:
    return room.replace("_", " ").capitalize()
