"""Every fault row that has been taken up has a test that carries its id.

Rows are cases of the fault matrix by which the project is built: FBK fallback, HTT HTTP, GRP native gRPC, TPL path
templates, AUT credentials, PAG paging, RET retries, CON threads and forks, EMU the emulator, MAP the mapper, BLD the
build. A test carries an id in its name (``test_pag_02_…``) or as its parameters' id (``PAG-02-…``).
"""

import re
from pathlib import Path

import pytest


def rows(prefix: str, *numbers: int) -> list[str]:
    return [f"{prefix}-{number:02}" for number in numbers]


ROWS = [
    *rows("TPL", *range(1, 13)),
    *rows("FBK", *range(1, 8)),
    *rows("HTT", *range(1, 18), 19, 20, 21, *range(25, 30)),
    *rows("GRP", 1, 2, 3, *range(9, 18)),
    *rows("AUT", 1, 2, 3, *range(6, 14)),
    *rows("CON", *range(1, 8), 11, 13),
    *rows("PAG", *range(1, 11)),
    *rows("CLI", *range(1, 6)),
    *rows("RET", *range(1, 16)),
    *rows("EMU", 5, 6, 7),
    *rows("MAP", *range(1, 33)),
    "BLD-01",
    "BLD-04",
]
TESTS = {path: path.read_text() for path in Path(__file__).parent.rglob("*.py") if path.name != Path(__file__).name}


@pytest.mark.parametrize("row", ROWS)
def test_the_row_has_a_test_that_carries_its_id(row: str) -> None:
    name = re.compile(rf"def test_{row.lower().replace('-', '_')}_|id=f?\"{row}|\"{row}-")
    assert any(name.search(text) for text in TESTS.values())
