"""The callers of the soak: threads and tasks that compute collections page by page, and check each image.

Each kind of channel has its callers. What a failed page interrupts is resumed from its token, and a hundredth of the
requests are cancelled. `Rest` lets all of them stop at once, to see what is open then.
"""

from __future__ import annotations

import asyncio
import random
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, NamedTuple

import grpc
from google.protobuf.json_format import ParseDict

import eegrpc
from eegrpc.v1alpha import ComputeImagesRequest, EarthEngineStub

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

Code = grpc.StatusCode
COLLECTIONS = ("MODIS/061/MOD13Q1", "LANDSAT/LC08/C02/T1_L2", "ECMWF/ERA5_LAND/DAILY_AGGR")
CALLERS = 40
"""In all; each kind of channel has as many as any other."""
CANCELLED = 0.01
EXPLAINED = {Code.UNAVAILABLE, Code.UNKNOWN, Code.INTERNAL, Code.RESOURCE_EXHAUSTED}
"""What these faults are to a call that is not sent again any more."""


def expression(collection: str) -> dict[str, Any]:
    load = {"functionName": "ImageCollection.load", "arguments": {"id": {"constantValue": collection}}}
    return {"result": "0", "values": {"0": {"functionInvocationValue": load}}}


EXPRESSIONS = {collection: expression(collection) for collection in COLLECTIONS}


def encoded(image: Any) -> bytes:
    return image.SerializeToString(deterministic=True)  # type: ignore[no-any-return]


class Tally:
    """What was computed, and all that was wrong with it."""

    def __init__(self, expected: dict[str, list[bytes]]) -> None:
        self.expected = expected
        self.counts: Counter[str] = Counter()
        self.wrong: list[str] = []
        self.unexplained: list[str] = []
        self._lock = threading.Lock()

    def count(self, name: str, by: int = 1) -> None:
        with self._lock:
            self.counts[name] += by

    def failed(self, error: BaseException) -> None:
        code = error.code() if isinstance(error, eegrpc.errors.EarthEngineError) else None
        self.count(f"error: {type(error).__name__ if code is None else code.name}")
        if code not in EXPLAINED:
            self.unexplained.append(f"{type(error).__name__}: {error}")


class Computation:
    """One collection on its way: which page comes next, and whether each image is right."""

    def __init__(self, tally: Tally, chance: random.Random) -> None:
        self._tally = tally
        self._collection = chance.choice(COLLECTIONS)
        self.arguments = {"page_size": chance.choice((5, 10, 20)), "page_token": "", "prefetch": 0}
        self._got = 0
        self.complete = False

    @property
    def expression(self) -> dict[str, Any]:
        return EXPRESSIONS[self._collection]

    def page(self, images: Iterable[Any], token: str) -> None:
        """Check a page; `token` is that of the next."""
        self._tally.count("pages")
        expected = self._tally.expected[self._collection]
        for image in images:
            if self._got >= len(expected) or encoded(image) != expected[self._got]:
                self._tally.wrong.append(f"{self._collection}: {image.name} at {self._got}")
            self._got += 1
        self.arguments["page_token"] = token
        self.complete = not token
        if self.complete and self._got != len(expected):
            self._tally.wrong.append(f"{self._collection}: {self._got} images of {len(expected)}")
        self._tally.count("images", len(images))  # type: ignore[arg-type]


class Rest:
    """Lets all callers stop at once, so that what is open can be counted.

    Before it is counted, each caller makes one call, at the same time as all others: then each has its connection.
    `calm` and `harm` make the emulator answer slowly enough for that, without faults, and as before.
    """

    def __init__(self, calm: Callable[[], None], harm: Callable[[], None]) -> None:
        self.asked, self.go, self.over = threading.Event(), threading.Event(), threading.Event()
        self._parked = threading.Semaphore(0)
        self._calm, self.harm = calm, harm

    def park(self) -> None:
        self._parked.release()

    def begin(self) -> None:
        """Return when all callers have made their call."""
        self.over.clear()
        self.asked.set()
        self._wait_for_all()
        self.asked.clear()
        self._calm()
        self.go.set()
        self._wait_for_all()
        self.go.clear()
        self.harm()
        time.sleep(1.0)  # what had to be closed is closed

    def end(self) -> None:
        self.over.set()

    def _wait_for_all(self) -> None:
        for _ in range(CALLERS):
            if not self._parked.acquire(timeout=120):
                raise TimeoutError("a caller hangs")


class Shared(NamedTuple):
    """What all callers have."""

    endpoint: str
    gate: eegrpc.QuotaGate
    tally: Tally
    rest: Rest
    stop: threading.Event
    seed: int
    transports: tuple[str, ...]

    @property
    def callers(self) -> int:
        """How many each kind of channel has: one that blocks and one for asyncio of each transport."""
        return CALLERS // (2 * len(self.transports))

    def options(self, transport: str) -> dict[str, Any]:
        return {"endpoint": self.endpoint, "transport": transport}

    def chance(self, kind: str, number: int) -> random.Random:
        return random.Random(f"{self.seed}-{kind}-{number}")


