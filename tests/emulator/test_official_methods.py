"""The REST methods of official clients, asked for by hand: what is described is served, what is wrong is refused."""

from __future__ import annotations

import http.client
import json
import re
import threading
from importlib import util
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from emulator_graphs import call, graph, load
from google.protobuf import json_format
from plain_callers import ask, catalog

from eegrpc.emulator import Catalog, Emulator, Quota
from eegrpc.emulator.evaluation.registry import algorithms
from eegrpc.emulator.official_client import algorithm_list as listing
from eegrpc.emulator.official_client import api as official_api
from eegrpc.emulator.official_client.api import OfficialApi
from eegrpc.emulator.server import API_VERSIONS
from eegrpc.v1alpha import EarthEngineAsset

if TYPE_CHECKING:
    from collections.abc import Iterator

COMPUTE = "/v1/projects/p/value:compute"
LIST = "/v1/projects/earthengine-public/assets/c:listAssets"


@pytest.fixture(scope="module")
def emulator() -> Iterator[Emulator]:
    with Emulator(catalog(20, 5), max_page_size=8) as running:
        yield running


def get(emulator: Emulator, path: str) -> tuple[int, Any]:
    status, headers, data = ask(emulator, "GET", path)
    assert headers["content-type"] == "application/json; charset=UTF-8"
    return status, json.loads(data)


def compute(emulator: Emulator, body: object, path: str = COMPUTE) -> tuple[int, Any]:
    status, _, data = ask(emulator, "POST", path, body)
    return status, json.loads(data)


def expression(result: Any, **values: Any) -> Any:
    return json_format.MessageToDict(graph(result, **values))


def methods(resource: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield from resource.get("methods", {}).values()
    for inner in resource.get("resources", {}).values():
        yield from methods(inner)


@pytest.mark.parametrize("version", API_VERSIONS)
def test_all_that_is_described_is_served(emulator: Emulator, version: str) -> None:
    """And has a `response`, without which googleapiclient hands back bytes, and names schemas that there are."""
    status, document = get(emulator, f"/$discovery/rest?version={version}&prettyPrint=false")
    assert (status, document["version"], document["rootUrl"]) == (200, version, f"{emulator.endpoint}/")
    described = list(methods(document))
    assert len(described) == 6
    for method in described:
        assert method["response"]["$ref"] in document["schemas"]
        assert method.get("request", {"$ref": "EarthEngineAsset"})["$ref"] in document["schemas"]
        values = {"{+parent}": "projects/p", "{+project}": "projects/p", "{+name}": "projects/p/assets/c/000"}
        if ".assets.listAssets" in method["id"]:
            values["{+parent}"] = "projects/earthengine-public/assets/c"
        path = method["path"]
        for name, parameter in method["parameters"].items():
            if parameter["location"] == "path":
                assert re.fullmatch(parameter["pattern"], values[f"{{+{name}}}"])
        for name, value in values.items():
            path = path.replace(name, value)
        body = {"expression": expression(load("c"))} if "request" in method else None
        status, _, answer = ask(emulator, method["httpMethod"], f"/{path}", body)
        # There is no asset of that name; what is no method has another text.
        assert status == 200 or (status == 404 and b"Asset 'projects/p/assets/c/000' not found" in answer), path


def test_discovery_of_a_version_that_there_is_not(emulator: Emulator) -> None:
    for query in ("", "?version=v2", "?version=%3Cb%3E"):
        status, answer = get(emulator, f"/$discovery/rest{query}")
        assert (status, answer["error"]["status"]) == (404, "NOT_FOUND")
        assert "<" not in answer["error"]["message"]
    assert get(emulator, "///%24discovery/rest?version=v1")[0] == 200


def test_the_list_of_algorithms_is_theirs_and_ours(emulator: Emulator) -> None:
    status, answer = get(emulator, "/v1/projects/p/algorithms?prettyPrint=false&alt=json")
    names = {each["name"].removeprefix("algorithms/") for each in answer["algorithms"]}
    assert status == 200
    assert len(names) == len(answer["algorithms"])
    assert names >= set(algorithms())
    spec = util.find_spec("ee")
    assert spec is not None
    assert spec.origin is not None
    theirs = json.loads((Path(spec.origin).parent / "tests" / "algorithms.json").read_text())["algorithms"]
    assert answer["algorithms"][: len(theirs)] == theirs


def test_the_list_of_algorithms_without_their_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(util, "find_spec", lambda _: None)
    listed = json.loads(listing.algorithm_list.__wrapped__())["algorithms"]
    assert [each["name"] for each in listed] == [f"algorithms/{name}" for name in sorted(algorithms())]
    limit = next(each for each in listed if each["name"] == "algorithms/Collection.limit")
    assert limit["returnType"] == "FeatureCollection"
    assert limit["arguments"][0] == {"argumentName": "collection", "type": "FeatureCollection"}
    assert limit["arguments"][3] == {
        "argumentName": "ascending",
        "type": "Boolean",
        "optional": True,
        "defaultValue": True,
    }


def test_pages_are_as_small_as_the_emulator_was_told(emulator: Emulator) -> None:
    sizes, token = [], ""
    while True:
        status, page = get(emulator, f"{LIST}?pageSize=1000&view=BASIC&pageToken={token}")
        assert status == 200
        sizes.append(len(page["assets"]))
        token = page.get("nextPageToken", "")
        if not token:
            break
    assert sizes == [8, 8, 4]


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("pageSize=-1", "page_size"),
        ("pageSize=x", "page_size"),
        ("pageSize=2147483648", "page_size"),
        ("pageSize=" + "9" * 5000, "page_size"),
        ("pageSize=%D9%A3", "page_size"),
        ("pageSize=1&pageSize=2", "twice"),
        ("pageToken=nonsense", "page token"),
        ("view=EVERYTHING", "view"),
        ("filter=CLOUD_COVER%3C3", "unknown field 'CLOUD_COVER'"),
        ("fields=assets.name", 'Unknown name "fields"'),
        ("parent=c", 'Unknown name "parent"'),
        ("alt=proto", "only json"),
        ("%ff=%fe", "Unknown name"),
    ],
)
def test_wrong_parameters_are_refused_by_name(emulator: Emulator, query: str, message: str) -> None:
    status, answer = get(emulator, f"{LIST}?{query}")
    assert (status, answer["error"]["code"], answer["error"]["status"]) == (400, 400, "INVALID_ARGUMENT")
    assert message in answer["error"]["message"]
    assert answer["error"]["details"][0]["reason"] == "INVALID_REQUEST"


