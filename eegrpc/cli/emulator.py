"""``eegrpc emulator``: the emulator as a server, until somebody ends it."""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import threading
from typing import TYPE_CHECKING

from eegrpc.cli.catalog_file import load_catalog
from eegrpc.cli.failures import FAILED, OK, USAGE, CommandError
from eegrpc.cli.terminal import Output
from eegrpc.transcoding.endpoint import is_loopback_host

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator
    from types import FrameType

    from eegrpc.cli.terminal import Messages
    from eegrpc.emulator import AnyCatalog, Emulator

__all__ = ["run"]


def run(arguments: argparse.Namespace, messages: Messages) -> int:
    """Run the command. stdout gets the variable that leads clients here, stderr all that is for people."""
    output = Output()
    stop = threading.Event()
    with _signals(stop):
        catalog = load_catalog(arguments.catalog)
        emulator = _emulator(arguments, catalog)
        try:
            _start(emulator, arguments)
            with _port_file(arguments.port_file, emulator.port):
                _announce(arguments, emulator, catalog, output, messages)
                while not stop.wait(1.0):  # on Windows, signals wait for a wait to end
                    pass
        finally:
            emulator.stop()
    messages.say("stopped")
    return OK


@contextlib.contextmanager
def _signals(stop: threading.Event) -> Iterator[None]:
    """Let SIGINT and SIGTERM set `stop`; a second one does what it always did."""

    def end(number: int, frame: FrameType | None) -> None:  # noqa: ARG001
        stop.set()
        restore()

    def restore() -> None:
        for number, handler in before.items():
            signal.signal(number, handler)

    before = {number: signal.signal(number, end) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        restore()


def _emulator(arguments: argparse.Namespace, catalog: AnyCatalog) -> Emulator:
    from eegrpc.emulator import Emulator, FaultPlan, Quota

    options = {} if arguments.max_page_size is None else {"max_page_size": arguments.max_page_size}
    try:
        return Emulator(
            catalog,
            host=arguments.host,
            port=arguments.port,
            faults=FaultPlan(arguments.fault, seed=arguments.seed) if arguments.fault else None,
            quota=None if arguments.quota is None else Quota.parse(arguments.quota),
            control=arguments.control,
            **options,
        )
    except ValueError as error:
        raise CommandError(USAGE, str(error), "eegrpc emulator --help has examples.") from error


def _start(emulator: Emulator, arguments: argparse.Namespace) -> None:
    try:
        emulator.start()
    except OSError as error:
        where = f"{arguments.host}, port {arguments.port}"
        if error.errno == errno.EADDRINUSE:
            hint = "Choose another with --port (0 takes any free one), or end what listens there."
            raise CommandError(FAILED, f"cannot listen on {where}: the port is in use", hint) from error
        raise CommandError(FAILED, f"cannot listen on {where}: {error.strerror or error}") from error


@contextlib.contextmanager
def _port_file(path: str | None, port: int) -> Iterator[None]:
    """Keep the port in a file, which appears complete and goes at the end."""
    if path is None:
        yield
        return
    try:
        with open(f"{path}.{os.getpid()}", "w", encoding="ascii") as file:
            file.write(f"{port}\n")
        os.replace(file.name, path)
    except OSError as error:
        raise CommandError(FAILED, f"cannot write the port file {path}: {error.strerror or error}") from error
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            os.remove(path)


def _announce(
    arguments: argparse.Namespace, emulator: Emulator, catalog: AnyCatalog, output: Output, messages: Messages
) -> None:
    host = arguments.host
    if not is_loopback_host(host):
        messages.say(("WARNING: ", "bold red"), f"{host} is open to other machines. The emulator has no passwords")
        messages.say("         and no encryption: whoever reaches it can use it, and read along.")
    collections = catalog.collections()
    messages.say(("Earth Engine emulator", "bold"), f" on {emulator.endpoint}, gRPC and REST; Ctrl-C ends it")
    messages.say(f"{sum(collections.values()):,} images in {len(collections)} collections:")
    for name, count in collections.items():
        messages.say(("  ", ""), f"{count:>6,}  {name}")
    if arguments.fault:
        messages.say(f"faults, with seed {arguments.seed}: {', '.join(arguments.fault)}")
    if arguments.quota:
        messages.say(f"quota of each project: {arguments.quota}")
    output.line(f"export EARTHENGINE_EMULATOR_HOST={_reachable(host)}:{emulator.port}")
    output.flush()


def _reachable(host: str) -> str:
    """Return where clients on this machine find a server that listens on `host`."""
    host = {"0.0.0.0": "127.0.0.1", "": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104
    return f"[{host}]" if ":" in host else host
