"""The journal of requests: what it has and never has, where it ends, and what a test is told that expected more."""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
import json
import threading
from typing import TYPE_CHECKING, Any

import grpc
import pytest
from emulator_graphs import call, graph, load
from plain_callers import EXPRESSION, PATH, PATIENCE, ask, catalog, grpc_failure, grpc_stub, message

from eegrpc.emulator import Emulator, FaultPlan, Quota
from eegrpc.emulator.serving.recorder import RecordedService
from eegrpc.emulator.testing.expectations import assert_called
from eegrpc.emulator.testing.journal import Journal, JournalKeeper
from eegrpc.transcoding.servicer_context import Aborted, CallState, Context
from eegrpc.v1alpha import ComputeImagesRequest, ComputeImagesResponse, EarthEngineStub

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

CANARY = "canary-9b1c"


def ticking(step: float = 0.25) -> Callable[[], float]:
    """A clock that goes on by a step whenever it is looked at."""
    ticks = itertools.count()
    return lambda: 1_700_000_000 + step * next(ticks)


@pytest.fixture(scope="module")
def running() -> Iterator[Emulator]:
    with Emulator(catalog(), clock=ticking()) as emulator:
        yield emulator


@pytest.fixture
def emulator(running: Emulator) -> Iterator[Emulator]:
    yield running
    running.reset()


@pytest.fixture
def stub(emulator: Emulator) -> Iterator[EarthEngineStub]:
    with grpc_stub(emulator) as made:
        yield made


# ---- what is in it ----


def test_a_request_is_entered_with_all_that_was_asked_for(stub: EarthEngineStub, emulator: Emulator) -> None:
    fields = {"pageSize": 5, "workloadTag": "tag"}
    first = stub.ComputeImages(message(**fields), metadata=[("x-goog-fieldmask", "images(id),nextPageToken")])
    stub.ComputeImages(message(**fields, pageToken=first.next_page_token))
    one, two = emulator.journal
    assert (one.number, one.protocol, one.method, one.project) == (1, "grpc", "computeImages", "projects/p")
    assert (one.page_size, one.page_token, one.workload_tag) == (5, "", "tag")
    assert one.field_mask == "images(id),nextPageToken"
    assert (one.status, one.message, one.images) == ("OK", "", 5)
    assert one.next_page_token == two.page_token == first.next_page_token != ""
    assert one.expression == message().expression
    assert one.functions == {"ImageCollection.load"}
    assert not one.is_abandoned
    assert two.time - one.time == 0.5
    assert (one.duration, two.duration) == (0.25, 0.25)


def test_rest_is_entered_alike(emulator: Emulator) -> None:
    ask(emulator, path=f"{PATH}?$fields=images.id", body={"expression": EXPRESSION, "pageSize": 2})
    (entry,) = emulator.journal
    assert (entry.protocol, entry.images, entry.page_size, entry.field_mask) == ("rest", 2, 2, "images.id")
    assert entry.expression == message().expression


@pytest.mark.parametrize(
    ("fields", "status", "text"),
    [
        ({"project": "no"}, "INVALID_ARGUMENT", "Invalid project"),
        ({"pageToken": "x"}, "INVALID_ARGUMENT", "Invalid page token"),
        ({"expression": {"result": "0", "values": {}}}, "INVALID_ARGUMENT", "not among the expression's values"),
    ],
)
def test_failures_are_entered(
    stub: EarthEngineStub, emulator: Emulator, fields: dict[str, Any], status: str, text: str
) -> None:
    with pytest.raises(grpc.RpcError):
        stub.ComputeImages(message(**fields))
    (entry,) = emulator.journal
    assert (entry.status, entry.images) == (status, 0)
    assert text in entry.message


def test_requests_that_cannot_be_read_are_entered_without_fields(emulator: Emulator) -> None:
    with grpc.insecure_channel(f"127.0.0.1:{emulator.port}") as channel:
        raw = channel.unary_unary("/google.earthengine.v1.EarthEngine/ComputeImages")
        with pytest.raises(grpc.RpcError):
            raw(b"\xff\xff", timeout=PATIENCE)
    (entry,) = emulator.journal
    assert (entry.status, entry.project, entry.request) == ("INVALID_ARGUMENT", "", b"")
    assert "malformed" in entry.message


def test_faults_and_quotas_are_entered(emulator: Emulator) -> None:
    emulator.set_faults(FaultPlan(script=["internal"]))
    ask(emulator)
    emulator.set_quota(Quota(per_second=0.001))
    ask(emulator)
    ask(emulator)
    assert [entry.status for entry in emulator.journal] == ["INTERNAL", "OK", "RESOURCE_EXHAUSTED"]


