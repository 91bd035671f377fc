"""Interceptors that authenticate calls: on any grpc.Channel or grpc.aio.Channel, grpc's own as well as ours.

Interceptors and not call credentials, because gRPC takes those on TLS alone (a loopback gateway has none), asks for
tokens without the call's deadline, and does not send again when a token is refused.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import grpc
import grpc.aio

from eegrpc._credentials import CredentialsError
from eegrpc._failed_call import FailedCall, mark_replaced
from eegrpc.transcoding.deadline import Deadline

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from eegrpc._tokens import AuthMetadata, TokenSource

__all__ = [
    "AUTH_METADATA",
    "AioAuthInterceptor",
    "AuthInterceptor",
    "aio_auth_interceptors",
]

AUTH_METADATA = frozenset(("authorization", "x-goog-api-key", "x-goog-user-project"))
"""Metadata that says who calls and who pays: the channel's business, not the single call's."""

_REPLACES_TOKEN = frozenset(("authorization", "x-goog-api-key"))


class _Authentication:
    """What is decided for one call, whether threads or tasks do the waiting."""

    __slots__ = ("_deadline", "_details", "_own", "_sent", "_source", "needs_token")

    def __init__(self, source: TokenSource, details: Any, *, allow_auth_metadata: bool) -> None:
        self._source = source
        self._details = details
        self._deadline = Deadline(details.timeout)
        self._sent: AuthMetadata = ()
        self._own = {key.lower() for key, _ in details.metadata or ()} & AUTH_METADATA
        if self._own and not allow_auth_metadata:
            raise CredentialsError(
                grpc.StatusCode.INVALID_ARGUMENT,
                f"metadata {', '.join(sorted(self._own))} belongs to the channel: pass credentials= or the option "
                "eegrpc.quota_project when making it, or allow this with the option eegrpc.allow_auth_metadata",
            )
        # A call that brings credentials of its own gets no second ones beside them.
        self.needs_token = details.credentials is None and not self._own & _REPLACES_TOKEN

    @property
    def can_resend(self) -> bool:
        """Whether another token could come of an UNAUTHENTICATED."""
        return self.needs_token and self._source.refreshable

    def time_left(self) -> float | None:
        """Return the seconds that waiting for a token may take, None for as long as it likes."""
        left = self._deadline.remaining()
        if left is not None and left <= 0:
            raise CredentialsError(grpc.StatusCode.DEADLINE_EXCEEDED, "Deadline Exceeded")
        return left

    def details(self, token: AuthMetadata, make_metadata: Callable[[Iterable[Any]], Any]) -> Any:
        """Return the call's details with `token` in its metadata, and the time spent so far off its timeout."""
        self._sent = token
        added = [pair for pair in token if pair[0] not in self._own]
        return _replace(
            self._details,
            timeout=self.time_left(),
            metadata=make_metadata((*(self._details.metadata or ()), *added)) if added else self._details.metadata,
        )

    def refused(self, code: grpc.StatusCode) -> bool:
        """Take note of how the call ended; return whether to send it once more."""
        return code is grpc.StatusCode.UNAUTHENTICATED and self._source.invalidate(self._sent)


class _CallDetails(grpc.ClientCallDetails):
    """Details for interceptors in front of us whose own are not grpc's named tuple."""

    def __init__(self, details: Any, timeout: float | None, metadata: Any) -> None:
        self.method = details.method
        self.timeout = timeout
        self.metadata = metadata
        self.credentials = details.credentials
        self.wait_for_ready = getattr(details, "wait_for_ready", None)
        self.compression = getattr(details, "compression", None)


def _replace(details: Any, *, timeout: float | None, metadata: Any) -> Any:
    if hasattr(details, "_replace"):
        return details._replace(timeout=timeout, metadata=metadata)
    return _CallDetails(details, timeout, metadata)


# --- threads ---------------------------------------------------------------------------------------------------------


class AuthInterceptor(
    grpc.UnaryUnaryClientInterceptor,
    grpc.UnaryStreamClientInterceptor,
    grpc.StreamUnaryClientInterceptor,
    grpc.StreamStreamClientInterceptor,
):
    """Puts the token source's metadata on every call, for grpc.intercept_channel.

    A token is waited for within the call's own timeout, and what that took is off the timeout passed on. If the server
    answers UNAUTHENTICATED, the token is replaced and the call sent once more; streams and `future()` calls are not
    sent again, but the next call has a new token, and `token_was_replaced` tells of a future that it should be sent
    again: in the callbacks that are added to it, and after them. `future()` returns at once whenever a token is at
    hand; the first call, or one after an expiry that the early refresh missed, blocks for the token.

    Args:
        token_source: Where the metadata comes from; shared by any number of interceptors.
        allow_auth_metadata: Take `AUTH_METADATA` from single calls, in place of the source's; False ends such calls
            with INVALID_ARGUMENT.
    """

    def __init__(self, token_source: TokenSource, *, allow_auth_metadata: bool = False) -> None:
        self._source = token_source
        self._allow = allow_auth_metadata

    def intercept_unary_unary(self, continuation: Any, client_call_details: Any, request: Any) -> Any:
        """Authenticate one call; see the class."""
        try:
            call = self._authenticate(client_call_details)
            first = continuation(self._details(call), request)
        except CredentialsError as error:
            return FailedCall(error.code, error.details)
        if not call.can_resend:
            return first
        if not first.done():  # future(): nothing may block here
            first.add_done_callback(lambda ended: _mark_refused(call, ended))
            return first
        if not call.refused(first.code()):
            return first
        try:
            again = self._details(call)
        except CredentialsError:
            return first  # no other token: what the server said is the better answer
        second = continuation(again, request)
        second.add_done_callback(lambda ended: call.refused(ended.code()))
        return second

    def intercept_unary_stream(self, continuation: Any, client_call_details: Any, request: Any) -> Any:
        """Authenticate one call; see the class."""
        return self._send_once(continuation, client_call_details, request)

    def intercept_stream_unary(self, continuation: Any, client_call_details: Any, request_iterator: Any) -> Any:
        """Authenticate one call; see the class."""
        return self._send_once(continuation, client_call_details, request_iterator)

    def intercept_stream_stream(self, continuation: Any, client_call_details: Any, request_iterator: Any) -> Any:
        """Authenticate one call; see the class."""
        return self._send_once(continuation, client_call_details, request_iterator)

    def _send_once(self, continuation: Any, details: Any, request: Any) -> Any:
        try:
            call = self._authenticate(details)
            sent = continuation(self._details(call), request)
        except CredentialsError as error:
            return FailedCall(error.code, error.details)
        if call.can_resend and hasattr(sent, "add_done_callback"):
            sent.add_done_callback(lambda ended: call.refused(ended.code()))
        return sent

    def _authenticate(self, details: Any) -> _Authentication:
        return _Authentication(self._source, details, allow_auth_metadata=self._allow)

    def _details(self, call: _Authentication) -> Any:
        token = self._source.metadata(call.time_left()) if call.needs_token else ()
        return call.details(token, tuple)


