"""Many images in one, and images paired by their index: bands, names, pixel types and grids."""

from __future__ import annotations

from typing import Any

import pytest
from emulator_graphs import (
    ERA5,
    L8,
    MODIS,
    arg,
    call,
    dictionary,
    function,
    image,
    images,
    indexes,
    load,
    only,
    ref,
    refusal,
    value,
)

from eegrpc.v1alpha import EarthEngineAsset, ImageBand, PixelDataType

INT, FLOAT, DOUBLE = PixelDataType.INT, PixelDataType.FLOAT, PixelDataType.DOUBLE
UINT16 = (INT, 0, 65535)
COUNT = (INT, 0, 4294967295)


def _mapped(collection: str, *bands: str) -> dict[str, Any]:
    """A collection with some of its bands, in a function called `select`."""
    return {
        "select": function("selected"),
        "selected": call("Image.select", input=arg(), bandSelectors=list(bands)),
        "some": call("Collection.map", collection=load(collection), baseAlgorithm=ref("select")),
    }


def _constants(*made: dict[str, Any]) -> dict[str, Any]:
    return call("ImageCollection.fromImages", images=list(made))


def _typed(number: float, cast: str, name: str = "b") -> dict[str, Any]:
    return call(f"Image.{cast}", value=call("Image.rename", input=call("Image.constant", value=number), names=[name]))


def _bands(message: EarthEngineAsset) -> dict[str, tuple[int, float | None, float | None]]:
    def described(band: ImageBand) -> tuple[int, float | None, float | None]:
        kind = band.data_type
        if not kind.HasField("range"):
            return kind.precision, None, None
        return kind.precision, kind.range.min, kind.range.max

    return {band.id: described(band) for band in message.bands}


def _composite(function_name: str, collection: Any, /, **arguments: Any) -> EarthEngineAsset:
    values = arguments.pop("values", {})
    message = only(call(function_name, collection=collection, **arguments), **values)
    assert isinstance(message, EarthEngineAsset)
    return message


# ------------------------------------------------------------------------------------------------------- composites


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("mean", (DOUBLE, 0, 65535)),
        ("median", (DOUBLE, 0, 65535)),
        ("min", UINT16),
        ("max", UINT16),
        ("mode", UINT16),
        ("sum", (DOUBLE, None, None)),
        ("product", (DOUBLE, None, None)),
        ("count", COUNT),
        ("and", (INT, 0, 1)),
        ("or", (INT, 0, 1)),
    ],
)
def test_shortcuts_keep_the_names_of_bands(name: str, expected: tuple[int, float | None, float | None]) -> None:
    """Names: guides/ic_reducing. Types are the assumption reduced-pixel-types."""
    message = _composite(f"reduce.{name}", ref("some"), values=_mapped(L8, "SR_B4", "SR_B3"))
    assert _bands(message) == {"SR_B4": expected, "SR_B3": expected}


def test_a_composite_has_nothing_of_its_inputs_but_bands() -> None:
    """Grid: guides/projections. No id, no properties: every public script sets the time of a composite by hand."""
    result = images(_constants(call("reduce.mean", collection=load(ERA5))))
    message = result.images[0]
    assert dict(message.properties) == {"system:index": "0"}
    assert (message.id, message.name, message.size_bytes) == ("", "", 0)
    assert not message.HasField("start_time")
    assert not message.HasField("geometry")
    for band in message.bands:
        assert band.grid.crs_code == "EPSG:4326"
        affine = band.grid.affine_transform
        assert (affine.scale_x, affine.scale_y, affine.translate_x, affine.translate_y) == (1, 1, 0, 0)
        assert not band.grid.HasField("dimensions")
        assert band.pyramiding_policy == ImageBand.PYRAMIDING_POLICY_UNSPECIFIED
    assert {"composite-unbounded", "reduced-pixel-types"} <= set(result.assumptions)
    assert "composite-bands-of-all" not in result.assumptions


def test_bands_are_matched_by_name_and_their_types_joined() -> None:
    collection = _constants(_typed(1, "uint8"), _typed(-5, "int16", "c"), _typed(2, "int16"), _typed(2, "float", "c"))
    message = _composite("ImageCollection.mosaic", collection)
    assert _bands(message) == {"b": (INT, -32768, 32767), "c": (FLOAT, None, None)}
    assert "composite-bands-of-all" in images(_constants(call("reduce.max", collection=collection))).assumptions


