"""The REST methods of official clients, without IO: from a method, its parameters and a body to JSON, or a refusal."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol
from urllib.parse import parse_qsl

import grpc

from eegrpc.emulator.errors import AlgorithmError, EvaluationError
from eegrpc.emulator.evaluation.evaluator import evaluate_to
from eegrpc.emulator.official_client.algorithm_list import algorithm_list
from eegrpc.emulator.official_client.assets import VIEWS, Query, find_asset, list_assets
from eegrpc.emulator.official_client.methods import METHODS, SYSTEM_PARAMETERS, RestMethod
from eegrpc.emulator.printing import printed
from eegrpc.emulator.serving.page_tokens import PageTokenError
from eegrpc.emulator.serving.service import INVALID_EXPRESSION, INVALID_REQUEST, UNSUPPORTED, problem_of
from eegrpc.mapper import MapperError, MessageMapper
from eegrpc.v1alpha import ComputeImagesRequest, EarthEngineAsset

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from eegrpc.emulator.catalog import AnyCatalog
    from eegrpc.emulator.evaluation.stubs import Stub
    from eegrpc.transcoding.template import PathTemplate

__all__ = ["Answer", "Call", "OfficialApi", "Refusal", "World"]

_MAX_INT32 = 2**31 - 1
# A ComputeValueRequest has no message of its own: it is a ComputeImagesRequest without pages.
_REQUEST_TYPE: Final[Any] = ComputeImagesRequest.DESCRIPTOR
_REQUEST: Final = MessageMapper(_REQUEST_TYPE, ignore_unknown_fields=False)
_ASSET_TYPE: Final[Any] = EarthEngineAsset.DESCRIPTOR
_ASSET: Final = MessageMapper(_ASSET_TYPE)


class Refusal(Exception):  # noqa: N818 - an answer like any other
    """A request that is refused.

    Attributes:
        code: INVALID_ARGUMENT or NOT_FOUND: what HTTP says as 400 and 404, which clients do not send again.
        message: What was wrong.
        reason: `reason` of the google.rpc.ErrorInfo.
        metadata: Its metadata.
    """

    def __init__(self, code: grpc.StatusCode, message: str, reason: str = INVALID_REQUEST, **metadata: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.reason = reason
        self.metadata = metadata


class Answer(NamedTuple):
    """What a request is answered with: JSON, and the choices of ours on which it rests."""

    body: bytes
    assumptions: tuple[str, ...] = ()


class Call(NamedTuple):
    """A request for one of the methods."""

    method: RestMethod
    values: Mapping[str, str]
    """What is in the path, by name of the variable."""
    query: str = ""
    """The query string, percent-encoded."""
    body: bytes = b""
    user_project: str = ""
    """Who asks, as the header ``x-goog-user-project`` says: ``my-project``."""

    @property
    def project(self) -> str:
        """The project whose world it is about: the one in the path of a computation, else who asks.

        The names of assets, and so the paths of all other methods, are those of the projects that have them.
        """
        return self.values.get("project") or f"projects/{self.user_project}"


class World(Protocol):
    """What the requests of a project find."""

    @property
    def catalog(self) -> AnyCatalog:
        """The assets."""

    @property
    def stubs(self) -> Mapping[str, Stub]:
        """What functions that need pixels answer, by name."""


class OfficialApi:
    """Answers the methods of `METHODS` but computeImages; thread-safe.

    Args:
        world: What a project (``projects/my-project``) finds.
        max_page_size: Most assets of a page.
        versions: API versions, with which all paths begin.
    """

    def __init__(self, world: Callable[[str], World], max_page_size: int, versions: Iterable[str]) -> None:
        self._world = world
        self._max_page_size = max_page_size
        self._actions: Mapping[str, Callable[[Call, ComputeImagesRequest], Answer]] = {
            "projects.algorithms.list": lambda *_: Answer(algorithm_list()),
            "projects.assets.get": self._get_asset,
            "projects.assets.listAssets": self._list_assets,
            "projects.listAssets": self._list_assets,
            "projects.value.compute": self._compute_value,
        }
        routes = [
            (method.path_template(version), method)
            for method in METHODS
            if method.id in self._actions
            for version in versions
        ]
        # A path ends with a verb, or with the name of an asset, in which anything may be.
        self._routes: list[tuple[PathTemplate, RestMethod]] = sorted(routes, key=lambda route: route[0].verb is None)

    def find(self, http_method: str, path: str) -> Call | None:
        """Return what a request calls.

        Args:
            http_method: Upper case.
            path: The path, percent-encoded.

        Returns:
            The call; None if it is none of these methods.
        """
        for template, method in self._routes:
            if method.http_method == http_method and (values := template.match(path)) is not None:
                return Call(method, values)
        return None

    def read(self, call: Call) -> ComputeImagesRequest:
        """Read what a call asks for, in the fields that other methods share with computeImages.

        Args:
            call: From `find`, with what came besides the path.

        Returns:
            The project, the expression if it has one, the page size and token.

        Raises:
            Refusal: The request is not valid.
        """
        if call.method.request:
            return _computation(call)
        query = _parameters(call)
        page_size = _page_size(query.get("pageSize", "0"))
        return ComputeImagesRequest(project=call.project, page_size=page_size, page_token=query.get("pageToken", ""))

    def answer(self, call: Call, request: ComputeImagesRequest) -> Answer:
        """Answer a call; takes as long as its evaluation.

        Args:
            call: From `find`, with what came besides the path.
            request: What `read` made of it.

        Returns:
            The answer.

        Raises:
            Refusal: The request cannot be answered.
        """
        return self._actions[call.method.id](call, request)

    def _get_asset(self, call: Call, request: ComputeImagesRequest) -> Answer:
        name = call.values["name"]
        asset = find_asset(self._world(request.project).catalog, name)
        if asset is None:
            raise _not_found(name)
        return Answer(_asset_json(asset))

    def _list_assets(self, call: Call, request: ComputeImagesRequest) -> Answer:
        parent = call.values["parent"]
        query = _parameters(call)
        asked = Query(request.page_size, request.page_token, query.get("filter", ""), query.get("view", ""))
        if asked.view not in VIEWS:
            raise _invalid(f"Invalid value at 'view' (EarthEngineAssetView), {json.dumps(asked.view[:64])}")
        try:
            page = list_assets(self._world(request.project).catalog, parent, asked, self._max_page_size)
        except AlgorithmError as error:
            raise _invalid(error.message) from error
        except PageTokenError as error:
            raise _invalid(f"Invalid page token: {error}.") from error
        if page is None:
            raise _not_found(parent)
        assets = b",".join(map(_asset_json, page.assets))
        fields = [b'"assets":[%b]' % assets] if page.assets else []
        if page.next_page_token:
            fields.append(b'"nextPageToken":"%b"' % page.next_page_token.encode())
        return Answer(b"{%b}" % b",".join(fields))

    def _compute_value(self, _call: Call, request: ComputeImagesRequest) -> Answer:
        try:
            world = self._world(request.project)
            result, assumptions = evaluate_to(printed, request.expression, world.catalog, world.stubs)
        except EvaluationError as error:
            reason = UNSUPPORTED if error.unsupported else INVALID_EXPRESSION
            raise _invalid(error.message, reason, path=error.path, function=error.function or "") from error
        text = json.dumps({"result": result}, separators=(",", ":"), ensure_ascii=False)
        return Answer(text.encode(errors="backslashreplace"), assumptions)


def _computation(call: Call) -> ComputeImagesRequest:
    """Read a ComputeValueRequest."""
    _parameters(call)
    try:
        request = ComputeImagesRequest.FromString(_REQUEST.to_wire(call.body or b"{}"))
    except MapperError as error:
        raise _invalid(f"Invalid JSON payload received. {error}") from error
    for field, _ in request.ListFields():
        if field.json_name not in ("expression", "workloadTag"):
            raise _invalid(f'Invalid JSON payload received. Unknown name "{field.json_name}": Cannot find field.')
    request.project = call.project
    problem = problem_of(request)
    if problem is not None:
        raise _invalid(*problem)
    return request


def _asset_json(asset: EarthEngineAsset) -> bytes:
    try:
        return _ASSET.to_json(asset.SerializeToString())
    except MapperError as error:  # of a catalog that holds what JSON has not
        raise _invalid(f"Asset '{(asset.name or asset.id)[:200]}' has no JSON form: {error}") from error


def _parameters(call: Call) -> dict[str, str]:
    """Return the query parameters that are the method's own."""
    found: dict[str, str] = {}
    for name, value in parse_qsl(call.query, keep_blank_values=True):
        if name in SYSTEM_PARAMETERS:
            if name == "alt" and value != "json":
                raise _invalid("Invalid value at 'alt': only json can be answered.")
        elif name not in call.method.query:
            raise _invalid(
                f"Invalid JSON payload received. Unknown name {json.dumps(name[:64])}: Cannot bind query parameter. "
                f"Field {name[:64]!r} could not be found in request message."
            )
        elif name in found:
            raise _invalid(f"Invalid value at '{name}': it is given twice, and the field is not repeated.")
        else:
            found[name] = value
    return found


def _page_size(text: str) -> int:
    if not text.isascii() or not text.isdecimal() or len(text) > 10 or int(text) > _MAX_INT32:
        raise _invalid(f"Invalid value at 'page_size' (TYPE_INT32), {json.dumps(text[:64])}")
    return int(text)


def _invalid(message: str, reason: str = INVALID_REQUEST, **metadata: str) -> Refusal:
    return Refusal(grpc.StatusCode.INVALID_ARGUMENT, message, reason, **metadata)


def _not_found(name: str) -> Refusal:
    message = f"Asset '{name[:200]}' not found (does not exist or caller does not have access)."
    return Refusal(grpc.StatusCode.NOT_FOUND, message)
