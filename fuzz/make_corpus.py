"""Make what the native fuzz targets start from: the schema (committed), and a corpus of seeds for each target (not).

    python fuzz/make_corpus.py [--count 2000]

Seeds are pages of the emulator's built-in catalog, messages and texts of the generators in tests/mapper, and the
spellings there. A corpus that is already there is kept; seeds are added to it.
"""

# ruff: noqa: S311, T201

from __future__ import annotations

import argparse
import hashlib
import json
import random
import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests" / "mapper"))

import schemas
import spellings
from google.protobuf import json_format
from messages import Generator
from mutations import Writer

import eegrpc
from eegrpc.emulator import Emulator
from eegrpc.v1alpha import ComputeImagesRequest, ComputeImagesResponse, EarthEngineStub

CRATE = Path(__file__).resolve().parent.parent / "rust" / "fuzz"
SCHEMA_FILES = (
    "mapper_proto3.proto",
    "mapper_proto2.proto",
    "mapper_editions.proto",
    "eegrpc/v1alpha/earth_engine.proto",
)


def main() -> None:
    """Write the schema and the seeds."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=2000, help="how many random seeds for each of the main targets")
    arguments = parser.parse_args()
    (CRATE / "schema.binpb").write_bytes(schemas.file_descriptor_set(*SCHEMA_FILES))
    choices = random.Random(20)
    roots = _roots()
    generator = Generator(choices, hostile=True)
    writer = Writer(choices)
    for index in range(arguments.count):
        at = index % len(roots)
        message = generator.message(roots[at])
        head = bytes([at, choices.randrange(16)])
        _seed("to_json", head + message.SerializePartialToString())
        _seed("to_wire", head + writer.write(message))
    for at, request, page in _pages():
        _seed("to_json", bytes([at, 0]) + page.SerializeToString())
        _seed("to_wire", bytes([at, 0]) + json_format.MessageToJson(page, indent=None).encode())
        _seed("to_wire", bytes([at + 1, 0]) + json_format.MessageToJson(request, indent=None).encode())
    for _ in range(300):
        _seed("any", writer.write(generator.message("google.protobuf.Any")))
    values = Writer(choices, mistakes=2)
    for _ in range(300):
        _seed("skip_unknown", values.write(generator.message("google.protobuf.Value")))
    _seed_texts()
    for target in sorted((CRATE / "corpus").iterdir()):
        print(f"{target.name}: {sum(1 for _ in target.iterdir())} seeds")


def _roots() -> list[str]:
    """Return the types that the targets know, as their source has them."""
    source = (CRATE / "src" / "lib.rs").read_text()
    found = re.search(r"ROOTS: &\[&str\] = &\[(.*?)\];", source, re.DOTALL)
    assert found, "rust/fuzz/src/lib.rs has no ROOTS"
    return re.findall(r'"(.*?)"', found[1])


def _pages() -> list[tuple[int, ComputeImagesRequest, ComputeImagesResponse]]:
    """Return small pages of the emulator, with their requests."""
    pages = []
    for collection in ("COPERNICUS/S2_SR_HARMONIZED", "LANDSAT/LC08/C02/T1_L2", "MODIS/061/MOD13Q1"):
        expression = {
            "result": "0",
            "values": {
                "0": {
                    "functionInvocationValue": {
                        "functionName": "ImageCollection.load",
                        "arguments": {"id": {"constantValue": collection}},
                    }
                }
            },
        }
        request = json_format.ParseDict(
            {"project": "projects/p", "expression": expression, "pageSize": 2}, ComputeImagesRequest()
        )
        with Emulator() as emulator, eegrpc.create_channel(emulator.endpoint) as channel:
            pages.append((0, request, EarthEngineStub(channel).ComputeImages(request, timeout=30)))
    return pages


def _seed_texts() -> None:
    for text in spellings.INTEGERS + spellings.FLOATS + spellings.MISTAKEN_NUMBERS:
        for which in range(6):
            _seed("number", bytes([which]) + text.strip('"').encode())
    for text in spellings.TIMESTAMPS:
        _seed("timestamp", text.encode())
    for text in spellings.DURATIONS:
        _seed("duration", text.encode())
    for text in spellings.BYTES:
        _seed("base64", text.strip('"').encode())
    for text in spellings.MASKS:
        _seed("field_mask", text.encode())
        _seed("field_mask", re.sub("[A-Z]", lambda found: "_" + found[0].lower(), text).encode())
    for text in spellings.STRINGS:
        _seed("strings", text[1:-1].encode())
    for text in spellings.ANYTHING + spellings.UNKNOWN_VALUES + spellings.MISTAKEN_UNKNOWN:
        _seed("skip_unknown", text.encode())
    for text in spellings.STRINGS:
        _seed("skip_unknown", text.encode())
    _seed("any", json.dumps({"value": {"a": 1}, "@type": "x/google.protobuf.Struct"}).encode())


def _seed(target: str, data: bytes) -> None:
    folder = CRATE / "corpus" / target
    folder.mkdir(parents=True, exist_ok=True)
    (folder / hashlib.sha1(data, usedforsecurity=False).hexdigest()).write_bytes(data)


if __name__ == "__main__":
    main()
