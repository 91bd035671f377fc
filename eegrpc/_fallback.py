"""Which transport `auto` uses at an endpoint that is not Google's: what counts as proof, and how long it holds.

Colourless: the channels ask it what to do next and tell it what they saw; only they wait.

- Until something is proven, one call at a time tries gRPC; the others wait for what it finds, for a while.
- An endpoint that answers by gRPC, whatever the status, speaks gRPC: no ordinary error ever makes a call change sides.
- Proof of the contrary is an error that only something else than our service gives, and that says that sending the call
  again does no harm. The call then goes by REST within the same deadline, and so do the later ones, until a re-probe.
- Errors that gRPC's core may have made by itself, such as a deadline that passed, prove nothing.
"""

from __future__ import annotations

import logging
import re
import threading
import time
from enum import Enum
from typing import TYPE_CHECKING

import grpc
from google.rpc import status_pb2

from eegrpc._processes import restart_in_children
from eegrpc.transcoding.status import DETAILS_KEY, HTTP_STATUS_KEY, TRANSPORT_LABEL

if TYPE_CHECKING:
    from collections.abc import Callable

    from eegrpc.transcoding.types import MetadataValue, Reply

__all__ = [
    "REASON_KEY",
    "Evidence",
    "Route",
    "TransportJudge",
    "both_failed",
    "combined_state",
    "connect_patience",
    "evidence_of",
    "probe_patience",
    "rest_answered",
]

REASON_KEY = "eegrpc-fallback-reason"
"""Key of the trailing metadata that says, on calls that went by REST, why they did not go by gRPC."""

Code = grpc.StatusCode
State = grpc.ChannelConnectivity

_log = logging.getLogger(__name__)


class Route(Enum):
    """What a call does next."""

    GRPC = "grpc"
    REST = "rest"
    PROBE = "probe"
    """Try gRPC, and tell the judge what came of it, whatever it is."""
    WAIT = "wait"
    """Wait until `TransportJudge.listen` calls back, then ask again; after too long, do as PROBE says."""


class Evidence(Enum):
    """What the end of a gRPC call says about the endpoint."""

    NONE = "nothing"
    """It could not be reached, or ran out of time: as likely a passing fault as not."""
    SPEAKS_GRPC = "gRPC"
    NOT_GRPC = "not gRPC"


