"""The layout of tables: which columns there are, how wide, and what is said of an image."""

import pytest
from commands import image
from hypothesis import given
from hypothesis import strategies as st

from eegrpc.cli import image_facts
from eegrpc.cli.table import interesting_names, lay_out
from eegrpc.cli.text import cut, cut_middle, pad, printable, width
from eegrpc.v1alpha import EarthEngineAsset


def text_of(line):
    return "".join(part if isinstance(part, str) else part[0] for part in line)


def lines(images, room=None, **options):
    layout = lay_out(images, room=room, **options)
    return [text_of(layout.header()), *(text_of(layout.row(image)) for image in images)]


def titles(images, room=None, **options):
    return [column.title for column in lay_out(images, room=room, **options).columns]


def located(index, west, east, **properties):
    made = image(index, **properties)
    made.geometry.update(
        {"type": "Polygon", "coordinates": [[[west, 10], [east, 10], [east, 20], [west, 20], [west, 10]]]}
    )
    return made


def test_what_all_have_in_common_is_said_once():
    images = [image("a", CLOUD_COVER=5, n=1), image("b", CLOUD_COVER=5, n=2)]
    assert lay_out(images, room=None).collection == "TEST"
    assert lay_out(images, room=None).common == ["cloud % 5.0"]
    assert lines(images) == [
        "time (UTC)        image  n",
        "2023-02-19 18:57  a      1",
        "2023-02-19 18:57  b      2",
    ]


def test_the_first_of_several_pages_has_nothing_in_common_with_what_is_to_come():
    assert titles([image("a"), image("b")], whole=False) == ["time (UTC)", "collection", "image"]


def test_several_collections_get_a_column():
    other = image("b")
    other.name = "projects/mine/assets/deep/b"
    assert lines([image("a"), other]) == [
        "time (UTC)        collection                 image",
        "2023-02-19 18:57  TEST                       a    ",
        "2023-02-19 18:57  projects/mine/assets/deep  b    ",
    ]


def test_days_need_no_hours():
    made = image("a")
    made.start_time.FromJsonString("2023-02-19T00:00:00Z")
    assert lines([made]) == ["date (UTC)  collection  image", "2023-02-19  TEST        a    "]


def test_of_many_properties_those_the_expression_names_are_shown():
    many = image("a", **{f"p{number}": number for number in range(9)})
    assert titles([many]) == ["time (UTC)", "collection", "image"]
    assert titles([many], names={"p3", "absent"}) == ["time (UTC)", "collection", "image", "p3"]


def test_a_property_called_like_a_column_is_a_property():
    layout = lay_out([image(index, collection="x", bands="y") for index in "ab"], room=None)
    assert layout.collection == "TEST"
    assert layout.common == ["bands y", "collection x"]


def test_images_without_anything_have_no_columns():
    assert titles([EarthEngineAsset(), EarthEngineAsset()]) == []


@pytest.mark.parametrize("room", range(10, 200, 7))
def test_no_line_is_wider_than_the_terminal(room):
    images = [located("x" * 70, 1, 2, CLOUD_COVER=99.5, note="wide 漢字 " * 9), located("y", 3, 4, n=[1, 2], note="")]
    assert all(width(line) <= room for line in lines(images, room))


def test_the_image_is_the_last_column_to_go():
    images = [located("x" * 30, 1, 2, CLOUD_COVER=1), located("y" * 30, 5, 6, CLOUD_COVER=2)]
    assert titles(images, 20) == ["image"]
    assert titles(images, 60) == ["time (UTC)", "image", "cloud %"]
    assert titles(images, 90) == ["time (UTC)", "image", "cloud %", "centre"]


@pytest.mark.parametrize(
    ("west", "east", "text"),
    [
        (-123, -121, "15.00°N 122.00°W"),
        (179, -179, "15.00°N 180.00°W"),
        (175, -177, "15.00°N 179.00°E"),
        (-180, 180, "around the world"),
        ("-Infinity", "Infinity", "unbounded"),
    ],
)
def test_centre(west, east, text):
    assert image_facts.centre(located("a", west, east)) == text


@pytest.mark.parametrize(
    "geometry",
    [
        {"type": "Polygon"},
        {"coordinates": [["a", "b"]]},
        {"coordinates": 7},
        {"geometries": [1]},
        {"coordinates": [[1]]},
        {"coordinates": [{}]},
    ],
)
def test_a_geometry_that_is_none(geometry):
    made = image("a")
    made.geometry.update(geometry)
    assert image_facts.centre(made) == ""


def test_centre_of_a_geometry_collection():
    made = image("a")
    points = [{"type": "Point", "coordinates": [0, -10]}, {"type": "Point", "coordinates": [10, -20]}]
    made.geometry.update({"type": "GeometryCollection", "geometries": points})
    assert image_facts.centre(made) == "15.00°S 5.00°E"


def test_bands_and_grid():
    made = image("a")
    for name, scale in (("B1", 60), ("B2", 10), ("B3", 20), ("B4", 10), ("NDVI", 1)):
        band = made.bands.add(id=name)
        band.grid.crs_code = "EPSG:32610" if name != "NDVI" else "EPSG:4326"
        band.grid.affine_transform.scale_x = scale
    assert image_facts.bands(made) == "B1 B2 … NDVI (5)"
    assert image_facts.grid(made) == "EPSG:32610 10 m"
    del made.bands[:4]
    assert image_facts.bands(made) == "NDVI"
    assert image_facts.grid(made) == "EPSG:4326 1°"


def test_property_values():
    made = image("a", whole=2e9, part=0.123456789, text="x", yes=True, none=None, several=[1, "a"], nested={"k": 1})
    shown = {name: image_facts.property_text(made, name) for name in (*made.properties.fields, "absent")}
    assert shown == {
        "whole": "2000000000",
        "part": "0.123457",
        "text": "x",
        "yes": "true",
        "none": "null",
        "several": '[1.0, "a"]',
        "nested": '{"k": 1.0}',
        "absent": "",
    }


def test_a_time_beyond_the_calendar():
    made = image("a")
    made.start_time.seconds = 1 << 60
    assert image_facts.time(made) == "?"


def test_interesting_names():
    expression = '{"values": {"0": {"constantValue": "CLOUD_COVER < 10 and system:index == 3"}, "1": {"k": ["a b"]}}}'
    assert interesting_names(expression) >= {"CLOUD_COVER", "system:index", "k", "a b"}


# ---- text ----


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain ü 漢", "plain ü 漢"),
        ("\x1b[2J", r"\x1b[2J"),
        ("a\r\nb\tc", r"a\r\nb\tc"),
        ("\u202eabc\u2066\u200f\ufeff", r"\u202eabc\u2066\u200f\ufeff"),
        ("\x9b1m", r"\x9b1m"),
        ("a\xa0b\u2003c", "a b c"),
        ("\ud800", r"\ud800"),
        ("\U000e0041", r"\U000e0041"),
    ],
)
def test_cli_02_printable(text, shown):
    assert printable(text) == shown


@given(st.text())
def test_cli_02_what_is_printable_is(text):
    assert printable(text).isprintable()
    assert printable(printable(text)) == printable(text)


@given(st.text(alphabet="ab漢e\u0301…"), st.integers(min_value=1, max_value=30))
def test_cut_fits_and_pad_fills(text, room):
    for cutting in (cut, cut_middle):
        short = cutting(text, room)
        assert width(short) <= room
        assert short == text or "…" in short
        assert width(pad(short, room)) == width(pad(short, room, right=True)) == room
