"""grpc's own channel, one for each process: what is forked never touches its parent's.

grpcio's channels do not survive a fork: calls on an inherited one fail or hang. Here the real channel is made at the
first use in each process, so stubs that were made before the fork work in the child. A channel that was not used before
the fork has not even started gRPC's threads.

gRPC's core brings its own threads over a fork, but only while no other thread is inside of it; else the child may
crash. So a fork waits a moment for the calls that run, and new ones wait for the fork.
"""

from __future__ import annotations

import logging
import os
import threading
import time
import weakref
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Final

import grpc

from eegrpc._fork_gate import FORK_WAITS, ForkGate
from eegrpc._processes import NotPicklable, keep_in_children, restart_in_children

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["NativeChannel", "fork_support"]

_ON: Final = ("1", "true", "t", "yes", "y")
_OFF: Final = ("0", "false", "f", "no", "n")

_POLL: Final = 0.3
"""Seconds after which the thread by which grpc watches a channel has noticed that nobody looks; it checks every 0.2."""

_NO_FORK_SUPPORT: Final = (
    "gRPC was used before this process forked, and GRPC_ENABLE_FORK_SUPPORT switches off what it needs in the child, "
    "where its calls would hang: unset the variable, use transport='rest', or start processes by spawn"
)

_log = logging.getLogger(__name__)


def fork_support() -> bool | None:
    """Return what GRPC_ENABLE_FORK_SUPPORT says, on or off; None if it says nothing, which is right for us."""
    value = os.environ.get("GRPC_ENABLE_FORK_SUPPORT", "").lower()
    return True if value in _ON else False if value in _OFF else None


