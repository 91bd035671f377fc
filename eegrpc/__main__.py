"""``python -m eegrpc``: the command line."""

from eegrpc.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
