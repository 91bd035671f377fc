"""What can be said on the command line: the parser, and the words of its help."""

from __future__ import annotations

import argparse
import math
from typing import TYPE_CHECKING, NoReturn

from eegrpc._version import VERSION
from eegrpc.cli.failures import USAGE, redact

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["parse"]

_EXIT_CODES = """\
exit codes:
  0    done (also when the reader of a pipe, such as head, has enough)
  1    a call or a server failed, or the output could not be written
  2    wrong usage or bad input; nothing was sent
  130  interrupted with Ctrl-C
"""

_MAIN = """\
examples:
  eegrpc compute-images --emulator                 try it: no account, no network
  eegrpc compute-images images.json --project me   ask Earth Engine
  eegrpc emulator                                  an Earth Engine for tests, on port 8085
  eegrpc doctor                                    what runs here, and what does not
"""

_COMPUTE_IMAGES = """\
The expression is what ee.ImageCollection(...).serialize(for_cloud_api=True) gives.
With --emulator and no expression, a demonstration runs over gRPC and REST.

examples:
  eegrpc compute-images --emulator
  eegrpc compute-images images.json --project my-project --limit 20
  eegrpc compute-images - --project my-project --format ndjson < images.json | head -1
  eegrpc compute-images images.json --project my-project --fields images.name,images.startTime

formats:
  table    for people: columns chosen from the data, cut to the width of the terminal
  ndjson   one EarthEngineAsset in JSON per line; `eegrpc emulator --catalog FILE` reads it
  json     one object like the answer's: {"images": [...], "nextPageToken": "..."}; also after an error
           it is complete, and its nextPageToken is where --page-token goes on
"""

_BATCH = """\
Each line of REQUESTS.ndjson is an expression, or an object with an expression and, if you like, a key of yours and
what else computeImages takes: {"expression": {...}, "key": "a", "limit": 10, "fields": "images.name", "pageSize": 100,
"project": "p", "workloadTag": "t"}.

Each line of OUT.ndjson is a page of one of them: {"index": 0, "key": "a", "page": 1, "last": true, "images": [...]}
with what --resume needs. They come as they are ready. OUT.ndjson is where --resume goes on, after Ctrl-C, a crash or a
kill: nothing is lost and nothing comes twice. Requests that failed are in OUT.ndjson.failed, with the reason; --resume
tries them again.

examples:
  eegrpc batch requests.ndjson -o out.ndjson --project my-project
  eegrpc batch requests.ndjson -o out.ndjson --project my-project --resume
"""

_EMULATOR = """\
It answers gRPC and REST on one port, as v1alpha, v1beta and v1. Clients of eegrpc find it by the variable that it
prints on stdout. Ctrl-C, or SIGTERM, ends it with exit code 0.

examples:
  eegrpc emulator --port 0 --port-file port.txt
  eegrpc compute-images images.json --project me --format ndjson > mine.ndjson && eegrpc emulator --catalog mine.ndjson
  eegrpc emulator prepare big.ndjson -o big.eecat && eegrpc emulator --catalog big.eecat
  eegrpc emulator --fault unavailable:0.1 --fault 'latency=lognormal(0.2, 1)' --seed 7 --quota 40:100

faults, of which one at most (and latency) happens to a reply; docs/emulator.md has them all:
  unavailable:0.1          a status code, to a tenth of the replies; =2 says to come back after 2 s
  reset@5                  a lost connection, at the fifth request; @5-9 up to the ninth, @5- from then on
  latency=0.2              seconds; or uniform(0.1, 0.3), exponential(0.2), lognormal(0.2, 1)
  drip truncate reset_in_body html_502 invalid_body goaway expire_tokens=100 empty_page rate_limit ...
"""

_PREPARE = """\
The file is for --catalog: the emulator starts with it in no time, reads what a request needs, and answers as it would
with the NDJSON itself. Folders stand for the .ndjson, .jsonl and .json files in them, gzipped (.gz) or not. An asset
that comes twice is an error, which names both places.

examples:
  eegrpc compute-images all.json --project me --format ndjson > all.ndjson
  eegrpc emulator prepare all.ndjson -o all.eecat
  eegrpc emulator prepare folder more.ndjson.gz -o all.eecat --index CLOUD_COVER --index WRS_PATH
"""

