"""What belongs to one process: how a forked child gets its own, and why none of it can be pickled.

In a forked child only the thread that forked goes on. A lock that another one held stays locked, a call that another
one ran never ends, and a connection is read by two processes. So whatever has locks, calls or connections starts clean
in the child, before any other code runs there. The parent does nothing for it at a fork.
"""

from __future__ import annotations

import os
import weakref
from typing import NoReturn, Protocol

import grpc

from eegrpc.transcoding.types import Reply

__all__ = ["FORKED", "Forkable", "NotPicklable", "restart_in_children"]

FORKED = Reply(
    grpc.StatusCode.UNAVAILABLE,
    "the process was forked while this call ran: its answer goes to the parent; call again in the child",
)
"""How calls that were under way end in the child. Sent again there, they do what they would have done."""


class Forkable(Protocol):
    """Something with state that belongs to one process."""

    def after_fork(self) -> None:
        """Replace locks, and let go of what the parent goes on using; runs in the child, where nothing else does yet.

        It must not take an inherited lock, which nobody may ever release.
        """


_known: weakref.WeakSet[Forkable] = weakref.WeakSet()


def restart_in_children(owner: Forkable) -> None:
    """Have `owner.after_fork` called in every child process that is forked while `owner` lives."""
    _known.add(owner)


def _after_fork() -> None:
    for owner in tuple(_known):
        owner.after_fork()


if hasattr(os, "register_at_fork"):  # not on Windows, which has no fork
    os.register_at_fork(after_in_child=_after_fork)


class NotPicklable:
    """Base of clients and channels: pickling one, to send it to another process, raises TypeError that says why."""

    def __reduce__(self) -> NoReturn:
        raise TypeError(
            f"{type(self).__name__} cannot be pickled, as its connections belong to this process: "
            "make one in the other process, from the same arguments"
        )
