"""What tests of prefetching share: a servicer of five pages, and clients of which nothing is left."""

from __future__ import annotations

import pytest
from pullers import SERVERS, Paged, Puller, prefetching_threads
from servers import ScriptedServicer
from waiting import until


@pytest.fixture(params=SERVERS)
def transport(request):
    return request.param


@pytest.fixture
def servicer():
    servicer = ScriptedServicer()
    servicer.answer = Paged(5)
    return servicer


@pytest.fixture
def open_puller(colour, transport, servicer):
    """Return a function that opens a Puller with options of the client; nothing of it is left at the end."""
    pullers = []
    with SERVERS[transport](servicer) as port:

        def open_one(**options):
            pullers.append(Puller(colour, transport, port, **options))
            return pullers[-1]

        yield open_one
        for puller in pullers:
            puller.close()
        until(lambda: not prefetching_threads())
