"""Quotas: the gate with a clock in hand, then as callers of both protocols meet it."""

import json
import threading

import grpc
import pytest
from google.rpc import error_details_pb2
from plain_callers import PATIENCE, ask, catalog, details, grpc_failure, grpc_stub, message

from eegrpc.emulator import Emulator, FaultPlan, Quota, QuotaFigures
from eegrpc.emulator.serving.quota import QuotaEnforcer, Refusal


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_concurrency_is_by_project_and_given_back() -> None:
    gate = QuotaEnforcer(Quota(concurrent=2), Clock())
    assert [gate.enter("a"), gate.enter("a"), gate.enter("a")] == [None, None, Refusal(False, 0.0)]
    assert gate.enter("b") is None
    gate.leave("a")
    assert gate.enter("a") is None
    assert gate.figures() == {"a": QuotaFigures(4, 1, 0, 3, 4), "b": QuotaFigures(1, 0, 0, 1, 1)}
    assert gate.figures()["a"].refused == 1


def test_the_rate_is_a_bucket_that_fills_again() -> None:
    clock = Clock()
    gate = QuotaEnforcer(Quota(per_second=10, burst=2), clock)
    assert [gate.enter("a"), gate.enter("a")] == [None, None]
    assert gate.enter("a") == Refusal(True, pytest.approx(0.1))
    clock.now += 0.1
    assert gate.enter("a") is None
    clock.now += 60
    assert [gate.enter("a") is None for _ in range(3)] == [True, True, False]
    assert gate.figures()["a"] == QuotaFigures(7, 0, 2, 6, 4)


def test_at_its_pace_nothing_is_refused() -> None:
    clock = Clock()
    gate = QuotaEnforcer(Quota(per_second=100), clock)
    for _ in range(1000):
        assert gate.enter("a") is None
        gate.leave("a")
        clock.now += 0.010001
    assert gate.figures()["a"] == QuotaFigures(1000, 0, 0, 1, 100)


def test_a_quota_without_limits_counts() -> None:
    gate = QuotaEnforcer(Quota(), Clock())
    assert [gate.enter("a") for _ in range(50)] == [None] * 50
    assert gate.figures()["a"] == QuotaFigures(50, 0, 0, 50, 50)


@pytest.mark.parametrize(
    ("text", "quota"), [("40:100", Quota(40, 100)), ("40", Quota(40)), (":0.5", Quota(per_second=0.5)), (":", Quota())]
)
def test_a_quota_has_a_text(text: str, quota: Quota) -> None:
    assert Quota.parse(text) == quota
    assert Quota.parse(str(quota)) == quota


@pytest.mark.parametrize("text", ["0:1", "x", "1:2:3", "-1:", "1:nan", "1:inf"])
def test_what_is_no_quota_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="such as 40:100"):
        Quota.parse(text)


def test_a_burst_needs_a_rate() -> None:
    with pytest.raises(ValueError, match="burst"):
        Quota(burst=3)


def test_too_high_a_rate_is_429_with_googles_details() -> None:
    with Emulator(catalog(), quota=Quota(per_second=0.001)) as emulator, grpc_stub(emulator) as stub:
        stub.ComputeImages(message())
        error = grpc_failure(stub)
        status, _, body = ask(emulator)
        assert emulator.quota_figures["projects/p"].refused_rate == 2
        emulator.set_quota(None)
        stub.ComputeImages(message())
        assert emulator.quota_figures == {}
    assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    info, retry = details(error, error_details_pb2.ErrorInfo(), error_details_pb2.RetryInfo())
    assert info.reason == "RATE_LIMIT_EXCEEDED"  # type: ignore[attr-defined]
    assert 900 < retry.retry_delay.seconds <= 1000  # type: ignore[attr-defined]
    assert (status, json.loads(body)["error"]["status"]) == (429, "RESOURCE_EXHAUSTED")


def test_too_many_at_a_time_are_429_over_both_protocols_together() -> None:
    with Emulator(catalog(), quota=Quota(concurrent=50), faults=FaultPlan("latency=3600@1-50")) as emulator:
        with grpc_stub(emulator) as stub:
            waiting = [stub.ComputeImages.future(message()) for _ in range(50)]
            arrived = threading.Event()
            while len(emulator.events) < 50:
                arrived.wait(0.01)
            error = grpc_failure(stub)
            assert ask(emulator)[0] == 429
            assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
            assert "concurrency limit" in (error.details() or "")
            for call in waiting:
                call.cancel()
            while ask(emulator)[0] == 429:  # until the places are given back
                arrived.wait(0.01)
            assert len(stub.ComputeImages(message(), timeout=PATIENCE).images) == 20
        figures = emulator.quota_figures["projects/p"]
    assert figures.most_concurrent == 51
    assert figures.refused_rate == 0
