"""Generate the Python client that Google would release for our protos, as `gapic-generator` makes those of its APIs.

    python -m benchmarks.comparison.generate_gapic

writes it to build/gapic, which is not committed. The generator and protoc come from PyPI, into an environment of their
own, build/gapic-tools, so that what they need does not change what is measured.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

__all__ = ["GENERATED", "generate"]

ROOT = Path(__file__).resolve().parents[2]
PROTOS = ROOT / "protos"
TOOLS = ROOT / "build" / "gapic-tools"
GENERATED = ROOT / "build" / "gapic"
"""Where the client is: the folder that a Python path has to have."""

PINS = ("gapic-generator==1.44.0", "grpcio-tools==1.85.1")
# As Google's own clients are: with all transports. Snippets are examples, which nobody runs here.
OPTIONS = "transport=grpc+rest,autogen-snippets=False"


def generate() -> None:
    """Write the client anew.

    Raises:
        subprocess.CalledProcessError: A command failed; what it said is on stderr.
    """
    if not TOOLS.exists():
        _run(sys.executable, "-m", "venv", TOOLS)
    python, plugin = (TOOLS / "bin" / name for name in ("python", "protoc-gen-python_gapic"))
    _run(python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *PINS)
    packages = _output(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))")
    sources = sorted(path.relative_to(PROTOS) for path in PROTOS.rglob("*.proto"))
    protoc = (python, "-m", "grpc_tools.protoc")
    imports = (f"-I{PROTOS}", f"-I{packages}/grpc_tools/_proto", f"-I{packages}")
    with tempfile.TemporaryDirectory() as scratch:
        # By way of descriptors, which have no comments: those the generator would give to pandoc, a program of 100 MB.
        descriptors = f"{scratch}/protos.bin"
        _run(*protoc, *imports, "--include_imports", f"--descriptor_set_out={descriptors}", *sources)
        _run(
            *protoc,
            f"--descriptor_set_in={descriptors}",
            f"--plugin=protoc-gen-python_gapic={plugin}",
            f"--python_gapic_out={scratch}",
            f"--python_gapic_opt={OPTIONS}",
            *sources,
        )
        # Besides the package there are tests and docs, which must not be on a path where others are looked for.
        shutil.rmtree(GENERATED, ignore_errors=True)
        shutil.copytree(f"{scratch}/google", GENERATED / "google")


def _run(*command: str | Path) -> None:
    subprocess.run(command, check=True)


def _output(*command: str | Path) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


if __name__ == "__main__":
    generate()
    print(GENERATED.relative_to(ROOT))
