"""Takes the picture of the emulator's page for the documentation: ``python docs/screenshot.py``; needs a browser."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import eegrpc
from eegrpc.emulator import Emulator

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests"))
sys.path.insert(0, str(ROOT / "tests" / "emulator"))

from browser import opened  # noqa: E402
from emulator_graphs import expressions  # noqa: E402


async def main() -> None:
    """Ask an emulator a few things, look at its page, and keep what is seen."""
    with Emulator() as emulator:
        for transport, name in (("grpc", "sort_limit"), ("rest", "filter_boolean_tree"), ("grpc", "map_ndvi_add_band")):
            where = {"endpoint": emulator.endpoint, "transport": transport}
            with eegrpc.EarthEngineClient("my-project", **where) as client:
                list(client.compute_images(expressions()[name]))
        async with opened(emulator.endpoint + "/", height=1500) as page:
            await page.until("document.querySelectorAll('.request').length === 3")
            await page.evaluate("document.querySelector('.request summary').click()")
            await page.until("document.querySelector('.request .tree') !== null")
            (ROOT / "docs" / "emulator-page.png").write_bytes(await page.picture())


if __name__ == "__main__":
    asyncio.run(main())
