"""HTTP/1.1 on the server's side, where aiohttp would answer by itself: malformed requests get Google's errors too."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import grpc
from aiohttp import web
from aiohttp.web_protocol import RequestHandler

from eegrpc.transcoding.error_body import error_json
from eegrpc.transcoding.types import Reply

__all__ = ["Runner", "error_response"]

_log = logging.getLogger(__name__)

_SHOWN = 200  # characters of what a parser says, which may quote the request


class Runner(web.AppRunner):
    """Serves an application; what is no HTTP is answered as a Google API does, and is worth no traceback.

    Args:
        application: What to serve.
        shutdown_timeout: Seconds for which requests may go on when it ends; aiohttp takes 0 for any time.
    """

    def __init__(self, application: web.Application, shutdown_timeout: float) -> None:
        super().__init__(application, handler_cancellation=True, access_log=None, shutdown_timeout=shutdown_timeout)

    @property
    def server(self) -> Any:
        """Makes the protocol of a connection; None before setup()."""
        server = super().server
        if server is None:
            return None
        return lambda: _Protocol(server, loop=asyncio.get_running_loop(), access_log=None)  # type: ignore[arg-type]


class _Protocol(RequestHandler):
    """One connection."""

    __slots__ = ()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Return the response for what went wrong outside of the application, and close the connection after it."""
        if isinstance(exc, ConnectionError):
            raise exc  # there is nobody left to answer
        if status >= 500:  # a fault of ours, which is worth the traceback
            super().handle_error(request, status, exc, message)
            answer = error_response(grpc.StatusCode.INTERNAL, "Internal error encountered.")
        elif request.writer.output_size > 0:
            raise ConnectionError("the response is under way: no other can be sent")
        else:
            text = (message or type(exc).__name__).splitlines()[0][:_SHOWN]
            _log.debug("a request that is no HTTP: %r", text)
            answer = error_response(grpc.StatusCode.INVALID_ARGUMENT, f"The request is malformed: {text!a}")
        answer.force_close()
        return answer

    def log_exception(self, *args: Any, **kw: Any) -> None:
        """Log a fault of ours; the rest of a body that cannot be read, after its request was refused, is none."""
        if isinstance(kw.get("exc_info"), web.RequestPayloadError):
            _log.debug("a request's body was not read to its end")
        else:
            super().log_exception(*args, **kw)


def error_response(code: grpc.StatusCode, text: str, http_status: int | None = None) -> web.Response:
    """Return an error in Google's form.

    Args:
        code: The status code.
        text: What was wrong.
        http_status: The HTTP status; default: the code's.
    """
    status, body = error_json(Reply(code, text), http_status=http_status)
    return web.Response(status=status, body=body, content_type="application/json", charset="utf-8")
