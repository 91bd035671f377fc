"""The synchronous client: thin. What is sent, when it is sent again and when paging ends is decided elsewhere."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any, Final

import grpc

from eegrpc._batch import DEFAULT_CONCURRENCY, BatchPage, Settings
from eegrpc._calls import Defaults, PreparedCall, check_channel, own_channel_options, prepare
from eegrpc._gate import Admission
from eegrpc._options import is_google
from eegrpc._pages import Pages
from eegrpc._permit import ThreadPermit
from eegrpc._processes import NotPicklable, child_lock, restart_in_children
from eegrpc.v1alpha import ComputeImagesRequest, ComputeImagesResponse, EarthEngineAsset, EarthEngineStub

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
    from types import EllipsisType, TracebackType

    from google.protobuf.field_mask_pb2 import FieldMask
    from typing_extensions import Self

    from eegrpc._gate import QuotaGate
    from eegrpc._retry import Attempts, RetryDecider

__all__ = ["ComputeImagesPager", "EarthEngineClient"]

_INTERRUPTIBLE: Final = 0.5
"""Longest single wait, in seconds: Python holds Ctrl-C back while it waits for a lock on Windows, and anywhere if the
signal comes in the moment before the wait begins."""


class EarthEngineClient(NotPicklable):
    """Computes collections of images with Earth Engine. A context manager; may be shared between threads.

    Args:
        project: Google Cloud project that pays, by id, number or as ``projects/...``; each call may name another.
        endpoint: Where to connect; see `eegrpc.create_channel`, which also describes the other options of the channel.
        transport: ``"auto"``, ``"grpc"`` or ``"rest"``.
        channel: A channel to use instead of making one; `close` leaves it open, and the options that describe a channel
            must then be left out.
        credentials: Google credentials, or None for the default ones.
        api_version: ``"v1alpha"``, ``"v1beta"`` or ``"v1"``.
        retry: When to send a failed request again: an `eegrpc.RetryPolicy`, which is the default, or an object of your
            own as `eegrpc.RetryDecider` describes it. None sends it once, and then the channel that the client makes
            does not retry by itself either.
        timeout: Seconds for one page, all attempts and waits together; by default, and for None, 330. There is always a
            deadline, because a faulty server can keep a call without one open for ever (gRPC waits for the end of a
            unary answer that has two messages).
        interceptors: gRPC client interceptors for the channel that the client makes.
        quota: The gate at which requests wait so that the project's quota is kept. Clients that send for the same
            project should share one. None sends everything at once. By default, an `eegrpc.QuotaGate()` of the client's
            own at Google's endpoints, and none at others or when `channel` is given: their quotas are not known.

    Raises:
        TypeError, ValueError: An option makes no sense; the caller must correct it.
        EarthEngineError: INVALID_ARGUMENT, `project` is malformed.
    """

    def __init__(
        self,
        project: str | None = None,
        *,
        endpoint: str | None = None,
        transport: str = "auto",
        channel: grpc.Channel | None = None,
        credentials: Any = None,
        api_version: str = "v1alpha",
        retry: RetryDecider | EllipsisType | None = ...,
        timeout: float | EllipsisType | None = ...,
        interceptors: Sequence[Any] = (),
        quota: QuotaGate | EllipsisType | None = ...,
    ) -> None:
        self._defaults = Defaults.check(project, retry, timeout, own_channel=channel is None)
        self._admission = Admission(quota, is_google=channel is None and is_google(endpoint))
        self._own_channel: grpc.Channel | None = None
        if channel is None:
            from eegrpc._channel import create_channel

            channel = self._own_channel = create_channel(
                endpoint,
                transport=transport,
                credentials=credentials,
                api_version=api_version,
                interceptors=interceptors,
                options=own_channel_options(self._defaults),
            )
        else:
            check_channel(endpoint, transport, credentials, api_version, interceptors)
        self._stub = EarthEngineStub(channel)
        self._closing = threading.Event()  # also what calls sleep on between attempts, so that closing wakes them
        restart_in_children(self)

    def compute_images(
        self,
        expression: object,
        *,
        project: str | None = None,
        page_size: int | None = None,
        page_token: str | None = None,
        workload_tag: str | None = None,
        fields: str | Iterable[str] | FieldMask | None = None,
        limit: int | None = None,
        retry: RetryDecider | EllipsisType | None = ...,
        timeout: float | EllipsisType | None = ...,
        metadata: Iterable[tuple[str, str | bytes]] = (),
    ) -> ComputeImagesPager:
        """Return the images that an expression yields. Nothing is sent before the first of them is asked for.

        Args:
            expression: An ``ee`` object, the dict or JSON text of its serializer, or an `eegrpc.v1alpha.Expression`.
            project: Project that pays, instead of the client's.
            page_size: Most images of one page; the server may send fewer. 0 and None leave it to the server (1000).
            page_token: `ComputeImagesPager.next_page_token` of an earlier call with the same arguments, to go on there.
            workload_tag: Label for usage reports: 1 to 63 lower-case letters, digits, ``-`` and ``_``.
            fields: Fields of the answer to send, as a mask such as ``"images.name,images.startTime"``, a list of paths,
                or a FieldMask. The token of the next page is always asked for.
            limit: Most images in all.
            retry: When to send a failed request again, instead of the client's policy; None sends it once.
            timeout: Seconds for one page, all attempts and waits together; the client's for None. 0 or less fails with
                DEADLINE_EXCEEDED, and nothing is sent.
            metadata: Further request metadata; a key given here replaces the client's own value for it.

        Raises:
            TypeError: An argument has the wrong type.
            ValueError: `timeout` is NaN, or the client is closed.
            EarthEngineError: INVALID_ARGUMENT: an argument is refused, and nothing is sent. Iterating the pager raises
                it for calls that fail; its `reason` and `hint` say who must act.
        """
        self._require_open()
        call = prepare(
            self._defaults,
            expression,
            project=project,
            page_size=page_size,
            page_token=page_token,
            workload_tag=workload_tag,
            fields=fields,
            limit=limit,
            retry=retry,
            timeout=timeout,
            metadata=metadata,
        )
        return ComputeImagesPager(self._fetch, call)

    def compute_images_many(
        self,
        requests: Iterable[object],
        *,
        concurrency: int = DEFAULT_CONCURRENCY,
        ordered: bool = False,
        retry: RetryDecider | EllipsisType | None = ...,
        timeout: float | EllipsisType | None = ...,
        metadata: Iterable[tuple[str, str | bytes]] = (),
    ) -> Generator[BatchPage, None, None]:
        """Return the pages of many computations, several at a time. Nothing is sent before the first page is asked for.

        A computation that fails does not stop the others: its last page holds the error. Memory is bounded by
        `concurrency`, not by the number of requests, which are taken from the iterable as they are begun. Closing the
        generator cancels what is under way.

        Args:
            requests: `eegrpc.BatchRequest` objects, or expressions alone, as `compute_images` takes them.
            concurrency: Most computations at a time.
            ordered: Whether all pages of one request come before those of the next; else they come as they are ready.
            retry: When to send a failed request again, instead of the client's policy; None sends it once.
            timeout: Seconds for one page, all attempts and waits together; the client's for None.
            metadata: Further request metadata; a key given here replaces the client's own value for it.

        Raises:
            TypeError, ValueError: `concurrency` makes no sense, or the client is closed. What `requests` itself raises
                ends the batch.
        """
        self._require_open()
        settings = Settings(self._defaults, retry, timeout, tuple(metadata), concurrency, ordered)
        from eegrpc._batch_threads import run

        return run(self._stub.ComputeImages, self._admission.gate, requests, settings)

    def close(self) -> None:
        """Close the channel if the client made it; calls under way end with CANCELLED. A second time does nothing.

        Calls that wait for their next attempt end with CANCELLED at once, whoever made the channel.
        """
        self._closing.set()
        self._admission.close()
        if self._own_channel is not None:
            self._own_channel.close()

    def __enter__(self) -> Self:
        self._require_open()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _after_fork(self) -> None:
        """Be closed in a forked child if it was in the parent, and wait on a lock of its own."""
        was_closed, self._closing = self._closing.is_set(), threading.Event()
        if was_closed:
            self._closing.set()

    def _require_open(self) -> None:
        if self._closing.is_set():
            raise ValueError("this EarthEngineClient is closed: make a new one, or iterate before it is closed")

    def _fetch(self, call: PreparedCall, request: ComputeImagesRequest, page: int) -> ComputeImagesResponse:
        """Return one page."""
        self._require_open()
        return send(self._stub.ComputeImages, request, call.metadata, call.attempts(page), self._admission, self._sleep)

    def _sleep(self, seconds: float) -> bool:
        """Wait; return True, early, when the client is closed."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0 and not self._closing.is_set():
            self._closing.wait(min(left, _INTERRUPTIBLE))
        return self._closing.is_set()


