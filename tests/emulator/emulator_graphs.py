"""Short ways to write expression graphs in tests, and to evaluate them on the sample catalog."""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import Any

from google.protobuf import json_format

from eegrpc.emulator.catalog import Catalog
from eegrpc.emulator.evaluation.evaluator import EvaluationError, ImageResult, _run, evaluate, evaluate_images
from eegrpc.v1alpha import Expression

DATA = Path(__file__).parent.parent / "data"
S2 = "COPERNICUS/S2_SR_HARMONIZED"
L8 = "LANDSAT/LC08/C02/T1_L2"
MODIS = "MODIS/061/MOD13Q1"
ERA5 = "ECMWF/ERA5_LAND/DAILY_AGGR"
NODE_KINDS = {
    "constantValue",
    "integerValue",
    "arrayValue",
    "dictionaryValue",
    "functionDefinitionValue",
    "functionInvocationValue",
    "argumentReference",
    "valueReference",
}


@functools.lru_cache(maxsize=1)
def sample() -> Catalog:
    return Catalog.from_ndjson(DATA / "catalog_sample.ndjson")


@functools.lru_cache(maxsize=1)
def expressions() -> dict[str, Expression]:
    rows = [json.loads(line) for line in (DATA / "expressions.ndjson").read_text().splitlines()]
    return {row["name"]: json_format.ParseDict(row["expression"], Expression()) for row in rows}


def node(value: Any) -> dict[str, Any]:
    """A node as it is; a list or anything else as a constant, or as an array if there are nodes in it."""
    if isinstance(value, dict) and len(value) == 1 and next(iter(value)) in NODE_KINDS:
        return value
    if isinstance(value, list) and any(isinstance(item, dict) and node(item) is item for item in value):
        return {"arrayValue": {"values": [node(item) for item in value]}}
    return {"constantValue": value}


def call(function: str, /, **arguments: Any) -> dict[str, Any]:
    named = {name.rstrip("_"): node(value) for name, value in arguments.items()}
    return {"functionInvocationValue": {"functionName": function, "arguments": named}}


def apply(function: dict[str, Any] | str, /, **arguments: Any) -> dict[str, Any]:
    named = {name: node(value) for name, value in arguments.items()}
    return {"functionInvocationValue": {"functionReference": function, "arguments": named}}


def ref(key: str) -> dict[str, Any]:
    return {"valueReference": key}


def arg(name: str = "x") -> dict[str, Any]:
    return {"argumentReference": name}


def function(body: str, *names: str) -> dict[str, Any]:
    return {"functionDefinitionValue": {"argumentNames": list(names or ("x",)), "body": body}}


def dictionary(**values: Any) -> dict[str, Any]:
    return {"dictionaryValue": {"values": {name: node(value) for name, value in values.items()}}}


def graph(result: Any, **values: Any) -> Expression:
    nodes = {"result": node(result), **{key: node(value) for key, value in values.items()}}
    return json_format.ParseDict({"result": "result", "values": nodes}, Expression())


def value(result: Any, **values: Any) -> Any:
    return evaluate(graph(result, **values), sample())


def assumed(result: Any, **values: Any) -> tuple[str, ...]:
    """Names of the assumptions on which the value rests."""
    return _run(graph(result, **values), sample(), {})[1].assumptions


def images(result: Any, **values: Any) -> ImageResult:
    return evaluate_images(graph(result, **values), sample())


def refusal(result: Any, **values: Any) -> EvaluationError:
    try:
        found = evaluate(graph(result, **values), sample())
    except EvaluationError as error:
        return error
    raise AssertionError(f"not refused, but {found!r}")


def load(asset_id: str = L8) -> dict[str, Any]:
    return call("ImageCollection.load", id=asset_id)


def image(index: str = "LC08_044034_20230122", collection: str = L8) -> dict[str, Any]:
    return call("Image.load", id=f"{collection}/{index}")


def only(built: Any, **values: Any) -> Any:
    """The message of a single image."""
    result = images(call("ImageCollection.fromImages", images=[built]), **values)
    assert len(result) == 1
    return result.images[0]


def indexes(result: ImageResult) -> list[str]:
    """What stands for each image: its index if it was re-indexed, else the last part of its id."""
    return [
        message.properties["system:index"] if "system:index" in message.properties else message.id.rpartition("/")[2]
        for message in result.images
    ]