@pytest.mark.parametrize("query", ["key=k", "$.xgafv=2", "quotaUser=me", "prettyPrint=true", "access_token=t", ""])
def test_system_parameters_have_no_effect(emulator: Emulator, query: str) -> None:
    assert get(emulator, f"{LIST}?{query}") == get(emulator, LIST)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "Missing field: expression"),
        (b"{}", "Missing field: expression"),
        (b"[]", "Invalid JSON payload"),
        (b"not json", "Invalid JSON payload"),
        (b'{"expression": 3}', "Invalid JSON payload"),
        (b'{"expression": {"result": "0"}, "pageSize": 3}', 'Unknown name "pageSize"'),
        (b'{"expression": {"result": "0"}, "unknown": 3}', "unknown"),
        (b'{"expression": {"result": "0"}, "workloadTag": "!"}', "Invalid workloadTag"),
        (b'{"expression": {"result": "0"}}', "0"),
        (b"[" * 100_000, "Invalid JSON payload"),
        (
            b'{"expression": {"result": "0", "values": {"0": {"constantValue": ' + b"[" * 5000 + b"]" * 5000 + b"}}}}",
            "",
        ),
    ],
)
def test_wrong_bodies_are_refused(emulator: Emulator, body: bytes, message: str) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", emulator.port, timeout=30)
    connection.request("POST", COMPUTE, body, {"content-type": "application/json"})
    response = connection.getresponse()
    answer = json.loads(response.read())
    connection.close()
    assert (response.status, answer["error"]["status"]) == (400, "INVALID_ARGUMENT")
    assert message in answer["error"]["message"]


def test_an_error_says_where_in_the_graph_and_which_function(emulator: Emulator) -> None:
    status, answer = compute(emulator, {"expression": expression(call("No.such"))})
    (info,) = answer["error"]["details"]
    assert (status, info["reason"], info["domain"]) == (400, "UNSUPPORTED_BY_EMULATOR", "emulator.eegrpc")
    assert info["metadata"]["function"] == "No.such"
    status, answer = compute(emulator, {"expression": expression(call("Image.load", id="c/none"))})
    (info,) = answer["error"]["details"]
    assert (status, info["reason"]) == (400, "INVALID_EXPRESSION")
    assert info["metadata"]["path"].endswith("Image.load")


def test_choices_of_ours_are_named_in_a_header(emulator: Emulator) -> None:
    body = {"expression": expression(call("Collection.limit", collection=load("c"), limit=2))}
    _, headers, _ = ask(emulator, "POST", COMPUTE, body)
    assert headers["grpc-trailer-x-emulator-assumptions"] == "collection-keeps-id"
    _, headers, _ = ask(emulator, "POST", COMPUTE, {"expression": expression(call("Reducer.mean"))})
    assert headers["grpc-trailer-x-emulator-assumptions"] == "shown-as-called"
    _, headers, _ = ask(emulator, "POST", COMPUTE, {"expression": expression(load("c"))})
    assert "grpc-trailer-x-emulator-assumptions" not in headers


