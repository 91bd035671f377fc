"""Batches of computations, by threads and by tasks, over both transports, against a real server that a test scripts."""

from __future__ import annotations

import asyncio
import collections
import inspect
import itertools
import threading
from typing import TYPE_CHECKING, Any

import grpc
import pytest
from servers import ScriptedServicer, grpc_server, rest_server
from waiting import PATIENCE

import eegrpc
from eegrpc import BatchPage, BatchRequest
from eegrpc._batch import Order
from eegrpc.v1alpha import ComputeImagesRequest, ComputeImagesResponse, EarthEngineAsset

if TYPE_CHECKING:
    from collections.abc import Iterator

SERVERS = {"grpc": grpc_server, "rest": rest_server}
WAYS = [(colour, transport) for colour in ("sync", "aio") for transport in SERVERS]


def expression(name: str) -> dict[str, Any]:
    """An expression that a scripted servicer can tell from others."""
    return {"result": "0", "values": {"0": {"constantValue": name}}}


def name_of(request: ComputeImagesRequest) -> str:
    return request.expression.values["0"].constant_value.string_value


def paged(request: ComputeImagesRequest, _: Any) -> ComputeImagesResponse:
    """Answer ``NAME:COUNT`` with so many pages of two images, NAME/0, NAME/1 and so on."""
    name, _, count = name_of(request).partition(":")
    page = int(request.page_token or 0)
    images = [EarthEngineAsset(name=f"{name}/{2 * page + place}") for place in range(2)]
    return ComputeImagesResponse(images=images, next_page_token=str(page + 1) if page + 1 < int(count or 1) else "")


class Batches:
    """Batches of a client of either colour, as iterators that block."""

    def __init__(self, colour: str, transport: str, port: int) -> None:
        self.loop = asyncio.new_event_loop()
        options: dict[str, Any] = {"endpoint": f"http://127.0.0.1:{port}", "transport": transport, "retry": None}
        self.client: Any
        if colour == "sync":
            self.client = eegrpc.EarthEngineClient("p", **options)
        else:
            self.client = self._run(self._make(options))

    def start(self, requests: Any, **options: Any) -> Iterator[BatchPage]:
        batch = self.client.compute_images_many(requests, **options)
        if not inspect.iscoroutine(batch):
            yield from batch
            return
        pages = self._run(batch)
        try:
            while True:
                try:
                    page = self._run(anext(pages))
                except StopAsyncIteration:
                    return
                yield page
        finally:
            self._run(pages.aclose())

    def close(self) -> None:
        closing = self.client.close()
        if closing is not None:
            self._run(closing)
        self.loop.close()

    async def _make(self, options: dict[str, Any]) -> eegrpc.EarthEngineAsyncClient:
        return eegrpc.EarthEngineAsyncClient("p", **options)

    def _run(self, awaitable: Any) -> Any:
        return self.loop.run_until_complete(awaitable)


@pytest.fixture
def servicer() -> ScriptedServicer:
    servicer = ScriptedServicer()
    servicer.answer = paged
    return servicer


@pytest.fixture(params=WAYS, ids="-".join)
def batches(request: pytest.FixtureRequest, servicer: ScriptedServicer) -> Iterator[Batches]:
    colour, transport = request.param
    with SERVERS[transport](servicer) as port:
        batches = Batches(colour, transport, port)
        try:
            yield batches
        finally:
            batches.close()


def names(pages: list[BatchPage]) -> list[str]:
    return [image.name for page in pages for image in page.images]


def test_every_page_of_every_request_comes_once(batches: Batches) -> None:
    requests = [BatchRequest(expression(f"{number}:{number % 4 + 1}"), key=f"k{number}") for number in range(60)]
    pages = list(batches.start(iter(requests), concurrency=7))
    by_key = collections.defaultdict(list)
    for page in pages:
        by_key[page.key].append(page)
    assert sorted(by_key) == sorted(request.key for request in requests)
    for number, request in enumerate(requests):
        own = by_key[request.key]
        assert [page.number for page in own] == list(range(1, number % 4 + 2))
        assert {page.index for page in own} == {number}
        assert [page.is_last for page in own] == [False] * (len(own) - 1) + [True]
        assert names(own) == [f"{number}/{place}" for place in range(2 * len(own))]


