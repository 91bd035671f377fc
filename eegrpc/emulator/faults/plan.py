"""Which request gets which fault: decided by a seed and the request's number, and by nothing else."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING

from eegrpc.emulator.faults.kinds import ExpireTokens, Fault, Latency, Ok
from eegrpc.emulator.faults.text import parse_fault, parse_rule, print_fault, print_rule

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Decision", "Event", "FaultPlan", "Rule"]


@dataclass(frozen=True, slots=True)
class Rule:
    """A fault, and the requests it is for.

    Args:
        fault: What happens.
        rate: To which share of the requests, 0 to 1.
        first: Number of the first request it is for, from 1; None for all.
        last: Number of the last one; None for no end.

    Raises:
        ValueError: The rate or the numbers are impossible.
    """

    fault: Fault
    rate: float = 1.0
    first: int | None = None
    last: int | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.rate <= 1:
            raise ValueError(f"the fault {self.text!r} has the rate {self.rate}: give one from 0 to 1")
        if (self.first is None and self.last is not None) or (self.first is not None and self.first < 1):
            raise ValueError(f"the fault {self.text!r} has no place: requests are counted from 1")
        if self.first is not None and self.last is not None and self.last < self.first:
            raise ValueError(f"the fault {self.text!r} ends before it begins")
        if isinstance(self.fault, ExpireTokens) and (self.rate != 1 or self.first is not None):
            raise ValueError("expire_tokens counts by itself, and has neither rate nor place")

    @property
    def text(self) -> str:
        """The rule as text (`eegrpc.emulator.faults.text`)."""
        return print_rule(self.fault, self.rate, self.first, self.last)

    def covers(self, number: int) -> bool:
        """Return whether it is for the request with this number."""
        return (self.first is None or self.first <= number) and (self.last is None or number <= self.last)


@dataclass(frozen=True, slots=True)
class Decision:
    """What happens to one reply."""

    delay: float
    """Seconds by which it is later."""
    fault: Fault | None

    @property
    def text(self) -> str:
        """The fault as text, empty if there is none."""
        return "" if self.fault is None else print_fault(self.fault)


@dataclass(frozen=True, slots=True)
class Event:
    """What was done to one request."""

    number: int
    """The request's number, from 1."""
    protocol: str
    """``grpc`` or ``rest``."""
    fault: str
    """The fault as text; empty if there was only latency."""
    delay: float
    """Seconds of latency."""


class FaultPlan:
    """Decides what happens to each reply; immutable.

    At most one fault happens to a reply, and latency besides. A script goes before rules with a place (``@``), and
    these go before the others, whose rates may add up to 1.

    Args:
        faults: Rules, faults (which happen always), or either as text, such as ``unavailable:0.1``.
        seed: Chooses among all the ways it may go. The decision for a request depends on it and on the number alone.
        script: Faults, or their texts, for the first requests in turn; ``ok`` for none.

    Raises:
        ValueError: A text is malformed, or the rates add up to more than 1; the error says which.
    """

    def __init__(
        self,
        faults: str | Fault | Rule | Iterable[str | Fault | Rule] = (),
        *,
        seed: int = 0,
        script: Iterable[str | Fault] = (),
    ) -> None:
        given = (faults,) if isinstance(faults, (str, Fault, Rule)) else faults
        scripted = [Rule(_fault(each), 1.0, number, number) for number, each in enumerate(script, 1)]
        self.seed = seed
        self.rules = (*scripted, *(_rule(each) for each in given))
        """The rules; `FaultPlan(plan.rules, seed=plan.seed)` is the same plan."""
        self._latencies = [rule for rule in self.rules if isinstance(rule.fault, Latency)]
        others = [rule for rule in self.rules if not isinstance(rule.fault, (Latency, ExpireTokens))]
        anywhere = [rule for rule in others if rule.first is None]
        self._others = [rule for rule in others if rule.first is not None] + anywhere
        expiry = [rule.fault for rule in self.rules if isinstance(rule.fault, ExpireTokens)]
        self.token_uses: int | None = min((each.uses for each in expiry), default=None)
        """Requests that an access token is good for; None for any number."""
        if sum(rule.rate for rule in anywhere) > 1 + 1e-9:
            raise ValueError(
                f"the rates of {', '.join(rule.text for rule in anywhere)} add up to more than 1: "
                "only one fault happens to a reply (latency, and faults with a place, do not count)"
            )

    def decide(self, number: int) -> Decision:
        """Return what happens to the reply to the request with this number, from 1."""
        draw = random.Random(f"{self.seed}/{number}").random  # noqa: S311 - must be reproducible
        delay = 0.0
        for rule in self._latencies:
            chance, share = draw(), draw()
            if chance < rule.rate and rule.covers(number) and isinstance(rule.fault, Latency):
                delay += rule.fault.seconds.at(share)
        chance = draw()
        for rule in self._others:
            if rule.covers(number):
                if chance < rule.rate:
                    return Decision(delay, None if isinstance(rule.fault, Ok) else rule.fault)
                chance -= rule.rate
        return Decision(delay, None)


def _fault(given: str | Fault) -> Fault:
    return parse_fault(given) if isinstance(given, str) else given


def _rule(given: str | Fault | Rule) -> Rule:
    if isinstance(given, str):
        return Rule(*parse_rule(given))
    return Rule(given) if isinstance(given, Fault) else given
