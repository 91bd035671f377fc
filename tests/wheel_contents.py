"""Check that the one wheel in a folder has what it needs; with EEGRPC_MAPPER=native, the native mapper too.

python tests/wheel_contents.py FOLDER
"""

from __future__ import annotations

import os
import sys
import zipfile
from pathlib import Path

WANTED = {
    "eegrpc/cli/demonstration.json",
    "eegrpc/mapper/_rust.pyi",
    "eegrpc/py.typed",
    "eegrpc/v1alpha/asset_pb2.pyi",
}


def main(folder: str) -> None:
    """Raise unless the wheel is as it should be."""
    (wheel,) = Path(folder).glob("*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    assert names >= WANTED, WANTED - names
    foreign = {name for name in names if name.split("/")[0] != "eegrpc" and ".dist-info/" not in name}
    assert not foreign, foreign
    native = {name for name in names if name.startswith("eegrpc/mapper/_rust.") and name.endswith((".so", ".pyd"))}
    if os.environ.get("EEGRPC_MAPPER") == "native":
        assert len(native) == 1, native
        assert "-abi3-" in wheel.name, wheel.name
    print(wheel.name, "with" if native else "without", "the native mapper")


if __name__ == "__main__":
    main(sys.argv[1])
