"""Whom a command talks to: the emulator or the endpoint, the project that pays, the client."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, TypeVar

from eegrpc.cli.catalog_file import load_catalog
from eegrpc.cli.failures import USAGE, CommandError, request_refused
from eegrpc.errors import EarthEngineError

if TYPE_CHECKING:
    import argparse

    import eegrpc
    from eegrpc.emulator import Emulator

__all__ = ["check_place", "client_of", "emulator_of", "project_of"]

_Client = TypeVar("_Client", "eegrpc.EarthEngineClient", "eegrpc.EarthEngineAsyncClient")


def check_place(arguments: argparse.Namespace) -> None:
    """Refuse arguments that contradict each other.

    Raises:
        CommandError: Some do.
    """
    if not arguments.emulator:
        if arguments.catalog is not None:
            raise CommandError(USAGE, "--catalog is for --emulator: add it")
        return
    for name in ("endpoint", "credentials"):
        if getattr(arguments, name) is not None:
            raise CommandError(
                USAGE, f"--emulator runs inside this command and takes no --{name}: leave one of them out"
            )


def emulator_of(catalog_file: str | None) -> Emulator:
    """Return the emulator that --emulator asks for."""
    catalog = load_catalog(catalog_file)  # first: it says what to do when the packages are missing
    from eegrpc.emulator import Emulator

    return Emulator(catalog)


def client_of(kind: type[_Client], arguments: argparse.Namespace, endpoint: str | None, transport: str) -> _Client:
    """Return a client of either colour.

    Raises:
        CommandError: The arguments make no client.
    """
    try:
        return kind(
            project_of(arguments),
            endpoint=endpoint,
            transport=transport,
            credentials=arguments.credentials,
            api_version=arguments.api_version,
        )
    except EarthEngineError as error:
        raise request_refused(error) from error
    except (TypeError, ValueError) as error:
        raise CommandError(USAGE, str(error).replace("credentials=", "--credentials")) from error


def project_of(arguments: argparse.Namespace) -> str:
    """Return the project that pays."""
    if arguments.project is not None:
        return str(arguments.project)
    if arguments.emulator or (arguments.endpoint is None and os.environ.get("EARTHENGINE_EMULATOR_HOST")):
        return "emulator"  # which takes any
    project = os.environ.get("GOOGLE_CLOUD_PROJECT")
    if not project:
        raise CommandError(USAGE, "which project pays? Give --project MY-PROJECT, or set GOOGLE_CLOUD_PROJECT")
    return project
