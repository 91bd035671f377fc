"""Control of a running emulator over REST."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from plain_callers import ask, catalog

from eegrpc.emulator import Emulator, FaultPlan


@pytest.fixture(scope="module")
def emulator() -> Iterator[Emulator]:
    with Emulator(catalog(), control=True) as running:
        yield running


def control(emulator: Emulator, method: str, what: str, body: object = None, **headers: str) -> tuple[int, Any]:
    status, _, data = ask(emulator, method, f"/emulator/{what}", body, **headers)
    return status, json.loads(data)


def test_faults_are_put_read_followed_and_deleted(emulator: Emulator) -> None:
    wanted = {"faults": ["unavailable:0.5", "reset@100-", "latency(seconds=fixed(0.001))@1"], "seed": 7}
    assert control(emulator, "PUT", "faults", wanted) == (200, wanted)
    assert control(emulator, "GET", "faults") == (200, wanted)
    statuses = [ask(emulator)[0] for _ in range(20)]
    assert set(statuses) == {200, 503}
    plan = FaultPlan(wanted["faults"], seed=7)  # type: ignore[arg-type]
    expected = [(number, plan.decide(number)) for number in range(1, 21)]
    assert control(emulator, "GET", "events") == (
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


def test_a_site_that_names_itself_after_loopback_is_refused(emulator: Emulator) -> None:
    status, answer = control(emulator, "GET", "events", host="evil.example")
    assert (status, answer["error"]["status"]) == (403, "PERMISSION_DENIED")
    assert control(emulator, "GET", "events", host="localhost")[0] == 200


def test_without_being_asked_for_there_is_no_control() -> None:
    with Emulator(catalog()) as plain:
        for method, what in (("GET", "faults"), ("PUT", "faults"), ("GET", "events"), ("DELETE", "quota")):
            assert control(plain, method, what)[0] == 404


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1"])
def test_there_is_none_for_other_machines(host: str) -> None:
    with pytest.raises(ValueError, match="control is for loopback alone"):
        Emulator(catalog(), host=host, control=True)
