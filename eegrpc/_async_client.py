"""The asyncio client: thin. What is sent, when it is sent again and when paging ends is decided elsewhere."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, TypeVar

import grpc
import grpc.aio

from eegrpc._admission import NO_PERMIT, Admission
from eegrpc._aio_pager import ComputeImagesAsyncPager
from eegrpc._aio_permit import TaskPermit
from eegrpc._calls import (
    DEFAULT_CONCURRENCY,
    PreparedCall,
    check_channel,
    own_channel_options,
    prepare,
)
from eegrpc._methods import methods_of
from eegrpc._options import is_google
from eegrpc._pages import MAX_EMPTY_PAGES
from eegrpc._processes import restart_in_children
from eegrpc._terms import Defaults
from eegrpc.transcoding.loops import OneLoop

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterable, Awaitable, Callable, Iterable, Sequence
    from types import EllipsisType, TracebackType

    from google.protobuf.field_mask_pb2 import FieldMask
    from typing_extensions import Self

    from eegrpc._batch import BatchPage
    from eegrpc._encoded_page import Page
    from eegrpc._gate import QuotaGate
    from eegrpc._retry import Attempts, RetryDecider
    from eegrpc.v1alpha import ComputeImagesResponse

__all__ = ["EarthEngineAsyncClient"]

_Response = TypeVar("_Response")


class EarthEngineAsyncClient(OneLoop):
    """Computes collections of images with Earth Engine. An async context manager.

    Make it in a coroutine. It belongs to the event loop that uses it first, and all tasks of that loop may share it.
    On other loops and in forked children it raises RuntimeError.

    Args:
        project: Google Cloud project that pays, by id, number or as ``projects/...``; each call may name another.
        channel: An asyncio channel to use instead of making one; `close` leaves it open, and the options that describe
            a channel must then be left out.
        endpoint, transport, credentials, api_version: See `eegrpc.create_aio_channel`.
        retry, timeout, quota, prefetch, max_empty_pages: As for `eegrpc.EarthEngineClient`.
        interceptors: grpc.aio client interceptors for the channel that the client makes.

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
        channel: grpc.aio.Channel | None = None,
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
        self._own_channel: grpc.aio.Channel | None = None
        if channel is None:
            from eegrpc._aio_channel import create_aio_channel

            channel = self._own_channel = create_aio_channel(
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
        self._closing: asyncio.Future[None] | None = None  # of the client's loop; what calls sleep on between attempts
        self._ahead: set[asyncio.Task[Any]] = set()  # in which something is fetched before it is asked for
        restart_in_children(self)

    async def compute_images(
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
    ) -> ComputeImagesAsyncPager:
        """Return the images that an expression yields. Nothing is sent before the first of them is asked for.

        The arguments are those of `eegrpc.EarthEngineClient.compute_images`.

        Raises:
            TypeError: An argument has the wrong type.
            ValueError: `timeout` is NaN, or the client is closed.
            RuntimeError: Another event loop used the client before, or it was made before the process forked.
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
            prefetch=prefetch,
        )
        return ComputeImagesAsyncPager(self._fetch, call)

    async def compute_images_many(
        self,
        requests: Iterable[object] | AsyncIterable[object],
        *,
        concurrency: int = DEFAULT_CONCURRENCY,
        ordered: bool = False,
        retry: RetryDecider | EllipsisType | None = ...,
        timeout: float | EllipsisType | None = ...,
        metadata: Iterable[tuple[str, str | bytes]] = (),
    ) -> AsyncGenerator[BatchPage, None]:
        """Return the pages of many computations, several at a time. Nothing is sent before the first page is asked for.

        The arguments are those of `eegrpc.EarthEngineClient.compute_images_many`; `requests` may be asynchronous, too.

        Raises:
            TypeError, ValueError: `concurrency` makes no sense, or the client is closed. What `requests` itself raises
                ends the batch.
        """
        self._require_open()
        from eegrpc._batch import Settings
        from eegrpc._batch_tasks import run

        settings = Settings(self._defaults, retry, timeout, tuple(metadata), concurrency, ordered)

        return run(self._attempt, requests, settings)

    async def close(self) -> None:
        """Close the channel if the client made it; calls under way end with CANCELLED. A second time does nothing.

        Whoever made the channel, calls that wait for their next attempt end with CANCELLED at once, and pages that are
        fetched ahead are cancelled.
        """
        self._closed = True
        if self._closing is not None and not self._closing.done():
            self._closing.set_result(None)
        self._admission.close()
        if self._ahead and not self._left_behind():
            for task in self._ahead:
                task.cancel()
            await asyncio.wait(self._ahead)
        if self._own_channel is not None and not self._forked:
            await self._own_channel.close()

    async def __aenter__(self) -> Self:
        self._require_open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    def _require_open(self) -> None:
        if self._closed:
            raise ValueError("this EarthEngineAsyncClient is closed: make a new one, or iterate before it is closed")
        self._require_loop()

    async def _fetch(
        self, call: PreparedCall, request: bytes, page: int, ahead: bool = False, whole: bool = False
    ) -> Page:
        """Return one page, `whole` as a message; with `ahead`, in a task that may be cancelled."""
        self._require_open()
        method: Callable[..., Awaitable[Page]] = self._methods.whole if whole else self._methods.page
        attempts = call.attempts(page)
        if not ahead or (task := asyncio.current_task()) is None:
            return await send(method, request, call.terms.metadata, attempts, self._admission, self._sleep)
        self._ahead.add(task)
        try:
            return await send(method, request, call.terms.metadata, attempts, self._admission, self._sleep)
        finally:
            self._ahead.discard(task)
            del task  # which keeps the error that it ends with, whose traceback leads here

    async def _attempt(self, call: PreparedCall, request: bytes, attempts: Attempts) -> ComputeImagesResponse:
        """Send a request until it is answered or `attempts` gives up."""
        return await send(self._methods.whole, request, call.terms.metadata, attempts, self._admission, self._sleep)

    async def _sleep(self, seconds: float) -> bool:
        """Wait; return True, early, when the client is closed."""
        if self._closing is None:
            self._closing = asyncio.get_running_loop().create_future()
        await asyncio.wait([self._closing], timeout=seconds)
        return self._closed


async def send(
    method: Callable[..., Awaitable[_Response]],
    request: bytes,
    metadata: tuple[tuple[str, str | bytes], ...],
    attempts: Attempts,
    admission: Admission,
    sleep: Callable[[float], Awaitable[bool]],
) -> _Response:
    """Send a request until it is answered or `attempts` gives up.

    `sleep` takes seconds and returns True, early, when there will be no further attempt: the client was closed.

    Raises:
        EarthEngineError: How the last attempt failed; CANCELLED, the client was closed.
    """
    while True:
        async with NO_PERMIT if admission.gate is None else TaskPermit(admission, attempts) as permit:
            timeout, sent = attempts.start(metadata)
            try:
                return attempts.answered(await method(request, timeout=timeout, metadata=sent))
            except grpc.RpcError as error:
                permit.failed(error)
                delay = attempts.failed(error)
        if await sleep(delay):
            raise attempts.closed()
        while (delay := attempts.throttled()) > 0:
            if await sleep(delay):
                raise attempts.closed()
