"""The page at the emulator's root, in a real browser."""

from __future__ import annotations

import asyncio
import json
import urllib.error
import urllib.request
from typing import TYPE_CHECKING, Any

import grpc
import pytest
from browser import browser_program, opened
from emulator_graphs import S2, call, function, graph, load

import eegrpc
from eegrpc.emulator import Emulator
from eegrpc.emulator.evaluation.registry import algorithms
from eegrpc.v1alpha import ComputeImagesRequest, EarthEngineAsset, EarthEngineStub

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from browser import Page

needs_browser = pytest.mark.skipif(
    browser_program() is None, reason="needs a browser: on Debian, apt-get install chromium"
)
_HOSTILE = "<img src=x onerror=alert(1)>"


@pytest.fixture(scope="module")
def emulator() -> Iterator[Emulator]:
    with Emulator() as running:
        yield running


def _look(url: str, see: Callable[[Page], Awaitable[Any]]) -> Page:
    """Open a page, do what there is to do with it, and check that it neither complained nor asked anybody else."""

    async def look() -> Page:
        async with opened(url) as page:
            await page.until("document.querySelectorAll('#collections tbody tr').length > 0")
            await see(page)
            return page

    page = asyncio.run(look())
    assert page.complaints == []
    assert {part for part in page.requested if not part.startswith((url, "data:"))} == set()
    return page


def _ask(emulator: Emulator, expression: Any, project: str = "my-project") -> None:
    with eegrpc.EarthEngineClient(project, endpoint=emulator.endpoint, retry=None) as client:
        list(client.compute_images(expression, limit=3))


def _get(emulator: Emulator, path: str, **headers: str) -> Any:
    request = urllib.request.Request(emulator.endpoint + path, headers=headers)
    with urllib.request.urlopen(request) as answer:
        return answer.read()


@needs_browser
def test_it_shows_what_the_emulator_holds(emulator: Emulator) -> None:
    async def see(page: Page) -> None:
        rows = await page.texts("#collections tbody tr")
        assert len(rows) == 4
        sentinel = next(row for row in rows if S2 in row)
        assert "240" in sentinel
        assert "2021-" in sentinel
        assert "2023-12-" in sentinel
        assert (
            "541 images" in (await page.texts("#facts"))[0]
            or "images in 4 collections" in (await page.texts("#facts"))[0]
        )
        assert await page.evaluate("document.querySelectorAll('#map .footprint').length") > 6
        # In the north-west of the map: tile 10SEG is at 122 degrees west and 37 north.
        where = "[each.cx.baseVal.value, each.cy.baseVal.value]"
        places = f"[...document.querySelectorAll('#map .place')].map((each) => {where})"
        assert any(-124 < x < -121 and -39 < y < -36 for x, y in await page.evaluate(places))

    _look(emulator.endpoint + "/", see)


@needs_browser
def test_requests_come_as_they_are_made_and_open_as_trees(emulator: Emulator) -> None:
    mapped = call("Collection.map", collection=load(S2), baseAlgorithm=function("body"))
    body = call("Image.select", input={"argumentReference": "x"}, bandSelectors=["B4", "B8"])

    async def see(page: Page) -> None:
        before = len(await page.texts(".request"))
        await asyncio.to_thread(_ask, emulator, graph(mapped, body=body))
        await page.until(f"document.querySelectorAll('.request').length > {before}")
        shown = (await page.texts(".request"))[0]
        assert "OK" in shown
        assert "projects/my-project" in shown
        await page.evaluate("document.querySelector('.request summary').click()")
        await page.until("document.querySelector('.request .tree') !== null")
        calls = await page.texts(".request .tree .call")
        assert "Collection.map" in calls
        assert "Image.select" in calls
        assert '["B4","B8"]' in (await page.texts(".request .tree"))[0]

    _look(emulator.endpoint + "/", see)


