"""What the caller gave as credentials, turned into something that can fetch tokens; google-auth does all of the work.

`resolve_credentials` runs when a channel is made: what is missing or malformed fails there, without a network. Tokens
are fetched later, by `eegrpc._tokens`.
"""

from __future__ import annotations

import importlib
import json
import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import grpc

from eegrpc._token_transport import CredentialsError, DefaultCredentials, Resolved

if TYPE_CHECKING:
    from eegrpc.transcoding.endpoint import Endpoint

__all__ = [
    "DEFAULT_SCOPES",
    "CredentialsError",
    "DefaultCredentials",
    "Resolved",
    "resolve_credentials",
]

DEFAULT_SCOPES = ("https://www.googleapis.com/auth/earthengine.readonly",)
"""What tokens are asked for: reading Earth Engine, the least that computeImages accepts."""

_HOW_TO = (
    "give a google.auth credentials object, the path or the content of a credentials file, "
    "or None for application default credentials"
)


def resolve_credentials(
    given: object, *, endpoint: Endpoint, scopes: Sequence[str] = DEFAULT_SCOPES, quota_project: str | None = None
) -> Resolved:
    """Return what tokens for `endpoint` come from; reads files, never the network.

    Args:
        given: None: application default credentials if `endpoint` is ``*.googleapis.com`` over TLS, else anonymous, as
            a user's Google token goes to no other host unasked. A google.auth.credentials.Credentials object, used as
            it is (scoped if it requires that): service account, user, external account, impersonated, API key
            (google.auth.api_key), or AnonymousCredentials. The path of a credentials file. A mapping with the content
            of such a file.
        endpoint: Where the tokens will be sent.
        scopes: OAuth scopes, for credentials that take them.
        quota_project: Project to bill, for application default credentials; others get it from the TokenSource.

    Returns:
        A google.auth.credentials.Credentials object, `DefaultCredentials`, or None for anonymous.

    Raises:
        ValueError: The file or mapping is missing or malformed, or credentials would cross a plaintext connection to
            another machine. The text repeats nothing of the input.
        TypeError: `given` is something else, such as gRPC's own credentials.
    """
    resolved = _resolve(given, endpoint, scopes, quota_project)
    if resolved is not None and endpoint.plaintext and not endpoint.is_loopback:
        raise ValueError(
            f"credentials over plaintext http:// to {endpoint.host}: anyone on the way could read them. Use https://, "
            "or a loopback endpoint (127.0.0.0/8, [::1] or localhost, literally), or AnonymousCredentials"
        )
    return resolved


def _resolve(given: object, endpoint: Endpoint, scopes: Sequence[str], quota_project: str | None) -> Resolved:
    if given is None:
        if not endpoint.is_google or endpoint.plaintext:
            return None
        if os.environ.get("GOOGLE_APPLICATION_CREDENTIALS"):  # known now, so checked now
            path = os.environ["GOOGLE_APPLICATION_CREDENTIALS"]
            return _from_file(path, scopes, "GOOGLE_APPLICATION_CREDENTIALS")
        return DefaultCredentials(scopes, quota_project)
    if isinstance(given, DefaultCredentials):
        return given
    if isinstance(given, (str, os.PathLike)):
        return _from_file(given, scopes, "credentials=")
    if isinstance(given, Mapping):
        return _from_info(given, scopes, "credentials=")
    if isinstance(given, (grpc.CallCredentials, grpc.ChannelCredentials)):
        raise TypeError(
            f"credentials= got {type(given).__name__}: {_HOW_TO}. For gRPC's own credentials make the channel with "
            "grpc.secure_channel and pass it as channel="
        )

    import google.auth.credentials

    if isinstance(given, google.auth.credentials.AnonymousCredentials):
        return None
    if isinstance(given, google.auth.credentials.Credentials):
        scoped: Any = google.auth.credentials.with_scopes_if_required
        return scoped(given, list(scopes))  # type: ignore[no-any-return]
    raise TypeError(f"credentials= got {type(given).__name__}: {_HOW_TO}")


# type in the file -> module, constructor of its Credentials class, whether to hand it our scopes. User credentials keep
# the scopes that the user granted: asking for others fails with invalid_scope.
_FILE_TYPES: dict[str, tuple[str, str, bool]] = {
    "service_account": ("google.oauth2.service_account", "from_service_account_info", True),
    "authorized_user": ("google.oauth2.credentials", "from_authorized_user_info", False),
    "impersonated_service_account": (
        "google.auth.impersonated_credentials",
        "from_impersonated_service_account_info",
        True,
    ),
    "external_account": ("google.auth.identity_pool", "from_info", True),
    "external_account_authorized_user": ("google.auth.external_account_authorized_user", "from_info", False),
}


def _from_file(path: str | os.PathLike[str], scopes: Sequence[str], source: str) -> Resolved:
    """Load a credentials file. Errors do not name it: what was passed may be a key or a token, not a path."""
    problem = ""
    info: object = None
    try:
        with open(path, encoding="utf-8") as file:
            info = json.load(file)
    except FileNotFoundError:
        problem = "names a file that does not exist; an API key goes into google.auth.api_key.Credentials(key)"
    except (OSError, ValueError) as error:  # ValueError: not JSON, not UTF-8, or a path with NUL
        problem = f"names a file that cannot be read as JSON ({type(error).__name__})"
    if problem:  # raised here, where no exception hangs on it that quotes the file
        raise ValueError(f"{source} {problem}")
    if not isinstance(info, Mapping):
        raise ValueError(f"{source} names a file that holds no JSON object")
    return _from_info(info, scopes, source)


def _from_info(info: Mapping[str, Any], scopes: Sequence[str], source: str) -> Resolved:
    """Make credentials of a credentials file's content."""
    kind = info.get("type")
    if not isinstance(kind, str) or kind not in _FILE_TYPES:
        raise ValueError(f'{source}: "type" is missing or not one of {", ".join(_FILE_TYPES)}')
    module, constructor, takes_scopes = _FILE_TYPES[kind]
    if kind == "external_account":
        module = _external_account_module(info)
    failure = ""
    credentials: Any = None
    try:
        make = getattr(importlib.import_module(module).Credentials, constructor)
        credentials = make(dict(info), scopes=list(scopes)) if takes_scopes else make(dict(info))
        if hasattr(credentials, "with_quota_project_from_environment"):
            credentials = credentials.with_quota_project_from_environment()
    except Exception as error:  # noqa: BLE001 (a malformed file can make google-auth raise anything)
        failure = type(error).__name__
    if failure:
        raise ValueError(f"{source}: malformed {kind} credentials (google-auth raised {failure}); download them again")
    return credentials  # type: ignore[no-any-return]


def _external_account_module(info: Mapping[str, Any]) -> str:
    """Return the module for a workload identity file, by the rules of google.auth.default."""
    source = info.get("credential_source")
    if info.get("subject_token_type") == "urn:ietf:params:aws:token-type:aws4_request":
        return "google.auth.aws"
    if isinstance(source, Mapping) and source.get("executable") is not None:
        return "google.auth.pluggable"
    return "google.auth.identity_pool"
