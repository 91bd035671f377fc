"""Writes the pages of the documentation that are made from the code: ``python docs/build.py``."""

from pathlib import Path

from eegrpc.emulator.evaluation.coverage import functions_page

if __name__ == "__main__":
    (Path(__file__).parent / "emulator-functions.md").write_text(functions_page(), encoding="utf-8")
