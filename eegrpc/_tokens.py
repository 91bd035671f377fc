"""One token for all calls of a channel: fetched once for everyone who waits, early, and away from the calls."""

from __future__ import annotations

import asyncio
import concurrent.futures
import logging
import math
import re
import threading
import time
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

import grpc

from eegrpc._processes import restart_in_children
from eegrpc._token_transport import CredentialsError, DefaultCredentials, Resolved, TokenTransport

if TYPE_CHECKING:
    from collections.abc import Callable

    import google.auth.credentials

__all__ = ["AuthMetadata", "TokenSource"]

AuthMetadata = tuple[tuple[str, str], ...]
"""Metadata that authenticates a call, such as ``authorization``; lower-case keys."""

_EARLY = 225.0  # seconds before its end that a token is replaced; metadata servers count on this margin
_INTERVAL = 30.0  # seconds between two refreshes that are not forced by having no token at all
_ABANDONED_AFTER = 60.0  # seconds after which nobody joins a refresh that has not ended
_LONGEST_WAIT = 366 * 24 * 3600.0  # more overflows some platform's clock

_OAUTH_ERRORS = frozenset(  # RFC 6749, 5.2, and what Google adds: the only words of an answer that are repeated
    (
        "access_denied",
        "admin_policy_enforced",
        "deleted_client",
        "disabled_client",
        "invalid_client",
        "invalid_grant",
        "invalid_request",
        "invalid_scope",
        "org_internal",
        "unauthorized_client",
        "unsupported_grant_type",
    )
)

_HEADER_VALUE = re.compile(r"[\x21-\x7e]+(?: [\x21-\x7e]+)*")
_AUTHORIZATION = re.compile(r"[A-Za-z]+ [\x21-\x7e]+")

_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, repr=False)
class _Token:
    metadata: AuthMetadata
    fetched_at: float
    expires_at: float  # infinite if it never does


@dataclass(frozen=True, slots=True)
class _Failure:
    """Why a refresh brought nothing. A value, so that every waiter raises an exception of its own."""

    code: grpc.StatusCode
    details: str


_Outcome = _Token | _Failure


@dataclass(eq=False, slots=True)
class _Refresh:
    started_at: float
    outcome: concurrent.futures.Future[_Outcome]


class _State:
    """What one process knows; a forked child gets its own, as a thread of its parent will never finish for it."""

    __slots__ = ("forced_at", "lock", "quiet_until", "refresh", "refused", "token")

    def __init__(self, token: _Token | None) -> None:
        self.lock = threading.Lock()
        self.token = token
        self.refused = False  # the server did not like the token, and it is too early for the next
        self.refresh: _Refresh | None = None  # the one that is under way
        self.forced_at = -math.inf
        self.quiet_until = -math.inf


