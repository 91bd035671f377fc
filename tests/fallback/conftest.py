"""What tests of the fallback share: a servicer by REST, and a port that speaks gRPC too."""

from __future__ import annotations

from contextlib import ExitStack

import pytest
from fallback_peers import Port, splice
from servers import ScriptedServicer, grpc_server, rest_server


@pytest.fixture
def stack():
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def rest(stack):
    """A scripted servicer, and the port of its REST face."""
    servicer = ScriptedServicer()
    return servicer, stack.enter_context(rest_server(servicer))


@pytest.fixture
def both(stack, rest):
    """A port that speaks gRPC and REST, each with a servicer of its own."""
    over_grpc = ScriptedServicer()
    port = stack.enter_context(Port(splice(stack.enter_context(grpc_server(over_grpc))), splice(rest[1])))
    return port, over_grpc, rest[0]
