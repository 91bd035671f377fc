"""The REST methods of official clients in an aiohttp application, beside those that are there already."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, unquote

import grpc
from aiohttp import web

from eegrpc.emulator.official_client.api import Call, OfficialApi, Refusal
from eegrpc.emulator.official_client.methods import discovery_document
from eegrpc.emulator.serving.service import ASSUMPTIONS_KEY, ERROR_DOMAIN
from eegrpc.emulator.serving.statuses import error_info, status_of
from eegrpc.emulator.testing.journal import Record
from eegrpc.transcoding.error_body import error_json
from eegrpc.transcoding.metadata import to_trailers
from eegrpc.transcoding.status import DETAILS_KEY
from eegrpc.transcoding.types import Reply
from eegrpc.v1alpha import ComputeImagesRequest

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from concurrent.futures import Executor

    from eegrpc.emulator.official_client.api import World
    from eegrpc.emulator.testing.journal import JournalKeeper

__all__ = ["add_official_client"]

_DISCOVERY = "/$discovery/rest"
_UNNOTED = ("algorithms.list",)


def add_official_client(
    application: web.Application,
    world: Callable[[str], World],
    journal: JournalKeeper,
    threads: Executor,
    *,
    max_page_size: int,
    versions: Collection[str],
) -> None:
    """Let an application answer what official clients ask for besides computeImages.

    Args:
        application: Answers everything else.
        world: What a project (``projects/my-project``) finds.
        journal: Where requests are entered, but for what clients ask when they are initialized.
        threads: Where evaluation runs.
        max_page_size: Most assets of a page.
        versions: The API versions there are.
    """
    api = OfficialApi(world, max_page_size, versions)

    @web.middleware
    async def answer(request: web.Request, handler: Any) -> web.StreamResponse:
        path, _, query = request.raw_path.partition("?")
        path = "/" + path.lstrip("/")  # a client that is given a URL with a slash at its end sends two
        # googleapiclient sends a GET with a long URL as a POST, with the query as its body.
        is_long_get = request.method == "POST" and request.headers.get("x-http-method-override") == "GET"
        if request.method == "GET" and unquote(path) == _DISCOVERY:
            return _discovery(request, query, versions)
        call = api.find("GET" if is_long_get else request.method, path)
        if call is None:
            found: web.StreamResponse = await handler(request)
            return found
        body = await request.read()
        if is_long_get:
            query, body = body.decode("ascii", "replace"), b""
        user_project = request.headers.get("x-goog-user-project", "")
        call = call._replace(query=query, body=body, user_project=user_project)
        metadata = [(name.lower(), value) for name, value in request.headers.items()]
        return await asyncio.get_running_loop().run_in_executor(threads, _answer, api, journal, call, metadata)

    application.middlewares.append(answer)


def _discovery(request: web.Request, query: str, versions: Collection[str]) -> web.Response:
    version = parse_qs(query).get("version", [""])[0]
    if version not in versions:
        shown = re.sub(r"[^\w.-]", "", version, flags=re.ASCII)[:64]
        text = f"Discovery document not found for API service: version '{shown}'; there are {', '.join(versions)}."
        return _error(Refusal(grpc.StatusCode.NOT_FOUND, text))
    return _json(json.dumps(discovery_document(version, f"http://{request.host}/")).encode())


def _answer(api: OfficialApi, journal: JournalKeeper, call: Call, metadata: list[tuple[str, str]]) -> web.Response:
    """Answer a call, and enter it in the journal."""
    refusal: Refusal | None = None
    try:
        request = api.read(call)
    except Refusal as error:
        request, refusal = ComputeImagesRequest(project=call.project), error
    name = call.method.id.removeprefix("projects.")
    entering = contextlib.nullcontext(Record()) if name in _UNNOTED else journal.record("rest", name, request, metadata)
    with entering as record:
        try:
            if refusal is not None:
                raise refusal
            answer = api.answer(call, request)
        except Refusal as error:
            record.status = error.code.name
            record.message = error.message
            return _error(error)
        record.assumptions = answer.assumptions
    response = _json(answer.body)
    if answer.assumptions:
        response.headers.extend(to_trailers(((ASSUMPTIONS_KEY, ",".join(answer.assumptions)),)))
    return response


def _error(refusal: Refusal) -> web.Response:
    info = error_info(refusal.reason, ERROR_DOMAIN, **refusal.metadata)
    details = status_of(refusal.code, refusal.message, info).SerializeToString()
    status, body = error_json(Reply(refusal.code, refusal.message, trailing_metadata=((DETAILS_KEY, details),)))
    return _json(body, status)


def _json(body: bytes, status: int = 200) -> web.Response:
    return web.Response(status=status, body=body, content_type="application/json", charset="UTF-8")
