"""grpc.aio client interceptors around transcoded calls, with the contract that stock asyncio channels have.

Stock grpc takes interceptors only when it makes a channel, and its own machinery starts calls on its C core; this is
the same contract on any function that starts a call.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import grpc
import grpc.aio

from eegrpc.transcoding.aio_call import AioTranscodedCall
from eegrpc.transcoding.deadline import Deadline
from eegrpc.transcoding.types import Reply
from eegrpc.transcoding.unary import CANCELLED

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence

    Start = Callable[[grpc.aio.ClientCallDetails, Any], grpc.aio.UnaryUnaryCall[Any, Any]]

__all__ = ["call_details", "intercepted"]


def call_details(
    path: str,
    timeout: float | None,
    metadata: Any,
    credentials: grpc.CallCredentials | None,
    wait_for_ready: bool | None,
) -> grpc.aio.ClientCallDetails:
    """Return a call's details as stock channels hand them to interceptors: the path as bytes, metadata always there."""
    return grpc.aio.ClientCallDetails(
        method=path.encode(),  # type: ignore[arg-type]
        timeout=timeout,
        metadata=metadata if isinstance(metadata, grpc.aio.Metadata) else grpc.aio.Metadata(*(metadata or ())),
        credentials=credentials,
        wait_for_ready=wait_for_ready,
    )


def intercepted(
    interceptors: Sequence[grpc.aio.UnaryUnaryClientInterceptor],
    details: grpc.aio.ClientCallDetails,
    request: Any,
    start: Start,
) -> grpc.aio.UnaryUnaryCall[Any, Any]:
    """Start a call through `interceptors`, the outermost first; `start` starts the one that the innermost asks for."""
    return _InterceptedCall(interceptors, details, request, start) if interceptors else start(details, request)


class _InterceptedCall(grpc.aio.UnaryUnaryCall):  # type: ignore[type-arg]
    """One call through interceptors: what the outermost one returns, once it has returned."""

    _channel = None  # as in AioTranscodedCall

    def __init__(
        self,
        interceptors: Sequence[grpc.aio.UnaryUnaryClientInterceptor],
        details: grpc.aio.ClientCallDetails,
        request: Any,
        start: Start,
    ) -> None:
        self._callbacks: list[Callable[[Any], None]] = []
        self._inner: asyncio.Task[Any] = asyncio.get_running_loop().create_task(
            _intercept(tuple(interceptors), details, request, start)
        )
        self._inner.add_done_callback(self._intercepted)

    def cancel(self) -> bool:
        """End the call now, with CANCELLED; False if it has ended already."""
        if self.done():
            return False
        inner = self._ready()
        return bool(inner.cancel()) if inner is not None else self._inner.cancel()

    def cancelled(self) -> bool:
        """Whether the call was cancelled."""
        inner = self._ready()
        return self._inner.cancelled() or (inner is not None and bool(inner.cancelled()))

    def done(self) -> bool:
        """Whether the call has ended."""
        if not self._inner.done():
            return False
        inner = self._ready()
        return inner is None or bool(inner.done())

    def add_done_callback(self, callback: Callable[[Any], None]) -> None:
        """Have `callback` called with this call when it ends."""
        if self._inner.done():
            self._watch(callback)
        else:
            self._callbacks.append(callback)

    def time_remaining(self) -> float | None:
        """Return the seconds until the deadline of the call the interceptors made; None before they did."""
        inner = self._ready()
        return None if inner is None else inner.time_remaining()

    async def code(self) -> grpc.StatusCode:
        """Return the status code, when the call has ended."""
        return await self._ask("code", CANCELLED.code)  # type: ignore[no-any-return]

    async def details(self) -> str:
        """Return the status message, when the call has ended."""
        return await self._ask("details", CANCELLED.details)  # type: ignore[no-any-return]

    async def initial_metadata(self) -> grpc.aio.Metadata:
        """Return the server's initial metadata, when the call has ended."""
        return await self._ask("initial_metadata", grpc.aio.Metadata())  # type: ignore[no-any-return]

    async def trailing_metadata(self) -> grpc.aio.Metadata:
        """Return the server's trailing metadata, when the call has ended."""
        return await self._ask("trailing_metadata", grpc.aio.Metadata())  # type: ignore[no-any-return]

    async def debug_error_string(self) -> str:
        """Return code and message, as stock errors do."""
        return f"{(await self.code()).name}:{await self.details()}"

    async def wait_for_connection(self) -> None:
        """Return when the call has succeeded; raise what awaiting it would."""
        await self

    def __await__(self) -> Generator[Any, None, Any]:
        """Return the response, as the call that the interceptors return does."""
        return self._response().__await__()

    async def _response(self) -> Any:
        try:
            inner = await asyncio.shield(self._inner)
            return await inner
        except asyncio.CancelledError:
            self.cancel()
            raise

    async def _ask(self, name: str, if_cancelled: Any) -> Any:
        """Return what a coroutine method of the inner call returns, or the same of the error that took its place."""
        await asyncio.wait((self._inner,))
        if self._inner.cancelled():
            return if_cancelled
        error = self._inner.exception()
        if isinstance(error, grpc.aio.AioRpcError):
            return getattr(error, name)()
        if error is not None:
            raise error
        return await getattr(self._inner.result(), name)()

    def _ready(self) -> Any:
        """Return the call the interceptors returned, or None before they did, or when they raised."""
        if not self._inner.done() or self._inner.cancelled() or self._inner.exception() is not None:
            return None
        return self._inner.result()

    def _intercepted(self, _: asyncio.Task[Any]) -> None:
        for callback in self._callbacks:
            self._watch(callback)

    def _watch(self, callback: Callable[[Any], None]) -> None:
        inner = self._ready()
        if inner is None:
            callback(self)
        else:
            inner.add_done_callback(lambda _: callback(self))


async def _intercept(
    interceptors: tuple[grpc.aio.UnaryUnaryClientInterceptor, ...],
    details: grpc.aio.ClientCallDetails,
    request: Any,
    start: Start,
) -> Any:
    if not interceptors:
        return start(details, request)

    async def proceed(new_details: grpc.aio.ClientCallDetails, new_request: Any) -> Any:
        return await _intercept(interceptors[1:], new_details, new_request, start)

    answer = await interceptors[0].intercept_unary_unary(proceed, details, request)
    return answer if isinstance(answer, grpc.aio.UnaryUnaryCall) else _answered(answer)


def _answered(response: Any) -> AioTranscodedCall:
    """Return a call that succeeds with what an interceptor returned in place of one."""

    async def run() -> tuple[Reply, Any]:
        return Reply(grpc.StatusCode.OK), response

    return AioTranscodedCall(run(), Deadline(None), lambda: CANCELLED)
