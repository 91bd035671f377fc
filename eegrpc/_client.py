"""The synchronous client: thin. What is sent, when it is sent again and when paging ends is decided elsewhere."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any, TypeVar

import grpc

from eegrpc._admission import NO_PERMIT, Admission
from eegrpc._bell import INTERRUPTIBLE
from eegrpc._calls import (
    DEFAULT_CONCURRENCY,
    PreparedCall,
    check_channel,
    own_channel_options,
    prepare,
)
from eegrpc._methods import methods_of
from eegrpc._options import is_google
from eegrpc._pager import ComputeImagesPager
from eegrpc._pages import MAX_EMPTY_PAGES
from eegrpc._permit import ThreadPermit
from eegrpc._processes import NotPicklable, restart_in_children
from eegrpc._terms import Defaults

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Sequence
    from types import EllipsisType, TracebackType

    from google.protobuf.field_mask_pb2 import FieldMask
    from typing_extensions import Self

    from eegrpc._batch import BatchPage
    from eegrpc._encoded_page import Page
    from eegrpc._gate import QuotaGate
    from eegrpc._retry import Attempts, RetryDecider
    from eegrpc._stop import Stop

__all__ = ["EarthEngineClient"]

_Response = TypeVar("_Response")


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
        prefetch: Most pages that a pager fetches before they are asked for, while the caller is busy with the one that
            was handed out; 1 by default, 0 for none. They are kept in memory.
        max_empty_pages: Most pages without an image in a row, before a computation fails with NO_PROGRESS.

    Raises:
        TypeError, ValueError: An option makes no sense; the caller must correct it.
        EarthEngineError: INVALID_ARGUMENT: `project` is malformed, or a number is negative.
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
        prefetch: int = 1,
        max_empty_pages: int = MAX_EMPTY_PAGES,
    ) -> None:
        self._defaults = Defaults(
            project,
            retry,
            timeout,
            prefetch=prefetch,
            max_empty_pages=max_empty_pages,
            own_channel=channel is None,
        )
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
        # Interceptors, and whoever made the channel, expect messages.
        self._methods = methods_of(channel, messages=self._own_channel is None or bool(interceptors))
        self._closed = False
        self._closing = threading.Event()  # what calls sleep on between attempts, so that closing wakes them
        self._ahead: dict[Stop, None] = {}  # what is fetched before it is asked for
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
        prefetch: int | None = None,
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
            prefetch: Most pages to fetch before they are asked for; the client's for None, 0 for none. It begins when
                a page is handed out or its first image is, never beyond `limit`, and each page has its own `timeout`,
                attempts and place at the gate. How such a page failed is raised when it is asked for.

        Raises:
            TypeError: An argument has the wrong type.
            ValueError: `timeout` is NaN, or the client is closed.
            EarthEngineError: INVALID_ARGUMENT: an argument is refused, and nothing is sent. Iterating the pager raises
                it for calls that fail; its `reason` and `hint` say who must act.
        """
        if self._closed:
            raise self._closed_error()
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
            prefetch=prefetch,
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
        if self._closed:
            raise self._closed_error()
        from eegrpc._batch import Settings
        from eegrpc._batch_threads import run

        settings = Settings(self._defaults, retry, timeout, tuple(metadata), concurrency, ordered)

        return run(self._methods.whole, self._admission.gate, requests, settings)

    def close(self) -> None:
        """Close the channel if the client made it; calls under way end with CANCELLED. A second time does nothing.

        Whoever made the channel, calls that wait for their next attempt end with CANCELLED at once, and pages that are
        fetched ahead are cancelled.
        """
        self._closed = True
        self._closing.set()
        self._admission.close()
        for stop in tuple(self._ahead):
            stop()
        if self._own_channel is not None:
            self._own_channel.close()

    def __enter__(self) -> Self:
        if self._closed:
            raise self._closed_error()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _after_fork(self) -> None:
        """Be closed in a forked child if it was in the parent, and wait on a lock of its own."""
        self._ahead = {}
        self._closing = threading.Event()
        if self._closed:
            self._closing.set()

    def _closed_error(self) -> ValueError:
        return ValueError("this EarthEngineClient is closed: make a new one, or iterate before it is closed")

    def _fetch(
        self,
        call: PreparedCall,
        request: bytes,
        page: int,
        stop: Stop | None = None,
        whole: bool = False,
    ) -> Page:
        """Return one page, `whole` as a message; with `stop`, as a call that can be ended from outside."""
        if self._closed:
            raise self._closed_error()
        method: Callable[..., Page] = self._methods.whole if whole else self._methods.page
        attempts = call.attempts(page)
        if stop is None:
            return send(method, request, call.terms.metadata, attempts, self._admission, self._sleep)
        self._ahead[stop] = None
        try:
            if self._closed:  # in the meantime
                stop()
            admission = stop.admission(self._admission)
            return send(stop.method(method), request, call.terms.metadata, attempts, admission, stop.sleep)
        finally:
            self._ahead.pop(stop, None)

    def _sleep(self, seconds: float) -> bool:
        """Wait; return True, early, when the client is closed."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0 and not self._closed:
            self._closing.wait(min(left, INTERRUPTIBLE))
        return self._closed


def send(
    method: Callable[..., _Response],
    request: bytes,
    metadata: tuple[tuple[str, str | bytes], ...],
    attempts: Attempts,
    admission: Admission,
    sleep: Callable[[float], bool],
) -> _Response:
    """Send a request until it is answered or `attempts` gives up.

    `sleep` takes seconds and returns True, early, when there will be no further attempt: the client was closed.

    Raises:
        EarthEngineError: How the last attempt failed; CANCELLED, the client was closed.
    """
    while True:
        with NO_PERMIT if admission.gate is None else ThreadPermit(admission, attempts) as permit:
            timeout, sent = attempts.start(metadata)
            try:
                return attempts.answered(method(request, timeout=timeout, metadata=sent))
            except grpc.RpcError as error:
                permit.failed(error)
                delay = attempts.failed(error)
        if sleep(delay):
            raise attempts.closed()
        while (delay := attempts.throttled()) > 0:
            if sleep(delay):
                raise attempts.closed()
