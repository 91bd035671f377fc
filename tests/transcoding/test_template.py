"""Path templates: the grammar, the escaping of http.proto both ways, and google.api_core's opinion."""

from __future__ import annotations

import re
import warnings

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eegrpc.transcoding.template import PathTemplate, PathValueError, TemplateError

with warnings.catch_warnings():
    warnings.simplefilter("ignore", FutureWarning)  # of the oldest versions it will support
    from google.api_core import path_template as google_path_template

EARTH_ENGINE = PathTemplate("/v1alpha/{project=projects/*}/imageCollection:computeImages")


def compute_images(project: str) -> str:
    return f"/v1alpha/{project}/imageCollection:computeImages"


@pytest.mark.parametrize(
    ("text", "variables", "verb"),
    [
        ("/v1/messages", [], None),
        ("/v1/{name=messages/*}", [(("name",), "messages/*", True)], None),
        ("/v1/messages/{message_id}", [(("message_id",), "*", False)], None),
        ("/v1/messages/{id=*}", [(("id",), "*", False)], None),
        (
            "/v1/messages/{message_id}/{sub.subfield}",
            [(("message_id",), "*", False), (("sub", "subfield"), "*", False)],
            None,
        ),
        ("/v1/{name=**}", [(("name",), "**", True)], None),
        ("/v1/{name=operations}", [(("name",), "operations", False)], None),
        ("/v1/{name=operations/**}:cancel", [(("name",), "operations/**", True)], "cancel"),
        ("/v1/{a.b.c=x/*/y/*}/z:v", [(("a", "b", "c"), "x/*/y/*", True)], "v"),
        ("/$discovery/rest", [], None),
        ("/v1/*/**", [], None),
        ("/", None, None),
    ],
)
def test_grammar(text, variables, verb):
    if variables is None:
        with pytest.raises(TemplateError):
            PathTemplate(text)
        return
    template = PathTemplate(text)
    assert template.text == text
    assert [(v.field_path, v.template, v.multi_segment) for v in template.variables] == variables
    assert template.verb == verb
    assert text in repr(template)


@pytest.mark.parametrize(
    ("text", "column", "problem"),
    [
        ("", 1, "begins with '/'"),
        ("v1/x", 1, "begins with '/'"),
        ("/v1/", 5, "expected a segment"),
        ("/v1//x", 5, "expected a segment"),
        pytest.param("/{a={b}}", 5, "must not contain another variable", id="TPL-08-nested"),
        ("/{a", 4, "expected '}'"),
        ("/{}", 3, "expected a field name"),
        ("/{1a}", 3, "expected a field name"),
        ("/{a.}", 5, "expected a field name"),
        ("/{a=}", 5, "expected a segment"),
        pytest.param("/**/x", 5, "'**' must be the last", id="TPL-08-many-not-last"),
        pytest.param("/{a=**}/x", 9, "'**' must be the last", id="TPL-08-many-not-last-in-variable"),
        pytest.param("/{a=**/x}", 8, "'**' must be the last", id="TPL-08-many-not-last-within-variable"),
        pytest.param("/{a=**}/{b}", 11, "'**' must be the last", id="TPL-08-many-before-variable"),
        ("/v1/a:b/c", 8, "unexpected '/'"),
        ("/v1/{a}:", 9, "expected a verb"),
        ("/v1/{a}x", 8, "unexpected 'x'"),
        ("/v1/{a}/{a}", 9, "occurs twice"),
        ("/v1/../x", 5, "must not be a segment"),
        ("/v1/%2e", 5, "must not be a segment"),
        ("/v1/\u00e9", 5, "expected a segment"),
        ("/v1/%zz", 5, "expected a segment"),
        ("/v1/%ff", 5, "not UTF-8"),
        ("/v1/a?b", 6, "unexpected '?'"),
        ("/v1/a b", 6, "unexpected ' '"),
        ("/v1/***", 7, "unexpected '*'"),
    ],
)
def test_tpl_08_wrong_templates_say_where(text, column, problem):
    with pytest.raises(TemplateError, match=re.escape(problem)) as caught:
        PathTemplate(text)
    assert caught.value.column == column
    assert f"column {column} of" in str(caught.value)


