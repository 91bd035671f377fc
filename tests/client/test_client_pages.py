"""The clients' pagers over real channels; what decides is tested in test_pages.py."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import threading
from concurrent import futures

import grpc
import pytest
from client_kinds import EXPRESSION, numbers, paged, response
from test_client_retries import failing

from eegrpc.errors import EarthEngineError

Code = grpc.StatusCode


BY = pytest.mark.parametrize("by_page", [False, True], ids=["images", "pages"])


@BY
async def test_pag_01_odd_pages_are_delivered_once(compute, servicer, by_page):
    pages = {"": ([0], "a"), "a": ([], "b"), "b": ([1, 2, 3, 4, 5, 6], "c"), "c": ([], "d"), "d": ([7], "")}
    servicer.script = lambda request, context: response(*pages[request.page_token])
    outcome = await compute(by_page=by_page, page_size=2)
    assert (outcome.names, outcome.error, outcome.next_page_token) == (numbers(8), None, "")
    assert [request.page_token for request in servicer.requests] == ["", "a", "b", "c", "d"]


@BY
@pytest.mark.parametrize(
    ("tokens", "requests"),
    [
        pytest.param({"": "a", "a": "a"}, 2, id="PAG-02-same"),
        pytest.param({"": "a", "a": "b", "b": "a"}, 3, id="PAG-02-a-b-a"),
    ],
)
async def test_pag_02_token_loop(compute, servicer, by_page, tokens, requests):
    order = ["", "a", "b"]
    servicer.script = lambda request, context: response([order.index(request.page_token)], tokens[request.page_token])
    outcome = await compute(by_page=by_page)
    assert (outcome.error.code(), outcome.error.reason) == (Code.INTERNAL, "TOKEN_LOOP")
    assert outcome.names == numbers(requests)
    assert len(servicer.requests) == requests


@BY
@pytest.mark.parametrize(
    ("limit", "requests"),
    [
        pytest.param(4, 2, id="PAG-05-at-page-end"),
        pytest.param(5, 3, id="PAG-05-inside"),
        pytest.param(0, 0, id="PAG-05-none"),
        pytest.param(99, 4, id="PAG-05-more"),
    ],
)
async def test_pag_05_limit(compute, servicer, by_page, limit, requests):
    servicer.script = paged(7, 2)
    outcome = await compute(by_page=by_page, limit=limit)
    assert outcome.names == numbers(min(limit, 7))
    assert len(servicer.requests) == requests


async def test_pag_05_a_negative_limit_is_refused(compute, servicer):
    assert (await compute(limit=-1)).error.code() is Code.INVALID_ARGUMENT
    assert servicer.requests == []


@pytest.mark.parametrize(
    "token",
    [
        pytest.param("x" * 1_000_000, id="PAG-06-1MB"),
        pytest.param("'\"\\`%2f&?#/+ ", id="PAG-06-quotes"),
        pytest.param("\U0001f30d\u2028e\u0301", id="PAG-06-emoji"),
        pytest.param("a\0b\x7f\n\r", id="PAG-06-nul"),
    ],
)
async def test_pag_06_tokens_round_trip(compute, servicer, token):
    servicer.script = lambda request, context: response([1], "" if request.page_token else token)
    outcome = await compute()
    assert (outcome.names, outcome.error) == (["1", "1"], None)
    assert [request.page_token for request in servicer.requests] == ["", token]
    assert (await compute(page_token=token)).error is None
    assert servicer.requests[-1].page_token == token


async def test_pag_07_an_expired_token_is_raised_and_nothing_starts_over(compute, servicer):
    def script(request, context):
        if request.page_token:
            context.abort(Code.INVALID_ARGUMENT, "The page token has expired.")
        return response([0, 1], "old")

    servicer.script = script
    outcome = await compute()
    assert (outcome.error.code(), outcome.error.reason) == (Code.INVALID_ARGUMENT, "BAD_PAGE_TOKEN")
    assert outcome.names == numbers(2)
    assert outcome.next_page_token == "old"
    assert [request.page_token for request in servicer.requests] == ["", "old"]


@BY
async def test_i2_after_an_error_the_token_resumes_to_the_exact_union(compute, servicer, by_page):
    good = paged(7, 2)

    def script(request, context):
        if request.page_token == "4":
            context.abort(Code.DATA_LOSS, "broken")
        return good(request, context)

    servicer.script = script
    first = await compute(by_page=by_page)
    assert first.error.context.page == 3
    servicer.script = good
    second = await compute(by_page=by_page, page_token=first.next_page_token)
    assert first.names + second.names == numbers(7)


def test_after_an_error_the_same_pager_goes_on(client, servicer):
    servicer.script = failing(1, Code.DATA_LOSS, paged(3, 2))
    pager = client.compute_images(EXPRESSION)
    with pytest.raises(EarthEngineError):
        next(pager)
    assert [image.name for image in pager] == numbers(3)


def test_pag_08_dropped_iterators_send_nothing_more(client, servicer):
    servicer.script = paged(6, 2)
    for image in client.compute_images(EXPRESSION, prefetch=0):
        assert image.name == "0"
        break
    pager = client.compute_images(EXPRESSION, prefetch=0)
    with pytest.raises(KeyError, match="0"):
        {}[next(pager).name]
    assert pager.next_page_token == ""
    pages = client.compute_images(EXPRESSION, prefetch=0).pages
    next(pages)
    del pager, pages
    gc.collect()
    closed = client.compute_images(EXPRESSION, prefetch=0)
    next(closed)
    closed.close()
    assert list(closed) == []
    assert [request.page_token for request in servicer.requests] == [""] * 4


async def test_pag_08_dropped_async_iterators_send_nothing_more(aclient, servicer):
    servicer.script = paged(6, 2)
    async for image in await aclient.compute_images(EXPRESSION, prefetch=0):
        assert image.name == "0"
        break
    pager = await aclient.compute_images(EXPRESSION, prefetch=0)
    async with contextlib.aclosing(pager):
        await pager.__anext__()
    assert [image async for image in pager] == []
    pages = (await aclient.compute_images(EXPRESSION, prefetch=0)).pages
    await pages.__anext__()
    del pager, pages
    gc.collect()
    await asyncio.sleep(0)
    assert [request.page_token for request in servicer.requests] == [""] * 3


async def test_pag_08_a_cancelled_task_cancels_its_call_and_sends_nothing_more(aclient, servicer):
    begun, cancelled = threading.Event(), threading.Event()

    def script(request, context):
        context.add_callback(cancelled.set)
        begun.set()
        cancelled.wait(30)
        return response([])

    servicer.script = script
    pager = await aclient.compute_images(EXPRESSION)
    task = asyncio.create_task(pager.__anext__())
    assert await asyncio.to_thread(begun.wait, 30)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await asyncio.to_thread(cancelled.wait, 30)
    assert len(servicer.requests) == 1
    servicer.script = paged(3, 2)  # and the pager is none the worse
    assert [image.name async for image in pager] == numbers(3)


def test_pag_09_threads_that_share_a_pager_get_each_image_once(client, servicer):
    servicer.script = paged(200, 3)
    pager = client.compute_images(EXPRESSION)
    start = threading.Barrier(4)

    def take():
        start.wait()
        return [image.name for image in pager]

    with futures.ThreadPoolExecutor(4) as pool:
        taken = [pool.submit(take) for _ in range(4)]
        names = [name for future in taken for name in future.result()]
    assert sorted(names, key=int) == numbers(200)
    assert len(servicer.requests) == 67


async def test_pag_09_tasks_that_share_a_pager_get_each_image_once(aclient, servicer):
    servicer.script = paged(50, 3)
    pager = await aclient.compute_images(EXPRESSION)

    async def take():
        return [image.name async for image in pager]

    names = [name for taken in await asyncio.gather(*(take() for _ in range(4))) for name in taken]
    assert sorted(names, key=int) == numbers(50)


@pytest.mark.parametrize(
    ("page_size", "sent"),
    [
        pytest.param(-1, None, id="PAG-10-negative"),
        pytest.param(0, 0, id="PAG-10-zero"),
        pytest.param(2**31, None, id="PAG-10-too-large"),
        pytest.param(2**31 - 1, 2**31 - 1, id="PAG-10-largest"),
    ],
)
async def test_pag_10_page_size(compute, servicer, page_size, sent):
    outcome = await compute(page_size=page_size)
    if sent is None:
        assert outcome.error.code() is Code.INVALID_ARGUMENT
        assert servicer.requests == []
    else:
        assert [request.page_size for request in servicer.requests] == [sent]


def test_pages_give_what_is_left_of_a_begun_page(client, servicer):
    servicer.script = paged(5, 3)
    pager = client.compute_images(EXPRESSION)
    assert next(pager).name == "0"
    assert [[image.name for image in page.images] for page in pager.pages] == [["1", "2"], ["3", "4"]]
