"""A gRPC-native client for Earth Engine's computeImages, and channels that fall back to REST behind the same stub.

    with eegrpc.EarthEngineClient(project="my-project") as client:
        for image in client.compute_images(expression):
            print(image.name)

Importing this package does no IO and brings no HTTP library; each name brings what it needs when it is first used, so
that a program with threads does not load the asyncio half, nor the other way round.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from eegrpc._version import VERSION

if TYPE_CHECKING:
    from eegrpc import errors, v1alpha
    from eegrpc._aio_channel import create_aio_channel
    from eegrpc._aio_pager import ComputeImagesAsyncPager
    from eegrpc._async_client import EarthEngineAsyncClient
    from eegrpc._batch import BatchPage, BatchRequest
    from eegrpc._channel import create_channel
    from eegrpc._client import EarthEngineClient
    from eegrpc._gate import QuotaGate, QuotaStats
    from eegrpc._options import DEFAULT_ENDPOINT, HIGH_VOLUME_ENDPOINT
    from eegrpc._pager import ComputeImagesPager
    from eegrpc._retry import RetryDecider, RetryPolicy
    from eegrpc._retry_budget import RetryBudget

__all__ = [
    "DEFAULT_ENDPOINT",
    "HIGH_VOLUME_ENDPOINT",
    "BatchPage",
    "BatchRequest",
    "ComputeImagesAsyncPager",
    "ComputeImagesPager",
    "EarthEngineAsyncClient",
    "EarthEngineClient",
    "QuotaGate",
    "QuotaStats",
    "RetryBudget",
    "RetryDecider",
    "RetryPolicy",
    "__version__",
    "create_aio_channel",
    "create_channel",
    "errors",
    "v1alpha",
]

__version__ = VERSION

_HOMES = {
    "DEFAULT_ENDPOINT": "eegrpc._options",
    "HIGH_VOLUME_ENDPOINT": "eegrpc._options",
    "BatchPage": "eegrpc._batch",
    "BatchRequest": "eegrpc._batch",
    "ComputeImagesAsyncPager": "eegrpc._aio_pager",
    "ComputeImagesPager": "eegrpc._pager",
    "EarthEngineAsyncClient": "eegrpc._async_client",
    "EarthEngineClient": "eegrpc._client",
    "QuotaGate": "eegrpc._gate",
    "QuotaStats": "eegrpc._gate",
    "RetryBudget": "eegrpc._retry_budget",
    "RetryDecider": "eegrpc._retry",
    "RetryPolicy": "eegrpc._retry",
    "create_aio_channel": "eegrpc._aio_channel",
    "create_channel": "eegrpc._channel",
}
_MODULES = ("emulator", "errors", "mapper", "transcoding", "v1alpha")


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return importlib.import_module(f"{__name__}.{name}")
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(importlib.import_module(_HOMES[name]), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__, *_MODULES})
