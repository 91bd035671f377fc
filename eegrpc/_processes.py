"""What belongs to one process: how a forked child gets its own, and why none of it can be pickled.

In a forked child only the thread that forked goes on. A lock that another one held stays locked, a call that another
one ran never ends, and a connection is read by two processes. So whatever has locks, calls or connections starts clean
in the child, before any other code runs there. All that the parent does at a fork is to finish imports.
"""

from __future__ import annotations

import importlib
import os
import threading
import weakref
from typing import Any, Final, NoReturn, Protocol

__all__ = ["Forkable", "NotPicklable", "child_lock", "keep_in_children", "load_before_forks", "restart_in_children"]


class Forkable(Protocol):
    """Something with state that belongs to one process."""

    def _after_fork(self) -> None:
        """Replace locks, and let go of what the parent goes on using; runs in the child, where nothing else does yet.

        It must not take an inherited lock, which nobody may ever release.
        """


_known: Final[set[weakref.ref[Forkable]]] = set()  # a WeakSet, without its Python: each pager comes and goes here
_kept: weakref.WeakSet[Any] = weakref.WeakSet()
_inherited: Final[list[Any]] = []
_loaded_late: Final[list[str]] = []


def restart_in_children(owner: Forkable) -> None:
    """Have `owner._after_fork` called in every child process that is forked while `owner` lives."""
    _known.add(weakref.ref(owner, _known.discard))


def child_lock(inherited: threading.Lock, what: str) -> Any:
    """Return the lock for a forked child of something that changes under `inherited`.

    Another thread of the parent may have been in the middle of a change. Taking the lock then raises RuntimeError,
    which begins with `what`.
    """
    return _Spoilt(what) if inherited.locked() else threading.Lock()


class _Spoilt:
    """A lock that nobody gets."""

    def __init__(self, what: str) -> None:
        self._what = what

    def __enter__(self) -> NoReturn:
        raise RuntimeError(f"{self._what}: another thread was using it when the process forked")

    def __exit__(self, *_: object) -> None:
        pass

    def locked(self) -> bool:
        return True


def keep_in_children(thing: Any) -> None:
    """Have `thing` live for ever in every child process that is forked while it lives.

    For what closes itself when it is collected, by locks, threads or an event loop that are the parent's: that hangs,
    aborts the child, or disturbs the parent.
    """
    _kept.add(thing)


def load_before_forks(*names: str) -> None:
    """Have modules that are imported when they are first needed imported before the next fork, at the latest.

    A fork in the middle of an import leaves the module's lock held in the child, whose own first import of the module
    would then wait for it for ever.
    """
    _loaded_late.extend(names)


def _before_fork() -> None:
    for name in _loaded_late:  # a module that is loaded may name further ones
        importlib.import_module(name)


def _after_fork() -> None:
    _inherited.extend(_kept)
    for known in _known.copy():
        owner = known()
        if owner is not None:
            owner._after_fork()


if hasattr(os, "register_at_fork"):  # not on Windows, which has no fork
    os.register_at_fork(before=_before_fork, after_in_child=_after_fork)


class NotPicklable:
    """Base of clients and channels: pickling one, to send it to another process, raises TypeError that says why."""

    def __reduce__(self) -> NoReturn:
        raise TypeError(
            f"{type(self).__name__} cannot be pickled, as its connections belong to this process: "
            "make one in the other process, from the same arguments"
        )
