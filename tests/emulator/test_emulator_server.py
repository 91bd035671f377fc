"""The emulator as its users see it: one port, two protocols, three API versions, and Google's manners."""

import contextlib
import gzip
import http.client
import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.rpc import error_details_pb2
from grpc_status import rpc_status

import eegrpc
from eegrpc.emulator import Catalog, Emulator
from eegrpc.v1alpha import ComputeImagesRequest, ComputeImagesResponse, EarthEngineAsset, EarthEngineStub, Expression

DATA = Path(__file__).parents[1] / "data"
TRANSPORTS = ["grpc", "rest"]
PUBLIC = "projects/earthengine-public/assets"


def load(collection: str = "MODIS/061/MOD13Q1") -> dict[str, Any]:
    call = {"functionName": "ImageCollection.load", "arguments": {"id": {"constantValue": collection}}}
    return {"result": "0", "values": {"0": {"functionInvocationValue": call}}}


@pytest.fixture(scope="module")
def emulator() -> Iterator[Emulator]:
    with Emulator(DATA / "catalog_sample.ndjson") as running:
        yield running


@pytest.fixture(params=TRANSPORTS)
def stub(emulator: Emulator, request: pytest.FixtureRequest) -> Iterator[EarthEngineStub]:
    with eegrpc.create_channel(emulator.endpoint, transport=request.param) as channel:
        yield EarthEngineStub(channel)


def request(**fields: Any) -> ComputeImagesRequest:
    from google.protobuf import json_format

    message = ComputeImagesRequest(project="projects/p")
    json_format.ParseDict({"expression": load()} | fields, message)
    return message


def post(emulator: Emulator, path: str, body: object, **headers: str) -> tuple[int, dict[str, str], Any]:
    connection = http.client.HTTPConnection("127.0.0.1", emulator.port)
    try:
        connection.request("POST", path, json.dumps(body), {"content-type": "application/json", **headers})
        response = connection.getresponse()
        data = response.read()
        found = {name.lower(): value for name, value in response.getheaders()}
        if found.get("content-encoding") == "gzip":
            data = gzip.decompress(data)
        return response.status, found, json.loads(data)
    finally:
        connection.close()


PATH = "/v1alpha/projects/p/imageCollection:computeImages"


@pytest.mark.parametrize("version", ["v1alpha", "v1beta", "v1"])
@pytest.mark.parametrize("transport", TRANSPORTS)
def test_every_api_version_answers_on_both_transports(emulator: Emulator, transport: str, version: str) -> None:
    with eegrpc.EarthEngineClient("p", endpoint=emulator.endpoint, transport=transport, api_version=version) as client:
        assert len(list(client.compute_images(load()))) == 14


def test_pages_partition_the_collection(stub: EarthEngineStub) -> None:
    whole = stub.ComputeImages(request())
    assert whole.next_page_token == ""
    seen, token, sizes = [], "", []
    while True:
        page = stub.ComputeImages(request(pageSize=5, pageToken=token))
        seen += page.images
        sizes.append(len(page.images))
        token = page.next_page_token
        if not token:
            break
    assert sizes == [5, 5, 4]
    assert seen == list(whole.images)


def test_the_maximum_page_size_cuts_larger_requests(emulator: Emulator) -> None:
    with Emulator(DATA / "catalog_sample.ndjson", max_page_size=2) as small:
        with eegrpc.EarthEngineClient("p", endpoint=small.endpoint) as client:
            pages = list(client.compute_images(load(), page_size=1000).pages)
        assert [len(page.images) for page in pages] == [2] * 7


def test_pages_may_be_resumed_on_the_other_transport(emulator: Emulator) -> None:
    tokens = {}
    for transport in TRANSPORTS:
        with eegrpc.create_channel(emulator.endpoint, transport=transport) as channel:
            tokens[transport] = EarthEngineStub(channel).ComputeImages(request(pageSize=3)).next_page_token
    assert tokens["grpc"] == tokens["rest"] != ""


def failure(stub: EarthEngineStub, message: ComputeImagesRequest) -> tuple[grpc.RpcError, error_details_pb2.ErrorInfo]:
    with pytest.raises(grpc.RpcError) as caught:
        stub.ComputeImages(message)
    status = rpc_status.from_call(caught.value)  # type: ignore[arg-type]
    assert status is not None
    info = error_details_pb2.ErrorInfo()
    assert status.details[0].Unpack(info)
    return caught.value, info


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"pageToken": "not a token"}, "page token"),
        ({"pageToken": "AAAAAAAAAAMAAAAAAAAAAAAAAAA"}, "page token"),
        ({"pageSize": -1}, "pageSize"),
        ({"workloadTag": "Not A Tag"}, "workloadTag"),
        ({"expression": {"values": {}, "result": "0"}}, "0"),
    ],
)
def test_bad_requests_are_refused_and_named(stub: EarthEngineStub, fields: dict[str, Any], message: str) -> None:
    error, info = failure(stub, request(**fields))
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert message in (error.details() or "")
    assert info.domain == "emulator.eegrpc"


