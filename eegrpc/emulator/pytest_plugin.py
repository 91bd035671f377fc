"""The plugin for pytest: an emulator for the tests of whoever has eegrpc installed.

    def test_my_service(ee_emulator, ee_client):
        ee_emulator.load("tests/scenes.ndjson")
        assert my_service.newest_scene(ee_client) == ...
        ee_emulator.assert_called(function="Collection.limit")

It is loaded by every test run there, so until one of its fixtures is used it imports nothing but pytest.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    import grpc

    from eegrpc import EarthEngineClient
    from eegrpc.emulator.bench import Project
    from eegrpc.emulator.server import Emulator

TRANSPORTS = ("auto", "grpc", "rest")

_SHOWN = 20  # requests of a failed test
_CATALOG = "eegrpc_catalog"
_TRANSPORT = "eegrpc_transport"


# Not written pytest.StashKey[Project](): that would need the class.
_PROJECT: pytest.StashKey[Project] = pytest.StashKey()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the options."""
    group = parser.getgroup("eegrpc", "Earth Engine emulator (eegrpc)")
    catalog = "NDJSON file with the emulator's catalog, one EarthEngineAsset per line (default: the built-in one)"
    transport = "how the clients of the fixtures reach the emulator: auto, grpc or rest (default: auto)"
    group.addoption("--eegrpc-catalog", metavar="PATH", help=catalog)
    group.addoption("--eegrpc-transport", choices=TRANSPORTS, help=transport)
    parser.addini(_CATALOG, catalog, type="string", default="")
    parser.addini(_TRANSPORT, transport, type="string", default="auto")


def pytest_configure(config: pytest.Config) -> None:
    """Add the asyncio fixture, as one of pytest-asyncio's if that is there."""
    if config.pluginmanager.hasplugin("asyncio"):
        from eegrpc.emulator import pytest_async_fixtures

        config.pluginmanager.register(pytest_async_fixtures, "eegrpc-async")
    else:
        config.pluginmanager.register(_NoAsyncFixtures(), "eegrpc-async")


@pytest.hookimpl(hookwrapper=True)  # the old kind, which every pytest knows
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Generator[None, Any, None]:
    """Show the requests of a test that failed."""
    outcome = yield
    report: pytest.TestReport = outcome.get_result()
    project = item.stash.get(_PROJECT, None)
    if project is not None and report.failed and call.when == "call":
        journal = list(project.journal)
        lines = [f"... {len(journal) - _SHOWN:,} earlier ones"] if len(journal) > _SHOWN else []
        lines += [entry.text() for entry in journal[-_SHOWN:]] or ["none"]
        report.sections.append((f"Earth Engine emulator: requests of {project.name}", "\n".join(lines)))


@pytest.fixture(scope="session")
def ee_emulator_server(pytestconfig: pytest.Config) -> Iterator[Emulator]:
    """Run an emulator as long as the session; with pytest-xdist each worker has its own.

    Override it in a conftest.py to have it started in another way.
    """
    try:
        from eegrpc.emulator import Emulator
    except ImportError as error:
        pytest.fail(f"the emulator needs more packages ({error}): pip install 'eegrpc[emulator]'", pytrace=False)
    path = pytestconfig.getoption("--eegrpc-catalog") or pytestconfig.getini(_CATALOG)
    catalog = pytestconfig.rootpath / path if path else None
    try:
        emulator = Emulator(catalog)
    except (OSError, ValueError) as error:
        pytest.fail(f"the catalog of the emulator cannot be read: {error}", pytrace=False)
    with emulator:
        yield emulator


@pytest.fixture
def ee_emulator(ee_emulator_server: Emulator, request: pytest.FixtureRequest) -> Iterator[Project]:
    """Give a project of the emulator that only this test uses; all that is loaded and stubbed for it goes with it."""
    project = ee_emulator_server.project(_project_id(request.node.nodeid))
    project.reset()
    request.node.stash[_PROJECT] = project
    yield project
    project.reset()


@pytest.fixture
def ee_transport(pytestconfig: pytest.Config) -> str:
    """Say how clients reach the emulator; override or parametrize it to have tests run several ways."""
    transport: str = pytestconfig.getoption("--eegrpc-transport") or pytestconfig.getini(_TRANSPORT)
    if transport not in TRANSPORTS:
        raise pytest.UsageError(f"{_TRANSPORT} is {transport!r}: it must be one of {', '.join(TRANSPORTS)}")
    return transport


@pytest.fixture
def ee_channel(ee_emulator: Project, ee_transport: str) -> Iterator[grpc.Channel]:
    """Open a channel to the emulator, for a stub."""
    import eegrpc

    with eegrpc.create_channel(ee_emulator.endpoint, transport=ee_transport) as channel:
        yield channel


@pytest.fixture
def ee_client(ee_emulator: Project, ee_transport: str) -> Iterator[EarthEngineClient]:
    """Open a client of the emulator, for the project of the test."""
    import eegrpc

    with eegrpc.EarthEngineClient(
        ee_emulator.project_id, endpoint=ee_emulator.endpoint, transport=ee_transport
    ) as client:
        yield client


class _NoAsyncFixtures:
    """Stands in for `pytest_async_fixtures`."""

    @pytest.fixture
    def ee_async_client(self) -> None:
        """Not available without pytest-asyncio."""
        pytest.fail("ee_async_client needs pytest-asyncio: pip install pytest-asyncio", pytrace=False)


def _project_id(test: str) -> str:
    """Return the id of a test's project: its name as far as it fits, and what tells it from others; always the same."""
    from hashlib import blake2b

    name = re.sub(r"[^a-z0-9]+", "-", test.rpartition("::")[2].lower()).strip("-")[:20].strip("-")
    return f"t-{name or 'test'}-{blake2b(test.encode(), digest_size=3).hexdigest()}"
