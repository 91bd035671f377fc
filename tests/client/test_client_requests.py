"""What the clients send, and what they refuse to send."""

from __future__ import annotations

import grpc
import pytest
from client_kinds import EXPRESSION

from eegrpc.errors import CallContext
from eegrpc.v1alpha import (
    ComputeImagesResponse,
)

Code = grpc.StatusCode


async def test_what_a_call_sends(compute, servicer):
    await compute(
        project="projects/example.com:q",
        page_size=7,
        page_token="t",
        workload_tag="tag",
        fields=["images.name"],
        metadata=[("x-mine", "1")],
    )
    (request,) = servicer.requests
    assert request.project == "projects/example.com:q"
    assert request.expression.values["0"].function_invocation_value.arguments["id"].constant_value.string_value == "x"
    assert (request.page_size, request.page_token, request.workload_tag) == (7, "t", "tag")
    (metadata,) = servicer.metadata
    assert metadata["x-goog-request-params"] == "project=projects/example.com%3Aq"
    assert metadata["x-goog-fieldmask"] == "images.name,nextPageToken"
    assert metadata["x-goog-api-client"].startswith("gl-python/")
    assert metadata["x-mine"] == "1"


async def test_defaults_of_the_client(compute, servicer):
    await compute()
    assert servicer.requests[0].project == "projects/p"


def test_nothing_is_sent_before_iteration(client, servicer):
    pager = client.compute_images(EXPRESSION)
    pages = pager.pages
    assert iter(pager) is pager
    assert servicer.requests == []
    assert next(pages) == ComputeImagesResponse()
    assert len(servicer.requests) == 1


# ---- TPL: projects, at the client ----


@pytest.mark.parametrize(
    ("project", "seen"),
    [
        pytest.param("projects/a", "projects/a", id="TPL-01-name"),
        pytest.param("123", "projects/123", id="TPL-01-number"),
        pytest.param("projects/google.com:x", "projects/google.com:x", id="TPL-01-domain"),
    ],
)
async def test_tpl_01_projects_that_pass(compute, servicer, project, seen):
    assert (await compute(project=project)).error is None
    assert [request.project for request in servicer.requests] == [seen]


@pytest.mark.parametrize(
    "project",
    [
        *(
            pytest.param(value, id=f"TPL-02-{value}")
            for value in ("projects/..", "projects/.", "projects/../x", "..", ".")
        ),
        *(
            pytest.param(value, id=f"TPL-03-{value}")
            for value in ("", "projects/", "projects/a/b", "/projects/a", "https://evil/", "projects/projects/a")
        ),
        *(
            pytest.param(f"projects/a{value}", id=f"TPL-04-{value}")
            for value in (
                "?x=1", "#f", "&b", ";b", "@h", "\\", "%2e%2e", "%2f", "%0d%0a", " ", "A", "_", "-", ":", "a" * 300
            )
        ),
        *(
            pytest.param(f"projects/a{value}", id=f"TPL-05-{name}")
            for name, value in (
                ("cr", "\r"), ("lf", "\n"), ("nul", "\0"), ("esc", "\x1b"), ("del", "\x7f"), ("surrogate", "\ud800"),
                ("arabic-digit", "\u0661"), ("crlf", "a\r\nx: y"),
            )
        ),
    ],
)  # fmt: skip
async def test_tpl_02_to_05_malformed_projects_are_refused_unsent(compute, servicer, project):
    outcome = await compute(project=project)
    assert outcome.error.code() is Code.INVALID_ARGUMENT
    assert outcome.error.details().startswith("project ")
    assert outcome.error.details().isprintable()
    assert servicer.requests == []


async def test_tpl_05_other_texts_with_lone_surrogates_are_refused_unsent(compute, servicer):
    for arguments in ({"page_token": "\ud800"}, {"workload_tag": "\ud800"}, {"expression": '{"result": "\ud800"}'}):
        assert (await compute(**arguments)).error.code() is Code.INVALID_ARGUMENT
    assert servicer.requests == []


# ---- GRP: the call ----


BAD_METADATA = [
    ("value-cr", [("x-a", "b\rc")]),
    ("value-lf", [("x-a", "b\nc: d")]),
    ("value-nul", [("x-a", "b\0")]),
    ("value-non-ascii", [("x-a", "\u00e9")]),
    ("upper-case-key", [("X-A", "b")]),
    ("non-ascii-key", [("x-\u00e9", "b")]),
    ("pseudo-header", [(":path", "/other")]),
    ("empty-key", [("", "b")]),
    ("bytes-without-bin", [("x-a", b"b")]),
    *((name, [(name, "1")]) for name in ("grpc-timeout", "grpc-encoding", "te", "host", "content-length")),
    ("second-authorization", [("authorization", "a"), ("authorization", "b")]),
]


@pytest.mark.parametrize("metadata", [pytest.param(value, id=f"GRP-09-{name}") for name, value in BAD_METADATA])
async def test_grp_09_metadata_is_refused_unsent(compute, servicer, metadata):
    outcome = await compute(metadata=metadata)
    assert outcome.error.code() is Code.INTERNAL
    assert outcome.error.details().startswith("Invalid metadata")
    assert "Correct the argument" in outcome.error.hint
    assert servicer.requests == []


@pytest.mark.parametrize("timeout", [0, -1, float("-inf")], ids=lambda value: f"GRP-15-{value}")
async def test_grp_15_no_time_left_is_deadline_exceeded_unsent(compute, servicer, timeout):
    for options, arguments in (({}, {"timeout": timeout}), ({"timeout": timeout}, {})):
        outcome = await compute(options=options, **arguments)
        assert outcome.error.code() is Code.DEADLINE_EXCEEDED
        assert outcome.error.context == CallContext("projects/p", page=1)
    assert servicer.requests == []


async def test_grp_15_nan_is_a_value_error(compute, servicer):
    for options, arguments in (({}, {"timeout": float("nan")}), ({"timeout": float("nan")}, {})):
        with pytest.raises(ValueError, match="NaN"):
            await compute(options=options, **arguments)
    assert servicer.requests == []


@pytest.mark.parametrize("timeout", [10**12, 1e300, float("inf")], ids=lambda value: f"GRP-15-{value}")
async def test_grp_15_a_very_long_time_is_fine(compute, servicer, timeout):
    assert (await compute(timeout=timeout)).error is None
    assert servicer.remaining[0] > 300 * 86400


@pytest.mark.parametrize("timeout", ["5", True, [1]], ids=str)
async def test_a_timeout_that_is_no_number_is_a_type_error(compute, timeout):
    with pytest.raises(TypeError, match="timeout"):
        await compute(timeout=timeout)


@pytest.mark.parametrize("options", [{}, {"timeout": None}], ids=["omitted", "none"])
async def test_grp_02_there_is_always_a_deadline(compute, servicer, options):
    await compute(options=options)
    await compute(options=options, timeout=None)
    await compute(options={"timeout": 50}, timeout=None)
    assert all(300 < remaining <= 331 for remaining in servicer.remaining[:2])
    assert servicer.remaining[2] <= 51
