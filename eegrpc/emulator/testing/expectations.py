"""What a test expects of the journal, and what it is told when that did not happen: the requests that came closest."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

from eegrpc._requests import project_name
from eegrpc.emulator.evaluation.graph_walk import walk

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from eegrpc.emulator.testing.journal import Entry

    Criterion = Callable[[Entry], str | None]  # what speaks against an entry; None for nothing

__all__ = ["assert_called"]

_SHOWN = 3  # requests that came closest
_SHOWN_FUNCTIONS = 12


def assert_called(
    entries: Sequence[Entry],
    *,
    times: int | None = None,
    project: str | None = None,
    method: str | None = None,
    protocol: str | None = None,
    function: str | None = None,
    asset: str | None = None,
    status: str | None = None,
    workload_tag: str | None = None,
    where: Callable[[Entry], bool] | None = None,
) -> list[Entry]:
    """Check that requests of a certain kind are among those that came.

    Args:
        entries: The requests.
        times: How many there must be; None for one or more. Each page and each attempt is a request.
        project: Whose they are.
        method: The method, such as ``computeImages``.
        protocol: ``grpc`` or ``rest``.
        function: A function in the expression, such as ``Image.select``.
        asset: A text that the expression has as a constant, such as the id of a collection.
        status: Name of the status code, such as ``OK``.
        workload_tag: The workload tag.
        where: Anything else: takes an entry and returns whether it counts.

    Returns:
        The requests that are meant.

    Raises:
        AssertionError: There are more, or fewer; the text has those that came closest, and what speaks against each.
    """
    __tracebackhide__ = True
    plain = {"method": method, "protocol": protocol, "status": status, "workload_tag": workload_tag}
    if project is not None:
        plain["project"] = project_name(project)
    wanted = {name: value for name, value in plain.items() if value is not None}
    criteria = [_equals(name, value) for name, value in wanted.items()]
    if function is not None:
        wanted["function"] = function
        criteria.append(_calls(function))
    if asset is not None:
        wanted["asset"] = asset
        criteria.append(_mentions(asset))
    if where is not None:
        wanted["where"] = getattr(where, "__name__", repr(where))
        criteria.append(lambda entry: None if where(entry) else "where(entry) is false")
    judged = [(entry, [found for each in criteria if (found := each(entry)) is not None]) for entry in entries]
    meant = [entry for entry, against in judged if not against]
    if len(meant) == times or (times is None and meant):
        return meant
    raise AssertionError(_failure(wanted, times, meant, [(entry, against) for entry, against in judged if against]))


def _equals(name: str, value: str) -> Criterion:
    def judge(entry: Entry) -> str | None:
        found = getattr(entry, name)
        return None if found == value else f"{name} is {found!r}"

    return judge


def _calls(function: str) -> Criterion:
    def judge(entry: Entry) -> str | None:
        called = entry.functions
        if function in called:
            return None
        close = difflib.get_close_matches(function, called, 1)
        shown = sorted(called)[:_SHOWN_FUNCTIONS]
        more = f" and {len(called) - len(shown)} more" if len(called) > len(shown) else ""
        hint = f" (did you mean {close[0]}?)" if close else ""
        return f"it has the functions {', '.join(shown) or '(none)'}{more}{hint}"

    return judge


def _mentions(text: str) -> Criterion:
    def judge(entry: Entry) -> str | None:
        texts = {
            node.constant_value.string_value
            for node in walk(entry.expression)
            if node.WhichOneof("value") == "constant_value" and node.constant_value.HasField("string_value")
        }
        return None if text in texts else f"{text!r} is not in its expression"

    return judge


def _failure(
    wanted: dict[str, str], times: int | None, meant: list[Entry], others: list[tuple[Entry, list[str]]]
) -> str:
    expected = "at least one request" if times is None else f"{times} request{'' if times == 1 else 's'}"
    what = ", ".join(f"{name}={value!r}" for name, value in wanted.items())
    found = f"there {'was' if len(meant) == 1 else 'were'} {len(meant)}"
    lines = [f"expected {expected}{f' with {what}' if what else ''}, but {found}"]
    if meant:
        lines += ["These are meant:", *(f"  {entry}" for entry in meant[:_SHOWN])]
    if not meant and others:
        others.sort(key=lambda judged: len(judged[1]))
        lines.append(f"Of {len(others):,} other{'' if len(others) == 1 else 's'}, these come closest:")
        for entry, against in others[:_SHOWN]:
            lines += [f"  {entry}", *(f"    but {reason}" for reason in against)]
        lines += [f"#{others[0][0].number} asked for:", *(f"  {line}" for line in others[0][0].explain().split("\n"))]
    if not meant and not others:
        lines.append("No request has been answered at all; those that are still in work are not in the journal.")
    return "\n".join(lines)
