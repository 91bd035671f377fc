"""Every row of the fault matrix (data/fault_rows.txt) has a test that carries its id, or a written reason why not.

A test carries an id in its name (``test_pag_02_…``) or as its parameters' id (``PAG-02-…``).
"""

import re
from pathlib import Path

import pytest

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


def test_the_matrix_is_whole() -> None:
    assert len(ROWS) == len(set(ROWS)) == 168


@pytest.mark.parametrize("row", ROWS)
def test_the_row_has_a_test_that_carries_its_id(row: str) -> None:
    assert (row in CARRIED) is (row not in REASONS), "takes a test, or a reason, and not both"


def test_only_rows_of_the_matrix_are_named() -> None:
    assert {*CARRIED, *REASONS} <= set(ROWS)
