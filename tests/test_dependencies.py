"""The dependency sets of the tests are the ends of the windows that pyproject.toml declares."""

import re
from importlib.metadata import requires
from pathlib import Path

LOWEST = Path(__file__).parent / "lowest.txt"


def declared_floors() -> dict[str, str]:
    floors = {}
    for requirement in requires("eegrpc") or ():
        name, _, marker = requirement.partition(";")
        if "extra" in marker and not re.search(r"extra == .(cli|emulator).", marker):
            continue
        match = re.match(r"([A-Za-z0-9-]+)(?:\[.*\])?.*>=([0-9.]+)", name)
        assert match, f"{requirement}: every dependency has a lower bound"
        floors[match.group(1).lower()] = match.group(2)
    return floors


def padded(version: str) -> tuple[int, ...]:
    parts = tuple(int(part) for part in version.split("."))
    return parts + (0,) * (4 - len(parts))


def test_the_lowest_set_holds_every_floor_of_pyproject() -> None:
    lines = [line for line in LOWEST.read_text().splitlines() if line and not line.startswith("#")]
    pinned = {name: padded(version) for name, version in (line.split("==") for line in lines)}
    floors = declared_floors()
    assert {name: pinned[name] for name in floors} == {name: padded(version) for name, version in floors.items()}


def test_known_vulnerable_releases_are_below_the_floors() -> None:
    """urllib3 GHSA-mf9v and GHSA-qccp end in 2.7.0, aiohttp's last in 3.14.3, protobuf CVE-2026-0994 in 6.33.5."""
    floors = {name: padded(version) for name, version in declared_floors().items()}
    assert floors["urllib3"] >= (2, 7)
    assert floors["aiohttp"] >= (3, 14, 3)
    assert floors["protobuf"] >= (6, 33, 5)
