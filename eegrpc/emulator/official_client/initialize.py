"""Setting up the official Python client for an emulator."""

from __future__ import annotations

from typing import Any

__all__ = ["initialize_ee"]

_NO_ASSETS: Any = {"": None}  # an empty list would be fetched again


def initialize_ee(endpoint: str, project: str, **options: Any) -> None:
    """Initialize earthengine-api for a server at an endpoint, anonymously; what it was initialized for is forgotten.

    The client is used by its public interface alone, and nothing of it is replaced. Two things that it does by itself
    are turned off, as tests do not want them: it sends again what failed, for up to a minute; and it fetches a list of
    deprecated assets from Google's storage, whatever server it is given. The former is ``ee.data.setMaxRetries``. The
    latter is not done when there is such a list already, which ``ee.deprecation.deprecated_assets`` is: it gets one
    without assets. ``ee.Reset()`` undoes both.

    Args:
        endpoint: URL of the server.
        project: The project of the calls.
        options: Further arguments for ``ee.Initialize``, which take precedence.

    Raises:
        ImportError: earthengine-api is not installed.
        ee.EEException: The server refused.
    """
    try:
        import ee
        import ee.deprecation
    except ModuleNotFoundError as error:
        if error.name != "ee":
            raise
        raise ImportError(
            "initialize_ee() needs Google's client for Earth Engine: pip install earthengine-api", name="ee"
        ) from error
    from google.auth.credentials import AnonymousCredentials

    ee.Reset()
    ee.data.setMaxRetries(0)
    ee.deprecation.deprecated_assets = _NO_ASSETS
    credentials = AnonymousCredentials()  # type: ignore[no-untyped-call]
    ee.Initialize(**{"credentials": credentials, "url": endpoint, "project": project, **options})
