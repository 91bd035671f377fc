"""Regular expressions that select bands: RE2's syntax, run by Python's engine within limits."""

from __future__ import annotations

import re
from functools import lru_cache

from eegrpc.emulator.errors import AlgorithmError

# Patterns come from the request and run in Python's backtracking engine, Earth Engine's is RE2 and linear. These limits
# keep the worst pattern that is still let through within milliseconds, and let every pattern seen in public code pass.
MAX_PATTERN_LENGTH = 256
MAX_REPEATS_PER_ALTERNATIVE = 4


@lru_cache(maxsize=1024)
def compile_pattern(pattern: str) -> re.Pattern[str]:
    """Compile a pattern of RE2's syntax, refusing what RE2 has not and what could take Python for ever.

    Args:
        pattern: The pattern, as it stands in the request.

    Returns:
        The compiled pattern.

    Raises:
        AlgorithmError: The pattern is not valid, or is one that the emulator does not run.

    """
    if len(pattern) > MAX_PATTERN_LENGTH:
        raise AlgorithmError(
            f"The pattern has {len(pattern)} characters; the emulator takes at most {MAX_PATTERN_LENGTH}.",
            unsupported=True,
        )
    if re.search(r"\\[1-9]|\(\?P[=>]|\(\?[=!<>(#]|[*+?}]\+", pattern):
        raise AlgorithmError(
            f"Invalid pattern '{pattern}': back references, look-around and possessive repeats are not part of RE2."
        )
    _refuse_blowup(pattern)
    try:
        return re.compile(pattern, re.ASCII)
    except (re.error, OverflowError) as error:
        raise AlgorithmError(f"Invalid pattern '{pattern}': {error}.") from error


def _refuse_blowup(pattern: str) -> None:
    """Refuse repeated groups that themselves repeat or choose, and many repeats in one alternative."""
    groups: list[bool] = []  # for each open group: does it hold a repeat or a choice?
    repeats = 0
    after_risky_group = False
    position = 0
    while position < len(pattern):
        character = pattern[position]
        repeat = character in "*+{" or (
            character == "?" and pattern[position - 1 : position] not in ("(", "*", "+", "}")
        )
        if repeat and (after_risky_group or repeats >= MAX_REPEATS_PER_ALTERNATIVE):
            raise AlgorithmError(
                f"The emulator does not run the pattern '{pattern}': a repeated group may not repeat or choose inside, "
                f"and an alternative may have {MAX_REPEATS_PER_ALTERNATIVE} repeats.",
                unsupported=True,
            )
        after_risky_group = False
        if repeat:
            repeats += 1
            groups = [True] * len(groups)
        elif character == "\\":
            position += 1
        elif character == "[":
            # A class ends at the first ']' that is neither its first character nor escaped.
            position += 2 if pattern[position + 1 : position + 2] == "^" else 1
            first = position
            while position < len(pattern) and (pattern[position] != "]" or position == first):
                position += 2 if pattern[position] == "\\" else 1
        elif character == "(":
            groups.append(False)
        elif character == ")" and groups:
            after_risky_group = groups.pop()
        elif character == "|":
            groups = [True] * len(groups)
            repeats = 0 if not groups else repeats
        position += 1
