"""What one computeImages call sends: the checked request and its metadata.

Everything that is wrong with a request is found here, before a byte is sent, on either transport, by the same rules.
"""

from __future__ import annotations

import re
import sys
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

import grpc
from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.message import DecodeError

from eegrpc._expressions import to_wire
from eegrpc._version import VERSION
from eegrpc.errors import make_error
from eegrpc.mapper import MapperError, MessageMapper, is_sound_expression
from eegrpc.transcoding.wire import LEN, length_delimited, tag, varint
from eegrpc.v1alpha import ComputeImagesRequest, Expression

if TYPE_CHECKING:
    from collections.abc import Iterable

    from eegrpc.errors import EarthEngineError

__all__ = [
    "Metadata",
    "add_metadata",
    "count",
    "encode_request",
    "field_mask",
    "own_metadata",
    "page_token_text",
    "project_name",
    "request_start",
    "with_page_token",
]

_MAX_JSON: Final = 10_000_000  # bytes; the usage guide's "10 MB" of request payload
_MAX_PAGE_SIZE: Final = 2**31 - 1
# The JSON of a request is at most 8 times its wire encoding, plus its braces (worst: an empty functionInvocationValue
# in an array, 31 bytes for 4), and at least a sixth of it (a one-digit number in a list: 2 bytes for 11).
_MOST_JSON_PER_BYTE: Final = 8
_BRACES: Final = 200
_LEAST_JSON_PER_BYTE: Final = 1 / 6

# https://cloud.google.com/resource-manager/docs/creating-managing-projects; the length is the server's affair. Ids of
# old organisations carry the domain: example.com:project.
_PROJECT_ID: Final = re.compile(r"(?:[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?:)?[a-z0-9](?:[a-z0-9-]*[a-z0-9])?")
_MAX_PROJECT: Final = 255
# As the official client checks it (ee/_state.py); the guide also allows upper case, which that client refuses.
_WORKLOAD_TAG: Final = r"[a-z0-9]|[a-z0-9][-_a-z0-9]{0,61}[a-z0-9]"

# Who is calling, in the form of Google's own clients.
_CLIENT_VERSIONS: Final = f"gl-python/{sys.version.split()[0]} grpc/{grpc.__version__} eegrpc/{VERSION}"

_DESCRIPTOR: Final[Any] = ComputeImagesRequest.DESCRIPTOR
_EXPRESSION: Final = ComputeImagesRequest.EXPRESSION_FIELD_NUMBER
_PAGE_TOKEN: Final = ComputeImagesRequest.PAGE_TOKEN_FIELD_NUMBER

Metadata = tuple[tuple[str, str | bytes], ...]


def request_start(project: str, page_size: int | None, workload_tag: str | None) -> bytes:
    """Return the encoded request but for the expression and the page token.

    Args:
        project: Resource name, or empty.
        page_size: As ``compute_images`` takes it.
        workload_tag: As ``compute_images`` takes it.

    Raises:
        TypeError: An argument has the wrong type.
        EarthEngineError: INVALID_ARGUMENT: an argument is refused; the message and the google.rpc.BadRequest name it.
    """
    if not project:
        raise _refuse("project", "is missing: pass project= here or to the client", reason="BAD_PROJECT")
    size, label = count("page_size", page_size, _MAX_PAGE_SIZE) or 0, _workload_tag(workload_tag)
    return ComputeImagesRequest(project=project, page_size=size, workload_tag=label).SerializeToString()


def encode_request(start: bytes, expression: object, page_token: str = "") -> bytes:
    """Return the encoded request, without the page token; `with_page_token` adds one.

    Args:
        start: From `request_start`.
        expression: As ``compute_images`` takes it.
        page_token: Counts for the size of the request.

    Raises:
        TypeError, EarthEngineError: The expression is refused, as `eegrpc._expressions` documents it, or too large.
    """
    encoded = to_wire(expression)
    request = start + _expression_tag(len(encoded)) + encoded
    if not is_sound_expression(encoded):
        _look_closely(request, encoded)
    if (len(request) + len(page_token)) * _MOST_JSON_PER_BYTE + _BRACES > _MAX_JSON:
        _check_size(with_page_token(request, page_token))
    return request


def with_page_token(request: bytes, page_token: str) -> bytes:
    """Return an encoded request for the page that a token stands for; the first one for an empty token."""
    return request + length_delimited(_PAGE_TOKEN, page_token.encode()) if page_token else request


@lru_cache(maxsize=1024)
def _expression_tag(size: int) -> bytes:
    """Return what stands in front of an encoded expression."""
    return tag(_EXPRESSION, LEN) + varint(size)


def _look_closely(request: bytes, encoded: bytes) -> None:
    """Say what is wrong with a request whose expression may not be sound, if anything is."""
    from eegrpc._expression_faults import check_graph, check_levels

    check_graph(Expression.FromString(encoded))
    try:
        ComputeImagesRequest.FromString(request)  # by the parser that its receiver has: that is how deep it may nest
    except DecodeError:
        check_levels(Expression.FromString(encoded))
        raise


def _check_size(request: bytes) -> None:
    """Refuse a request that Earth Engine finds too large; make its JSON only if its wire size leaves that open."""
    size = len(request)
    if size * _LEAST_JSON_PER_BYTE <= _MAX_JSON:
        body = ComputeImagesRequest.FromString(request)
        body.ClearField("project")  # travels in the path
        try:
            size = len(MessageMapper(_DESCRIPTOR).to_json(body.SerializeToString()))
        except MapperError as error:
            raise _refuse("expression", f"has no JSON form: {error}", reason="BAD_EXPRESSION") from error
        if size <= _MAX_JSON:
            return
    raise _refuse(
        "expression",
        f"makes a request of {size:,} bytes; Earth Engine accepts {_MAX_JSON:,}: simplify geometries, or upload them "
        "as a table asset",
        reason="REQUEST_TOO_LARGE",
    )


