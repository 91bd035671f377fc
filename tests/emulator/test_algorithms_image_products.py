"""Neighbourhoods, terrain, Landsat, Sentinel-2, kernels, images made of nothing, and what needs pixels."""

from __future__ import annotations

from typing import Any

import pytest
from emulator_graphs import L8, MODIS, S2, call, evaluate_images, graph, image, load, only, refusal, sample, value

from eegrpc.emulator.evaluation.evaluator import evaluate
from eegrpc.emulator.evaluation.registry import algorithms
from eegrpc.emulator.values import Kernel
from eegrpc.v1alpha import PixelDataType

_MODIS = image("2023_01_01", MODIS)
_TWO = call("Image.select", input=_MODIS, bandSelectors=["NDVI", "EVI"])  # int16
_NDVI = call("Image.select", input=_MODIS, bandSelectors=["NDVI"])
_SQUARE = call("Kernel.square", radius=3)
_ELEVATION = call("Image.rename", input=_NDVI, names=["elevation"])

_INT16, _FLOAT, _BYTE = ("INT", -32768, 32767), ("FLOAT",), ("INT", 0, 255)


def _bands(built: Any) -> list[tuple[Any, ...]]:
    return [
        (
            band.id,
            PixelDataType.Precision.Name(band.data_type.precision),
            *((band.data_type.range.min, band.data_type.range.max) if band.data_type.HasField("range") else ()),
        )
        for band in only(built).bands
    ]


# ----------------------------------------------------------------------------------------------------- neighbourhoods


@pytest.mark.parametrize(
    ("name", "expected"),
    [("max", _INT16), ("min", _INT16), ("mode", _INT16), ("mean", _FLOAT), ("median", _FLOAT)],
)
def test_focal(name: str, expected: tuple[Any, ...]) -> None:
    for each in (f"Image.focal_{name}", f"Image.focal{name.capitalize()}"):
        assert _bands(call(each, image=_TWO, radius=2)) == [("NDVI", *expected), ("EVI", *expected)]
    assert _bands(call(f"Image.focal_{name}", image=_NDVI, kernel=_SQUARE, kernelType="any"))
    assert "Unknown kernel type 'star'" in refusal(call(f"Image.focal_{name}", image=1, kernelType="star")).message
    assert "Unknown units" in refusal(call(f"Image.focal_{name}", image=1, units="feet")).message
    assert "'iterations' must be positive" in refusal(call(f"Image.focal_{name}", image=1, iterations=0)).message


@pytest.mark.parametrize(
    ("built", "expected"),
    [
        (call("Image.convolve", image=_TWO, kernel=_SQUARE), [("NDVI", *_FLOAT), ("EVI", *_FLOAT)]),
        (call("Image.entropy", image=_NDVI, kernel=_SQUARE), [("NDVI", *_FLOAT)]),
        (call("Image.distance", image=_NDVI), [("NDVI", *_FLOAT)]),
        (call("Image.gradient", input=_TWO), [("x", *_FLOAT), ("y", *_FLOAT)]),
        # "the output image will have two bands named with the suffixes `_x` and `_y`"
        (
            call("Image.derivative", image=_TWO),
            [(name, *_FLOAT) for name in ("NDVI_x", "NDVI_y", "EVI_x", "EVI_y")],
        ),
        (call("Image.zeroCrossing", image=_NDVI), [("NDVI", "INT", 0, 1)]),
        (call("Image.connectedPixelCount", input=_NDVI), [("NDVI", "INT", 0, 2147483647)]),
        (
            call("Image.connectedComponents", image=_NDVI, connectedness=_SQUARE, maxSize=128),
            [("NDVI", *_INT16), ("labels", "INT", -2147483648, 2147483647)],
        ),
    ],
)
def test_neighbourhoods(built: Any, expected: list[tuple[Any, ...]]) -> None:
    assert _bands(built) == expected


def test_reduce_neighborhood() -> None:
    def built(reducer: str, **arguments: Any) -> dict[str, Any]:
        return call("Image.reduceNeighborhood", image=_TWO, reducer=call(reducer), kernel=_SQUARE, **arguments)

    # "Reducers with a single input will prefix the output name with the input band name (e.g., '10_mean', '20_mean')."
    assert [name for name, *_ in _bands(built("Reducer.mean"))] == ["NDVI_mean", "EVI_mean"]
    several = ["NDVI_min", "NDVI_max", "EVI_min", "EVI_max"]
    assert [name for name, *_ in _bands(built("Reducer.minMax"))] == several
    # "Reducers with multiple inputs will use the output names directly."
    assert [name for name, *_ in _bands(built("Reducer.linearFit"))] == ["scale", "offset"]
    assert only(built("Reducer.max")).bands[1].grid == only(_TWO).bands[1].grid
    assert "Unknown input weight" in refusal(built("Reducer.mean", inputWeight="none")).message
    assert "Unknown optimization" in refusal(built("Reducer.mean", optimization="none")).message