class NativeChannel(NotPicklable, grpc.Channel):
    """A grpc.Channel that is another one in each process.

    Watchers of its connectivity, and calls that are under way, belong to the process that began them.

    Args:
        make: Makes the channel of one process. It must not share subchannels (``grpc.use_local_subchannel_pool``), or
            the child's would use the connections of the parent's.
    """

    def __init__(self, make: Callable[[], grpc.Channel]) -> None:
        self._make = make
        self._closed = False
        self._begin()
        _channels.add(self)
        restart_in_children(self)

    def _begin(self) -> None:
        self._lock = threading.Lock()
        self._channel: grpc.Channel | None = None
        self.open_channel: grpc.Channel | None = None
        """The real channel, while there is one and it is open."""
        self._watchers: list[Callable[[Any], None]] = []
        self._watched_until = 0.0
        self.gate = ForkGate()

    def _after_fork(self) -> None:
        """Begin without a channel; the parent's stays as it is, and is not even collected."""
        self._begin()

    def before_fork(self) -> float:
        """Have new calls wait, and stop watching the connectivity; return when that is over, in monotonic seconds."""
        self.gate.shut()
        with self._lock:
            if self._channel is not None:
                for callback in self._watchers:
                    self._channel.unsubscribe(callback)
                    self._watched_until = time.monotonic() + _POLL
            return self._watched_until

    def after_fork_in_parent(self) -> None:
        """Go on where `before_fork` stopped."""
        with self._lock:
            if self._channel is not None and not self._closed:
                for callback in self._watchers:
                    self._channel.subscribe(callback)
        self.gate.open()

    def of_this_process(self) -> grpc.Channel:
        """Return the real channel.

        Raises:
            ValueError: The channel is closed.
            RuntimeError: gRPC cannot work in this process; the text says what to do.
        """
        channel = self._channel
        if channel is None or self._closed:
            with self._lock:
                if self._closed:
                    raise ValueError("Cannot invoke RPC on closed channel!")
                if self._channel is None:
                    _channels.use()
                    self._channel = self._make()
                    _watch_until_closed(self._channel)
                    keep_in_children(self._channel)
                    self.open_channel = self._channel
                channel = self._channel
        return channel

    def began(self, call: Any, gate: ForkGate) -> Any:
        """Return a call that was begun through `gate`."""
        keep_in_children(call)
        if not call.add_callback(gate.leave):
            gate.leave()
        return call

    def unary_unary(self, *args: Any, **kwargs: Any) -> Any:
        """Return the callable of one method; see grpc.Channel.unary_unary."""
        return _UnaryUnary(self, "unary_unary", args, kwargs)

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
        """Call `callback` with the connectivity state now and with each change, in this process.

        After a fork the parent's callbacks hear the state of that time once more.
        """
        channel = self.of_this_process()
        with self._lock:
            self._watchers.append(callback)
            channel.subscribe(callback, bool(try_to_connect))

    def unsubscribe(self, callback: Callable[[Any], None]) -> None:
        """Stop calling `callback`."""
        with self._lock:
            if callback in self._watchers and self._channel is not None:
                self._watchers.remove(callback)
                self._channel.unsubscribe(callback)
                self._watched_until = time.monotonic() + _POLL

    def close(self) -> None:
        """Cancel the running calls and close the channel, in this process; later calls raise ValueError. Idempotent."""
        with self._lock:
            self._closed = True
            self.open_channel = None
            now = time.monotonic()
            watched = bool(self._watchers) or now < self._watched_until
            self._watchers.clear()
            if watched:
                self._watched_until = now + _POLL
        if self._channel is None:
            return
        if watched:  # grpc cancels the calls at once, and then waits for its watching thread: not its callers' affair
            threading.Thread(
                target=self._close_channel, args=(self._channel,), name="eegrpc-close", daemon=True
            ).start()
        else:
            self._channel.close()

    def _close_channel(self, channel: grpc.Channel) -> None:
        """Close the real channel; it is this object's until then, so that a fork waits for its end."""
        channel.close()

    def __enter__(self) -> NativeChannel:  # noqa: PYI034 - Self needs Python 3.11
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class _WatchedUntilClosed:
    """The core's channel as grpc's thread that watches the connectivity sees it: once closed, nothing happens to it.

    grpc's own raises ValueError then. Its thread does not look out for that: closed between two of its looks, the
    channel would have it die with a traceback. From here, it ends as usual, because nobody subscribes any more.
    """

    def __init__(self, channel: Any) -> None:
        self._channel = channel

    def check_connectivity_state(self, try_to_connect: bool) -> Any:
        """Return the core's number of the state."""
        try:
            return self._channel.check_connectivity_state(try_to_connect)
        except ValueError:
            return grpc.ChannelConnectivity.SHUTDOWN.value[0]

    def watch_connectivity_state(self, state: Any, deadline: float) -> Any:
        """Wait for another state than `state`, until `deadline`; return an event that says whether one came."""
        try:
            return self._channel.watch_connectivity_state(state, deadline)
        except ValueError:
            time.sleep(max(deadline - time.time(), 0))  # as if nothing had come, for whoever may subscribe after all
            return _NOTHING_CAME


_NOTHING_CAME: Final = SimpleNamespace(success=False)


def _watch_until_closed(channel: grpc.Channel) -> None:
    """Have grpc's thread that watches `channel` live through its end; leave one that is made otherwise as it is."""
    watched: Any = getattr(channel, "_connectivity_state", None)
    if hasattr(watched, "channel"):
        watched.channel = _WatchedUntilClosed(watched.channel)