def test_a_token_serves_no_other_expression(stub: EarthEngineStub) -> None:
    token = stub.ComputeImages(request(pageSize=3)).next_page_token
    error, _ = failure(stub, request(pageToken=token, expression=load("ECMWF/ERA5_LAND/DAILY_AGGR")))
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT


def test_what_is_not_supported_is_named_with_its_place(stub: EarthEngineStub) -> None:
    inner = {"functionName": "Image.doMagic", "arguments": {}}
    call = {
        "functionName": "ImageCollection.fromImages",
        "arguments": {"images": {"arrayValue": {"values": [{"functionInvocationValue": inner}]}}},
    }
    expression = {"result": "0", "values": {"0": {"functionInvocationValue": call}}}
    error, info = failure(stub, request(expression=expression))
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert info.reason == "UNSUPPORTED_BY_EMULATOR"
    assert info.metadata["function"] == "Image.doMagic"
    assert "ImageCollection.fromImages" in info.metadata["path"]


def test_unsupported_is_400_on_rest_so_that_the_official_client_does_not_retry(emulator: Emulator) -> None:
    expression = load()
    expression["values"]["0"]["functionInvocationValue"]["functionName"] = "ImageCollection.doMagic"
    status, _, body = post(emulator, PATH, {"expression": expression})
    assert status == 400
    assert body["error"]["status"] == "INVALID_ARGUMENT"
    assert body["error"]["code"] == 400
    assert body["error"]["details"][0]["reason"] == "UNSUPPORTED_BY_EMULATOR"


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_field_masks_are_honoured_on_both_transports(emulator: Emulator, transport: str) -> None:
    with eegrpc.EarthEngineClient("p", endpoint=emulator.endpoint, transport=transport) as client:
        images = list(client.compute_images(load(), fields="images.name", page_size=5))
    assert len(images) == 14
    assert all(image.name and not image.bands and not image.HasField("properties") for image in images)


def test_field_masks_as_google_takes_them_on_rest(emulator: Emulator) -> None:
    body = {"expression": load(), "pageSize": 1}
    for target, headers in (
        (f"{PATH}?$fields=images.id", {}),
        (f"{PATH}?fields=images(id)", {}),
        (PATH, {"x-goog-fieldmask": "images.id"}),
    ):
        status, _, answer = post(emulator, target, body, **headers)
        assert (status, answer) == (200, {"images": [{"id": "MODIS/061/MOD13Q1/2022_12_03"}]})
    status, _, answer = post(emulator, f"{PATH}?fields=pictures", body)
    assert (status, answer["error"]["status"]) == (400, "INVALID_ARGUMENT")


def test_the_assumptions_an_answer_rests_on_are_named(stub: EarthEngineStub) -> None:
    sort = {
        "functionName": "Collection.limit",
        "arguments": {
            "collection": {
                "functionInvocationValue": load("COPERNICUS/S2_SR_HARMONIZED")["values"]["0"]["functionInvocationValue"]
            },
            "key": {"constantValue": "CLOUDY_PIXEL_PERCENTAGE"},
        },
    }
    expression = {"result": "0", "values": {"0": {"functionInvocationValue": sort}}}
    _, call = stub.ComputeImages.with_call(request(expression=expression))
    assert dict(call.trailing_metadata())["x-emulator-assumptions"]
    _, call = stub.ComputeImages.with_call(request())
    assert "x-emulator-assumptions" not in dict(call.trailing_metadata())


@pytest.mark.parametrize(
    ("path", "status", "name"),
    [
        ("/v1alpha/projects/p/imageCollection:computePixels", 404, "NOT_FOUND"),
        ("/v2/projects/p/imageCollection:computeImages", 404, "NOT_FOUND"),
        ("/", 404, "NOT_FOUND"),
        ("/v1/projects//imageCollection:computeImages", 404, "NOT_FOUND"),
    ],
)
def test_errors_of_routing_have_googles_shape(emulator: Emulator, path: str, status: int, name: str) -> None:
    found, headers, body = post(emulator, path, {})
    assert (found, body["error"]["code"], body["error"]["status"]) == (status, status, name)
    assert headers["content-type"].startswith("application/json")


def test_unknown_request_fields_are_refused_as_google_does(emulator: Emulator) -> None:
    status, _, body = post(emulator, PATH, {"expression": load(), "pageSise": 3})
    assert status == 400
    assert "pageSise" in body["error"]["message"]


