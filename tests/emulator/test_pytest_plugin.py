"""The plugin for pytest, in test runs of its own: found by its entry point, as where eegrpc is installed."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    Run = Callable[..., pytest.RunResult]

pytest_plugins = "pytester"

ROOT = Path(__file__).parents[2]

HEAD = """
import pytest

LOAD = {"functionName": "ImageCollection.load", "arguments": {"id": {"constantValue": "c"}}}
EXPRESSION = {"result": "0", "values": {"0": {"functionInvocationValue": LOAD}}}

"""
ONE = '{"id": "c/one", "type": "IMAGE"}\n'
OUTCOMES = ("passed", "failed", "errors")


@pytest.fixture
def run(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run tests in a process of their own, where the entry point is that of pyproject.toml, installed or not."""
    entry = re.search(
        r"\[project\.entry-points\.pytest11\]\n(\w+ = \"[\w.]+\")\n", (ROOT / "pyproject.toml").read_text()
    )
    assert entry is not None
    installed = pytester.mkdir("site") / "eegrpc_plugin-0.dist-info"
    installed.mkdir()
    (installed / "METADATA").write_text("Metadata-Version: 2.1\nName: eegrpc-plugin\nVersion: 0\n")
    (installed / "entry_points.txt").write_text(f"[pytest11]\n{entry[1].replace(chr(34), '')}\n")
    monkeypatch.setenv("PYTHONPATH", f"{installed.parent}:{ROOT}")
    monkeypatch.delenv("PYTEST_ADDOPTS", raising=False)
    for name in ("PYTEST_PLUGINS", "PYTEST_DISABLE_PLUGIN_AUTOLOAD", "PYTEST_XDIST_WORKER"):
        monkeypatch.delenv(name, raising=False)
    pytester.makefile(".ndjson", catalog=ONE)

    def run_tests(source: str, *options: str, ini: str = "", folder: Path = pytester.path) -> pytest.RunResult:
        pytester.makeini(f"[pytest]\nasyncio_default_fixture_loop_scope = function\n{ini}\n")
        (folder / "test_user.py").write_text(HEAD + source)
        return pytester.runpytest_subprocess("-p", "no:cacheprovider", *options, folder)

    return run_tests


def outcomes(result: pytest.RunResult) -> dict[str, int]:
    return {name: count for name, count in result.parseoutcomes().items() if name in OUTCOMES}


CATALOG = ("--eegrpc-catalog", "catalog.ndjson")

ISOLATED = """
from eegrpc.v1alpha import EarthEngineAsset

SEEN = set()


@pytest.mark.parametrize("number", range(4))
def test_each_test_has_its_own(ee_emulator, ee_client, number):
    assert ee_emulator.project_id not in SEEN
    SEEN.add(ee_emulator.project_id)
    assert [image.id for image in ee_client.compute_images(EXPRESSION)] == ["c/one"]
    ee_emulator.load([EarthEngineAsset(id="c/two", type="IMAGE")])
    assert [image.id for image in ee_client.compute_images(EXPRESSION)] == ["c/one", "c/two"]
    ee_emulator.assert_called(times=2, function="ImageCollection.load")
    assert len(ee_emulator.journal) == 2

"""


def test_every_test_has_a_project_of_its_own(run: Run, pytester: pytest.Pytester) -> None:
    folder = pytester.mkdir("deeper")  # the catalog is found from the root of the tests
    result = run(ISOLATED, f"--rootdir={pytester.path}", ini="eegrpc_catalog = catalog.ndjson", folder=folder)
    assert outcomes(result) == {"passed": 4}


def test_under_xdist_each_worker_has_an_emulator(run: Run) -> None:
    assert outcomes(run(ISOLATED, *CATALOG, "-n", "2")) == {"passed": 4}


CHANNEL = """
import grpc
from eegrpc.v1alpha import ComputeImagesRequest, EarthEngineStub


def test_a_channel(ee_emulator, ee_channel):
    with pytest.raises(grpc.RpcError, match="Missing field: expression"):
        EarthEngineStub(ee_channel).ComputeImages(ComputeImagesRequest(project=ee_emulator.name))
    print("over", ee_emulator.journal[0].protocol)
"""