class _Method:
    """One method of a NativeChannel; in each process it is another one, of that process's channel."""

    def __init__(self, channel: NativeChannel, kind: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self._channel = channel
        self._kind = kind
        self._args = args
        self._kwargs = kwargs
        self._made: tuple[grpc.Channel | None, Any] = (None, None)

    def _of_this_process(self) -> Any:
        made_of, method = self._made
        if made_of is None or made_of is not self._channel.open_channel:
            channel = self._channel.of_this_process()
            method = getattr(channel, self._kind)(*self._args, **self._kwargs)
            self._made = channel, method
        return method

    def _wait(self, call: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Make a call that ends before it returns."""
        gate = self._channel.gate
        args, kwargs = _enter(gate, args, kwargs)
        try:
            return getattr(self._of_this_process(), call)(*args, **kwargs)
        finally:
            gate.leave()

    def _begin(self, call: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Make a call that goes on after it returns."""
        gate = self._channel.gate
        args, kwargs = _enter(gate, args, kwargs)
        try:
            begun = getattr(self._of_this_process(), call)(*args, **kwargs)
        except BaseException:
            gate.leave()
            raise
        return self._channel.began(begun, gate)


def _enter(gate: ForkGate, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Begin a call, and return its arguments: the timeout is shorter if it had to wait."""
    timeout = args[1] if len(args) > 1 else kwargs.get("timeout")
    left = gate.enter(timeout)
    if left is timeout:
        return args, kwargs
    return ((args[0], left, *args[2:]), kwargs) if len(args) > 1 else (args, {**kwargs, "timeout": left})


class _AnswersOnce(_Method, grpc.UnaryUnaryMultiCallable, grpc.StreamUnaryMultiCallable):  # type: ignore[type-arg]
    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call, wait, and return the response; raise grpc.RpcError if the call fails."""
        return self._wait("__call__", args, kwargs)

    def with_call(self, *args: Any, **kwargs: Any) -> Any:
        """Call, wait, and return the response and its call; raise grpc.RpcError if the call fails."""
        return self._wait("with_call", args, kwargs)

    def future(self, *args: Any, **kwargs: Any) -> Any:
        """Call and return at once an object that is both the grpc.Future and the grpc.Call."""
        return self._begin("future", args, kwargs)


class _UnaryUnary(_AnswersOnce):
    def __call__(
        self,
        request: Any,
        timeout: float | None = None,
        metadata: Any = None,
        credentials: grpc.CallCredentials | None = None,
        wait_for_ready: bool | None = None,
        compression: grpc.Compression | None = None,
    ) -> Any:
        """Call, wait, and return the response; raise grpc.RpcError if the call fails."""
        # As `_wait`, by name, and without calls: nearly all calls are this one.
        channel = self._channel
        gate = channel.gate
        gate.running.append(None)
        if gate.is_shut:
            timeout = gate.hold(timeout)
        try:
            made_of, method = self._made
            if made_of is None or made_of is not channel.open_channel:
                method = self._of_this_process()
            return method(request, timeout, metadata, credentials, wait_for_ready, compression)
        finally:
            gate.running.pop()
            if gate.is_shut:
                gate.notify()


class _AnswersAsStream(_Method, grpc.UnaryStreamMultiCallable, grpc.StreamStreamMultiCallable):  # type: ignore[type-arg]
    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call and return at once the responses, which are also the grpc.Call."""
        return self._begin("__call__", args, kwargs)


class _Channels:
    """The channels of this process, when it forks."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._all: weakref.WeakSet[NativeChannel] = weakref.WeakSet()
        self._paused: list[NativeChannel] = []
        self._used = False
        self._lost = False
        self._told = False

    def use(self) -> None:
        """Take note that gRPC's core is used, or raise RuntimeError in a child where its calls would hang."""
        if self._lost:
            raise RuntimeError(_NO_FORK_SUPPORT)
        self._used = True

    def add(self, channel: NativeChannel) -> None:
        with self._lock:
            self._all.add(channel)

    def before_fork(self) -> None:
        if self._used and fork_support() is False and not self._told:
            self._told = True
            _log.warning(_NO_FORK_SUPPORT)
        with self._lock:
            self._paused = list(self._all)
        quiet_at = max((channel.before_fork() for channel in self._paused), default=0.0)
        until = time.monotonic() + FORK_WAITS
        running = sum(channel.gate.wait(max(until - time.monotonic(), 0)) for channel in self._paused)
        if running:
            _log.warning(
                "the process forks while %d gRPC calls run: the child may crash or hang, and calls of the parent may "
                "get stuck, as grpcio has it. Fork while none run, use transport='rest', or start processes by spawn",
                running,
            )
        time.sleep(max(quiet_at - time.monotonic(), 0))

    def after_fork_in_parent(self) -> None:
        for channel in self._paused:
            channel.after_fork_in_parent()
        self._paused = []

    def _after_fork(self) -> None:
        self._lock = threading.Lock()
        self._paused = []
        self._lost = self._lost or (self._used and fork_support() is False)


_channels = _Channels()
if hasattr(os, "register_at_fork"):  # not on Windows, which has no fork
    restart_in_children(_channels)
    os.register_at_fork(before=_channels.before_fork, after_in_parent=_channels.after_fork_in_parent)
