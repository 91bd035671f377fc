"""The servicer: Earth Engine's methods, answered from a catalog by the evaluator."""

from __future__ import annotations

import re
import threading
from collections import OrderedDict
from typing import TYPE_CHECKING, Any, NoReturn

import grpc

from eegrpc.emulator.context import MAX_VALUES
from eegrpc.emulator.errors import EvaluationError
from eegrpc.emulator.evaluation.evaluator import ImageResult, evaluate_images
from eegrpc.emulator.serving.field_mask import FieldMask, FieldMaskError
from eegrpc.emulator.serving.page_tokens import PageTokenError, read_token, write_token
from eegrpc.emulator.serving.statuses import end_call, error_info
from eegrpc.v1alpha import ComputeImagesRequest, ComputeImagesResponse, EarthEngineServicer

if TYPE_CHECKING:
    from eegrpc.emulator.testing.projects import Projects, ProjectState

__all__ = ["ASSUMPTIONS_KEY", "ERROR_DOMAIN", "UNSUPPORTED", "EmulatorService"]

ASSUMPTIONS_KEY = "x-emulator-assumptions"
"""Trailing metadata that names the undocumented behaviours on which an answer rests (docs/emulator.md lists them)."""
ERROR_DOMAIN = "emulator.eegrpc"
"""`domain` of the google.rpc.ErrorInfo in the emulator's errors."""
UNSUPPORTED = "UNSUPPORTED_BY_EMULATOR"
"""`reason` when Earth Engine may know the function and the emulator does not."""
INVALID_REQUEST = "INVALID_REQUEST"
"""`reason` when something else in the request is wrong."""
INVALID_EXPRESSION = "INVALID_EXPRESSION"
"""`reason` when Earth Engine would refuse the expression too."""

DEFAULT_PAGE_SIZE = 1000
"""Images of a page when the request does not say; also the most, as the service may return fewer than asked for."""

_PROJECT = re.compile(r"projects/[^/\s]+")
_WORKLOAD_TAG = re.compile(r"[a-z0-9]|[a-z0-9][-_a-z0-9]{0,61}[a-z0-9]")
_KEPT_RESULTS = 16  # computations whose further pages need no second evaluation


class EmulatorService(EarthEngineServicer):
    """Answers computeImages; thread-safe, and without state but for a few recent results.

    A page token is good for one computation on the same loaded assets. After a load in the middle of paging, the tokens
    from before are refused: an offset into other images would skip some, or give some twice, and nobody would notice.

    Args:
        projects: What each project finds.
        max_page_size: Most images of one page; larger requests get this many (AIP-158).
    """

    def __init__(self, projects: Projects, *, max_page_size: int = DEFAULT_PAGE_SIZE) -> None:
        self._projects = projects
        self._max_page_size = max_page_size
        self._lock = threading.Lock()
        self._results: OrderedDict[tuple[object, bytes], ImageResult] = OrderedDict()

    def place_of(self, request: ComputeImagesRequest) -> bytes:
        """Return what names the images of a request, in its page tokens too."""
        return _place(request, self._projects.state(request.project))

    def ComputeImages(self, request: ComputeImagesRequest, context: Any) -> ComputeImagesResponse:  # noqa: N802
        """Evaluate the expression and return one page of its images."""
        self._check(request, context)
        state = self._projects.state(request.project)
        place = _place(request, state)
        try:
            start = read_token(request.page_token, place) if request.page_token else 0
        except PageTokenError as error:
            changed = ", or assets were loaded since it was given" if state.loaded else ""
            _refuse(context, f"Invalid page token: {error}{changed}.")
        try:
            result = self._evaluate(request, state, place)
        except EvaluationError as error:
            reason = UNSUPPORTED if error.unsupported else INVALID_EXPRESSION
            _refuse(context, error.message, reason, path=error.path, function=error.function or "")
        end = start + min(request.page_size or self._max_page_size, self._max_page_size)
        response = ComputeImagesResponse(images=result.images[start:end])
        if end < len(result.images):
            response.next_page_token = write_token(end, place)
        self._mask(response, context)
        if result.assumptions:
            context.set_trailing_metadata(((ASSUMPTIONS_KEY, ",".join(result.assumptions)),))
        return response

    @staticmethod
    def _check(request: ComputeImagesRequest, context: Any) -> None:
        problem = problem_of(request)
        if problem is not None:
            _refuse(context, *problem)

    def _evaluate(self, request: ComputeImagesRequest, state: ProjectState, place: bytes) -> ImageResult:
        name = (state.key, place)
        with self._lock:
            known = self._results.get(name)
            # Who begins anew asks the stubs anew; further pages are of what they answered then.
            if known is not None and (request.page_token or not known.is_stubbed):
                self._results.move_to_end(name)
                return known
        result = evaluate_images(request.expression, state.catalog, state.stubs)
        with self._lock:
            self._results[name] = result
            self._results.move_to_end(name)
            while len(self._results) > _KEPT_RESULTS:
                self._results.popitem(last=False)
        return result

    @staticmethod
    def _mask(response: ComputeImagesResponse, context: Any) -> None:
        for key, value in context.invocation_metadata():
            if key == "x-goog-fieldmask":
                try:
                    FieldMask(value).apply(response)
                except FieldMaskError as error:
                    _refuse(context, f"Invalid {error}.")


def _place(request: ComputeImagesRequest, state: ProjectState) -> bytes:
    return state.loaded + request.expression.SerializeToString(deterministic=True)


def _refuse(context: Any, message: str, reason: str = INVALID_REQUEST, **metadata: str) -> NoReturn:
    """End the call with INVALID_ARGUMENT: REST 400, which the official client, unlike 501, does not retry."""
    end_call(context, grpc.StatusCode.INVALID_ARGUMENT, message, error_info(reason, ERROR_DOMAIN, **metadata))


def problem_of(request: ComputeImagesRequest) -> tuple[str, str] | None:
    """Return what is wrong with a request, apart from its page token and what is in its expression.

    Args:
        request: The request.

    Returns:
        Text and reason of the error; None if nothing is wrong.
    """
    if not _PROJECT.fullmatch(request.project):
        return f'Invalid project {request.project[:64]!r}: expected "projects/{{project}}".', INVALID_REQUEST
    if not request.HasField("expression"):
        return "Missing field: expression.", INVALID_REQUEST
    if (values := len(request.expression.values)) > MAX_VALUES:
        text = f"The computation is too large: {values:,} values, and {MAX_VALUES:,} are the most."
        return f"{text} Make the request smaller.", INVALID_EXPRESSION
    if request.page_size < 0:
        return f"Invalid pageSize {request.page_size}: must not be negative.", INVALID_REQUEST
    if request.workload_tag and not _WORKLOAD_TAG.fullmatch(request.workload_tag):
        return f"Invalid workloadTag {request.workload_tag[:64]!r}.", INVALID_REQUEST
    return None
