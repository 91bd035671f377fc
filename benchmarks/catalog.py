"""Catalogs of a million images: how long one is prepared and opened, what it takes, and how quick its answers are.

    python benchmarks/catalog.py --images 1000000

The images are synthetic: ids, times, footprints and a dozen properties as the built-in Sentinel-2 and Landsat images
have them, on 500 tiles over ten years, from a seeded generator; one band each, so that a message has some 900 bytes
rather than 5 kB. Times are of CPU but where it says otherwise. What is measured of the file is measured in a process of
its own, which has prepared nothing.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import random
import subprocess
import sys
import tempfile
import time
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

COLLECTION = "COPERNICUS/S2_SR_HARMONIZED"
TILES = 500
FIRST_DAY = datetime(2015, 6, 23, tzinfo=timezone.utc)
DAYS = 3650


def lines(count: int) -> Iterator[str]:
    """Images as NDJSON, tile by tile."""
    draws = random.Random(7)
    corners = [(draws.uniform(-175, 173), draws.uniform(-60, 70)) for _ in range(TILES)]
    each = math.ceil(count / TILES)
    made = 0
    for tile, (west, south) in enumerate(corners):
        name = f"T{tile % 60 + 1:02d}{chr(65 + tile % 20)}{chr(65 + tile // 20)}X"
        for number in range(each):
            if made == count:
                return
            made += 1
            yield json.dumps(_image(draws, name, west, south, number, each))


def _image(draws: random.Random, tile: str, west: float, south: float, number: int, each: int) -> dict[str, Any]:
    day = FIRST_DAY + timedelta(days=DAYS * number / each, milliseconds=draws.randrange(10**6))
    orbit = draws.randrange(1, 144)
    index = f"{day:%Y%m%dT%H%M%S}_{number:06d}_{tile}"
    # Footprints of one tile differ with the orbit, as the real ones do.
    east, north = west + 1.3 - orbit % 4 * 0.2, south + 0.99
    cloud = round(100 * draws.random() ** 2, 6)
    return {
        "type": "IMAGE",
        "name": f"projects/earthengine-public/assets/{COLLECTION}/{index}",
        "id": f"{COLLECTION}/{index}",
        "startTime": f"{day:%Y-%m-%dT%H:%M:%S}.{day.microsecond // 1000:03d}Z",
        "updateTime": "2024-05-01T00:00:00Z",
        "sizeBytes": str(draws.randrange(10**8, 10**9)),
        "geometry": {
            "type": "Polygon",
            "coordinates": [[[west, south], [east, south], [east, north], [west, north], [west, south]]],
        },
        "properties": {
            "CLOUDY_PIXEL_PERCENTAGE": cloud,
            "CLOUD_SHADOW_PERCENTAGE": round(cloud / 9, 6),
            "MEAN_SOLAR_ZENITH_ANGLE": round(draws.uniform(20, 80), 6),
            "MGRS_TILE": tile[1:],
            "PRODUCT_ID": f"S2A_MSIL2A_{index}",
            "SENSING_ORBIT_NUMBER": orbit,
            "SPACECRAFT_NAME": draws.choice(["Sentinel-2A", "Sentinel-2B"]),
            "GENERAL_QUALITY": "PASSED",
        },
        "bands": [
            {
                "id": "B4",
                "dataType": {"precision": "INT", "range": {"max": 65535}},
                "grid": {
                    "crsCode": "EPSG:32610",
                    "dimensions": {"width": 10980, "height": 10980},
                    "affineTransform": {"scaleX": 10, "translateX": 499980, "scaleY": -10, "translateY": 4200000},
                },
                "pyramidingPolicy": "MEAN",
            }
        ],
    }


# --------------------------------------------------------------------------------------------------------------- graphs


def _call(function: str, /, **arguments: Any) -> dict[str, Any]:
    named = {name: value if isinstance(value, dict) else {"constantValue": value} for name, value in arguments.items()}
    return {"functionInvocationValue": {"functionName": function, "arguments": named}}


def _filtered(collection: Any, *tests: Any) -> Any:
    for test in tests:
        collection = _call("Collection.filter", collection=collection, filter=test)
    return collection


LOAD = _call("ImageCollection.load", id=COLLECTION)
DATE = _call(
    "Filter.dateRangeContains", leftValue=_call("DateRange", start="2019-03-01", end="2019-06-01"),
    rightField="system:time_start",
)  # fmt: skip


def _bounds() -> Any:
    first = json.loads(next(lines(1)))["geometry"]["coordinates"][0][0]
    west, south = first[0] + 0.1, first[1] + 0.1
    area = _call("GeometryConstructors.Rectangle", coordinates=[west, south, west + 20, south + 20])
    return _call("Filter.intersects", leftField=".all", rightValue=area)


CLOUD = _call("Filter.lessThan", leftField="CLOUDY_PIXEL_PERCENTAGE", rightValue=60)


def queries() -> dict[str, Any]:
    """What is asked, by name."""
    return {
        "filterDate + filterBounds + property + limit(100)": _call(
            "Collection.limit", collection=_filtered(LOAD, DATE, _bounds(), CLOUD), limit=100
        ),
        "property + sort by time, last first + limit(100)": _call(
            "Collection.limit", collection=_call(
                "Collection.limit", collection=_filtered(LOAD, CLOUD), key="system:time_start", ascending=False
            ), limit=100,
        ),
        "all, page of 1,000": LOAD,
        "filterDate, all pages found, page of 1,000": _filtered(LOAD, DATE),
    }  # fmt: skip


def _expression(result: Any) -> Any:
    from google.protobuf import json_format

    from eegrpc.v1alpha import Expression

    return json_format.ParseDict({"result": "0", "values": {"0": result}}, Expression())


# ----------------------------------------------------------------------------------------------------------- measuring


def _best(work: Callable[[], Any], times: int = 5) -> float:
    """Milliseconds of CPU of the quickest run: others may be on the machine, and the file is in memory."""
    found = []
    for _ in range(times):
        start = time.process_time()
        work()
        found.append(time.process_time() - start)
    return min(found) * 1000


def _memory(line: str) -> float:
    text = Path("/proc/self/status").read_text()
    return int(text.partition(f"{line}:")[2].split()[0]) / 1024


def serve(path: Path) -> None:
    """Open the file in this process, and measure."""
    start = time.perf_counter()
    from eegrpc.emulator import Catalog, Emulator
    from eegrpc.emulator.evaluation.evaluator import evaluate_images

    catalog = Catalog.open(path)
    with Emulator(catalog):
        took, used = time.perf_counter() - start, time.process_time()
        print(f"start, imports and port included: {took:.2f} s, {used:.2f} s of CPU; RSS {_memory('VmRSS'):.0f} MB")
        page = math.inf
        for name, query in queries().items():
            expression = _expression(query)
            begun = time.process_time()
            first = evaluate_images(expression, catalog)[0:1000]
            cold = (time.process_time() - begun) * 1000
            took = _best(lambda expression=expression: evaluate_images(expression, catalog)[0:1000])
            print(f"{name}: {len(first)} images in {took:.1f} ms, {cold:.1f} ms the first time")
            page = min(page, took) if "Bounds" in name else page
        last = len(catalog) - 1000
        took = _best(lambda: evaluate_images(_expression(LOAD), catalog)[last:])
        print(f"all, last page of 1,000: {took:.1f} ms")
    print(f"RSS at the end {_memory('VmRSS'):.0f} MB, at most {_memory('VmHWM'):.0f} MB")
    scan = _scan(path)
    print(f"scan of the file, every message read: {scan / 1000:.2f} s; the query's page takes {page / scan:.2%} of it")


def _scan(path: Path) -> float:
    """Milliseconds for reading and unpacking each message, as a search without indexes would have to."""
    from eegrpc.emulator.disk.catalog import StoredCatalog

    catalog = StoredCatalog(path)
    table = catalog._table
    start = time.process_time()
    for of in catalog._sets.values():
        for first in range(of.first, of.last + 1, 500):
            table.records(range(first, min(first + 500, of.last + 1)))
    took = (time.process_time() - start) * 1000
    catalog.close()
    return took


def in_memory() -> None:
    """The page of 1,000 images from a catalog in memory."""
    from eegrpc.emulator import Catalog
    from eegrpc.emulator.evaluation.evaluator import evaluate_images

    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "c.ndjson")
        file.write_text("\n".join(lines(1000)) + "\n")
        catalog = Catalog.from_ndjson(file)
    mapped = _expression(_filtered(LOAD, CLOUD))
    for name, expression in (("load", _expression(LOAD)), ("load + property filter", mapped)):
        took = _best(lambda expression=expression: evaluate_images(expression, catalog)[0:1000])
        print(f"in memory, {name} of 1,000 images: {took:.1f} ms")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=50_000)
    parser.add_argument("--folder", type=Path, help="where the files go, and stay (default: a temporary folder)")
    parser.add_argument("--serve", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.serve is not None:
        serve(arguments.serve)
        return
    with tempfile.TemporaryDirectory() as temporary:
        folder = arguments.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        source, target = folder / f"{arguments.images}.ndjson", folder / f"{arguments.images}.eecat"
        if not source.exists():
            with source.open("w") as file:
                file.writelines(f"{line}\n" for line in lines(arguments.images))
        from eegrpc.emulator import Catalog

        before, start, used = _memory("VmHWM"), time.perf_counter(), time.process_time()
        Catalog.prepare([source], target)
        took, used = time.perf_counter() - start, time.process_time() - used
        print(
            f"prepared {arguments.images:,} images in {took:.1f} s, {used:.1f} s of CPU "
            f"({used / arguments.images * 1e6:.0f} us each), "
            f"{source.stat().st_size / 1e6:.0f} MB of NDJSON to {target.stat().st_size / 1e6:.0f} MB, "
            f"with {_memory('VmHWM') - before:.0f} MB of memory"
        )
        subprocess.run([sys.executable, __file__, "--serve", str(target)], check=True, env=os.environ)
        in_memory()


if __name__ == "__main__":
    main()
