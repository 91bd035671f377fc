"""Runs of the fault matrix: one computation against an emulator with faults, by one kind of channel, checked.

`benchmarks/fault_matrix.py` runs all of it and writes docs/fault-matrix.md; tests/test_fault_matrix.py runs a little of
each.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import google.auth.credentials
from fault_scripts import SCRIPTS, Script
from invariants import Delivery, Resources, Secrets, attempts_problem

import eegrpc
from eegrpc.emulator import Emulator
from eegrpc.emulator.faults import FaultPlan
from eegrpc.emulator.serving.quota import Quota
from eegrpc.errors import EarthEngineError
from eegrpc.v1alpha import EarthEngineAsset

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["KINDS", "SCRIPTS", "Matrix", "Run"]

KINDS = ("sync-rest", "sync-grpc", "aio-rest", "aio-grpc")
SECRETS = ("canary-token", "canary-text", "canary-bytes", "canary-constant", "canary-refresh")
ANSWER_LIMIT = 1 << 20
_MOST_LEGS = 25  # pagers that one run may take
_PATIENCE = 20.0  # seconds for a page
_OVERSHOOT = 1.0  # the rule is 150 ms, on a machine that has nothing else to do; the worst is reported


@dataclass
class Run:
    """What one run gave."""

    script: str
    kind: str
    seed: int
    finished: bool = False
    """Whether the first pager went to the end."""
    requests: int = 0
    faults: int = 0
    errors: list[str] = field(default_factory=list)
    """Code and reason of what was raised, each followed by a new pager at `next_page_token`."""
    overshoot: float = 0.0
    """Seconds by which the latest error came after the deadline of its page."""
    seconds: float = 0.0
    problems: list[str] = field(default_factory=list)
    """The invariants that did not hold."""


class Credentials(google.auth.credentials.Credentials):
    """Gives a new token whenever it is asked for one."""

    def __init__(self) -> None:
        super().__init__()
        self.refresh_secret = "canary-refresh"
        self.count = 0

    def refresh(self, request: Any) -> None:
        self.count += 1
        self.token = f"canary-token-{self.count}"


_LOAD = {"functionName": "ImageCollection.load", "arguments": {"id": {"constantValue": "c"}}}
EXPRESSION = {
    "result": "0",
    "values": {"0": {"functionInvocationValue": _LOAD}, "1": {"constantValue": "canary-constant"}},
}


class Matrix:
    """An emulator with numbered images, and runs against it; a context manager.

    Args:
        pages: Pages of one computation.
        page_size: Images of a page.
    """

    def __init__(self, pages: int = 100, page_size: int = 100) -> None:
        self.pages = pages
        self.page_size = page_size
        self.names = [f"c/{number:06}" for number in range(pages * page_size)]
        self.emulator = Emulator([EarthEngineAsset(id=name, name=name, type="IMAGE") for name in self.names])

    def __enter__(self) -> Self:
        self.emulator.start()
        for kind in KINDS:  # so that what is made once is there before anything is counted
            self.run(Script("nothing", ()), kind, 0)
        return self

    def __exit__(self, *_: object) -> None:
        self.emulator.stop()

    def run(self, script: Script, kind: str, seed: int) -> Run:
        """Run a computation to its end, over as many pagers as errors make necessary, and check all of it."""
        run = Run(script.name, kind, seed)
        colour, transport = kind.split("-")
        held = Resources("emulator", "asyncio", "eegrpc-token")
        gate = eegrpc.QuotaGate(rate=float("inf"))
        faults = FaultPlan(
            [each.format(middle=self.pages // 2, most=self.pages * 4 // 5) for each in script.faults], seed=seed
        )
        self.emulator.set_faults(faults)
        self.emulator.set_quota(Quota())
        work = _Work(self, run, seed, gate)
        began = time.monotonic()
        with Secrets(SECRETS) as secrets:
            work.secrets = secrets
            if colour == "sync":
                work.on_threads(transport, script)
            else:
                asyncio.run(work.in_tasks(transport, script))
        run.seconds = round(time.monotonic() - began, 3)
        run.finished = not run.errors
        run.problems += [*work.delivery.problems, *secrets.problems[:5], *held.problems(gate, "p")]
        run.problems += attempts_problem(run.requests, self.pages, work.excuses + len(run.errors))
        if not work.delivery.complete:
            run.problems.append("I2: the run never came to its end")
        if run.overshoot > _OVERSHOOT:
            run.problems.append(f"I6: an error came {run.overshoot:.3f} s after its deadline")
        return run

    def heal(self, run: Run) -> int:
        """Take the server's figures for a run, and let it be well from now on; return how many replies were bad."""
        figures, events = self.emulator.quota_figures.get("projects/p"), self.emulator.events
        run.requests = figures.attempts if figures else 0
        run.faults = len(events)
        self.emulator.set_faults(None)
        return sum(1 for event in events if event.fault)


