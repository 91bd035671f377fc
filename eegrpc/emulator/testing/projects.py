"""What each project finds: the assets that were loaded for it, on top of what all find, and its stubs.

A state is immutable: a request is answered from the one that it found when it came.
"""

from __future__ import annotations

import itertools
import threading
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import blake2b
from types import MappingProxyType
from typing import TYPE_CHECKING

from eegrpc._requests import project_name
from eegrpc.emulator.images.asset_record import canonical_id
from eegrpc.emulator.testing.overlay import Overlay

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from eegrpc.emulator.catalog import AnyCatalog
    from eegrpc.emulator.evaluation.stubs import Stub
    from eegrpc.v1alpha import EarthEngineAsset

__all__ = ["EVERYBODY", "ProjectState", "Projects", "project_key"]

EVERYBODY = ""
"""The project whose assets and stubs all projects have."""


def project_key(project: str | None) -> str:
    """Return how requests name a project: ``projects/my-project``; what all have for None.

    Raises:
        EarthEngineError: INVALID_ARGUMENT: it is no name of a project.
    """
    return EVERYBODY if project is None else project_name(project)


@dataclass(frozen=True, slots=True)
class ProjectState:
    """What requests of one project find.

    Attributes:
        catalog: The assets there are.
        stubs: What functions answer, by name.
        loaded: Names what was loaded: alike for alike assets, empty if nothing was. What a page token is good for.
        key: Names all of the state, as long as the emulator runs: no other state has it.
    """

    catalog: AnyCatalog
    stubs: Mapping[str, Stub]
    loaded: bytes
    key: tuple[bytes, int]


@dataclass(frozen=True)
class _Layer:
    """What was given for one project, or for all."""

    assets: Mapping[str, EarthEngineAsset] = field(default_factory=lambda: MappingProxyType({}))
    stubs: Mapping[str, Stub] = field(default_factory=lambda: MappingProxyType({}))

    @cached_property
    def digest(self) -> bytes:
        """Name of the assets; empty for none."""
        if not self.assets:
            return b""
        hashed = blake2b(digest_size=16)
        for _, asset in sorted(self.assets.items()):
            wire = asset.SerializeToString(deterministic=True)
            hashed.update(len(wire).to_bytes(8, "big") + wire)
        return hashed.digest()


class Projects:
    """The states of all projects; thread-safe.

    Args:
        catalog: What all projects have from the start.
    """

    def __init__(self, catalog: AnyCatalog) -> None:
        self._catalog = catalog
        self._lock = threading.Lock()
        self._layers: dict[str, _Layer] = {}
        self._states: dict[str, ProjectState] = {}
        self._serial = itertools.count(1)

    def state(self, project: str) -> ProjectState:
        """Return what requests of a project (``projects/my-project``) find."""
        with self._lock:
            if project not in self._layers:
                project = EVERYBODY  # whatever is asked for takes no memory
            state = self._states.get(project)
            if state is None:
                state = self._states[project] = self._build(project)
            return state

    def load(self, assets: Iterable[EarthEngineAsset], project: str = EVERYBODY) -> int:
        """Add assets; they replace those of their ids.

        Returns:
            How many there were.

        Raises:
            ValueError: An asset has neither name nor id, or comes twice; nothing is loaded then.
        """
        given: dict[str, EarthEngineAsset] = {}
        for position, asset in enumerate(assets, 1):
            key = canonical_id(asset.id or asset.name)
            if not key:
                raise ValueError(f"Asset {position} has neither name nor id: give it one of them.")
            if key in given:
                raise ValueError(f"Asset {position}, '{key}', comes twice: remove one of the two.")
            given[key] = type(asset).FromString(asset.SerializeToString())  # the caller may change his own
        with self._lock:
            layer = self._layers.get(project, _Layer())
            self._set(project, _Layer({**layer.assets, **given}, layer.stubs))
        return len(given)

    def loaded(self, project: str = EVERYBODY) -> list[EarthEngineAsset]:
        """Return copies of the assets that were loaded for a project, in the order of their ids."""
        with self._lock:
            layer = self._layers.get(project, _Layer())
        return [type(asset).FromString(asset.SerializeToString()) for _, asset in sorted(layer.assets.items())]

    def stub(self, name: str, function: Stub | None, project: str = EVERYBODY) -> None:
        """Let a function of Earth Engine's be answered by one of Python; None takes it back.

        Raises:
            TypeError: It cannot be called.
        """
        if function is not None and not callable(function):
            raise TypeError(f"the stub of {name} is {function!r}: give a function that takes the arguments by name")
        with self._lock:
            layer = self._layers.get(project, _Layer())
            stubs = {each: known for each, known in layer.stubs.items() if each != name}
            if function is not None:
                stubs[name] = function
            self._set(project, _Layer(layer.assets, stubs))

    def reset(self, project: str | None = None) -> None:
        """Forget what was loaded and stubbed for a project, or for each and all."""
        with self._lock:
            if project is None:
                self._layers.clear()
            else:
                self._layers.pop(project, None)
            self._forget(project or EVERYBODY)

    def _set(self, project: str, layer: _Layer) -> None:
        if layer.assets or layer.stubs:
            self._layers[project] = layer
        else:
            self._layers.pop(project, None)
        self._forget(project)

    def _forget(self, project: str) -> None:
        """Drop the states that a change makes old."""
        if project == EVERYBODY:
            self._states.clear()
        else:
            self._states.pop(project, None)

    def _build(self, project: str) -> ProjectState:
        catalog = self._catalog
        stubs: dict[str, Stub] = {}
        loaded = b""
        for name in dict.fromkeys((EVERYBODY, project)):
            layer = self._layers.get(name)
            if layer is None:
                continue
            if layer.assets:
                catalog = Overlay(catalog, layer.assets.values())
            stubs |= layer.stubs
            loaded += layer.digest
        return ProjectState(catalog, MappingProxyType(stubs), loaded, (loaded, next(self._serial) if stubs else 0))
