"""Every listed expression of the official client, over both transports and both colours: equal messages by page."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import eegrpc
from eegrpc.emulator import Emulator
from eegrpc.v1alpha import ComputeImagesResponse

EXPRESSIONS = [
    json.loads(line) for line in (Path(__file__).parent / "data" / "expressions.ndjson").read_text().splitlines()
]
LISTED = (
    "load_plain",
    "filter_",
    "sort_",
    "limit_with_key",
    "select_regex_rename",
    "map_set_date_string",
    "map_set_dictionary",
    "map_ndvi_",
    "map_scale_factors",
    "merge_two",
    "distinct_property",
    "from_constant_images",
    "load_images_by_id",
)
CASES = [case for case in EXPRESSIONS if case["name"].startswith(LISTED)]


@pytest.fixture(scope="module")
def emulator() -> Iterator[Emulator]:
    with Emulator() as running:
        yield running


def pages(emulator: Emulator, transport: str, expression: Any) -> list[ComputeImagesResponse]:
    with eegrpc.EarthEngineClient("demo", endpoint=emulator.endpoint, transport=transport) as client:
        return list(client.compute_images(expression, page_size=20).pages)


async def pages_async(emulator: Emulator, transport: str, expression: Any) -> list[ComputeImagesResponse]:
    async with eegrpc.EarthEngineAsyncClient("demo", endpoint=emulator.endpoint, transport=transport) as client:
        return [page async for page in (await client.compute_images(expression, page_size=20)).pages]


def test_the_issue_lists_thirty_three() -> None:
    assert len(CASES) == 33


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
async def test_both_transports_and_both_colours_give_equal_pages(emulator: Emulator, case: dict[str, Any]) -> None:
    reference = pages(emulator, "grpc", case["expression"])
    assert sum(len(page.images) for page in reference) > 0
    assert reference == pages(emulator, "rest", case["expression"])
    assert reference == pages(emulator, "auto", case["expression"])
    for transport in ("grpc", "rest", "auto"):
        assert reference == await pages_async(emulator, transport, case["expression"])
