"""``python -m eegrpc.emulator``: the same as ``eegrpc emulator``."""

import sys

from eegrpc.cli import main

if __name__ == "__main__":
    raise SystemExit(main(["emulator", *sys.argv[1:]]))
