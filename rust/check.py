"""Run the crate's tests and linters, where there is a Rust toolchain; with EEGRPC_MAPPER=native there must be one."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

COMMANDS = (
    ["cargo", "test", "--locked", "--no-default-features"],
    ["cargo", "fmt", "--check"],
    ["cargo", "clippy", "--locked", "--all-targets", "--", "--deny", "warnings"],
)


def main() -> int:
    """Return the exit code."""
    if shutil.which("cargo") is None:
        print("skipped: there is no cargo on PATH, so the native mapper cannot be checked here")
        return int(os.environ.get("EEGRPC_MAPPER") == "native")
    for command in COMMANDS:
        print("$", " ".join(command), flush=True)
        code = subprocess.run(command, cwd=Path(__file__).parent, check=False).returncode
        if code:
            return code
    return 0


if __name__ == "__main__":
    sys.exit(main())