def test_means_of_floats_are_floats() -> None:
    collection = _constants(_typed(2, "float"), _typed(1, "uint8"))
    for name in ("mean", "median"):
        assert _bands(_composite(f"reduce.{name}", collection)) == {"b": (FLOAT, None, None)}


def test_a_composite_of_nothing_has_no_bands() -> None:
    """Source: guides/debugging, "was applied to an Image with no bands"."""
    nothing = call("Collection.limit", collection=load(), limit=0)
    for name in ("reduce.median", "ImageCollection.mosaic", "ImageCollection.toBands", "ImageCollection.toArray"):
        assert value(call("Image.bandNames", image=call(name, collection=nothing))) == []
    reduced = call("ImageCollection.reduce", collection=nothing, reducer=call("Reducer.linearFit"))
    assert value(call("Image.bandNames", image=reduced)) == []
    error = refusal(call("Image.select", input=call("reduce.mean", collection=nothing), bandSelectors=["B4"]))
    assert "was applied to an Image with no bands" in error.message


def test_a_quality_mosaic_needs_its_band() -> None:
    message = _composite(
        "ImageCollection.qualityMosaic", ref("some"), qualityBand="NDVI", values=_mapped(MODIS, "NDVI", "EVI")
    )
    assert [band.id for band in message.bands] == ["NDVI", "EVI"]
    error = refusal(call("ImageCollection.qualityMosaic", collection=load(MODIS), qualityBand="cloud"))
    assert "Image '2022_12_03' has no band 'cloud'. Available bands: [NDVI, EVI," in error.message


# ----------------------------------------------------------------------------------------------------- with reducers


def _reduced(reducer: Any, *bands: str) -> EarthEngineAsset:
    return _composite("ImageCollection.reduce", ref("some"), reducer=reducer, values=_mapped(L8, *bands))


@pytest.mark.parametrize(
    ("reducer", "names"),
    [
        (call("Reducer.mean"), ["SR_B4_mean", "SR_B3_mean"]),
        (call("Reducer.minMax"), ["SR_B4_min", "SR_B4_max", "SR_B3_min", "SR_B3_max"]),
        (call("Reducer.percentile", percentiles=[10, 90]), ["SR_B4_p10", "SR_B4_p90", "SR_B3_p10", "SR_B3_p90"]),
        (call("Reducer.linearFit"), ["scale", "offset"]),
        (call("Reducer.linearRegression", numX=1), ["coefficients", "residuals"]),
        (call("Reducer.kendallsCorrelation"), ["SR_B4_tau", "SR_B4_p-value", "SR_B3_tau", "SR_B3_p-value"]),
        (call("Reducer.max", numInputs=2), ["max", "max1"]),
        (call("Reducer.forEach", reducer=call("Reducer.sum"), outputNames=["a", "b"]), ["a", "b"]),
    ],
)
def test_names_of_reduced_bands(reducer: dict[str, Any], names: list[str]) -> None:
    """Source: the description of ImageCollection.reduce: with one input, band and output name; else the output's."""
    assert [band.id for band in _reduced(reducer, "SR_B4", "SR_B3").bands] == names


def test_types_of_reduced_bands() -> None:
    both = call("Reducer.combine", reducer1=call("Reducer.count"), reducer2=call("Reducer.stdDev"), sharedInputs=True)
    assert _bands(_reduced(both, "SR_B4")) == {"SR_B4_count": COUNT, "SR_B4_stdDev": (DOUBLE, None, None)}
    listed = _reduced(call("Reducer.toList"), "SR_B4").bands[0].data_type
    assert (listed.dimensions_count, listed.range.max) == (1, 65535)
    fitted = _reduced(call("Reducer.linearRegression", numX=1), "SR_B4", "SR_B3")
    assert [band.data_type.dimensions_count for band in fitted.bands] == [2, 1]
    twice = _reduced(call("Reducer.repeat", reducer=call("Reducer.max"), count=2), "SR_B4", "SR_B3").bands[0]
    assert (twice.id, twice.data_type.dimensions_count, twice.data_type.range.max) == ("max", 1, 65535)