_CHECK = """\
Nothing is started and nothing is sent. What the expression gives is printed, and what of the answer rests on choices of
the emulator's, because Earth Engine does not document them; or why it cannot be evaluated, and where.

example:
  eegrpc emulator check images.json --catalog mine.ndjson
"""

_DOCTOR = """\
It reads files and variables, and connects only to the endpoint of --endpoint or EARTHENGINE_EMULATOR_HOST.
No token, key or password is printed, and names are shortened: the output can go into a bug report.

exit codes:
  0    nothing is broken
  1    something is; the lines with an x say what
"""

_CATALOG = "NDJSON, one EarthEngineAsset per line; a folder; or a prepared file (default: synthetic images)"
_NO_SECRETS = (
    "tokens and keys are not accepted as arguments, which other users and logs can see: put them into a file, and use "
    "--credentials FILE or GOOGLE_APPLICATION_CREDENTIALS"
)
_SECRET_OPTIONS = ("key", "token", "secret", "password", "auth", "bearer")


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    """Return the arguments, with the command's `module`; ends with SystemExit after help and for wrong usage."""
    parser = _Parser(
        prog="eegrpc",
        description="Earth Engine's computeImages over gRPC and REST.",
        epilog=f"{_MAIN}\n{_EXIT_CODES}",
    )
    parser.add_argument("--version", action="version", version=f"eegrpc {VERSION}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", parser_class=_Parser)
    _add_compute_images(commands)
    _add_batch(commands)
    _add_emulator(commands)
    _add_doctor(commands)
    arguments, rest = parser.parse_known_args(argv)
    if rest:
        parser.refuse(rest)
    if "module" not in arguments:
        parser.error("name a command: compute-images, batch, emulator or doctor (eegrpc --help says more)")
    return arguments


class _Parser(argparse.ArgumentParser):
    """argparse as we want it: no guessing of half-written options, no secrets in its errors, our exit codes."""

    def __init__(self, **options: object) -> None:
        options.update(allow_abbrev=False, formatter_class=argparse.RawDescriptionHelpFormatter)
        super().__init__(**options)  # type: ignore[arg-type]

    def error(self, message: str) -> NoReturn:
        self.exit(USAGE, f"{self.format_usage()}{self.prog}: {redact(message)}\n")

    def refuse(self, arguments: Sequence[str]) -> NoReturn:
        """End because of arguments that nobody knows. Only names are repeated: the values may be secrets."""
        names = [argument.partition("=")[0] for argument in arguments if argument.startswith("-")]
        if any(word in name.lower() for name in names for word in _SECRET_OPTIONS):
            self.error(f"unknown option {', '.join(map(redact, names))}: {_NO_SECRETS}")
        if names:
            self.error(f"unknown option {', '.join(names)}: see eegrpc COMMAND --help")
        self.error(f"{len(arguments)} too many arguments: see eegrpc COMMAND --help")


def _add_compute_images(commands: argparse._SubParsersAction[_Parser]) -> None:
    parser = commands.add_parser(
        "compute-images",
        usage="eegrpc compute-images [EXPRESSION.json|-] [options]",
        help="show the images that an expression yields",
        description="Show the images that an Earth Engine expression yields.",
        epilog=f"{_COMPUTE_IMAGES}\n{_EXIT_CODES}",
    )
    parser.set_defaults(module="compute_images")
    parser.add_argument("expression", nargs="?", metavar="EXPRESSION.json", help="the expression; - reads stdin")
    what = parser.add_argument_group("what to compute")
    what.add_argument("--limit", type=_whole(0), metavar="N", help="at most N images in all")
    what.add_argument("--fields", metavar="MASK", help="fields of the answer, such as images.name,images.startTime")
    what.add_argument(
        "--page-size", type=_whole(0), metavar="N", help="images of one page (default: the server's, 1000)"
    )
    what.add_argument("--page-token", metavar="TOKEN", help="go on where an earlier call stopped")
    what.add_argument(
        "--format", choices=("table", "ndjson", "json"), default="table", help="default: table; see below"
    )
    where = parser.add_argument_group("where")
    where.add_argument(
        "--emulator", action="store_true", help="an emulator inside this command; no account, no network"
    )
    where.add_argument("--catalog", metavar="FILE", help=f"the emulator's images: {_CATALOG}")
    where.add_argument("--project", metavar="P", help="the project that pays (default: $GOOGLE_CLOUD_PROJECT)")
    where.add_argument("--workload-tag", metavar="TAG", help="label for usage reports")
    where.add_argument("--timeout", type=_seconds, metavar="SECONDS", help="for each page (default: 330)")
    _add_connection(where)
    _add_verbose(parser)