class ComputeImagesPager:
    """The images of one computation: iterate it for `EarthEngineAsset`, or `pages` for whole answers. Lazy.

    It goes over the images once: a second loop goes on where the first stopped, also after an error, then with the page
    that failed. Threads may share it; each image goes to one of them.
    """

    def __init__(
        self, fetch: Callable[[PreparedCall, ComputeImagesRequest, int], ComputeImagesResponse], call: PreparedCall
    ) -> None:
        self._fetch = fetch
        self._call = call
        self._pages = Pages(call.request, limit=call.limit)
        self._lock = threading.Lock()
        restart_in_children(self)

    def _after_fork(self) -> None:
        """Go on in a forked child, independently of the parent."""
        self._lock = child_lock(self._lock, "make a new pager, with page_token= as next_page_token of this one says")

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
        """End the iteration: nothing more is sent or handed out."""
        with self._lock:
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
            return page

    def _advance(self) -> bool:
        """Fetch another page; return False when there is none."""
        request = self._pages.next_request()
        if request is None:
            return False
        self._pages.feed(self._fetch(self._call, request, self._pages.number + 1))
        return True


class _PageIterator:
    """The pager seen page by page."""

    def __init__(self, pager: ComputeImagesPager) -> None:
        self._pager = pager

    def __iter__(self) -> _PageIterator:
        return self

    def __next__(self) -> ComputeImagesResponse:
        return self._pager._next_page()


def send(
    method: grpc.UnaryUnaryMultiCallable[ComputeImagesRequest, ComputeImagesResponse],
    request: ComputeImagesRequest,
    metadata: tuple[tuple[str, str | bytes], ...],
    attempts: Attempts,
    admission: Admission,
    sleep: Callable[[float], bool],
) -> ComputeImagesResponse:
    """Send a request until it is answered or `attempts` gives up.

    `sleep` takes seconds and returns True, early, when there will be no further attempt: the client was closed.

    Raises:
        EarthEngineError: How the last attempt failed; CANCELLED, the client was closed.
    """
    while True:
        while (delay := attempts.throttled()) > 0:
            if sleep(delay):
                raise attempts.closed()
        with ThreadPermit(admission, request.project, attempts) as permit:
            timeout = attempts.start()
            try:
                response = method(request, timeout=timeout, metadata=attempts.metadata(metadata))
            except grpc.RpcError as error:
                permit.failed(error)
                delay = attempts.failed(error)
            else:
                return attempts.answered(response)
        if sleep(delay):
            raise attempts.closed()
