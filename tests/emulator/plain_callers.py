"""Callers of the emulator that are nobody's library: grpc's own channel, and http.client."""

from __future__ import annotations

import contextlib
import http.client
import json
from typing import TYPE_CHECKING, Any

import grpc
from google.protobuf import json_format
from grpc_status import rpc_status

from eegrpc.v1alpha import ComputeImagesRequest, EarthEngineAsset, EarthEngineStub

if TYPE_CHECKING:
    from collections.abc import Iterator

    from google.protobuf.message import Message

    from eegrpc.emulator import Emulator

PATH = "/v1alpha/projects/p/imageCollection:computeImages"
PATIENCE = 30.0
_CALL = {"functionName": "ImageCollection.load", "arguments": {"id": {"constantValue": "c"}}}
EXPRESSION = {"result": "0", "values": {"0": {"functionInvocationValue": _CALL}}}


def catalog(count: int = 20, size: int = 500) -> list[EarthEngineAsset]:
    """Return the images `c/0`, `c/1`, ... with a description of `size` characters each."""
    return [
        EarthEngineAsset(
            id=f"c/{number:03}",
            name=f"projects/earthengine-public/assets/c/{number:03}",
            type="IMAGE",
            description=f"{number % 10}" * size,
        )
        for number in range(count)
    ]


def message(**fields: Any) -> ComputeImagesRequest:
    """Return a request for all images."""
    return json_format.ParseDict({"expression": EXPRESSION} | fields, ComputeImagesRequest(project="projects/p"))


@contextlib.contextmanager
def grpc_stub(emulator: Emulator, *, resend: int = 0) -> Iterator[EarthEngineStub]:
    """Yield a stub on grpc's own channel and a connection of its own.

    Only with `resend` does grpc send again by itself what no server has worked on, which a call that comes while a
    GOAWAY is dealt with needs.
    """
    options = [("grpc.enable_retries", resend), ("grpc.use_local_subchannel_pool", 1)]
    with grpc.insecure_channel(f"127.0.0.1:{emulator.port}", options) as channel:
        yield EarthEngineStub(channel)


def grpc_failure(stub: EarthEngineStub, **call: Any) -> grpc.RpcError:
    """Return the error that a call ends with."""
    try:
        stub.ComputeImages(message(), timeout=PATIENCE, **call)
    except grpc.RpcError as error:
        return error
    raise AssertionError("the call went well")


def details(error: grpc.RpcError, *kinds: Message) -> list[Message]:
    """Return the details of an error's google.rpc.Status, which are of these kinds."""
    status = rpc_status.from_call(error)  # type: ignore[arg-type]
    assert status is not None
    assert len(status.details) == len(kinds)
    for detail, kind in zip(status.details, kinds, strict=True):
        assert detail.Unpack(kind)
    return list(kinds)


def ask(
    emulator: Emulator, method: str = "POST", path: str = PATH, body: object = None, **headers: str
) -> tuple[int, http.client.HTTPMessage, bytes]:
    """Return status, headers and body of the answer to one request on a connection of its own."""
    connection = http.client.HTTPConnection("127.0.0.1", emulator.port, timeout=PATIENCE)
    try:
        data = json.dumps({"expression": EXPRESSION} if body is None and method == "POST" else body)
        connection.request(method, path, data, {"content-type": "application/json"} | headers)
        response = connection.getresponse()
        return response.status, response.headers, response.read()
    finally:
        connection.close()
