"""The page that is fetched before it is asked for: when it is, what of it is seen, and that nothing of it is left."""

from __future__ import annotations

import asyncio
import contextvars
import gc
import threading
import time
from typing import Any

import grpc
import pytest
from fault_runs import Credentials
from retry_doubles import EXPRESSION
from servers import PATIENCE, Hang, ScriptedServicer, grpc_server, rest_server

import eegrpc
from eegrpc.emulator import Emulator
from eegrpc.emulator.faults import FaultPlan
from eegrpc.emulator.quota import Quota
from eegrpc.errors import EarthEngineError
from eegrpc.v1alpha import ComputeImagesResponse, EarthEngineAsset

Code = grpc.StatusCode
SERVERS = {"grpc": grpc_server, "rest": rest_server}
SIZE = 3


class Paged:
    """Answers with `count` pages of SIZE numbered images; notes which pages were asked for, and may do so oddly."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.asked: list[int] = []
        self.changed = threading.Condition()
        self.odd: dict[int, Any] = {}
        """What answers instead, by number of the page."""

    def __call__(self, request, context):
        number = int(request.page_token or 1)
        with self.changed:
            self.asked.append(number)
            self.changed.notify_all()
        if number in self.odd:
            return self.odd[number](request, context)
        return self.page(number)

    def page(self, number: int) -> ComputeImagesResponse:
        first = (number - 1) * SIZE
        images = [EarthEngineAsset(name=str(n)) for n in range(first, first + SIZE)]
        return ComputeImagesResponse(images=images, next_page_token="" if number == self.count else str(number + 1))

    def wait_for(self, number: int) -> None:
        """Return when a page was asked for."""
        with self.changed:
            assert self.changed.wait_for(lambda: number in self.asked, PATIENCE), self.asked


def names(*pages: int) -> list[str]:
    return [str(n) for page in pages for n in range((page - 1) * SIZE, page * SIZE)]


class Puller:
    """One computation by a client of either colour. The asyncio one has its loop on a thread, where it always runs."""

    def __init__(self, colour: str, transport: str, port: int, **options: Any) -> None:
        self.is_sync = colour == "sync"
        arguments = {"endpoint": f"http://127.0.0.1:{port}", "transport": transport, **options}
        self.client: Any
        self.pager: Any = None
        if self.is_sync:
            self.client = eegrpc.EarthEngineClient("p", **arguments)
            return
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever)
        self.thread.start()

        async def make():
            return eegrpc.EarthEngineAsyncClient("p", **arguments)

        self.client = self.run(make())

    def run(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(PATIENCE)

    def begin(self, expression: Any = EXPRESSION, **arguments: Any) -> None:
        pager = self.client.compute_images(expression, **arguments)
        self.pager = pager if self.is_sync else self.run(pager)

    def page(self) -> list[str] | None:
        """Return the names on the next page; None after the last."""
        try:
            page = next(self.pager.pages) if self.is_sync else self.run(self.pager.pages.__anext__())
        except (StopIteration, StopAsyncIteration):
            return None
        return [image.name for image in page.images]

    def image(self) -> str:
        return next(self.pager).name if self.is_sync else self.run(self.pager.__anext__()).name

    def rest(self) -> list[str]:
        left = []
        while (page := self.page()) is not None:
            left += page
        return left

    def close_pager(self) -> None:
        self.pager.close() if self.is_sync else self.run(self.pager.aclose())

    def close_client(self) -> None:
        self.client.close() if self.is_sync else self.run(self.client.close())

    def drop(self) -> None:
        """Forget the pager, by a cycle, so that the garbage collector finds it."""
        cycle = [self.pager]
        cycle.append(cycle)
        self.pager = None
        del cycle
        gc.collect()

    def close(self) -> None:
        self.pager = None
        self.close_client()
        if not self.is_sync:

            async def tasks():
                return [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]

            until(lambda: not self.run(tasks()))
            self.loop.call_soon_threadsafe(self.loop.stop)
            self.thread.join()
            self.loop.close()


def until(condition) -> None:
    """Wait for what nothing announces."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.002)


def prefetching_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "eegrpc-prefetch"]


@pytest.fixture(params=SERVERS)
def transport(request):
    return request.param


@pytest.fixture
def servicer():
    servicer = ScriptedServicer()
    servicer.answer = Paged(5)
    return servicer


@pytest.fixture
def open_puller(colour, transport, servicer):
    """Return a function that opens a Puller with options of the client; nothing of it is left at the end."""
    pullers = []
    with SERVERS[transport](servicer) as port:

        def open_one(**options):
            pullers.append(Puller(colour, transport, port, **options))
            return pullers[-1]

        yield open_one
        for puller in pullers:
            puller.close()
        until(lambda: not prefetching_threads())


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
