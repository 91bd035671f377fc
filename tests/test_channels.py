"""The behaviour suite on every kind of synchronous channel."""

import pytest
from channel_suite import *  # noqa: F403 - the suite itself: its tests and fixtures
from channel_world import SYNC_KINDS, World


@pytest.fixture(params=SYNC_KINDS)
def cold_world(request):
    """One kind of channel, and its server before its start."""
    world = World(request.param)
    yield world
    world.close()


@pytest.fixture
def world(cold_world):
    """One kind of channel and its server."""
    cold_world.start()
    return cold_world