# Each line of http.proto that says what a path looks like.
HTTP_PROTO = [
    ("/v1/{name=messages/*}", {"name": "messages/123456"}, "/v1/messages/123456"),
    ("/v1/messages/{message_id}", {"message_id": "123456"}, "/v1/messages/123456"),
    (
        "/v1/users/{user_id}/messages/{message_id}",
        {"user_id": "me", "message_id": "123456"},
        "/v1/users/me/messages/123456",
    ),
    ("/v1/messages/{message_id}/{sub.subfield}", {"message_id": "1", "sub.subfield": "foo"}, "/v1/messages/1/foo"),
    # "all characters except [-_.~0-9a-zA-Z] are percent-encoded"
    ("/v1/{var}", {"var": "-_.~09azAZ"}, "/v1/-_.~09azAZ"),
    ("/v1/{var}", {"var": "a/b c+d:e@f%2F"}, "/v1/a%2Fb%20c%2Bd%3Ae%40f%252F"),
    ("/v1/{var=*}", {"var": "\u00e9\U0001f30d"}, "/v1/%C3%A9%F0%9F%8C%8D"),
    # "all characters except [-_.~/0-9a-zA-Z] are percent-encoded"
    ("/v1/{var=foo/*}", {"var": "foo/b c+d:e@f"}, "/v1/foo/b%20c%2Bd%3Ae%40f"),
    ("/v1/{var=**}", {"var": "foo/-_.~/09azAZ/x?y#z"}, "/v1/foo/-_.~/09azAZ/x%3Fy%23z"),
    ("/v1/{var=operations/**}", {"var": "operations"}, "/v1/operations"),  # "zero or more URL path segments"
    ("/v1/{var=operations/**}:cancel", {"var": "operations/a/b:cancel"}, "/v1/operations/a/b%3Acancel:cancel"),
]


@pytest.mark.parametrize(("text", "values", "path"), HTTP_PROTO)
def test_tpl_07_http_proto_examples_both_ways(text, values, path):
    template = PathTemplate(text)
    assert template.expand(values) == path
    assert template.match(path) == values


@pytest.mark.parametrize(
    ("project", "sent"),
    [
        pytest.param("projects/a", "projects/a", id="TPL-01-id"),
        pytest.param("projects/123", "projects/123", id="TPL-01-number"),
        pytest.param("projects/google.com:x", "projects/google.com%3Ax", id="TPL-01-domain"),
        pytest.param("projects/a?x=1", "projects/a%3Fx%3D1", id="TPL-04-query"),
        pytest.param("projects/a#f", "projects/a%23f", id="TPL-04-fragment"),
        pytest.param("projects/a&b;c", "projects/a%26b%3Bc", id="TPL-04-delimiters"),
        pytest.param("projects/a@h", "projects/a%40h", id="TPL-04-at"),
        pytest.param("projects/a\\b", "projects/a%5Cb", id="TPL-04-backslash"),
        pytest.param("projects/%2e%2e", "projects/%252e%252e", id="TPL-04-encoded-dots"),
        pytest.param("projects/a%2fb", "projects/a%252fb", id="TPL-04-encoded-slash"),
        pytest.param("projects/a%0d%0ab", "projects/a%250d%250ab", id="TPL-04-encoded-line-end"),
    ],
)
def test_tpl_04_values_stay_one_segment_and_arrive_as_they_are(project, sent):
    path = EARTH_ENGINE.expand({"project": project})
    assert path == compute_images(sent)
    assert path.count("/") == 4
    assert EARTH_ENGINE.match(path) == {"project": project}


