"""Which implementation maps: visible, and never chosen unseen. Each case is a process of its own."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import eegrpc
from eegrpc import mapper
from eegrpc.mapper import MessageMapper
from eegrpc.v1alpha import ComputeImagesResponse

SHOW = "from eegrpc import mapper; print(mapper.IMPLEMENTATION, mapper.NATIVE_FAILURE)"
BUILT = mapper.NATIVE_FAILURE is None


def run(program: str, *, wanted: str | None = None, path: Path | None = None) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if name != "EEGRPC_MAPPER"}
    if wanted is not None:
        environment["EEGRPC_MAPPER"] = wanted
    if path is not None:
        environment["PYTHONPATH"] = str(path)
    # With -c the working directory comes first on the path.
    command = [sys.executable, "-c", program]
    return subprocess.run(command, env=environment, cwd=path, capture_output=True, text=True, check=False)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the package without the native mapper, to be put first on the path."""
    package = Path(eegrpc.__file__).parent
    ignored = shutil.ignore_patterns("_rust*.so", "_rust*.pyd", "__pycache__", "emulator", "cli")
    shutil.copytree(package, tmp_path / "eegrpc", ignore=ignored)
    return tmp_path


def test_the_implementation_of_a_mapper_is_the_one_that_was_chosen() -> None:
    assert MessageMapper(ComputeImagesResponse.DESCRIPTOR).implementation == mapper.IMPLEMENTATION
    assert MessageMapper(ComputeImagesResponse.DESCRIPTOR, implementation="python").implementation == "python"
    with pytest.raises(ValueError, match="implementation='fast'"):
        MessageMapper(ComputeImagesResponse.DESCRIPTOR, implementation="fast")  # type: ignore[arg-type]


def test_where_the_native_one_must_be_it_is_the_one_in_use() -> None:
    """Continuous integration sets EEGRPC_MAPPER=native: there, no fallback can pass unseen."""
    if os.environ.get("EEGRPC_MAPPER") == "native":
        assert mapper.IMPLEMENTATION == "native"
        assert BUILT


def test_python_can_be_forced() -> None:
    assert run(SHOW, wanted="python").stdout.startswith("python ")


@pytest.mark.skipif(not BUILT, reason="no native mapper")
@pytest.mark.parametrize("wanted", [None, "", "native"])
def test_native_is_the_default_where_it_is_built(wanted: str | None) -> None:
    assert run(SHOW, wanted=wanted).stdout == "native None\n"


def test_another_name_is_refused() -> None:
    assert "ImportError: EEGRPC_MAPPER='fast' is not one of: native, python" in run(SHOW, wanted="fast").stderr


def test_bld_01_without_the_native_one_python_maps_and_nobody_is_bothered(copy: Path) -> None:
    outcome = run(SHOW, path=copy)
    assert outcome.stdout.startswith("python No module named")
    assert outcome.stderr == ""


def test_bld_01_a_broken_native_one_is_passed_over_with_a_warning(copy: Path) -> None:
    (copy / "eegrpc" / "mapper" / "_rust.abi3.so").write_bytes(b"not a library")
    outcome = run(SHOW, path=copy)
    assert outcome.stdout.startswith("python ")
    assert "native mapper is broken, so the slow one is used" in outcome.stderr


@pytest.mark.parametrize("content", [None, b"not a library"])
def test_bld_01_forcing_a_native_one_that_is_not_there_is_an_error(copy: Path, content: bytes | None) -> None:
    if content is not None:
        (copy / "eegrpc" / "mapper" / "_rust.abi3.so").write_bytes(content)
    outcome = run(SHOW, wanted="native", path=copy)
    assert outcome.returncode == 1
    assert "ImportError: EEGRPC_MAPPER=native, but the native mapper cannot be loaded" in outcome.stderr
