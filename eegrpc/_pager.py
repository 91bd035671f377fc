"""The pager of the synchronous client, and the thread that fetches the pages ahead of it."""

from __future__ import annotations

import contextvars
import threading
from typing import TYPE_CHECKING, Protocol

from google.protobuf.message import DecodeError

from eegrpc._encoded_page import message_of
from eegrpc._processes import child_lock, restart_in_children
from eegrpc._stop import INTERRUPTIBLE, Stop

if TYPE_CHECKING:
    from collections.abc import Iterator

    from eegrpc._calls import PreparedCall
    from eegrpc._encoded_page import Page
    from eegrpc._pages import Pages
    from eegrpc.v1alpha import ComputeImagesRequest, ComputeImagesResponse, EarthEngineAsset

    class Fetch(Protocol):
        """Gets one page, which counts from 1."""

        def __call__(
            self, call: PreparedCall, request: ComputeImagesRequest, page: int, stop: Stop | None = None, /
        ) -> Page: ...


__all__ = ["ComputeImagesPager"]


class ComputeImagesPager:
    """The images of one computation: iterate it for `EarthEngineAsset`, or `pages` for whole answers. Lazy.

    It goes over the images once: a second loop goes on where the first stopped, also after an error, then with the page
    that failed. Threads may share it; each image goes to one of them. While the caller is busy with a page, the next
    one is fetched (`prefetch`); that ends when the pager is closed or dropped, or the client is closed.
    """

    def __init__(self, fetch: Fetch, call: PreparedCall) -> None:
        self._fetch = fetch
        self._call = call
        self._pages = call.pages()
        self._ahead: _Ahead | None = None  # until there is a page to fetch ahead: most answers have a single one
        self._lock = threading.Lock()
        restart_in_children(self)

    def __del__(self) -> None:
        if self._ahead is not None:
            self._ahead.stop()  # takes no lock

    def _after_fork(self) -> None:
        """Go on in a forked child, independently of the parent."""
        lock = self._lock
        if self._ahead is not None and self._ahead.lock.locked():
            lock = self._ahead.lock
        self._lock = child_lock(lock, "make a new pager, with page_token= as next_page_token of this one says")
        self._ahead = None  # what is under way is the parent's

    @property
    def next_page_token(self) -> str:
        """Pass it as `page_token` to go on where this pager stopped, in another process or after an error.

        It stands for the first page that was not handed out entirely, so nothing is lost; a page of which only some
        images were handed out comes again from its beginning. Empty before the first page is handed out, and after the
        last.
        """
        return self._pages.next_page_token

    @property
    def pages(self) -> Iterator[ComputeImagesResponse]:
        """The pages that are left, empty ones too; of a page that was begun, the images that are left."""
        return _PageIterator(self)

    def close(self) -> None:
        """End the iteration: nothing more is sent or handed out, and what is fetched ahead is cancelled."""
        with self._lock:
            if self._ahead is not None:
                self._ahead.stop()
            self._pages.close()

    def __iter__(self) -> ComputeImagesPager:
        return self

    def __next__(self) -> EarthEngineAsset:
        with self._lock:
            while (image := self._pages.take_image()) is None:
                if not self._advance():
                    raise StopIteration
            return image

    def _next_page(self) -> ComputeImagesResponse:
        with self._lock:
            while (page := self._pages.take_page()) is None:
                if not self._advance():
                    raise StopIteration
        try:
            return message_of(page)
        except DecodeError as error:
            raise self._pages.unreadable("a page", error) from error

    def _advance(self) -> bool:
        """Turn to another page; return False when there is none."""
        if self._ahead is not None:
            self._ahead.wait()
        if not self._pages.turn():
            request = self._pages.next_request()
            if request is None:
                return False
            self._pages.feed(self._fetch(self._call, request, self._pages.number + 1))
            self._pages.turn()
        if self._pages.may_ask_ahead(self._call.prefetch):
            if self._ahead is None:
                self._ahead = _Ahead(self._fetch, self._call, self._pages)
            self._ahead.begin()
        return True


class _PageIterator:
    """The pager seen page by page."""

    def __init__(self, pager: ComputeImagesPager) -> None:
        self._pager = pager

    def __iter__(self) -> _PageIterator:
        return self

    def __next__(self) -> ComputeImagesResponse:
        return self._pager._next_page()


class _Ahead:
    """Feeds pages before they are asked for, on a thread that ends when enough of them are there.

    The thread knows nothing of the pager, which can so be dropped while it runs. It has a stub call under way by
    `future`, which can be cancelled; what else a call waits for is waited for in the same way, in `Stop`.
    """

    def __init__(self, fetch: Fetch, call: PreparedCall, pages: Pages) -> None:
        self._fetch = fetch
        self._call = call
        self._pages = pages
        self.stop = Stop()
        """Ends the thread, and cancels what it has under way; for good."""
        self.lock = threading.Lock()
        """Held while a page is fed, and never while anything is waited for."""
        self._changed = threading.Condition(self.lock)
        self._running = False
        self._failure: BaseException | None = None

    def begin(self) -> None:
        """Have pages fetched, if there is room for any."""
        with self._changed:
            if self._running or self._failure or self.stop.stopped:
                return
            if not self._pages.may_ask_ahead(self._call.prefetch):
                return
            self._running = True
        # In the caller's context, which interceptors may ask for what a request belongs to.
        work = contextvars.copy_context().run
        try:
            threading.Thread(target=work, args=(self._work,), name="eegrpc-prefetch", daemon=True).start()
        except RuntimeError:  # no more threads are to be had: then the page waits until it is asked for
            self._running = False

    def wait(self) -> None:
        """Wait until a page is fed, or none is being fetched.

        Raises:
            EarthEngineError: How fetching it failed.
        """
        with self._changed:
            was_running = self._running
            while self._running and not self._pages.ahead:
                self._changed.wait(INTERRUPTIBLE)
            if self._pages.ahead:
                return
            if self._failure is not None and (was_running or not self.stop.stopped):
                raise self._take_failure(self._failure)

    def _take_failure(self, failure: BaseException) -> BaseException:
        """Return a failure, once; a name for it where it is raised would keep it, and its call, until a collection."""
        self._failure = None
        return failure

    def _work(self) -> None:
        while (request := self._next()) is not None:
            try:
                response = self._fetch(self._call, request, self._pages.number + 1, self.stop)
            except BaseException as error:  # noqa: BLE001 - the caller's thread raises it
                self._end(error)
                return
            with self._changed:
                self._pages.feed(response)
                self._changed.notify_all()

    def _next(self) -> ComputeImagesRequest | None:
        with self._changed:
            request = None if self.stop.stopped else self._pages.request_ahead(self._call.prefetch)
            if request is None:
                self._running = False
                self._changed.notify_all()
            return request

    def _end(self, error: BaseException) -> None:
        with self._changed:
            self._failure = error
            self._running = False
            self._changed.notify_all()