# ---- fields of the request ----


def project_name(project: str) -> str:
    """Return the resource name of a project given by id, by number or as ``projects/...``."""
    name = _text("project", project)
    identifier = name.removeprefix("projects/")
    if len(identifier) > _MAX_PROJECT or not _PROJECT_ID.fullmatch(identifier):
        shown = repr(name if len(name) <= 64 else f"{name[:64]}...")
        raise _refuse(
            "project",
            f"{shown} does not match projects/*: pass the id or number of a Google Cloud project "
            "(lower-case letters, digits and hyphens; not its display name)",
            reason="BAD_PROJECT",
        )
    return f"projects/{identifier}"


def page_token_text(page_token: str) -> str:
    """Return a page token that can be sent."""
    return _text("page_token", page_token)


def _workload_tag(given: str | None) -> str:
    text = _text("workload_tag", given)
    if text and not re.fullmatch(_WORKLOAD_TAG, text):
        raise _refuse(
            "workload_tag",
            f"{text[:64]!r} is malformed: pass 1 to 63 lower-case letters, digits, '-' and '_', and none of these two "
            "at either end",
        )
    return text


def _text(name: str, value: str | None) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        raise TypeError(f"{name} is a {type(value).__name__}: pass a str")
    if value.isascii():
        return value
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise _refuse(name, f"has a lone surrogate at character {error.start}, which is not Unicode text") from error
    return value


def count(name: str, value: int | None, most: int | None = None) -> int | None:
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError(f"{name} is a {type(value).__name__}: pass an int")
    if value < 0 or (most is not None and value > most):
        raise _refuse(name, f"is {value}: it must be 0 or more" + (f", and at most {most}" if most else ""))
    return value


# ---- metadata ----


def own_metadata(project: str, mask: str | None) -> Metadata:
    """Return what the client itself sends with a call that has this response field mask."""
    # https://google.aip.dev/client-libraries/4222: the path variable, with "/" kept.
    params = ("x-goog-request-params", f"project={quote(project, safe='/')}")
    masked = () if mask is None else (("x-goog-fieldmask", mask),)
    return (params, ("x-goog-api-client", _CLIENT_VERSIONS), *masked)


def add_metadata(ours: Metadata, extra: Iterable[tuple[str, str | bytes]], *, refuse_auth: bool = False) -> Metadata:
    """Return the call's metadata: the caller's, and ours for the keys that the caller did not give.

    `refuse_auth` refuses metadata that says who calls and who pays, which belongs to the channel.

    Raises:
        TypeError: `extra` is not pairs.
        EarthEngineError: It is refused, as `eegrpc.transcoding.metadata.check_metadata` documents it.
    """
    given = tuple(extra)
    if not given:
        return ours
    # Here and not at the top: the channel's side of the house is loaded when a call is made, not at import.
    from eegrpc._auth import AUTH_METADATA
    from eegrpc.transcoding.metadata import check_metadata
    from eegrpc.transcoding.types import TranscodingError

    if not all(isinstance(pair, tuple) and len(pair) == 2 for pair in given):
        raise TypeError("metadata is not pairs: pass a sequence of (key, value) tuples")
    try:
        check_metadata(given)
    except TranscodingError as error:
        raise make_error(error.code, error.details, reason=error.reason or "BAD_REQUEST", field="metadata") from error
    keys = {key for key, _ in given}
    if refuse_auth and (auth := sorted(keys & AUTH_METADATA)):
        names = ", ".join(auth)
        text = f"metadata {names} belongs to the channel: pass credentials=, or channel= with one that allows it"
        raise make_error(grpc.StatusCode.INVALID_ARGUMENT, text, reason="BAD_REQUEST", field="metadata")
    return (*(pair for pair in ours if pair[0] not in keys), *given)


def field_mask(fields: str | Iterable[str] | FieldMask) -> str:
    """Return the text of a response field mask, which always lets the next page's token through."""
    if isinstance(fields, FieldMask):
        fields = fields.ToJsonString()
    if isinstance(fields, str):
        paths = _split(fields)
    else:
        paths = list(fields)
        for path in paths:
            if not isinstance(path, str):
                raise TypeError(f"fields has a {type(path).__name__}: pass a str, strs, or a FieldMask")
    if not paths or not all(path.strip(" ") for path in paths):
        raise _refuse("fields", "has an empty path: name fields of the answer, such as images.name,images.startTime")
    mask = ",".join(path.strip(" ") for path in paths)
    if not mask.isascii() or not mask.isprintable():
        raise _refuse("fields", f"has a control or non-ASCII character: {mask[:64]!r}")
    # Without the token every answer would look like the last page, and the rest would be lost unseen.
    if not {"*", "nextPageToken", "next_page_token"}.intersection(path.strip(" ") for path in paths):
        mask += ",nextPageToken"
    return mask


def _split(mask: str) -> list[str]:
    """Return the paths of a mask; a comma inside parentheses, as in images(name,id), does not divide it."""
    paths, depth = [""], 0
    for character in mask:
        depth += {"(": 1, ")": -1}.get(character, 0)
        if character == "," and depth == 0:
            paths.append("")
        else:
            paths[-1] += character
    return paths


def _refuse(field: str, what: str, *, reason: str = "BAD_REQUEST") -> EarthEngineError:
    """Return the error for an argument that is wrong."""
    return make_error(grpc.StatusCode.INVALID_ARGUMENT, f"{field} {what}", reason=reason, field=field)
