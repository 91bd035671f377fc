"""A real browser without a window, driven over the Chrome DevTools Protocol; only what the tests of pages need.

https://chromedevtools.github.io/devtools-protocol/
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import itertools
import os
import shutil
import tempfile
from typing import TYPE_CHECKING, Any

import aiohttp
from waiting import PATIENCE

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")


def browser_program() -> str | None:
    """Return the path of a browser, None if there is none: on Debian it is the package chromium."""
    return next(filter(None, map(shutil.which, PROGRAMS)), None)


class Page:
    """A page that is open in the browser."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._numbers = itertools.count(1)
        self._answers: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self.requested: list[str] = []
        """URLs that the page has asked for."""
        self.complaints: list[str] = []
        """What went wrong in its scripts, and what the browser refused to load."""

    async def listen(self) -> None:
        """Take what the browser says, until it is gone."""
        async for message in self._socket:
            said = message.json()
            if "id" in said:
                self._answers.pop(said["id"]).set_result(said)
            elif said["method"] == "Network.requestWillBeSent":
                self.requested.append(said["params"]["request"]["url"])
            elif said["method"] == "Runtime.exceptionThrown":
                self.complaints.append(said["params"]["exceptionDetails"].get("exception", {}).get("description", "?"))
            elif said["method"] == "Log.entryAdded" and said["params"]["entry"]["level"] == "error":
                self.complaints.append(said["params"]["entry"]["text"])

    async def command(self, method: str, **parameters: Any) -> Any:
        number = next(self._numbers)
        answer = self._answers[number] = asyncio.get_running_loop().create_future()
        await self._socket.send_json({"id": number, "method": method, "params": parameters})
        said = await asyncio.wait_for(answer, PATIENCE)
        assert "error" not in said, (method, said["error"])
        return said["result"]

    async def evaluate(self, script: str) -> Any:
        """Return what an expression of JavaScript gives; promises are awaited."""
        result = await self.command("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in result, (script, result)
        return result["result"].get("value")

    async def until(self, condition: str) -> None:
        """Wait until a condition of JavaScript holds: it is looked at with each frame."""
        look = f"const look = () => ({condition}) ? done(true) : requestAnimationFrame(look); look();"
        await self.evaluate(f"new Promise((done) => {{ {look} }})")

    async def texts(self, selector: str) -> list[str]:
        """Return the texts of the elements that a selector finds, as they are shown."""
        return list(await self.evaluate(f"[...document.querySelectorAll({selector!r})].map((each) => each.innerText)"))

    async def picture(self) -> bytes:
        """Return what is shown, as PNG."""
        return base64.b64decode((await self.command("Page.captureScreenshot"))["data"])


@contextlib.asynccontextmanager
async def opened(url: str, *, width: int = 1100, height: int = 900, dark: bool = False) -> AsyncIterator[Page]:
    """Open a page in a browser of its own, which has no profile, no extensions, and asks nobody for updates."""
    program = browser_program()
    assert program is not None
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        process = await asyncio.create_subprocess_exec(
            program,
            "--headless=new",
            "--remote-debugging-port=0",
            f"--user-data-dir={profile}",
            "--no-first-run",
            "--disable-gpu",
            "--disable-extensions",
            "--disable-background-networking",
            "--disable-dev-shm-usage",
            "--no-proxy-server",
            *(["--no-sandbox"] if os.geteuid() == 0 else []),  # which root cannot have
            "about:blank",
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            port = await asyncio.wait_for(_port(process), PATIENCE)
            async with aiohttp.ClientSession() as session:
                async with session.get(f"http://127.0.0.1:{port}/json/list") as answer:
                    (tab,) = [each for each in await answer.json() if each["type"] == "page"]
                async with session.ws_connect(tab["webSocketDebuggerUrl"], max_msg_size=0) as socket:
                    page = Page(socket)
                    listening = asyncio.create_task(page.listen())
                    for domain in ("Page", "Network", "Runtime", "Log"):
                        await page.command(f"{domain}.enable")
                    await page.command(
                        "Emulation.setDeviceMetricsOverride",
                        width=width,
                        height=height,
                        deviceScaleFactor=1,
                        mobile=False,
                    )
                    scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
                    await page.command("Emulation.setEmulatedMedia", features=[scheme])
                    await page.command("Page.navigate", url=url)
                    yield page
                    listening.cancel()
        finally:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()


async def _port(process: asyncio.subprocess.Process) -> str:
    """Return the port that the browser says it listens on."""
    assert process.stderr is not None
    async for line in process.stderr:
        if line.startswith(b"DevTools listening on ws://"):
            return line.decode().split("//")[1].split("/")[0].rpartition(":")[2]
    raise AssertionError("the browser ended before it listened")