class TokenSource:
    """The metadata that authenticates calls, for any number of channels, threads and event loops.

    A token is fetched when the first call needs one, and again 225 s before it ends, in the background, while calls go
    on with the old one. However many calls wait, one refresh is under way; it runs on a daemon thread of its own, so a
    waiter that gives up or is cancelled disturbs nobody. Times are measured on the monotonic clock: a jump of the wall
    clock changes nothing. Safe to use after a fork; cannot be pickled.

    Args:
        credentials: What `resolve_credentials` returned.
        quota_project: Project to bill (``x-goog-user-project``), instead of the one that the credentials name.
        clock: Seconds that never go back; for tests.
    """

    __slots__ = ("__weakref__", "_clock", "_credentials", "_loaded", "_quota_project", "_refreshable", "_state")

    def __init__(
        self,
        credentials: Resolved,
        *,
        quota_project: str | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._credentials = credentials
        self._quota_project = quota_project
        self._clock = clock
        self._loaded = None if isinstance(credentials, DefaultCredentials) else credentials
        self._refreshable = credentials is not None and not _is_api_key(credentials)
        self._state = _State(self._token_at_hand())
        restart_in_children(self)

    def _after_fork(self) -> None:
        """Begin with the token that the parent had; a refresh that was under way is the parent's."""
        self._state = _State(self._state.token)

    def __repr__(self) -> str:
        kind = type(self._credentials)
        return f"TokenSource({'anonymous' if self._credentials is None else f'{kind.__module__}.{kind.__qualname__}'})"

    def __reduce__(self) -> Any:
        raise TypeError("a TokenSource holds secrets and cannot be pickled; make one in each process")

    @property
    def refreshable(self) -> bool:
        """Whether a token that a server refuses can be replaced; not so for API keys and anonymous calls."""
        return self._refreshable

    def metadata(self, timeout: float | None) -> AuthMetadata:
        """Return the metadata to send; waits for a refresh if there is no token. Empty when anonymous.

        Args:
            timeout: Seconds to wait at most; None for as long as it takes.

        Raises:
            CredentialsError: DEADLINE_EXCEEDED after `timeout`; UNAUTHENTICATED: the credentials were refused or are
                unusable; UNAVAILABLE: the token endpoint did not answer.
        """
        now = self._token_or_refresh()
        if not isinstance(now, concurrent.futures.Future):
            return now
        try:
            outcome = now.result(None if timeout is None else min(timeout, _LONGEST_WAIT))
        except concurrent.futures.TimeoutError:
            outcome = _TOO_LATE
        return _unpack(outcome)

    async def metadata_async(self, timeout: float | None) -> AuthMetadata:
        """Do what `metadata` does without blocking the event loop; to cancel it cancels only this wait."""
        now = self._token_or_refresh()
        if not isinstance(now, concurrent.futures.Future):
            return now
        waiter = asyncio.wrap_future(now)
        try:
            done, _ = await asyncio.wait({waiter}, timeout=timeout)
        finally:
            waiter.cancel()  # frees the waiter alone: the refresh counts as running, which cannot be cancelled
        return _unpack(waiter.result() if done else _TOO_LATE)

    def invalidate(self, metadata: AuthMetadata) -> bool:
        """Take note that the server answered UNAUTHENTICATED to `metadata`; return whether to send once more.

        The token is dropped if it is still the current one, at most once in 30 s: a server that refuses every token
        does not turn each call into a refresh.
        """
        if not self._refreshable or not metadata:
            return False
        state = self._state
        with state.lock:
            if state.token is None or state.token.metadata != metadata:
                return True  # somebody else has dropped it already
            now = self._clock()
            if now - state.forced_at < _INTERVAL:
                state.refused = True
                return False
            state.token = None
            state.forced_at = now
            return True

    def _token_at_hand(self) -> _Token | None:
        """Return the token that credentials came with, an API key, or nothing to send; None if one must be fetched."""
        if self._credentials is None:
            return _Token((), -math.inf, math.inf)
        credentials: Any = self._loaded
        if credentials is None or not credentials.token:
            return None
        try:
            token = self._read_token(credentials)
        except Exception:  # noqa: BLE001 (a provider may raise anything; the refresh will meet it again, and report it)
            return None
        return token if token.expires_at > self._clock() else None

    def _token_or_refresh(self) -> AuthMetadata | concurrent.futures.Future[_Outcome]:
        state = self._state
        with state.lock:
            now = self._clock()
            token = state.token
            # A token counts for one interval whatever its stated life: tokens that are born dead mean a wrong clock,
            # and asking for more of them in a loop helps nobody. The server judges.
            if token is not None and (now < token.expires_at or now - token.fetched_at < _INTERVAL):
                if now >= token.expires_at - _EARLY and state.refresh is None and now >= state.quiet_until:
                    self._start_refresh(state, now)
                return token.metadata
            refresh = state.refresh
            if refresh is None or now - refresh.started_at >= _ABANDONED_AFTER:
                refresh = self._start_refresh(state, now)
            return refresh.outcome

    def _start_refresh(self, state: _State, now: float) -> _Refresh:
        if state.refused:  # replaces a token that the server refused: that is a forced one too
            state.refused, state.forced_at = False, now
        state.quiet_until = now + _INTERVAL
        refresh = state.refresh = _Refresh(now, concurrent.futures.Future())
        refresh.outcome.set_running_or_notify_cancel()
        thread = threading.Thread(target=self._run_refresh, args=(state, refresh), name="eegrpc-token", daemon=True)
        try:
            thread.start()
        except RuntimeError:  # no more threads, or the interpreter is going down
            state.refresh = None
            refresh.outcome.set_result(_Failure(grpc.StatusCode.UNAVAILABLE, "no thread to fetch an access token on"))
        return refresh

    def _run_refresh(self, state: _State, refresh: _Refresh) -> None:
        outcome = self._fetch()
        with state.lock:
            if isinstance(outcome, _Failure) and state.token is not None:  # in the background: no call fails by it yet
                _logger.warning("early token refresh failed: %s: %s", outcome.code.name, outcome.details)
            if state.refresh is refresh:  # else abandoned: a later one has taken over
                state.refresh = None
                if isinstance(outcome, _Token):
                    state.token, state.refused = outcome, False
        refresh.outcome.set_result(outcome)

    def _fetch(self) -> _Outcome:
        status: int | None = None
        try:
            transport = TokenTransport()
            try:
                if self._loaded is None and isinstance(self._credentials, DefaultCredentials):
                    self._loaded = self._credentials.load(transport)
                credentials: Any = self._loaded
                credentials.refresh(transport)
                return self._read_token(credentials)
            finally:
                status = transport.last_status
                transport.close()
        except BaseException as error:  # noqa: BLE001 (this thread ends here, and waiters must learn of anything)
            return _failure(error, status)

    def _read_token(self, credentials: google.auth.credentials.Credentials) -> _Token:
        """Return what `credentials` hold now, checked so that nothing of it can break out of a header."""
        headers: dict[str, str] = {}
        apply: Any = credentials.apply
        apply(headers)
        if self._quota_project is not None:
            headers["x-goog-user-project"] = self._quota_project
        for name, value in headers.items():
            rule = _AUTHORIZATION if name.lower() == "authorization" else _HEADER_VALUE
            if not isinstance(value, str) or not rule.fullmatch(value):
                raise CredentialsError(
                    grpc.StatusCode.UNAUTHENTICATED,
                    "the credentials gave an empty token, or one with characters that no header may hold",
                )
        now = self._clock()
        metadata = tuple((name.lower(), value) for name, value in headers.items())
        return _Token(metadata, now, now + _seconds_until(getattr(credentials, "expiry", None)))


_TOO_LATE = _Failure(grpc.StatusCode.DEADLINE_EXCEEDED, "Deadline exceeded while waiting for an access token")


def _unpack(outcome: _Outcome) -> AuthMetadata:
    if isinstance(outcome, _Failure):
        raise CredentialsError(outcome.code, outcome.details)
    return outcome.metadata


def _is_api_key(credentials: object) -> bool:
    import google.auth.api_key

    return isinstance(credentials, google.auth.api_key.Credentials)


def _seconds_until(expiry: datetime | None) -> float:
    if expiry is None:
        return math.inf
    if expiry.tzinfo is None:  # google-auth's are naive, in UTC
        expiry = expiry.replace(tzinfo=timezone.utc)
    return (expiry - datetime.now(timezone.utc)).total_seconds()


def _failure(error: BaseException, status: int | None) -> _Failure:
    """Return the status for what a refresh raised; nothing of its text, which may quote tokens."""
    from google.auth import exceptions

    if isinstance(error, CredentialsError):
        return _Failure(error.code, error.details)
    unreachable = any(isinstance(e, exceptions.TransportError) for e in (error, error.__cause__, *error.args[:1]))
    overloaded = getattr(error, "retryable", False) or (status is not None and (status >= 500 or status == 429))
    if unreachable or (overloaded and isinstance(error, exceptions.GoogleAuthError)):
        return _Failure(
            grpc.StatusCode.UNAVAILABLE,
            "the token endpoint of the credentials could not be reached, or is overloaded",
        )
    if not isinstance(error, exceptions.RefreshError):
        reason = f"the credentials failed to give an access token ({type(error).__name__})"
    else:
        answer = error.args[1] if len(error.args) > 1 else None
        word = answer.get("error") if isinstance(answer, dict) else None
        why = f" ({word})" if isinstance(word, str) and word in _OAUTH_ERRORS else ""
        reason = f"a new access token was refused{why}: the credentials are expired, revoked or incomplete"
    return _Failure(grpc.StatusCode.UNAUTHENTICATED, reason)
