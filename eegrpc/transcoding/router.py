"""From HTTP method and path to a binding: an index over all templates of a server."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import unquote

import grpc

from eegrpc.transcoding.types import TranscodingError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from eegrpc.transcoding.binding import Binding, Method

__all__ = ["MethodNotAllowedError", "Router"]

_ANY = "*"


class MethodNotAllowedError(TranscodingError):
    """A path that exists, but not for this HTTP method: UNIMPLEMENTED, and HTTP 405 instead of 501."""

    http_status = 405

    def __init__(self, http_method: str, allowed: tuple[str, ...]) -> None:
        details = f"Method {http_method} is not allowed here; allowed: {', '.join(allowed)}."
        super().__init__(grpc.StatusCode.UNIMPLEMENTED, details)
        self.allowed = allowed


class Router:
    """Finds the binding for a request; bindings are added while it is built.

    Templates are kept by the literal segments they begin with, so that a request looks at a few of them only. Where
    several match, the one that says most wins: more literals, a verb, no ``**``; then the first that was added.
    """

    def __init__(self) -> None:
        self._entries: dict[tuple[str, ...], list[tuple[Method, Binding]]] = {}
        self._longest = 0

    def add(self, method: Method) -> None:
        """Add all bindings of a method."""
        for binding in method.bindings:
            template = binding.template
            self._longest = max(self._longest, len(template.literals))
            entries = self._entries.setdefault(template.literals, [])
            entries.append((method, binding))
            entries.sort(key=lambda entry: (entry[1].template.verb is None, entry[1].template.rank))

    def find(self, http_method: str, path: str) -> tuple[Method, Binding, Mapping[str, str]]:
        """Return method, binding, and the values of the path variables.

        Args:
            http_method: Upper case.
            path: Percent-encoded path, beginning with one ``/``.

        Raises:
            TranscodingError: NOT_FOUND: no template matches.
            MethodNotAllowedError: Templates match, none for this HTTP method.
        """
        start = tuple(unquote(segment) for segment in path[1:].split("/", self._longest)[: self._longest])
        allowed: dict[str, None] = {}
        for length in range(len(start), -1, -1):
            for method, binding in self._entries.get(start[:length], ()):
                right = binding.http_method in (http_method, _ANY)
                if not right and binding.http_method in allowed:
                    continue
                values = binding.template.match(path)
                if values is None:
                    continue
                if right:
                    return method, binding, values
                allowed[binding.http_method] = None
        if allowed:
            raise MethodNotAllowedError(http_method, tuple(allowed))
        raise TranscodingError(grpc.StatusCode.NOT_FOUND, "Method not found: no HTTP rule matches the path.")