def test_ordered_pages_come_in_the_order_of_the_requests(batches: Batches, servicer: ScriptedServicer) -> None:
    first_may_end = threading.Event()
    others = threading.Semaphore(0)

    def slow_first(request: ComputeImagesRequest, context: Any) -> ComputeImagesResponse:
        if name_of(request) == "0":
            first_may_end.wait(PATIENCE)
        else:
            others.release()
        return paged(request, context)

    servicer.answer = slow_first
    pages = batches.start([expression(str(number)) for number in range(20)], ordered=True, concurrency=3)
    waiting = threading.Thread(target=lambda: [others.acquire(timeout=PATIENCE), first_may_end.set()])
    waiting.start()
    assert names(list(pages)) == [f"{number}/{place}" for number in range(20) for place in range(2)]
    waiting.join()


def test_a_failure_ends_its_computation_alone(batches: Batches, servicer: ScriptedServicer) -> None:
    def answer(request: ComputeImagesRequest, context: Any) -> ComputeImagesResponse:
        if name_of(request) == "3:3" and request.page_token == "1":
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, "Computation timed out.")
        return paged(request, context)

    servicer.answer = answer
    requests = [expression(f"{number}:3") for number in range(6)]
    pages = list(batches.start(requests, concurrency=2))
    (failed,) = [page for page in pages if page.error]
    assert (failed.index, failed.number, failed.is_last, list(failed.images)) == (3, 2, True, [])
    assert failed.error is not None
    assert failed.error.reason == "COMPUTATION_TIMED_OUT"
    assert failed.error.context.page == 2
    assert failed.next_page_token == "1"
    whole = {f"{number}/{place}" for number in range(6) for place in range(6)}
    assert set(names(pages)) == whole - {f"3/{place}" for place in range(2, 6)}
    servicer.answer = paged
    again = BatchRequest(expression("3:3"), page_token=failed.next_page_token, first_page=failed.number)
    rest = list(batches.start([again]))
    assert [page.number for page in rest] == [2, 3]
    assert names(rest) == [f"3/{place}" for place in range(2, 6)]


@pytest.mark.parametrize(
    "refused",
    [
        pytest.param(7, id="a number"),
        pytest.param({"values": {}}, id="no result"),
        pytest.param(BatchRequest(expression("x"), project="a/b"), id="a project"),
        pytest.param(BatchRequest(expression("x"), limit=-1), id="a limit"),
        pytest.param(BatchRequest(expression("x"), fields=7), id="fields"),  # type: ignore[arg-type]
    ],
)
def test_a_request_that_is_refused_fails_alone_and_unsent(
    batches: Batches, servicer: ScriptedServicer, refused: object
) -> None:
    pages = list(batches.start([expression("a"), refused, expression("b")], ordered=True))
    assert [page.error and page.error.code() for page in pages] == [None, grpc.StatusCode.INVALID_ARGUMENT, None]
    assert pages[1].is_last
    assert servicer.calls == 2


def test_limits_hold_for_each_request(batches: Batches) -> None:
    requests = [BatchRequest(expression("a:3"), limit=limit) for limit in (0, 1, 4, 5)]
    pages = list(batches.start(requests, ordered=True))
    assert [sum(len(page.images) for page in pages if page.index == index) for index in range(4)] == [0, 1, 4, 5]
    assert [page.index for page in pages if page.is_last] == [0, 1, 2, 3]


@pytest.mark.parametrize("ordered", [False, True])
def test_requests_are_taken_as_they_are_begun(batches: Batches, ordered: bool) -> None:
    taken = 0

    def endless() -> Iterator[dict[str, Any]]:
        nonlocal taken
        for taken in itertools.count(1):
            yield expression(str(taken))

    pages = batches.start(endless(), concurrency=4, ordered=ordered)
    for handed_out in range(1, 101):
        next(pages)
        # Under way or waiting to be handed out are twice as many as run at a time, and each worker holds one more.
        assert taken <= handed_out + 3 * 4 + 1
    pages.close()  # type: ignore[attr-defined]