class _Work:
    """The client's part of a run."""

    secrets: Secrets

    def __init__(self, matrix: Matrix, run: Run, seed: int, gate: eegrpc.QuotaGate) -> None:
        self.delivery = Delivery(matrix.names, matrix.page_size)
        self.excuses = 0
        self._matrix = matrix
        self._run = run
        self._gate = gate
        self._by_page = seed % 2 == 0
        self._timeout = 0.0
        self._page_token: str | None = ""
        self._names: list[str] = []
        self._latest = 0.0

    def _channel(self, transport: str) -> dict[str, Any]:
        return {
            "endpoint": self._matrix.emulator.endpoint,
            "transport": transport,
            "credentials": Credentials(),
            "options": [("grpc.max_receive_message_length", ANSWER_LIMIT)],
        }

    def _client(self, script: Script) -> dict[str, Any]:
        self._timeout = script.timeout or _PATIENCE
        return {"retry": script.policy, "timeout": self._timeout, "quota": self._gate}

    def _call(self, **more: Any) -> dict[str, Any]:
        metadata = [("x-canary", "canary-text"), ("x-canary-bin", b"canary-bytes")]
        self._names = []
        self._latest = time.monotonic()
        return {"page_size": self._matrix.page_size, "metadata": metadata, **more}

    def on_threads(self, transport: str, script: Script) -> None:
        """Run by the synchronous client."""
        with (
            eegrpc.create_channel(**self._channel(transport)) as channel,
            eegrpc.EarthEngineClient("p", channel=channel, **self._client(script)) as client,
        ):
            while self._page_token is not None:
                pager = client.compute_images(EXPRESSION, **self._call(page_token=self._page_token))
                try:
                    if self._by_page:
                        for page in pager.pages:
                            self._take(*page.images)
                    else:
                        for image in pager:
                            self._take(image)
                    self._end(None, "")
                except EarthEngineError as error:
                    self._end(error, pager.next_page_token)
            self.excuses = self._matrix.heal(self._run)
            try:
                for image in client.compute_images(EXPRESSION, **self._call(limit=1)):
                    self._take(image)
            except EarthEngineError as error:
                self._run.problems.append(f"I7: {error!r}")
        self._check_next_call()

    async def in_tasks(self, transport: str, script: Script) -> None:
        """Run by the asyncio client."""
        async with (
            eegrpc.create_aio_channel(**self._channel(transport)) as channel,
            eegrpc.EarthEngineAsyncClient("p", channel=channel, **self._client(script)) as client,
        ):
            while self._page_token is not None:
                pager = await client.compute_images(EXPRESSION, **self._call(page_token=self._page_token))
                try:
                    if self._by_page:
                        async for page in pager.pages:
                            self._take(*page.images)
                    else:
                        async for image in pager:
                            self._take(image)
                    self._end(None, "")
                except EarthEngineError as error:
                    self._end(error, pager.next_page_token)
            self.excuses = self._matrix.heal(self._run)
            try:
                async for image in await client.compute_images(EXPRESSION, **self._call(limit=1)):
                    self._take(image)
            except EarthEngineError as error:
                self._run.problems.append(f"I7: {error!r}")
        self._check_next_call()
        for _ in range(100):
            left = asyncio.all_tasks() - {asyncio.current_task()}
            if not left:
                return
            await asyncio.sleep(0.01)
        self._run.problems.append(f"I4: tasks {sorted(task.get_name() for task in left)}")

    def _take(self, *images: EarthEngineAsset) -> None:
        self._names += [image.name for image in images]
        self._latest = time.monotonic()

    def _end(self, error: EarthEngineError | None, page_token: str) -> None:
        """Note how a pager ended, and where the next one begins; None after the last."""
        self.delivery.leg(self._names, error)
        self._page_token = None
        if error is None:
            return
        overshoot = time.monotonic() - self._latest - self._timeout
        self._run.overshoot = round(max(self._run.overshoot, overshoot), 3)
        self._run.errors.append(f"{error.code().name} {error.reason}")
        self.secrets.error(error)
        if len(self._run.errors) < _MOST_LEGS:
            self._page_token = page_token

    def _check_next_call(self) -> None:
        if self._names != self._matrix.names[:1]:
            self._run.problems.append(f"I7: the next call gave {self._names[:3]}")
