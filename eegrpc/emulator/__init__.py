"""An Earth Engine for tests: evaluates real expressions on a catalog, over gRPC and REST on one port.

    with Emulator() as emulator, eegrpc.EarthEngineClient("my-project", endpoint=emulator.endpoint) as client:
        images = list(client.compute_images(expression))

Needs the extra ``emulator`` (``pip install "eegrpc[emulator]"``). Importing this package imports nothing else: it has
the plugin for pytest, which is loaded by every test run of whoever has eegrpc installed.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from eegrpc.emulator.bench import Project
    from eegrpc.emulator.catalog import AnyCatalog, Catalog
    from eegrpc.emulator.errors import AlgorithmError
    from eegrpc.emulator.faults.plan import FaultPlan
    from eegrpc.emulator.server import Emulator
    from eegrpc.emulator.serving.quota import Quota, QuotaFigures

__all__ = ["AlgorithmError", "AnyCatalog", "Catalog", "Emulator", "FaultPlan", "Project", "Quota", "QuotaFigures"]

_HOMES = {
    "AlgorithmError": "eegrpc.emulator.errors",
    "AnyCatalog": "eegrpc.emulator.catalog",
    "Catalog": "eegrpc.emulator.catalog",
    "Emulator": "eegrpc.emulator.server",
    "FaultPlan": "eegrpc.emulator.faults.plan",
    "Project": "eegrpc.emulator.bench",
    "Quota": "eegrpc.emulator.serving.quota",
    "QuotaFigures": "eegrpc.emulator.serving.quota",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(importlib.import_module(_HOMES[name]), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
