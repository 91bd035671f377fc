"""grpc's own channel, one for each process: what is forked never touches its parent's.

grpcio's channels do not survive a fork: calls on an inherited one fail or hang. Here the real channel is made at the
first use in each process, so stubs that were made before the fork work in the child. A channel that was not used before
the fork has not even started gRPC's threads.
"""

from __future__ import annotations

import threading
import weakref
from typing import TYPE_CHECKING, Any, Final

import grpc

from eegrpc.transcoding.processes import NotPicklable, restart_in_children

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["NativeChannel"]

_inherited: Final[list[Any]] = []
"""The parent's channels and calls, kept for ever in a child: to collect them would close them, by gRPC's core, whose
locks and threads for them are the parent's. That hangs, or aborts the process."""


class NativeChannel(NotPicklable, grpc.Channel):
    """A grpc.Channel that is another one in each process.

    Watchers of its connectivity, and calls that are under way, belong to the process that began them.

    Args:
        make: Makes the channel of one process. It must not share subchannels (``grpc.use_local_subchannel_pool``), or
            the child's would use the connections of the parent's.
    """

    def __init__(self, make: Callable[[], grpc.Channel]) -> None:
        self._make = make
        self._lock = threading.Lock()
        self._channel: grpc.Channel | None = None
        self._calls: weakref.WeakSet[Any] = weakref.WeakSet()
        self._closed = False
        restart_in_children(self)

    def after_fork(self) -> None:
        """Begin without a channel."""
        self._lock = threading.Lock()
        _inherited.append((self._channel, list(self._calls)))
        self._channel = None
        self._calls = weakref.WeakSet()

    def of_this_process(self) -> grpc.Channel:
        """Return the real channel.

        Raises:
            ValueError: The channel was closed before it was used in this process.
        """
        channel = self._channel
        if channel is None:
            with self._lock:
                if self._closed:
                    raise ValueError("Cannot invoke RPC on closed channel!")
                if self._channel is None:
                    self._channel = self._make()
                channel = self._channel
        return channel

    def note(self, call: Any) -> Any:
        """Return a call that was begun, and remember it for a child that must not collect it."""
        self._calls.add(call)
        return call

    def unary_unary(self, *args: Any, **kwargs: Any) -> Any:
        """Return the callable of one method; see grpc.Channel.unary_unary."""
        return _AnswersOnce(self, "unary_unary", args, kwargs)

    def unary_stream(self, *args: Any, **kwargs: Any) -> Any:
        """Return the callable of one method; see grpc.Channel.unary_stream."""
        return _AnswersAsStream(self, "unary_stream", args, kwargs)

    def stream_unary(self, *args: Any, **kwargs: Any) -> Any:
        """Return the callable of one method; see grpc.Channel.stream_unary."""
        return _AnswersOnce(self, "stream_unary", args, kwargs)

    def stream_stream(self, *args: Any, **kwargs: Any) -> Any:
        """Return the callable of one method; see grpc.Channel.stream_stream."""
        return _AnswersAsStream(self, "stream_stream", args, kwargs)

    def subscribe(self, callback: Callable[[Any], None], try_to_connect: bool | None = False) -> None:
        """Call `callback` with the connectivity state now and with each change, in this process."""
        self.of_this_process().subscribe(callback, bool(try_to_connect))

    def unsubscribe(self, callback: Callable[[Any], None]) -> None:
        """Stop calling `callback`."""
        if self._channel is not None:
            self._channel.unsubscribe(callback)

    def close(self) -> None:
        """Cancel the running calls and close the channel, in this process; later calls raise ValueError. Idempotent."""
        with self._lock:
            self._closed = True
        if self._channel is not None:
            self._channel.close()

    def __enter__(self) -> NativeChannel:  # noqa: PYI034 - Self needs Python 3.11
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class _Method:
    """One method of a NativeChannel; in each process it is another one, of that process's channel."""

    def __init__(self, channel: NativeChannel, kind: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self._channel = channel
        self._kind = kind
        self._args = args
        self._kwargs = kwargs
        self._made: tuple[grpc.Channel | None, Any] = (None, None)

    def _of_this_process(self) -> Any:
        channel = self._channel.of_this_process()
        owner, method = self._made
        if owner is not channel:
            method = getattr(channel, self._kind)(*self._args, **self._kwargs)
            self._made = channel, method
        return method


class _AnswersOnce(_Method, grpc.UnaryUnaryMultiCallable, grpc.StreamUnaryMultiCallable):  # type: ignore[type-arg]
    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call, wait, and return the response; raise grpc.RpcError if the call fails."""
        return self._of_this_process()(*args, **kwargs)

    def with_call(self, *args: Any, **kwargs: Any) -> Any:
        """Call, wait, and return the response and its call; raise grpc.RpcError if the call fails."""
        return self._of_this_process().with_call(*args, **kwargs)

    def future(self, *args: Any, **kwargs: Any) -> Any:
        """Call and return at once an object that is both the grpc.Future and the grpc.Call."""
        return self._channel.note(self._of_this_process().future(*args, **kwargs))


class _AnswersAsStream(_Method, grpc.UnaryStreamMultiCallable, grpc.StreamStreamMultiCallable):  # type: ignore[type-arg]
    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call and return at once the responses, which are also the grpc.Call."""
        return self._channel.note(self._of_this_process()(*args, **kwargs))
