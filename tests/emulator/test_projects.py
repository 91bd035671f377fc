"""What is kept apart by project: loaded assets, faults, and the page tokens and results that go with them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import grpc
import pytest
from emulator_graphs import L8, sample
from hypothesis import given
from hypothesis import strategies as st
from plain_callers import catalog, grpc_stub, message

from eegrpc.emulator import Catalog, Emulator, FaultPlan
from eegrpc.emulator.testing.overlay import Overlay
from eegrpc.errors import EarthEngineError
from eegrpc.v1alpha import EarthEngineAsset, EarthEngineStub

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def asset(index: str, collection: str = "c", **fields: Any) -> EarthEngineAsset:
    return EarthEngineAsset(id=f"{collection}/{index}", type="IMAGE", **fields)


@pytest.fixture(scope="module")
def running() -> Iterator[Emulator]:
    with Emulator(catalog(4)) as emulator:
        yield emulator


@pytest.fixture
def emulator(running: Emulator) -> Iterator[Emulator]:
    yield running
    running.reset()


@pytest.fixture
def stub(emulator: Emulator) -> Iterator[EarthEngineStub]:
    with grpc_stub(emulator) as made:
        yield made


def ids(stub: EarthEngineStub, project: str = "p", **fields: Any) -> list[str]:
    """The images of collection c, as a project finds them."""
    return [image.id for image in stub.ComputeImages(message(project=f"projects/{project}", **fields)).images]


SHARED = ["c/000", "c/001", "c/002", "c/003"]


# ---- assets ----


def test_what_is_loaded_for_a_project_is_found_by_that_project_only(stub: EarthEngineStub, emulator: Emulator) -> None:
    assert emulator.load([asset("0015"), asset("zzz")], "a") == 2
    assert ids(stub, "a") == ["c/000", "c/001", "c/0015", "c/002", "c/003", "c/zzz"]
    assert ids(stub, "b") == SHARED


def test_what_is_loaded_for_all_is_found_by_all(stub: EarthEngineStub, emulator: Emulator) -> None:
    emulator.load([asset("all")])
    emulator.load([asset("mine")], "projects/a")
    assert ids(stub, "a") == [*SHARED, "c/all", "c/mine"]
    assert ids(stub, "b") == [*SHARED, "c/all"]


def test_later_assets_replace_those_of_their_ids(stub: EarthEngineStub, emulator: Emulator) -> None:
    emulator.load([asset("000", description="all")])
    emulator.load([asset("000", description="first"), asset("x")], "a")
    emulator.load([asset("000", description="second")], "a")
    found = stub.ComputeImages(message(project="projects/a")).images
    assert [image.id for image in found] == [*SHARED, "c/x"]
    assert found[0].description == "second"
    assert stub.ComputeImages(message()).images[0].description == "all"


def test_what_is_loaded_is_the_emulator_s_own_copy(stub: EarthEngineStub, emulator: Emulator) -> None:
    given = asset("x", description="before")
    emulator.load([given], "p")
    given.description = "after"
    emulator.snapshot("p")[0].description = "after"
    assert stub.ComputeImages(message()).images[-1].description == "before"


def test_loading_from_a_file(stub: EarthEngineStub, emulator: Emulator, tmp_path: Path) -> None:
    file = tmp_path / "assets.ndjson"
    file.write_text('{"id": "c/x", "type": "IMAGE"}\n\n{"id": "c/y", "type": "IMAGE"}\n')
    assert emulator.load(file, "p") == 2
    assert ids(stub)[-2:] == ["c/x", "c/y"]
    file.write_text('{"id": "c/z"}\n{]\n')
    with pytest.raises(ValueError, match=r"assets.ndjson:2: not an EarthEngineAsset"):
        emulator.load(str(file), "p")
    assert ids(stub)[-2:] == ["c/x", "c/y"]


@pytest.mark.parametrize(
    ("assets", "text"),
    [
        ([asset("x"), EarthEngineAsset()], "Asset 2 has neither name nor id"),
        ([asset("x"), asset("y"), asset("x")], "Asset 3, 'c/x', comes twice"),
    ],
)
def test_of_assets_that_are_not_all_right_none_is_loaded(
    emulator: Emulator, assets: list[EarthEngineAsset], text: str
) -> None:
    with pytest.raises(ValueError, match=text):
        emulator.load(assets, "a")
    assert emulator.snapshot("a") == []


@pytest.mark.parametrize("name", ["", "Upper", "a b", "projects/"])
def test_what_is_no_project_is_refused(emulator: Emulator, name: str) -> None:
    for act in (emulator.reset, emulator.snapshot, emulator.project, lambda project: emulator.load([], project)):
        with pytest.raises(EarthEngineError, match="project"):
            act(name)


def test_a_snapshot_restores_what_was(stub: EarthEngineStub, emulator: Emulator) -> None:
    emulator.load([asset("y"), asset("x")], "a")
    emulator.load([asset("all")])
    taken = emulator.snapshot("a")
    assert [each.id for each in taken] == ["c/x", "c/y"]
    emulator.reset("a")
    assert ids(stub, "a") == [*SHARED, "c/all"]
    emulator.load(taken, "a")
    assert ids(stub, "a") == [*SHARED, "c/all", "c/x", "c/y"]
    emulator.reset()
    assert ids(stub, "a") == SHARED
    assert emulator.snapshot() == []


def test_reset_of_a_project_leaves_the_others(stub: EarthEngineStub, emulator: Emulator) -> None:
    for project in "ab":
        emulator.load([asset(project)], project)
        ids(stub, project)
    emulator.reset("a")
    assert [entry.project for entry in emulator.journal] == ["projects/b"]
    assert (ids(stub, "a"), ids(stub, "b")) == (SHARED, [*SHARED, "c/b"])


def test_a_project_as_an_object(stub: EarthEngineStub, emulator: Emulator) -> None:
    mine, other = emulator.project("a"), emulator.project("projects/b")
    assert (mine.name, mine.project_id, mine.endpoint) == ("projects/a", "a", emulator.endpoint)
    mine.load([asset("x")])
    mine.set_faults(FaultPlan(script=["internal"]))
    with pytest.raises(grpc.RpcError):
        ids(stub, "a")
    assert (ids(stub, "a"), ids(stub, "b")) == ([*SHARED, "c/x"], SHARED)
    assert (len(mine.journal), len(other.journal), len(mine.snapshot()), len(mine.events)) == (2, 1, 1, 1)
    assert mine.wait_for_requests(2, 0)
    mine.assert_called(times=1, status="INTERNAL")
    mine.reset()
    assert (len(mine.journal), len(other.journal), mine.snapshot(), mine.faults) == (0, 1, [], None)


# ---- pages ----


def test_a_load_in_the_middle_of_paging_ends_it(stub: EarthEngineStub, emulator: Emulator) -> None:
    first = stub.ComputeImages(message(pageSize=2))
    emulator.load([asset("0")], "p")
    with pytest.raises(grpc.RpcError) as error:
        stub.ComputeImages(message(pageSize=2, pageToken=first.next_page_token))
    assert error.value.code() is grpc.StatusCode.INVALID_ARGUMENT  # type: ignore[attr-defined]
    assert "assets were loaded since" in error.value.details()  # type: ignore[attr-defined]
    # Another project's paging goes on, and so does this one's when all is as it was.
    assert ids(stub, "q", pageToken=first.next_page_token) == SHARED[2:]
    emulator.reset("p")
    assert ids(stub, pageToken=first.next_page_token) == SHARED[2:]


def test_tokens_are_those_of_the_same_assets_whenever_they_were_loaded(
    stub: EarthEngineStub, emulator: Emulator
) -> None:
    def token() -> str:
        return stub.ComputeImages(message(pageSize=2)).next_page_token

    plain = token()
    emulator.load([asset("x"), asset("y")], "p")
    loaded = token()
    assert loaded != plain
    emulator.reset()
    assert token() == plain
    emulator.load([asset("y")], "p")
    assert token() not in (plain, loaded)
    emulator.load([asset("x")], "p")
    assert token() == loaded


def test_results_are_not_taken_from_another_state(stub: EarthEngineStub, emulator: Emulator) -> None:
    seen = []
    for index in ("x", "y", "x"):
        emulator.reset("p")
        emulator.load([asset(index)], "p")
        seen.append(ids(stub)[-1])
    assert seen == ["c/x", "c/y", "c/x"]


def test_an_empty_page_of_a_project_with_assets_leads_on(stub: EarthEngineStub, emulator: Emulator) -> None:
    emulator.load([asset("x")], "p")
    emulator.set_faults(FaultPlan(script=["empty_page"]))
    empty = stub.ComputeImages(message(pageSize=2))
    assert not empty.images
    assert ids(stub, pageToken=empty.next_page_token, pageSize=2) == SHARED[:2]


# ---- faults ----


def test_faults_of_a_project_are_counted_by_themselves(stub: EarthEngineStub, emulator: Emulator) -> None:
    emulator.set_faults(FaultPlan(["aborted@2"]))
    emulator.set_faults(FaultPlan(["internal@2"]), "a")
    outcomes = []
    for project in ("a", "b", "a", "b"):
        try:
            ids(stub, project)
            outcomes.append("ok")
        except grpc.RpcError as error:
            outcomes.append(error.code().name)  # type: ignore[attr-defined]
    assert outcomes == ["ok", "ok", "INTERNAL", "ABORTED"]
    assert [event.fault for event in emulator.events] == ["aborted"]
    assert [event.fault for event in emulator.project("a").events] == ["internal"]
    emulator.set_faults(None, "a")
    assert emulator.project("a").faults is None
    assert emulator.faults is not None
    emulator.reset()
    assert emulator.faults is None


def test_reset_gives_back_what_it_began_with() -> None:
    plan = FaultPlan(["latency=0"])
    with Emulator(catalog(), faults=plan) as emulator:
        emulator.set_faults(None)
        emulator.reset()
        assert emulator.faults is plan


# ---- the overlay as a catalog ----

_INDEXES = st.lists(st.integers(0, 12), unique=True, max_size=8)


@given(st.lists(st.tuples(st.sampled_from("cd"), _INDEXES), max_size=4))
def test_an_overlay_is_the_catalog_of_all_its_assets(layers: list[tuple[str, list[int]]]) -> None:
    """Model: one catalog, in which later assets have replaced those of their ids."""
    model: dict[str, EarthEngineAsset] = {each.id: each for each in catalog(4)}
    found: Catalog | Overlay = Catalog(model.values())
    for number, (collection, indexes) in enumerate(layers):
        assets = [asset(f"{index:03}", collection, description=str(number)) for index in indexes]
        found = Overlay(found, assets)
        model |= {each.id: each for each in assets}
    expected = Catalog(model.values())
    assert (len(found), dict(found.collections())) == (len(expected), dict(expected.collections()))
    for name in ("c", "d", "e"):
        records, wanted = found.collection(name), expected.collection(name)
        assert (records is None) == (wanted is None)
        assert [record.asset for record in records or ()] == [record.asset for record in wanted or ()]
    for each in (*model, "c/none", "none"):
        assert found.asset(each) == expected.asset(each)
        record = found.image(each)
        assert (None if record is None else record.asset) == expected.asset(each)


def test_an_overlay_leaves_other_collections_as_they_are() -> None:
    below = sample()
    found = Overlay(below, [asset("x"), EarthEngineAsset(id="folder/table", type="TABLE")])
    assert found.collection(L8) == below.collection(L8)
    assert found.asset("folder/table") is not None
    assert found.image("folder/table") is None