def _mark_refused(call: _Authentication, ended: Any) -> None:
    if call.refused(ended.code()):
        mark_replaced(ended)


# --- asyncio ---------------------------------------------------------------------------------------------------------


class _AioAuth:
    """What the four kinds of asyncio interceptors share."""

    def __init__(self, token_source: TokenSource, *, allow_auth_metadata: bool = False) -> None:
        self._source = token_source
        self._allow = allow_auth_metadata
        self._notes: set[asyncio.Task[None]] = set()

    async def _authenticate(self, details: Any) -> tuple[_Authentication, Any]:
        """Return the call, and its details with a token; raises AioRpcError."""
        try:
            call = _Authentication(self._source, details, allow_auth_metadata=self._allow)
            return call, await self._details(call)
        except CredentialsError as error:
            code, reason = error.code, error.details
        raise grpc.aio.AioRpcError(code, grpc.aio.Metadata(), grpc.aio.Metadata(), reason)

    async def _details(self, call: _Authentication) -> Any:
        token = await self._source.metadata_async(call.time_left()) if call.needs_token else ()
        return call.details(token, lambda pairs: grpc.aio.Metadata(*pairs))

    async def _send_once(self, continuation: Any, details: Any, request: Any) -> Any:
        call, authenticated = await self._authenticate(details)
        sent = await continuation(authenticated, request)
        if call.can_resend:
            sent.add_done_callback(lambda ended: self._note(call, ended))
        return sent

    def _note(self, call: _Authentication, ended: Any) -> None:
        """Have the end of a call noted: its code is a coroutine here even when it has ended."""

        async def note() -> None:
            call.refused(await ended.code())

        task = asyncio.get_running_loop().create_task(note())
        self._notes.add(task)  # the loop itself holds tasks weakly
        task.add_done_callback(self._notes.discard)


class AioAuthInterceptor(_AioAuth, grpc.aio.UnaryUnaryClientInterceptor):
    """`AuthInterceptor` for unary calls on grpc.aio channels; `aio_auth_interceptors` has all four kinds.

    grpc.aio files an interceptor under the first kind that it is an instance of, so each kind is a class of its own.
    """

    async def intercept_unary_unary(self, continuation: Any, client_call_details: Any, request: Any) -> Any:
        """Authenticate one call; see `AuthInterceptor`."""
        call, details = await self._authenticate(client_call_details)
        first = await continuation(details, request)
        if not call.can_resend:
            return first
        if not call.refused(await _end(first)):
            return first
        try:
            again = await self._details(call)
        except CredentialsError:
            return first  # no other token: what the server said is the better answer
        second = await continuation(again, request)
        call.refused(await _end(second))
        return second


class _AioAuthUnaryStream(_AioAuth, grpc.aio.UnaryStreamClientInterceptor):
    async def intercept_unary_stream(self, continuation: Any, client_call_details: Any, request: Any) -> Any:
        return await self._send_once(continuation, client_call_details, request)


class _AioAuthStreamUnary(_AioAuth, grpc.aio.StreamUnaryClientInterceptor):
    async def intercept_stream_unary(self, continuation: Any, client_call_details: Any, request_iterator: Any) -> Any:
        return await self._send_once(continuation, client_call_details, request_iterator)


class _AioAuthStreamStream(_AioAuth, grpc.aio.StreamStreamClientInterceptor):
    async def intercept_stream_stream(self, continuation: Any, client_call_details: Any, request_iterator: Any) -> Any:
        return await self._send_once(continuation, client_call_details, request_iterator)


def aio_auth_interceptors(
    token_source: TokenSource, *, allow_auth_metadata: bool = False
) -> list[grpc.aio.ClientInterceptor]:
    """Return one interceptor for each kind of call, for the `interceptors` of a grpc.aio channel."""
    kinds = (AioAuthInterceptor, _AioAuthUnaryStream, _AioAuthStreamUnary, _AioAuthStreamStream)
    return [kind(token_source, allow_auth_metadata=allow_auth_metadata) for kind in kinds]


async def _end(call: Any) -> grpc.StatusCode:
    """Wait for the end of `call` and return its code; to cancel this cancels the call."""
    try:
        code: grpc.StatusCode = await call.code()
    except asyncio.CancelledError:
        call.cancel()
        raise
    return code
