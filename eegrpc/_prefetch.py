"""What fetches pages before they are asked for, on a thread."""

from __future__ import annotations

import contextvars
import threading
from typing import TYPE_CHECKING, Protocol

from eegrpc._bell import INTERRUPTIBLE
from eegrpc._stop import Stop

if TYPE_CHECKING:
    from eegrpc._calls import PreparedCall
    from eegrpc._encoded_page import Page
    from eegrpc._pages import Pages

    class Fetch(Protocol):
        """Gets one page, which counts from 1; as a message if it is wanted whole."""

        def __call__(
            self,
            call: PreparedCall,
            request: bytes,
            page: int,
            stop: Stop | None = None,
            whole: bool = False,
            /,
        ) -> Page: ...


__all__ = ["Fetch", "Prefetch"]


class Prefetch:
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
            if not self._pages.may_ask_ahead(self._call.terms.prefetch):
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

    def _next(self) -> bytes | None:
        with self._changed:
            request = None if self.stop.stopped else self._pages.request_ahead(self._call.terms.prefetch)
            if request is None:
                self._running = False
                self._changed.notify_all()
            return request

    def _end(self, error: BaseException) -> None:
        with self._changed:
            self._failure = error
            self._running = False
            self._changed.notify_all()