def _add_batch(commands: argparse._SubParsersAction[_Parser]) -> None:
    parser = commands.add_parser(
        "batch",
        usage="eegrpc batch REQUESTS.ndjson -o OUT.ndjson [options]",
        help="compute many expressions, and go on after an interruption",
        description="Compute many Earth Engine expressions, several at a time.",
        epilog=f"{_BATCH}\n{_EXIT_CODES}",
    )
    parser.set_defaults(module="batch")
    parser.add_argument("requests", metavar="REQUESTS.ndjson", help="one request per line; see below")
    parser.add_argument("-o", "--output", required=True, metavar="OUT.ndjson", help="where the pages go; see below")
    parser.add_argument("--resume", action="store_true", help="go on with an OUT.ndjson that is there")
    parser.add_argument("--failures", metavar="FILE", help="where failed requests go (default: OUT.ndjson.failed)")
    parser.add_argument("--concurrency", type=_whole(1), default=32, metavar="N", help="at a time (default: 32)")
    where = parser.add_argument_group("where")
    where.add_argument(
        "--emulator", action="store_true", help="an emulator inside this command; no account, no network"
    )
    where.add_argument("--catalog", metavar="FILE", help=f"the emulator's images: {_CATALOG}")
    where.add_argument("--project", metavar="P", help="the project that pays (default: $GOOGLE_CLOUD_PROJECT)")
    where.add_argument("--timeout", type=_seconds, metavar="SECONDS", help="for each page (default: 330)")
    _add_connection(where)
    _add_verbose(parser)


def _add_emulator(commands: argparse._SubParsersAction[_Parser]) -> None:
    parser = commands.add_parser(
        "emulator",
        usage="eegrpc emulator [options]\n       eegrpc emulator prepare CATALOG.ndjson ... -o FILE\n"
        "       eegrpc emulator check EXPRESSION.json",
        help="run an Earth Engine for tests",
        description="Run an Earth Engine for tests: it evaluates real expressions on a catalog of images.",
        epilog=f"{_EMULATOR}\n{_EXIT_CODES}",
    )
    parser.set_defaults(module="emulator")
    subcommands = parser.add_subparsers(title="commands", metavar="COMMAND", parser_class=_Parser)
    _add_prepare(subcommands)
    _add_check(subcommands)
    parser.add_argument("--host", default="127.0.0.1", metavar="H", help="address to listen on (default: 127.0.0.1)")
    parser.add_argument("--port", type=_whole(0, 65535), default=8085, help="default: 8085; 0 for any free one")
    parser.add_argument("--catalog", metavar="FILE", help=_CATALOG)
    parser.add_argument("--max-page-size", type=_whole(1), metavar="N", help="most images of a page (default: 1000)")
    parser.add_argument("--port-file", metavar="FILE", help="write the port here once it listens; removed at the end")
    trouble = parser.add_argument_group("trouble")
    trouble.add_argument(
        "--fault",
        action="append",
        default=[],
        metavar="FAULT[=VALUE][:RATE][@REQUEST]",
        help="what happens to which replies, see below; may be given several times",
    )
    trouble.add_argument("--seed", type=_whole(0), default=0, metavar="N", help="replays --fault (default: 0)")
    trouble.add_argument("--quota", metavar="CONCURRENT:PER_SECOND", help="of each project, such as 40:100")
    trouble.add_argument(
        "--control", action="store_true", help="let programs on this machine change all that, under /emulator/"
    )
    _add_verbose(parser)


