"""Projections, changed grids, and clipping."""

from __future__ import annotations

import math
from typing import Any

import pytest
from emulator_graphs import ERA5, L8, MODIS, S2, call, evaluate_images, graph, image, only, refusal, sample, value
from hypothesis import given, settings
from hypothesis import strategies as st

from eegrpc.emulator.geometry.projections import Projection, forward

_S2 = image("20230120T184639_20230120T185255_T10SEG", S2)
_ERA5 = image("20230227", ERA5)
_T2M = call("Image.select", input=_ERA5, bandSelectors=["temperature_2m"])
_B2 = call("Image.select", input=_S2, bandSelectors=["B2"])


def _box(west: float, south: float, east: float, north: float) -> dict[str, Any]:
    return call("GeometryConstructors.BBox", west=west, south=south, east=east, north=north)


# ------------------------------------------------------------------------------------------------------- coordinates


@pytest.mark.parametrize(
    ("crs", "place", "expected", "within"),
    [
        ("EPSG:4326", (12.5, -7), (12.5, -7), 0),
        ("EPSG:32631", (3, 0), (500_000, 0), 1e-6),
        # Along a meridian it is 4,984,944.378 m from the equator to 45 degrees, in the zone 0.9996 times as many.
        ("EPSG:32631", (3, 45), (500_000, 0.9996 * 4_984_944.378), 0.01),
        ("EPSG:32731", (3, -45), (500_000, 1e7 - 0.9996 * 4_984_944.378), 0.01),
        # The CN Tower, as the article on UTM of Wikipedia has it.
        ("EPSG:32617", (-(79 + 23 / 60 + 13.7 / 3600), 43 + 38 / 60 + 33.24 / 3600), (630_084, 4_833_438), 2),
        ("EPSG:3857", (180, 85.0511287798066), (20037508.342789244, 20037508.342789244), 0.01),
        # Half the circumference of the sphere of MODIS's grid, whose corner is at -20015109.354, 10007554.677.
        ("SR-ORG:6974", (180, 0), (20015109.354, 0), 0.01),
        ("SR-ORG:6974", (180, 90), (0, 10007554.677), 0.01),
    ],
)
def test_coordinates(crs: str, place: tuple[float, float], expected: tuple[float, float], within: float) -> None:
    project = forward(crs)
    assert project is not None
    assert project(*place) == pytest.approx(expected, abs=within)


@pytest.mark.parametrize("crs", ["EPSG:32600", "EPSG:32661", "EPSG:3035", "", "EPSG:32810"])
def test_what_is_not_known_is_not_guessed(crs: str) -> None:
    assert forward(crs) is None


@settings(deadline=None)
@given(st.floats(-180, 180), st.floats(-90, 90), st.sampled_from(["EPSG:32610", "EPSG:32760", "EPSG:3857"]))
def test_every_place_has_finite_coordinates(longitude: float, latitude: float, crs: str) -> None:
    project = forward(crs)
    assert project is not None
    assert all(map(math.isfinite, project(longitude, latitude)))


# ------------------------------------------------------------------------------------------------------- projections


def _projection(crs: str = "EPSG:4326", transform: list[Any] | None = None) -> dict[str, Any]:
    return call("Projection", crs=crs, transform=transform)


def test_projection() -> None:
    assert value(_projection()) == Projection("EPSG:4326", (1, 0, 0, 0, 1, 0))
    assert value(_projection("EPSG:32610", [10, 0, 5, 0, -10, 6])).transform == (10, 0, 5, 0, -10, 6)
    assert value(call("Projection.crs", projection="EPSG:3857")) == "EPSG:3857"
    wkt = 'PROJCS["x", GEOGCS["y"]]'
    assert value(call("Projection.crs", projection=wkt)) is None  # "or null if ... not found"
    assert value(_projection(wkt)).wkt == wkt
    assert "could not be parsed" in refusal(_projection("somewhere")).message
    assert "six numbers, got 2" in refusal(_projection(transform=[1, 2])).message
    assert "six numbers" in refusal(_projection(transform=[1, 2, 3, 4, 5, "x"])).message
    assert "must be a code or WKT, not: Integer" in refusal(call("Projection", crs=4326)).message
    assert "exclude each other" in refusal(
        call("Projection", crs="EPSG:4326", transform=[1, 0, 0, 0, 1, 0], transformWkt="x")
    ).message  # fmt: skip
    assert refusal(call("Projection", crs="EPSG:4326", transformWkt="x")).unsupported


