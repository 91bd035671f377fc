"""How long the emulator thinks about a page: each of the sample expressions, on collections of a thousand images.

    python benchmarks/evaluation.py [--copies 72]

The expressions are those the official client makes (tests/data/expressions.ndjson). The catalog is the sample catalog
with each image in it 72 times, by ids of their own, so that each of its four collections has a thousand or more. Times
are of CPU, of the quickest of five runs in which nothing is kept from the run before: compiling the graph, evaluating
it, and making the messages of the first thousand images. Beside it: what that is for a thousand images of the answer,
filters that refused others included; what the first run took, when images and filters were new; and what it takes to
encode the page, which any server has to. In join_save_all_count the images have 57,024 matches. Exit code 1: a page
takes longer than the limit.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from google.protobuf import json_format

from eegrpc.emulator import Catalog
from eegrpc.emulator.evaluation.evaluator import evaluate_images
from eegrpc.v1alpha import ComputeImagesResponse, EarthEngineAsset, Expression

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

DATA = Path(__file__).parents[1] / "tests" / "data"
PAGE_SIZE = 1000
LIMIT = 50.0
"""Milliseconds for a page."""


def copied(copies: int) -> Iterator[EarthEngineAsset]:
    """The sample catalog, each image so many times; of the copies, the index and the id tell which they are."""
    for line in (DATA / "catalog_sample.ndjson").read_text().splitlines():
        original = json_format.Parse(line, EarthEngineAsset())
        for number in range(copies):
            asset = EarthEngineAsset()
            asset.CopyFrom(original)
            if number:
                asset.id += f"_{number}"
                asset.name += f"_{number}"
            yield asset


def _timed(work: Callable[[], Any]) -> tuple[float, Any]:
    start = time.process_time()
    result = work()
    return (time.process_time() - start) * 1000, result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--copies", type=int, default=72, help="of each image of the sample catalog")
    copies = parser.parse_args().copies
    catalog = Catalog(copied(copies))
    counts = ", ".join(f"{name} {count:,}" for name, count in catalog.collections().items())
    print(f"{len(catalog):,} images: {counts}")
    print(f"{'expression':28} {'images':>6} {'ms':>6} {'of 1,000':>8} {'first ms':>8} {'encoded ms':>10}")
    longest, slow = 0.0, []
    for row in map(json.loads, (DATA / "expressions.ndjson").read_text().splitlines()):
        expression = json_format.ParseDict(row["expression"], Expression())

        def page(expression: Expression = expression) -> list[EarthEngineAsset]:
            return evaluate_images(expression, catalog)[0:PAGE_SIZE]

        first, images = _timed(page)
        took = min(_timed(page)[0] for _ in range(5))
        encoded, _ = _timed(lambda images=images: ComputeImagesResponse(images=images).SerializeToString())
        each = took * PAGE_SIZE / len(images) if len(images) >= PAGE_SIZE / 20 else took
        print(f"{row['name']:28} {len(images):6,} {took:6.1f} {each:8.1f} {first:8.1f} {encoded:10.1f}")
        longest = max(longest, took)
        if took > LIMIT:
            slow.append(row["name"])
    print(f"the longest: {longest:.1f} ms, of {LIMIT:.0f}" + (f"; too long: {', '.join(slow)}" if slow else ""))
    sys.exit(1 if slow else 0)


if __name__ == "__main__":
    main()
