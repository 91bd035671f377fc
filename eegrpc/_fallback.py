"""Which transport `auto` uses at an endpoint that is not Google's: what counts as proof, and how long it holds.

Colourless: the channels ask it what to do next and tell it what they saw; only they wait.

- Until something is proven, one call at a time tries gRPC; the others wait for what it finds, for a while.
- An endpoint that answers by gRPC, whatever the status, speaks gRPC: no ordinary error ever makes a call change sides.
- Proof of the contrary is an error that only something else than our service gives, and that says that sending the call
  again does no harm. The call then goes by REST within the same deadline, and so do the later ones, until a re-probe.
"""

from __future__ import annotations

import logging
import re
import threading
import time
from enum import Enum
from typing import TYPE_CHECKING

import grpc

from eegrpc.transcoding.status import HTTP_STATUS_KEY

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

__all__ = [
    "PROBE_PATIENCE",
    "Evidence",
    "Route",
    "TransportJudge",
    "both_failed",
    "connect_patience",
    "evidence_against_grpc",
    "rest_answered",
]

_CONNECT_PATIENCE = 5.0

PROBE_PATIENCE = 10.0
"""Seconds that other calls wait for what the first one finds, before they try gRPC themselves."""

_log = logging.getLogger(__name__)


class Route(Enum):
    """What a call does next."""

    GRPC = "grpc"
    REST = "rest"
    PROBE = "probe"
    """Try gRPC, and tell the judge what came of it, whatever it is."""
    WAIT = "wait"
    """Wait until `TransportJudge.listen` calls back, then ask again."""


class Evidence(Enum):
    """What an error of a gRPC call says about the endpoint."""

    NONE = "nothing"
    """It could not be reached, or ran out of time: as likely a passing fault as not."""
    SPEAKS_GRPC = "gRPC"
    NOT_GRPC = "not gRPC"


class TransportJudge:
    """Decides between gRPC and REST for one channel; thread-safe.

    Args:
        reprobe_after: Seconds that a decision for REST holds before one call tries gRPC again.
        on_rest: Called with the reason when the decision falls for REST, and with "" when it falls for gRPC.
    """

    def __init__(self, reprobe_after: float, on_rest: Callable[[str], None], name: str) -> None:
        self._reprobe_after = reprobe_after
        self._on_rest = on_rest
        self._name = name
        self._lock = threading.Lock()
        self._decided: Route | None = None
        self._reason = ""
        self._until = 0.0
        self._probing = False
        self._listeners: list[Callable[[], None]] = []

    @property
    def reason(self) -> str:
        """Why calls go by REST; "" when they do not."""
        return self._reason

    def settled(self) -> Route | None:
        """Return GRPC or REST where there is nothing to find out, else None: then `route` says what to do."""
        decided = self._decided
        if decided is Route.REST and not self._probing and time.monotonic() >= self._until:
            return None
        return decided

    def route(self) -> Route:
        """Return what a call does next. After PROBE, `heard`, `not_grpc` or `gave_up` must follow."""
        with self._lock:
            if self._decided is Route.GRPC:
                return Route.GRPC
            if self._decided is Route.REST and (self._probing or time.monotonic() < self._until):
                return Route.REST
            if self._probing:
                return Route.WAIT
            self._probing = True
            return Route.PROBE

    def listen(self, callback: Callable[[], None]) -> None:
        """Call `callback` once, at the next decision; at once if no probe is under way."""
        with self._lock:
            if self._probing and self._decided is None:
                self._listeners.append(callback)
                return
        callback()

    def heard(self, code: grpc.StatusCode, details: str, *, replayable: bool) -> bool:
        """Take note of how a gRPC call ended; return whether to send it again, by REST.

        Args:
            code: Its status, OK included.
            details: Its message.
            replayable: Whether its method may be sent again although it may have been executed.
        """
        evidence, reason = evidence_against_grpc(code, details, replayable=replayable)
        if evidence is Evidence.NOT_GRPC:
            return self.not_grpc(reason)
        if evidence is Evidence.SPEAKS_GRPC:
            self._speaks_grpc()
        else:
            self.gave_up()
        return False

    def not_grpc(self, reason: str) -> bool:
        """A call proved that the endpoint does not speak gRPC; return whether to send it by REST.

        False only if another call proved the opposite meanwhile.
        """
        with self._lock:
            self._probing = False
            if self._decided is Route.GRPC:
                return False
            changed = self._decided is None
            self._decided, self._reason = Route.REST, reason
            self._until = time.monotonic() + self._reprobe_after
            listeners = self._take_listeners()
        if changed:
            _log.warning("%s does not speak gRPC (%s): calls go by REST", self._name, reason)
        self._on_rest(reason)
        _tell(listeners)
        return True

    def rest_failed(self) -> None:
        """REST did not get through either, for the call that had just switched: nothing is known about the endpoint."""
        with self._lock:
            if self._decided is Route.REST:
                self._decided, self._reason = None, ""

    def gave_up(self) -> None:
        """The probe ended without proof: what was known stays, and if that is nothing, the next call probes."""
        with self._lock:
            self._probing = False
            self._until = time.monotonic() + self._reprobe_after
            listeners = self._take_listeners()
        _tell(listeners)

    def _speaks_grpc(self) -> None:
        with self._lock:
            changed = self._decided is Route.REST
            self._decided, self._reason, self._probing = Route.GRPC, "", False
            listeners = self._take_listeners()
        if changed:
            _log.info("%s now answers gRPC: calls go by gRPC again", self._name)
        self._on_rest("")
        _tell(listeners)

    def _take_listeners(self) -> list[Callable[[], None]]:
        listeners, self._listeners = self._listeners, []
        return listeners


