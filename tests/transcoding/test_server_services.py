"""Google's own services behind the REST face, on real sockets."""

from __future__ import annotations

import grpc
from google.cloud.location import locations_pb2
from google.longrunning import operations_pb2, operations_pb2_grpc
from google.protobuf import empty_pb2
from google.rpc import error_details_pb2, status_pb2
from probe_servers import LOCATIONS, OPERATIONS, call, running

from eegrpc.transcoding.server import HandlerRecorder

Code = grpc.StatusCode


class Operations(operations_pb2_grpc.OperationsServicer):
    """A blocking servicer, registered by its generated function."""

    def ListOperations(self, request, context):
        operation = operations_pb2.Operation(name=f"{request.name}/{request.filter}")
        operation.metadata.Pack(error_details_pb2.ErrorInfo(reason="R"))
        return operations_pb2.ListOperationsResponse(operations=[operation], next_page_token=str(request.page_size))

    def GetOperation(self, request, context):
        if request.name.endswith("missing"):
            context.abort(Code.NOT_FOUND, f"no {request.name}")
        return operations_pb2.Operation(name=request.name, done=True, error=status_pb2.Status(code=3, message="m"))

    def DeleteOperation(self, request, context):
        return empty_pb2.Empty()

    def CancelOperation(self, request, context):
        context.set_trailing_metadata((("cancelled", request.name),))
        return empty_pb2.Empty()


async def test_operations():
    recorder = HandlerRecorder()
    operations_pb2_grpc.add_OperationsServicer_to_server(Operations(), recorder)
    path = "/google.longrunning.Operations/"
    async with running([recorder], OPERATIONS) as port:
        request = operations_pb2.ListOperationsRequest(name="operations", filter="a/b c&d", page_size=3)
        _, listed = await call(port, path + "ListOperations", request, operations_pb2.ListOperationsResponse)
        assert (listed.operations[0].name, listed.next_page_token) == ("operations/a/b c&d", "3")
        info = error_details_pb2.ErrorInfo()
        assert listed.operations[0].metadata.Unpack(info)
        for name in ("operations/a", "operations/a/b:cancel", "operations/%2e%2e", "operations/\u00e9?#"):
            request = operations_pb2.GetOperationRequest(name=name)
            _, got = await call(port, path + "GetOperation", request, operations_pb2.Operation)
            assert (got.name, got.error.code) == (name, 3)
        reply, _ = await call(
            port, path + "GetOperation", operations_pb2.GetOperationRequest(name="operations/missing")
        )
        assert (reply.code, reply.details) == (Code.NOT_FOUND, "no operations/missing")
        request = operations_pb2.DeleteOperationRequest(name="operations/a")
        assert (await call(port, path + "DeleteOperation", request, empty_pb2.Empty))[0].code is Code.OK
        request = operations_pb2.CancelOperationRequest(name="operations/a")
        reply, _ = await call(port, path + "CancelOperation", request, empty_pb2.Empty)
        assert (reply.code, reply.trailing_metadata) == (Code.OK, (("cancelled", "operations/a"),))


async def test_locations():
    async def list_locations(request, context):
        location = locations_pb2.Location(name=request.name, labels={"filter": request.filter})
        return locations_pb2.ListLocationsResponse(locations=[location])

    async def get_location(request, context):
        return locations_pb2.Location(name=request.name)

    def handler(function, request, response):
        return grpc.unary_unary_rpc_method_handler(function, request.FromString, response.SerializeToString)

    methods = {
        "ListLocations": handler(
            list_locations, locations_pb2.ListLocationsRequest, locations_pb2.ListLocationsResponse
        ),
        "GetLocation": handler(get_location, locations_pb2.GetLocationRequest, locations_pb2.Location),
    }
    handlers = [grpc.method_handlers_generic_handler("google.cloud.location.Locations", methods)]
    path = "/google.cloud.location.Locations/"
    async with running(handlers, LOCATIONS) as port:
        for name in ("locations", "projects/p"):
            request = locations_pb2.ListLocationsRequest(name=name, filter="f")
            _, got = await call(port, path + "ListLocations", request, locations_pb2.ListLocationsResponse)
            assert got.locations == [locations_pb2.Location(name=name, labels={"filter": "f"})]
        for name in ("locations/l", "projects/google.com:x/locations/l"):
            request = locations_pb2.GetLocationRequest(name=name)
            _, got = await call(port, path + "GetLocation", request, locations_pb2.Location)
            assert got.name == name
