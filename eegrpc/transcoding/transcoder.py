"""gRPC transcoding for any annotated service, both halves, without IO.

The client half turns an encoded gRPC request into an HTTP request, and an HTTP response into an encoded reply or a
status; the server half does the reverse. What follows from the descriptors is built once, at first use of a method.
"""

from __future__ import annotations

import json
import math
import re
import threading
from typing import TYPE_CHECKING

import grpc
from google.protobuf import descriptor_pool

from eegrpc._processes import restart_in_children
from eegrpc.mapper import MapperError
from eegrpc.transcoding.binding import Binding, Method, methods_of
from eegrpc.transcoding.content import JSON_TYPE, Body, Content, body_of, header, other_charset
from eegrpc.transcoding.metadata import check_metadata, from_headers, to_headers, to_trailers
from eegrpc.transcoding.query import parse_query, query_string
from eegrpc.transcoding.router import MethodNotAllowedError, Router
from eegrpc.transcoding.status import DETAILS_KEY
from eegrpc.transcoding.success import reply_of_success
from eegrpc.transcoding.template import PathTemplate, PathValueError
from eegrpc.transcoding.types import HttpRequest, HttpResponse, Metadata, Reply, TranscodingError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from google.api.http_pb2 import HttpRule
    from google.protobuf.descriptor import ServiceDescriptor
    from google.protobuf.descriptor_pool import DescriptorPool

    from eegrpc.mapper import Taker
    from eegrpc.transcoding.types import Headers

__all__ = ["Transcoder"]

Code = grpc.StatusCode
_USER_AGENT = "eegrpc (gzip)"
_ORIGIN_FORM = r"/[!-\"$->@-~]*(?:\?[!-\"$-~]*)?"  # visible ASCII without a fragment
_TIMEOUT = r"\+?(?:[0-9]{1,12}(?:\.[0-9]*)?|\.[0-9]+)"


