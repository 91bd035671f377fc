"""Requests that the transcoder's server half takes or refuses, and replies that it cannot send."""

from __future__ import annotations

import json

import grpc
import pytest
from google.protobuf import descriptor_pool
from probe_service import POOL, Item
from transcoders import CLIENT, COMPUTE, LOCATIONS, OPERATIONS, SERVER, probe, send

from eegrpc import v1alpha
from eegrpc.transcoding.router import MethodNotAllowedError
from eegrpc.transcoding.transcoder import Transcoder
from eegrpc.transcoding.types import HttpRequest, Reply, TranscodingError

Code = grpc.StatusCode


def refused(method, target, body=b"", *headers):
    with pytest.raises(TranscodingError) as caught:
        SERVER.route(HttpRequest(method, target, headers, body))
    response = SERVER.refusal(caught.value)
    error = json.loads(response.body)["error"]
    assert error["code"] == response.status
    assert error["status"] == caught.value.code.name
    assert CLIENT.response(CLIENT.method(COMPUTE), response).code is caught.value.code
    return response


TARGET = "/v1alpha/projects/p/imageCollection:computeImages"


@pytest.mark.parametrize(
    ("method", "target", "status"),
    [
        pytest.param("GET", TARGET, 405, id="TPL-09-wrong-method"),
        pytest.param("post", "/nothing", 404, id="TPL-09-nothing"),
        pytest.param("POST", TARGET + "/", 404, id="TPL-09-trailing-slash"),
        pytest.param("POST", TARGET.replace("/p/", "//"), 404, id="TPL-09-empty-segment"),
        pytest.param("POST", TARGET.replace("/p/", "/p//"), 404, id="TPL-09-double-slash"),
        pytest.param("POST", TARGET.replace("computeImages", "nothing"), 404, id="TPL-09-wrong-verb"),
        pytest.param("POST", TARGET.partition(":")[0], 404, id="TPL-09-missing-verb"),
        pytest.param("POST", TARGET.replace(":", "%3A"), 404, id="TPL-09-encoded-verb"),
        pytest.param("POST", TARGET.replace("/p/", "/%2e%2e/"), 404, id="TPL-02-encoded-dots"),
        pytest.param("POST", TARGET.replace("/p/", "/../"), 404, id="TPL-02-dots"),
        pytest.param("POST", TARGET.replace("/p/", "/%0d%0a/"), 404, id="TPL-05-encoded-control"),
        pytest.param("POST", "/v1/operations/a:nothing", 405, id="TPL-09-verb-of-no-post"),
        pytest.param("POST", "https://evil" + TARGET, 400, id="TPL-09-absolute-form"),
        pytest.param("POST", TARGET + "#x", 400, id="TPL-09-fragment"),
        pytest.param("OPTIONS", "*", 400, id="TPL-09-asterisk"),
        pytest.param("POST", "", 400, id="TPL-09-no-target"),
        pytest.param("POST", TARGET + " x", 400, id="TPL-05-space"),
        pytest.param("POST", TARGET + "\u00e9", 400, id="TPL-05-non-ascii"),
        pytest.param("POST", TARGET + "?x\n", 400, id="TPL-05-newline"),
        pytest.param("POST", TARGET + "?nothing=1", 400, id="TPL-09-unknown-parameter"),
        pytest.param("POST", "/" + "a/" * 100_000, 404, id="TPL-09-long"),
        pytest.param("GET", "/v1/stream/x", 404, id="TPL-09-longer-than-a-literal"),
    ],
)
def test_tpl_09_refused(method, target, status):
    response = refused(method, target)
    assert response.status == status
    assert ("allow" in dict(response.headers)) == (status == 405)


def test_tpl_09_what_is_accepted():
    for target, project in (
        (TARGET.replace("/p/", "/a%2Fb/"), "projects/a%2Fb"),
        ("//" + TARGET, "projects/p"),
        (TARGET + "?$alt=json;enum-encoding=int&prettyPrint=false", "projects/p"),
    ):
        _, wire, _, _ = SERVER.route(HttpRequest("POST", target, (), b""))
        assert v1alpha.ComputeImagesRequest.FromString(wire).project == project
    assert dict(refused("GET", TARGET).headers)["allow"] == "POST"
    assert isinstance(MethodNotAllowedError("GET", ("POST",)), TranscodingError)


