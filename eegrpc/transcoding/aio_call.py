"""The object that a transcoded asyncio call is: grpc.aio.UnaryUnaryCall."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import grpc
import grpc.aio

from eegrpc.transcoding.unary import CANCELLED

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Generator

    from eegrpc.transcoding.deadline import Deadline
    from eegrpc.transcoding.types import Reply

__all__ = ["AioTranscodedCall", "rpc_error"]


class AioTranscodedCall(grpc.aio.UnaryUnaryCall):  # type: ignore[type-arg]
    """One unary call, running in a task of its own from the start, as stock calls do.

    Args:
        run: The call's work; it returns the reply and, if that is OK, the response message.
        deadline: When the work is cut off.
        expired: Makes the reply of a call that ran out of time.
    """

    _channel = None  # what stock channels of older grpcio ask all calls of the loop for when they close

    def __init__(
        self, run: Coroutine[Any, Any, tuple[Reply, Any]], deadline: Deadline, expired: Callable[[], Reply]
    ) -> None:
        self._deadline = deadline
        self._replaced: Reply | None = None
        loop = asyncio.get_running_loop()
        self._task = loop.create_task(run)
        left = deadline.remaining()
        if left is not None:
            timer = loop.call_later(left, lambda: self.end(expired()))
            self._task.add_done_callback(lambda _: timer.cancel())

    def end(self, reply: Reply) -> bool:
        """End the call now with `reply`, closing its connection; False if it has ended already."""
        if self._task.done() or self._replaced is not None:
            return False
        self._replaced = reply
        self._task.cancel()
        return True

    def cancel(self) -> bool:
        """End the call now, with CANCELLED; False if it has ended already."""
        return self.end(CANCELLED)

    def cancelled(self) -> bool:
        """Whether the call was cancelled."""
        return self._replaced is CANCELLED or (self._task.cancelled() and self._replaced is None)

    def done(self) -> bool:
        """Whether the call has ended."""
        return self._replaced is not None or self._task.done()

    def add_done_callback(self, callback: Callable[[Any], None]) -> None:
        """Have `callback` called with this call when it ends."""
        self._task.add_done_callback(lambda _: callback(self))

    def time_remaining(self) -> float | None:
        """Return the seconds until the deadline, 0 when past; None without one."""
        left = self._deadline.remaining()
        return None if left is None else max(left, 0.0)

    async def code(self) -> grpc.StatusCode:
        """Return the status code, when the call has ended."""
        return (await self._outcome())[0].code

    async def details(self) -> str:
        """Return the status message, when the call has ended."""
        return (await self._outcome())[0].details

    async def initial_metadata(self) -> grpc.aio.Metadata:
        """Return the server's initial metadata, when the call has ended."""
        return grpc.aio.Metadata(*(await self._outcome())[0].initial_metadata)

    async def trailing_metadata(self) -> grpc.aio.Metadata:
        """Return the server's trailing metadata, when the call has ended."""
        return grpc.aio.Metadata(*(await self._outcome())[0].trailing_metadata)

    async def debug_error_string(self) -> str:
        """Return code and message, as stock errors do."""
        reply, _ = await self._outcome()
        return f"{reply.code.name}:{reply.details}"

    async def wait_for_connection(self) -> None:
        """Return when the call has succeeded; raise what awaiting it would."""
        await self

    def __await__(self) -> Generator[Any, None, Any]:
        """Return the response.

        Raises:
            grpc.aio.AioRpcError: The call failed.
            asyncio.CancelledError: The call, or the task that awaits it, was cancelled.
        """
        try:
            reply, response = yield from self._outcome().__await__()
        except asyncio.CancelledError:
            self.cancel()
            raise
        if self.cancelled():
            raise asyncio.CancelledError
        if reply.code is not grpc.StatusCode.OK:
            raise rpc_error(reply)
        return response

    async def _outcome(self) -> tuple[Reply, Any]:
        """Wait for the end, without ending the call when the waiter is cancelled."""
        if not self._task.done():
            await self._ended()
        if self._replaced is not None:  # also if the task had its result before it could be cancelled
            return self._replaced, None
        return (CANCELLED, None) if self._task.cancelled() else self._task.result()

    def _ended(self) -> asyncio.Future[None]:
        """Return what is done when the call is; cancelling it cancels nothing else."""
        ended: asyncio.Future[None] = self._task.get_loop().create_future()

        def end(_: object) -> None:
            if not ended.done():
                ended.set_result(None)

        self._task.add_done_callback(end)
        return ended

    def __repr__(self) -> str:
        state = "ended" if self.done() else "in flight"
        return f"<{type(self).__name__}: {state}>"


def rpc_error(reply: Reply) -> grpc.aio.AioRpcError:
    """Return the exception that a failed asyncio call raises."""
    return grpc.aio.AioRpcError(
        reply.code,
        grpc.aio.Metadata(*reply.initial_metadata),
        grpc.aio.Metadata(*reply.trailing_metadata),
        details=reply.details,
        debug_error_string=f"{reply.code.name}:{reply.details}",
    )