def test_no_more_run_at_a_time_than_allowed(batches: Batches, servicer: ScriptedServicer) -> None:
    lock, running, most = threading.Lock(), 0, 0
    full = threading.Event()

    def answer(request: ComputeImagesRequest, context: Any) -> ComputeImagesResponse:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
            if running == 5:
                full.set()
        full.wait(PATIENCE)  # nobody leaves before all five have come
        with lock:
            running -= 1
        return paged(request, context)

    servicer.answer = answer
    assert len(list(batches.start([expression("a")] * 40, concurrency=5))) == 40
    assert most == 5


def test_closing_cancels_what_is_under_way(batches: Batches, servicer: ScriptedServicer) -> None:
    arrived, gone = threading.Semaphore(0), threading.Semaphore(0)

    def answer(request: ComputeImagesRequest, context: Any) -> ComputeImagesResponse:
        if name_of(request) == "quick":
            for _ in range(3):
                assert arrived.acquire(timeout=PATIENCE)
            return paged(request, context)
        ended = threading.Event()
        context.add_callback(ended.set)
        arrived.release()
        assert ended.wait(PATIENCE)
        gone.release()
        return ComputeImagesResponse()

    servicer.answer = answer
    pages = batches.start([expression(name) for name in ("quick", "a", "b", "c", "d", "e")], concurrency=4)
    assert names([next(pages)]) == ["quick/0", "quick/1"]
    pages.close()  # type: ignore[attr-defined]
    for _ in range(3):
        assert gone.acquire(timeout=PATIENCE)
    for thread in threading.enumerate():
        if thread.name.startswith("eegrpc-batch"):
            thread.join(PATIENCE)
            assert not thread.is_alive()


def test_what_the_source_raises_ends_the_batch(batches: Batches) -> None:
    def source() -> Iterator[dict[str, Any]]:
        yield expression("a")
        raise LookupError("the source is broken")

    pages = batches.start(source())
    with pytest.raises(LookupError, match="the source is broken"):
        list(pages)


def test_an_empty_batch_has_no_pages(batches: Batches) -> None:
    assert list(batches.start([])) == []


def test_an_asynchronous_source() -> None:
    servicer = ScriptedServicer()
    servicer.answer = paged

    async def source() -> Any:
        for number in range(30):
            await asyncio.sleep(0)
            yield expression(str(number))

    async def run(port: int) -> list[BatchPage]:
        async with eegrpc.EarthEngineAsyncClient("p", endpoint=f"http://127.0.0.1:{port}", transport="grpc") as client:
            return [page async for page in await client.compute_images_many(source(), ordered=True, concurrency=3)]

    with grpc_server(servicer) as port:
        assert names(asyncio.run(run(port))) == [f"{number}/{place}" for number in range(30) for place in range(2)]


@pytest.mark.parametrize(
    ("concurrency", "error"), [(0, ValueError), (-1, ValueError), (1.5, TypeError), (True, TypeError)]
)
def test_the_concurrency_makes_sense(batches: Batches, concurrency: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match="concurrency is"):
        next(batches.start([], concurrency=concurrency))


def test_a_closed_client_begins_no_batch(servicer: ScriptedServicer) -> None:
    with grpc_server(servicer) as port:
        client = eegrpc.EarthEngineClient("p", endpoint=f"http://127.0.0.1:{port}", transport="grpc")
        client.close()
        with pytest.raises(ValueError, match="closed"):
            client.compute_images_many([expression("a")])


def page(index: int, number: int, *, is_last: bool = False) -> BatchPage:
    return BatchPage("", index, number, (), "", is_last, attempts=1)


def test_the_order_holds_back_what_is_ahead_of_its_turn() -> None:
    order = Order(2, ordered=True)
    order.begin(0)
    order.begin(1)
    order.add(page(1, 1))
    assert order.take() is None
    order.add(page(1, 2, is_last=True))
    assert not order.may_add(1)
    assert order.may_begin()
    order.begin(2)
    order.begin(3)
    assert not order.may_begin()
    order.add(page(0, 1, is_last=True))
    taken = []
    while (each := order.take()) is not None:
        taken.append((each.index, each.number))
    assert taken == [(0, 1), (1, 1), (1, 2)]
    assert order.may_begin()
