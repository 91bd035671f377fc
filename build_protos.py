"""Compile protos/ into eegrpc/v1alpha/, and check that the committed result is what the protos give.

The generated files are committed, so that installing eegrpc needs no protoc. Their oldest supported runtime is set by
the pinned compiler (``tox -e protos`` has the pins): code from protoc 31.1 loads on every protobuf 6 and 7.

    python build_protos.py            # write
    python build_protos.py --check    # exit 1 and name the files that are stale, missing or left over
"""

from __future__ import annotations

import argparse
import filecmp
import shutil
import sys
import sysconfig
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent
PROTOS = ROOT / "protos"
PACKAGE = Path("eegrpc") / "v1alpha"
GENERATED = ("*_pb2.py", "*_pb2.pyi", "*_pb2_grpc.py", "*_pb2_grpc.pyi")


def compile_protos(out: Path) -> None:
    """Compile every file of protos/ into `out`, which must exist."""
    from grpc_tools import protoc  # only here: reading this file's docstring needs no compiler

    sources = sorted(str(path.relative_to(PROTOS)) for path in PROTOS.rglob("*.proto"))
    arguments = [
        "protoc",
        f"-I{PROTOS}",
        f"-I{Path(protoc.__file__).parent / '_proto'}",
        f"-I{sysconfig.get_paths()['purelib']}",  # google/api/*.proto of googleapis-common-protos
        f"--python_out={out}",
        f"--pyi_out={out}",
        f"--grpc_python_out={out}",
        f"--mypy_grpc_out={out}",
        *sources,
    ]
    if protoc.main(arguments) != 0:
        raise SystemExit("protoc failed; its message is above")
    for source in sources:  # protoc writes a stub module for every file; one without a service would be empty
        if "\nservice " not in (PROTOS / source).read_text(encoding="utf-8"):
            for suffix in ("_pb2_grpc.py", "_pb2_grpc.pyi"):
                (out / source.replace(".proto", suffix)).unlink()


def generated_files(directory: Path) -> set[str]:
    """Names of the generated files in `directory`."""
    return {path.name for pattern in GENERATED for path in directory.glob(pattern)}


def main() -> int:
    """Write the generated files, or compare them with --check; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="compare only, and exit 1 on a difference")
    check = parser.parse_args().check

    committed = ROOT / PACKAGE
    with tempfile.TemporaryDirectory() as scratch:
        compile_protos(Path(scratch))
        fresh = Path(scratch) / PACKAGE
        names = generated_files(fresh)
        if check:
            same, _, _ = filecmp.cmpfiles(fresh, committed, names, shallow=False)
            stale = (names | generated_files(committed)) - set(same)
            if stale:
                print("stale, missing or left over in", PACKAGE, "-", ", ".join(sorted(stale)))
                print("run: python build_protos.py")
            return 1 if stale else 0
        for name in generated_files(committed) - names:
            (committed / name).unlink()
        for name in sorted(names):
            shutil.copyfile(fresh / name, committed / name)
            print("wrote", PACKAGE / name)
    return 0


if __name__ == "__main__":
    sys.exit(main())
