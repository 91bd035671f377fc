"""The REST face of servicers of probe.Probe, and calls to it on real sockets."""

from __future__ import annotations

import asyncio
import contextlib

import aiohttp
import grpc
import yarl
from google.cloud.location import locations_pb2
from google.longrunning import operations_pb2
from probe_service import POOL, SERVICE, Item

from eegrpc import v1alpha
from eegrpc.transcoding.server import transcoding_application, transcoding_runner
from eegrpc.transcoding.transcoder import Transcoder
from eegrpc.transcoding.types import HttpResponse

Code = grpc.StatusCode
OPERATIONS = operations_pb2.DESCRIPTOR.services_by_name["Operations"]
LOCATIONS = locations_pb2.DESCRIPTOR.services_by_name["Locations"]
EARTH_ENGINE = v1alpha.ComputeImagesRequest.DESCRIPTOR.file.services_by_name["EarthEngine"]
CLIENT = Transcoder((SERVICE, OPERATIONS, LOCATIONS, EARTH_ENGINE), pool=POOL)


@contextlib.asynccontextmanager
async def running(handlers, *services, **options):
    """Serve handlers on a port of their own; yield the port."""
    runner = transcoding_runner(transcoding_application(handlers, Transcoder(services, pool=POOL), **options))
    await runner.setup()
    site = aiohttp.web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


def probe(**behaviours):
    """Return handlers of probe.Probe: a function of request and context for each method."""
    methods = {
        name: grpc.unary_unary_rpc_method_handler(
            behaviour, request_deserializer=Item.FromString, response_serializer=Item.SerializeToString
        )
        for name, behaviour in behaviours.items()
    }
    return [grpc.method_handlers_generic_handler("probe.Probe", methods)]


async def send(port, request):
    """Send what the client half made, as it is; return the response, content coding undone."""
    async with aiohttp.ClientSession() as session:
        url = yarl.URL(f"http://127.0.0.1:{port}{request.target}", encoded=True)
        async with session.request(request.method, url, data=request.body or None, headers=request.headers) as answer:
            headers = tuple((name.lower(), value) for name, value in answer.headers.items())
            return HttpResponse(answer.status, headers, await answer.read())


async def call(port, path, message, output=None, **options):
    """Make a call; return the reply and, if it is OK, its message."""
    method = CLIENT.method(path)
    response = await send(port, CLIENT.request(method, message.SerializeToString(), **options))
    reply = CLIENT.response(method, response)
    return reply, (output or type(message)).FromString(reply.wire) if reply.code is Code.OK else None


async def post(port, item=None, **options):
    return await call(port, "/probe.Probe/Post", Item() if item is None else item, **options)


async def raw(port, data):
    """Send bytes; return everything that comes back."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(data)
    received = await reader.read()
    writer.close()
    await writer.wait_closed()
    return received