POLICY = eegrpc.RetryPolicy(initial=0.1)
RESTING = ParseDict(
    {"project": "projects/p", "expression": EXPRESSIONS[COLLECTIONS[0]], "pageSize": 1}, ComputeImagesRequest()
)


def ping(chance: random.Random) -> ComputeImagesRequest:
    return ComputeImagesRequest(project="projects/p", page_size=chance.randrange(1, 9))


# --- threads ---------------------------------------------------------------------------------------------------------


def start_threads(shared: Shared, transport: str) -> Callable[[], None]:
    """Start callers on threads; return what ends them, after `stop` is set."""
    channel = eegrpc.create_channel(**shared.options(transport))
    client = eegrpc.EarthEngineClient("p", channel=channel, quota=shared.gate, retry=POLICY)
    stub = EarthEngineStub(channel)

    def caller(number: int) -> None:
        chance = shared.chance(f"thread {transport}", number)
        while not shared.stop.is_set():
            computation = Computation(shared.tally, chance)
            while not computation.complete and not shared.stop.is_set():
                if shared.rest.asked.is_set():
                    rest()
                if chance.random() < CANCELLED:
                    cancel_one(chance)
                compute_page(computation)

    def compute_page(computation: Computation) -> None:
        """Compute the next page; in a function of its own, so that who rests does not hold one."""
        try:
            page = next(client.compute_images(computation.expression, **computation.arguments).pages)
        except Exception as error:  # noqa: BLE001 (all are counted)
            shared.tally.failed(error)
        else:
            computation.page(page.images, page.next_page_token)

    def cancel_one(chance: random.Random) -> None:
        future = stub.ComputeImages.future(ping(chance), timeout=60)
        time.sleep(chance.uniform(0, 0.1))
        future.cancel()
        shared.tally.count("cancelled" if future.code() is Code.CANCELLED else "cancelled too late")

    def rest() -> None:
        shared.rest.park()
        shared.rest.go.wait()
        try:
            stub.ComputeImages(RESTING, timeout=60)
        except Exception as error:  # noqa: BLE001 (all are counted)
            shared.tally.failed(error)
        shared.rest.park()
        shared.rest.over.wait()

    threads = [threading.Thread(target=caller, args=(number,)) for number in range(shared.callers)]
    for thread in threads:
        thread.start()

    def end() -> None:
        for thread in threads:
            thread.join()
        client.close()
        channel.close()

    return end


# --- tasks -----------------------------------------------------------------------------------------------------------


async def call_by_tasks(shared: Shared, transport: str) -> None:
    """Call from tasks until `stop` is set."""
    async with (
        eegrpc.create_aio_channel(**shared.options(transport)) as channel,
        eegrpc.EarthEngineAsyncClient("p", channel=channel, quota=shared.gate, retry=POLICY) as client,
    ):
        stub = EarthEngineStub(channel)

        async def caller(number: int) -> None:
            chance = shared.chance(f"task {transport}", number)
            while not shared.stop.is_set():
                computation = Computation(shared.tally, chance)
                while not computation.complete and not shared.stop.is_set():
                    if shared.rest.asked.is_set():
                        await rest()
                    if chance.random() < CANCELLED:
                        await cancel_one(chance)
                    await compute_page(computation)

        async def compute_page(computation: Computation) -> None:
            try:
                pager = await client.compute_images(computation.expression, **computation.arguments)
                page = await anext(pager.pages)
            except Exception as error:  # noqa: BLE001 (all are counted)
                shared.tally.failed(error)
            else:
                computation.page(page.images, page.next_page_token)

        async def cancel_one(chance: random.Random) -> None:
            call = stub.ComputeImages(ping(chance), timeout=60)
            await asyncio.sleep(chance.uniform(0, 0.1))
            call.cancel()
            shared.tally.count("cancelled" if await call.code() is Code.CANCELLED else "cancelled too late")

        async def rest() -> None:
            shared.rest.park()
            await wait(shared.rest.go)
            try:
                await stub.ComputeImages(RESTING, timeout=60)
            except Exception as error:  # noqa: BLE001 (all are counted)
                shared.tally.failed(error)
            shared.rest.park()
            await wait(shared.rest.over)

        await asyncio.gather(*(caller(number) for number in range(shared.callers)))


async def wait(event: threading.Event) -> None:
    while not event.is_set():  # noqa: ASYNC110 (it is set by another thread)
        await asyncio.sleep(0.02)


def start_tasks(shared: Shared) -> tuple[asyncio.AbstractEventLoop, Callable[[], None]]:
    """Start an event loop with the callers of all transports; return it, and what ends it after `stop` is set."""
    loop = asyncio.new_event_loop()

    async def both() -> None:
        loop.set_default_executor(ThreadPoolExecutor(2))  # looks up names; grows with time to what it may have
        await asyncio.gather(*(call_by_tasks(shared, transport) for transport in shared.transports))

    def run() -> None:
        asyncio.set_event_loop(loop)
        loop.run_until_complete(both())

    thread = threading.Thread(target=run, name="loop")
    thread.start()

    def end() -> None:
        thread.join()
        loop.close()

    return loop, end
