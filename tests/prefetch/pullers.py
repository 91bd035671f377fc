"""Numbered pages, and a client of either colour that pulls them one by one."""

from __future__ import annotations

import asyncio
import gc
import threading
from typing import Any

from retry_doubles import EXPRESSION
from servers import grpc_server, rest_server
from waiting import PATIENCE, until

import eegrpc
from eegrpc.v1alpha import ComputeImagesResponse, EarthEngineAsset

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


def prefetching_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "eegrpc-prefetch"]