def connect_patience(left: float | None) -> float:
    """Return how many seconds the first call waits for an HTTP/2 connection: at most half of what it has."""
    return _CONNECT_PATIENCE if left is None else min(_CONNECT_PATIENCE, left / 2)


def rest_answered(code: grpc.StatusCode, trailing_metadata: Iterable[tuple[str, object]]) -> bool:
    """Whether a REST call ended with an answer, of any kind: then the endpoint speaks HTTP/1.1."""
    return code is grpc.StatusCode.OK or any(key == HTTP_STATUS_KEY for key, _ in trailing_metadata)


def both_failed(details: str, reason: str) -> str:
    """Return the message of a call that neither transport got through."""
    return f"{details} (by REST, after gRPC: {reason})"


def _tell(listeners: list[Callable[[], None]]) -> None:
    for callback in listeners:
        callback()


# What grpc's core says when an HTTP answer carries no grpc-status: its code is a guess from the HTTP status.
_HTTP_ANSWER = re.compile(r"Received http2 header with status: (\d+)")

# HTTP statuses of an overloaded or picky server, which says nothing about what it speaks.
_ORDINARY_HTTP = frozenset(("401", "429", "503"))

# HTTP statuses that say that nothing was executed, so that even a method with side effects may be sent again.
_NOTHING_DONE_HTTP = frozenset(("301", "302", "307", "308", "400", "404", "405", "411", "415", "426", "505"))

# Errors of the connection itself: no request was sent.
_NOT_CONNECTED = re.compile(
    r"failed to connect to all addresses|Trying to connect an http1\.x server|HTTP proxy returned"
)

# The connection carried the call and then broke in a way that HTTP/2 peers without gRPC break it.
_BROKEN_OFF = re.compile(r"RST_STREAM|Stream removed|Received Rst|Connection reset|Socket closed|GOAWAY", re.IGNORECASE)


def evidence_against_grpc(code: grpc.StatusCode, details: str, *, replayable: bool) -> tuple[Evidence, str]:
    """Return what the error of a call says about an endpoint of which nothing is known, and why in words.

    Args:
        code: The call's status.
        details: The call's message, by which grpc's core tells its own errors apart.
        replayable: Whether the method may be sent again although it may have been executed.
    """
    text = details or ""
    if answer := _HTTP_ANSWER.search(text):
        status = answer.group(1)
        if status in _ORDINARY_HTTP or not (replayable or status in _NOTHING_DONE_HTTP):
            return Evidence.NONE, ""
        return Evidence.NOT_GRPC, f"it answered with plain HTTP status {status}"
    if code is grpc.StatusCode.OK:
        return Evidence.SPEAKS_GRPC, ""
    if code is grpc.StatusCode.UNIMPLEMENTED:
        return Evidence.NOT_GRPC, f"UNIMPLEMENTED: {_short(text)}"
    if code is grpc.StatusCode.UNAVAILABLE and _NOT_CONNECTED.search(text):
        return Evidence.NOT_GRPC, f"no HTTP/2 connection: {_short(text)}"
    if code in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.UNKNOWN, grpc.StatusCode.INTERNAL):
        if _BROKEN_OFF.search(text):
            return (Evidence.NOT_GRPC, _short(text)) if replayable else (Evidence.NONE, "")
        return Evidence.SPEAKS_GRPC, ""
    if code in (grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.CANCELLED):
        return Evidence.NONE, ""
    return Evidence.SPEAKS_GRPC, ""


def _short(text: str) -> str:
    """Return `text` as it may stand in metadata: printable ASCII, not long."""
    return re.sub(r"[^\x20-\x7e]+", " ", text)[:256]