def _add_check(commands: argparse._SubParsersAction[_Parser]) -> None:
    parser = commands.add_parser(
        "check",
        usage="eegrpc emulator check EXPRESSION.json [options]",
        help="say whether the emulator can evaluate an expression",
        description="Say whether the emulator can evaluate an expression, and what its answer would rest on.",
        epilog=f"{_CHECK}\n{_EXIT_CODES}",
    )
    parser.set_defaults(module="check")
    parser.add_argument("expression", metavar="EXPRESSION.json", help="the file, or - for stdin")
    parser.add_argument("--catalog", metavar="FILE", help=_CATALOG)
    _add_verbose(parser)


def _add_prepare(commands: argparse._SubParsersAction[_Parser]) -> None:
    parser = commands.add_parser(
        "prepare",
        usage="eegrpc emulator prepare CATALOG.ndjson ... -o FILE [options]",
        help="make a file of a large catalog, which the emulator serves without reading it",
        description="Make a file of a large catalog, which the emulator serves without reading it.",
        epilog=f"{_PREPARE}\n{_EXIT_CODES}",
    )
    parser.set_defaults(module="prepare")
    parser.add_argument("sources", nargs="+", metavar="CATALOG.ndjson", help="one EarthEngineAsset in JSON per line")
    parser.add_argument("-o", "--output", required=True, metavar="FILE", help="the file to make, or to replace")
    parser.add_argument(
        "--index",
        action="append",
        metavar="PROPERTY",
        help="a number or text by which filters and sorts shall be quick; may be given several times (default: times, "
        "index, and what data sets have for clouds, tiles and orbits); time_start and bounds always are",
    )
    _add_verbose(parser)


def _add_doctor(commands: argparse._SubParsersAction[_Parser]) -> None:
    parser = commands.add_parser(
        "doctor",
        usage="eegrpc doctor [options]",
        help="check mapper, transport, credentials and versions",
        description="Say what runs here and why: mapper, transport, credentials, versions, environment.",
        epilog=_DOCTOR,
    )
    parser.set_defaults(module="doctor")
    parser.add_argument("--json", action="store_true", help="for machines")
    parser.add_argument("--project", metavar="P", help="project for the call that tries --endpoint")
    parser.add_argument("--timeout", type=_seconds, default=20.0, metavar="SECONDS", help="for that call (default: 20)")
    _add_connection(parser)
    _add_verbose(parser)


def _add_connection(parser: argparse.ArgumentParser | argparse._ArgumentGroup) -> None:
    parser.add_argument(
        "--endpoint", metavar="E", help="host[:port] or https://... for TLS, http://... (default: Earth Engine's)"
    )
    parser.add_argument("--transport", choices=("auto", "grpc", "rest"), default="auto", help="default: auto")
    parser.add_argument(
        "--api-version", choices=("v1alpha", "v1beta", "v1"), default="v1alpha", help="default: v1alpha"
    )
    parser.add_argument("--credentials", metavar="FILE", help="credentials file (default: application default ones)")


def _add_verbose(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-v", "--verbose", action="count", default=0, help="log to stderr; -vv logs more")


def _whole(least: int, most: int | None = None) -> Callable[[str], int]:
    def number(text: str) -> int:
        value = int(text)
        if value < least or (most is not None and value > most):
            raise argparse.ArgumentTypeError(f"must be {least} or more" + (f", and at most {most}" if most else ""))
        return value

    number.__name__ = "whole number"  # argparse puts it into its errors
    return number


def _seconds(text: str) -> float:
    value = float(text)
    if not 0 < value < math.inf:
        raise argparse.ArgumentTypeError("must be more than 0 seconds")
    return value


_seconds.__name__ = "number of seconds"
