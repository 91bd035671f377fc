"""The page at the emulator's root: what it holds, what it was asked, and what it knows; for people with a browser.

``page.html`` has the frame, ``page.js`` draws into it what the JSON documents here say. Nothing comes from elsewhere,
and nothing can be changed: to change things there is :mod:`eegrpc.emulator.control`.
"""

from __future__ import annotations

import asyncio
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from aiohttp import web

from eegrpc._version import VERSION
from eegrpc.emulator.evaluation.coverage import rooms
from eegrpc.emulator.serving.loopback import is_from_here, refusal
from eegrpc.emulator.status_page.summary import summarised

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Executor

    from eegrpc.emulator.bench import Bench
    from eegrpc.emulator.testing.journal import Entry

__all__ = ["add_status_page"]

_SHOWN_REQUESTS = 200
_FILES = {
    "page.css": "text/css",
    "page.js": "text/javascript",
    "icon.svg": "image/svg+xml",
    "land.txt": "text/plain",  # the continents as a path of SVG; from Natural Earth, 1:110m, which is public domain
}
# What the page may load, and who may frame it: itself, and nobody.
_HEADERS = {
    "content-security-policy": "default-src 'self'; style-src 'self' 'unsafe-inline'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "cache-control": "no-cache",
}
_SHOWN_FIELDS = ("number", "time", "duration", "protocol", "method", "project", "status", "images")


def add_status_page(application: web.Application, bench: Bench, executor: Executor, *, is_local: bool) -> None:
    """Let an application show the page.

    Args:
        application: Of the emulator.
        bench: What is shown.
        executor: Runs what would hold up the event loop.
        is_local: Whether only this machine may see it (:mod:`eegrpc.emulator.serving.loopback`).
    """

    def document(make: Callable[[web.Request], object]) -> Any:
        async def handle(request: web.Request) -> web.Response:
            if is_local and not is_from_here(request):
                return refusal("this page")
            made = await asyncio.get_running_loop().run_in_executor(executor, make, request)
            return web.json_response(made, headers=_HEADERS)

        return handle

    def text(name: str, content_type: str) -> Any:
        async def handle(request: web.Request) -> web.Response:
            if is_local and not is_from_here(request):
                return refusal("this page")
            content = files(__name__).joinpath(name).read_text(encoding="utf-8")
            return web.Response(text=content, content_type=content_type, headers=_HEADERS)

        return handle

    page = text("page.html", "text/html")

    @web.middleware
    async def show_page(request: web.Request, handler: Any) -> web.StreamResponse:
        # The root is within the REST face's own route, which is for any path.
        answer: web.StreamResponse = await (page(request) if _asks_for_page(request) else handler(request))
        return answer

    application.middlewares.append(show_page)
    router = application.router
    for name, content_type in _FILES.items():
        router.add_get(f"/emulator/page/{name}", text(name, content_type))
    router.add_get("/emulator/page/state.json", document(lambda _: _state(bench)))
    router.add_get("/emulator/page/collections.json", document(lambda _: summarised(bench.catalog)))
    router.add_get("/emulator/page/functions.json", document(lambda _: _functions()))
    router.add_get(
        "/emulator/page/requests/{number:\\d{1,18}}.json", document(lambda request: _request(bench, request))
    )


def _asks_for_page(request: web.Request) -> bool:
    return request.method in ("GET", "HEAD") and request.path == "/"


def _state(bench: Bench) -> dict[str, object]:
    held = bench.catalog.collections()
    journal = list(bench.journal)
    return {
        "version": VERSION,
        "catalog": f"catalog {bench.loaded_key}",
        "collections": len(held),
        "images": sum(held.values()),
        "quota": None if bench.quota is None else str(bench.quota),
        "faults": [] if bench.faults is None else [rule.text for rule in bench.faults.rules],
        "requested": len(journal),
        "requests": [_line(entry) for entry in reversed(journal[-_SHOWN_REQUESTS:])],
    }


def _line(entry: Entry) -> dict[str, object]:
    return {name: getattr(entry, name) for name in _SHOWN_FIELDS}


def _request(bench: Bench, request: web.Request) -> dict[str, object]:
    number = int(request.match_info["number"])
    for entry in bench.journal:
        if entry.number == number:
            return entry.to_json()
    raise web.HTTPNotFound(text=f"Request {number} is not in the journal (any more).")


def _functions() -> list[dict[str, object]]:
    return [
        {
            "title": room.title,
            "functions": [
                {"signature": each.signature, "summary": each.summary, "needsPixels": each.needs_pixels}
                for each in room.functions
            ],
        }
        for room in rooms()
    ]
