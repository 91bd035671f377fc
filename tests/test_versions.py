"""api_version changes the gRPC name and the REST path of our service, and nothing else."""

from __future__ import annotations

from concurrent import futures

import grpc
import grpc.aio
import pytest
from fallback_peers import Port, client, http1_answers, http1_only, splice

import eegrpc
from eegrpc._versions import http_rules, versioned_path
from eegrpc.v1alpha import ComputeImagesRequest, ComputeImagesResponse

VERSIONS = ("v1alpha", "v1beta", "v1")


@pytest.fixture(params=("sync", "aio"))
def colour(request):
    return request.param


class AnyMethod(grpc.GenericRpcHandler):
    """Answers every method, and remembers its path."""

    def __init__(self):
        self.paths = []

    def service(self, call):
        self.paths.append(call.method)
        return grpc.unary_unary_rpc_method_handler(
            lambda request, _: ComputeImagesResponse(next_page_token=request.page_token),
            ComputeImagesRequest.FromString,
            ComputeImagesResponse.SerializeToString,
        )


@pytest.fixture
def port():
    """A port that speaks both, with the handler of gRPC under `handler`."""
    handler, server = AnyMethod(), grpc.server(futures.ThreadPoolExecutor(4), handlers=())
    server.add_generic_rpc_handlers((handler,))
    number = server.add_insecure_port("127.0.0.1:0")
    server.start()
    with Port(splice(number), http1_answers()) as port:
        port.handler = handler
        yield port
    server.stop(None).wait()


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("transport", ["grpc", "auto"])
def test_the_path_by_grpc(port, colour, version, transport):
    with client(colour, port.url, transport=transport, api_version=version) as channel:
        for token in ("first", "settled"):
            assert channel.call(token).token == token
    assert port.handler.paths == [f"/google.earthengine.{version}.EarthEngine/ComputeImages"] * 2
    assert port.requests == []


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("transport", ["rest", "auto"])
def test_the_path_by_rest(port, colour, version, transport):
    port.scripts["http2"] = http1_only
    with client(colour, port.url, transport=transport, api_version=version) as channel:
        for token in ("first", "settled"):
            assert channel.call(token).token == "raw"
    expected = f"POST /{version}/projects/p/imageCollection:computeImages HTTP/1.1"
    assert [line for line, _ in port.requests] == [expected] * 2
    assert port.handler.paths == []


def test_interceptors_see_the_name_of_the_stub(port, colour):
    seen = []

    class Sync(grpc.UnaryUnaryClientInterceptor):
        def intercept_unary_unary(self, continuation, details, request):
            seen.append(details.method)
            return continuation(details, request)

    class Aio(grpc.aio.UnaryUnaryClientInterceptor):
        async def intercept_unary_unary(self, continuation, details, request):
            seen.append(details.method.decode())
            return await continuation(details, request)

    for transport in ("grpc", "rest", "auto"):
        interceptor = Sync() if colour == "sync" else Aio()
        with client(colour, port.url, transport=transport, api_version="v1", interceptors=[interceptor]) as channel:
            assert channel.call().code is grpc.StatusCode.OK
    assert seen == ["/google.earthengine.v1alpha.EarthEngine/ComputeImages"] * 3


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/google.earthengine.v1alpha.EarthEngine/ComputeImages", "/google.earthengine.v1.EarthEngine/ComputeImages"),
        ("/google.earthengine.v1alphabet.EarthEngine/X", "/google.earthengine.v1alphabet.EarthEngine/X"),
        ("/google.longrunning.Operations/GetOperation", "/google.longrunning.Operations/GetOperation"),
        ("/x/google.earthengine.v1alpha.EarthEngine/X", "/x/google.earthengine.v1alpha.EarthEngine/X"),
    ],
)
def test_other_services_keep_their_names(path, expected):
    assert versioned_path(path, "v1") == expected


def test_rules_are_those_of_the_stub_with_another_version():
    assert http_rules("v1alpha") == ()
    for version in ("v1", "v1beta"):
        (rule,) = http_rules(version)
        assert rule.selector == "google.earthengine.v1alpha.EarthEngine.ComputeImages"
        assert rule.post == f"/{version}/{{project=projects/*}}/imageCollection:computeImages"
        assert rule.body == "*"


def test_an_unknown_version_is_refused(colour):
    create = eegrpc.create_channel if colour == "sync" else eegrpc.create_aio_channel
    with pytest.raises(ValueError, match="api_version"):
        create("http://127.0.0.1:1", api_version="v2")
