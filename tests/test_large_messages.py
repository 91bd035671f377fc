"""Large pages with default settings, over both transports; they are few huge strings, which are cheap to map."""

import grpc
import pytest
from servers import ScriptedServicer, grpc_server, rest_server

from eegrpc.v1alpha import ComputeImagesRequest, ComputeImagesResponse

Code = grpc.StatusCode
MB = 1000 * 1000


@pytest.fixture(params=["grpc", "rest"])
def caller(request, open_caller):
    servicer = ScriptedServicer()
    servicer.answer = lambda message, context: ComputeImagesResponse(next_page_token="n" * message.page_size)
    with (grpc_server if request.param == "grpc" else rest_server)(servicer) as port:
        caller = open_caller(request.param, port)
        yield caller
        caller.close()


def test_pages_of_12_and_of_100_megabytes_pass(caller):
    for size in (12 * MB, 100 * MB):
        outcome = caller.call(ComputeImagesRequest(project="projects/p", page_size=size), timeout=60)
        assert outcome.code is Code.OK
        assert len(outcome.response.next_page_token) == size


def test_a_page_past_the_limit_is_refused_and_the_next_one_passes(caller):
    outcome = caller.call(ComputeImagesRequest(project="projects/p", page_size=129 << 20), timeout=60)
    assert outcome.code is Code.RESOURCE_EXHAUSTED
    assert "larger than max" in outcome.details
    assert caller.call().code is Code.OK