def test_transform_as_text() -> None:
    text = value(call("Projection.transform", projection=_projection("EPSG:32610", [10, 0, 5, 0, -10, 0])))
    assert text.split() == [
        'PARAM_MT["Affine",',
        'PARAMETER["num_row",',
        "3],",
        'PARAMETER["num_col",',
        "3],",
        'PARAMETER["elt_0_0",',
        "10.0],",
        'PARAMETER["elt_0_2",',
        "5.0],",
        'PARAMETER["elt_1_1",',
        "-10.0]]",
    ]


@pytest.mark.parametrize(
    ("crs", "transform", "expected"),
    [
        # A degree of EPSG:4326 is 2 pi 6378137 m / 360; a quarter 27829.87, a tenth 11131.95, as is often printed.
        ("EPSG:4326", None, 111319.49079327358),
        ("EPSG:4326", [0.25, 0, -180, 0, -0.25, 90], 27829.872698318395),
        ("EPSG:4326", [0.1, 0, -180.05, 0, -0.1, 90.05], 11131.949079327358),
        ("EPSG:32610", [30, 0, 1, 0, -30, 2], 30),
        ("SR-ORG:6974", [231.65635826395825, 0, 0, 0, -231.65635826395825, 0], 231.65635826395825),
        ("EPSG:32610", [3, 4, 0, -4, 3, 0], 5),  # turned
    ],
)
def test_nominal_scale(crs: str, transform: list[float] | None, expected: float) -> None:
    built = _projection(crs, transform)
    assert value(call("Projection.nominalScale", proj=built)) == pytest.approx(expected, rel=1e-12)
    scaled = call("Projection.atScale", projection=built, meters=7)
    assert value(call("Projection.nominalScale", proj=scaled)) == pytest.approx(7, rel=1e-12)


def test_scaled_and_moved() -> None:
    built = _projection("EPSG:32610", [10, 0, 5, 0, -10, 6])
    assert value(call("Projection.scale", projection=built, x=2, y=3)).transform == (20, 0, 5, 0, -30, 6)
    assert value(call("Projection.translate", projection=built, x=1, y=2)).transform == (10, 0, 15, 0, -10, -14)
    assert "positive number of metres, got 0" in refusal(call("Projection.atScale", projection=built, meters=0)).message
    unknown = call("Projection.nominalScale", proj="EPSG:2056")
    assert refusal(unknown).unsupported
    flat = call("Projection.atScale", projection=_projection("EPSG:32610", [0, 0, 0, 0, 0, 0]), meters=1)
    assert "has no area" in refusal(flat).message


def test_projection_of_an_image() -> None:
    assert value(call("Image.projection", image=_B2)).crs == "EPSG:32610"
    # Text: guides/projections.
    assert refusal(call("Image.projection", image=_S2)).message == (
        "Image.projection: The bands of the specified image contain different projections. Use Image.select to pick a "
        "single band."
    )
    empty = call("Image.select", input=_S2, bandSelectors=[])
    assert "no bands" in refusal(call("Image.projection", image=empty)).message
    # guides/projections: composites and constants have WGS 84 in degrees.
    assert value(call("Image.projection", image=1)) == Projection("EPSG:4326")


def test_coordinates_in_anything_else_are_refused() -> None:
    built = call("GeometryConstructors.Point", coordinates=[5e5, 4e6], crs="EPSG:32610")
    assert "only EPSG:4326 is supported" in refusal(built).message
    assert refusal(built).unsupported
    assert value(call("GeometryConstructors.Point", coordinates=[5, 4], crs="EPSG:4326")).type == "Point"


# ------------------------------------------------------------------------------------------------------- other grids


def test_reproject() -> None:
    for name in ("Image.reproject", "Image.setDefaultProjection"):
        message = only(call(name, image=_S2, crs="EPSG:32611", scale=100))
        grids = {band.grid.SerializeToString(deterministic=True) for band in message.bands}
        assert len(grids) == 1
        grid = message.bands[0].grid
        assert (grid.crs_code, grid.affine_transform.scale_x, grid.affine_transform.scale_y) == (
            "EPSG:32611",
            100,
            -100,
        )
        assert not grid.HasField("dimensions")
        assert message.id.startswith(S2)
    exact = only(call("Image.reproject", image=_B2, crs="EPSG:4326", crsTransform=[0.5, 0, 1, 0, -0.5, 2]))
    assert exact.bands[0].grid.affine_transform.translate_y == 2
    same = only(call("Image.reproject", image=1, crs=call("Image.projection", image=_B2)))
    assert same.bands[0].grid.affine_transform.scale_x == 10
    both = call("Image.reproject", image=1, crs="EPSG:4326", crsTransform=[1, 0, 0, 0, 1, 0], scale=1)
    assert "exclude each other" in refusal(both).message
    assert refusal(call("Image.reproject", image=1, crs="EPSG:2056", scale=1)).unsupported


