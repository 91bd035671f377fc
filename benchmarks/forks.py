"""Forks under load: children of a process that uses a client go on with that client, and every answer is checked.

    python benchmarks/forks.py --transport rest --children 100 --calls 20 --busy 4
    python benchmarks/forks.py --table

Servers run in a process of their own. Each call carries a tag, which the answer must repeat. The parent forks while it
is idle, or (`--busy N`) while N of its threads are calling; it must go on without an error, too. A child that takes
longer than `--patience` seconds is counted as hung, and killed.

`--table` makes the usual cases: 4 workers of 200 calls, with clients that were unused or used before the fork, by fork,
spawn and gunicorn with preloading, over gRPC and REST, without retries. It fails if anything went wrong.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import eegrpc

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

TESTS = Path(__file__).parents[1] / "tests"
EXPRESSION = {"result": "0", "values": {"0": {"constantValue": 1}}}


def ask(client: eegrpc.EarthEngineClient, tag: str) -> None:
    """Call once; raise if the answer is another call's."""
    page = next(iter(client.compute_images(EXPRESSION, project="p", page_token=tag, timeout=20).pages))
    if page.next_page_token != tag:
        raise AssertionError(f"crossed: asked {tag}, got {page.next_page_token}")


def connect(arguments: argparse.Namespace, port: int) -> eegrpc.EarthEngineClient:
    """Return a client as the arguments say."""
    retry = eegrpc.RetryPolicy() if arguments.retry else None
    return eegrpc.EarthEngineClient(endpoint=f"http://127.0.0.1:{port}", transport=arguments.transport, retry=retry)


def child(client: eegrpc.EarthEngineClient, name: str, calls: int, results: Connection) -> None:
    """Call, and tell how it went."""
    problems: Counter[str] = Counter()
    for number in range(calls):
        try:
            ask(client, f"{name}-{number}")
        except Exception as error:  # noqa: BLE001 (all are counted)
            problems[f"{type(error).__name__}: {error}"[:200]] += 1
    results.send(dict(problems))


def child_from_scratch(arguments: argparse.Namespace, port: int, name: str, calls: int, results: Connection) -> None:
    """Do the same with a client of its own: they cannot be sent to processes that are not forked."""
    with connect(arguments, port) as client:
        child(client, name, calls, results)


def serve(arguments: argparse.Namespace) -> None:
    """Serve gRPC or REST until standard input ends."""
    sys.path.insert(0, str(TESTS))
    from servers import ScriptedServicer, grpc_server, rest_server

    with (rest_server if arguments.serve == "rest" else grpc_server)(ScriptedServicer()) as port:
        print(port, flush=True)
        sys.stdin.read()


def run(arguments: argparse.Namespace, port: int) -> dict[str, object]:
    """Start children as the arguments say, and return what became of them."""
    client = connect(arguments, port)
    problems: Counter[str] = Counter()
    stop = threading.Event()

    def keep_calling(name: str) -> None:
        number = 0
        while not stop.is_set():
            number += 1
            try:
                ask(client, f"{name}-{number}")
            except Exception as error:  # noqa: BLE001 (all are counted)
                problems[f"parent: {error}"[:200]] += 1

    if not arguments.unused:
        ask(client, "first")
    threads = [threading.Thread(target=keep_calling, args=(f"thread{n}",)) for n in range(arguments.busy)]
    for thread in threads:
        thread.start()
    exits: Counter[str] = Counter()
    reported = hung = 0
    started = time.monotonic()
    context = multiprocessing.get_context(arguments.method)
    for first in range(0, arguments.children, arguments.together):
        children = []
        for number in range(first, min(first + arguments.together, arguments.children)):
            reader, writer = context.Pipe(duplex=False)
            name = f"child{number}"
            if arguments.method == "fork":
                each = context.Process(target=child, args=(client, name, arguments.calls, writer))
            else:
                each = context.Process(target=child_from_scratch, args=(arguments, port, name, arguments.calls, writer))
            each.start()
            writer.close()
            children.append((each, reader))
        until = time.monotonic() + arguments.patience
        for each, reader in children:
            each.join(max(until - time.monotonic(), 0))
            if each.is_alive():
                hung += 1
                each.kill()
                each.join()
            elif each.exitcode:
                exits[str(each.exitcode)] += 1
            else:
                problems.update(reader.recv())
                reported += 1
            reader.close()
    stop.set()
    for thread in threads:
        thread.join()
    ask(client, "last")
    return {
        "children": arguments.children,
        "reported": reported,
        "hung": hung,
        "exits": exits,
        "problems": problems,
        "seconds": round(time.monotonic() - started, 1),
    }


def table() -> int:
    """Make the usual cases, print a line for each, and return the exit code."""
    sys.path.insert(0, str(TESTS))
    import test_forks
    from servers import ScriptedServicer, grpc_server, rest_server

    failed = 0
    print("| processes | client | channel | answered | errors | hung, or crashed | seconds |")
    print("|---|---|---|---|---|---|---|")
    for transport in ("grpc", "rest"):
        for method, options, state in (
            ("fork", ("--unused",), "unused"),
            ("fork", (), "used"),
            ("spawn", (), "each its own"),
        ):
            command = [sys.executable, __file__, "--transport", transport, "--method", method, *options]
            done = subprocess.run(
                [*command, "--children", "4", "--calls", "200"],
                capture_output=True,
                check=True,
                env={**os.environ, "GRPC_VERBOSITY": "NONE"},
            )
            found = json.loads(done.stdout)
            errors, lost = sum(found["problems"].values()), found["hung"] + sum(found["exits"].values())
            failed += errors + lost
            answered = 200 * found["reported"] - errors
            print(
                f"| {method} | {state} | {transport} | {answered} | {errors} | {lost} | {found['seconds']} |",
                flush=True,
            )
        for used in (False, True):
            with (rest_server if transport == "rest" else grpc_server)(ScriptedServicer()) as port:
                started = time.monotonic()
                with test_forks.gunicorn("sync", "wsgi", transport, port, used=used) as own_port:
                    test_forks.load(own_port, 800)  # raises if an answer is not as it must be
                state, seconds = "used" if used else "unused", time.monotonic() - started
            print(f"| gunicorn --preload | {state} | {transport} | 800 | 0 | 0 | {seconds:.1f} |", flush=True)
    return int(failed > 0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--transport", choices=("auto", "grpc", "rest"), default="rest")
    parser.add_argument("--method", choices=("fork", "spawn", "forkserver"), default="fork")
    parser.add_argument("--unused", action="store_true", help="fork before the client's first call")
    parser.add_argument("--children", type=int, default=100)
    parser.add_argument("--together", type=int, default=4, help="children at once")
    parser.add_argument("--calls", type=int, default=20, help="calls of each child")
    parser.add_argument("--busy", type=int, default=0, help="threads of the parent that call while it forks")
    parser.add_argument("--retry", action="store_true", help="with the client's default retries; otherwise none")
    parser.add_argument("--patience", type=float, default=30.0, help="seconds that children may take")
    parser.add_argument("--table", action="store_true", help="make the usual cases, and print a table")
    parser.add_argument("--serve", choices=("grpc", "rest"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.table:
        sys.exit(table())
    if arguments.serve:
        serve(arguments)
        return
    kind = "rest" if arguments.transport == "rest" else "grpc"
    server = subprocess.Popen(
        [sys.executable, __file__, "--serve", kind], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        print(json.dumps(run(arguments, int(server.stdout.readline())), indent=2))
    finally:
        server.stdin.close()
        server.wait()


if __name__ == "__main__":
    main()