class Transcoder:
    """Maps calls of annotated methods to HTTP and back; safe to share between threads.

    Args:
        services: Services to compile now: the client finds mistakes early, the server answers for no others.
        rules: google.api.HttpRule records that take precedence over annotations, by full method name.
        pool: Where the client finds other services by name, and the types of error details; default: the default pool.
        user_agent: Sent with every request; Google compresses only for user agents that contain "gzip", which is added.

    Raises:
        TemplateError: A rule of `services` is wrong (a ValueError, with the column).
    """

    def __init__(
        self,
        services: Iterable[ServiceDescriptor] = (),
        *,
        rules: Iterable[HttpRule] = (),
        pool: DescriptorPool | None = None,
        user_agent: str = _USER_AGENT,
    ) -> None:
        self._rules = tuple(rules)
        self._pool = pool if pool is not None else descriptor_pool.Default()
        self._user_agent = user_agent if "gzip" in user_agent else f"{user_agent} (gzip)".strip()
        self._methods: dict[str, Method] = {}
        self._plans: dict[str, _Plan] = {}
        self._router = Router()
        self._lock = threading.Lock()
        restart_in_children(self)
        for service in services:
            for method in methods_of(service, self._rules):
                self._methods[method.path] = method
                self._router.add(method)

    def _after_fork(self) -> None:
        """Go on in a forked child, where another thread may hold the lock for ever."""
        self._lock = threading.Lock()

    def method(self, path: str) -> Method:
        """Return a method by its gRPC path, ``/package.Service/Method``; find and compile its service if it is new.

        Raises:
            TranscodingError: UNIMPLEMENTED: the pool has no such method. Import the module that defines the service.
            TemplateError: The HTTP rule of the service is wrong.
        """
        method = self._methods.get(path)
        return method if method is not None else self._compile(path)

    def request(
        self, method: Method, wire: bytes, *, metadata: Metadata = (), timeout: float | None = None
    ) -> HttpRequest:
        """Return the HTTP request for a call: client half.

        Args:
            method: From `method`.
            wire: The encoded request message.
            metadata: Sent as headers; see `check_metadata` for what is refused.
            timeout: Seconds that the call may take, told to the server as ``x-server-timeout``.

        The first binding whose template the request's values fit is used.

        Raises:
            TranscodingError: UNIMPLEMENTED: the method has no HTTP rule. INVALID_ARGUMENT: the request does not fit
                it, or has no JSON form. INTERNAL: metadata that may not be sent. Nothing may be sent then.
        """
        check_metadata(metadata)
        if not method.bindings:
            raise TranscodingError(Code.UNIMPLEMENTED, f"{method.full_name} has no HTTP rule and so no REST form")
        plan = self._plan(method)
        refusals = []
        try:
            for binding in method.bindings:
                split = binding.split(wire)
                try:
                    target = binding.template.expand(split.path)
                except PathValueError as error:
                    refusals.append(str(error))
                    continue
                body = plan.request_body[binding.template]
                content = Content(b"") if body is None else body.write(split.body)
                query = query_string(method.input, split.query)
                if query:
                    target = f"{target}?{query}"
                headers = self._request_headers(plan, binding, content, metadata, timeout)
                return HttpRequest(_http_method(binding), target, headers, content.data)
        except MapperError as error:
            raise TranscodingError(Code.INVALID_ARGUMENT, f"{method.full_name}: {error}") from error
        raise TranscodingError(Code.INVALID_ARGUMENT, f"{method.full_name}: {'; or '.join(dict.fromkeys(refusals))}")

    def response(self, method: Method, response: HttpResponse, taker: Taker | None = None) -> Reply:
        """Return what an HTTP response says: client half. Never raises for what a server sent.

        Args:
            method: The method that was called.
            response: What the server sent.
            taker: Gets a large message piece by piece, but for the rest, which is in the reply. It is for nothing if
                the reply is not OK.

        Raises:
            Exception: What `taker` raises.
        """
        initial, trailing = from_headers(response.headers)
        if 200 <= response.status < 300:
            reply = reply_of_success(response, self._plan(method).response_body, taker, pool=self._pool)
            if reply.code is Code.OK:
                return Reply(Code.OK, "", reply.wire, initial, trailing)
        else:
            from eegrpc.transcoding.error_body import reply_of_error

            reply = reply_of_error(response, pool=self._pool)
        return reply._replace(initial_metadata=initial)

    def route(self, request: HttpRequest) -> tuple[Method, bytes, Metadata, float | None]:
        """Return what an HTTP request calls: method, encoded request, metadata, timeout in seconds: server half.

        Only the services given to the constructor are found.

        Raises:
            TranscodingError: The request is refused; `refusal` makes the response.
        """
        path, _, query = _origin_form(request.target).partition("?")
        method, binding, values = self._router.find(request.method.upper(), "/" + path.lstrip("/"))
        plan = self._plan(method)
        body_wire = _read_body(plan.request_body[binding.template], request)
        try:
            path_wire = binding.path_wire(values)
            conflict = binding.conflict(body_wire, values) if body_wire else None
        except MapperError as error:
            raise TranscodingError(Code.INVALID_ARGUMENT, str(error)) from error
        if conflict is not None:
            text = f"Invalid value at '{conflict}': the body says something else than the path."
            raise TranscodingError(Code.INVALID_ARGUMENT, text)
        parsed = parse_query(method.input, query, _taken(binding))
        metadata = (*from_headers(request.headers)[0], *parsed.metadata)
        return method, body_wire + parsed.wire + path_wire, metadata, _timeout(request.headers)

    def reply(self, method: Method | None, reply: Reply) -> HttpResponse:
        """Return the HTTP response for a reply: server half.

        Args:
            method: The method that was called; None if that is not known, which only an error may have.
            reply: What the servicer answered. Metadata become headers, trailing ones with ``grpc-trailer-`` before.
        """
        trailing = [pair for pair in reply.trailing_metadata if pair[0] != DETAILS_KEY]
        try:
            check_metadata((*reply.initial_metadata, *trailing))
        except TranscodingError:
            return self.reply(method, Reply(Code.INTERNAL, "The service sent metadata that is not legal."))
        if reply.code is Code.OK:
            assert method is not None
            try:
                body = self._plan(method).response_body
                content = body.write(reply.wire)
            except MapperError:
                return self.reply(method, Reply(Code.INTERNAL, "The response has no JSON form."))
            headers = [("content-type", _with_charset(content.type))]
            status, data = 200, content.data or body.unset
        else:
            from eegrpc.transcoding.error_body import error_json

            status, data = error_json(reply, pool=self._pool)
            headers = [("content-type", _with_charset(JSON_TYPE))]
        return HttpResponse(status, (*headers, *to_headers(reply.initial_metadata), *to_trailers(trailing)), data)

    def refusal(self, error: TranscodingError) -> HttpResponse:
        """Return the HTTP response for a request that `route` refused: server half."""
        response = self.reply(None, Reply(error.code, error.details))
        if not isinstance(error, MethodNotAllowedError):
            return response
        from eegrpc.transcoding.error_body import error_json

        status, data = error_json(Reply(error.code, error.details), http_status=error.http_status)
        return HttpResponse(status, (*response.headers, ("allow", ", ".join(error.allowed))), data)

    def _compile(self, path: str) -> Method:
        service_name, _, _ = path.removeprefix("/").rpartition("/")
        with self._lock:
            method = self._methods.get(path)
            if method is not None:
                return method
            try:
                service = self._pool.FindServiceByName(service_name)
            except KeyError:
                service = None
            for each in methods_of(service, self._rules) if service is not None else ():
                self._methods.setdefault(each.path, each)
        method = self._methods.get(path)
        if method is None:
            raise TranscodingError(
                Code.UNIMPLEMENTED,
                f"no description of the method {path!r} is loaded, so it has no REST form; import its service's module",
            )
        return method

    def _plan(self, method: Method) -> _Plan:
        plan = self._plans.get(method.path)
        if plan is None:
            plan = self._plans.setdefault(method.path, _Plan(method))
        return plan

    def _request_headers(
        self, plan: _Plan, binding: Binding, content: Content, metadata: Metadata, timeout: float | None
    ) -> tuple[tuple[str, str], ...]:
        headers = []
        if binding.body is not None:
            headers.append(("content-type", content.type))
        headers += [
            ("accept", "*/*" if plan.response_body.is_raw else JSON_TYPE),
            ("accept-encoding", "gzip"),
            ("user-agent", self._user_agent),
        ]
        if timeout is not None and math.isfinite(timeout):
            headers.append(("x-server-timeout", f"{max(0.0, timeout):.3f}"))
        return (*headers, *to_headers(metadata))


