"""The pager of the synchronous client."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from google.protobuf.message import DecodeError

from eegrpc._dropped import WhenDropped
from eegrpc._encoded_page import message_of
from eegrpc._processes import child_lock, load_before_forks, restart_in_children
from eegrpc.v1alpha import ComputeImagesResponse

if TYPE_CHECKING:
    from collections.abc import Iterator

    from eegrpc._calls import PreparedCall
    from eegrpc._prefetch import Fetch, Prefetch
    from eegrpc.v1alpha import EarthEngineAsset

__all__ = ["ComputeImagesPager"]

load_before_forks("eegrpc._prefetch")  # for a second page; most answers have a single one


class ComputeImagesPager:
    """The images of one computation: iterate it for `EarthEngineAsset`, or `pages` for whole answers. Lazy.

    It goes over the images once: a second loop goes on where the first stopped, also after an error, then with the page
    that failed. Threads may share it; each image goes to one of them. While the caller is busy with a page, the next
    one is fetched (`prefetch`); that ends when the pager is closed or dropped, or the client is closed.
    """

    _ahead: Prefetch | None = None  # until there is a page to fetch ahead

    def __init__(self, fetch: Fetch, call: PreparedCall) -> None:
        self._fetch = fetch
        self._call = call
        self._pages = call.pages()
        self._lock = threading.Lock()
        restart_in_children(self)

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
                if not self._advance(whole=False):
                    raise StopIteration
            return image

    def _next_page(self) -> ComputeImagesResponse:
        with self._lock:
            while (page := self._pages.take_page()) is None:
                if not self._advance(whole=True):
                    raise StopIteration
        if isinstance(page, ComputeImagesResponse):
            return page
        try:
            return message_of(page)
        except DecodeError as error:
            raise self._pages.unreadable("a page", error) from error

    def _advance(self, *, whole: bool) -> bool:
        """Turn to another page, which is wanted `whole` or image by image; return False when there is none."""
        if self._ahead is not None:
            self._ahead.wait()
        if not self._pages.turn():
            request = self._pages.next_request()
            if request is None:
                return False
            self._pages.feed(self._fetch(self._call, request, self._pages.number + 1, None, whole))
            self._pages.turn()
        if self._pages.may_ask_ahead(self._call.terms.prefetch):
            if self._ahead is None:
                from eegrpc._prefetch import Prefetch

                self._ahead = Prefetch(self._fetch, self._call, self._pages)
                self._when_dropped = WhenDropped(self._ahead.stop)
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
