"""Google's official Python client for Earth Engine, with the transport that it has: googleapiclient over requests."""

from __future__ import annotations

import contextlib
import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from benchmarks.comparison.subject import SyncSubject
from benchmarks.comparison.subjects.json_pages import count_images, count_over_pages

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.comparison.subject import Servers, Subject, Work

__all__ = ["SUBJECTS", "EarthEngineApi"]

_NO_ASSETS: Any = {"": None}  # an empty list would be fetched again
_PROJECT = {"location": "path", "required": True, "type": "string", "pattern": "^projects/[^/]+$"}


class _Prepared(NamedTuple):
    project: str
    parameters: dict[str, Any]


class EarthEngineApi(SyncSubject):
    """``ee.data.computeImages``, after ``ee.Initialize``; without its retries, and anonymous.

    It takes an object of its own, and writes its graph at each call: there is no way to give it one that is written
    already. So does whoever uses it. The object is made of the given graph once.

    Nothing of it is replaced. It makes its calls from a description of the API, which it asks for when it is
    initialized, as it does for the list of algorithms, from which it makes its methods; `_describing` has both until
    then, in this process. The list is Earth Engine's, a copy of which is in the package. The description has the two
    methods that are called and no others, and the list of deprecated assets, which is in Google's storage, is not asked
    for: so it starts faster than it does against Google.

    Its session keeps ten connections. It has no way to ask for a part of the fields.
    """

    name = "earthengine-api"
    transport = "rest"
    needs = ("ee",)

    def open(self, servers: Servers) -> None:
        import ee
        import ee.deprecation
        from google.auth.credentials import AnonymousCredentials

        ee.data.setMaxRetries(0)
        ee.deprecation.deprecated_assets = _NO_ASSETS
        algorithms = Path(ee.__file__).parent / "tests" / "algorithms.json"
        with _describing(f"http://127.0.0.1:{servers.rest}", algorithms.read_bytes()) as url:
            ee.Initialize(AnonymousCredentials(), url=url, project="any")
        self._ee = ee

    def prepare(self, work: Work) -> _Prepared:
        if work.fields:
            raise ValueError("earthengine-api cannot ask for a part of the fields")
        parameters = {"expression": _object(work.expression), "pageSize": work.page_size}
        return _Prepared(work.project.removeprefix("projects/"), parameters)

    def call(self, prepared: _Prepared) -> int:
        self._ee.data.setCloudApiUserProject(prepared.project)  # which is not an argument, and sets a variable
        return count_images(self._ee.data.computeImages(prepared.parameters))

    def iterate(self, work: Work) -> int:
        project, parameters = self.prepare(work)
        self._ee.data.setCloudApiUserProject(project)
        return count_over_pages(self._ee.data.computeImages, parameters)


def _object(expression: dict[str, Any]) -> Any:
    """Return a graph as the client's own object."""
    from ee import deserializer

    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(10 * limit)  # it reads a long chain by recursion; to write one it needs less
    try:
        return deserializer.decodeCloudApi(expression)
    finally:
        sys.setrecursionlimit(limit)


@contextlib.contextmanager
def _describing(root: str, algorithms: bytes) -> Iterator[str]:
    """Serve what the client asks for when it is initialized; yield the URL that it is to be initialized with.

    Args:
        root: URL of the server that computes images.
        algorithms: The list of algorithms, as JSON.
    """
    description = json.dumps(_description(root)).encode()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            answer = description if self.path.startswith("/$discovery/") else algorithms
            self.send_response(200)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def _description(root: str) -> dict[str, Any]:
    """Return a discovery document: https://developers.google.com/discovery/v1/reference/apis.

    The path of computeImages is a whole URL, as those of uploads are, because the client would look for it where the
    document is. To join that costs some microseconds of a call.
    """
    listing = {
        "id": "earthengine.projects.algorithms.list",
        "httpMethod": "GET",
        "path": "v1/{+parent}/algorithms",
        "parameterOrder": ["parent"],
        "parameters": {"parent": _PROJECT},
        "response": {"$ref": "Anything"},
    }
    computing = {
        "id": "earthengine.projects.imageCollection.computeImages",
        "httpMethod": "POST",
        "path": f"{root}/v1/{{+project}}/imageCollection:computeImages",
        "parameterOrder": ["project"],
        "parameters": {"project": _PROJECT},
        "request": {"$ref": "Anything"},
        "response": {"$ref": "Anything"},
    }
    return {
        "kind": "discovery#restDescription",
        "name": "earthengine",
        "version": "v1",
        "protocol": "rest",
        "rootUrl": root,
        "servicePath": "",
        "fullyEncodeReservedExpansion": True,
        "parameters": {
            "alt": {"location": "query", "type": "string", "enum": ["json", "media", "proto"], "default": "json"},
            "prettyPrint": {"location": "query", "type": "boolean", "default": "true"},
        },
        "schemas": {"Anything": {"id": "Anything", "type": "object", "properties": {}}},
        "resources": {
            "projects": {
                "resources": {
                    "algorithms": {"methods": {"list": listing}},
                    "imageCollection": {"methods": {"computeImages": computing}},
                }
            }
        },
    }


SUBJECTS: list[type[Subject]] = [EarthEngineApi]
