"""Many computations at once: what is asked for, what comes back, and in which order. Without IO and without waiting.

The two clients differ in who works (threads or tasks) and how they wait; the rest is here.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import grpc

from eegrpc._calls import PreparedCall, prepare
from eegrpc._encoded_page import message_of
from eegrpc.errors import CallContext, EarthEngineError, make_error

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from types import EllipsisType

    from google.protobuf.field_mask_pb2 import FieldMask

    from eegrpc._pages import Pages
    from eegrpc._retry import RetryDecider
    from eegrpc._terms import Defaults
    from eegrpc.v1alpha import ComputeImagesResponse, EarthEngineAsset

__all__ = ["BatchPage", "BatchRequest", "Job", "Order", "Progress", "Settings"]

_PAGES_KEPT: Final = 2  # of one computation, while its pages wait for their turn


@dataclass(frozen=True, slots=True)
class BatchRequest:
    """One computation of a batch; its arguments are those of ``compute_images``.

    To go on with one that stopped, give the `BatchPage.next_page_token` of its last page as `page_token`, and the
    number of the page that comes next as `first_page`.
    """

    expression: object
    key: str = ""
    """Yours to choose; each page of the answer carries it."""
    project: str | None = None
    page_size: int | None = None
    page_token: str | None = None
    workload_tag: str | None = None
    fields: str | Iterable[str] | FieldMask | None = None
    limit: int | None = None
    first_page: int = 1


@dataclass(frozen=True, slots=True)
class BatchPage:
    """One page of one computation of a batch, or the error that ended it."""

    key: str
    """That of the request."""
    index: int
    """Place of the request in the batch, from 0."""
    number: int
    """Place of the page in its computation, from `BatchRequest.first_page`."""
    images: Sequence[EarthEngineAsset]
    """Empty when there is an error."""
    next_page_token: str
    """Where the computation goes on: after this page, or, after an error, with the page that failed."""
    is_last: bool
    """Whether no other page of this computation comes."""
    attempts: int
    """How often the request of this page was sent."""
    error: EarthEngineError | None = None
    """What ended the computation; its `hint` says who must act."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What all computations of a batch share."""

    defaults: Defaults
    retry: RetryDecider | EllipsisType | None
    timeout: float | EllipsisType | None
    metadata: tuple[tuple[str, str | bytes], ...]
    concurrency: int
    ordered: bool

    def __post_init__(self) -> None:
        if isinstance(self.concurrency, bool) or not isinstance(self.concurrency, int):
            raise TypeError(f"concurrency is a {type(self.concurrency).__name__}: pass a number of computations")
        if self.concurrency < 1:
            raise ValueError(f"concurrency is {self.concurrency}: pass 1 or more")


class Job:
    """One computation under way: the next request, then the page that its response makes, until `done`.

    Args:
        settings: The batch's.
        request: A `BatchRequest`, or an expression alone.
        index: Its place in the batch.
    """

    def __init__(self, settings: Settings, request: object, index: int) -> None:
        self._settings = settings
        self._request = request if isinstance(request, BatchRequest) else BatchRequest(request)
        self.index = index
        self.call: PreparedCall
        self._pages: Pages | None = None
        self.done = False
        """Whether its last page was made."""

    def start(self) -> None:
        """Check the request.

        Raises:
            EarthEngineError: INVALID_ARGUMENT: it is refused; nothing of it is to be sent.
        """
        request = self._request
        try:
            self.call = prepare(
                self._settings.defaults,
                request.expression,
                project=request.project,
                page_size=request.page_size,
                page_token=request.page_token,
                workload_tag=request.workload_tag,
                fields=request.fields,
                limit=request.limit,
                retry=self._settings.retry,
                timeout=self._settings.timeout,
                metadata=self._settings.metadata,
                prefetch=0,  # a batch has several computations under way as it is
            )
        except (TypeError, ValueError) as error:  # in one request of many, this is that request's failure and no more
            context = CallContext(request.project or "")
            text = str(error)
            raise make_error(grpc.StatusCode.INVALID_ARGUMENT, text, reason="BAD_REQUEST", context=context) from error
        self._pages = self.call.pages()

    @property
    def number(self) -> int:
        """The number of the page that comes next."""
        return self._request.first_page + (self._pages.number if self._pages else 0)

    def next_request(self) -> bytes | None:
        """Return the request for the next page; None when none is left.

        Raises:
            EarthEngineError: INTERNAL: the server's tokens lead nowhere.
        """
        assert self._pages is not None
        return self._pages.next_request()

    def page(self, response: ComputeImagesResponse, attempts: int) -> BatchPage:
        """Return the page that a response makes, which so many attempts have brought."""
        assert self._pages is not None
        number = self.number
        self._pages.feed(response)
        self._pages.turn()
        page = self._pages.take_page()
        assert page is not None
        self.done = self._pages.done
        return self._batch_page(number, attempts, images=message_of(page).images)

    def failed(self, error: EarthEngineError) -> BatchPage:
        """Return the page that says how the computation ended."""
        self.done = True
        return self._batch_page(self.number, error.context.attempt, error=error)

    def nothing(self) -> BatchPage:
        """Return the page of a computation that has none, because its limit is 0."""
        self.done = True
        return self._batch_page(self.number, 0)

    def _batch_page(
        self,
        number: int,
        attempts: int,
        *,
        images: Sequence[EarthEngineAsset] = (),
        error: EarthEngineError | None = None,
    ) -> BatchPage:
        token = self._pages.next_page_token if self._pages else self._request.page_token or ""
        return BatchPage(self._request.key, self.index, number, images, token, self.done, attempts, error)


