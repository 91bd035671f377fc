"""gRPC's health service, for programs that wait until a server serves: grpc.health.v1.Health/Check.

Its other method, Watch, is UNIMPLEMENTED, which tells clients not to watch.
Source: https://github.com/grpc/grpc/blob/master/doc/health-checking.md
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import grpc
from google.protobuf.wrappers_pb2 import Int32Value, StringValue

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["health_handler"]

_SERVING = 1  # of HealthCheckResponse.ServingStatus


def health_handler(services: Iterable[str]) -> grpc.GenericRpcHandler:
    """Return a handler that says that the server and these services serve: as long as it is asked, they do.

    HealthCheckRequest has one string and HealthCheckResponse one enum, both in field 1: on the wire they are what
    protobuf's wrappers for these types are.
    """
    known = {"", *services}

    def check(request: StringValue, context: Any) -> Int32Value:
        if request.value not in known:
            context.abort(grpc.StatusCode.NOT_FOUND, "unknown service")
        return Int32Value(value=_SERVING)

    method: grpc.RpcMethodHandler[Any, Any] = grpc.unary_unary_rpc_method_handler(
        check, request_deserializer=StringValue.FromString, response_serializer=Int32Value.SerializeToString
    )
    return grpc.method_handlers_generic_handler("grpc.health.v1.Health", {"Check": method})
