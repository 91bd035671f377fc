"""Check what is in a folder with one wheel and one sdist; with EEGRPC_MAPPER=native, the wheel has the native mapper.

python tests/wheel_contents.py FOLDER [--again]

With --again, the wheel is built once more, from the sdist, and must be the same bytes: SOURCE_DATE_EPOCH has to be set.
"""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path, PurePosixPath

WANTED = {
    "eegrpc/cli/demonstration.json",
    "eegrpc/emulator/status_page/land.txt",
    "eegrpc/emulator/status_page/page.css",
    "eegrpc/emulator/status_page/page.html",
    "eegrpc/emulator/status_page/page.js",
    "eegrpc/mapper/_rust.pyi",
    "eegrpc/py.typed",
    "eegrpc/v1alpha/asset_pb2.pyi",
}
WANTED_IN_SDIST = {
    ".cargo/config.toml",
    "LICENSE",
    "README.md",
    "build_protos.py",
    "protos/eegrpc/v1alpha/earth_engine.proto",
    "pyproject.toml",
    "rust/Cargo.lock",
    "rust/src/lib.rs",
}
_SDIST = re.compile(
    r"(\.cargo|eegrpc|eegrpc\.egg-info|protos|rust)/.*|LICENSE|MANIFEST\.in|PKG-INFO|README\.md|build_protos\.py"
    r"|pyproject\.toml|setup\.cfg"
)
_KINDS = {"", ".cfg", ".in", ".json", ".lock", ".md", ".proto", ".py", ".pyd", ".pyi", ".rs", ".so", ".toml", ".txt"}
_KINDS |= {".css", ".gitignore", ".html", ".js", ".svg", ".typed"}
_FOREIGN_TEXT = re.compile(rb"/(home|root|Users)/[\w.-]+/?|-----BEGIN [A-Z ]*PRIVATE KEY-----|\"private_key\"")


def _insist(truth: bool, what: object) -> None:
    """Raise AssertionError with `what`; an assert statement would do nothing where python -O runs."""
    if not truth:
        raise AssertionError(what)


def check(folder: Path) -> None:
    """Raise AssertionError unless the packages are as they should be."""
    wheel, files = read_wheel(folder)
    _insist(files.keys() >= WANTED, WANTED - files.keys())
    foreign = {name for name in files if name.split("/")[0] != "eegrpc" and ".dist-info/" not in name}
    _insist(not foreign, foreign)
    native = {name for name in files if name.startswith("eegrpc/mapper/_rust.") and name.endswith((".so", ".pyd"))}
    if os.environ.get("EEGRPC_MAPPER") == "native":
        _insist(len(native) == 1, native)
        _insist("-abi3-" in wheel.name, wheel.name)
    check_files(files)

    (sdist,) = folder.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        members = [member for member in archive.getmembers() if member.isfile()]
        files = {member.name.partition("/")[2]: archive.extractfile(member).read() for member in members}  # type: ignore[union-attr]
    _insist(files.keys() >= WANTED_IN_SDIST, WANTED_IN_SDIST - files.keys())
    foreign = {name for name in files if not _SDIST.fullmatch(name)}
    _insist(not foreign, foreign)
    check_files(files)
    print(wheel.name, "with" if native else "without", "the native mapper;", sdist.name)


def check_files(files: dict[str, bytes]) -> None:
    """Raise AssertionError for a file of a strange kind or name, or one that has a key or a path of the builder's."""
    for name, content in files.items():
        path = PurePosixPath(name)
        _insist(not path.is_absolute(), name)
        _insist(".." not in path.parts, name)
        _insist(path.suffix in _KINDS or ".dist-info/" in name, name)
        found = _FOREIGN_TEXT.search(content)
        _insist(found is None, f"{name} has {found[0]!r}" if found else name)


def read_wheel(folder: Path) -> tuple[Path, dict[str, bytes]]:
    """Return the path of the one wheel, and its files."""
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        return wheel, {name: archive.read(name) for name in archive.namelist()}


def check_same_again(folder: Path) -> None:
    """Raise AssertionError unless the sdist makes the same wheel once more, elsewhere."""
    (sdist,) = folder.glob("*.tar.gz")
    one, ones = read_wheel(folder)
    with tempfile.TemporaryDirectory() as elsewhere:
        subprocess.run([sys.executable, "-m", "build", "--wheel", "--outdir", elsewhere, str(sdist)], check=True)
        other, others = read_wheel(Path(elsewhere))
        unlike = {name for name in ones.keys() | others.keys() if ones.get(name) != others.get(name)}
        _insist(not unlike, f"they differ in {unlike}")
        _insist(one.read_bytes() == other.read_bytes(), "the files are the same, their order, dates or modes are not")
    print("built twice alike:", hashlib.sha256(one.read_bytes()).hexdigest())


if __name__ == "__main__":
    built = Path(sys.argv[1])
    check(built)
    if "--again" in sys.argv[2:]:
        check_same_again(built)