class Order:
    """Which page is handed out next, and who may go on working: so that memory has a bound.

    Unordered, pages are handed out as they come. Ordered, all pages of one request come before those of the next, and
    what is ahead of its turn waits here: a few pages of each of twice as many computations as run at a time.

    Args:
        concurrency: Computations at a time.
        ordered: Whether the order of the requests is kept.
    """

    def __init__(self, concurrency: int, *, ordered: bool) -> None:
        self._ordered = ordered
        self._most_lanes = 2 * concurrency if ordered else concurrency
        self._lanes: dict[int, deque[BatchPage]] = {}  # by index of the request, in that order
        self._arrived: deque[BatchPage] = deque()
        self._room = concurrency

    def may_begin(self) -> bool:
        """Whether another computation may begin."""
        return len(self._lanes) < self._most_lanes

    def begin(self, index: int) -> None:
        """Note that a computation has begun; they begin in the order of the requests."""
        self._lanes[index] = deque()

    def may_add(self, index: int) -> bool:
        """Whether there is room for another page of a computation."""
        return len(self._lanes[index]) < _PAGES_KEPT if self._ordered else len(self._arrived) < self._room

    def add(self, page: BatchPage) -> None:
        """Take a page."""
        if self._ordered:
            self._lanes[page.index].append(page)
            return
        self._arrived.append(page)
        if page.is_last:
            del self._lanes[page.index]

    def take(self) -> BatchPage | None:
        """Return the page whose turn it is; None while it is not there."""
        if not self._ordered:
            return self._arrived.popleft() if self._arrived else None
        for index, lane in self._lanes.items():  # the first alone
            if not lane:
                return None
            page = lane.popleft()
            if page.is_last:
                del self._lanes[index]
            return page
        return None


class Progress:
    """How far a batch is: what its workers and the caller decide by. Threads hold the batch's lock meanwhile.

    Args:
        settings: The batch's.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._order = Order(settings.concurrency, ordered=settings.ordered)
        self._next_index = 0
        self._working = settings.concurrency
        self._failure: BaseException | None = None
        self.exhausted = False
        """Whether there are no more requests; set by the worker that asked for one."""

    @property
    def over(self) -> bool:
        """Whether all workers have ended."""
        return not self._working

    @property
    def failed(self) -> bool:
        """Whether a worker has failed."""
        return self._failure is not None

    def take(self) -> BatchPage | None:
        """Return the page whose turn it is; None while it is not there.

        Raises:
            BaseException: There is none, and a worker has failed with this.
        """
        page = self._order.take()
        if page is None and self._failure is not None:
            raise self._failure
        return page

    def may_ask(self) -> bool:
        """Whether a worker may ask for another request, or need not wait for that because there is none."""
        return self.exhausted or self.failed or self._order.may_begin()

    def begin(self, request: object) -> Job:
        """Return the computation that a request, the next one, makes."""
        job = Job(self._settings, request, self._next_index)
        self._next_index += 1
        self._order.begin(job.index)
        return job

    def add(self, page: BatchPage) -> bool:
        """Take a page, if there is room for it; return whether there was."""
        room = self._order.may_add(page.index)
        if room:
            self._order.add(page)
        return room

    def fail(self, error: BaseException) -> None:
        """Take note of what a worker failed with; the caller gets the first."""
        self._failure = self._failure or error

    def worker_ended(self) -> None:
        """Take note that a worker has ended, in whatever way."""
        self._working -= 1
