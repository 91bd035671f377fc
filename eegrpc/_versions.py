"""The API version of a channel: other names for the same service, in gRPC paths and in REST rules."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import grpc
import grpc.aio

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from google.api.http_pb2 import HttpRule

__all__ = ["AioVersionInterceptor", "VersionInterceptor", "http_rules", "versioned_path"]

_STUB_PACKAGE = "/google.earthengine.v1alpha."


def versioned_path(path: str, api_version: str) -> str:
    """Return the gRPC path of a method of our stub in another API version; other services' paths as they are."""
    if not path.startswith(_STUB_PACKAGE):
        return path
    return f"/google.earthengine.{api_version}.{path[len(_STUB_PACKAGE) :]}"


def http_rules(api_version: str) -> Sequence[HttpRule]:
    """Return the rules that replace the annotations of our stub's methods for an API version; none for its own."""
    if api_version == "v1alpha":
        return ()
    from google.api import annotations_pb2, http_pb2

    from eegrpc.v1alpha import earth_engine_pb2

    rules = []
    for method in earth_engine_pb2.DESCRIPTOR.services_by_name["EarthEngine"].methods:
        rule = http_pb2.HttpRule()
        rule.CopyFrom(method.GetOptions().Extensions[annotations_pb2.http])
        rule.selector = method.full_name
        verb = rule.WhichOneof("pattern")
        path: str = getattr(rule, verb)
        setattr(rule, verb, path.replace("/v1alpha/", f"/{api_version}/", 1))
        rules.append(rule)
    return rules


class VersionInterceptor(grpc.UnaryUnaryClientInterceptor):
    """Sends the stub's calls to another API version, on grpc's own channel."""

    def __init__(self, api_version: str) -> None:
        self._api_version = api_version

    def intercept_unary_unary(self, continuation: Callable[..., Any], client_call_details: Any, request: Any) -> Any:
        """Send on with the version's path."""
        path = versioned_path(client_call_details.method, self._api_version)
        return continuation(client_call_details._replace(method=path), request)


class AioVersionInterceptor(grpc.aio.UnaryUnaryClientInterceptor):
    """Sends the stub's calls to another API version, on grpc's own asyncio channel."""

    def __init__(self, api_version: str) -> None:
        self._api_version = api_version

    async def intercept_unary_unary(
        self, continuation: Callable[..., Any], client_call_details: Any, request: Any
    ) -> Any:
        """Send on with the version's path."""
        path = versioned_path(client_call_details.method.decode(), self._api_version).encode()
        return await continuation(client_call_details._replace(method=path), request)
