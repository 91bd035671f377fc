"""Running the real command, and expressions and images to run it on."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from eegrpc.v1alpha import ComputeImagesResponse, EarthEngineAsset

COMMAND = (sys.executable, "-m", "eegrpc")
PATIENCE = 60.0
"""Seconds after which a test gives up on a command; nothing is ever measured by it."""

_UNSET = (
    *("EARTHENGINE_EMULATOR_HOST", "GOOGLE_APPLICATION_CREDENTIALS", "GOOGLE_CLOUD_PROJECT", "EEGRPC_MAPPER"),
    *("COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR"),
)

_RECORDED = Path(__file__).parents[1] / "data" / "expressions.ndjson"
EXPRESSIONS: dict[str, Any] = {
    record["name"]: record["expression"] for record in map(json.loads, _RECORDED.read_bytes().splitlines())
}


def environment(**variables: str) -> dict[str, str]:
    """Return this process's environment without what changes how commands behave, and with `variables`."""
    return {name: value for name, value in os.environ.items() if name not in _UNSET} | variables


def run(*arguments: str, stdin: bytes = b"", **variables: str) -> subprocess.CompletedProcess[bytes]:
    """Run a command to its end."""
    return subprocess.run(
        [*COMMAND, *arguments],
        check=False,
        input=stdin,
        capture_output=True,
        timeout=PATIENCE,
        env=environment(**variables),
    )


def start(*arguments: str, **variables: str) -> subprocess.Popen[bytes]:
    """Start a command whose streams are pipes."""
    pipe = subprocess.PIPE
    return subprocess.Popen([*COMMAND, *arguments], stdin=pipe, stdout=pipe, stderr=pipe, env=environment(**variables))


def expression_file(folder: Path, name: str = "load_plain") -> str:
    """Write one of the recorded expressions into a file."""
    path = folder / f"{name}.json"
    path.write_text(json.dumps(EXPRESSIONS[name]), encoding="utf-8")
    return str(path)


def image(index: str, **properties: Any) -> EarthEngineAsset:
    """Return an image with a few facts."""
    made = EarthEngineAsset(type="IMAGE", name=f"projects/earthengine-public/assets/TEST/{index}", id=f"TEST/{index}")
    made.start_time.FromJsonString("2023-02-19T18:57:34.099Z")
    made.properties.update(properties)
    return made


def page(number: int, *, last: bool = False) -> ComputeImagesResponse:
    """Return a page of two images, and the token `page-N` of the next."""
    images = [image(f"p{number}a", n=number), image(f"p{number}b", n=number)]
    return ComputeImagesResponse(images=images, next_page_token="" if last else f"page-{number + 1}")


def page_number(token: str) -> int:
    """Return the number of the page that a token of `page` stands for."""
    return int(token.removeprefix("page-") or 1)