def test_an_unknown_code_is_an_assumption() -> None:
    built = call("Image.reproject", image=1, crs="EPSG:2056")
    result = evaluate_images(graph(call("ImageCollection.fromImages", images=[built])), sample())
    assert "crs-codes-unchecked" in result.assumptions
    assert result.images[0].bands[0].grid.crs_code == "EPSG:2056"


def test_resample_and_moved_pixels() -> None:
    # "An algorithm that returns an image identical to its argument"
    assert only(call("Image.resample", image=_S2)).bands == only(_S2).bands
    assert "Unknown resampling mode 'nearest'" in refusal(call("Image.resample", image=1, mode="nearest")).message
    utm = call("Image.projection", image=_B2)
    changed = only(call("Image.changeProj", input=_S2, srcProj=utm, dstProj="EPSG:4326")).bands
    assert [band.grid.crs_code for band in changed[:2]] == ["EPSG:32610", "EPSG:4326"]
    assert "two bands, x and y" in refusal(call("Image.displace", image=1, displacement=1)).message
    assert "Unknown units 'feet'" in refusal(call("Image.translate", input=1, x=1, y=1, units="feet")).message


# ------------------------------------------------------------------------------------------------------------- clips


def _size(band: Any) -> tuple[int, int]:
    return band.grid.dimensions.width, band.grid.dimensions.height


def test_clip_on_a_grid_of_degrees() -> None:
    # Pixels of 0.1 degrees from -180.05 and 90.05: columns 1900.7 to 1910.5, rows 690.5 to 700.5.
    clipped = call("Image.clip", input=_T2M, geometry=_box(10.02, 20, 11, 21))
    message = only(clipped)
    (band,) = message.bands
    assert _size(band) == (11, 11)
    assert band.grid.affine_transform.translate_x == pytest.approx(-180.05 + 190)
    assert band.grid.affine_transform.translate_y == pytest.approx(90.05 - 69)
    assert message.id == f"{ERA5}/20230227"
    assert message.HasField("update_time")
    assert message.properties["month"] == 2
    shown = value(call("Element.get", object=clipped, property="system:bands"))["temperature_2m"]
    # As Earth Engine prints a clipped image: an origin, and the transform of the whole.
    assert (shown["dimensions"], shown["origin"]) == ([11, 11], [1900, 690])
    assert shown["crs_transform"] == [0.1, 0, -180.05, 0, -0.1, 90.05]


def test_clip_twice_is_clip_to_what_both_have() -> None:
    inner, outer = _box(10, 20, 11, 21), _box(5, 15, 30, 40)
    once = only(call("Image.clip", input=_T2M, geometry=inner))
    for first, second in ((inner, outer), (outer, inner), (inner, inner)):
        twice = call("Image.clip", input=call("Image.clip", input=_T2M, geometry=first), geometry=second)
        assert only(twice) == once
    overlap = call(
        "Image.clip", input=call("Image.clip", input=_T2M, geometry=inner), geometry=_box(10.5, 20.5, 12, 22)
    )
    (band,) = only(overlap).bands
    # 10.5 to 11 degrees are columns 1905.5 to 1910.5, 20.5 to 21 rows 690.5 to 695.5.
    assert _size(band) == (6, 6)
    west = min(x for x, _ in only(overlap).geometry["coordinates"][0])
    assert west == pytest.approx(10.5)


def test_clip_on_other_grids() -> None:
    message = only(call("Image.clip", input=_S2, geometry=_box(-122.5, 37.3, -122.2, 37.6)))
    sizes = {band.id: _size(band) for band in message.bands}
    # 0.3 degrees at 37.45 are about 26.5 km by 33.3 km; the box is turned a little in its zone.
    for name, pixel in (("B1", 60), ("B2", 10), ("B5", 20)):
        width, height = sizes[name]
        assert 26_400 < width * pixel < 27_200
        assert 33_200 < height * pixel < 33_800
    sinusoidal = only(call("Image.clip", input=image("2023_01_01", MODIS), geometry=_box(0, 0, 1, 1)))
    assert _size(sinusoidal.bands[0]) == (480, 480)  # that many pixels to a degree


def test_clip_to_all_or_nothing() -> None:
    everything = only(call("Image.clip", input=_S2, geometry=_box(-180, -90, 180, 90)))
    assert everything == only(_S2)
    nothing = only(call("Image.clip", input=_B2, geometry=_box(0, 0, 1, 1)))
    assert _size(nothing.bands[0]) == (0, 0)
    assert list(nothing.geometry["coordinates"]) == []


