"""The peers in the comparison of clients ask for what they should, and count what comes: each against the emulator."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from benchmarks.comparison.envoy import envoy_transcoder
from benchmarks.comparison.subject import Servers, Work
from benchmarks.comparison.subjects import earthengine_api, envoy, gapic, google_auth
from eegrpc.emulator import Emulator
from eegrpc.v1alpha import EarthEngineAsset

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.comparison.subject import Subject

HERE = Path(__file__).parent
PEERS = [peer for module in (earthengine_api, envoy, gapic, google_auth) for peer in module.SUBJECTS]
PAGE, IMAGES = 4, 10  # of three pages
FILTERS = 250


def call(function, **arguments):
    return {"functionInvocationValue": {"functionName": function, "arguments": arguments}}


# Of twelve images two are filtered away: if the graph is not sent as it is, there are others, or none.
# The chain is long, as those that programs make are.
ASSETS = [EarthEngineAsset(type="IMAGE", id=f"A/B/{cloud}", properties={"cloud": cloud}) for cloud in range(12)]
LOAD = call("ImageCollection.load", id={"constantValue": "A/B"})
CLEAR = call("Filter.lessThan", leftField={"constantValue": "cloud"}, rightValue={"constantValue": IMAGES})
EXPRESSION = {
    "result": str(FILTERS),
    "values": {
        str(number): call(
            "Collection.filter", collection={"valueReference": str(number - 1)} if number else LOAD, filter=CLEAR
        )
        for number in range(FILTERS + 1)
    },
}


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    with Emulator(ASSETS, max_page_size=PAGE) as emulator:
        if importlib.util.find_spec("envoy") is None:
            yield Servers(emulator.port, emulator.port)
        else:
            with envoy_transcoder(emulator.port, tmp_path_factory.mktemp("envoy")) as port:
                yield Servers(emulator.port, emulator.port, port)


def run(peer: type[Subject], servers: Servers, work: Work) -> subprocess.CompletedProcess[str]:
    for module in peer.needs:
        try:
            found = importlib.util.find_spec(module)
        except ModuleNotFoundError:  # not even a package that it would be in
            found = None
        if found is None:
            pytest.skip(f"{peer.name} needs {module}")
    ports = (servers.grpc, servers.rest, servers.envoy or 0)
    command = [sys.executable, HERE / "benchmark_subject.py", peer.__module__, peer.__name__, *map(str, ports)]
    return subprocess.run(
        command,
        env={**os.environ, "PYTHONPATH": str(HERE.parent)},
        input=json.dumps(asdict(work)),
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


@pytest.mark.parametrize("peer", PEERS, ids=lambda peer: peer.name)
def test_calls_and_goes_through_pages(peer: type[Subject], servers: Servers) -> None:
    done = run(peer, servers, Work("pages", "projects/my-project", EXPRESSION, IMAGES))
    assert done.stdout.split() == [str(PAGE), str(IMAGES)], done.stderr


@pytest.mark.parametrize("peer", PEERS, ids=lambda peer: peer.name)
def test_asks_for_fields_or_says_that_it_cannot(peer: type[Subject], servers: Servers) -> None:
    # Without nextPageToken in it, the first page is the last one.
    done = run(peer, servers, Work("fields", "projects/my-project", EXPRESSION, PAGE, fields="images.id"))
    if peer is earthengine_api.EarthEngineApi:
        assert "cannot ask for a part of the fields" in done.stderr
    else:
        assert done.stdout.split() == [str(PAGE), str(PAGE)], done.stderr
