"""What Google's official client is refused, and how: at once, and as an exception of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import ee
import pytest
from official_world import SCENE, four, l8

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.usefixtures("official_emulator")


def counted(value: int) -> Any:
    return ee.FeatureCollection([ee.Feature(None, {"count": value})])


REFUSED: list[tuple[Callable[[], Any], str]] = [
    (
        lambda: four().cluster(ee.Clusterer.wekaKMeans(2)),
        r"'FeatureCollection.cluster' is not supported by the emulator",
    ),
    (lambda: ee.Image("no/such"), r"Image asset 'no/such' not found \(does not exist or caller does not have access\)"),
    (lambda: ee.ImageCollection("no/such"), r"ImageCollection asset 'no/such' not found"),
    (lambda: ee.Image(SCENE).select("zz"), r"^Image.select: Band pattern 'zz' did not match any bands"),
    (lambda: l8().map(lambda image: image.select("zz")), r"Error in map\(ID="),
    (lambda: ee.Number(ee.List(["x"]).get(0)).add(1), r"^Number.add: Argument 'left': Invalid type"),
    (lambda: ee.Date("not a date"), r"date"),
    (lambda: ee.List.sequence(1, 1e9), r"too large"),
    (
        lambda: ee.FeatureCollection(ee.List.sequence(1, 5001).map(lambda _: ee.Feature(None, {}))),
        r"^Collection query aborted after accumulating over 5000 elements\.$",
    ),
    (
        lambda: ee.FeatureCollection(
            [ee.FeatureCollection(ee.List.sequence(1, 2500).map(lambda _: ee.Feature(None, {}))) for _ in range(2)]
        ),
        r"^Collection query aborted after accumulating over 5000 elements\.$",  # the collections count too
    ),
    (lambda: ee.FeatureCollection("TIGER/2018/States"), r"^Collection.loadTable: "),
    (lambda: four().errorMatrix("n", "w"), r"Property 'w' must be a whole number in all elements, but is: 0.5"),
    (lambda: four().errorMatrix("n", "k"), r"Property 'k' must be a whole number in all elements, but is: String"),
    (lambda: counted(-1).errorMatrix("count", "count"), r"Without parameter 'order' the values must not be negative"),
    (lambda: counted(10**8).errorMatrix("count", "count"), r"too large"),
    (lambda: ee.ConfusionMatrix(ee.Array([[1, 2]])), r"must be square, but the array has the shape \[1, 2\]"),
    (lambda: ee.ConfusionMatrix(ee.Array([[-1]])), r"must consist of whole numbers"),
    (lambda: ee.ConfusionMatrix(ee.Array([[1]]), [1, 2]), r"'order' must have 1 values, but has 2"),
    (
        lambda: ee.Array([[], []], ee.PixelType.int8()).reshape([10**8, 0]),
        r"of the shape \[100000000, 0\] is too large",
    ),
    (lambda: ee.Array([[1, 2], [2, 4]]).matrixInverse(), r"^Array.matrixInverse: The matrix is singular"),
    (lambda: ee.Array([[1, 2]]).matrixInverse(), r"must be square, but has the shape \[1, 2\]"),
    (lambda: ee.Array([1, 2]).matrixTrace(), r"A matrix is needed"),
    (lambda: ee.Array([[1, 2]]).matrixMultiply([[1, 2]]), r"have no product"),
    (lambda: ee.Array([[1, 2]]).matrixSolve([[1]]), r"at least as many equations as unknowns"),
    (lambda: ee.Array([[1, 2], [3, 4]]).sort(), r"along one axis only"),
    (lambda: ee.Array([[1, 2]]).sort([[1, 2, 3]]), r"2 elements to sort, but 3 keys"),
    (lambda: ee.Array([[1, 2]]).matrixToDiag(), r"A column is needed"),
    (lambda: ee.Array([1, 2]).reduce(ee.Reducer.mean(), [1]), r"There is no axis 1"),
    (lambda: ee.Array([[1, 2]]).reduce(ee.Reducer.minMax(), [0]), r"'fieldAxis' is required"),
    (lambda: ee.Array([[1, 2]]).reduce(ee.Reducer.minMax(), [0], 1), r"has 1 inputs, but axis 1 has the length 2"),
    (lambda: ee.Array([1, 2]).reduce(ee.Reducer.toList(), [0]), r"must be a number, not List"),
    (lambda: ee.Array([1, 2]).accum(0, ee.Reducer.minMax()), r"one input and one output"),
    (lambda: ee.Array([[1, 2], [3, 4]]).mask([[1, 0], [0, 1]]), r"not along one axis"),
    (lambda: ee.Kernel.fixed(-1, -1, [[ee.Number(0).log(), 1]]), r"must consist of finite numbers"),
    (lambda: ee.Kernel.square(1000), r"too large"),
    (lambda: ee.ErrorMargin(ee.Number(-1).sqrt()), r"'value', a number, is required"),
]

# What depends on pixels is refused by the name of the function, with the reason, and with what a test can do.
PIXELS: dict[str, Callable[[], Any]] = {
    "Image.sample": lambda: ee.Image(1).sample(ee.Geometry.Point(0, 0)),
    "Image.reduceRegion": lambda: ee.Image(SCENE).reduceRegion(ee.Reducer.mean(), ee.Geometry.Point(0, 0), 30),
    "Image.reduceRegions": lambda: ee.Image(SCENE).reduceRegions(four(), ee.Reducer.mean(), 30),
    "Image.sampleRegions": lambda: ee.Image(SCENE).sampleRegions(four(), ["n"], 30).size(),
    "Image.stratifiedSample": lambda: ee.Image(SCENE).stratifiedSample(10, "QA_PIXEL"),
    "Image.sampleRectangle": lambda: ee.Image(SCENE).sampleRectangle(ee.Geometry.BBox(0, 0, 1, 1)),
    "Image.reduceToVectors": lambda: ee.Image(SCENE).select(0).reduceToVectors(scale=30).size(),
    "ImageCollection.getRegion": lambda: l8().getRegion(ee.Geometry.Point(0, 0), 30),
    "ImageCollection.formaTrend": lambda: l8().select("SR_B4").formaTrend().bandNames(),
}


@pytest.mark.parametrize("name", PIXELS)
def test_what_depends_on_pixels_is_refused_by_name(name: str) -> None:
    with pytest.raises(ee.EEException, match=rf"^{name}: .*depends on pixels.*emulator\.stub\('{name}'"):
        PIXELS[name]().getInfo()


def test_a_mean_within_a_map_is_refused_by_name() -> None:
    def with_mean(image: Any) -> Any:
        return image.set(image.reduceRegion(ee.Reducer.mean(), ee.Geometry.Point(0, 0), 30))

    with pytest.raises(ee.EEException, match=r"Error in map\(ID=LC08_\w+\):\nImage.reduceRegion: .*depends on pixels"):
        l8().map(with_mean).size().getInfo()


@pytest.mark.parametrize("number", range(len(REFUSED)))
def test_what_is_refused_comes_as_their_exception_at_once(number: int) -> None:
    """400, which googleapiclient does not send again; with the number of attempts as it is by default."""
    expression, message = REFUSED[number]
    ee.data.setMaxRetries(5)
    with pytest.raises(ee.EEException, match=message):
        expression().getInfo()
    ee.data.setMaxRetries(0)


def test_five_thousand_elements_are_printed() -> None:
    features = ee.List.sequence(1, 5000).map(lambda _: ee.Feature(None, {}))
    assert len(ee.FeatureCollection(features).getInfo()["features"]) == 5000


def test_a_result_that_doubles_is_refused_before_it_is_made() -> None:
    doubled = ee.List([1])
    for _ in range(40):
        doubled = ee.List([doubled, doubled])
    with pytest.raises(ee.EEException, match="too large"):
        doubled.getInfo()


def test_images_in_images_end() -> None:
    image = ee.Image(0)
    for _ in range(150):
        image = ee.Image(1).set("inner", image)
    with pytest.raises(ee.EEException, match="nested more than 100 levels"):
        image.getInfo()
