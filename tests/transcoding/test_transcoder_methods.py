"""The methods that a transcoder has, by names and by rules."""

from __future__ import annotations

import threading

import grpc
import pytest
from google.api import http_pb2
from probe_service import POOL, SERVICE
from transcoders import COMPUTE, probe

from eegrpc import v1alpha
from eegrpc.transcoding.template import TemplateError
from eegrpc.transcoding.transcoder import Transcoder
from eegrpc.transcoding.types import TranscodingError

Code = grpc.StatusCode


def test_methods_are_found_by_name():
    client = Transcoder(pool=POOL)
    method = client.method(probe("Get"))
    assert client.method(probe("Get")) is method
    assert Transcoder().method(COMPUTE).path == COMPUTE
    for path in ("/probe.Probe/Nothing", "/no.Such/M", "", "/", "probe.Probe/Get/x", COMPUTE.removeprefix("/")):
        with pytest.raises(TranscodingError, match="no description of the method") as caught:
            client.method(path)
        assert caught.value.code is Code.UNIMPLEMENTED


def test_a_method_is_compiled_once_under_threads():
    client = Transcoder(pool=POOL)
    found = []
    start = threading.Barrier(8)

    def find():
        start.wait()
        found.append(client.method(probe("Nested")))

    threads = [threading.Thread(target=find) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(map(id, found))) == 1


def test_rules_change_the_path():
    rule = http_pb2.HttpRule(
        selector=COMPUTE[1:].replace("/", "."), post="/v1/{project=projects/*}/imageCollection:computeImages", body="*"
    )
    client = Transcoder(rules=[rule])
    wire = v1alpha.ComputeImagesRequest(project="projects/p").SerializeToString()
    assert client.request(client.method(COMPUTE), wire).target == "/v1/projects/p/imageCollection:computeImages"


def test_tpl_08_wrong_rules_make_no_transcoder():
    with pytest.raises(TemplateError):
        Transcoder([SERVICE], rules=[http_pb2.HttpRule(selector="probe.Probe.Get", get="/{a={b}}")])
