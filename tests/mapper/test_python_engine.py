"""What only the Python engine has: the guard of json.loads on versions of Python that let it overflow the stack."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eegrpc.mapper._json_text import _nests_deeper

TRICKY = st.text(alphabet='[]{}"\\a', max_size=8)
VALUES = st.recursive(
    TRICKY | st.integers() | st.none(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TRICKY, inner, max_size=3),
    max_leaves=30,
)


def depth(value: object) -> int:
    if isinstance(value, dict):
        return 1 + max(map(depth, value.values()), default=0)
    return 1 + max(map(depth, value), default=0) if isinstance(value, list) else 0


@given(VALUES)
def test_no_document_is_taken_for_a_deeper_one(value: object) -> None:
    text = json.dumps(value).encode()
    assert not _nests_deeper(text, depth(value))
    for end in range(0, len(text), 7):
        assert not _nests_deeper(text[:end], depth(value))


@given(VALUES, st.sampled_from([("[", "]"), ('{"a":', "}"), ('["[", ', "]"), ('{"\\\\":"}","b":', "}")]))
def test_what_nests_deeper_is_found(value: object, around: tuple[str, str]) -> None:
    before, after = around
    text = json.dumps(value)
    for times in (1100, 5000):
        assert _nests_deeper((before * times + text + after * times).encode(), 1000)
        assert _nests_deeper((before * times + text).encode(), 1000)
    assert not _nests_deeper((before * 900 + text + after * 900).encode(), 1000)


@pytest.mark.parametrize("text", [b"[" * 10**6, b'{"a":' * 10**6, b"[]" * 10**5 + b"[" * 10**5, b'["\\""' * 10**5])
def test_bombs_are_found_unless_they_are_broken_before(text: bytes) -> None:
    assert _nests_deeper(text, 1000)
    assert not _nests_deeper(b"]" + text, 1000)
