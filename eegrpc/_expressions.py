"""An expression from any of its forms: what users hold.

That is an object of the official ``ee`` package, the dict or JSON text of its serializer, or the message. What is wrong
with one is for `_expression_faults` to say.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import cache
from typing import Any, Final

from google.protobuf.message import EncodeError

from eegrpc._processes import load_before_forks
from eegrpc.mapper import MapperError, MessageMapper
from eegrpc.v1alpha import ComputeImagesRequest, Expression

__all__ = ["to_expression", "to_wire"]

load_before_forks("eegrpc._expression_faults")

_FORM: Final = 'expected {"result": ..., "values": {...}} as ee serializes it for the Cloud API'

# Strict: a misspelt field of a request is a mistake, unlike a new field of an answer. Expression has no field named
# "expression", so a document with that key is a request that wraps one.
_DESCRIPTOR: Final[Any] = Expression.DESCRIPTOR
_REQUEST_DESCRIPTOR: Final[Any] = ComputeImagesRequest.DESCRIPTOR
_IS_WRAPPED: Final = rb'\s*\{\s*"expression"\s*:'


@cache
def _strict_mapper(descriptor: Any) -> MessageMapper:
    return MessageMapper(descriptor, ignore_unknown_fields=False)


def to_expression(value: object) -> Expression:
    """Return the expression that a value stands for; not checked yet.

    Args:
        value: As `to_wire` takes it. An `Expression` is returned as it is.

    Raises:
        TypeError, EarthEngineError, Exception: As `to_wire`.
    """
    return value if isinstance(value, Expression) else Expression.FromString(to_wire(value))


def to_wire(value: object) -> bytes:
    """Return the encoding of the expression that a value stands for; not checked yet, but for how deep it nests.

    Args:
        value: An ``ee`` object, such as an ee.ImageCollection (recognised by its ``serialize`` method, so that ee need
            not be installed); a dict, str or bytes of JSON ``{"result": ..., "values": {...}}`` as the official
            serializer makes it for the Cloud API, also as the only field of ``{"expression": {...}}``; or an
            `Expression`.

    Raises:
        TypeError: It is none of these, or the dict holds something that JSON has no form for.
        EarthEngineError: INVALID_ARGUMENT: the JSON is malformed, or is not an expression, or nests too deeply. Whoever
            made it must act.
        Exception: Whatever ``ee`` raises for an object that it cannot serialize.
    """
    if isinstance(value, Expression):
        try:
            return value.SerializeToString()
        except EncodeError:
            from eegrpc._expression_faults import check_levels

            check_levels(value)
            raise
    if isinstance(value, (bytes, bytearray)):
        return _from_json(bytes(value))
    if isinstance(value, str):
        return _from_text(value)
    if isinstance(value, Mapping):
        return _from_text(_dump(value))
    serialize = getattr(value, "serialize", None)
    if callable(serialize) and not isinstance(value, type):
        text = serialize(for_cloud_api=True)
        if isinstance(text, str):
            return _from_text(text)
    raise TypeError(
        f"expression is a {type(value).__name__}: pass an ee object, the dict or JSON text of the ee serializer, "
        "or an eegrpc.v1alpha.Expression"
    )


# ---- from any form ----


def _from_text(text: str) -> bytes:
    try:
        return _from_json(text.encode())
    except UnicodeEncodeError as error:
        from eegrpc._expression_faults import refuse

        raise refuse("", f"has a lone surrogate at character {error.start}, which is not Unicode text") from error


def _from_json(text: bytes) -> bytes:
    try:
        if re.match(_IS_WRAPPED, text):
            request = ComputeImagesRequest.FromString(_strict_mapper(_REQUEST_DESCRIPTOR).to_wire(text))
            others = [name.name for name, _ in request.ListFields() if name.name != "expression"]
            if others:
                from eegrpc._expression_faults import refuse

                raise refuse("", f"came with {', '.join(others)}: pass these as arguments of their own")
            return request.expression.SerializeToString()
        return _strict_mapper(_DESCRIPTOR).to_wire(text)
    except MapperError as error:
        from eegrpc._expression_faults import refuse

        raise refuse(error.path, f"is not an expression: {error}; {_FORM}") from error


def _dump(value: Mapping[Any, Any]) -> str:
    """Return a dict as JSON text."""
    try:
        return json.dumps(value if isinstance(value, dict) else dict(value), separators=(",", ":"), allow_nan=False)
    except (RecursionError, TypeError, ValueError) as error:
        from eegrpc._expression_faults import unfit

        raise unfit(value, error) from error
