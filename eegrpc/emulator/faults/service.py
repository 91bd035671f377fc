"""The servicer with faults and quota before it: the one place where both protocols get them."""

from __future__ import annotations

import threading
from collections import deque
from hashlib import blake2b
from secrets import token_bytes
from typing import TYPE_CHECKING, Any, NoReturn

import grpc

from eegrpc.emulator.faults.kinds import (
    STATUS_CODES,
    EmptyPage,
    Fault,
    GzipBomb,
    InvalidBody,
    RepeatedToken,
    Status,
)
from eegrpc.emulator.faults.plan import Decision, Event, FaultPlan
from eegrpc.emulator.faults.tickets import TICKET_KEY
from eegrpc.emulator.serving.page_tokens import same_place
from eegrpc.emulator.serving.quota import QuotaEnforcer, Refusal
from eegrpc.emulator.serving.statuses import end_call, error_info, retry_info
from eegrpc.transcoding.servicer_context import Context as RestContext

if TYPE_CHECKING:
    from eegrpc.emulator.faults.tickets import Tickets
    from eegrpc.emulator.serving.quota import Quota, QuotaFigures
    from eegrpc.emulator.serving.service import EmulatorService
    from eegrpc.v1alpha import ComputeImagesRequest, ComputeImagesResponse

__all__ = ["FaultyService"]

_DOMAIN = "googleapis.com"  # faults look like Google's own errors
_KEPT_EVENTS = 1_000_000
_LONGEST_PROJECT = 100  # characters; not checked before the servicer does
_NO_MESSAGE = b"\xff\xff\xff\xff"  # a tag that never ends


class FaultyService:
    """Answers as the emulator's servicer, but for faults and quota; with neither, it only passes calls on.

    Args:
        service: Works out the answers.
        tickets: Takes the faults that the transport must make.
        plan: Which reply gets which fault; None for none.
        quota: Of each project; None for none.
    """

    def __init__(self, service: EmulatorService, tickets: Tickets, plan: FaultPlan | None, quota: Quota | None) -> None:
        self._service = service
        self._tickets = tickets
        self._run = None if plan is None else _Run(plan)
        self._runs: dict[str, _Run] = {}  # of projects that have a plan of their own
        self._gate = None if quota is None else QuotaEnforcer(quota)

    def plan(self, project: str | None = None) -> FaultPlan | None:
        """Return the plan that is followed: a project's own, or that of all others for None."""
        run = self._own_run(project)
        return None if run is None else run.plan

    def set_plan(self, plan: FaultPlan | None, project: str | None = None) -> None:
        """Follow another plan from now on; None for none, or for a project that of all others."""
        run = None if plan is None else _Run(plan)
        if project is None:
            self._run = run
        elif run is None:
            self._runs.pop(project, None)
        else:
            self._runs[project] = run

    def forget_projects(self) -> None:
        """Follow one plan for all projects."""
        self._runs.clear()

    def events(self, project: str | None = None) -> tuple[Event, ...]:
        """Return what was done since the plan was set, by number of the request; the latest million."""
        run = self._own_run(project)
        return () if run is None else run.events()

    def wait_for_events(self, count: int, timeout: float | None, project: str | None = None) -> bool:
        """Wait until there are `count` events; return whether there are."""
        run = self._own_run(project)
        return count <= 0 if run is None else run.wait_for_events(count, timeout)

    def _own_run(self, project: str | None) -> _Run | None:
        return self._run if project is None else self._runs.get(project)

    @property
    def quota(self) -> Quota | None:
        """The quota that is enforced."""
        return None if self._gate is None else self._gate.quota

    @quota.setter
    def quota(self, quota: Quota | None) -> None:
        self._gate = None if quota is None else QuotaEnforcer(quota)

    @property
    def figures(self) -> dict[str, QuotaFigures]:
        """What was counted since the quota was set, by project (``projects/...``)."""
        return {} if self._gate is None else self._gate.figures()

    def ComputeImages(self, request: ComputeImagesRequest, context: Any) -> ComputeImagesResponse | bytes:  # noqa: N802
        """Answer, or fail, as plan and quota have it; bytes are sent as they are."""
        gate, run = self._gate, self._runs.get(request.project, self._run)
        if gate is None:
            return self._service.ComputeImages(request, context) if run is None else self._follow(run, request, context)
        project = request.project[:_LONGEST_PROJECT]
        refusal = gate.enter(project)
        if refusal is not None:
            _refuse(context, refusal, project)
        try:
            return self._service.ComputeImages(request, context) if run is None else self._follow(run, request, context)
        finally:
            gate.leave(project)

    def _follow(self, run: _Run, request: ComputeImagesRequest, context: Any) -> ComputeImagesResponse | bytes:
        """Do what the plan says."""
        is_rest = isinstance(context, RestContext)
        metadata = dict(context.invocation_metadata())
        decision = run.next("rest" if is_rest else "grpc", metadata.get("authorization"))
        if decision is None:
            message = "Request had invalid authentication credentials: the access token is expired or missing."
            end_call(context, grpc.StatusCode.UNAUTHENTICATED, message, error_info("ACCESS_TOKEN_EXPIRED", _DOMAIN))
        if decision.delay:
            _wait(context, decision.delay)
        fault = decision.fault
        if fault is None:
            return self._service.ComputeImages(request, context)
        if isinstance(fault, Status):
            _end(context, fault)
        if fault.on_wire:
            self._tickets.put(context.peer() if is_rest else str(metadata.get(TICKET_KEY)), fault)
        if fault.hides_answer:
            return b"" if is_rest else _instead(fault, context)
        response = self._service.ComputeImages(request, context)
        if isinstance(fault, RepeatedToken) and request.page_token:
            response.next_page_token = request.page_token
        elif isinstance(fault, EmptyPage):
            response.Clear()
            response.next_page_token = same_place(request.page_token, self._service.place_of(request))
        return response


