"""What must hold after every fault, whatever it was. The names are those of the fault matrix.

I1 the images handed out are the exact sequence: none lost, doubled or out of order. I2 after an error,
`next_page_token` resumes to the exact union. I3 secrets are in no message, detail, trailer, repr or DEBUG
log. I4 sockets, threads, tasks and places at the gate are back to what they were. I5 the server got no more requests
than the faults account for. I6 no call ended long after its deadline. I7 the process lives, and the next call is
answered.
"""

from __future__ import annotations

import gc
import logging
import os
import pickle
import threading
from typing import TYPE_CHECKING

import grpc
from grpc_status import rpc_status
from waiting import came

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from typing_extensions import Self

    import eegrpc
    from eegrpc.errors import EarthEngineError

SETTLING = 5.0
"""Seconds that may pass until all is back; the rule is 1 s, on a machine that has nothing else to do."""

_GRPC_LEAVES_CYCLES = tuple(map(int, grpc.__version__.split(".")[:2])) < (1, 82)
"""Whether calls of grpc.aio hold their channel until a garbage collection."""


class Delivery:
    """I1 and I2: the images of one computation over all the pagers that it took.

    Args:
        expected: The names of all images, in order.
        page_size: Images of a page.
    """

    def __init__(self, expected: Sequence[str], page_size: int) -> None:
        self.problems: list[str] = []
        self._expected = expected
        self._page_size = page_size
        self._next = 0
        self._again = 0

    @property
    def complete(self) -> bool:
        """Whether every image was handed out."""
        return self._next == len(self._expected)

    def leg(self, names: Sequence[str], error: EarthEngineError | None) -> None:
        """Add what one pager handed out up to its end or its error."""
        start = self._next - self._again
        if names and self._again and names[0] != self._expected[start]:
            start = self._next
        end = start + len(names)
        if list(names) != list(self._expected[start:end]):
            wrong = next((n for n, name in enumerate(names) if name != self._expected[start + n : start + n + 1]), 0)
            self.problems.append(f"I1: image {start + wrong} is not what it should be: {names[wrong : wrong + 1]}")
        self._next = max(self._next, end)
        # A page that names a wrong successor is handed out, and comes again: nobody knows what is after it.
        self._again = self._page_size if error is not None and error.reason == "TOKEN_LOOP" else 0
        if error is None and not self.complete:
            self.problems.append(f"I1: it ended after {self._next} of {len(self._expected)} images")


class Secrets(logging.Handler):
    """I3: looks for planted secrets in what is logged while this is entered, and in errors.

    Args:
        secrets: The secrets.
    """

    def __init__(self, secrets: Iterable[str]) -> None:
        super().__init__(logging.DEBUG)
        self.problems: list[str] = []
        self._secrets = tuple(secrets)

    def emit(self, record: logging.LogRecord) -> None:
        text = record.getMessage()
        if record.exc_info:
            text += str(record.exc_info[1])
        self._look(f"log of {record.name}", text)

    def error(self, error: EarthEngineError) -> None:
        """Look at all that an error shows."""
        shown = {
            "message": str(error),
            "repr": repr(error),
            "details": error.details(),
            "hint": error.hint,
            "metadata": f"{error.initial_metadata()}{error.trailing_metadata()}",
            "status": str(rpc_status.from_call(error)),
            "cause": repr(error.__cause__),
            "pickle": pickle.dumps(error).decode("latin-1"),
        }
        for where, text in shown.items():
            self._look(f"{where} of {error.reason}", str(text))

    def __enter__(self) -> Self:
        # In place of the others: a handler that keeps records keeps, by their tracebacks, calls and their channels.
        root = logging.getLogger()
        self._others, self._level = root.handlers, root.level
        root.handlers = [self]
        root.setLevel(logging.DEBUG)
        return self

    def __exit__(self, *_: object) -> None:
        root = logging.getLogger()
        root.handlers = self._others
        root.setLevel(self._level)

    def _look(self, where: str, text: str) -> None:
        for secret in self._secrets:
            if secret in text:
                self.problems.append(f"I3: {secret} is in the {where}")


class Resources:
    """I4: what the process holds, and at the end holds no more of.

    Args:
        ignored: Beginnings of the names of threads that do not count: the server's.
    """

    def __init__(self, *ignored: str) -> None:
        self._ignored = ignored
        self.sockets = _sockets()
        self.threads = self._threads()

    def problems(self, gate: eegrpc.QuotaGate, project: str) -> list[str]:
        """Return what is left, once it has had its time to go."""
        wrong: list[str] = []

        def look() -> bool:
            wrong.clear()
            if _GRPC_LEAVES_CYCLES:
                gc.collect()
            threads, sockets, stats = self._threads(), _sockets(), gate.stats(project)
            if len(threads) > len(self.threads):
                wrong.append(f"I4: threads {sorted(threads)}, before {sorted(self.threads)}")
            if sockets > self.sockets:
                wrong.append(f"I4: {sockets} sockets, before {self.sockets}")
            if stats.in_flight or stats.waiting:
                wrong.append(f"I4: {stats.in_flight} in flight and {stats.waiting} waiting at the gate")
            return not wrong

        came(look, SETTLING)
        return wrong

    def _threads(self) -> list[str]:
        return [thread.name for thread in threading.enumerate() if not thread.name.startswith(self._ignored)]


def attempts_problem(requests: int, pages: int, excused: int) -> list[str]:
    """I5: return what is wrong if a server got more requests than it has pages and excuses."""
    if requests <= pages + excused:
        return []
    return [f"I5: {requests} requests for {pages} pages, of which {excused} are excused"]


def _sockets() -> int:
    count = 0
    for name in os.listdir("/proc/self/fd"):
        try:
            count += os.readlink(f"/proc/self/fd/{name}").startswith("socket:")
        except OSError:  # closed meanwhile
            continue
    return count
