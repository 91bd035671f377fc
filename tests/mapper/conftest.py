"""Every test of a mapper runs on both implementations."""

from __future__ import annotations

import os

import pytest

from eegrpc import mapper


@pytest.fixture(params=["python", "native"])
def implementation(request: pytest.FixtureRequest) -> str:
    """The name of an implementation; the native one is left out only where it is not built and nobody insists on it."""
    if request.param == "native" and mapper.NATIVE_FAILURE and os.environ.get("EEGRPC_MAPPER") != "native":
        pytest.skip(f"no native mapper: {mapper.NATIVE_FAILURE}")
    return str(request.param)
