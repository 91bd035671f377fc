"""Coverage-guided fuzzing of the Python boundary: mapper and google.protobuf.json_format, held against each other.

    pip install atheris
    python fuzz/atheris_mapper.py [--implementation=native|python] [libFuzzer's options] [CORPUS]

Input: a byte for the type, one for the options and the direction, then JSON text or wire bytes. Coverage is that of
json_format and, for the Python mapper, of the mapper: what is new to them is worth keeping.
"""

from __future__ import annotations

import logging
import sys
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["google.protobuf.json_format", "google.protobuf.internal", "eegrpc.mapper"]):
    from google.protobuf import json_format  # noqa: F401 to have it instrumented before anybody else imports it

    import eegrpc.mapper

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests" / "mapper"))

import differences
import schemas
from differential import OPTIONS, Runner

FLAG = "--implementation="
_names = [argument[len(FLAG) :] for argument in sys.argv if argument.startswith(FLAG)]
_runner = Runner(_names[-1] if _names else eegrpc.mapper.IMPLEMENTATION)


def one(data: bytes) -> None:
    """Compare what mapper and json_format make of one input."""
    if len(data) < 2:
        return
    reference, mapper = _runner.pair(schemas.ROOTS[data[0] % len(schemas.ROOTS)], (data[1] >> 1) % len(OPTIONS))
    if data[1] & 1:
        found = reference.check_wire(mapper, data[2:], round_trip=False)
    else:
        found = reference.check_json(mapper, data[2:])
    if found is not None and not differences.explain(found, mapper):
        raise AssertionError(found)


def main() -> None:
    """Fuzz until libFuzzer's options say stop."""
    logging.getLogger("eegrpc.mapper").setLevel(logging.CRITICAL)  # it tells of every name that it skips
    atheris.Setup([argument for argument in sys.argv if not argument.startswith(FLAG)], one)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
