"""What each part of the client adds to a call over gRPC, measured in calls: `python -m benchmarks.layers [--rounds N]`.

The same call is made with one part more, the ways in turns, against the server of the comparison. A part that is
measured in a loop of its own looks two to four times cheaper: there, all that it needs stays in the caches.
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

import grpc

import eegrpc
from benchmarks.comparison.server import canned_server
from benchmarks.comparison.work import ONE, works
from benchmarks.mapper.measure import measure, pin
from eegrpc._calls import prepare
from eegrpc._client import send
from eegrpc._expressions import to_expression, to_wire
from eegrpc._pager import ComputeImagesPager
from eegrpc.mapper import is_sound_expression
from eegrpc.v1alpha import ComputeImagesRequest, EarthEngineStub

if TYPE_CHECKING:
    from collections.abc import Callable

_TIMEOUT = 330.0
_NOT_GIVEN = dict.fromkeys(("page_token", "workload_tag", "fields", "limit", "prefetch"))


def _ways(port: int) -> dict[str, Callable[[], object]]:
    """Return the ways to make one call by what they add, each to the one before it."""
    work = works(1)[ONE]
    expression = to_expression(work.expression)
    message = ComputeImagesRequest(project=work.project, expression=expression, page_size=work.page_size)
    raw = EarthEngineStub(grpc.insecure_channel(f"127.0.0.1:{port}")).ComputeImages
    client = eegrpc.EarthEngineClient(endpoint=f"http://127.0.0.1:{port}", transport="grpc")
    arguments: dict[str, Any] = {"project": work.project, "page_size": work.page_size}
    defaults, method = client._defaults, client._methods.whole
    call = prepare(defaults, expression, **arguments, **_NOT_GIVEN, retry=..., timeout=..., metadata=())
    request, metadata = call.request, call.terms.metadata
    encoded = to_wire(expression)

    def sent() -> object:
        return send(method, request, metadata, call.attempts(1), client._admission, client._sleep)

    def paged() -> object:
        return next(iter(ComputeImagesPager(client._fetch, call).pages))

    def encoding(then: Callable[[], object]) -> Callable[[], object]:
        return lambda: (expression.SerializeToString(), then())

    def looking(then: Callable[[], object]) -> Callable[[], object]:
        return lambda: (is_sound_expression(encoded), then())

    return {
        "the raw stub": lambda: raw(message, timeout=_TIMEOUT),
        "the channel: which process, whether a fork is under way": encoding(lambda: method(request, timeout=_TIMEOUT)),
        "two metadata: x-goog-request-params, x-goog-api-client": encoding(
            lambda: method(request, timeout=_TIMEOUT, metadata=metadata)
        ),
        "attempts, budget, and the loop around them": encoding(sent),
        "the pager and its pages": encoding(paged),
        "the look through the expression": looking(encoding(paged)),
        "the other arguments, and the request put together": lambda: next(
            iter(client.compute_images(expression, **arguments).pages)
        ),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=25)
    rounds = parser.parse_args().rounds
    with canned_server(1) as server:
        pin()
        times = measure(_ways(server.grpc), rounds=rounds, least=0.05)
    costs = {name: each.median * 1e6 for name, each in times.items()}
    raw, before = next(iter(costs.values())), 0.0
    print("| part | adds, µs of CPU | together | of the raw stub |\n|---|---:|---:|---:|")
    for name, cost in costs.items():
        print(f"| {name} | {cost - before:.1f} | {cost:.1f} | {cost / raw:.3f} |")
        before = cost


if __name__ == "__main__":
    main()
