"""What all tests share."""

from __future__ import annotations

import math
import signal

import pytest

import eegrpc

# Assertions in these are the tests' own; pytest explains them only if it is told before they are imported.
pytest.register_assert_rewrite("aio_channel_suite", "channel_suite")

pytest_plugins = ["secret_watch"]

# What a shell starts in the background ignores Ctrl-C, and so do all processes that it starts; some tests send it.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(params=["sync", "aio"])
def colour(request):
    """Whether the channel blocks or awaits."""
    return request.param


@pytest.fixture
def open_caller(colour):
    """Return a function that opens a Caller of this colour (transport, port, options); it is closed by the end."""
    from callers import Caller

    callers = []

    def open_one(transport, port, **options):
        callers.append(Caller(colour, transport, port, **options))
        return callers[-1]

    yield open_one
    for caller in callers:
        caller.close()


@pytest.fixture
def gate():
    """A quota gate that lets one call of a project through at a time."""
    return eegrpc.QuotaGate(1, math.inf)
