"""Google's official Python client against emulators that come and go: initializing, projects, the journal."""

from __future__ import annotations

import os
import subprocess
import sys

import ee
import pytest

from eegrpc.emulator import Catalog, Emulator
from eegrpc.v1alpha import EarthEngineAsset

pytestmark = pytest.mark.usefixtures("only_loopback")


def test_emulators_one_after_another() -> None:
    for count in (1, 2):
        with Emulator([EarthEngineAsset(type="IMAGE", id=f"c/{number}") for number in range(count)]) as emulator:
            emulator.initialize_ee("another-project")
            assert ee.ImageCollection("c").size().getInfo() == count
    ee.Reset()


def test_the_journal_has_what_was_asked_for_and_not_what_initializing_takes() -> None:
    with Emulator(Catalog([EarthEngineAsset(type="IMAGE", id="c/1")])) as emulator:
        emulator.initialize_ee("project-one")
        assert len(emulator.journal) == 0
        assert ee.ImageCollection("c").limit(1).size().getInfo() == 1
        ee.data.listAssets({"parent": "c", "pageSize": 1})
        ee.data.getAsset("c/1")
        with pytest.raises(ee.EEException):
            ee.Image("none").getInfo()
        entries = list(emulator.journal)
        methods = ["value.compute", "assets.listAssets", "assets.get", "value.compute"]
        assert [entry.method for entry in entries] == methods
        assert [entry.status for entry in entries] == ["OK", "OK", "OK", "INVALID_ARGUMENT"]
        assert {entry.project for entry in entries} == {"projects/project-one"}
        assert entries[1].page_size == 1
        assert "Collection.size" in entries[0].functions
        assert "not found" in entries[3].message
    ee.Reset()


def test_projects_have_assets_and_stubs_of_their_own() -> None:
    with Emulator(Catalog([])) as emulator:
        emulator.load([EarthEngineAsset(type="IMAGE", id="c/1")], "project-one")
        emulator.stub("Number.add", lambda **_: 5, "project-one")
        emulator.initialize_ee("project-one")
        assert ee.Number(1).add(1).getInfo() == 5
        assert ee.data.getAsset("c/1")["id"] == "c/1"
        emulator.initialize_ee("project-two")
        with pytest.raises(ee.EEException, match="not found"):
            ee.data.getAsset("c/1")
        assert ee.Number(1).add(1).getInfo() == 2
    ee.Reset()


def test_a_url_with_a_slash_at_its_end() -> None:
    with Emulator([EarthEngineAsset(type="IMAGE", id="c/1")]) as emulator:
        emulator.initialize_ee(url=f"{emulator.endpoint}/")
        assert ee.ImageCollection("c").size().getInfo() == 1
        assert len(ee.data.computeImages({"expression": ee.ImageCollection("c")})["images"]) == 1
    ee.Reset()


@pytest.mark.parametrize("version", ["v1alpha", "v1beta"])
def test_other_api_versions_in_a_process_that_may_connect_to_nobody_else(version: str) -> None:
    program = """
import sys

def allow_loopback(event, arguments):
    if event == "socket.getaddrinfo" and arguments[0] not in (None, "127.0.0.1"):
        raise OSError(f"look-up of {arguments[0]}")
    if event == "socket.connect" and not isinstance(arguments[1], str) and arguments[1][0] != "127.0.0.1":
        raise OSError(f"connection to {arguments[1]}")

sys.addaudithook(allow_loopback)
import warnings
warnings.simplefilter("error")
warnings.filterwarnings("ignore", "Package google.api_core depends on grpcio")  # it warns of the oldest that is allowed
import ee
from eegrpc.emulator import Emulator
with Emulator() as emulator:
    emulator.initialize_ee()
    collection = ee.ImageCollection("MODIS/061/MOD13Q1").limit(2)
    print(len(ee.data.computeImages({"expression": collection})["images"]), collection.size().getInfo())
    print(ee._cloud_api_utils.VERSION)
"""
    result = subprocess.run(
        [sys.executable, "-c", program],
        env={"EE_CLOUD_API_VERSION": version, "NO_PROXY": "127.0.0.1", "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.stdout.split() == ["2", "2", version], result.stderr


def test_without_the_client_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ee", None)
    with Emulator([]) as emulator, pytest.raises(ImportError, match="pip install earthengine-api"):
        emulator.initialize_ee()