class TransportJudge:
    """Decides between gRPC and REST for one channel; thread-safe.

    Args:
        reprobe_after: Seconds that a decision for REST holds before one call tries gRPC again.
        name: The endpoint, for the log.
        clock: Gives monotonic seconds.
    """

    def __init__(self, reprobe_after: float, name: str, clock: Callable[[], float] = time.monotonic) -> None:
        self.labels = [TRANSPORT_LABEL]
        """Trailing metadata for calls that go by REST; the reason is added when there is one."""
        self._reprobe_after = reprobe_after
        self._name = name
        self._clock = clock
        self._lock = threading.Lock()
        self._decided: Route | None = None
        self._until = 0.0
        self._probing = False
        self._logged = ""
        self._listeners: list[Callable[[], None]] = []
        restart_in_children(self)

    def _after_fork(self) -> None:
        """Keep what is known about the endpoint; the probe that may be under way is the parent's."""
        self._lock = threading.Lock()
        self._probing = False
        self._listeners = []

    def settled(self) -> Route | None:
        """Return GRPC or REST where there is nothing to find out, else None: then `route` says what to do."""
        decided = self._decided
        if decided is Route.REST and not self._probing and self._clock() >= self._until:
            return None
        return decided

    def route(self) -> Route:
        """Return what a call does next. After PROBE, `probe_ended` must follow, whatever happens."""
        with self._lock:
            if self._decided is Route.GRPC:
                return Route.GRPC
            if self._decided is Route.REST and (self._probing or self._clock() < self._until):
                return Route.REST
            if self._probing:
                return Route.WAIT
            self._probing = True
            return Route.PROBE

    def listen(self, callback: Callable[[], None]) -> None:
        """Call `callback` once, at the next decision or the end of the probe; at once if no probe is under way."""
        with self._lock:
            if self._probing and self._decided is None:
                self._listeners.append(callback)
                return
        callback()

    def unlisten(self, callback: Callable[[], None]) -> None:
        """Forget `callback`, if it has not been called."""
        with self._lock:
            if callback in self._listeners:
                self._listeners.remove(callback)

    def heard(self, reply: Reply, *, connected: bool, replayable: bool) -> str:
        """Take note of how a gRPC call ended; return why to send it again, by REST, or "" to leave it at that.

        Args:
            reply: How it ended.
            connected: Whether there was an HTTP/2 connection before it began.
            replayable: Whether its method may be sent again although it may have been executed.
        """
        evidence, reason = evidence_of(reply, connected=connected, replayable=replayable)
        if evidence is Evidence.NOT_GRPC:
            return self.not_grpc(reason)
        if evidence is Evidence.SPEAKS_GRPC:
            self._speaks_grpc()
        return ""

    def not_grpc(self, reason: str) -> str:
        """Take note that the endpoint does not speak gRPC; return why to send the call by REST.

        "" if another call proved the opposite meanwhile.
        """
        reason = _short(reason)
        with self._lock:
            if self._decided is Route.GRPC:
                return ""
            self._decided, self._until = Route.REST, self._clock() + self._reprobe_after
            self.labels[1:] = [(REASON_KEY, reason)]
            news, self._logged = reason != self._logged, reason
            listeners = self._take_listeners()
        if news:
            _log.warning("%s: gRPC does not get through, calls go by REST: %s", self._name, reason)
        _tell(listeners)
        return reason

    def rest_failed(self) -> None:
        """REST did not get through either, for the call that had just switched: nothing is known about the endpoint."""
        with self._lock:
            if self._decided is Route.REST:
                self._decided = None

    def probe_ended(self) -> None:
        """Take note that the call that `route` told to PROBE has heard from gRPC, or never will.

        If it proved nothing, what was known stays, and if that is nothing, the next call probes.
        """
        with self._lock:
            self._probing = False
            self._until = self._clock() + self._reprobe_after
            listeners = self._take_listeners()
        _tell(listeners)

    def _speaks_grpc(self) -> None:
        with self._lock:
            changed = self._decided is Route.REST
            self._decided = Route.GRPC
            listeners = self._take_listeners()
        if changed:
            _log.warning("%s: gRPC gets through now, calls go by gRPC", self._name)
        _tell(listeners)

    def _take_listeners(self) -> list[Callable[[], None]]:
        listeners, self._listeners = self._listeners, []
        return listeners


def _tell(listeners: list[Callable[[], None]]) -> None:
    for callback in listeners:
        callback()


def connect_patience(left: float | None) -> float:
    """Return how many seconds a call that tries gRPC waits for an HTTP/2 connection, of those it has left."""
    return 5.0 if left is None else min(5.0, left / 2)


def probe_patience(left: float | None) -> float:
    """Return how many seconds a call waits for what another one finds, of those it has left; then it tries gRPC too."""
    return 10.0 if left is None else min(10.0, left / 2)


def combined_state(*states: grpc.ChannelConnectivity) -> grpc.ChannelConnectivity:
    """Return the connectivity state of channels of which one is enough."""
    return min(states, key=_BEST_FIRST.index)


_BEST_FIRST = (State.READY, State.CONNECTING, State.TRANSIENT_FAILURE, State.IDLE, State.SHUTDOWN)


def rest_answered(reply: Reply) -> bool:
    """Return whether a REST call ended with an answer of an API, of any kind: then REST is right for the endpoint."""
    if reply.code is Code.OK:
        return True
    status = next((value for key, value in reply.trailing_metadata if key == HTTP_STATUS_KEY), None)
    if status is None or reply.code is Code.UNIMPLEMENTED:
        return False
    return not reply.details.startswith(f"HTTP {status!s}")  # as our own words for answers of anything else begin


