"""What the doctor looks at. Each check returns what it found, in words that give no secret away."""

from __future__ import annotations

import importlib.metadata
import json
import os
import platform
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal

import grpc

import eegrpc
from eegrpc import mapper
from eegrpc._credentials import resolve_credentials
from eegrpc._native_channel import fork_support
from eegrpc._options import EMULATOR_VARIABLE, ChannelOptions, channel_options
from eegrpc.errors import EarthEngineError, from_rpc_error
from eegrpc.transcoding.endpoint import Endpoint
from eegrpc.v1alpha import ComputeImagesRequest, EarthEngineStub

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping, Sequence

__all__ = ["Finding", "all_findings"]

_PACKAGES: Final = ("grpcio", "protobuf", "googleapis-common-protos", "google-auth", "urllib3")
_EXTRAS: Final = {"cli": ("rich",), "emulator": ("aiohttp", "shapely", "tzdata")}
_PROXIES: Final = ("grpc_proxy", "https_proxy", "http_proxy", "all_proxy", "no_proxy")
_VARIABLES: Final = (
    EMULATOR_VARIABLE,
    "EEGRPC_MAPPER",
    "GOOGLE_CLOUD_PROJECT",
    "GRPC_ENABLE_FORK_SUPPORT",
    "PROTOCOL_BUFFERS_PYTHON_IMPLEMENTATION",
)

_FORK: Final = {
    False: "GRPC_ENABLE_FORK_SUPPORT is off: gRPC hangs in children of a process that used it, so eegrpc raises "
    "RuntimeError there; unset it, use --transport rest, or spawn",
    True: "GRPC_ENABLE_FORK_SUPPORT is on: a child that is forked in the middle of a long gRPC call hangs; unset it "
    "(grpcio's default does no worse), or fork while none runs",
}

