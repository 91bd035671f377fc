"""What of the emulator's HTTP face is for this machine alone.

A browser asks for pages of other sites, too: what they send is known by its Origin, or by its Host, as a site can give
its own name the address 127.0.0.1.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from aiohttp import web

from eegrpc.transcoding.endpoint import is_loopback_host

__all__ = ["error_answer", "is_from_here", "refusal"]


def is_from_here(request: web.Request) -> bool:
    """Whether a request is no foreign page's: it asks this machine by that name, and comes from no other site."""
    origin = request.headers.get("origin")
    try:
        hosts = [request.url.host, *([] if origin is None else [urlsplit(origin).hostname])]
    except ValueError:  # they are no names of hosts
        return False
    return all(is_loopback_host(host or "") for host in hosts)


def refusal(what: str) -> web.Response:
    """Return the answer to any other request for `what`."""
    return error_answer(403, "PERMISSION_DENIED", f"{what} is for loopback alone: ask with the host 127.0.0.1")


def error_answer(status: int, name: str, message: str) -> web.Response:
    """Return an error in Google's JSON."""
    return web.json_response({"error": {"code": status, "message": message, "status": name}}, status=status)
