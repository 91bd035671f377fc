"""The demonstration: one real expression over both transports, through the same stub, on the built-in catalog.

``demonstration.json`` is what the official client makes of this::

    def with_ndvi(image):
        ndvi = image.normalizedDifference(["B8", "B4"]).rename("NDVI")
        return image.addBands(ndvi).set("date", image.date().format("YYYY-MM-dd"))

    images = (
        ee.ImageCollection("COPERNICUS/S2_SR_HARMONIZED")
        .filterBounds(ee.Geometry.Point([-122.3, 37.6]))
        .filterDate("2023-01-01", "2023-04-01")
        .filter(ee.Filter.lt("CLOUDY_PIXEL_PERCENTAGE", 30))
        .map(with_ndvi)
        .sort("CLOUDY_PIXEL_PERCENTAGE")
    )
    images.serialize(for_cloud_api=True)
"""

from __future__ import annotations

import time
from importlib import resources
from typing import TYPE_CHECKING

from eegrpc.cli.failures import FAILED, CommandError

if TYPE_CHECKING:
    from collections.abc import Callable

    from eegrpc._client import EarthEngineClient
    from eegrpc.cli.terminal import Output
    from eegrpc.v1alpha import EarthEngineAsset

__all__ = ["DESCRIPTION", "demonstrate", "expression"]

DESCRIPTION = "Sentinel-2 over San Francisco Bay, early 2023, under 30 % cloud, with NDVI added"


def expression() -> str:
    """Return the JSON text of the demonstration's expression."""
    return resources.files("eegrpc.cli").joinpath("demonstration.json").read_text(encoding="utf-8")


def demonstrate(
    output: Output,
    client: Callable[[str], EarthEngineClient],
    compute: Callable[[EarthEngineClient], list[EarthEngineAsset]],
) -> None:
    """Compute the images over gRPC and over REST, and say how that went, in a line each.

    Args:
        output: Where the lines go.
        client: Makes the client for a transport.
        compute: Returns the images that a client gets.

    Raises:
        CommandError: The two answers differ.
    """
    output.line((DESCRIPTION, "bold"))
    answers = []
    for transport, name in (("grpc", "native gRPC"), ("rest", "transcoded REST")):
        with client(transport) as own:
            compute(own)  # so that connecting, and evaluating for the first time, is not what is measured
            start = time.perf_counter()
            answers.append(compute(own))
            took = (time.perf_counter() - start) * 1000
        if answers[-1] != answers[0]:
            raise CommandError(
                FAILED, "the answers over gRPC and REST differ, which should never happen: please report it"
            )
        same = "  equal, field by field" if len(answers) > 1 else ""
        line = f"{name:<15}  {len(answers[-1]):>2} images  {took:>5.1f} ms{same}"
        output.line(("  ✓ ", "green"), line)
    output.line()
    output.flush()
