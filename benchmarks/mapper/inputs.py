"""What is mapped: the standard page, and inputs that each make one part of a mapper work; all from a fixed seed."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from google.protobuf import json_format
from google.protobuf.struct_pb2 import Struct

from benchmarks.mapper import page
from eegrpc.v1alpha import ComputeImagesRequest, ComputeImagesResponse, MissingData

if TYPE_CHECKING:
    from collections.abc import Callable

    from google.protobuf.message import Message

__all__ = ["Case", "cases", "request"]

SEED = 3
DEPTH = 32  # objects inside each other; 33 in a Struct are 99 of the 100 levels that protobuf parsers read
TOKEN = "CkwKIgogcHJvamVjdHMvZWFydGhlbmdpbmUtcHVibGljL2Fzc2V0cw"


@dataclass(frozen=True)
class Case:
    """One input in both encodings.

    Attributes:
        name: What tables call it.
        about: What it is.
        message_class: The message it is one of.
        json: Its JSON.
        wire: Its wire bytes, map entries in the order of their keys, so that they are the same in each run.
        prints: Whether the way from wire to JSON is measured: variants that differ in their JSON alone share it.
    """

    name: str
    about: str
    message_class: type[Message]
    json: bytes
    wire: bytes
    prints: bool = True

    @cached_property
    def message(self) -> Message:
        """The message."""
        return self.message_class.FromString(self.wire)

    @cached_property
    def printed(self) -> Any:
        """What parsing its JSON as protobuf's own library prints it gives."""
        return json_format.MessageToDict(self.message)


def cases() -> list[Case]:
    """Return all inputs, the standard page first."""
    draws = random.Random(SEED)
    answer = {"images": page.images(1000), "nextPageToken": TOKEN}
    full = _case("page", "the standard page, 1,000 images", ComputeImagesResponse, answer)
    indented = json.dumps(answer, indent=2, ensure_ascii=False).encode()
    return [
        full,
        replace(full, name="page, indented", about="with line breaks, as Google prints", json=indented, prints=False),
        _case("page, all different", "no two bands share a grid or a type", ComputeImagesResponse, _all_different()),
        _case("one image", "small answer", ComputeImagesResponse, {"images": page.images(1), "nextPageToken": TOKEN}),
        _case("small request", "a filtered collection", ComputeImagesRequest, request(draws, filters=1)),
        _case("large request", "an expression of 200 kB", ComputeImagesRequest, request(draws, filters=255)),
        _case("deep", f"objects {DEPTH} deep", Struct, _deep(draws)),
        _case("text, ASCII", "16 long strings", Struct, _texts(draws, "etaoin shrdlu-0123456789")),
        _case("text, UTF-8", "characters of 1 to 4 bytes", Struct, _texts(draws, "etaoin äöüß λμν 日本語 🛰")),
        _case(
            "text, escapes",
            "every other character escaped",
            Struct,
            _texts(draws, 'etaoin.. "\\\n\t\x01éλ日🛰'),
            ascii_only=True,
        ),
        _case("numbers, whole", "100,000 numbers", MissingData, _numbers(lambda: draws.randint(-100_000, 1_000_000))),
        _case("numbers, short", "with 2 decimals", MissingData, _numbers(lambda: round(draws.uniform(-1e3, 1e3), 2))),
        _case("numbers, long", "with 15 to 17 digits", MissingData, _numbers(lambda: draws.uniform(-1e3, 1e3))),
        _case("small messages", "20,000 images of two fields", ComputeImagesResponse, _small_messages(draws)),
    ]


def _case(name: str, about: str, message_class: type[Message], value: Any, *, ascii_only: bool = False) -> Case:
    encoded = json.dumps(value, separators=(",", ":"), ensure_ascii=ascii_only).encode()
    wire = json_format.Parse(encoded, message_class()).SerializeToString(deterministic=True)
    return Case(name, about, message_class, encoded, wire)


def _all_different() -> dict[str, Any]:
    """The standard page, but no band has the grid or the data type of another one: what a mapper cannot copy."""
    images = page.images(1000)
    for number, band in enumerate(band for image in images for band in image["bands"]):
        band["grid"]["affineTransform"]["translateX"] += number
        band["dataType"]["range"]["max"] += number
    return {"images": images, "nextPageToken": TOKEN}


def _call(function: str, **arguments: Any) -> dict[str, Any]:
    return {"functionInvocationValue": {"functionName": function, "arguments": arguments}}


def _constant(value: Any) -> dict[str, Any]:
    return {"constantValue": value}


def request(draws: random.Random, filters: int) -> dict[str, Any]:
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


def _texts(draws: random.Random, letters: str) -> dict[str, Any]:
    """Sixteen strings of 50,000 characters."""
    return {f"text {number}": "".join(draws.choices(letters, k=50_000)) for number in range(16)}


def _numbers(make: Callable[[], float]) -> dict[str, Any]:
    """A hundred thousand numbers."""
    return {"values": [make() for _ in range(100_000)]}


def _small_messages(draws: random.Random) -> dict[str, Any]:
    return {"images": [{"type": "IMAGE", "id": f"A/{draws.randrange(10**6)}"} for _ in range(20_000)]}
