"""What a test sees and changes of an emulator: faults and quota, the journal, the assets and stubs of projects."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Any

from eegrpc.emulator.catalog import AnyCatalog, Catalog, assets_in
from eegrpc.emulator.faults.service import FaultyService
from eegrpc.emulator.faults.tickets import Tickets
from eegrpc.emulator.serving.service import DEFAULT_PAGE_SIZE, EmulatorService
from eegrpc.emulator.testing.expectations import assert_called
from eegrpc.emulator.testing.journal import Journal, JournalKeeper
from eegrpc.emulator.testing.projects import EVERYBODY, Projects, project_key

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from eegrpc.emulator.evaluation.stubs import Stub
    from eegrpc.emulator.faults.plan import Event, FaultPlan
    from eegrpc.emulator.serving.quota import Quota, QuotaFigures
    from eegrpc.emulator.testing.journal import Entry
    from eegrpc.v1alpha import EarthEngineAsset

    Source = str | os.PathLike[str] | Iterable[EarthEngineAsset]

__all__ = ["Bench", "Project"]


class Bench:
    """An emulator without its port. Thread-safe; what it changes holds for requests that come after.

    Args:
        catalog, max_page_size, faults, quota, clock: As for :class:`eegrpc.emulator.Emulator`.

    Raises:
        ValueError: The catalog is malformed.
    """

    def __init__(
        self,
        catalog: AnyCatalog | Source | None = None,
        *,
        max_page_size: int = DEFAULT_PAGE_SIZE,
        faults: FaultPlan | None = None,
        quota: Quota | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._first_faults = faults
        self._first_quota = quota
        self._tickets = Tickets()
        self._max_page_size = max_page_size
        self._projects = Projects(_catalog(catalog))
        service = EmulatorService(self._projects, max_page_size=max_page_size)
        self._service = FaultyService(service, self._tickets, faults, quota)
        self._keeper = JournalKeeper(clock)

    @property
    def endpoint(self) -> str:
        """Where it listens."""
        raise RuntimeError("a bench has no port; an Emulator has")

    def project(self, project: str) -> Project:
        """Return what concerns one project alone.

        Args:
            project: The project, by id or as ``projects/...``.

        Raises:
            EarthEngineError: INVALID_ARGUMENT: it is no name of a project.
        """
        return Project(self, project)

    @property
    def catalog(self) -> AnyCatalog:
        """What all projects find, those assets included that were loaded for all."""
        return self._projects.state(EVERYBODY).catalog

    @property
    def loaded_key(self) -> str:
        """Names what was loaded for all: another one says that the catalog has changed."""
        return self._projects.state(EVERYBODY).loaded.hex()

    # ---- requests ----

    @property
    def journal(self) -> Journal:
        """The requests that were answered, in the order of arrival."""
        return Journal(self._keeper)

    def wait_for_requests(self, count: int, timeout: float | None = None) -> bool:
        """Wait until so many requests have been answered since the journal was cleared.

        Args:
            count: How many.
            timeout: Seconds, None for any time.

        Returns:
            Whether there were so many.
        """
        return self.journal.wait(count, timeout)

    def assert_called(self, **criteria: Any) -> list[Entry]:
        """Check that requests of a certain kind came, and return them.

        Args:
            **criteria: Those of :func:`eegrpc.emulator.testing.expectations.assert_called`: ``times``, ``project``,
                ``method``, ``protocol``, ``function``, ``asset``, ``status``, ``workload_tag``, ``where``.

        Raises:
            AssertionError: There are more, or fewer; the text has those that came closest.
        """
        __tracebackhide__ = True
        return assert_called(self.journal, **criteria)

    # ---- assets, stubs ----

    def load(self, assets: Source, project: str | None = None) -> int:
        """Add assets to the catalog; they replace those of their ids.

        Args:
            assets: EarthEngineAsset messages, or the path of a file with one in JSON per line.
            project: The project whose requests find them; None for those of all.

        Returns:
            How many there were.

        Raises:
            OSError: The file cannot be read.
            ValueError: An asset is malformed, or comes twice; nothing is loaded then.
        """
        if isinstance(assets, (str, os.PathLike)):
            assets = assets_in(assets)
        return self._projects.load(assets, project_key(project))

    def snapshot(self, project: str | None = None) -> list[EarthEngineAsset]:
        """Return copies of the assets that were loaded for a project, or for all, in the order of their ids.

        The catalog that the emulator began with is not among them: loaded after a reset, they restore what was.
        """
        return self._projects.loaded(project_key(project))

    def stub(self, name: str, function: Stub | None, project: str | None = None) -> None:
        """Let a function of Earth Engine's be answered by one of Python.

        Args:
            name: The function, such as ``Image.reduceRegion``, whether the emulator knows it or not.
            function: Takes the arguments of the call by name and returns the answer; None takes the stub back. It is
                called by the emulator's threads, several at a time. `AlgorithmError` makes the request fail as Earth
                Engine's errors do.
            project: The project whose requests it answers; None for those of all.
        """
        self._projects.stub(name, function, project_key(project))

    def reset(self, project: str | None = None) -> None:
        """Forget all that was loaded, stubbed, and entered in the journal, and take back faults and quota.

        Args:
            project: Only what is of this project alone: its assets, stubs, faults and entries.
        """
        if project is None:
            self._projects.reset()
            self._keeper.clear()
            self._service.forget_projects()
            self.set_faults(self._first_faults)
            self.set_quota(self._first_quota)
            return
        key = project_key(project)
        self._projects.reset(key)
        self._keeper.clear(key)
        self._service.set_plan(None, key)

    # ---- faults, quota ----

    @property
    def faults(self) -> FaultPlan | None:
        """The plan that is followed, but for projects that have one of their own."""
        return self._service.plan()

    @property
    def events(self) -> tuple[Event, ...]:
        """What was done to which requests since the faults were set; with one seed and one order, always the same."""
        return self._service.events()

    def wait_for_events(self, count: int, timeout: float | None = None) -> bool:
        """Wait until there are as many events: a request is among them when it has arrived, before it is answered.

        Args:
            count: How many `events` to wait for.
            timeout: Seconds, None for any time.

        Returns:
            Whether there are so many.
        """
        return self._service.wait_for_events(count, timeout)

    def set_faults(self, faults: FaultPlan | None, project: str | None = None) -> None:
        """Follow another plan from now on, or none; requests are counted from 1 again, and the events are gone.

        Args:
            faults: The plan.
            project: The project whose requests follow it, and are counted by themselves; None for those of all that
                have no plan of their own.
        """
        self._service.set_plan(faults, project_key(project) or None)

    @property
    def quota(self) -> Quota | None:
        """The quota that is enforced."""
        return self._service.quota

    @property
    def quota_figures(self) -> dict[str, QuotaFigures]:
        """What was counted since the quota was set, by project (``projects/my-project``)."""
        return self._service.figures

    def set_quota(self, quota: Quota | None) -> None:
        """Enforce another quota from now on, or none, and count anew; `Quota()` only counts."""
        self._service.quota = quota


class Project:
    """What concerns one project of an emulator: the methods of `Bench`, for it alone.

    Args:
        bench: The emulator.
        project: The project, by id or as ``projects/...``.
    """

    def __init__(self, bench: Bench, project: str) -> None:
        self._bench = bench
        self.name = project_key(project)
        """``projects/my-project``."""

    @property
    def project_id(self) -> str:
        """The name without ``projects/``, which is what clients take."""
        return self.name.partition("/")[2]

    @property
    def endpoint(self) -> str:
        """Where the emulator listens: the `endpoint` of clients and channels."""
        return self._bench.endpoint

    @property
    def journal(self) -> Journal:
        """The requests of the project that were answered, in the order of arrival."""
        return Journal(self._bench._keeper, self.name)

    def wait_for_requests(self, count: int, timeout: float | None = None) -> bool:
        """Wait until so many requests of the project have been answered; return whether they have."""
        return self.journal.wait(count, timeout)

    def assert_called(self, **criteria: Any) -> list[Entry]:
        """Check that requests of a certain kind came, and return them; `Bench.assert_called` has the criteria."""
        __tracebackhide__ = True
        return assert_called(self.journal, **criteria)

    def load(self, assets: Source) -> int:
        """Add assets that requests of the project find; return how many."""
        return self._bench.load(assets, self.name)

    def snapshot(self) -> list[EarthEngineAsset]:
        """Return copies of the assets that were loaded for the project."""
        return self._bench.snapshot(self.name)

    def stub(self, name: str, function: Stub | None) -> None:
        """Let a function of Earth Engine's be answered by one of Python, for requests of the project."""
        self._bench.stub(name, function, self.name)

    def reset(self) -> None:
        """Forget assets, stubs, faults and entries of the project."""
        self._bench.reset(self.name)

    @property
    def faults(self) -> FaultPlan | None:
        """The project's own plan."""
        return self._bench._service.plan(self.name)

    @property
    def events(self) -> tuple[Event, ...]:
        """What the project's own faults did to which requests."""
        return self._bench._service.events(self.name)

    def set_faults(self, faults: FaultPlan | None) -> None:
        """Follow a plan for requests of the project, which are counted by themselves; None for that of all others."""
        self._bench.set_faults(faults, self.name)


def _catalog(given: AnyCatalog | Source | None) -> AnyCatalog:
    if given is None:
        return Catalog.builtin()
    if isinstance(given, (str, os.PathLike)):
        return Catalog.open(given)
    return given if isinstance(given, AnyCatalog) else Catalog(given)