class _Run:
    """One plan, and how far it has come; thread-safe."""

    def __init__(self, plan: FaultPlan) -> None:
        self.plan = plan
        self._lock = threading.Condition()
        self._number = 0
        self._events: deque[Event] = deque(maxlen=_KEPT_EVENTS)
        self._key = token_bytes(16)
        self._uses: dict[bytes, int] = {}

    def next(self, protocol: str, token: str | bytes | None) -> Decision | None:
        """Return what happens to the next request; None if its access token is no good."""
        with self._lock:
            self._number += 1
            number = self._number
            if self._is_expired(token):
                self._note(Event(number, protocol, "expire_tokens", 0.0))
                return None
            decision = self.plan.decide(number)
            if decision.fault is not None or decision.delay:
                self._note(Event(number, protocol, decision.text, decision.delay))
            return decision

    def events(self) -> tuple[Event, ...]:
        with self._lock:
            return tuple(self._events)

    def wait_for_events(self, count: int, timeout: float | None) -> bool:
        with self._lock:
            return self._lock.wait_for(lambda: len(self._events) >= count, timeout)

    def _note(self, event: Event) -> None:
        self._events.append(event)
        self._lock.notify_all()

    def _is_expired(self, token: str | bytes | None) -> bool:
        if self.plan.token_uses is None:
            return False
        if token is None:
            return True
        # Tokens are secrets: only a digest is kept, with a key that is nowhere else.
        digest = blake2b(token if isinstance(token, bytes) else token.encode(), key=self._key, digest_size=16).digest()
        self._uses[digest] = self._uses.get(digest, 0) + 1
        return self._uses[digest] > self.plan.token_uses


def _wait(context: Any, seconds: float) -> None:
    """Wait, unless the caller goes away."""
    gone = threading.Event()
    if not context.add_callback(gone.set) or gone.wait(seconds):
        context.abort(grpc.StatusCode.CANCELLED, "the caller has gone")


def _end(context: Any, status: Status) -> NoReturn:
    details: list[Any] = []
    if status.reason:
        details.append(error_info(status.reason, _DOMAIN))
    if status.retry_info is not None:
        details.append(retry_info(status.retry_info))
    if status.retry_after is not None:
        context.send_initial_metadata((("retry-after", str(status.retry_after)),))
    end_call(context, STATUS_CODES[status.code], status.message or f"injected fault: {status.code}", *details)


def _refuse(context: Any, refusal: Refusal, project: str) -> NoReturn:
    """Refuse as Earth Engine does what its quotas do not allow."""
    if not refusal.by_rate:
        message = "Too Many Requests: Request was rejected because the concurrency limit was exceeded."
        end_call(context, grpc.StatusCode.RESOURCE_EXHAUSTED, message)
    message = f"Quota exceeded for quota metric 'Requests' and limit 'Requests per second' of consumer '{project}'."
    info = error_info("RATE_LIMIT_EXCEEDED", _DOMAIN, consumer=project, service="earthengine.googleapis.com")
    end_call(context, grpc.StatusCode.RESOURCE_EXHAUSTED, message, info, retry_info(refusal.retry_after))


def _instead(fault: Fault, context: Any) -> bytes:
    """Return the message that gRPC sends in place of the answer."""
    if isinstance(fault, InvalidBody):
        return _NO_MESSAGE
    if isinstance(fault, GzipBomb):
        # gRPC compresses whole messages only: this one is in memory for a moment. Field 15 is unknown, its value zeros.
        context.set_compression(grpc.Compression.Gzip)
        size = fault.mib << 20
        return b"\x7a" + _varint(size) + bytes(size)
    return b""


def _varint(value: int) -> bytes:
    written = bytearray()
    while value > 0x7F:
        written.append(value & 0x7F | 0x80)
        value >>= 7
    written.append(value)
    return bytes(written)
