"""What becomes of a client's calls when its token endpoint fails: which are sent again, and what the errors say."""

from __future__ import annotations

import grpc
import pytest
from canaries import no_canaries
from retry_doubles import compute

from eegrpc import RetryPolicy

AT_ONCE = RetryPolicy(initial=0.0)
JSON = "application/json"
INVALID_GRANT = (400, JSON, '{"error": "invalid_grant", "error_description": "canary-key"}')
OVERLOADED = (503, JSON, '{"error": "canary-key"}')
HTML = (200, "text/html", "<p>canary-key")
OF_GOOGLE_AUTH = 3
"""How often google-auth itself asks an overloaded endpoint in one refresh."""


@pytest.fixture
def oauth(oauth, monkeypatch):
    # google-auth waits for seconds between its own attempts
    backoff = "google.auth._exponential_backoff._BaseExponentialBackoff._calculate_jitter"
    monkeypatch.setattr(backoff, lambda _: 0.0)
    return oauth


@pytest.fixture(params=["grpc", "rest"])
def options(request, server, oauth):
    return {
        "endpoint": f"http://{server.target}",
        "transport": request.param,
        "credentials": oauth.user_credentials(),
        "retry": AT_ONCE,
    }


def test_aut_05_credentials_that_were_revoked_end_the_call(colour, options, server, oauth):
    oauth.answers.append(INVALID_GRANT)
    error = compute(colour, options)
    assert (error.code(), error.retryable) == (grpc.StatusCode.UNAUTHENTICATED, False)
    assert "invalid_grant" in error.details()
    assert (oauth.count, error.context.attempt, len(server.seen)) == (1, 1, 0)


@pytest.mark.parametrize(
    ("answer", "asked"),
    [pytest.param(OVERLOADED, OF_GOOGLE_AUTH, id="AUT-05-503"), pytest.param(HTML, 1, id="AUT-05-html")],
)
def test_aut_05_an_endpoint_that_is_down_is_asked_again(colour, options, server, oauth, answer, asked):
    oauth.answers.extend([answer] * (2 * asked))
    assert compute(colour, options) == []
    assert (oauth.count, len(server.seen)) == (2 * asked + 1, 1)
    assert server.seen[0]["eegrpc-attempt"] == "3"


@pytest.mark.parametrize(
    ("answer", "asked"),
    [pytest.param(OVERLOADED, OF_GOOGLE_AUTH, id="AUT-05-503"), pytest.param(HTML, 1, id="AUT-05-html")],
)
def test_aut_05_an_endpoint_that_stays_down_ends_the_call(colour, options, server, oauth, answer, asked):
    oauth.answers.extend([answer] * (5 * asked))
    error = compute(colour, options)
    assert error.code() is grpc.StatusCode.UNAVAILABLE
    assert "token endpoint" in error.details()
    assert (oauth.count, error.context.attempt, len(server.seen)) == (5 * asked, 5, 0)
    no_canaries(error, repr(error), error.hint, error.__cause__)