class _Plan:
    """The bodies of one method: what needs mappers, and so is built when the method is first called."""

    __slots__ = ("request_body", "response_body")

    def __init__(self, method: Method) -> None:
        self.request_body: Mapping[PathTemplate, Body | None] = {
            binding.template: _request_body(binding) for binding in method.bindings
        }
        response_field = method.bindings[0].response_body if method.bindings else None
        self.response_body = body_of(method.output, response_field, strict=False)


def _request_body(binding: Binding) -> Body | None:
    if binding.body is None:
        return None
    field = None if isinstance(binding.body, str) else binding.body
    return body_of(binding.input, field, strict=True)


def _http_method(binding: Binding) -> str:
    if binding.http_method != "*":
        return binding.http_method
    return "GET" if binding.body is None else "POST"


def _origin_form(target: str) -> str:
    if re.fullmatch(_ORIGIN_FORM, target) is None:
        raise TranscodingError(Code.INVALID_ARGUMENT, "The request target must be a percent-encoded path and query.")
    return target


def _read_body(body: Body | None, request: HttpRequest) -> bytes:
    """Return the request fields that the HTTP body sets, encoded."""
    if not request.body and not (body is not None and body.is_raw):
        return b""
    if body is None:
        raise TranscodingError(Code.INVALID_ARGUMENT, "This method takes no request body.")
    content_type = header(request.headers, "content-type")
    if other_charset(content_type) and not body.is_raw:
        raise TranscodingError(Code.INVALID_ARGUMENT, "The charset of a JSON body must be UTF-8.")
    try:
        return body.read(Content(request.body, content_type))
    except MapperError as error:
        raise TranscodingError(
            Code.INVALID_ARGUMENT, f"Invalid JSON payload received. {_in_googles_words(error)}"
        ) from error


def _in_googles_words(error: MapperError) -> str:
    """Return what was wrong with a body; clients search for Google's text for a field that there is not."""
    if error.kind != "unknown":
        return str(error)
    where, dot, name = error.path.rpartition(".")
    if not dot and name.endswith('"]'):  # no identifier: the path has it in brackets
        where, _, name = error.path.rpartition("[")
        name = name[1:-2]
    at = f" at '{where}'" if where else ""
    return f"Unknown name {json.dumps(name)}{at}: Cannot find field."


def _taken(binding: Binding) -> Mapping[str, str] | None:
    if binding.body == "*":
        return None
    taken = dict.fromkeys(binding.path_fields, "path")
    if binding.body is not None and not isinstance(binding.body, str):
        taken[binding.body.name] = "body"
    return taken


def _timeout(headers: Headers) -> float | None:
    """Return x-server-timeout in seconds; None if there is none or it is no number, for it is only a hint."""
    text = header(headers, "x-server-timeout")
    return float(text) if re.fullmatch(_TIMEOUT, text) else None


def _with_charset(content_type: str) -> str:
    return f"{content_type}; charset=UTF-8" if content_type == JSON_TYPE else content_type