def test_rest_answers_are_compressed_for_those_who_ask(emulator: Emulator) -> None:
    _, headers, _ = post(emulator, PATH, {"expression": load()}, **{"accept-encoding": "gzip"})
    assert headers["content-encoding"] == "gzip"
    _, headers, _ = post(emulator, PATH, {"expression": load()})
    assert "content-encoding" not in headers


@pytest.mark.parametrize("coding", ["", "gzip"])
@pytest.mark.parametrize("framing", ["length", "chunked"])
@pytest.mark.parametrize("over", [0, 1])
def test_emu_04_a_request_of_ten_megabytes_and_a_byte(emulator: Emulator, over: int, framing: str, coding: str) -> None:
    body = json.dumps({"expression": load()}).encode().ljust(10_000_000 + over)
    if coding:
        body = gzip.compress(body, compresslevel=1)
    headers = {"content-type": "application/json"} | ({"content-encoding": coding} if coding else {})
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", emulator.port, timeout=30)) as connection:
        connection.request("POST", PATH, iter([body]) if framing == "chunked" else body, headers)
        response = connection.getresponse()
        answer = json.loads(response.read())
    if over:
        assert (response.status, answer["error"]["status"]) == (400, "INVALID_ARGUMENT")
        assert "exceeds the limit" in answer["error"]["message"]
    else:
        assert (response.status, len(answer["images"])) == (200, 14)


def test_emu_01_bytes_that_are_no_protocol_are_answered_or_closed(emulator: Emulator) -> None:
    for junk in (b"\x16\x03\x01\x00", b"PRI * HTTP/2.0\r\n\r\nnonsense", b"P\r\n\r\n", b"GET /\r\n\r\n", b"\0" * 100):
        with socket.create_connection(("127.0.0.1", emulator.port), timeout=10) as connection:
            connection.sendall(junk)
            connection.shutdown(socket.SHUT_WR)
            while connection.recv(65536):
                pass
    with eegrpc.EarthEngineClient("p", endpoint=emulator.endpoint) as client:
        assert len(list(client.compute_images(load()))) == 14


@contextlib.contextmanager
def open_files(count: int) -> Iterator[None]:
    """Allow this process that many open files; skip the test where it may not."""
    resource = pytest.importorskip("resource")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < count:
        pytest.skip(f"only {hard} files may be open")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, count), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_emu_06_idle_connections_and_neighbours_do_no_harm() -> None:
    with contextlib.ExitStack() as running:
        running.enter_context(open_files(4096))
        emulators = [
            running.enter_context(
                Emulator([EarthEngineAsset(id=f"c/{i}", name=f"{PUBLIC}/c/{i}", type=EarthEngineAsset.IMAGE)])
            )
            for i in range(50)
        ]
        for _ in range(1000):
            running.enter_context(socket.create_connection(("127.0.0.1", emulators[0].port)))
        for number, emulator in enumerate(emulators):
            with eegrpc.EarthEngineClient(
                "p", endpoint=emulator.endpoint, transport=TRANSPORTS[number % 5 > 0]
            ) as client:
                assert [image.id for image in client.compute_images(load("c"))] == [f"c/{number}"]


def test_a_taken_port_is_an_error_and_a_stopped_emulator_gives_its_port_back() -> None:
    with Emulator(Catalog([])) as first, pytest.raises(OSError, match=r"in use|Address"):
        Emulator(Catalog([]), port=first.port).start()
    with Emulator(Catalog([]), port=first_port(first)) as again:
        assert again.port


def first_port(emulator: Emulator) -> int:
    with pytest.raises(RuntimeError, match="not running"):
        _ = emulator.port
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def test_stopping_ends_running_connections() -> None:
    with Emulator(Catalog([])) as emulator:
        held = socket.create_connection(("127.0.0.1", emulator.port))
    with held:
        held.settimeout(10)
        with contextlib.suppress(ConnectionResetError):
            assert held.recv(1) == b""


def test_a_large_answer_passes_the_port(emulator: Emulator) -> None:
    many = [
        EarthEngineAsset(
            id=f"big/{i:04}",
            name=f"projects/earthengine-public/assets/big/{i:04}",
            type="IMAGE",
            description="x" * 20_000,
        )
        for i in range(600)
    ]
    with Emulator(many) as big:
        answers: list[ComputeImagesResponse] = []
        for transport in TRANSPORTS:
            with eegrpc.create_channel(big.endpoint, transport=transport) as channel:
                message = ComputeImagesRequest(project="projects/p")
                from google.protobuf import json_format

                message.expression.CopyFrom(json_format.ParseDict(load("big"), Expression()))
                answers.append(EarthEngineStub(channel).ComputeImages(message, timeout=60))
        assert answers[0] == answers[1]
        assert answers[0].ByteSize() > 12_000_000