# With these the server answered, and would have answered a real request.
_ANSWERS: Final = (
    grpc.StatusCode.OK,
    grpc.StatusCode.INVALID_ARGUMENT,
    grpc.StatusCode.FAILED_PRECONDITION,
    grpc.StatusCode.RESOURCE_EXHAUSTED,
)


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found."""

    name: str
    state: Literal["ok", "note", "broken"]
    text: str
    """For people; further lines are details."""
    facts: dict[str, Any] = field(default_factory=dict)
    """For machines."""


def all_findings(arguments: argparse.Namespace) -> list[Finding]:
    """Look at everything."""
    findings = [_version(), _mapper(), _packages(), *_extras()]
    try:
        options = channel_options(
            arguments.endpoint,
            transport=arguments.transport,
            credentials=arguments.credentials,
            api_version=arguments.api_version,
        )
    except (TypeError, ValueError) as error:
        findings.append(Finding("transport", "broken", f"no channel can be made: {error}"))
    else:
        findings.append(_transport(arguments, options))
    return [*findings, _credentials(arguments.credentials), *_environment()]


# ---- what is installed ----


def _version() -> Finding:
    facts = {"version": eegrpc.__version__, "python": platform.python_version(), "system": platform.platform()}
    text = f"{facts['version']} on {platform.python_implementation()} {facts['python']}, {facts['system']}"
    return Finding("eegrpc", "ok", text, facts)


def _mapper() -> Finding:
    from google.protobuf.internal import api_implementation

    implementation = mapper.IMPLEMENTATION
    protobuf = api_implementation.Type()
    failure = mapper.NATIVE_FAILURE
    if os.environ.get("EEGRPC_MAPPER"):
        why = "as EEGRPC_MAPPER says"
    elif implementation == "native":
        why = "the fast one"
    else:
        why = f"the slow one, because the native one cannot be loaded ({failure})"
    text = f"{implementation}: {why}; protobuf runs on {protobuf}"
    facts = {"implementation": implementation, "protobuf": protobuf, "native_failure": failure}
    if protobuf == "python":
        return Finding("mapper", "note", f"{text}, which is slow: reinstall protobuf to get upb", facts)
    if implementation == "python" and failure:
        advice = "install a wheel for this platform, or have a Rust toolchain on PATH and reinstall eegrpc"
        return Finding("mapper", "note", f"{text}\n{advice}", facts)
    return Finding("mapper", "ok", text, facts)


def _packages() -> Finding:
    versions = {name: _installed(name) for name in _PACKAGES}
    missing = [name for name, version in versions.items() if version is None]
    if missing:
        return Finding("packages", "broken", f"{', '.join(missing)} not installed: pip install eegrpc", versions)
    return Finding("packages", "ok", " · ".join(f"{name} {version}" for name, version in versions.items()), versions)


def _extras() -> list[Finding]:
    findings = []
    for extra, names in _EXTRAS.items():
        versions = {name: _installed(name) for name in names}
        missing = [name for name, version in versions.items() if version is None]
        if missing:
            text = f'without {", ".join(missing)}: pip install "eegrpc[{extra}]"'
            findings.append(Finding(f"extra {extra}", "note", text, versions))
        else:
            text = " · ".join(f"{name} {version}" for name, version in versions.items())
            findings.append(Finding(f"extra {extra}", "ok", text, versions))
    return findings


def _installed(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


# ---- the transport ----


def _transport(arguments: argparse.Namespace, options: ChannelOptions) -> Finding:
    """Say which transport calls take; try it where the user named the endpoint, by a request that computes nothing."""
    origin = options.endpoint.origin
    if arguments.endpoint is None and not os.environ.get(EMULATOR_VARIABLE):
        text = f"{options.speaks} to {origin}: {_why(options, options.speaks, '')}"
        text += f"\nnot tried: --endpoint {origin} does that"
        return Finding("transport", "ok", text, {"endpoint": origin, "transport": options.speaks, "tried": False})
    error, transport, fallback = _try(arguments, options)
    facts: dict[str, Any] = {"endpoint": origin, "transport": transport, "tried": True}
    if fallback:
        facts["fallback_reason"] = fallback
    if error is None or error.code() in _ANSWERS:
        return Finding("transport", "ok", f"{transport} to {origin}: {_why(options, transport, fallback)}", facts)
    what = f"{error.code().name}: {error.details()}"
    return Finding("transport", "broken", f"{transport} to {origin}: {what}\n{error.hint}", facts)


def _why(options: ChannelOptions, transport: str, fallback: str) -> str:
    if options.transport != "auto":
        return "as --transport says"
    if options.endpoint.is_google:
        return "Google publishes no .proto of it, and our field numbers are not theirs"
    if transport == "grpc":
        return "it answers gRPC"
    return f"it does not speak gRPC ({fallback})"


def _try(arguments: argparse.Namespace, options: ChannelOptions) -> tuple[EarthEngineError | None, str, str]:
    """Return how a call ended (None: well), the transport it took, and why auto fell back to it."""
    project = (arguments.project or "eegrpc-doctor").removeprefix("projects/")
    with eegrpc.create_channel(
        arguments.endpoint,
        transport=arguments.transport,
        credentials=arguments.credentials,
        api_version=arguments.api_version,
    ) as channel:
        request = ComputeImagesRequest(project=f"projects/{project}")  # no expression: refused, and nothing computed
        error: EarthEngineError | None = None
        try:
            _, call = EarthEngineStub(channel).ComputeImages.with_call(request, timeout=arguments.timeout)
            trailing = dict(call.trailing_metadata() or ())
        except grpc.RpcError as raised:
            error = from_rpc_error(raised)
            trailing = dict(error.trailing_metadata())
    default = "grpc" if options.speaks == "auto" else options.speaks
    return error, str(trailing.get("eegrpc-transport", default)), str(trailing.get("eegrpc-fallback-reason", ""))


# ---- credentials ----


def _credentials(given: str | None) -> Finding:
    """Say which credentials calls to Google would use, from files alone."""
    path, source = _credentials_file(given)
    if path is None:
        text = (
            "none in files; on Google Cloud the metadata server has some\n"
            "elsewhere: gcloud auth application-default login"
        )
        return Finding("credentials", "note", text, {"kind": None})
    try:
        resolve_credentials(path, endpoint=Endpoint.parse(eegrpc.DEFAULT_ENDPOINT))
        with open(path, encoding="utf-8") as file:
            info: Mapping[str, Any] = json.load(file)
    except (OSError, TypeError, ValueError) as error:
        problem = str(error).removeprefix("credentials=").removeprefix(":").strip()
        return Finding("credentials", "broken", f"{source}: {problem}", {"source": source})
    principal = _principal(info)
    facts = {"kind": info["type"], "principal": principal, "source": source}
    return Finding("credentials", "ok", f"{info['type']}{f' {principal}' if principal else ''}, from {source}", facts)


def _credentials_file(given: str | None) -> tuple[str | None, str]:
    """Return the file with the credentials, and what named it."""
    if given is not None:
        return given, "--credentials"
    if stated := os.environ.get("GOOGLE_APPLICATION_CREDENTIALS"):
        return stated, "GOOGLE_APPLICATION_CREDENTIALS"
    from google.auth import _cloud_sdk

    find: Any = _cloud_sdk.get_application_default_credentials_path
    path = find()
    return (path, "gcloud's application default file") if os.path.isfile(path) else (None, "")


def _principal(info: Mapping[str, Any]) -> str:
    """Return who the credentials are for, shortened to tell them apart and no more."""
    impersonated = re.search(r"/serviceAccounts/([^/:]+)", str(info.get("service_account_impersonation_url", "")))
    name = impersonated.group(1) if impersonated else info.get("client_email") or info.get("account") or ""
    user, at, domain = str(name).partition("@")
    return f"{user[:2]}***@{domain}" if at else ""


# ---- the environment ----


def _environment() -> Sequence[Finding]:
    findings = [
        Finding("variable", "ok", f"{name}={_shown(os.environ[name])}") for name in _VARIABLES if name in os.environ
    ]
    if (support := fork_support()) is not None:
        findings.append(Finding("fork", "note", _FORK[support], {"GRPC_ENABLE_FORK_SUPPORT": support}))
    proxies = {
        name: _shown(os.environ[name])
        for lower in _PROXIES
        for name in dict.fromkeys((lower, lower.upper()))
        if os.environ.get(name)
    }
    if proxies:
        text = "gRPC and token requests use them, the REST transport connects directly"
        shown = "\n".join(f"{name}={value}" for name, value in proxies.items())
        findings.append(Finding("proxies", "note", f"{text}\n{shown}", {"variables": proxies}))
    return findings


def _shown(value: str) -> str:
    """Return a variable's value without a password in a URL."""
    return re.sub(r"(?<=//)[^/@]*@|^[^/@]*@", "***@", value)
