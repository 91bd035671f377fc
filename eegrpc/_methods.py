"""ComputeImages on a client's channel, called with an encoded request; a large response may stay encoded, too."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from eegrpc._encoded_page import read_page
from eegrpc.v1alpha import ComputeImagesRequest, ComputeImagesResponse, EarthEngineStub

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Methods", "methods_of"]

_PATH: Final = "/google.earthengine.v1alpha.EarthEngine/ComputeImages"


class Methods(NamedTuple):
    """The callables, blocking or awaitable as the channel is; the arguments are those of gRPC's."""

    page: Any
    """Returns a `Page`."""
    whole: Any
    """Returns a ComputeImagesResponse."""


def methods_of(channel: Any, *, messages: bool) -> Methods:
    """Return the callables of a channel, sync or asyncio.

    Args:
        channel: The channel.
        messages: Whether something on the way, such as an interceptor, expects messages. Otherwise none is made of a
            request, nor of a large response before its images are handed out.
    """
    if messages:
        method = _OfMessages(EarthEngineStub(channel).ComputeImages)
        return Methods(method, method)
    return Methods(_method(channel, read_page), _method(channel, ComputeImagesResponse.FromString))


def _method(channel: Any, read: Callable[[bytes], Any]) -> Any:
    return channel.unary_unary(_PATH, request_serializer=None, response_deserializer=read, _registered_method=True)


class _OfMessages:
    """The method of a stub, called with an encoded request."""

    def __init__(self, method: Any) -> None:
        self._method = method

    def __call__(self, request: bytes, **options: Any) -> Any:
        return self._method(ComputeImagesRequest.FromString(request), **options)

    def future(self, request: bytes, **options: Any) -> Any:
        return self._method.future(ComputeImagesRequest.FromString(request), **options)
