"""Control of a running emulator over REST."""

import http.client
import json
from collections.abc import Iterator
from typing import Any

import pytest
from plain_callers import EXPRESSION, PATIENCE, ask, catalog

from eegrpc.emulator import Emulator, FaultPlan


@pytest.fixture(scope="module")
def running() -> Iterator[Emulator]:
    with Emulator(catalog(), control=True) as emulator:
        yield emulator


@pytest.fixture
def emulator(running: Emulator) -> Iterator[Emulator]:
    yield running
    running.reset()


def ask_raw(emulator: Emulator, method: str, path: str, body: bytes) -> tuple[int, http.client.HTTPMessage, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", emulator.port, timeout=PATIENCE)
    try:
        connection.request(method, path, body)
        response = connection.getresponse()
        return response.status, response.headers, response.read()
    finally:
        connection.close()


def control(emulator: Emulator, method: str, what: str, body: object = None, **headers: str) -> tuple[int, Any]:
    status, _, data = ask(emulator, method, f"/emulator/{what}", body, **headers)
    return status, json.loads(data)


@pytest.mark.parametrize("prefix", ["", "v1/"])
def test_faults_are_put_read_followed_and_deleted(emulator: Emulator, prefix: str) -> None:
    wanted = {"faults": ["unavailable:0.5", "reset@100-", "latency(seconds=fixed(0.001))@1"], "seed": 7}
    assert control(emulator, "PUT", f"{prefix}faults", wanted) == (200, wanted)
    assert control(emulator, "GET", f"{prefix}faults") == (200, wanted)
    statuses = [ask(emulator)[0] for _ in range(20)]
    assert set(statuses) == {200, 503}
    plan = FaultPlan(wanted["faults"], seed=7)  # type: ignore[arg-type]
    expected = [(number, plan.decide(number)) for number in range(1, 21)]
    assert control(emulator, "GET", f"{prefix}events") == (
        200,
        {
            "events": [
                {"number": number, "protocol": "rest", "fault": decision.text, "delay": decision.delay}
                for number, decision in expected
                if decision.text or decision.delay
            ]
        },
    )
    assert control(emulator, "DELETE", "faults") == (200, {"faults": [], "seed": 0})
    assert control(emulator, "GET", "events") == (200, {"events": []})
    assert ask(emulator)[0] == 200


def test_quotas_are_put_read_enforced_and_deleted(emulator: Emulator) -> None:
    assert control(emulator, "PUT", "quota", {"quota": "1:0.001"}) == (200, {"quota": "1:0.001", "projects": {}})
    assert [ask(emulator)[0] for _ in range(2)] == [200, 429]
    figures = {"attempts": 2, "refused_concurrency": 0, "refused_rate": 1, "most_concurrent": 1, "most_per_second": 2}
    status, found = control(emulator, "GET", "quota")
    assert (status, found["projects"]["projects/p"] | {"most_per_second": 2}) == (200, figures)
    assert control(emulator, "DELETE", "quota") == (200, {"quota": None, "projects": {}})
    assert ask(emulator)[0] == 200


@pytest.mark.parametrize(
    ("what", "body", "message"),
    [
        ("faults", {"faults": ["nonsense"]}, "no fault is called 'nonsense'"),
        ("faults", {"faults": [3]}, "list of texts"),
        ("faults", {"faults": "reset"}, "faults must be list"),
        ("faults", {"seed": True}, "seed must be int"),
        ("faults", {"sead": 1}, "JSON object with the fields faults, seed"),
        ("faults", 3, "JSON object"),
        ("quota", {"quota": "many"}, "CONCURRENT:PER_SECOND"),
    ],
)
def test_what_is_wrong_is_named_and_changes_nothing(emulator: Emulator, what: str, body: object, message: str) -> None:
    before = control(emulator, "GET", what)
    status, answer = control(emulator, "PUT", what, body)
    assert (status, answer["error"]["status"]) == (400, "INVALID_ARGUMENT")
    assert message in answer["error"]["message"]
    assert control(emulator, "GET", what) == before


def lines(*assets: dict[str, object]) -> str:
    return "".join(f"{json.dumps(asset)}\n" for asset in assets)


def put_lines(emulator: Emulator, what: str, text: str) -> tuple[int, Any]:
    status, _, body = ask_raw(emulator, "POST", f"/emulator/v1/{what}", text.encode())
    return status, json.loads(body)


def test_assets_are_loaded_shown_and_reset(emulator: Emulator) -> None:
    text = lines({"id": "c/x", "type": "IMAGE"}, {"id": "c/y", "type": "IMAGE"})
    assert put_lines(emulator, "load?project=p", text + "\n") == (200, {"loaded": 2})
    assert put_lines(emulator, "load", lines({"id": "d/all"})) == (200, {"loaded": 1})
    status, headers, shown = ask(emulator, "GET", "/emulator/v1/snapshot?project=p")
    assert (status, headers["content-type"]) == (200, "application/x-ndjson; charset=utf-8")
    assert shown.decode() == text
    assert len(json.loads(ask(emulator)[2])["images"]) == 22
    assert control(emulator, "POST", "v1/reset?project=p") == (200, {})
    assert len(json.loads(ask(emulator)[2])["images"]) == 20
    assert [asset.id for asset in emulator.snapshot()] == ["d/all"]
    assert control(emulator, "POST", "v1/reset") == (200, {})
    assert emulator.snapshot() == []
    assert put_lines(emulator, "load?project=p", shown.decode()) == (200, {"loaded": 2})


@pytest.mark.parametrize(
    ("what", "text", "message"),
    [
        ("load", b'{"id": "c/x"}\n{]', "body:2: not an EarthEngineAsset"),
        ("load", b'{"id": "c/x"}\n{"name": "c/x"}', "body:2: 'c/x' is already in line 1"),
        ("load", b"{}", "neither name nor id"),
        ("load?project=Not+a+project", b"", "project"),
        ("reset?project=", b"", "project"),
        ("load", b"\xff", "is not UTF-8 text"),
    ],
)
def test_what_cannot_be_loaded_is_named(emulator: Emulator, what: str, text: bytes, message: str) -> None:
    status, _, body = ask_raw(emulator, "POST", f"/emulator/v1/{what}", text)
    assert status == 400
    assert message in json.loads(body)["error"]["message"]
    assert emulator.snapshot() == []


def test_too_much_to_load_at_once(emulator: Emulator) -> None:
    status, _, body = ask_raw(emulator, "POST", "/emulator/v1/load", b" " * 10_000_001)
    assert status == 400
    assert "10000000 bytes" in json.loads(body)["error"]["message"]


def test_the_journal_is_read_and_deleted(emulator: Emulator) -> None:
    for size in (1, 2, 3):
        ask(emulator, body={"expression": EXPRESSION, "pageSize": size})
    status, found = control(emulator, "GET", "v1/journal")
    assert (status, found["dropped"], [entry["images"] for entry in found["entries"]]) == (200, 0, [1, 2, 3])
    assert found["entries"][0]["expression"]["returns"]["call"] == "ImageCollection.load"
    assert [entry["images"] for entry in control(emulator, "GET", "v1/journal?last=2")[1]["entries"]] == [2, 3]
    assert control(emulator, "GET", "v1/journal?last=0")[1]["entries"] == []
    assert control(emulator, "GET", "v1/journal?last=many")[0] == 400
    assert control(emulator, "GET", "v1/journal?project=other")[1]["entries"] == []
    assert control(emulator, "DELETE", "v1/journal?project=other") == (200, {"entries": [], "dropped": 0})
    assert len(emulator.journal) == 3
    assert control(emulator, "DELETE", "v1/journal") == (200, {"entries": [], "dropped": 0})
    assert len(emulator.journal) == 0


def test_faults_of_one_project(emulator: Emulator) -> None:
    wanted = {"faults": ["unavailable@1"], "seed": 0}
    assert control(emulator, "PUT", "v1/faults?project=p", wanted) == (200, wanted)
    assert control(emulator, "GET", "v1/faults") == (200, {"faults": [], "seed": 0})
    other = "/v1/projects/q/imageCollection:computeImages"
    assert [ask(emulator, path=other)[0], ask(emulator)[0], ask(emulator)[0]] == [200, 503, 200]
    assert [event["number"] for event in control(emulator, "GET", "v1/events?project=p")[1]["events"]] == [1]
    assert control(emulator, "DELETE", "v1/faults?project=p") == (200, {"faults": [], "seed": 0})


def test_a_page_of_another_site_is_refused(emulator: Emulator) -> None:
    for origin, expected in (("https://evil.example", 403), ("null", 403), ("http://127.0.0.1:8000", 200)):
        assert control(emulator, "POST", "v1/reset", origin=origin)[0] == expected


def test_a_site_that_names_itself_after_loopback_is_refused(emulator: Emulator) -> None:
    status, answer = control(emulator, "GET", "events", host="evil.example")
    assert (status, answer["error"]["status"]) == (403, "PERMISSION_DENIED")
    assert control(emulator, "GET", "events", host="localhost")[0] == 200


def test_without_being_asked_for_there_is_no_control() -> None:
    with Emulator(catalog()) as plain:
        for method, what in (("GET", "faults"), ("PUT", "faults"), ("GET", "events"), ("DELETE", "quota")):
            assert control(plain, method, what)[0] == 404
        for method, what in (("GET", "v1/journal"), ("POST", "v1/reset"), ("POST", "v1/load"), ("GET", "v1/snapshot")):
            assert control(plain, method, what)[0] == 404


def test_health_is_told_without_control() -> None:
    with Emulator(catalog()) as plain:
        status, _, body = ask(plain, "GET", "/healthz")
        assert (status, json.loads(body)) == (200, {"status": "SERVING"})


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1"])
def test_there_is_none_for_other_machines(host: str) -> None:
    with pytest.raises(ValueError, match="control is for loopback alone"):
        Emulator(catalog(), host=host, control=True)