def test_each_input_has_the_type_of_its_band() -> None:
    """Source: reducers with several inputs take the bands in order."""
    collection = _constants(
        call("Image.addBands", dstImg=_typed(1, "uint8"), srcImg=_typed(1, "double", "c")),
    )
    apart = call("Reducer.combine", reducer1=call("Reducer.max"), reducer2=call("Reducer.max"), outputPrefix="c_")
    message = _composite("ImageCollection.reduce", collection, reducer=apart)
    assert _bands(message) == {"max": (INT, 0, 255), "c_max": (DOUBLE, None, None)}
    means = call("Reducer.combine", reducer1=call("Reducer.mean"), reducer2=call("Reducer.last"))
    message = _composite("ImageCollection.reduce", collection, reducer=means)
    assert _bands(message) == {"mean": (DOUBLE, 0, 255), "last": (DOUBLE, None, None)}
    lasts = call("Reducer.forEach", reducer=call("Reducer.last"), outputNames=["x", "y"])
    message = _composite("ImageCollection.reduce", collection, reducer=lasts)
    assert _bands(message) == {"x": (INT, 0, 255), "y": (DOUBLE, None, None)}
    split = call("Reducer.splitWeights", reducer=call("Reducer.mean"))
    assert _bands(_composite("ImageCollection.reduce", collection, reducer=split)) == {"mean": (DOUBLE, 0, 255)}


def test_reducers_that_do_not_fit_are_refused() -> None:
    def refused(reducer: dict[str, Any]) -> str:
        reduced = call("ImageCollection.reduce", collection=ref("some"), reducer=reducer)
        return refusal(reduced, **_mapped(L8, "SR_B4")).message

    assert "The reducer has 2 inputs, but there are 1 band(s)" in refused(call("Reducer.linearFit"))
    assert "Output 'histogram' of the reducer is neither" in refused(call("Reducer.frequencyHistogram"))
    assert "Output 'groups' of the reducer is neither" in refused(
        call("Reducer.setOutputs", reducer=call("Reducer.frequencyHistogram"), outputs=["groups"])
    )
    odd = call("Reducer.setOutputs", reducer=call("Reducer.mean"), outputs=["a b"])
    assert "Invalid band name 'SR_B4_a b'" in refused(odd)


def test_bands_of_one_image_are_reduced() -> None:
    """Source: the description of Image.reduce: one band for each output of the reducer."""
    selected = call("Image.select", input=image(), bandSelectors=["SR_B4", "SR_B3"])
    message = only(call("Image.reduce", image=selected, reducer=call("Reducer.minMax")))
    assert _bands(message) == {"min": UINT16, "max": UINT16}
    source = only(selected)
    assert message.bands[0].grid == source.bands[0].grid
    assert message.geometry == source.geometry
    assert message.id == ""
    assert dict(message.properties) == {"system:index": "0"}
    error = refusal(call("Image.reduce", image=selected, reducer=call("Reducer.linearFit")))
    assert "must have a single input, but it has 2" in error.message
    none = call("Image.select", input=selected, bandSelectors=[])
    assert "no bands" in refusal(call("Image.reduce", image=none, reducer=call("Reducer.max"))).message


def test_reduce_resolution_names_bands_by_the_reducer() -> None:
    """Source: its description: a single output "will preserve the input band names"."""
    selected = call("Image.select", input=image(), bandSelectors=["SR_B4", "SR_B3"])

    def made(reducer: dict[str, Any]) -> EarthEngineAsset:
        message = only(call("Image.reduceResolution", image=selected, reducer=reducer))
        assert isinstance(message, EarthEngineAsset)
        return message

    mean = made(call("Reducer.mean"))
    assert _bands(mean) == {"SR_B4": (DOUBLE, 0, 65535), "SR_B3": (DOUBLE, 0, 65535)}
    assert mean.id == only(selected).id
    assert [band.grid for band in mean.bands] == [band.grid for band in only(selected).bands]
    assert list(_bands(made(call("Reducer.minMax")))) == ["SR_B4_min", "SR_B4_max", "SR_B3_min", "SR_B3_max"]
    assert list(_bands(made(call("Reducer.linearFit")))) == ["scale", "offset"]
    three = call("Reducer.linearRegression", numX=2)
    error = refusal(call("Image.reduceResolution", image=selected, reducer=three))
    assert "has 3 inputs, but there are 2 band(s)" in error.message


def test_array_reduce_keeps_the_dimensions() -> None:
    """Source: its description: "The output will have a length of 1 in all these axes"."""
    arrays = call("ImageCollection.toArray", collection=_constants(_typed(1, "uint8")))

    def made(reducer: dict[str, Any], axes: list[int], **arguments: Any) -> dict[str, Any]:
        return call("Image.arrayReduce", input=arrays, reducer=reducer, axes=axes, **arguments)

    for reducer, kind in ((call("Reducer.max"), (INT, 0, 255)), (call("Reducer.count"), COUNT)):
        message = only(made(reducer, [0]))
        assert _bands(message) == {"array": kind}
        assert message.bands[0].data_type.dimensions_count == 2
    both = only(made(call("Reducer.minMax"), [0], fieldAxis=1))
    assert _bands(both) == {"array": (INT, 0, 255)}
    assert "'fieldAxis' is required" in refusal(made(call("Reducer.minMax"), [0])).message
    assert "Axis 2 is not one of the 2 axes" in refusal(made(call("Reducer.max"), [2])).message
    assert "must be a number, not an array" in refusal(made(call("Reducer.toList"), [0])).message


