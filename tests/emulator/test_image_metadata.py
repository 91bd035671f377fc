"""What the results of image functions keep of their images: id, properties, footprint."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from emulator_graphs import L8, MODIS, call, evaluate_images, graph, image, sample, value

from eegrpc.emulator.assumptions import ASSUMPTIONS
from eegrpc.emulator.evaluation.image_functions import Keeps, rules
from eegrpc.emulator.evaluation.registry import algorithms

# What a description says, and what that means; "Image.mask" says it of both its forms.
_RETAINS = ("retains the metadata", "metadata and footprint of the input image are preserved", "metadata are copied")


def _descriptions() -> dict[str, str]:
    ee = pytest.importorskip("ee")
    listed = json.loads((Path(ee.__file__).parent / "tests" / "algorithms.json").read_text(encoding="utf-8"))
    rows = listed["algorithms"] if isinstance(listed, dict) else listed
    return {row["name"].removeprefix("algorithms/"): " ".join(row.get("description", "").split()) for row in rows}


def test_what_descriptions_say_is_kept_is_declared_so() -> None:
    found = _descriptions()
    retaining = {
        name for name, text in found.items() if name in algorithms() and any(each in text for each in _RETAINS)
    }
    assert {"Image.clip", "Image.mask", "Image.unmask", "Image.where", "Terrain.products"} <= retaining
    for name in retaining:
        assert rules()[name].keeps in (Keeps.EVERYTHING, Keeps.METADATA), name
        assert not rules()[name].assumption, name


def test_every_rule_is_of_a_function_and_every_assumption_has_a_text() -> None:
    assert set(rules()) <= set(algorithms())
    assert {rule.assumption for rule in rules().values()} <= {"", *ASSUMPTIONS}


# An argument for every type, with which most functions are content.
_TWO = call("Image.select", input=image(), bandSelectors=["SR_B4", "SR_B5"])
_BOX = call("GeometryConstructors.BBox", west=-122, south=37, east=-121, north=38)
_ARGUMENTS: dict[str, Any] = {
    "Image": call("Image.select", input=image(), bandSelectors=["SR_B4"]),
    "ImageCollection": call("ImageCollection.load", id=L8),
    "FeatureCollection": [],
    "Geometry": _BOX,
    "Kernel": call("Kernel.square", radius=1),
    "Reducer": call("Reducer.mean"),
    "Projection": "EPSG:4326",
    "String": "CLOUD_COVER",
    "Integer": 1,
    "Float": 1,
}
_SPECIAL: dict[str, dict[str, Any]] = {
    "Image.arrayReshape": {"dimensions": 1},
    "Collection.reduceToImage": {"properties": ["p"]},
    "Dictionary.toImage": {"dictionary": {"a": 1}},
    "Image.cast": {"bandTypes": {"SR_B4": "int8"}},
    "Image.cat": {"images": [image(), 1]},
    "Image.clamp": {"low": 0, "high": 1},
    "Image.clip": {"geometry": _BOX},
    "Image.clipToCollection": {"collection": call("Collection", features=[call("Feature", geometry=_BOX)])},
    "Image.displace": {"displacement": _TWO},
    "Image.hsvToRgb": {"image": call("Image.select", input=image(), bandSelectors=[0, 1, 2])},
    "Image.interpolate": {"x": [0, 1], "y": [0, 1]},
    "Image.normalizedDifference": {"input": _TWO},
    "Image.polynomial": {"coefficients": [0, 1]},
    "Image.remap": {"from": [1], "to": [2]},
    "Image.rename": {"names": ["a"]},
    "Image.rgbToHsv": {"image": call("Image.select", input=image(), bandSelectors=[0, 1, 2])},
    "Image.select": {"bandSelectors": [0]},
    "Image.slice": {"start": 0},
    "Image.translate": {"x": 1, "y": 1},
    "Image.unitScale": {"low": 0, "high": 1},
    "Image.unmask": {"sameFootprint": True},
    "Image.unmix": {"endmembers": [[1]]},
}
_MATRIX = call("Image.neighborhoodToArray", image=_ARGUMENTS["Image"], kernel=_ARGUMENTS["Kernel"])  # keeps metadata
_ARRAY_ARGUMENTS: dict[str, dict[str, Any]] = {
    "Image.arrayFlatten": {"coordinateLabels": [["a"], ["b"]]},
    "Image.arrayGet": {"position": _TWO},
    "Image.arrayPad": {"lengths": [1, 2]},
    "Image.arrayProject": {"axes": [0]},
    "Image.arrayReduce": {"axes": [0]},
}


def _arguments(name: str) -> dict[str, Any]:
    given: dict[str, Any] = {}
    arrays = name.startswith(("Image.array", "Image.matrix"))
    for parameter in algorithms()[name].parameters:
        if parameter.optional:
            continue
        first = parameter.type == "Image" and not given
        given[parameter.name] = _MATRIX if arrays and first else _ARGUMENTS.get(parameter.type)
    if name in ("Image.arrayCat", "Image.arrayDotProduct", "Image.matrixMultiply", "Image.matrixSolve"):
        given["image2"] = _MATRIX
    return given | _SPECIAL.get(name, {}) | _ARRAY_ARGUMENTS.get(name, {})


@pytest.mark.parametrize("name", sorted(rules()))
def test_a_result_has_what_the_rule_says(name: str) -> None:
    rule = rules()[name]
    result = evaluate_images(
        graph(call("ImageCollection.fromImages", images=[call(name, **_arguments(name))])), sample()
    )
    (message,) = result.images
    original = sample().image(f"{L8}/LC08_044034_20230122")
    assert original is not None
    kept = rule.keeps in (Keeps.EVERYTHING, Keeps.METADATA)
    assert message.id == (original.id if kept else "")
    assert ("CLOUD_COVER" in message.properties) == kept
    assert message.HasField("update_time") == kept
    if rule.keeps in (Keeps.EVERYTHING, Keeps.FOOTPRINT):
        assert message.geometry == original.asset.geometry
    if rule.keeps is Keeps.NOTHING:
        assert not message.HasField("geometry")
    if rule.assumption:
        assert rule.assumption in result.assumptions


def test_an_assumption_about_metadata_is_made_only_where_there_is_some() -> None:
    for bare in (1, call("Image.add", image1=image(), image2=1)):
        result = evaluate_images(
            graph(call("ImageCollection.fromImages", images=[call("Image.sqrt", value=bare)])), sample()
        )
        assert "undocumented-drops-metadata" not in result.assumptions


def test_the_first_footprint_with_bounds_is_taken() -> None:
    bounded = image("2023_01_01", MODIS)
    for built in (
        call("Image.pow", image1=2, image2=call("Image.select", input=bounded, bandSelectors=[0])),
        call("Image.atan2", image1=call("Image.select", input=bounded, bandSelectors=[0]), image2=2),
    ):
        assert value(call("Element.get", object=built, property="system:footprint")).type == "Polygon"
        assert not value(call("Element.get", object=built, property="system:footprint")).unbounded