def test_assumptions_are_entered(stub: EarthEngineStub, emulator: Emulator) -> None:
    made = graph(call("ImageCollection.fromImages", images=[call("Image.constant", value=1)]))
    _, ended = stub.ComputeImages.with_call(ComputeImagesRequest(project="projects/p", expression=made))
    told = dict(ended.trailing_metadata())["x-emulator-assumptions"]
    assert emulator.journal[0].assumptions == tuple(told.split(","))


def test_the_servicer_s_own_failure_is_entered(stub: EarthEngineStub, emulator: Emulator, monkeypatch: Any) -> None:
    monkeypatch.setattr("eegrpc.emulator.serving.service.EmulatorService._evaluate", lambda *_: 1 / 0)
    assert grpc_failure(stub).code() is grpc.StatusCode.UNKNOWN
    (entry,) = emulator.journal
    assert entry.status == "UNKNOWN"


@pytest.mark.parametrize("code", [None, grpc.StatusCode.INTERNAL])
def test_a_caller_that_has_gone_is_noted(code: grpc.StatusCode | None) -> None:
    state = CallState((), "ipv4:127.0.0.1:1", None, lambda: None)

    class Service:
        def ComputeImages(self, request: ComputeImagesRequest, context: Context) -> ComputeImagesResponse:
            state.end(cancelled=True)
            if code is not None:
                context.abort(code, "too late")
            return ComputeImagesResponse()

    keeper = JournalKeeper()
    with contextlib.suppress(Aborted):
        RecordedService(Service(), keeper).compute_images(b"", Context(state))  # type: ignore[arg-type]
    (entry,) = Journal(keeper)
    assert (entry.is_abandoned, entry.status) == (True, "OK" if code is None else code.name)


@pytest.mark.parametrize("way", ["header", "query", "cookie", "grpc"])
def test_secrets_are_not_in_it(emulator: Emulator, stub: EarthEngineStub, way: str) -> None:
    if way == "grpc":
        stub.ComputeImages(
            message(),
            metadata=[
                ("authorization", f"Bearer {CANARY}"),
                ("x-goog-api-key", CANARY),
                ("k-bin", CANARY.encode()),
                ("x-goog-user-project", "payer"),
            ],
        )
    elif way == "query":
        ask(emulator, path=f"{PATH}?key={CANARY}&$fields=images.id")
    else:
        name = {"header": "authorization", "cookie": "cookie"}[way]
        ask(emulator, **{name: f"Bearer {CANARY}", "x-goog-api-key": CANARY, "x-goog-user-project": "payer"})
    shown = [repr(emulator.journal[0]), str(emulator.journal), json.dumps(emulator.journal[0].to_json())]
    assert CANARY not in "".join(shown)
    assert CANARY.encode() not in emulator.journal[0].request
    if way != "query":
        assert ("x-goog-user-project", "payer") in emulator.journal[0].metadata


def test_the_same_requests_give_the_same_bytes() -> None:
    def journal() -> str:
        with Emulator(catalog(), clock=ticking()) as emulator:
            for size in (1, 2, 0):
                ask(emulator, body={"expression": EXPRESSION, "pageSize": size}, **{"user-agent": "test"})
            return json.dumps([entry.to_json() for entry in emulator.journal])

    first = journal()
    assert first == journal()
    assert json.loads(first)[0]["expression"]["returns"]["call"] == "ImageCollection.load"


def test_entries_cannot_be_changed(stub: EarthEngineStub, emulator: Emulator) -> None:
    stub.ComputeImages(message())
    (entry,) = emulator.journal
    with pytest.raises(dataclasses.FrozenInstanceError):
        entry.project = "other"  # type: ignore[misc]
    entry.expression.Clear()
    assert entry.expression == message().expression


# ---- the list ----


def enter(keeper: JournalKeeper, project: str = "projects/p", size: int = 0, **outcome: Any) -> None:
    request = ComputeImagesRequest(project=project, page_token="t" * size)
    with keeper.record("grpc", "computeImages", request) as record:
        for name, value in outcome.items():
            setattr(record, name, value)


def test_it_is_a_list_by_order_of_arrival() -> None:
    keeper = JournalKeeper(ticking())
    outer = keeper.record("grpc", "first", ComputeImagesRequest())
    outer.__enter__()
    enter(keeper)
    assert [entry.number for entry in Journal(keeper)] == [2]
    outer.__exit__(None, None, None)
    journal = Journal(keeper)
    assert [entry.number for entry in journal] == [1, 2]
    assert (journal[0].method, journal[-1].number, [entry.number for entry in journal[1:]]) == ("first", 2, [2])
    assert bool(journal)
    journal.clear()
    assert (len(journal), list(journal), str(journal)) == (0, [], "")
    enter(keeper)
    assert journal[0].number == 1