def test_images_of_features() -> None:
    """Names: public scripts rename `first`; the three bands are those of Image.visualize."""
    features = call("Collection", features=[call("Feature")])

    def made(properties: list[str], reducer: dict[str, Any]) -> dict[str, Any]:
        return call("Collection.reduceToImage", collection=features, properties=properties, reducer=reducer)

    assert _bands(only(made(["p"], call("Reducer.first")))) == {"first": (DOUBLE, None, None)}
    assert list(_bands(only(made(["p", "q"], call("Reducer.linearFit"))))) == ["scale", "offset"]
    assert "has 1 input(s), but 2 properties" in refusal(made(["p", "q"], call("Reducer.first"))).message
    for drawn in (
        call("Collection.draw", collection=features, color="FF0000"),
        call("Collection.style", collection=features),
    ):
        assert _bands(only(drawn)) == dict.fromkeys(("vis-red", "vis-green", "vis-blue"), (INT, 0, 255))


# ------------------------------------------------------------------------------------------------- bands side by side


def test_to_bands() -> None:
    """Source: the description of ImageCollection.toBands: `image1_band1`, 5000 bands at most."""
    few = {**_mapped(MODIS, "NDVI", "EVI"), "few": call("Collection.limit", collection=ref("some"), limit=2)}
    message = _composite("ImageCollection.toBands", ref("few"), values=few)
    assert [band.id for band in message.bands] == [
        "2022_12_03_NDVI",
        "2022_12_03_EVI",
        "2022_12_19_NDVI",
        "2022_12_19_EVI",
    ]
    assert message.bands[0].grid.dimensions.width > 0  # each band is as it was
    many = call("Image.constant", value=list(range(2501)))
    error = refusal(call("ImageCollection.toBands", collection=_constants(many, many)))
    assert "5002 bands" in error.message


def test_arrays() -> None:
    """Source: descriptions of toArray ("the union of the types of each band") and toArrayPerBand."""
    collection = _constants(call("Image.addBands", dstImg=_typed(1, "uint8"), srcImg=_typed(1, "int16", "c")))
    (band,) = _composite("ImageCollection.toArray", collection).bands
    assert (band.id, band.data_type.dimensions_count) == ("array", 2)
    assert (band.data_type.range.min, band.data_type.range.max) == (-32768, 32767)
    message = _composite("ImageCollection.toArrayPerBand", collection)
    assert [(band.id, band.data_type.dimensions_count) for band in message.bands] == [("b", 1), ("c", 1)]
    again = _constants(call("ImageCollection.toArrayPerBand", collection=collection))
    for axis, dimensions in ((0, 1), (1, 2)):
        message = _composite("ImageCollection.toArrayPerBand", again, axis=axis)
        assert [band.data_type.dimensions_count for band in message.bands] == [dimensions] * 2
    error = refusal(call("ImageCollection.toArrayPerBand", collection=collection, axis=1))
    assert "'axis' must be from 0 to 0" in error.message
    assert "Band 'b' has arrays for values" in refusal(call("ImageCollection.toArray", collection=again)).message


def test_cast_gives_all_images_the_same_bands() -> None:
    """Source: the description of ImageCollection.cast."""
    collection = _constants(_typed(1, "uint8"), _typed(1, "double", "c"))
    cast = call(
        "ImageCollection.cast", collection=collection, bandTypes={"b": "int16", "c": "float"}, bandOrder=["c", "b"]
    )
    for message in images(cast).images:
        assert _bands(message) == {"c": (FLOAT, None, None), "b": (INT, -32768, 32767)}
    missing = call("ImageCollection.cast", collection=collection, bandTypes={"b": "int16"}, bandOrder=["b"])
    assert "'bandTypes' must include all bands, but 'c' is missing" in refusal(missing).message


# ------------------------------------------------------------------------------------------------------ image by image


def _with(index: str, **properties: Any) -> dict[str, Any]:
    named = dictionary(**{"system:index": index, **properties})
    return call("Element.setMulti", object=_typed(1, "uint8"), properties=named)


