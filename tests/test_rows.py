"""Every row of the fault matrix (data/fault_rows.txt) has a test that carries its id, or a written reason why not.

A test carries an id in its name (``test_pag_02_…``) or as its parameters' id (``PAG-02-…``).
"""

import re
from pathlib import Path

import pytest


def rows(prefix: str, *numbers: int) -> set[str]:
    return {f"{prefix}-{number:02}" for number in numbers}


HERE = Path(__file__).parent
ROWS = re.findall(r"^([A-Z]{3}-\d\d) ", (HERE / "data" / "fault_rows.txt").read_text("utf-8"), re.MULTILINE)
TESTS = "\n".join(path.read_text("utf-8") for path in HERE.rglob("*.py") if path.name != Path(__file__).name)
CARRIED = {
    name.upper().replace("_", "-")
    for name in re.findall(r"def test_([a-z]{3}_\d\d)_|id=f?\"([A-Z]{3}-\d\d)|\"([A-Z]{3}-\d\d)-", TESTS)
    for name in name
    if name
}

REASONS: dict[str, str] = {}
"""Rows that cannot have a test here, and why."""

NOT_YET = {
    *rows("HTT", 18, 23, 24),
    *rows("GRP", *range(4, 9)),
    *rows("PAG", 4),
    *rows("CON", 8, 9, 10, 12),
}
"""Rows whose tests are being written. This set shrinks to nothing: whoever adds a row's test takes the row out."""


def test_the_matrix_is_whole() -> None:
    assert len(ROWS) == len(set(ROWS)) == 168


@pytest.mark.parametrize("row", ROWS)
def test_the_row_has_a_test_that_carries_its_id(row: str) -> None:
    without = row in REASONS or row in NOT_YET
    assert (row in CARRIED) is not without, "takes a test, or a reason; and no more of these than one"


def test_only_rows_of_the_matrix_are_named() -> None:
    assert {*CARRIED, *REASONS, *NOT_YET} <= set(ROWS)
