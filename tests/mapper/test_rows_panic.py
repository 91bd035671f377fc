"""Row MAP-30: a panic inside the native mapper is an error like others, and the next call works.

No input is known to make it panic, so this builds one that panics on purpose: the feature panic-for-tests of the crate.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

CRATE = Path(__file__).parents[2] / "rust"

# The build takes the place of the installed extension before eegrpc.mapper looks for it.
CHILD = """
import importlib.machinery, importlib.util, json, sys, threading

def load(path):
    name = "eegrpc.mapper._rust"
    loader = importlib.machinery.ExtensionFileLoader(name, path)
    module = importlib.util.module_from_spec(importlib.util.spec_from_file_location(name, path, loader=loader))
    loader.exec_module(module)
    sys.modules[name] = module

load(sys.argv[1])
from google.protobuf import struct_pb2
from eegrpc.mapper import IMPLEMENTATION, MapperError, MessageMapper

assert IMPLEMENTATION == "native"
mapper = MessageMapper(struct_pb2.Value.DESCRIPTOR)
padding = "x" * 100_000  # so much that it is mapped without the GIL
results = []

def call(value):
    try:
        mapper.to_wire(json.dumps(value).encode())
    except MapperError as error:
        results.append([error.kind, str(error)])
    except BaseException as error:
        results.append(["escaped", repr(error)])
    else:
        results.append(["fine", ""])

for value in ("panic for tests", "fine", [padding, "panic for tests"], [padding], {"a": ["panic for tests"]}, 1):
    call(value)
threads = [threading.Thread(target=call, args=([padding, "panic for tests"],)) for _ in range(8)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
call({"a": padding})
print(json.dumps(results))
"""


@pytest.fixture(scope="module")
def build(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the crate with panics, and return the extension module."""
    if shutil.which("cargo") is None:
        pytest.skip("no cargo on PATH")
    if not (CRATE / "Cargo.toml").exists():
        pytest.skip("no source of the crate")
    crate = ["--locked", "--manifest-path", str(CRATE / "Cargo.toml")]
    if subprocess.run(["cargo", "fetch", *crate], capture_output=True, check=False).returncode != 0:
        pytest.skip("the crate's dependencies cannot be had")
    # Beside the usual build: kept, so that only the first run takes its time.
    target = CRATE / "target" / "panic-for-tests"
    environment = os.environ | {"CARGO_TARGET_DIR": str(target)}
    command = ["cargo", "build", *crate, "--features", "panic-for-tests"]
    subprocess.run(command, env=environment, capture_output=True, check=True)
    for name in ("libeegrpc_mapper.so", "libeegrpc_mapper.dylib", "eegrpc_mapper.dll"):
        if (target / "debug" / name).exists():
            copy = tmp_path_factory.mktemp("panic") / ("_rust.pyd" if name.endswith("dll") else "_rust.abi3.so")
            return Path(shutil.copy(target / "debug" / name, copy))
    raise AssertionError("cargo built no library")


@pytest.mark.timeout(600)
def test_map_30_a_panic_is_an_error_and_the_next_call_works(build: Path) -> None:
    command = [sys.executable, "-c", CHILD, str(build)]
    environment = os.environ | {"EEGRPC_MAPPER": "native"}
    child = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    results = json.loads(child.stdout)
    assert [kind for kind, _ in results] == ["bug", "fine"] * 3 + ["bug"] * 8 + ["fine"]
    for kind, text in results:
        if kind == "bug":
            assert "a panic for tests" in text
            assert "report" in text
            assert len(text) < 512