def test_the_transport_is_chosen_by_option_before_ini(run: Run) -> None:
    result = run(CHANNEL, *CATALOG, "-s", "--eegrpc-transport", "rest", ini="eegrpc_transport = grpc")
    assert outcomes(result) == {"passed": 1}
    assert "over rest" in result.stdout.str()


@pytest.mark.parametrize(
    ("options", "ini", "message"),
    [
        (("--eegrpc-catalog", "broken.ndjson"), "", "broken.ndjson:1: not an EarthEngineAsset"),
        (CATALOG, "eegrpc_transport = pigeon", "eegrpc_transport is 'pigeon'"),
    ],
)
def test_options_that_make_no_sense(
    run: Run, pytester: pytest.Pytester, options: tuple[str, ...], ini: str, message: str
) -> None:
    pytester.makefile(".ndjson", broken="{]\n")
    result = run("def test_it(ee_client):\n    pass\n", *options, ini=ini)
    assert outcomes(result) == {"errors": 1}
    assert message in result.stdout.str()


def test_a_failed_test_shows_its_requests(run: Run) -> None:
    result = run(
        """
def test_it(ee_emulator, ee_client):
    list(ee_client.compute_images(EXPRESSION))
    ee_emulator.assert_called(function="Image.select")


def test_without_requests(ee_emulator):
    assert False


def test_passes(ee_emulator, ee_client):
    list(ee_client.compute_images(EXPRESSION))


def test_without_the_emulator():
    assert False
""",
        *CATALOG,
    )
    assert outcomes(result) == {"passed": 1, "failed": 3}
    result.stdout.fnmatch_lines(
        [
            "E *AssertionError: expected at least one request with function='Image.select', but there were 0",
            "*Earth Engine emulator: requests of projects/t-test-it-*",
            "#1 grpc computeImages projects/t-test-it-*: OK, 1 image",
            '    return ImageCollection.load(id="c")',
            "*Earth Engine emulator: requests of projects/t-test-without-req*",
            "none",
        ]
    )
    assert result.stdout.str().count("Earth Engine emulator: requests") == 2


ASYNC = """
@pytest.mark.asyncio
async def test_it(ee_emulator, ee_async_client):
    pager = await ee_async_client.compute_images(EXPRESSION)
    assert [image.id async for image in pager] == ["c/one"]
    assert ee_emulator.journal[0].protocol == "rest"
"""


def test_the_asyncio_client(run: Run) -> None:
    ini = "asyncio_mode = strict\neegrpc_transport = rest"
    assert outcomes(run(ASYNC, *CATALOG, ini=ini)) == {"passed": 1}


def test_without_pytest_asyncio_that_is_said(run: Run) -> None:
    result = run("def test_it(ee_async_client):\n    pass\n", *CATALOG, "-p", "no:asyncio")
    assert outcomes(result) == {"errors": 1}
    assert "ee_async_client needs pytest-asyncio" in result.stdout.str()


def test_it_can_be_left_out(run: Run) -> None:
    result = run("def test_it(ee_client):\n    pass\n", "-p", "no:eegrpc")
    assert outcomes(result) == {"errors": 1}
    assert "fixture 'ee_client' not found" in result.stdout.str()


def test_who_does_not_use_it_does_not_load_it(run: Run) -> None:
    source = """
def test_it():
    import sys

    loaded = {"grpc", "aiohttp", "shapely", "google.protobuf", "eegrpc.v1alpha", "eegrpc.emulator.server"}
    assert not loaded & sys.modules.keys()
    assert "eegrpc.emulator.pytest_plugin" in sys.modules
"""
    assert outcomes(run(source)) == {"passed": 1}


def test_all_that_it_imports_is_pytest_and_itself() -> None:
    program = """
import json, sys, _pytest.config, pytest
before = set(sys.modules)
import eegrpc.emulator.pytest_plugin
print(json.dumps(sorted(set(sys.modules) - before)))
"""
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    loaded = [name for name in json.loads(result.stdout) if not name.startswith("__editable__")]
    assert loaded == ["eegrpc", "eegrpc._version", "eegrpc.emulator", "eegrpc.emulator.pytest_plugin"]