@pytest.mark.parametrize(
    ("project", "problem"),
    [
        *(pytest.param(v, "as a path segment", id=f"TPL-02-{v}") for v in ("projects/..", "projects/.")),
        *(pytest.param(v, "does not match projects/*", id=f"TPL-02-{v}") for v in ("projects/../x", "..")),
        *(
            pytest.param(v, "does not match projects/*", id=f"TPL-03-{v}")
            for v in ("", "a", "projects/", "projects/a/b", "/projects/a", "https://evil/")
        ),
        *(
            pytest.param(f"projects/a{char}b", "control character", id=f"TPL-05-{ord(char):x}")
            for char in "\r\n\0\x01\x1b\x7f\x85"
        ),
        pytest.param("projects/\ud800", "lone surrogate", id="TPL-05-surrogate"),
        pytest.param("projects/a\nb" + "c" * 1000, "...", id="TPL-05-long-value-is-cut"),
    ],
)
def test_tpl_02_03_05_refused_values(project, problem):
    with pytest.raises(PathValueError, match=re.escape(problem)) as caught:
        EARTH_ENGINE.expand({"project": project})
    assert str(caught.value).startswith("project: ")
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize("value", ["..", ".", "../x", "x/..", "x/./y"])
def test_tpl_02_dot_segments_in_one_segment_are_refused(value):
    with pytest.raises(PathValueError, match="as a path segment"):
        PathTemplate("/v1/{id}").expand({"id": value})
    assert PathTemplate("/v1/{id=**}").match(f"/v1/{value}") is None


def test_missing_values_are_refused():
    with pytest.raises(PathValueError, match="must be set"):
        EARTH_ENGINE.expand({})
    with pytest.raises(PathValueError, match="wildcard outside of a variable"):
        PathTemplate("/v1/*/x").expand({})
    assert PathTemplate("/v1/**").expand({}) == "/v1"


@pytest.mark.parametrize(
    ("text", "path", "values"),
    [
        pytest.param("/v1/{x=p/*}/z", "/v1/p/a%2Fb/z", {"x": "p/a%2Fb"}, id="TPL-09-slash-kept-encoded"),
        pytest.param("/v1/{x=p/*}/z", "/v1/p/a%2fb/z", {"x": "p/a%2fb"}, id="TPL-09-lower-case"),
        pytest.param("/v1/{x}/z", "/v1/a%2Fb/z", {"x": "a/b"}, id="TPL-09-single-decodes"),
        pytest.param("/v1/{x=p/*}/z", "/v1//p/a/z", None, id="TPL-09-double-slash"),
        pytest.param("/v1/{x=p/*}/z", "/v1/p//z", None, id="TPL-09-empty-segment"),
        pytest.param("/v1/{x=p/*}/z", "/v1/p/a/z/", None, id="TPL-09-trailing-slash"),
        pytest.param("/v1/{x=p/*}:go", "/v1/p/a", None, id="TPL-09-missing-verb"),
        pytest.param("/v1/{x=p/*}:go", "/v1/p/a:stop", None, id="TPL-09-wrong-verb"),
        pytest.param("/v1/{x=p/*}:go", "/v1/p/a%3Ago", None, id="TPL-09-encoded-verb"),
        pytest.param("/v1/{x=p/*}:go", "/v1/p/:go", None, id="TPL-09-verb-alone"),
        pytest.param("/v1/{x=p/*}", "/v1/p/a:go", {"x": "p/a:go"}, id="TPL-09-no-verb-in-template"),
        pytest.param("/v1/z", "/v1/%7A", None, id="TPL-09-literal-encoded-without-need"),
        ("/v1/a@b", "/v1/a%40b", {}),
        ("/v1/a@b", "/v1/a@b", {}),
        ("/v1/a%40b", "/v1/a@b", {}),
        ("/v1/{x=**}", "/v1", None),
        ("/v1/{x=**}", "/v1/", None),
        ("/v1/{x=a/**}", "/v1/a", {"x": "a"}),
        ("/v1/**", "/v1", {}),
        ("/v1/**", "/v1/a/b", {}),
        ("/**", "/", {}),
        ("/v1/*/x", "/v1/a/x", {}),
        ("/v1/{x}", "/v1/..", None),
        ("/v1/{x}", "/v1/%2e%2E", None),
        ("/v1/{x}", "/v1/a%2F..", None),
        ("/v1/{x=**}", "/v1/a%2F..%2Fb", None),
        ("/v1/{x}", "/v1/%0d%0a", None),
        ("/v1/{x}", "/v1/%00", None),
        ("/v1/{x}", "/v1/%ff", None),
        ("/v1/{x}", "/v1/%zz", None),
        ("/v1/{x}", "/v1/%", None),
        ("/v1/{x}", "/v1/\u00e9", None),
        ("/v1/{x}", "/v1/a?b", None),
        ("/v1/{x}", "/v1/a#b", None),
        ("/v1/{x}", "/v1/a b", None),
        ("/v1/{x}", "/v1/a\n", None),
    ],
)
def test_tpl_09_match(text, path, values):
    assert PathTemplate(text).match(path) == values


