"""Data flows one way: the rooms import downwards only, and what has no IO imports none."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "eegrpc"

# Rooms from the bottom up; a module belongs to the longest prefix. A room imports itself and the rooms before it.
ROOMS = [
    (
        "eegrpc.v1alpha",
        "eegrpc._version",
        "eegrpc._processes",
        "eegrpc._error_rules",
        "eegrpc._error_status",
        "eegrpc.errors",
    ),
    ("eegrpc.mapper",),
    ("eegrpc.transcoding",),
    (  # channel
        "eegrpc._options",
        "eegrpc._service_config",
        "eegrpc._token_transport",
        "eegrpc._tokens",
        "eegrpc._credentials",
        "eegrpc._failed_call",
        "eegrpc._auth",
        "eegrpc._fallback",
        "eegrpc._versions",
        "eegrpc._fork_gate",
        "eegrpc._native_channel",
        "eegrpc._fallback_channel",
        "eegrpc._aio_fallback_channel",
        "eegrpc._channel",
        "eegrpc._aio_channel",
    ),
    (  # client
        "eegrpc._bell",
        "eegrpc._retry_delay",
        "eegrpc._retry_budget",
        "eegrpc._retry",
        "eegrpc._quota",
        "eegrpc._gate",
        "eegrpc._admission",
        "eegrpc._permit",
        "eegrpc._aio_permit",
        "eegrpc._expression_faults",
        "eegrpc._expressions",
        "eegrpc._requests",
        "eegrpc._encoded_page",
        "eegrpc._methods",
        "eegrpc._pages",
        "eegrpc._dropped",
        "eegrpc._terms",
        "eegrpc._calls",
        "eegrpc._stop",
        "eegrpc._prefetch",
        "eegrpc._pager",
        "eegrpc._aio_pager",
        "eegrpc._client",
        "eegrpc._async_client",
        "eegrpc",
    ),
    ("eegrpc.emulator.errors", "eegrpc.emulator.values", "eegrpc.emulator.assumptions"),
    ("eegrpc.emulator.geometry",),
    ("eegrpc.emulator.properties",),
    ("eegrpc.emulator.images",),
    ("eegrpc.emulator.context",),
    ("eegrpc.emulator.primitives",),
    ("eegrpc.emulator.filtering",),
    ("eegrpc.emulator.reducing", "eegrpc.emulator.printing"),
    ("eegrpc.emulator.catalog", "eegrpc.emulator.ndjson", "eegrpc.emulator.builtin", "eegrpc.emulator.disk"),
    ("eegrpc.emulator.evaluation", "eegrpc.emulator.algorithms"),
    ("eegrpc.emulator.explain", "eegrpc.emulator.testing"),
    ("eegrpc.emulator.serving",),
    ("eegrpc.emulator.faults",),
    ("eegrpc.emulator.bench",),
    ("eegrpc.emulator.control", "eegrpc.emulator.official_client", "eegrpc.emulator.status_page"),
    ("eegrpc.emulator",),
    ("eegrpc.cli", "eegrpc.__main__", "eegrpc.emulator.__main__"),
]
ON_TOP = ("eegrpc.emulator", "eegrpc.cli", "eegrpc.__main__")

# Sans-IO: decisions and data only.
COLOURLESS = {
    "eegrpc._error_rules",
    "eegrpc.errors",
    "eegrpc._expressions",
    "eegrpc._fallback",
    "eegrpc._pages",
    "eegrpc._quota",
    "eegrpc._requests",
    "eegrpc._retry",
    "eegrpc._retry_budget",
    "eegrpc._retry_delay",
    "eegrpc.mapper",
    "eegrpc.transcoding.binding",
    "eegrpc.transcoding.content",
    "eegrpc.transcoding.content_coding",
    "eegrpc.transcoding.framing",
    "eegrpc.transcoding.metadata",
    "eegrpc.transcoding.query",
    "eegrpc.transcoding.router",
    "eegrpc.transcoding.scalars",
    "eegrpc.transcoding.status",
    "eegrpc.transcoding.template",
    "eegrpc.transcoding.transcoder",
    "eegrpc.transcoding.types",
    "eegrpc.transcoding.unary",
    "eegrpc.transcoding.wire",
}
IO = {"aiohttp", "asyncio", "http.client", "requests", "socket", "ssl", "urllib3"}


def modules() -> dict[str, Path]:
    found = {}
    for path in PACKAGE.rglob("*.py"):
        parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def imports(path: Path) -> set[str]:
    """Names that the module imports, but for types alone; a name imported from a package may be a module of it."""
    tree = ast.parse(path.read_text())
    for_types = {
        node
        for block in ast.walk(tree)
        if isinstance(block, ast.If) and ast.unparse(block.test) == "TYPE_CHECKING"
        for node in ast.walk(block)
    }
    names = set()
    for node in ast.walk(tree):
        if node in for_types:
            continue
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: absolute imports only"
            names |= {node.module or "", *(f"{node.module}.{alias.name}" for alias in node.names)}
    return names


def room(module: str) -> int:
    best = max(
        (prefix for prefixes in ROOMS for prefix in prefixes if f"{module}.".startswith(f"{prefix}.")),
        key=len,
    )
    return next(level for level, prefixes in enumerate(ROOMS) if best in prefixes)


@pytest.mark.parametrize("module", sorted(modules()))
def test_rooms_import_downwards_only(module: str) -> None:
    known = modules()
    upwards = {name for name in imports(known[module]) if name in known and room(name) > room(module)}
    assert not upwards


@pytest.mark.parametrize("module", sorted(name for name in modules() if not name.startswith(ON_TOP)))
def test_the_emulator_and_the_command_line_are_imported_by_nobody(module: str) -> None:
    assert not [name for name in imports(modules()[module]) if name.startswith(("eegrpc.emulator", "eegrpc.cli"))]


@pytest.mark.parametrize("module", sorted(COLOURLESS))
def test_layers_without_io_import_none(module: str) -> None:
    known = modules()
    files = [path for name, path in known.items() if name == module or name.startswith(f"{module}.")]
    assert files
    for path in files:
        assert not {name for name in imports(path) if name in IO or name.split(".")[0] in IO}
        assert "grpc.aio" not in imports(path)


def test_transcoding_and_mapper_know_nothing_of_earth_engine() -> None:
    for name, path in modules().items():
        if name.startswith(("eegrpc.transcoding", "eegrpc.mapper")):
            assert not [used for used in imports(path) if used.startswith("eegrpc.v1alpha")]
            assert "earthengine" not in path.read_text().lower(), name


def test_bld_04_importing_eegrpc_does_no_io_and_brings_no_http_library() -> None:
    program = """
import sys
audited = []
sys.addaudithook(lambda event, _: audited.append(event) if event.startswith(("socket.", "_thread.")) else None)
import threading
import eegrpc
for name in eegrpc.__all__:
    getattr(eegrpc, name)
heavy = {"urllib3", "aiohttp", "shapely", "rich", "requests", "ee", "eegrpc.emulator", "eegrpc.cli"} & set(sys.modules)
print(sorted(heavy), [event for event in audited if event != "socket.gethostname"], threading.active_count())
"""
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert result.stdout.split("\n")[0] == "[] [] 1"
