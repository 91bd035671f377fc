"""The scripts of the fault matrix: which faults happen to 30% of the replies, and who is to retry them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import eegrpc

if TYPE_CHECKING:
    from collections.abc import Sequence

    from eegrpc.errors import EarthEngineError

__all__ = ["SCRIPTS", "Script"]

_MOST_ATTEMPTS = 12  # with faults on 30% of replies, one page in two million fails as often

USUAL = eegrpc.RetryPolicy(max_attempts=_MOST_ATTEMPTS, initial=0.001, maximum=0.004, budget=None)
"""The client's own policy, but for patience and shorter waits."""


class Stubborn:
    """A policy of the caller's own, which sends whatever failed again."""

    budget = None

    def next_delay(self, failures: Sequence[EarthEngineError], elapsed: float) -> float | None:
        return 0.001 if len(failures) < _MOST_ATTEMPTS else None


@dataclass(frozen=True)
class Script:
    """What happens to the replies of one run, and what the caller does about it."""

    name: str
    faults: tuple[str, ...]
    """As the emulator takes them; ``{middle}`` and ``{most}`` are half and four fifths of the number of pages."""
    policy: Any = USUAL
    ends: str = ""
    """Reason of the error that a run raises at least once; empty if runs are to finish."""
    timeout: float = 0.0
    """Seconds for a page; 0 for plenty."""

    @property
    def policy_name(self) -> str:
        return "usual" if self.policy is USUAL else "stubborn"


def _usual(*faults: str) -> list[Script]:
    """Return a script for each fault, which the client's own policy deals with."""
    return [Script(fault, (f"{fault}:0.3",)) for fault in faults]


def _stubborn(*faults: str) -> list[Script]:
    """Return a script for each fault, which that policy takes for final, or retries once."""
    return [Script(fault, (f"{fault}:0.3",), Stubborn()) for fault in faults]


def _mixed(name: str, *faults: str, policy: Any = USUAL, ends: str = "", timeout: float = 0.0) -> Script:
    return Script(name, faults, policy, ends, timeout)


SCRIPTS: tuple[Script, ...] = (
    # Statuses that are sent again
    *_usual("unavailable", "unavailable(retry_info=0.002, retry_after=0)", "resource_exhausted"),
    *_usual("rate_limit(retry_info=0.002)", "concurrency_limit", "aggregations"),
    # Statuses that are final, or sent again once
    *_stubborn("internal", "unknown", "aborted", "cancelled", "data_loss", "deadline_exceeded", "failed_precondition"),
    *_stubborn("invalid_argument", "not_found", "permission_denied", "unauthenticated", "unimplemented"),
    *_stubborn("daily_quota", "computation_timeout", "memory_limit"),
    # Connections
    *_usual("reset", "reset_in_body(after=0)", "reset_in_body(after=1)", "reset_in_body(after=2000)"),
    *_usual("goaway", "goaway(processed=False)", "rst_stream(code='refused_stream')"),
    *_usual("rst_stream(code='enhance_your_calm')"),
    *_stubborn("rst_stream(code='no_error')", "rst_stream(code='protocol_error')", "rst_stream(code='internal_error')"),
    *_stubborn("rst_stream(code='flow_control_error')", "rst_stream(code='cancel')"),
    # Answers
    *_usual("html_502", "wrong_content_type", "huge_headers(kib=4)", "huge_headers(kib=128)"),
    *_stubborn("truncate(after=0)", "truncate(after=1)", "truncate(after=2000)", "cut_gzip"),
    *_stubborn("invalid_body", "no_message", "garbage", "gzip_bomb(mib=2)", "redirect"),
    # Time
    *_usual("latency=exponential(0.002)", "latency=lognormal(0.001, 1)"),
    *_usual("drip(size=1000, interval=0)", "drip(size=500, interval=0.0005)"),
    # Pages
    *_usual("empty_page"),
    # Credentials; one token at a time: those that are refused when they are new are not replaced for a while
    _mixed("a token expires, and failures", "expire_tokens={most}", "unavailable:0.3"),
    _mixed("a token expires, and resets", "expire_tokens={most}", "reset:0.3"),
    # Several at once
    _mixed("a server restarts", "unavailable:0.1", "reset:0.1", "goaway(processed=False):0.1"),
    _mixed("a proxy interferes", "html_502:0.1", "reset_in_body:0.1", "wrong_content_type:0.1"),
    _mixed("a proxy interferes a lot", "html_502:0.1", "redirect:0.1", "truncate:0.1", policy=Stubborn()),
    _mixed("a project over its quota", "rate_limit:0.1", "concurrency_limit:0.2", "latency=exponential(0.002):0.3"),
    _mixed("a bad line", "reset:0.1", "reset_in_body(after=1500):0.1", "drip(size=1000, interval=0):0.1"),
    _mixed("pages without images, and failures", "empty_page:0.15", "unavailable:0.15"),
    _mixed("pages without images, and resets", "empty_page:0.15", "reset_in_body:0.15"),
    _mixed("rare internal errors", "unavailable:0.295", "internal:0.005"),
    _mixed("rare stream errors", "reset:0.295", "rst_stream:0.005"),
    _mixed("broken answers", "invalid_body:0.15", "truncate:0.15", policy=Stubborn()),
    _mixed("too much", "gzip_bomb(mib=2):0.05", "huge_headers(kib=128):0.1", "no_message:0.15", policy=Stubborn()),
    _mixed("slow and broken", "latency=exponential(0.002):0.3", "reset_in_body:0.15", "unavailable:0.15"),
    _mixed(
        "everything",
        *("unavailable:0.03", "rate_limit:0.03", "reset:0.03", "reset_in_body:0.03", "truncate:0.03", "html_502:0.03"),
        *("invalid_body:0.03", "goaway:0.03", "rst_stream:0.03", "empty_page:0.03", "latency=0.001:0.1"),
        policy=Stubborn(),
    ),
    # Ends that no policy can put off
    _mixed("an answer never comes", "latency=30@{middle}", "unavailable:0.3", ends="DEADLINE_EXCEEDED", timeout=0.3),
    _mixed("data is lost", "data_loss@{middle}", "unavailable:0.3", ends="DATA_LOSS"),
    _mixed("a token comes again", "repeated_token@{middle}", "drip(size=1000, interval=0):0.3", ends="TOKEN_LOOP"),
)
