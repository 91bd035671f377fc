"""gRPC metadata as HTTP headers: what passes, what is refused, and that both directions agree."""

from __future__ import annotations

import grpc
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eegrpc.transcoding.metadata import TRAILER_PREFIX, check_metadata, from_headers, to_headers, to_trailers
from eegrpc.transcoding.types import TranscodingError

REFUSED = [
    pytest.param([("a", "b\r\nc: d")], id="GRP-09-crlf"),
    pytest.param([("a", "b\n")], id="GRP-09-lf"),
    pytest.param([("a", "b\0")], id="GRP-09-nul"),
    pytest.param([("a", "b\x7f")], id="GRP-09-del"),
    pytest.param([("a", "\t")], id="GRP-09-tab"),
    pytest.param([("a", "\u00e9")], id="GRP-09-non-ascii"),
    pytest.param([("a", "\ud800")], id="GRP-09-surrogate"),
    pytest.param([("A", "b")], id="GRP-09-upper-case"),
    pytest.param([("a b", "c")], id="GRP-09-space-in-key"),
    pytest.param([("a\r\nb", "c")], id="GRP-09-crlf-in-key"),
    pytest.param([("", "c")], id="GRP-09-empty-key"),
    pytest.param([(":path", "/x")], id="GRP-09-path"),
    pytest.param([(":authority", "x")], id="GRP-09-authority"),
    pytest.param([("a", b"b")], id="GRP-09-bytes-without-bin"),
    pytest.param([("a-bin", "b")], id="GRP-09-text-with-bin"),
    pytest.param([("a", 3)], id="GRP-09-number"),
    pytest.param([(b"a", "b")], id="GRP-09-bytes-key"),
    pytest.param([("authorization", "a"), ("x", "y"), ("authorization", "b")], id="GRP-09-second-authorization"),
    *(
        pytest.param([(key, "1")], id=f"GRP-09-{key}")
        for key in (
            *("grpc-timeout", "grpc-status", "grpc-encoding", "grpc-message", "te", "host", "content-length"),
            *("content-type", "content-encoding", "connection", "transfer-encoding", "upgrade", "expect", "trailer"),
            *("keep-alive", "proxy-authorization"),
        )
    ),
    pytest.param([("grpc-status-details-bin", b"")], id="GRP-09-details"),
]


@pytest.mark.parametrize("metadata", REFUSED)
def test_grp_09_refused(metadata):
    with pytest.raises(TranscodingError, match=r"^Invalid metadata: ") as caught:
        check_metadata(metadata)
    assert caught.value.code is grpc.StatusCode.INTERNAL
    assert caught.value.details.isprintable()


def test_grp_09_values_are_never_quoted():
    with pytest.raises(TranscodingError) as caught:
        check_metadata([("authorization", "Bearer canary\n")])
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize(
    "metadata",
    [
        None,
        (),
        [("a", "")],
        [("a", " x ~")],
        [("0_-.z", "x")],
        [("a-bin", b"\xff\x00")],
        [("a", "1"), ("a", "2")],
        [("authorization", "Bearer x")],
        [("user-agent", "mine")],
        [("grpc-trace-bin", b"x"), ("grpc-tags-bin", b"y")],
    ],
)
def test_allowed(metadata):
    check_metadata(metadata)


def test_to_headers():
    metadata = [
        ("a", "1"),
        ("user-agent", "x"),
        ("accept-encoding", "br"),
        ("accept", "x"),
        ("b-bin", b"\xff\x00"),
        ("a", "2"),
    ]
    assert to_headers(metadata) == [("a", "1"), ("b-bin", "/wA"), ("a", "2")]
    assert to_headers(None) == []
    assert to_trailers([("a", "1"), ("b-bin", b"\xff")]) == [("grpc-trailer-a", "1"), ("grpc-trailer-b-bin", "/w")]


def test_from_headers_leaves_out_what_is_not_metadata():
    headers = [
        ("Content-Type", "x"),
        ("content-length", "3"),
        ("Connection", "x"),
        ("transfer-encoding", "chunked"),
        ("grpc-status", "0"),
        ("grpc-timeout", "1S"),
        ("grpc-trailer-grpc-status", "0"),
        ("x-http-method-override", "DELETE"),
        ("set-cookie", "secret"),
        ("x bad", "1"),
        ("x-latin", "\u00e9"),
        ("x-bad-bin", "%%%"),
        ("X-Two-bin", "AQI=, Aw"),
        ("Retry-After", " 3 "),
        ("grpc-trailer-t", "1"),
        ("grpc-trailer-t-bin", "AQ"),
    ]
    initial, trailing = from_headers(headers)
    assert list(initial) == [("x-two-bin", b"\x01\x02"), ("x-two-bin", b"\x03"), ("retry-after", "3")]
    assert list(trailing) == [("t", "1"), ("t-bin", b"\x01")]


_KEYS = st.from_regex(r"x-[0-9a-z_.-]{0,8}", fullmatch=True).filter(lambda key: not key.endswith("-bin"))
_TEXT = st.from_regex(r"[!-~](?:[ -~]*[!-~])?|", fullmatch=True)
_PAIRS = st.lists(
    st.one_of(st.tuples(_KEYS, _TEXT), st.tuples(_KEYS.map(lambda key: key + "-bin"), st.binary())), max_size=5
)


@given(_PAIRS, _PAIRS)
def test_headers_and_back(initial, trailing):
    check_metadata(initial)
    headers = [*to_headers(initial), *to_trailers(trailing)]
    assert all(isinstance(value, str) and "\n" not in value for _, value in headers)
    # HTTP drops spaces around a value; the strategy has none.
    assert from_headers(headers) == (tuple(initial), tuple(trailing))
    assert all(name.startswith(TRAILER_PREFIX) for name, _ in headers[len(initial) :])
