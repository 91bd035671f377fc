"""Faults for the emulator: what may happen to a reply, and to which.

plan = FaultPlan(["unavailable:0.1", "latency=lognormal(0.2, 1)", "goaway@5"], seed=7)
with Emulator(faults=plan) as emulator: ...
"""

from eegrpc.emulator.faults.distributions import Distribution
from eegrpc.emulator.faults.kinds import (
    BadGateway,
    CutGzip,
    Drip,
    EmptyPage,
    ExpireTokens,
    Fault,
    Garbage,
    GoAway,
    GzipBomb,
    HugeHeaders,
    InvalidBody,
    Latency,
    NoMessage,
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
    "CutGzip",
    "Decision",
    "Distribution",
    "Drip",
    "EmptyPage",
    "Event",
    "ExpireTokens",
    "Fault",
    "FaultPlan",
    "Garbage",
    "GoAway",
    "GzipBomb",
    "HugeHeaders",
    "InvalidBody",
    "Latency",
    "NoMessage",
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