class _Place(NamedTuple):
    catalog: Catalog
    stubs: dict[str, Any]


def test_projects_find_their_own_assets_and_stubs() -> None:
    """For computations the project is in the path; for assets, which are of other projects, it is who asks."""
    worlds = {
        f"projects/{name}": _Place(
            Catalog([EarthEngineAsset(id=f"c/{name}")]), {"Number.add": lambda number=number, **_: number}
        )
        for number, name in enumerate(("one", "two"))
    }
    api = OfficialApi(worlds.__getitem__, 10, ["v1"])
    added = json.dumps({"expression": expression(call("Number.add", left=1, right=1))}).encode()
    for number, name in enumerate(("one", "two")):
        found = api.find("POST", f"/v1/projects/{name}/value:compute")
        assert found is not None
        asked = found._replace(body=added, user_project="another")
        assert json.loads(api.answer(asked, api.read(asked)).body) == {"result": number}
        found = api.find("GET", "/v1/projects/earthengine-public/assets/c:listAssets")
        assert found is not None
        asked = found._replace(user_project=name)
        (asset,) = json.loads(api.answer(asked, api.read(asked)).body)["assets"]
        assert asset["id"] == f"c/{name}"


def test_evaluation_keeps_nobody_waiting(emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    """It runs on the emulator's threads, not on that of its event loop."""
    names = []

    def evaluate(*_: Any) -> tuple[None, tuple[str, ...]]:
        names.append(threading.current_thread().name)
        return None, ()

    monkeypatch.setattr(official_api, "evaluate_to", evaluate)
    assert compute(emulator, {"expression": expression(1)}) == (200, {"result": None})
    assert re.fullmatch(r"emulator_[0-9]+", names[0])


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/v1/projects/p/algorithms"),
        ("DELETE", "/v1/projects/p/assets/c/000"),
        ("PATCH", "/v1/projects/p/assets/c/000"),
        ("GET", COMPUTE),
        ("GET", "/v2/projects/p/algorithms"),
        ("GET", "/v1/projects/p"),
        ("GET", "/v1/projects/p/operations"),
        ("POST", "/v1/projects/p/image:computePixels"),
        ("GET", "/v1/projects/p/assets/a/../b"),
        ("GET", "/v1/projects//algorithms"),
    ],
)
def test_what_there_is_not_keeps_its_error(emulator: Emulator, method: str, path: str) -> None:
    status, _, data = ask(emulator, method, path, {})
    error = json.loads(data)["error"]
    assert (status, error["code"]) == (404, 404)
    assert "Asset" not in error["message"]


def test_only_a_post_stands_for_a_get(emulator: Emulator) -> None:
    def answer(method: str, override: str, body: bytes) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", emulator.port, timeout=30)
        connection.request(method, LIST, body, {"x-http-method-override": override})
        response = connection.getresponse()
        found = response.status, response.read()
        connection.close()
        return found

    assert answer("POST", "GET", b"pageSize=1&view=BASIC") == ask(emulator, "GET", f"{LIST}?pageSize=1&view=BASIC")[::2]
    assert answer("POST", "GET", b"\xff=1")[0] == 400
    assert answer("PUT", "GET", b"")[0] == 404
    assert answer("POST", "DELETE", b"")[0] == 404


def test_numbers_that_json_has_not_are_refused() -> None:
    image = EarthEngineAsset(type="IMAGE", id="c/1")
    image.properties["nan"] = float("nan")
    image.properties["huge"] = float("inf")
    with Emulator([image]) as emulator:
        for name in ("nan", "huge"):
            get_it = call("Element.get", object=call("Image.load", id="c/1"), property=name)
            status, answer = compute(emulator, {"expression": expression(get_it)})
            assert status == 400
            assert "which JSON cannot" in answer["error"]["message"]
        for path in ("c/1", "c:listAssets"):
            status, answer = get(emulator, f"/v1/projects/earthengine-public/assets/{path}")
            assert (status, answer["error"]["status"]) == (400, "INVALID_ARGUMENT")
            assert "Asset 'c/1' has no JSON form" in answer["error"]["message"]


def test_quota_and_faults_are_for_compute_images_alone() -> None:
    with Emulator(catalog(1, 1), quota=Quota(per_second=0.001)) as emulator:
        assert [ask(emulator)[0] for _ in range(2)] == [200, 429]
        assert compute(emulator, {"expression": expression(load("c"))})[0] == 200
        assert get(emulator, LIST)[0] == 200
