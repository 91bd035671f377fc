"""The filter language of listAssets: https://google.aip.dev/160, as far as the reference of listAssets promises it."""

from __future__ import annotations

import contextlib
import re

import pytest
from google.protobuf import json_format
from hypothesis import given
from hypothesis import strategies as st

from eegrpc.emulator.errors import AlgorithmError
from eegrpc.emulator.images.asset_record import AssetRecord
from eegrpc.emulator.official_client.asset_filter import parse_asset_filter
from eegrpc.v1alpha import EarthEngineAsset

ASSET = AssetRecord(
    json_format.ParseDict(
        {
            "id": "c/1",
            "startTime": "2023-01-22T18:45:51.429Z",
            "geometry": {"type": "Polygon", "coordinates": [[[0, 0], [2, 0], [2, 2], [0, 2], [0, 0]]]},
            "properties": {
                "n": 5,
                "negative": -2.5,
                "text": "LANDSAT_8",
                "digits": "8",
                "yes": True,
                "AND": 1,
                "list": [1],
            },
        },
        EarthEngineAsset(),
    )
)


@pytest.mark.parametrize(
    ("text", "passes"),
    [
        ("", True),
        ("  ", True),
        ("properties.n=5", True),
        ("properties.n = 5.0", True),
        ('properties.n="5"', True),
        ("properties.n != 5", False),
        ("properties.n<5", False),
        ("properties.n<=5", True),
        ("properties.n>4.9", True),
        ("properties.n >= 6", False),
        ("properties.n < five", False),
        ("properties.negative = -2.5", True),
        ("properties.negative<-2", True),
        ("properties.text = LANDSAT_8", True),
        ("properties.text='LANDSAT_8'", True),
        ('properties.text > "LANDSAT"', True),
        ("properties.digits = 8", True),
        ("properties.yes = true", True),
        ("properties.yes = 1", False),
        ("properties.AND = 1", True),
        ("properties.list = 1", False),
        # What is missing passes no comparison; NOT is plain negation.
        ("properties.missing = 1", False),
        ("properties.missing != 1", False),
        ("NOT properties.missing = 1", True),
        ("-properties.missing = 1", True),
        # Time: the examples of the reference, in all spellings of it.
        ('startTime>"2020-01-01T00:00:00+00:00"', True),
        ('startTime >= "2023-01-22T18:45:51.429Z"', True),
        ('startTime > "2023-01-22T18:45:51.429Z"', False),
        ('startTime < "2023-01-22"', False),
        ("startTime < 2023-01-23T00:00:00Z", True),
        ('endTime < "2030-01-01T00:00:00Z"', False),  # it has none
        # Geometry: GeoJSON with either quotes, or WKT.
        ("intersects(\"{'type':'Point','coordinates':[1,1]}\")", True),
        ("intersects(\"{'type':'Point','coordinates':[3,1]}\")", False),
        ('intersects(\'{"type":"Point","coordinates":[1,1]}\')', True),
        (r'intersects("{\"type\":\"Point\",\"coordinates\":[1,1]}")', True),
        ('intersects("POINT(1 1)")', True),
        ('intersects("POLYGON((5 5, 6 5, 6 6, 5 5))")', False),
        # OR binds stronger than AND.
        ("properties.n=5 AND properties.n=6", False),
        ("properties.n=5 OR properties.n=6", True),
        ("properties.n=5 OR properties.n=5 AND properties.n=6", False),
        ("(properties.n=5 AND properties.n=6) OR properties.n=5", True),
        ("NOT (properties.n=5 AND properties.n=6)", True),
        ("NOT NOT properties.n=5", True),
    ],
)
def test_what_passes(text: str, passes: bool) -> None:
    assert parse_asset_filter(text)(ASSET) is passes


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("n=5", "unknown field 'n'"),
        ("name=x", "unknown field 'name'"),
        ("properties.n", "expected one of"),
        ("properties.n=", "expected a value, found the end in column 14"),
        ("properties.n:5", "expected one of"),
        ("properties.n=5 properties.n=6", "expected AND, OR or the end"),
        ("properties.n=5 and properties.n=6", "expected AND, OR or the end"),
        ("(properties.n=5", "expected ')'"),
        ("properties.n='5", "unexpected"),
        ("AND", "expected one of"),
        ("properties.n=5 AND", "expected a field, found the end"),
        ("near(x)", "unknown function 'near'"),
        ("intersects(5)", "a geometry in quotes"),
        ("intersects('nowhere')", "neither GeoJSON nor WKT"),
        ("intersects('{nowhere}')", "not GeoJSON"),
        ('intersects(\'{"type": "Circle"}\')', "Circle"),
        ("intersects('POINT(1 1)'", "expected ')'"),
        ("startTime > yesterday", "yesterday"),
        ("(" * 60 + "properties.n=5" + ")" * 60, "more than 50 levels"),
        ("NOT " * 60 + "properties.n=5", "more than 50 levels"),
        ("properties.n=5 AND " * 10_000, "at most 100000"),
    ],
)
def test_what_cannot_be_parsed_is_refused(text: str, problem: str) -> None:
    with pytest.raises(AlgorithmError, match=re.escape(problem)):
        parse_asset_filter(text)


@given(st.text(max_size=60) | st.text("properties.n=5<>!() ANDORNOT'\"\\-:", max_size=60))
def test_any_text_is_parsed_or_refused(text: str) -> None:
    with contextlib.suppress(AlgorithmError):
        assert isinstance(parse_asset_filter(text)(ASSET), bool)
