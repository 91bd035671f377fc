"""How a page that is fetched ahead ends when it fails, or is not wanted any more; and that nothing of it is left."""

from __future__ import annotations

import asyncio
import threading

import grpc
import pytest
from pullers import SIZE, names, prefetching_threads
from servers import Hang
from waiting import PATIENCE, until

import eegrpc
from eegrpc.errors import EarthEngineError

Code = grpc.StatusCode


def test_its_error_is_raised_when_it_is_asked_for(open_puller, servicer):
    paged, puller = servicer.answer, open_puller(prefetch=2)
    failed = threading.Event()

    def fail(request, context):
        failed.set()
        context.abort(Code.DATA_LOSS, "broken")

    paged.odd[3] = fail
    puller.begin()
    assert puller.page() == names(1)
    assert failed.wait(PATIENCE)
    assert [puller.image() for _ in range(SIZE)] == names(2)
    assert puller.pager.next_page_token == "3"
    with pytest.raises(EarthEngineError) as caught:
        puller.page()
    assert (caught.value.code(), caught.value.context.page) == (Code.DATA_LOSS, 3)
    assert puller.pager.next_page_token == "3"
    assert paged.asked == [1, 2, 3]
    paged.odd.clear()
    assert puller.rest() == names(3, 4, 5)  # it is asked for again, and the pager goes on


def test_it_is_sent_again_as_any_other(open_puller, servicer):
    paged = servicer.answer
    puller = open_puller(retry=eegrpc.RetryPolicy(initial=0.001))
    left = [Code.UNAVAILABLE, Code.UNAVAILABLE]

    def fail(request, context):
        if left:
            context.abort(left.pop(), "x")
        return paged.page(2)

    paged.odd[2] = fail
    puller.begin()
    assert puller.rest() == names(1, 2, 3, 4, 5)
    assert paged.asked == [1, 2, 2, 2, 3, 4, 5]


def test_it_has_its_own_timeout(open_puller, servicer):
    paged, puller = servicer.answer, open_puller()
    paged.odd[2] = Hang()
    puller.begin(timeout=0.5)
    assert puller.page() == names(1)
    assert paged.odd[2].gone.wait(PATIENCE)
    with pytest.raises(EarthEngineError) as caught:
        puller.page()
    assert caught.value.code() is Code.DEADLINE_EXCEEDED


# ---- nothing is left behind ----

ENDS = ["drop", "close_pager", "close_client"]


@pytest.mark.parametrize("end", [pytest.param(end, id=f"PAG-08-{end}") for end in ENDS])
def test_pag_08_what_is_in_flight_is_cancelled(open_puller, servicer, end):
    gate = eegrpc.QuotaGate()
    paged, puller = servicer.answer, open_puller(quota=gate)
    hang = paged.odd[2] = Hang()
    puller.begin()
    assert puller.page() == names(1)
    assert hang.arrived.wait(PATIENCE)
    assert gate.stats("p").in_flight == 1
    getattr(puller, end)()
    assert hang.gone.wait(PATIENCE)
    until(lambda: gate.stats("p").in_flight == 0)
    until(lambda: not prefetching_threads())
    assert paged.asked == [1, 2]


@pytest.mark.parametrize("end", [pytest.param(end, id=f"PAG-08-{end}") for end in ENDS])
def test_pag_08_what_waits_at_the_gate_leaves_it(open_puller, servicer, end):
    gate = eegrpc.QuotaGate(concurrency=1)
    paged, puller, other = servicer.answer, open_puller(quota=gate), open_puller(quota=gate)
    first, go = threading.Event(), threading.Event()

    def slow(request, context):
        first.set()
        go.wait(PATIENCE)
        return paged.page(1)

    paged.odd[1] = slow
    hang = paged.odd[9] = Hang()
    puller.begin()
    other.begin(page_token="9")
    mine, its = threading.Thread(target=puller.page), threading.Thread(target=other.page)
    mine.start()
    assert first.wait(PATIENCE)
    its.start()
    until(lambda: gate.stats("p").waiting == 1)
    go.set()  # the other client's turn comes next, and then page 2 has to wait
    mine.join(PATIENCE)
    assert hang.arrived.wait(PATIENCE)
    until(lambda: gate.stats("p").waiting == 1)
    getattr(puller, end)()
    until(lambda: gate.stats("p").waiting == 0)
    until(lambda: not prefetching_threads())
    hang.release.set()
    its.join(PATIENCE)
    assert paged.asked == [1, 9]


@pytest.mark.parametrize("end", [pytest.param(end, id=f"PAG-08-{end}") for end in ENDS])
def test_pag_08_what_waits_for_its_next_attempt_gives_up(open_puller, servicer, end):
    paged = servicer.answer
    puller = open_puller(retry=Always(3600.0), timeout=7200)
    failed = threading.Event()

    def fail(request, context):
        failed.set()
        context.abort(Code.UNAVAILABLE, "x")

    paged.odd[2] = fail
    puller.begin()
    assert puller.page() == names(1)
    assert failed.wait(PATIENCE)
    getattr(puller, end)()
    until(lambda: not prefetching_threads())
    assert paged.asked == [1, 2]


class Always:
    """Waits for so long before each attempt."""

    def __init__(self, delay: float) -> None:
        self.delay = delay

    def next_delay(self, failures, elapsed):
        return self.delay


@pytest.mark.parametrize("colour", ["aio"], indirect=True)
def test_pag_08_a_cancelled_task_cancels_it_and_the_pager_goes_on(open_puller, servicer):
    paged, puller = servicer.answer, open_puller()
    hang = paged.odd[2] = Hang()
    puller.begin()
    assert puller.page() == names(1)
    asking = asyncio.run_coroutine_threadsafe(puller.pager.pages.__anext__(), puller.loop)
    assert hang.arrived.wait(PATIENCE)
    asking.cancel()
    assert hang.gone.wait(PATIENCE)
    paged.odd.clear()
    assert puller.rest() == names(2, 3, 4, 5)


def test_who_waits_for_it_hears_that_the_client_was_closed(open_puller, servicer):
    paged, puller = servicer.answer, open_puller()
    hang = paged.odd[2] = Hang()
    puller.begin()
    assert puller.page() == names(1)
    assert hang.arrived.wait(PATIENCE)
    caught = []

    def ask():
        try:
            puller.page()
        except EarthEngineError as error:
            caught.append(error)

    asking = threading.Thread(target=ask)
    asking.start()
    until(puller.pager._lock.locked)
    puller.close_client()
    asking.join(PATIENCE)
    assert caught[0].code() is Code.CANCELLED
    with pytest.raises(ValueError, match="closed"):
        puller.page()