def test_combine_is_an_inner_join_of_bands() -> None:
    """Source: the description of ImageCollection.combine: "equivalent to an inner join on ID"."""
    first = _constants(_with("a", n=1), _with("b", n=2), _with("c", n=3))
    second = _constants(_with("c", n=30), _with("a", n=10), _with("d", n=40))
    result = images(call("ImageCollection.combine", primary=first, secondary=second))
    assert indexes(result) == ["a", "c"]
    assert [message.properties["n"] for message in result.images] == [1, 3]
    assert [[band.id for band in message.bands] for message in result.images] == [["b", "b_1"]] * 2
    over = images(call("ImageCollection.combine", primary=first, secondary=second, overwrite=True))
    assert [[band.id for band in message.bands] for message in over.images] == [["b"]] * 2
    apart = call("ImageCollection.combine", primary=load(MODIS), secondary=load(L8))
    assert value(call("Collection.size", collection=apart)) == 0


def _linked(source: Any, collection: Any, **arguments: Any) -> dict[str, Any]:
    return call("Image.linkCollection", input=source, imageCollection=collection, **arguments)


def test_linked_bands_and_properties() -> None:
    """Source: the description of Image.linkCollection."""
    source = call("Image.select", input=image("2023_01_17", MODIS), bandSelectors=["NDVI"])
    message = only(_linked(source, load(MODIS), linkedBands=["EVI", "NDVI"], linkedProperties="num_tiles"))
    assert [band.id for band in message.bands] == ["NDVI", "EVI"]
    assert message.id == f"{MODIS}/2023_01_17"
    assert message.properties["num_tiles"] == only(image("2023_01_17", MODIS)).properties["num_tiles"]
    assert only(_linked(source, load(MODIS))).bands == only(source).bands
    by_property = _linked(
        _with("z", n=2),
        _constants(_with("a", n=1, m="x"), _with("b", n=2, m="y")),
        linkedProperties=["m"],
        matchPropertyName="n",
    )
    assert only(by_property).properties["m"] == "y"


def test_an_image_without_a_match() -> None:
    """Source: its description: "new or updated bands will be fully masked and any ... metadata will be null"."""
    others = _constants(_with("a", m="x"))
    made = _linked(_with("z", m="old"), others, linkedBands="b", linkedProperties=["m"])
    result = images(_constants(made))
    assert _bands(result.images[0]) == {"b": (INT, 0, 255)}
    assert "m" not in result.images[0].properties
    assert "unlinked-bands-of-first" in result.assumptions
    nothing = call("Collection.limit", collection=others, limit=0)
    assert "no image to tell" in refusal(_linked(_with("z"), nothing, linkedBands="b")).message
    assert only(_linked(_with("z", m="old"), nothing)).properties["m"] == "old"
    unset = _linked(_with("z", m="old"), others, linkedProperties=["m"], matchPropertyName="missing")
    assert "m" not in only(unset).properties
    assert "must be a name or a list of names" in refusal(_linked(_with("z"), others, linkedBands=[1])).message


def test_linking_each_image_of_a_large_collection_looks_through_the_other_once() -> None:
    numbers = call("List.sequence", start=1, end=1500)
    values = {
        "number": function("numbered", "n"),
        "numbered": call(
            "Element.set", object=1, key="system:index", value=call("String.cat", string1="i", string2="x")
        ),
        "many": call("ImageCollection.fromImages", images=call("List.map", list=numbers, baseAlgorithm=ref("number"))),
        "link": function("linked"),
        "linked": _linked(arg(), ref("many"), linkedProperties=["missing"]),
    }
    result = call("Collection.map", collection=ref("many"), baseAlgorithm=ref("link"))
    assert value(call("Collection.size", collection=result), **values) == 1500


def test_long_names_are_counted_before_they_are_made() -> None:
    long = "i" * 900_000
    values = {"many": call("Image.constant", value=list(range(1000)))}
    named = call("Element.set", object=ref("many"), key="system:index", value=long)
    bands = call("ImageCollection.toBands", collection=_constants(named))
    assert "too large" in refusal(bands, **values).message
    renamed = call("Image.rename", input=call("Image.constant", value=1), names=[long])
    assert "has 900000 characters" in refusal(renamed).message  # so that no reducer can make many of it
    percents = [number / 100 for number in range(0, 10_000, 100)]
    reducer = call("Reducer.percentile", percentiles=percents)
    each = call("Reducer.forEach", reducer=reducer, outputNames=[long])
    assert "too large" in refusal(each).message
