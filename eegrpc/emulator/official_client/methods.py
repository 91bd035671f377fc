"""The REST methods that official clients call, as a table, and the discovery document that describes them.

The clients make their calls from the discovery document (https://developers.google.com/discovery/v1/reference/apis),
not from knowledge of their own: what is not in it, they cannot call.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from eegrpc.transcoding.template import PathTemplate

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["METHODS", "SYSTEM_PARAMETERS", "RestMethod", "discovery_document"]

_VARIABLE = re.compile(r"\{(\w+)=([^}]*)\}")
_INTEGER = {"type": "integer", "format": "int32"}
_STRING = {"type": "string"}

SYSTEM_PARAMETERS: Mapping[str, Any] = {
    "alt": {"type": "string", "enum": ["json"], "default": "json", "description": "Data format for response."},
    "key": {"type": "string", "description": "API key; of no effect here."},
    "prettyPrint": {"type": "boolean", "default": "true", "description": "Of no effect here."},
    "quotaUser": {"type": "string", "description": "Of no effect here."},
    "access_token": {"type": "string", "description": "OAuth access token; of no effect here."},
    "$.xgafv": {"type": "string", "description": "V1 error format."},
}
"""Query parameters of all methods: https://cloud.google.com/apis/docs/system-parameters."""


@dataclass(frozen=True)
class RestMethod:
    """A REST method.

    Attributes:
        id: Names of the resources it belongs to, and its own.
        http_method: The verb.
        template: Its path after the version.
        response: Name of the schema of the answer.
        request: Name of the schema of the body, empty if it takes none.
        query: Query parameters, by name.
    """

    id: str
    http_method: str
    template: str
    response: str
    request: str = ""
    query: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def path_template(self, version: str) -> PathTemplate:
        """Return what matches its path in an API version."""
        return PathTemplate(f"/{version}/{self.template}")


_LISTING = {"pageSize": _INTEGER, "pageToken": _STRING, "filter": _STRING, "view": _STRING}

METHODS = (
    RestMethod("projects.algorithms.list", "GET", "{parent=projects/*}/algorithms", "ListAlgorithmsResponse"),
    RestMethod("projects.assets.get", "GET", "{name=projects/*/assets/**}", "EarthEngineAsset"),
    RestMethod(
        "projects.assets.listAssets",
        "GET",
        "{parent=projects/*/assets/**}:listAssets",
        "ListAssetsResponse",
        query=_LISTING,
    ),
    RestMethod("projects.listAssets", "GET", "{parent=projects/*}:listAssets", "ListAssetsResponse", query=_LISTING),
    RestMethod(
        "projects.value.compute",
        "POST",
        "{project=projects/*}/value:compute",
        "ComputeValueResponse",
        request="ComputeValueRequest",
    ),
    RestMethod(
        "projects.imageCollection.computeImages",
        "POST",
        "{project=projects/*}/imageCollection:computeImages",
        "ComputeImagesResponse",
        request="ComputeImagesRequest",
    ),
)
"""All methods. computeImages, the last, is the servicer's, and answered by the transcoder."""

_ANYTHING = {"type": "any"}
_OBJECT = {"type": "object", "additionalProperties": _ANYTHING}
_LIST = {"type": "array", "items": _ANYTHING}
# The fields that clients look for by name: the generic one pages through whatever answers with a nextPageToken.
_SCHEMAS: Mapping[str, Mapping[str, Any]] = {
    "ListAlgorithmsResponse": {"algorithms": _LIST},
    "EarthEngineAsset": {"name": _STRING, "id": _STRING, "type": _STRING, "properties": _OBJECT},
    "ListAssetsResponse": {"assets": _LIST, "nextPageToken": _STRING},
    "ComputeValueRequest": {"expression": _OBJECT, "workloadTag": _STRING},
    "ComputeValueResponse": {"result": _ANYTHING},
    "ComputeImagesRequest": {
        "expression": _OBJECT,
        "pageSize": _INTEGER,
        "pageToken": _STRING,
        "workloadTag": _STRING,
    },
    "ComputeImagesResponse": {"images": _LIST, "nextPageToken": _STRING},
}


def discovery_document(version: str, root: str) -> dict[str, Any]:
    """Return the description of the API.

    Args:
        version: The API version, which begins all paths.
        root: URL of the server, with a slash at its end.

    Returns:
        A restDescription.
    """
    top: dict[str, Any] = {}
    for method in METHODS:
        *resources, name = method.id.split(".")
        here = top
        for resource in resources:
            here = here.setdefault("resources", {}).setdefault(resource, {})
        here.setdefault("methods", {})[name] = _describe(method, version)
    return {
        "kind": "discovery#restDescription",
        "discoveryVersion": "v1",
        "id": f"earthengine:{version}",
        "name": "earthengine",
        "version": version,
        "title": "Google Earth Engine API",
        "description": "What the emulator of eegrpc answers.",
        "protocol": "rest",
        "rootUrl": root,
        "baseUrl": root,
        "servicePath": "",
        "batchPath": "batch",
        "fullyEncodeReservedExpansion": True,
        "parameters": {name: {"location": "query", **rest} for name, rest in SYSTEM_PARAMETERS.items()},
        "schemas": {
            name: {"id": name, "type": "object", "properties": properties} for name, properties in _SCHEMAS.items()
        },
        "resources": top["resources"],
    }


def _describe(method: RestMethod, version: str) -> dict[str, Any]:
    in_path = {
        name: {"location": "path", "required": True, "type": "string", "pattern": _pattern(segments)}
        for name, segments in _VARIABLE.findall(method.template)
    }
    in_query = {name: {"location": "query", **rest} for name, rest in method.query.items()}
    description: dict[str, Any] = {
        "id": f"earthengine.{method.id}",
        "httpMethod": method.http_method,
        "path": f"{version}/" + _VARIABLE.sub(r"{+\1}", method.template),
        "parameterOrder": list(in_path),
        "parameters": {**in_path, **in_query},
        "response": {"$ref": method.response},
    }
    if method.request:
        description["request"] = {"$ref": method.request}
    return description


def _pattern(segments: str) -> str:
    """Return the regular expression of a variable's value: ``projects/*/assets/**``."""
    return "^" + segments.replace("**", "\0").replace("*", "[^/]+").replace("\0", ".+") + "$"
