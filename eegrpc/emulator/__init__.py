"""An Earth Engine for tests: evaluates real expressions on a catalog, over gRPC and REST on one port.

    with Emulator() as emulator, eegrpc.EarthEngineClient("my-project", endpoint=emulator.endpoint) as client:
        images = list(client.compute_images(expression))

Needs the extra ``emulator`` (``pip install "eegrpc[emulator]"``).
"""

from eegrpc.emulator.catalog import Catalog
from eegrpc.emulator.faults.plan import FaultPlan
from eegrpc.emulator.quota import Quota, QuotaFigures
from eegrpc.emulator.server import Emulator

__all__ = ["Catalog", "Emulator", "FaultPlan", "Quota", "QuotaFigures"]
