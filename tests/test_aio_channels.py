"""The behaviour suite on every kind of asyncio channel, and the equality of the two suites."""

import aio_channel_suite
import channel_suite
import pytest
from aio_channel_suite import *  # noqa: F403 - the suite itself: its tests and fixtures
from channel_world import KINDS, World


@pytest.fixture(params=KINDS)
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


ONLY_SYNC = {  # what only a grpc.Future has
    *("test_future_of_a_success", "test_future_of_an_error", "test_future_that_takes_too_long"),
    "test_serializers_that_raise",  # stock asyncio channels send nothing and return None: test_channel_http.py has ours
    "test_the_request_may_change_once_the_call_has_begun",  # stock asyncio channels serialize later
}
ONLY_AIO = {"test_cancel_of_the_task_that_waits", "test_wait_for_stops_the_call", "test_grp_16_close_with_grace"}


def test_the_suites_have_the_same_tests():
    sync, aio = ({n for n in vars(suite) if n.startswith("test_")} for suite in (channel_suite, aio_channel_suite))
    assert sync - aio == ONLY_SYNC
    assert aio - sync == ONLY_AIO
