"""What tests of retries share: failures as servers send them, and a stub and a clock that only move when told."""

from __future__ import annotations

import asyncio

import grpc
from google.rpc import error_details_pb2, status_pb2

import eegrpc
from eegrpc.errors import EarthEngineError
from eegrpc.v1alpha import ComputeImagesResponse

Code = grpc.StatusCode


def failure(
    code=Code.UNAVAILABLE, details="x", *, retry_info=None, retry_after=None, pushback=None, initial=False, reason=None
):
    metadata = []
    if pushback is not None:
        metadata.append(("grpc-retry-pushback-ms", pushback))
    if retry_after is not None:
        metadata.append(("retry-after", retry_after))
    trailing = []
    if retry_info is not None or reason is not None:
        status = status_pb2.Status(code=code.value[0], message=details)
        if retry_info is not None:
            status.details.add().Pack(error_details_pb2.RetryInfo(retry_delay=retry_info))
        if reason is not None:
            status.details.add().Pack(error_details_pb2.ErrorInfo(reason=reason, domain="googleapis.com"))
        trailing.append(("grpc-status-details-bin", status.SerializeToString()))
    if initial:
        return EarthEngineError(code, details, initial_metadata=metadata, trailing_metadata=trailing)
    return EarthEngineError(code, details, trailing_metadata=trailing + metadata)


class Clock:
    """Monotonic time and the sleep that passes it."""

    def __init__(self):
        self.now = 1000.0
        self.slept = []

    def __call__(self):
        return self.now

    def sleep(self, seconds):
        self.slept.append(seconds)
        self.now += seconds
        return False

    async def sleep_async(self, seconds):
        return self.sleep(seconds)


class Steady:
    """A policy without chance: each wait is as long as it may be."""

    def __init__(self, policy):
        self.policy = policy

    def next_delay(self, failures, elapsed):
        return self.policy.next_delay(failures, elapsed, random=lambda: 1.0)


class Stub:
    """A multicallable that fails as told, then answers; it notes the timeouts."""

    def __init__(self, clock, *failures, takes=0.0):
        self.clock, self.failures, self.takes = clock, list(failures), takes
        self.timeouts, self.metadata = [], []

    def __call__(self, request, timeout, metadata):
        self.timeouts.append(timeout)
        self.metadata.append(metadata)
        self.clock.now += self.takes
        if self.failures:
            raise self.failures.pop(0)
        return ComputeImagesResponse(next_page_token="answered")

    async def call_async(self, request, timeout, metadata):
        return self(request, timeout, metadata)


EXPRESSION = {"result": "0", "values": {"0": {"constantValue": 1}}}


def compute(colour, options, **arguments):
    """Compute with a client made with `options`; return the names of the images, or the EarthEngineError."""
    try:
        if colour == "sync":
            with eegrpc.EarthEngineClient("p", **options) as client:
                return [image.name for image in client.compute_images(EXPRESSION, **arguments)]
        return asyncio.run(compute_async(options, arguments))
    except EarthEngineError as error:
        return error


async def compute_async(options, arguments):
    async with eegrpc.EarthEngineAsyncClient("p", **options) as client:
        return [image.name async for image in await client.compute_images(EXPRESSION, **arguments)]
