"""What is mapped: the standard page, and inputs that each make one part of a mapper work. All made from a fixed seed."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from google.protobuf import json_format, struct_pb2

from benchmarks.mapper import page
from eegrpc.v1alpha import ComputeImagesRequest, ComputeImagesResponse, MissingData

if TYPE_CHECKING:
    from google.protobuf.message import Message

__all__ = ["Case", "cases", "warm_up"]

SEED = 3
DEPTH = 32  # objects inside each other; 33 in a Struct are 99 of the 100 levels that protobuf parsers read
ANSWER_FIELDS = ("images", "nextPageToken")


@dataclass(frozen=True)
class Case:
    """One input in both encodings.

    Attributes:
        name: What tables call it.
        about: What it is.
        message_class: The message it is one of.
        json: Its JSON.
        prints: Whether the way back is measured too: the variants that differ in JSON alone share it.
    """

    name: str
    about: str
    message_class: type[Message]
    json: bytes
    prints: bool = True

    @cached_property
    def message(self) -> Message:
        """The message, as protobuf's own parser makes it."""
        return json_format.Parse(self.json, self.message_class())

    @cached_property
    def wire(self) -> bytes:
        """Its wire bytes. Map entries in order of their keys, so that they are the same in each run."""
        return self.message.SerializeToString(deterministic=True)


def cases() -> list[Case]:
    """Return all inputs, the standard page first."""
    draws = random.Random(SEED)
    answer = _answer(1000)
    return [
        Case("page", "standard page: 1,000 images", ComputeImagesResponse, _compact(answer)),
        Case(
            "page, indented",
            "the same with the line breaks of Google's",
            ComputeImagesResponse,
            _indented(answer),
            False,
        ),
        Case("one image", "small answer: one image", ComputeImagesResponse, _compact(_answer(1))),
        Case("small request", "a filtered collection", ComputeImagesRequest, _compact(_request(draws, filters=1))),
        Case("large request", "an expression of 200 kB", ComputeImagesRequest, _compact(_request(draws, filters=255))),
        Case("deep", f"Struct, objects {DEPTH} deep", struct_pb2.Struct, _compact(_deep(draws))),
        Case("text, ASCII", "Struct of long strings", struct_pb2.Struct, _texts(draws, "etaoin shrdlu-0123456789")),
        Case(
            "text, UTF-8", "with 2- to 4-byte characters", struct_pb2.Struct, _texts(draws, "etaoin äöüß λμν 日本語 🛰")
        ),
        Case(
            "text, escapes",
            "with an escape in every few",
            struct_pb2.Struct,
            _texts(draws, 'etaoin "\\\n\t\x01 éλ日🛰', True),
        ),
        Case("numbers, whole", "repeated double", MissingData, _numbers(draws, "whole")),
        Case("numbers, short", "repeated double, 2 decimals", MissingData, _numbers(draws, "short")),
        Case("numbers, long", "repeated double, 17 digits", MissingData, _numbers(draws, "long")),
        Case("small messages", "20,000 images of two fields", ComputeImagesResponse, _compact(_small_messages(draws))),
    ]


def warm_up(message_class: type[Message]) -> bytes:
    """Return the JSON of a small message of the class, with something in it where that matters."""
    return _compact(_answer(1)) if message_class is ComputeImagesResponse else b"{}"


def _compact(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def _indented(value: Any) -> bytes:
    return json.dumps(value, indent=2, ensure_ascii=False).encode()


def _answer(count: int) -> dict[str, Any]:
    return {"images": page.images(count), "nextPageToken": "CkwKIgogcHJvamVjdHMvZWFydGhlbmdpbmUtcHVibGljL2Fzc2V0cw"}


def _call(function: str, **arguments: Any) -> dict[str, Any]:
    return {"functionInvocationValue": {"functionName": function, "arguments": arguments}}


def _constant(value: Any) -> dict[str, Any]:
    return {"constantValue": value}


def _request(draws: random.Random, filters: int) -> dict[str, Any]:
    """A collection filtered by date and cloud, and by `filters` footprints, each a node that another refers to."""
    values: dict[str, Any] = {}
    source: dict[str, Any] = _call("ImageCollection.load", id=_constant("COPERNICUS/S2_SR_HARMONIZED"))
    span = _call("DateRange", start=_constant("2023-01-01"), end=_constant("2023-02-01"))
    dates = _call("Filter.dateRangeContains", leftValue=span, rightField=_constant("system:time_start"))
    clear = _call("Filter.lessThan", leftField=_constant("CLOUDY_PIXEL_PERCENTAGE"), rightValue=_constant(20))
    for condition in (dates, clear):
        source = _call("Collection.filter", collection=source, filter=condition)
    values["0"] = source
    for number in range(1, filters + 1):
        west, south = draws.uniform(-180, 170), draws.uniform(-80, 70)
        ring = [[west + draws.uniform(0, 9), south + draws.uniform(0, 9)] for _ in range(8)]
        place = _call(
            "GeometryConstructors.Polygon", coordinates=_constant([[*ring, ring[0]]]), evenOdd=_constant(True)
        )
        inside = _call("Filter.intersects", leftField=_constant(".all"), rightValue=_call("Feature", geometry=place))
        source = _call("Collection.filter", collection={"valueReference": str(number - 1)}, filter=inside)
        values[str(number)] = source
    return {
        "project": "projects/my-project",
        "expression": {"values": values, "result": str(filters)},
        "pageSize": 1000,
        "workloadTag": "nightly",
    }


def _deep(draws: random.Random) -> dict[str, Any]:
    """Many chains of objects, each level with a little beside the next one."""

    def chain(levels: int) -> dict[str, Any]:
        here = {"name": f"level {levels}", "value": round(draws.uniform(0, 100), 3), "last": levels == 1}
        return here if levels == 1 else {**here, "next": chain(levels - 1)}

    return {f"chain {number}": chain(DEPTH - 1) for number in range(200)}


def _texts(draws: random.Random, letters: str, escaped: bool = False) -> bytes:
    """Sixteen strings of 50,000 characters; `escaped` writes whatever is not ASCII as an escape as well."""
    value = {f"text {number}": "".join(draws.choices(letters, k=50_000)) for number in range(16)}
    return json.dumps(value, separators=(",", ":"), ensure_ascii=escaped).encode()


def _numbers(draws: random.Random, form: str) -> bytes:
    """A hundred thousand numbers of one form."""
    make = {
        "whole": lambda: draws.randint(-100_000, 1_000_000),
        "short": lambda: round(draws.uniform(-1000, 1000), 2),
        "long": lambda: draws.uniform(-1000, 1000),
    }[form]
    return _compact({"values": [make() for _ in range(100_000)]})


def _small_messages(draws: random.Random) -> dict[str, Any]:
    return {"images": [{"type": "IMAGE", "id": f"A/{draws.randrange(10**6)}"} for _ in range(20_000)]}
