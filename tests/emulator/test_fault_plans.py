"""Faults as text, and which request gets which."""

import re
import statistics
from pathlib import Path

import pytest

from eegrpc.emulator.faults import Distribution, FaultPlan, Latency, Ok, Reset, Rule, Status, Truncate
from eegrpc.emulator.faults.kinds import FAULTS, SHORT_NAMES, STATUS_CODES
from eegrpc.emulator.faults.text import parse_fault, parse_rule, print_fault


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("unavailable", Status("unavailable")),
        (" unavailable = 2 ", Status("unavailable", retry_info=2, retry_after=2)),
        ("internal(message='a:0.5@3')", Status("internal", "a:0.5@3")),
        (
            "rate_limit(retry_info=0.5)",
            Status("resource_exhausted", SHORT_NAMES["rate_limit"].message, "RATE_LIMIT_EXCEEDED", 0.5),
        ),
        ("latency=0.2", Latency(Distribution("fixed", (0.2,)))),
        ("latency=lognormal(0.2,1)", Latency(Distribution("lognormal", (0.2, 1)))),
        ("latency(seconds=uniform(0.1, 0.3))", Latency(Distribution("uniform", (0.1, 0.3)))),
        ("truncate=7", Truncate(7)),
        ("ok", Ok()),
    ],
)
def test_a_fault_has_a_text(text: str, fault: object) -> None:
    assert parse_fault(text) == fault
    assert parse_fault(print_fault(parse_fault(text))) == fault


@pytest.mark.parametrize("name", [*FAULTS, *SHORT_NAMES])
def test_every_name_is_in_the_documentation(name: str) -> None:
    text = (Path(__file__).parents[2] / "docs" / "emulator.md").read_text(encoding="utf-8")
    assert re.search(rf"`{name}[`=(]", text)


@pytest.mark.parametrize("name", [*FAULTS, *STATUS_CODES, *SHORT_NAMES])
def test_every_name_alone_is_a_fault_and_hashable(name: str) -> None:
    fault = parse_fault(name)
    assert parse_fault(print_fault(fault)) == fault
    assert len({fault, parse_fault(name)}) == 1


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("reset:0.25", (0.25, None, None)),
        ("reset@5", (1.0, 5, 5)),
        ("reset:1e-3@5-9", (0.001, 5, 9)),
        ("reset@5-", (1.0, 5, None)),
        ("reset", (1.0, None, None)),
    ],
)
def test_a_rule_has_a_rate_and_a_place(text: str, rule: tuple[object, ...]) -> None:
    assert parse_rule(text) == (Reset(), *rule)
    assert FaultPlan(FaultPlan(text).rules[0].text).rules == FaultPlan(text).rules


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("unavailible:0.1", "no fault is called 'unavailible'"),
        ("", "does not begin with a name"),
        ("reset:2", "the rate 2.0: give one from 0 to 1"),
        ("reset:nan", "nan"),
        ("reset@0", "counted from 1"),
        ("reset@5-3", "ends before it begins"),
        ("reset:1-2", "'1-2' is no rate"),
        ("reset=3", "reset takes no arguments"),
        ("truncate=-1", "at least 0"),
        ("truncate='x'", "whole number"),
        ("truncate(before=3)", "truncate takes after"),
        ("latency=weibull(1)", "no distribution is called 'weibull'"),
        ("latency=uniform(2, 1)", "the smaller number first"),
        ("latency=uniform(1)", "2 parameters, not 1"),
        ("latency=__import__('os')", "no distribution is called '__import__'"),
        ("latency=(1).real", "latency"),
        ("latency=[1]", "latency takes seconds"),
        ("gzip_bomb=100000", "at most 512"),
        ("rst_stream='nope'", "no code of rst_stream"),
        ("goaway=1", "True or False"),
        ("redirect='a\\nb'", "visible ASCII"),
        ("unavailable(code='internal')", "unavailable takes message, reason"),
        ("unavailable(retry_after=0.5)", "whole number"),
        ("expire_tokens:0.5", "neither rate nor place"),
        (f"latency={'(' * 300}1{')' * 300}", "latency"),
        ("reset" * 1000, "too long"),
    ],
)
def test_what_is_wrong_is_named(text: str, wrong: str) -> None:
    with pytest.raises(ValueError, match=r".") as error:
        FaultPlan(text)
    assert wrong in str(error.value)


