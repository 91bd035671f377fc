"""Faults for the emulator: what may happen to a reply, and to which.

plan = FaultPlan(["unavailable:0.1", "latency=lognormal(0.2, 1)", "goaway@5"], seed=7)
with Emulator(faults=plan) as emulator: ...
"""

from eegrpc.emulator.faults.distributions import Distribution
from eegrpc.emulator.faults.kinds import (
    BadGateway,
    Drip,
    EmptyPage,
    ExpireTokens,
    Fault,
    GoAway,
    GzipBomb,
    HugeHeaders,
    InvalidBody,
    Latency,
    Ok,
    Redirect,
    RepeatedToken,
    Reset,
    ResetInBody,
    RstStream,
    Status,
    Truncate,
    WrongContentType,
)
from eegrpc.emulator.faults.plan import Decision, Event, FaultPlan, Rule

__all__ = [
    "BadGateway",
    "Decision",
    "Distribution",
    "Drip",
    "EmptyPage",
    "Event",
    "ExpireTokens",
    "Fault",
    "FaultPlan",
    "GoAway",
    "GzipBomb",
    "HugeHeaders",
    "InvalidBody",
    "Latency",
    "Ok",
    "Redirect",
    "RepeatedToken",
    "Reset",
    "ResetInBody",
    "RstStream",
    "Rule",
    "Status",
    "Truncate",
    "WrongContentType",
]