def test_a_clipped_constant_has_a_size() -> None:
    (band,) = only(call("Image.clip", input=1, geometry=_box(-122.5, 37.3, -121.2, 38.6))).bands
    assert _size(band) == (2, 2)
    assert band.grid.affine_transform.translate_x == -123
    assert band.grid.affine_transform.translate_y == 37


def test_what_clips() -> None:
    box = _box(10, 20, 11, 21)
    expected = only(call("Image.clip", input=_T2M, geometry=box)).bands
    feature = call("Feature", geometry=box)
    for built in (
        call("Image.clip", input=_T2M, geometry=feature),
        call("Image.clip", input=_T2M, geometry=call("Collection", features=[feature])),
        call("Image.clipToCollection", input=_T2M, collection=call("Collection", features=[feature, feature])),
    ):
        assert only(built).bands == expected
    for wrong, kind in ((5, "Integer"), ("x", "String"), ([1], "List")):
        assert f"not: {kind}" in refusal(call("Image.clip", input=_T2M, geometry=wrong)).message
    assert "not: Feature" in refusal(call("Image.clip", input=_T2M, geometry=call("Feature"))).message


def test_the_size_stays_where_the_projection_is_not_known() -> None:
    built = call(
        "Image.clip", input=call("Image.reproject", image=_B2, crs="EPSG:2056"), geometry=_box(-122, 37, -121, 38)
    )
    result = evaluate_images(graph(call("ImageCollection.fromImages", images=[built])), sample())
    assert "clip-keeps-unknown-grid" in result.assumptions
    assert not result.images[0].bands[0].grid.HasField("dimensions")


def test_clipping_is_paid_for() -> None:
    ring = [[-122 + math.cos(i / 500), 37.5 + math.sin(i / 500)] for i in range(3000)]
    region = call("GeometryConstructors.Polygon", coordinates=[ring], geodesic=False)
    clipped: dict[str, Any] = call("Image.clip", input=_B2, geometry=region)
    work = call("ImageCollection.fromImages", images=[clipped])
    assert len(evaluate_images(graph(work), sample())) == 1
    many = call(
        "List.map",
        list=call("List.sequence", start=1, end=5000),
        baseAlgorithm={"functionDefinitionValue": {"argumentNames": ["n"], "body": "body"}},
    )
    body = call(
        "Image.clip", input=call("Image.addBands", dstImg=_B2, srcImg={"argumentReference": "n"}), geometry=region
    )
    assert "The computation is too large" in refusal(many, body=body).message


@pytest.mark.parametrize(
    ("arguments", "size"),
    [
        ({"width": 10, "height": 20}, (10, 20)),
        ({"maxDimension": 50}, (50, 50)),
        ({"scale": 11131.949079327358}, (10, 10)),
        ({}, (10, 10)),
    ],
)
def test_clip_to_bounds_and_scale(arguments: dict[str, Any], size: tuple[int, int]) -> None:
    box = _box(9.95, 20.05, 10.95, 21.05)  # along the edges of ten pixels by ten
    message = only(call("Image.clipToBoundsAndScale", input=_T2M, geometry=box, **arguments))
    (band,) = message.bands
    assert _size(band) == size
    assert band.grid.affine_transform.translate_x == pytest.approx(9.95)
    assert band.grid.affine_transform.translate_y == pytest.approx(21.05)
    assert band.grid.affine_transform.scale_x == pytest.approx(1 / size[0])
    assert band.grid.affine_transform.scale_y == pytest.approx(-1 / size[1])
    assert message.id == f"{ERA5}/20230227"


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"width": 10}, "Give 'width' and 'height'"),
        ({"width": 10, "height": 10, "scale": 1}, "Give 'width' and 'height'"),
        ({"maxDimension": 0}, "'maxDimension' must be positive"),
        ({"geometry": call("GeometryConstructors.Point", coordinates=[1, 2])}, "have no area"),
        ({"geometry": None}, "must have bounds"),
    ],
)
def test_clip_to_bounds_and_scale_refuses(arguments: dict[str, Any], text: str) -> None:
    given_arguments = {"input": _T2M, "geometry": _box(1, 1, 2, 2)} | arguments
    assert text in refusal(call("Image.clipToBoundsAndScale", **given_arguments)).message


def test_arithmetic_on_clipped_images_keeps_the_clip() -> None:
    clipped = call("Image.clip", input=image(), geometry=_box(-122.5, 37.3, -122.2, 37.6))
    scaled = only(call("Image.multiply", image1=call("Image.select", input=clipped, bandSelectors=[0]), image2=2))
    assert _size(scaled.bands[0]) == _size(only(clipped).bands[0]) != _size(only(image()).bands[0])
    assert scaled.geometry == only(clipped).geometry
    assert only(image()).id.startswith(L8)
