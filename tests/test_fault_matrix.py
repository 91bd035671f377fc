"""A little of the fault matrix, so that it never rots: `benchmarks/fault_matrix.py` runs all of it."""

from __future__ import annotations

import random

import grpc
import pytest
from fault_runs import KINDS, Matrix
from fault_scripts import SCRIPTS, Script
from invariants import Delivery, Secrets, attempts_problem

from eegrpc.emulator.faults.kinds import FAULTS
from eegrpc.errors import EarthEngineError

PAGES, PAGE_SIZE = 20, 5


@pytest.fixture(scope="module")
def matrix():
    with Matrix(PAGES, PAGE_SIZE) as matrix:
        yield matrix


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.name)
def test_every_invariant_holds(matrix, script):
    for kind in KINDS:
        run = matrix.run(script, kind, seed=0)
        assert run.problems == [], kind
        assert run.faults > 0, kind
        assert run.finished is not bool(script.ends), (kind, run.errors)
        assert all(error.endswith(script.ends) for error in run.errors), (kind, run.errors)


# A status stands for all of them, and a token that expires has no place.
FAULTS_AT_A_PLACE = sorted({*FAULTS, "unavailable", "invalid_argument", "daily_quota"} - {"expire_tokens"})


@pytest.mark.parametrize("fault", [pytest.param(fault, id=f"PAG-04-{fault}") for fault in FAULTS_AT_A_PLACE])
def test_pag_04_a_fault_on_any_page_costs_nothing_but_an_error(matrix, fault):
    """Nothing is sent again, so that whatever fails raises, and a new pager goes on from its token."""
    for seed, kind in enumerate(KINDS):
        places = random.Random(f"{fault}{seed}").sample(range(1, PAGES + 1), 7)
        what = f"{fault}(mib=2)" if fault == "gzip_bomb" else fault
        run = matrix.run(Script(fault, tuple(f"{what}@{place}" for place in places), policy=None), kind, seed)
        assert run.problems == [], kind
        assert run.faults == (0 if fault == "ok" else 7)


def test_the_matrix_is_as_large_as_it_should_be():
    assert len({script.name for script in SCRIPTS}) == len(SCRIPTS) >= 60
    assert sum(bool(script.ends) for script in SCRIPTS) <= 0.05 * len(SCRIPTS)


# ---- the invariants themselves ----

FIVE = ["a", "b", "c", "d", "e"]


@pytest.mark.parametrize(
    ("legs", "is_right"),
    [
        ([FIVE], True),
        ([["a", "b"], ["c", "d", "e"]], True),
        ([[], ["a"], [], ["b", "c", "d", "e"]], True),
        ([["a", "b", "d", "e"]], False),
        ([["a", "b", "b", "c", "d", "e"]], False),
        ([["a", "c", "b", "d", "e"]], False),
        ([["a", "b"], ["b", "c", "d", "e"]], False),
        ([["a", "b"], ["d", "e"]], False),
        ([["a", "b", "c", "d"]], False),
        ([[*FIVE, "f"]], False),
    ],
)
def test_what_is_lost_doubled_or_out_of_order_is_seen(legs, is_right):
    delivery = Delivery(FIVE, 2)
    for leg in legs[:-1]:
        delivery.leg(leg, EarthEngineError(grpc.StatusCode.UNAVAILABLE, "x"))
    delivery.leg(legs[-1], None)
    assert (delivery.complete and not delivery.problems) is is_right


def test_secrets_are_seen():
    with Secrets(["canary"]) as secrets:
        assert not secrets.problems
        secrets.error(EarthEngineError(grpc.StatusCode.UNAVAILABLE, "a canary"))
        assert len(secrets.problems) > 3


def test_requests_too_many_are_seen():
    assert attempts_problem(5, 3, 2) == []
    assert attempts_problem(6, 3, 2)
