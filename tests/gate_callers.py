"""Servicers that count or refuse calls, and clients of either colour whose calls run beside the test."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from concurrent import futures

import grpc
from google.protobuf.duration_pb2 import Duration
from google.rpc import error_details_pb2, status_pb2
from grpc_status import rpc_status
from servers import echo
from waiting import PATIENCE

import eegrpc
from eegrpc.v1alpha import add_EarthEngineServicer_to_server

Code = grpc.StatusCode
EXPRESSION = '{"result": "0", "values": {"0": {"constantValue": 1}}}'


class Counting:
    """Answers, and notes how many were in flight at most; each waits until `together` were, so that so many are."""

    def __init__(self, together=0):
        self.in_flight = self.most = 0
        self.together = together
        self.reached = threading.Event()
        self.lock = threading.Lock()

    def __call__(self, request, context):
        with self.lock:
            self.in_flight += 1
            self.most = max(self.most, self.in_flight)
            if self.in_flight >= self.together:
                self.reached.set()
        self.reached.wait(PATIENCE)
        with self.lock:
            self.in_flight -= 1
        return echo(request, context)


class Refusing:
    """Refuses the first `count` calls for quota."""

    def __init__(self, count, message, delay=0.0):
        self.count, self.status = count, status_pb2.Status(code=Code.RESOURCE_EXHAUSTED.value[0], message=message)
        if delay:
            seconds = Duration()
            seconds.FromNanoseconds(int(delay * 1e9))
            self.status.details.add().Pack(error_details_pb2.RetryInfo(retry_delay=seconds))
        self.lock = threading.Lock()

    def __call__(self, request, context):
        with self.lock:
            self.count -= 1
            refuse = self.count >= 0
        if refuse:
            context.abort_with_status(rpc_status.to_status(self.status))
        return echo(request, context)


class Callers:
    """A client of either colour; calls that run beside the test, and end as futures do."""

    def __init__(self, colour, options):
        self.colour = colour
        self.pool = futures.ThreadPoolExecutor(600)
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever)
        self.thread.start()
        self.client = self._make(options)

    def _make(self, options):
        if self.colour == "sync":
            return eegrpc.EarthEngineClient(**options)

        async def make():
            return eegrpc.EarthEngineAsyncClient(**options)

        return asyncio.run_coroutine_threadsafe(make(), self.loop).result(PATIENCE)

    def start(self, token="", **arguments):
        """Begin a call; the future gives the token that comes back."""
        if self.colour == "sync":
            return self.pool.submit(self._call, token, arguments)
        return asyncio.run_coroutine_threadsafe(self._call_async(token, arguments), self.loop)

    def _call(self, token, arguments):
        page = next(self.client.compute_images(EXPRESSION, page_token=token, **arguments).pages)
        return page.next_page_token

    async def _call_async(self, token, arguments):
        pager = await self.client.compute_images(EXPRESSION, page_token=token, **arguments)
        return (await anext(pager.pages)).next_page_token

    def close_client(self):
        if self.colour == "sync":
            self.client.close()
        else:
            asyncio.run_coroutine_threadsafe(self.client.close(), self.loop).result(PATIENCE)

    def close(self):
        self.close_client()
        self.pool.shutdown()
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()
        self.loop.close()


@contextlib.contextmanager
def busy_server_callers(servicer, **options):
    """Threads that call a gRPC server which does more at once than any limit here."""
    server = grpc.server(futures.ThreadPoolExecutor(64))
    add_EarthEngineServicer_to_server(servicer, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    endpoint = f"http://127.0.0.1:{port}"
    callers = Callers("sync", {"project": "p", "endpoint": endpoint, "transport": "grpc", **options})
    try:
        yield callers
    finally:
        callers.close()
        server.stop(None).wait()