@needs_browser
def test_a_request_that_failed_says_why(emulator: Emulator) -> None:
    def fail() -> None:
        with pytest.raises(eegrpc.errors.EarthEngineError):
            _ask(emulator, graph(call("Image.load", id=_HOSTILE)))

    async def see(page: Page) -> None:
        before = len(await page.texts(".request"))
        await asyncio.to_thread(fail)
        await page.until(f"document.querySelectorAll('.request').length > {before}")
        assert "INVALID_ARGUMENT" in (await page.texts(".request"))[0]
        await page.evaluate("document.querySelector('.request summary').click()")
        await page.until("document.querySelector('.request .message') !== null")
        # What came from outside is text, and never markup.
        assert _HOSTILE in (await page.texts(".request .message"))[0]
        assert await page.evaluate("document.querySelectorAll('img').length") == 0

    _look(emulator.endpoint + "/", see)


@needs_browser
def test_what_is_in_the_catalog_is_text_and_never_markup() -> None:
    asset = EarthEngineAsset(type=EarthEngineAsset.IMAGE, id=f"users/{_HOSTILE}/a")

    async def see(page: Page) -> None:
        assert f"users/{_HOSTILE}" in (await page.texts("#collections tbody tr"))[0]
        assert await page.evaluate("document.querySelectorAll('img').length") == 0

    with Emulator([asset]) as running:
        _look(running.endpoint + "/", see)


@needs_browser
def test_functions_can_be_searched(emulator: Emulator) -> None:
    async def see(page: Page) -> None:
        all_of_them = len(algorithms())
        assert (await page.texts("#found"))[0] == f"{all_of_them} functions"
        await page.evaluate("{ const box = document.querySelector('#search'); box.focus(); }")
        await page.command("Input.insertText", text="normalizedDiff")
        await page.until("document.querySelector('#found').textContent === '1 function'")
        shown = await page.evaluate("[...document.querySelectorAll('.function')].filter((e) => e.offsetParent).length")
        assert shown == 1

    _look(emulator.endpoint + "/", see)


@needs_browser
def test_a_new_catalog_is_drawn_without_a_reload() -> None:
    with Emulator([EarthEngineAsset(type=EarthEngineAsset.IMAGE, id="users/me/first/a")]) as running:

        async def see(page: Page) -> None:
            await asyncio.to_thread(
                running.load, [EarthEngineAsset(type=EarthEngineAsset.IMAGE, id="users/me/second/b")]
            )
            await page.until("document.querySelectorAll('#collections tbody tr').length === 2")

        _look(running.endpoint + "/", see)


@needs_browser
def test_it_says_when_the_emulator_is_gone() -> None:
    running = Emulator().start()

    async def see() -> None:
        async with opened(running.endpoint + "/") as page:
            await page.until("document.querySelectorAll('#collections tbody tr').length > 0")
            await asyncio.to_thread(running.stop)
            await page.until("!document.querySelector('#trouble').hidden")

    try:
        asyncio.run(see())
    finally:
        running.stop()


def test_documents_are_for_this_machine_alone(emulator: Emulator) -> None:
    for path in ("/", "/emulator/page/state.json", "/emulator/page/page.js"):
        with pytest.raises(urllib.error.HTTPError, match="403") as caught:
            _get(emulator, path, Host="evil.example")
        caught.value.close()
        assert _get(emulator, path)


def test_the_page_cannot_load_anything_from_elsewhere(emulator: Emulator) -> None:
    with urllib.request.urlopen(emulator.endpoint + "/") as answer:
        assert "default-src 'self'" in answer.headers["content-security-policy"]
        page = answer.read().decode()
    assert "//" not in page.replace("<!doctype html>", "")


def test_a_request_that_is_not_there(emulator: Emulator) -> None:
    with pytest.raises(urllib.error.HTTPError, match="404") as caught:
        _get(emulator, "/emulator/page/requests/999999.json")
    caught.value.close()


def test_the_state_names_no_secret(emulator: Emulator) -> None:
    request = ComputeImagesRequest(project="projects/p", expression=graph(load(S2)), page_size=1)
    with grpc.insecure_channel(f"127.0.0.1:{emulator.port}") as channel:
        metadata = [("authorization", "Bearer planted-secret"), ("x-goog-api-key", "planted-secret")]
        EarthEngineStub(channel).ComputeImages(request, metadata=metadata)
    state = json.loads(_get(emulator, "/emulator/page/state.json"))
    number = state["requests"][0]["number"]
    assert (
        b"planted-secret" not in _get(emulator, f"/emulator/page/requests/{number}.json") + json.dumps(state).encode()
    )