_SEGMENT = st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1, max_size=12)


def _acceptable(value: str) -> bool:
    return not re.search(r"(?:^|/|%2[Ff])\.\.?(?:$|/|%2[Ff])", value)


@given(_SEGMENT)
def test_tpl_07_expand_then_match_of_one_segment(value):
    template = PathTemplate("/v1/{x}/y:z")
    if not _acceptable(value):
        with pytest.raises(PathValueError):
            template.expand({"x": value})
        return
    path = template.expand({"x": value})
    assert re.fullmatch(r"[-_.~0-9a-zA-Z/:%]+", path)
    assert template.match(path) == {"x": value}


@given(
    st.lists(_SEGMENT.filter(lambda s: "/" not in s and not re.search("%2f", s, re.IGNORECASE)), min_size=1, max_size=4)
)
def test_tpl_07_expand_then_match_of_several_segments(segments):
    template = PathTemplate("/v1/{x=**}:z")
    value = "/".join(segments)
    if not _acceptable(value):
        return
    path = template.expand({"x": value})
    assert template.match(path) == {"x": value}
    assert template.expand(template.match(path) or {}) == path


@given(st.text(st.sampled_from("ab/%2Ff:.~@?\n\x80"), max_size=20))
def test_tpl_07_match_then_expand(tail):
    for text in ("/v1/{x=**}", "/v1/{x}", "/v1/{x=a/*}:b"):
        template = PathTemplate(text)
        values = template.match(f"/v1/{tail}")
        if values is not None:
            assert template.match(template.expand(values)) == values


# google.api_core's expand and validate, as its clients use them. "same": we agree. Otherwise why we do not.
API_CORE = [
    ("/v1/{name=shelves/*/books/*}", "shelves/1/books/3", "same"),
    ("/v1/{name}", "a", "same"),
    ("/v1/{name=**}", "a/b/c", "same"),
    ("/v1/{name=operations/**}", "operations/a/b", "same"),
    ("/v1/{name=operations}", "operations", "same"),
    ("/v1/{name=shelves/*}", "shelves", "same"),
    ("/v1/{name=shelves/*}", "shelves/a/b", "same"),
    ("/v1/{name=shelves/*}", "shelves/..", "same"),
    ("/v1/{name=shelves/*}", "shelves/a b\u00e9?#", "same"),
    ("/v1/{name}", "a/b", "it keeps '/' in a variable of one segment, where http.proto encodes it"),
    ("/v1/{name=operations/**}", "operations", "its ** wants one segment at least; http.proto: zero or more"),
    ("/v1/{name=**}", "/a", "it sends //a; http.proto: variables must not capture the leading slash"),
    ("/v1/{name=**}", "a//b", "it sends an empty segment, which the next hop may remove"),
    ("/v1/{name=shelves/*}", "shelves/a\n", "it sends %0A, which nobody means"),
    ("/v1/{name}", "x/..", "same"),
]


def google_expand(text: str, value: str) -> str | None:
    options = [{"method": "get", "uri": text}]
    try:
        return str(google_path_template.transcode(options, name=value)["uri"])
    except ValueError:
        return None


@pytest.mark.parametrize(("text", "value", "verdict"), API_CORE)
def test_agrees_with_api_core_or_says_why_not(text, value, verdict):
    template = PathTemplate(text)
    try:
        ours: str | None = template.expand({"name": value})
    except PathValueError:
        ours = None
    assert (ours == google_expand(text, value)) == (verdict == "same"), (ours, google_expand(text, value))
    if ours is not None and verdict == "same":
        assert google_path_template.validate(text, ours)
        assert template.match(ours) == {"name": value}
