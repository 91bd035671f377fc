"""Features: their geometries and properties, and those of images in their place."""

from __future__ import annotations

from typing import Any

import pytest
from emulator_graphs import ERA5, L8, call, image, load, only, refusal, value
from geometry_graphs import SQUARE, box, cell_area, point, unbounded

from eegrpc.emulator.geometry.shapes import Geometry

# ------------------------------------------------------------------------------------------------------------ features


def _feature(geometry: Any, **properties: Any) -> dict[str, Any]:
    return call("Feature", geometry=geometry, metadata=properties)


def test_features_keep_their_properties() -> None:
    feature = _feature(SQUARE, p=1)
    for built in (
        call("Feature.buffer", feature=feature, distance=100),
        call("Feature.bounds", feature=feature),
        call("Feature.centroid", feature=feature),
        call("Feature.convexHull", feature=feature),
        call("Feature.dissolve", feature=feature),
        call("Feature.simplify", feature=feature, maxError=5),
        call("Feature.transform", feature=feature),
        call("Feature.intersection", left=feature, right=_feature(box(5, 5, 20, 20), q=2)),
        call("Feature.difference", left=feature, right=box(5, 5, 20, 20)),
        call("Feature.union", left=feature, right=_feature(box(5, 5, 20, 20), q=2)),
        call("Feature.symmetricDifference", left=feature, right=_feature(box(5, 5, 20, 20), q=2)),
    ):
        made = value(built)
        assert made.properties == {"p": 1}
        assert isinstance(made.geometry, Geometry)
    assert value(call("Feature.area", feature=feature)) == pytest.approx(cell_area(0, 10, 10))


def test_features_made_of_images() -> None:
    scene = value(image())
    made = value(call("Feature.centroid", feature=image(), maxError=1))
    assert made.geometry.type == "Point"
    assert scene.geometry.intersects(made.geometry)
    assert made.index == scene.index
    assert made.get("CLOUD_COVER") == scene.get("CLOUD_COVER")
    assert made.get("system:footprint") is None
    assert value(call("Image.geometry", feature=image())) is scene.geometry
    assert value(call("Feature.geometry", feature=_feature(None))) is None
    assert value(call("Feature.geometry", feature=_feature(SQUARE), geodesics=True)).geodesic


def test_elements_without_geometry() -> None:
    for name in ("area", "bounds", "centroid"):
        message = refusal(call(f"Feature.{name}", feature=_feature(None))).message
        assert message == f"Feature.{name}: The element has no geometry."


def test_geometries_of_features_and_images_can_be_replaced() -> None:
    assert value(call("Feature.setGeometry", feature=_feature(SQUARE, p=1), geometry=point(1, 2))).get("p") == 1
    assert value(call("Feature.setGeometry", feature=_feature(SQUARE))).geometry is None
    message = only(call("Feature.setGeometry", feature=image(), geometry=SQUARE))
    assert message.geometry["type"] == "Polygon"
    assert message.id == f"{L8}/LC08_044034_20230122"
    # A scene without bounds has no geometry in the message.
    assert not only(call("Feature.setGeometry", feature=image(), geometry=unbounded())).HasField("geometry")
    assert len(value(load(ERA5))) == 14


@pytest.mark.parametrize(
    ("selectors", "names", "expected"),
    [
        (["a"], None, {"a": 1}),
        (["b", "a"], ["x", "y"], {"x": 2, "y": 1}),
        (["a.*"], None, {"a": 1, "ab": 3}),
        (["a.*", "b"], ["x", "y", "z"], {"x": 1, "y": 3, "z": 2}),
        (["missing"], None, {}),
        (["missing", "a"], ["x", "y"], {"y": 1}),
        (["a"], ["b"], {"b": 1}),
        ([], None, {}),
    ],
)
def test_selecting_properties(selectors: list[str], names: list[str] | None, expected: dict[str, Any]) -> None:
    built = call(
        "Feature.select", input=_feature(SQUARE, a=1, b=2, ab=3), propertySelectors=selectors, newProperties=names
    )
    assert value(built).properties == expected
    assert value(built).geometry is not None
    without = call("Feature.select", input=_feature(SQUARE, a=1), propertySelectors=selectors, retainGeometry=False)
    assert value(without).geometry is None


def test_new_names_must_be_as_many_as_properties() -> None:
    built = call("Feature.select", input=_feature(None, a=1, ab=2), propertySelectors=["a.*"], newProperties=["x"])
    assert refusal(built).message == "Feature.select: 2 properties are selected, but there are 1 new names."


def test_selecting_properties_of_an_image() -> None:
    message = only(call("Feature.select", input=image(), propertySelectors=["CLOUD_COVER"], newProperties=["cloud"]))
    assert list(message.properties) == ["cloud"]
    assert message.name.endswith("LC08_044034_20230122")
    assert message.HasField("start_time")