def test_rates_that_add_up_to_more_than_one_are_refused() -> None:
    with pytest.raises(ValueError, match="add up to more than 1"):
        FaultPlan(["reset:0.6", "truncate:0.6"])
    FaultPlan(["reset:0.6", "truncate:0.4", "latency=1", "goaway@3", "expire_tokens=5"])


def test_emu_05_a_decision_depends_on_seed_and_number_alone() -> None:
    faults = ["reset:0.2", "unavailable:0.1", "latency=exponential(1):0.5"]
    plan, again, other = FaultPlan(faults, seed=7), FaultPlan(faults, seed=7), FaultPlan(faults, seed=8)
    forwards = [plan.decide(number) for number in range(1, 501)]
    assert forwards == [again.decide(number) for number in range(500, 0, -1)][::-1]
    assert forwards != [other.decide(number) for number in range(1, 501)]
    assert FaultPlan(plan.rules, seed=plan.seed).decide(77) == plan.decide(77)


def test_emu_05_decisions_are_the_same_on_every_python() -> None:
    plan = FaultPlan(["reset:0.5", "latency=lognormal(0.2, 1):0.5"], seed=1)
    decisions = [plan.decide(number) for number in range(1, 7)]
    assert [(decision.text, round(decision.delay, 6)) for decision in decisions] == [
        ("", 0.274944),
        ("", 0.504479),
        ("", 0.090458),
        ("reset", 0.0),
        ("", 2.531306),
        ("", 0.0),
    ]


def test_faults_come_as_often_as_their_rates_say() -> None:
    plan = FaultPlan(["reset:0.2", "truncate:0.1"], seed=3)
    names = [plan.decide(number).text for number in range(1, 5001)]
    assert 0.17 < names.count("reset") / 5000 < 0.23
    assert 0.08 < names.count("truncate") / 5000 < 0.12


def test_a_script_goes_first_then_places_then_rates() -> None:
    plan = FaultPlan(["unavailable:1.0", "goaway@2-4"], script=["reset", "ok", Truncate(5)])
    assert [plan.decide(number).text for number in range(1, 7)] == [
        *("reset", "", "truncate(after=5)", "goaway", "unavailable", "unavailable")
    ]
    assert plan.rules[0] == Rule(Reset(), 1.0, 1, 1)


def test_latencies_add_up_and_join_other_faults() -> None:
    plan = FaultPlan(["latency=1", "latency=uniform(2, 3)@2-", "reset"])
    assert (plan.decide(1).delay, plan.decide(1).text) == (1.0, "reset")
    assert 3 <= plan.decide(2).delay < 4


@pytest.mark.parametrize(
    ("text", "median", "mean"),
    [
        ("fixed(2)", 2.0, 2.0),
        ("uniform(1, 3)", 2.0, 2.0),
        ("exponential(2)", 1.386, 2.0),
        ("lognormal(2, 0.5)", 2.0, 2.266),
    ],
)
def test_distributions_have_their_median_and_mean(text: str, median: float, mean: float) -> None:
    fault = parse_fault(f"latency={text}")
    assert isinstance(fault, Latency)
    values = [fault.seconds.at((number + 0.5) / 10_000) for number in range(10_000)]
    assert statistics.median(values) == pytest.approx(median, rel=0.01)
    assert statistics.fmean(values) == pytest.approx(mean, rel=0.01)
    assert fault.seconds.at(0.0) >= 0