def test_projects_have_journals_of_their_own() -> None:
    keeper = JournalKeeper(ticking())
    for project in ("projects/a", "projects/b", "projects/a"):
        enter(keeper, project)
    assert [entry.number for entry in Journal(keeper, "projects/a")] == [1, 3]
    Journal(keeper, "projects/a").clear()
    enter(keeper, "projects/a")
    assert [(entry.number, entry.project) for entry in Journal(keeper)] == [(2, "projects/b"), (4, "projects/a")]


def test_the_oldest_go_when_there_are_too_many() -> None:
    keeper = JournalKeeper(ticking(), entries=3)
    for _ in range(5):
        enter(keeper)
    assert ([entry.number for entry in Journal(keeper)], keeper.dropped) == ([3, 4, 5], 2)


def test_the_oldest_go_when_they_are_too_large_but_never_the_latest() -> None:
    keeper = JournalKeeper(ticking(), size=10_000)
    for _ in range(5):
        enter(keeper, size=4_000)
    assert [entry.number for entry in Journal(keeper)] == [4, 5]
    enter(keeper, size=50_000)
    assert [entry.number for entry in Journal(keeper)] == [6]
    enter(keeper, size=10)
    assert [entry.number for entry in Journal(keeper)] == [7]


def test_a_clock_that_goes_back_gives_no_negative_duration() -> None:
    keeper = JournalKeeper(ticking(-1))
    enter(keeper)
    assert Journal(keeper)[0].duration == 0


def test_waiting_for_requests() -> None:
    keeper = JournalKeeper()
    journal = Journal(keeper, "projects/a")
    assert journal.wait(0, 0)
    assert not journal.wait(1, 0)
    threads = [threading.Thread(target=enter, args=(keeper, f"projects/{name}")) for name in "aba"]
    for thread in threads:
        thread.start()
    assert journal.wait(2, PATIENCE)
    for thread in threads:
        thread.join()
    assert not journal.wait(3, 0)
    assert Journal(keeper).wait(3, 0)


# ---- what tests expect of it ----


@pytest.fixture
def some(stub: EarthEngineStub, emulator: Emulator) -> Emulator:
    stub.ComputeImages(message(workloadTag="tag"))
    stub.ComputeImages(message(project="projects/q"))
    with pytest.raises(grpc.RpcError):
        stub.ComputeImages(
            ComputeImagesRequest(project="projects/q", expression=graph(call("Image.select", input=load("c"))))
        )
    return emulator


@pytest.mark.parametrize(
    ("criteria", "numbers"),
    [
        ({}, [1, 2, 3]),
        ({"project": "q"}, [2, 3]),
        ({"project": "projects/q", "status": "OK"}, [2]),
        ({"function": "Image.select"}, [3]),
        ({"function": "ImageCollection.load", "times": 3}, [1, 2, 3]),
        ({"asset": "c", "protocol": "grpc", "method": "computeImages"}, [1, 2, 3]),
        ({"workload_tag": "tag", "times": 1}, [1]),
        ({"where": lambda entry: entry.images == 20}, [1, 2]),
        ({"function": "Image.reduce", "times": 0}, []),
    ],
)
def test_what_was_asked_is_found(some: Emulator, criteria: dict[str, Any], numbers: list[int]) -> None:
    assert [entry.number for entry in some.assert_called(**criteria)] == numbers


@pytest.mark.parametrize(
    ("criteria", "texts"),
    [
        (
            {"function": "Image.selec", "project": "q"},
            [
                "expected at least one request with project='projects/q', function='Image.selec', but there were 0",
                "Of 3 others, these come closest:",
                "#3 grpc computeImages projects/q: INVALID_ARGUMENT: Image.select:",
                "but it has the functions Image.select, ImageCollection.load (did you mean Image.select?)",
                "#2 asked for:",
                'return ImageCollection.load(id="c")',
            ],
        ),
        ({"asset": "d"}, ["'d' is not in its expression"]),
        ({"times": 1, "project": "q"}, ["expected 1 request with", "but there were 2", "#2 grpc", "#3 grpc"]),
        ({"times": 0, "workload_tag": "tag"}, ["expected 0 requests", "but there was 1", "#1 grpc"]),
        ({"status": "INTERNAL"}, ["status is 'OK'"]),
        ({"where": lambda _: False}, ["where='<lambda>'", "where(entry) is false"]),
    ],
)
def test_what_was_not_asked_is_explained(some: Emulator, criteria: dict[str, Any], texts: list[str]) -> None:
    with pytest.raises(AssertionError) as failure:
        some.assert_called(**criteria)
    for text in texts:
        assert text in str(failure.value)


def test_without_any_request_that_is_said() -> None:
    with pytest.raises(AssertionError, match="No request has been answered at all"):
        assert_called([])
    assert assert_called([], times=0) == []


def test_a_criterion_that_there_is_not() -> None:
    with pytest.raises(TypeError, match="colour"):
        Emulator(catalog()).assert_called(colour="red")