def both_failed(reply: Reply, reason: str) -> Reply:
    """Return the reply of a call that neither transport got through: REST's, with both causes in its message."""
    details = f"{reply.details} (by REST, after gRPC: {reason})"

    def reworded(key: str, value: MetadataValue) -> tuple[str, MetadataValue]:
        if key != DETAILS_KEY or isinstance(value, str):
            return key, value
        status = status_pb2.Status.FromString(value)
        status.message = details  # grpc_status.rpc_status refuses a status that differs from the call's
        return key, status.SerializeToString()

    return reply._replace(details=details, trailing_metadata=tuple(reworded(*pair) for pair in reply.trailing_metadata))


# The texts below are those of gRPC's core from 1.76 to 1.85, which has nothing else that tells its own errors from a
# server's. A server that passes on such an error of its own upstream looks the same: the call then goes by REST too,
# which is only done where it is harmless, and REST's answer decides.

# An HTTP answer without grpc-status: the code is a guess from the HTTP status.
_HTTP_ANSWER = re.compile(r"Received http2 header with status: (\d+)")

# HTTP statuses of an overloaded or picky server, which say nothing about what it speaks.
_ORDINARY_HTTP = frozenset(("401", "429", "503"))

# HTTP statuses that say that nothing was executed, so that even a method with side effects may be sent again.
_NOTHING_DONE_HTTP = frozenset(("301", "302", "307", "308", "400", "404", "405", "411", "415", "426", "505"))

# No connection: nothing was sent. gRPC may come to other addresses than the rest of us, as it resolves names by itself
# and goes through proxies.
_NOT_CONNECTED = re.compile(r"failed to connect to all addresses|DNS resolution failed|errors resolving ")

# The connection carried the call, and then it was broken off, or answered in a way that is not gRPC's.
_BROKEN_OFF = re.compile(
    r"Stream removed|Received RST_STREAM|GOAWAY received|Socket closed|recvmsg:|No status received"
)

# Codes that gRPC's core gives to errors of its own, and those of them that an answer that is not gRPC's may get.
_OF_THE_CORE = frozenset(
    (Code.CANCELLED, Code.DEADLINE_EXCEEDED, Code.INTERNAL, Code.RESOURCE_EXHAUSTED, Code.UNAVAILABLE, Code.UNKNOWN)
)
_OF_BROKEN_OFF = frozenset((Code.INTERNAL, Code.PERMISSION_DENIED, Code.UNAVAILABLE, Code.UNKNOWN))


def evidence_of(reply: Reply, *, connected: bool, replayable: bool) -> tuple[Evidence, str]:
    """Return what the end of a call says about an endpoint of which nothing is known, and why in words.

    Args:
        reply: How it ended.
        connected: Whether there was an HTTP/2 connection before it began.
        replayable: Whether the method may be sent again although it may have been executed.
    """
    code, text = reply.code, reply.details
    if answer := _HTTP_ANSWER.fullmatch(text):
        status = answer.group(1)
        if status in _ORDINARY_HTTP or not (replayable or status in _NOTHING_DONE_HTTP):
            return Evidence.NONE, ""
        return Evidence.NOT_GRPC, f"it answered with plain HTTP status {status}"
    if code is Code.UNAVAILABLE and not connected and _NOT_CONNECTED.match(text):
        return Evidence.NOT_GRPC, f"no HTTP/2 connection: {text}"
    if code in _OF_BROKEN_OFF and _BROKEN_OFF.match(text):
        return (Evidence.NOT_GRPC, text) if replayable else (Evidence.NONE, "")
    has_details = any(key == DETAILS_KEY for key, _ in reply.trailing_metadata)
    if code is Code.UNIMPLEMENTED and not has_details:  # our service would say more
        return Evidence.NOT_GRPC, f"UNIMPLEMENTED: {text}"
    if code in _OF_THE_CORE and not reply.trailing_metadata:
        return Evidence.NONE, ""
    return Evidence.SPEAKS_GRPC, ""


def _short(text: str) -> str:
    """Return `text` as it may stand in metadata: printable ASCII, not long."""
    return re.sub(r"[^\x20-\x7e]+", " ", text)[:256]