@pytest.mark.parametrize("name", ["X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override", "_method"])
def test_tpl_10_method_overrides_are_ignored(name):
    request = HttpRequest("GET", "/v1/operations/a", ((name, "DELETE"),), b"")
    assert SERVER.route(request)[0].path == OPERATIONS + "GetOperation"
    request = HttpRequest("GET", "/v1/operations/a?_method=DELETE", (), b"")
    assert SERVER.route(request)[0].path == OPERATIONS + "GetOperation"
    # A form is a body like any other.
    response = refused(
        "POST", "/v1/operations/a:cancel", b"_method=DELETE", ("content-type", "application/x-www-form-urlencoded")
    )
    assert response.status == 400


def test_tpl_11_the_path_and_the_body_must_agree():
    request = HttpRequest("POST", TARGET, (), b'{"project":"projects/p","pageSize":1}')
    _, wire, _, _ = SERVER.route(request)
    assert v1alpha.ComputeImagesRequest.FromString(wire) == v1alpha.ComputeImagesRequest(
        project="projects/p", page_size=1
    )
    response = refused("POST", TARGET, b'{"project":"projects/other"}')
    assert response.status == 400
    assert "'project'" in json.loads(response.body)["error"]["message"]
    assert refused("POST", "/v1/items/1/5:run", b'{"inner":{"child":{"count":6}}}').status == 400
    # The client half never sends a path field in the body.
    sent = json.loads(send(COMPUTE, v1alpha.ComputeImagesRequest(project="projects/p", page_size=1)).body)
    assert sent == {"pageSize": 1}


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b'{"nothing":1}', 'Invalid JSON payload received. Unknown name "nothing": Cannot find field.'),
        (
            b'{"expression":{"nothing":1}}',
            "Invalid JSON payload received. Unknown name \"nothing\" at 'expression': Cannot find field.",
        ),
        (b'{"pageSize":"x"}', "Invalid JSON payload received. "),
        (b'{"pageSize":', "Invalid JSON payload received. "),
        (b"[]", "Invalid JSON payload received. "),
        (b"\xff", "Invalid JSON payload received. "),
    ],
)
def test_bodies_are_refused_in_googles_words(body, text):
    response = refused("POST", TARGET, body)
    assert response.status == 400
    assert json.loads(response.body)["error"]["message"].startswith(text)


def test_bodies_that_do_not_belong():
    assert "takes no request body" in json.loads(refused("GET", "/v1/operations/a", b"{}").body)["error"]["message"]
    assert (
        "charset"
        in json.loads(refused("POST", TARGET, b"{}", ("Content-Type", "a/b; charset=utf-16")).body)["error"]["message"]
    )
    assert refused("PUT", "/v1/items/1/text?someName=x", b'"y"').status == 400
    assert refused("GET", "/v1/typed/x/true/RED/AA/0/0/0/0").status == 400


def test_system_parameters_become_metadata():
    request = HttpRequest("POST", TARGET + "?$fields=images.id&key=k", (("x-a", "b"),), b"")
    assert list(SERVER.route(request)[2]) == [("x-a", "b"), ("x-goog-fieldmask", "images.id"), ("x-goog-api-key", "k")]


def test_the_most_specific_template_wins():
    for verb, target, path in (
        ("GET", "/v1/operations", OPERATIONS + "ListOperations"),
        ("GET", "/v1/operations/x", OPERATIONS + "GetOperation"),
        ("GET", "/v1/locations/x", LOCATIONS + "GetLocation"),
        ("GET", "/v1/projects/p/locations", LOCATIONS + "ListLocations"),
        ("POST", "/v1/operations/x:cancel", OPERATIONS + "CancelOperation"),
        ("GET", "/v1/operations/x:cancel", OPERATIONS + "GetOperation"),
        ("HEAD", "/v1/items/1/head", probe("Custom")),
        ("BREW", "/v1/any/x", probe("Anything")),
    ):
        assert SERVER.route(HttpRequest(verb, target, (), b""))[0].path == path


def test_a_reply_that_has_no_json_form_is_an_internal_error():
    wire = Item(at={"seconds": 2**40}).SerializeToString()
    response = SERVER.reply(SERVER.method(probe("Post")), Reply(Code.OK, wire=wire))
    assert response.status == 500


def test_only_given_services_are_routed():
    assert descriptor_pool.Default() is not POOL
    with pytest.raises(TranscodingError):
        Transcoder(pool=POOL).route(HttpRequest("GET", "/v1/items/1", (), b""))
