"""BLD: what is built, from what, and for which interpreters."""

from __future__ import annotations

import configparser
import os
import pkgutil
import re
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import wheel_contents

import eegrpc
from eegrpc.mapper import NATIVE_FAILURE

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).parents[1]
RUST = ROOT / "rust"


def section(text: str, name: str) -> str:
    """Return one table of a TOML file, as text: Python 3.10 has no reader for it."""
    found = re.search(rf"^\[{re.escape(name)}\]\n(.*?)(?=^\[|\Z)", text, re.MULTILINE | re.DOTALL)
    assert found is not None, name
    return found[1]


def tox() -> configparser.ConfigParser:
    parser = configparser.ConfigParser(interpolation=None)
    parser.read(ROOT / "tox.ini", encoding="utf-8")
    return parser


def test_bld_02_tox_runs_the_tests_on_both_ends_of_what_is_allowed() -> None:
    found = tox()
    names = re.split(r",\s*", found["tox"]["env_list"])
    assert {"tests-lowest", "tests-highest"} <= set(names)
    assert "tests/lowest.txt" in found["testenv:tests-lowest"]["set_env"]  # test_dependencies.py holds it to pyproject
    assert 'requires-python = ">=3.10"' in (ROOT / "pyproject.toml").read_text("utf-8")
    # The ends of the window of Pythons are there to be asked for: ``tox -e tests-oldest-python,tests-newest-python``.
    assert found["testenv:tests-oldest-python"]["base_python"] == "python3.10"
    assert found["testenv:tests-newest-python"]["base_python"] == "python3.13"


def test_bld_03_the_crate_is_built_to_be_safe() -> None:
    """How its tests, and its fuzz targets, run under the sanitizers is in docs/fuzzing.md, and what they found."""
    cargo = (RUST / "Cargo.toml").read_text("utf-8")
    assert re.search(r'^unsafe_code = "forbid"$', section(cargo, "lints.rust"), re.MULTILINE)
    release = section(cargo, "profile.release")
    assert re.search(r"^overflow-checks = true$", release, re.MULTILINE)
    assert re.search(r'^panic = "unwind"$', release, re.MULTILINE)
    for source in (RUST / "src").rglob("*.rs"):
        assert not re.search(r"\bunsafe\s*(\{|fn|impl)|allow\(unsafe_code", source.read_text("utf-8")), source


NOT_IMPORTED = ("__main__", "_rust") if NATIVE_FAILURE is None else ("__main__", "_rust", "mapper._native")
MODULES = sorted(
    name for _, name, _ in pkgutil.walk_packages(eegrpc.__path__, "eegrpc.") if not name.endswith(NOT_IMPORTED)
)


@pytest.mark.parametrize("flags", [["-O"], ["-OO"], ["-bb"], ["-W", "error"], ["-X", "dev"]], ids="BLD-05-{}".format)
def test_all_modules_are_imported_by_interpreters_with_unusual_settings(flags: list[str]) -> None:
    """tox -e hostile-interpreter runs tests under such, too."""
    environment = os.environ | {"LANG": "C", "LC_ALL": "C", "PYTHONUTF8": "0"}
    program = f"import importlib\nfor name in {MODULES!r}: importlib.import_module(name)"
    subprocess.run([sys.executable, *flags, "-c", program], check=True, env=environment, timeout=60)


def write_wheel(path: Path, names: list[str]) -> None:
    with zipfile.ZipFile(path, "w") as wheel:
        for name in names:
            wheel.writestr(name, "")


def write_sdist(path: Path, files: dict[str, str], tmp_path: Path) -> None:
    with tarfile.open(path, "w:gz") as sdist:
        for name, text in files.items():
            (tmp_path / "file").write_text(text)
            sdist.add(tmp_path / "file", f"eegrpc-1/{name}")


WHEEL = sorted(wheel_contents.WANTED)
SDIST = dict.fromkeys(wheel_contents.WANTED_IN_SDIST, "")


@pytest.mark.parametrize(
    ("spoil", "complaint"),
    [
        pytest.param(lambda wheel, sdist: None, "", id="BLD-06-as-it-should-be"),
        pytest.param(lambda wheel, sdist: wheel.append("tests/data/x"), "tests/data/x", id="BLD-06-tests"),
        pytest.param(lambda wheel, sdist: wheel.append("eegrpc/key.pem"), "key.pem", id="BLD-06-key"),
        pytest.param(lambda wheel, sdist: wheel.append("eegrpc/../../x"), "x", id="BLD-06-climbing"),
        pytest.param(lambda wheel, sdist: wheel.remove("eegrpc/py.typed"), "py.typed", id="BLD-06-lacking"),
        pytest.param(lambda wheel, sdist: sdist.update({"NOTES.md": ""}), "NOTES.md", id="BLD-06-notes"),
        pytest.param(lambda wheel, sdist: sdist.update({"tests/data/a.ndjson": ""}), "a.ndjson", id="BLD-06-test-data"),
        pytest.param(
            lambda wheel, sdist: sdist.update({"rust/src/lib.rs": "/home/me/x"}), "/home/me", id="BLD-06-absolute-path"
        ),
        pytest.param(
            lambda wheel, sdist: sdist.update({"rust/src/lib.rs": "-----BEGIN PRIVATE KEY-----"}),
            "lib.rs",
            id="BLD-06-private-key",
        ),
    ],
)
def test_the_check_of_packages_finds_what_does_not_belong(
    spoil: Callable[[list[str], dict[str, str]], object],
    complaint: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """`tox -e package` builds the real ones, twice, and checks these."""
    monkeypatch.delenv("EEGRPC_MAPPER", raising=False)
    wheel, sdist = list(WHEEL), dict(SDIST)
    spoil(wheel, sdist)
    (tmp_path / "built").mkdir()
    write_wheel(tmp_path / "built" / "eegrpc-1-py3-none-any.whl", wheel)
    write_sdist(tmp_path / "built" / "eegrpc-1.tar.gz", sdist, tmp_path)
    if not complaint:
        wheel_contents.check(tmp_path / "built")
        return
    with pytest.raises(AssertionError, match=re.escape(complaint)):
        wheel_contents.check(tmp_path / "built")
