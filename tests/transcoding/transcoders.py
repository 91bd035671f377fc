"""The transcoder's two halves, and messages that go from one to the other."""

from __future__ import annotations

import grpc
from google.cloud.location import locations_pb2
from google.longrunning import operations_pb2
from google.rpc import error_details_pb2, status_pb2
from probe_service import POOL, SERVICE

from eegrpc import v1alpha
from eegrpc.transcoding.transcoder import Transcoder
from eegrpc.transcoding.types import HttpResponse, Reply

Code = grpc.StatusCode

SERVICES = (
    SERVICE,
    operations_pb2.DESCRIPTOR.services_by_name["Operations"],
    locations_pb2.DESCRIPTOR.services_by_name["Locations"],
    v1alpha.ComputeImagesRequest.DESCRIPTOR.file.services_by_name["EarthEngine"],
)
CLIENT = Transcoder(SERVICES, pool=POOL)
SERVER = Transcoder(SERVICES, pool=POOL)
COMPUTE = "/google.earthengine.v1alpha.EarthEngine/ComputeImages"


def probe(name):
    return f"/probe.Probe/{name}"


def send(path, message, **options):
    return CLIENT.request(CLIENT.method(path), message.SerializeToString(), **options)


def across(path, message):
    """Send a request from half to half; return what was sent and what arrived."""
    request = send(path, message)
    method, wire, _, _ = SERVER.route(request)
    assert method.path == path
    return request, type(message).FromString(wire)


def back(path, message):
    """Answer from half to half; return the HTTP response and what arrived."""
    response = SERVER.reply(SERVER.method(path), Reply(Code.OK, wire=message.SerializeToString()))
    reply = CLIENT.response(CLIENT.method(path), response)
    assert reply.code is Code.OK, reply
    return response, type(message).FromString(reply.wire)


def got(status, body, *headers, path=COMPUTE, content_type="application/json"):
    return CLIENT.response(CLIENT.method(path), HttpResponse(status, (("content-type", content_type), *headers), body))


def reason(reply):
    info = error_details_pb2.ErrorInfo()
    for key, value in reply.trailing_metadata:
        if key == "grpc-status-details-bin":
            status = status_pb2.Status.FromString(value)
            assert (status.code, status.message) == (reply.code.value[0], reply.details)
            for detail in status.details:
                if detail.Unpack(info):
                    return info.reason
    return None


OPERATIONS = "/google.longrunning.Operations/"
LOCATIONS = "/google.cloud.location.Locations/"
