"""The page that is fetched before it is asked for: when it is, how many are, and what of it is seen."""

from __future__ import annotations

import contextvars

import grpc
import pytest
from fault_runs import Credentials
from pullers import SIZE, Puller, names
from retry_doubles import EXPRESSION
from servers import grpc_server
from waiting import until

import eegrpc
from eegrpc.emulator import Emulator
from eegrpc.emulator.faults import FaultPlan
from eegrpc.emulator.serving.quota import Quota
from eegrpc.errors import EarthEngineError
from eegrpc.v1alpha import ComputeImagesResponse, EarthEngineAsset

Code = grpc.StatusCode


def test_the_next_page_is_asked_for_when_one_is_handed_out(open_puller, servicer):
    paged, puller = servicer.answer, open_puller()
    puller.begin()
    assert paged.asked == []
    assert puller.page() == names(1)
    paged.wait_for(2)
    assert puller.pager.next_page_token == "2"
    assert puller.page() == names(2)
    paged.wait_for(3)
    assert paged.asked == [1, 2, 3]
    assert puller.rest() == names(3, 4, 5)
    assert paged.asked == [1, 2, 3, 4, 5]


def test_or_when_its_first_image_is(open_puller, servicer):
    paged, puller = servicer.answer, open_puller()
    puller.begin()
    assert puller.image() == "0"
    paged.wait_for(2)
    assert [puller.image() for _ in range(3)] == ["1", "2", "3"]
    paged.wait_for(3)
    assert puller.pager.next_page_token == "2"
    assert paged.asked == [1, 2, 3]
    assert puller.rest() == names(2)[1:] + names(3, 4, 5)


@pytest.mark.parametrize("where", ["client", "call"])
def test_no_more_pages_are_fetched_ahead_than_told(open_puller, servicer, where):
    paged = servicer.answer
    options = {"prefetch": 3}
    puller = open_puller(**options if where == "client" else {})
    puller.begin(**options if where == "call" else {})
    assert puller.page() == names(1)
    paged.wait_for(4)
    until(lambda: not puller.pager._ahead._running if puller.is_sync else not puller.pager._ahead._running())
    assert paged.asked == [1, 2, 3, 4]
    assert puller.pager.next_page_token == "2"
    assert puller.rest() == names(2, 3, 4, 5)


def test_none_is_fetched_ahead_if_told_so(open_puller, servicer):
    puller = open_puller()
    puller.begin(prefetch=0)
    for number in range(1, 6):
        assert puller.page() == names(number)
        assert servicer.answer.asked == list(range(1, number + 1))
    assert puller.page() is None


@pytest.mark.parametrize(("limit", "pages"), [(2, 1), (3, 1), (4, 2), (6, 2)])
def test_pag_05_nothing_beyond_the_limit_is_asked_for(open_puller, servicer, limit, pages):
    puller = open_puller(prefetch=2)
    puller.begin(limit=limit, page_size=SIZE)
    assert puller.rest() == names(1, 2)[:limit]
    assert servicer.answer.asked == list(range(1, pages + 1))


def test_pag_02_a_loop_is_noticed_when_its_page_is_asked_for(open_puller, servicer):
    paged, puller = servicer.answer, open_puller()
    paged.odd[2] = lambda request, context: ComputeImagesResponse(images=paged.page(2).images, next_page_token="2")
    puller.begin()
    assert [puller.page(), puller.page()] == [names(1), names(2)]
    with pytest.raises(EarthEngineError) as caught:
        puller.page()
    assert caught.value.reason == "TOKEN_LOOP"
    assert paged.asked == [1, 2]


@pytest.mark.parametrize(("empty", "most"), [(1000, None), (3, 3), (4, 3), (1, 0)])
def test_pag_03_empty_pages_are_bounded(open_puller, servicer, empty, most):
    def script(request, context):
        number = int(request.page_token or 0)
        if number < empty:
            return ComputeImagesResponse(next_page_token=str(number + 1))
        return ComputeImagesResponse(images=[EarthEngineAsset(name="x")])

    servicer.answer = script
    puller = open_puller(**({} if most is None else {"max_empty_pages": most}))
    puller.begin()
    if empty > (1000 if most is None else most):
        with pytest.raises(EarthEngineError) as caught:
            puller.image()
        assert (caught.value.code(), caught.value.reason) == (Code.INTERNAL, "NO_PROGRESS")
        assert servicer.calls == empty
    else:
        assert puller.image() == "x"
        assert servicer.calls == empty + 1


@pytest.mark.parametrize("many", [False, True], ids=["pager", "batch"])
def test_aut_02_a_token_that_expires_between_pages_costs_one_request(colour, transport, many):
    images = [EarthEngineAsset(id=f"c/{n}", name=str(n), type="IMAGE") for n in range(6)]
    call = {"functionName": "ImageCollection.load", "arguments": {"id": {"constantValue": "c"}}}
    expression = {"result": "0", "values": {"0": {"functionInvocationValue": call}}}
    with Emulator(images, faults=FaultPlan("expire_tokens=4"), quota=Quota()) as emulator:
        puller = Puller(colour, transport, emulator.port, credentials=Credentials())
        try:
            if not many:
                puller.begin(expression=expression, page_size=1)
                assert puller.rest() == [str(n) for n in range(6)]
            else:
                request = eegrpc.BatchRequest(expression, page_size=1)
                pages = puller.client.compute_images_many([request], concurrency=1)
                assert [page.error for page in (pages if puller.is_sync else puller.run(collected(pages)))] == [
                    None
                ] * 6
        finally:
            puller.close()
        assert emulator.quota_figures["projects/p"].attempts == 7


async def collected(pages):
    return [page async for page in await pages]


def test_interceptors_see_the_context_of_the_caller(servicer):
    variable: contextvars.ContextVar[str] = contextvars.ContextVar("variable")
    seen = []

    class Look(grpc.UnaryUnaryClientInterceptor):
        def intercept_unary_unary(self, continuation, details, request):
            seen.append(variable.get("none"))
            return continuation(details, request)

    with grpc_server(servicer) as port:
        channel = grpc.intercept_channel(grpc.insecure_channel(f"127.0.0.1:{port}"), Look())
        variable.set("mine")
        with channel, eegrpc.EarthEngineClient("p", channel=channel) as client:
            assert len(list(client.compute_images(EXPRESSION))) == 5 * SIZE
    assert seen == ["mine"] * 5


@pytest.mark.parametrize("value", [-1, None, 1.5, True])
@pytest.mark.parametrize("name", ["prefetch", "max_empty_pages"])
def test_numbers_of_pages_make_sense(name, value):
    with pytest.raises((TypeError, EarthEngineError), match=name):
        eegrpc.EarthEngineClient("p", endpoint="http://127.0.0.1:1", **{name: value})
