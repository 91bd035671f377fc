"""The pager of the asyncio client, and the task that fetches the pages ahead of it."""

from __future__ import annotations

import asyncio
import contextlib
import os
from typing import TYPE_CHECKING

import grpc
from google.protobuf.message import DecodeError

from eegrpc._dropped import WhenDropped
from eegrpc.errors import CallContext, make_error
from eegrpc.v1alpha import ComputeImagesResponse

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable
    from typing import Protocol

    from eegrpc._calls import PreparedCall
    from eegrpc._encoded_page import Page
    from eegrpc._pages import Pages
    from eegrpc.v1alpha import EarthEngineAsset

    class Fetch(Protocol):
        """Gets one page, which counts from 1; `ahead` says that nobody has asked for it yet, `whole` for a message."""

        def __call__(
            self,
            call: PreparedCall,
            request: bytes,
            page: int,
            ahead: bool = False,
            whole: bool = False,
            /,
        ) -> Awaitable[Page]: ...


__all__ = ["ComputeImagesAsyncPager"]


class ComputeImagesAsyncPager:
    """The images of one computation: iterate it for `EarthEngineAsset`, or `pages` for whole answers. Lazy.

    It goes over the images once: a second loop goes on where the first stopped, also after an error, then with the page
    that failed. Tasks may share it; each image goes to one of them. While the caller is busy with a page, the next one
    is fetched (`prefetch`); that ends when the pager is closed or dropped, when a task that waits for that page is
    cancelled, or when the client is closed.
    """

    _ahead: _Ahead | None = None  # until there is a page to fetch ahead: most answers have a single one

    def __init__(self, fetch: Fetch, call: PreparedCall) -> None:
        self._fetch = fetch
        self._call = call
        self._pages = call.pages()
        self._lock = asyncio.Lock()

    @property
    def next_page_token(self) -> str:
        """Pass it as `page_token` to go on where this pager stopped, in another process or after an error.

        It stands for the first page that was not handed out entirely, so nothing is lost; a page of which only some
        images were handed out comes again from its beginning. Empty before the first page is handed out, and after the
        last.
        """
        return self._pages.next_page_token

    @property
    def pages(self) -> AsyncIterator[ComputeImagesResponse]:
        """The pages that are left, empty ones too; of a page that was begun, the images that are left."""
        return _PageIterator(self)

    async def aclose(self) -> None:
        """End the iteration: nothing more is sent or handed out, and what is fetched ahead is cancelled."""
        async with self._lock:
            if self._ahead is not None:
                await self._ahead.stop()
            self._pages.close()

    def __aiter__(self) -> ComputeImagesAsyncPager:
        return self

    async def __anext__(self) -> EarthEngineAsset:
        async with self._lock:
            while (image := self._pages.take_image()) is None:
                if not await self._advance(whole=False):
                    raise StopAsyncIteration
            return image

    async def _next_page(self) -> ComputeImagesResponse:
        async with self._lock:
            while (page := self._pages.take_page()) is None:
                if not await self._advance(whole=True):
                    raise StopAsyncIteration
        if isinstance(page, ComputeImagesResponse):
            return page
        message = ComputeImagesResponse()
        try:
            for piece in page.pieces():
                message.MergeFromString(piece)
                await asyncio.sleep(0)  # others have their turn
        except DecodeError as error:
            raise self._pages.unreadable("a page", error) from error
        return message

    async def _advance(self, *, whole: bool) -> bool:
        """Turn to another page, which is wanted `whole` or image by image; return False when there is none."""
        if self._ahead is not None:
            await self._ahead.wait()
        if not self._pages.turn():
            request = self._pages.next_request()
            if request is None:
                return False
            self._pages.feed(await self._fetch(self._call, request, self._pages.number + 1, False, whole))
            self._pages.turn()
        if self._pages.may_ask_ahead(self._call.terms.prefetch):
            if self._ahead is None:
                self._ahead = _Ahead(self._fetch, self._call, self._pages)
                self._when_dropped = WhenDropped(self._ahead.drop)
            self._ahead.begin()
        return True


class _PageIterator:
    """The pager seen page by page."""

    def __init__(self, pager: ComputeImagesAsyncPager) -> None:
        self._pager = pager

    def __aiter__(self) -> _PageIterator:
        return self

    async def __anext__(self) -> ComputeImagesResponse:
        return await self._pager._next_page()


class _Ahead:
    """Feeds pages before they are asked for, in a task that ends when enough of them are there.

    The task knows nothing of the pager, which can so be dropped while it runs.
    """

    def __init__(self, fetch: Fetch, call: PreparedCall, pages: Pages) -> None:
        self._fetch = fetch
        self._call = call
        self._pages = pages
        self._changed = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._failure: Exception | None = None
        self._process = 0

    def begin(self) -> None:
        """Have pages fetched, if there is room for any."""
        if self._running() or self._failure or not self._pages.may_ask_ahead(self._call.terms.prefetch):
            return
        self._process = os.getpid()
        self._task = asyncio.create_task(self._work(), name="eegrpc-prefetch")
        self._task.add_done_callback(lambda _: self._changed.set())

    async def wait(self) -> None:
        """Wait until a page is fed, or none is being fetched.

        Raises:
            EarthEngineError: How fetching it failed; CANCELLED, the client was closed.
        """
        task, was_running = self._task, self._running()
        try:
            while self._running() and not self._pages.ahead:
                self._changed.clear()
                await self._changed.wait()
        except asyncio.CancelledError:
            self._cancel()
            raise
        if self._pages.ahead:
            return
        if self._failure is not None:
            raise self._take_failure(self._failure)
        if was_running and task is not None and task.cancelled():
            raise make_error(
                grpc.StatusCode.CANCELLED,
                "the client was closed while the page was fetched",
                reason="CANCELLED",
                context=CallContext(self._call.terms.project, self._pages.number + 1),
            )

    async def stop(self) -> None:
        """End the task, and with it the call that it has under way."""
        task = self._cancel()
        if task is not None:
            await asyncio.wait([task])

    def drop(self) -> None:
        """Have the task ended; also from the garbage collector, on whatever thread."""
        task = self._task
        if task is None or task.done() or self._process != os.getpid():
            return
        with contextlib.suppress(RuntimeError):  # the loop is closed, and nothing runs there
            task.get_loop().call_soon_threadsafe(task.cancel)

    def _take_failure(self, failure: Exception) -> Exception:
        """Return a failure, once; a name for it where it is raised would keep it, and its call, until a collection."""
        self._failure = None
        return failure

    def _running(self) -> bool:
        return self._task is not None and not self._task.done()

    def _cancel(self) -> asyncio.Task[None] | None:
        """Have the task ended, and take it for gone: what it may still get is not fed. Return it."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
        return task

    async def _work(self) -> None:
        while (request := self._pages.request_ahead(self._call.terms.prefetch)) is not None:
            try:
                response = await self._fetch(self._call, request, self._pages.number + 1, True)
            except Exception as error:  # noqa: BLE001 - the caller's task raises it
                if asyncio.current_task() is self._task:
                    self._failure = error
                return
            if asyncio.current_task() is not self._task:
                return
            self._pages.feed(response)
            self._changed.set()
