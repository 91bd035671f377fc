"""An application for gunicorn: its client is made, and may be used, before the workers are forked."""

from __future__ import annotations

import os

import eegrpc

EXPRESSION = {"result": "0", "values": {"0": {"constantValue": 1}}}
OPTIONS = {"endpoint": os.environ["ENDPOINT"], "transport": os.environ["TRANSPORT"], "retry": None}

client = eegrpc.EarthEngineClient("p", **OPTIONS)


def ask(tag: str) -> str:
    return next(client.compute_images(EXPRESSION, page_token=tag, timeout=20).pages).next_page_token


if os.environ["USED"] == "1":
    assert ask("first") == "first"


def wsgi(environ, start_response):
    """Answer with the tag of the path, by way of Earth Engine, and with the worker's process."""
    body = f"{ask(environ['PATH_INFO'][1:])} {os.getpid()}".encode()
    start_response("200 OK", [("content-type", "text/plain"), ("content-length", str(len(body)))])
    return [body]


class Asgi:
    """The same with an asyncio client, which each worker makes for itself."""

    client: eegrpc.EarthEngineAsyncClient | None = None

    async def __call__(self, scope, receive, send):
        if scope["type"] != "http":
            return
        if self.client is None:
            self.client = eegrpc.EarthEngineAsyncClient("p", **OPTIONS)
        pager = await self.client.compute_images(EXPRESSION, page_token=scope["path"][1:], timeout=20)
        answer = (await anext(pager.pages)).next_page_token
        body = f"{answer} {os.getpid()}".encode()
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
        await send({"type": "http.response.body", "body": body})


asgi = Asgi()