def test_neighbourhoods_refuse() -> None:
    real = call("Image.float", value=_NDVI)
    assert "must have whole numbers" in refusal(call("Image.entropy", image=real, kernel=_SQUARE)).message
    assert "'maxSize' must be positive" in refusal(call("Image.connectedPixelCount", input=1, maxSize=0)).message
    assert "Expected type: Kernel" in refusal(call("Image.convolve", image=1, kernel="square")).message


# ------------------------------------------------------------------------------------------------------------ kernels


def test_kernels() -> None:
    named = [name for name in algorithms() if name.startswith("Kernel.")]
    assert len(named) == 22  # all that Earth Engine has
    given = {"Float": 2, "Integer": 1, "Kernel": _SQUARE, "List<List<Object>>": [[1, 2, 1], [2, 4, 2]]}
    for name in named:
        required = {each.name: given[each.type] for each in algorithms()[name].parameters if not each.optional}
        kernel = value(call(name, **required))
        assert isinstance(kernel, Kernel)
        assert kernel.call is not None
        assert kernel.call.function == name


@pytest.mark.parametrize(
    ("name", "arguments", "text"),
    [
        ("circle", {"radius": -1}, "'radius' must not be negative"),
        ("circle", {"radius": 1, "units": "miles"}, "Unknown units 'miles'"),
        ("gaussian", {"radius": 1, "sigma": -2}, "'sigma' must not be negative"),
        ("fixed", {"weights": []}, "must not be empty"),
        ("fixed", {"weights": [[1], [1, 2]]}, "must have the same length"),
        ("fixed", {"weights": [["a"]]}, "list of lists of numbers"),
        ("fixed", {"weights": [[1, 2]], "width": 3}, "2 x 1, not 3 x -1"),
    ],
)
def test_kernels_refuse(name: str, arguments: dict[str, Any], text: str) -> None:
    assert text in refusal(call(f"Kernel.{name}", **arguments)).message


# ----------------------------------------------------------------------------------------------------------- products


def test_terrain() -> None:
    # "Adds output bands named 'slope' and 'aspect' measured in degrees plus an unsigned byte output band named
    # 'hillshade' ... All other bands and metadata are copied from the input image."
    slope, aspect, hillshade = ("slope", "FLOAT", 0, 90), ("aspect", "FLOAT", 0, 360), ("hillshade", *_BYTE)
    for name in ("Terrain.products", "Terrain"):
        message = only(call(name, input=_ELEVATION))
        assert message.id == f"{MODIS}/2023_01_01"
        assert _bands(call(name, input=_ELEVATION)) == [("elevation", *_INT16), slope, aspect, hillshade]
    assert _bands(call("Terrain.slope", input=_NDVI)) == [slope]
    assert _bands(call("Terrain.aspect", input=_NDVI)) == [aspect]
    assert _bands(call("Terrain.hillshade", input=_NDVI, azimuth=10)) == [hillshade]
    several = call("Image.addBands", dstImg=_TWO, srcImg=_ELEVATION)
    assert len(only(call("Terrain.products", input=several)).bands) == 6
    assert "a band 'elevation' is needed, got 2 bands" in refusal(call("Terrain.slope", input=_TWO)).message


def test_landsat() -> None:
    raw = call("Image.rename", input=call("Image.select", input=image(), bandSelectors=[0, 1, "QA_PIXEL"]), names=[
        "B1", "B6_VCID_1", "QA_PIXEL"
    ])  # fmt: skip
    assert _bands(call("Landsat.TOA", input=raw)) == [
        ("B1", *_FLOAT),
        ("B6_VCID_1", *_FLOAT),
        ("QA_PIXEL", "INT", 0, 65535),
    ]
    cloud = only(call("Landsat.simpleCloudScore", image=raw))
    assert cloud.bands[3].id == "cloud"
    assert cloud.bands[3].grid == cloud.bands[0].grid
    assert (cloud.bands[3].data_type.range.min, cloud.bands[3].data_type.range.max) == (0, 100)
    # "if false, TOA values are converted to uint8"
    scenes = call("ImageCollection.fromImages", images=[raw])
    assert _bands(call("Landsat.simpleComposite", collection=scenes)) == [("B1", *_BYTE), ("B6_VCID_1", *_BYTE)]
    assert _bands(call("Landsat.simpleComposite", collection=scenes, asFloat=True))[0] == ("B1", *_FLOAT)
    assert _bands(call("Landsat.simpleComposite", collection=call("ImageCollection.fromImages", images=[]))) == []
    assert "from 0 to 100" in refusal(call("Landsat.simpleComposite", collection=scenes, percentile=101)).message


