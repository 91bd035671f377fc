"""Faults as text, for command lines and control: ``unavailable:0.1``, ``latency=lognormal(0.2, 1)``, ``goaway@5``.

    rule     = fault [":" RATE] ["@" FIRST ["-" [LAST]]]
    fault    = NAME | NAME "=" value | NAME "(" [argument {"," argument}] ")"
    argument = [FIELD "="] value
    value    = NUMBER | STRING | "True" | "False" | DISTRIBUTION "(" NUMBER {"," NUMBER} ")"

RATE is the share of the requests, 0 to 1, and 1 if not given. Requests are counted from 1; ``@5`` is the fifth alone.
"""

from __future__ import annotations

import ast
import dataclasses
import re
from typing import TYPE_CHECKING, Any

from eegrpc.emulator.faults.distributions import Distribution
from eegrpc.emulator.faults.kinds import FAULTS, SHORT_NAMES, STATUS_CODES, Fault, Status

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["parse_fault", "parse_rule", "print_fault", "print_rule"]

_NAME = re.compile(r"\s*([a-z][a-z0-9_]*)\s*")
_WHEN = re.compile(
    r"(?::\s*(?P<rate>[0-9.eE+-]+)\s*)?(?:@\s*(?P<first>[0-9]+)\s*(?P<range>-\s*(?P<last>[0-9]*))?\s*)?$"
)
_LONGEST = 4000


def parse_rule(text: str) -> tuple[Fault, float, int | None, int | None]:
    """Return the fault, its rate, and the first and last request it is for (None: from the start, without end).

    Raises:
        ValueError: `text` is no rule; the error says what is wrong with it.
    """
    if len(text) > _LONGEST:
        raise ValueError(f"a fault of {len(text):,} characters is too long")
    when = _WHEN.search(text)
    assert when is not None  # it matches the empty end
    fault = parse_fault(text[: when.start()])
    try:
        rate = 1.0 if when["rate"] is None else float(when["rate"])
    except ValueError:
        raise ValueError(f"the fault {_quote(text)}: {when['rate']!r} is no rate") from None
    first = None if when["first"] is None else int(when["first"])
    last = first if when["range"] is None else int(when["last"]) if when["last"] else None
    return fault, rate, first, last


def parse_fault(text: str) -> Fault:
    """Return the fault that `text` describes.

    Raises:
        ValueError: There is no such fault, or it has other arguments; the error says which.
    """
    name = _NAME.match(text)
    if name is None:
        raise ValueError(f"the fault {_quote(text)} does not begin with a name, such as unavailable")
    make = _maker(name[1])
    rest = text[name.end() :].strip()
    try:
        arguments, fields = _arguments(f"({rest[1:]})" if rest.startswith("=") else rest)
        return make(arguments, fields)
    except (SyntaxError, TypeError, RecursionError, MemoryError):
        raise ValueError(f"the fault {_quote(text)}: {_usage(name[1])}") from None
    except ValueError as error:
        raise ValueError(f"the fault {_quote(text)}: {error}") from None


def print_fault(fault: Fault) -> str:
    """Return the text from which `parse_fault` makes the same fault."""
    written = [
        f"{each.name}={_print_value(getattr(fault, each.name))}"
        for each in dataclasses.fields(fault)
        if getattr(fault, each.name) != each.default and not (isinstance(fault, Status) and each.name == "code")
    ]
    name = fault.code if isinstance(fault, Status) else fault.name
    return f"{name}({', '.join(written)})" if written else name


def print_rule(fault: Fault, rate: float, first: int | None, last: int | None) -> str:
    """Return the text from which `parse_rule` makes the same."""
    share = "" if rate == 1 else f":{rate!r}"
    place = "" if first is None else f"@{first}" if last == first else f"@{first}-{'' if last is None else last}"
    return f"{print_fault(fault)}{share}{place}"


def _maker(name: str) -> Callable[[list[Any], dict[str, Any]], Fault]:
    """Return what makes the fault called `name` of positional and named arguments."""
    if name in FAULTS:
        return lambda arguments, fields: FAULTS[name](*arguments, **fields)
    if name in STATUS_CODES:
        return lambda arguments, fields: _status(Status(name), arguments, fields)
    if name in SHORT_NAMES:
        return lambda arguments, fields: _status(SHORT_NAMES[name], arguments, fields)
    raise ValueError(
        f"no fault is called {_quote(name)}: give one of {', '.join((*FAULTS, *STATUS_CODES, *SHORT_NAMES))}"
    )


def _status(status: Status, arguments: list[Any], fields: dict[str, Any]) -> Status:
    """Return the status with what was given: a number alone is when to come back, said in both ways."""
    if "code" in fields or len(arguments) > 1:
        raise TypeError
    if arguments:
        fields = {"retry_info": arguments[0], "retry_after": arguments[0]} | fields
    return dataclasses.replace(status, **fields)


def _arguments(text: str) -> tuple[list[Any], dict[str, Any]]:
    if not text:
        return [], {}
    call = ast.parse(f"f{text}", mode="eval").body
    if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Name) or call.func.id != "f":
        raise SyntaxError
    return [_value(each) for each in call.args], {each.arg or "": _value(each.value) for each in call.keywords}


def _value(node: ast.expr) -> Any:
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and not node.keywords:
        return Distribution(node.func.id, tuple(_value(each) for each in node.args))
    value = ast.literal_eval(node)
    if not isinstance(value, (bool, int, float, str)):
        raise TypeError
    return value


def _print_value(value: Any) -> str:
    if isinstance(value, Distribution):
        return f"{value.name}({', '.join(map(repr, value.parameters))})"
    return repr(value)


def _usage(name: str) -> str:
    kind = FAULTS.get(name, Status)
    names = [each.name for each in dataclasses.fields(kind) if each.name != "code" or kind is not Status]
    return f"{name} takes {', '.join(names) or 'no arguments'}"


def _quote(text: str) -> str:
    return repr(text if len(text) <= 64 else f"{text[:61]}...")