def test_path_row_limit() -> None:
    within = call("Landsat.pathRowLimit", collection=load(L8))
    assert len(evaluate_images(graph(within), sample())) == len(evaluate_images(graph(load(L8)), sample()))
    for limits in ({"maxScenesPerPathRow": 3}, {"maxScenesTotal": 4}):
        assert refusal(call("Landsat.pathRowLimit", collection=load(L8), **limits)).unsupported


def test_cloud_displacement_index() -> None:
    source = image("20230120T184639_20230120T185255_T10SEG", S2)
    assert _bands(call("Sentinel2.CDI", source=source)) == [("cdi", *_FLOAT)]


# --------------------------------------------------------------------------------------------------------- of nothing


def test_images_of_nothing() -> None:
    # Names: the descriptions of the first two; that of pixelCoordinates says "x and y coordinates".
    assert [name for name, *_ in _bands(call("Image.pixelLonLat"))] == ["longitude", "latitude"]
    assert [name for name, *_ in _bands(call("Image.pixelArea"))] == ["area"]
    coordinates = only(call("Image.pixelCoordinates", projection="EPSG:32610"))
    assert [(band.id, band.grid.crs_code) for band in coordinates.bands] == [("x", "EPSG:32610"), ("y", "EPSG:32610")]
    # "'uniform' ... in the range of [0, 1) ... 'normal' ... no explicit limits"
    assert _bands(call("Image.random", seed=7)) == [("random", "DOUBLE", 0, 1)]
    assert _bands(call("Image.random", distribution="normal")) == [("random", "DOUBLE")]
    assert "Unknown distribution" in refusal(call("Image.random", distribution="poisson")).message
    for name in ("pixelLonLat", "pixelArea", "random"):
        message = only(call(f"Image.{name}"))
        assert not message.HasField("geometry")
        assert message.bands[0].grid.crs_code == "EPSG:4326"


def test_dictionary_to_image() -> None:
    # "ordered and named according to the names argument. If no names are specified, ... sorted alpha-numerically"
    numbers = {"b": 2, "a": 0.5}
    assert _bands(call("Dictionary.toImage", dictionary=numbers)) == [("a", "DOUBLE", 0.5, 0.5), ("b", "INT", 2, 2)]
    assert _bands(call("Dictionary.toImage", dictionary=numbers, names=["b"])) == [("b", "INT", 2, 2)]
    assert _bands(call("Dictionary.toImage", dictionary={})) == []
    for names, kind in ((["c"], "Null"), (["a", "s"], "String")):
        built = call("Dictionary.toImage", dictionary={"a": 1, "s": "x"}, names=names)
        assert f"must be a number, not: {kind}" in refusal(built).message
    assert refusal(call("Dictionary.toImage", dictionary={"a": [1]})).unsupported
    assert "Invalid band name 'a b'" in refusal(call("Dictionary.toImage", dictionary={"a b": 1})).message


# ------------------------------------------------------------------------------------------------------------- pixels


def test_what_needs_pixels_is_refused_by_name() -> None:
    names = [name for name, each in algorithms().items() if each.needs_pixels]
    assert {"Image.reduceRegion", "Image.sample", "ImageCollection.getRegion", "Image.classify"} <= set(names)
    given: dict[str, Any] = {
        "Image": _NDVI,
        "ImageCollection": load(),
        "Geometry": call("GeometryConstructors.Point", coordinates=[1, 2]),
        "FeatureCollection": [],
        "Element": _NDVI,
        "Integer": 1,
        "String": "gs://bucket/object.tif",
    }
    for name in names:
        if any(each.type == "Reducer" and not each.optional for each in algorithms()[name].parameters):
            continue
        required = {each.name: given.get(each.type, 1) for each in algorithms()[name].parameters if not each.optional}
        refused = refusal(call(name, **required))
        assert (refused.unsupported, refused.function) == (True, name)
        assert f"emulator.stub('{name}', function)" in refused.message


def test_a_stub_gets_the_default_projection() -> None:
    seen: list[object] = []

    def stub(**arguments: object) -> object:
        seen.append(arguments["crs"])
        return []

    expression = graph(
        call("ImageCollection.getRegion", collection=load(), geometry={"type": "Point", "coordinates": [1, 2]})
    )
    assert evaluate(expression, sample(), {"ImageCollection.getRegion": stub}) == []
    assert seen == [{"type": "Projection", "crs": "EPSG:4326", "transform": [1, 0, 0, 0, 1, 0]}]
