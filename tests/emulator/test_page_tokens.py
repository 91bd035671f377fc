"""Page tokens: sealed, bound to their computation, the same every time."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eegrpc.emulator.serving.page_tokens import PageTokenError, read_token, same_place, write_token


@given(st.integers(0, 2**48 - 1), st.binary())
def test_reading_undoes_writing(offset: int, computation: bytes) -> None:
    token = write_token(offset, computation)
    assert read_token(token, computation) == offset
    assert token == write_token(offset, computation)


@given(st.integers(0, 2**48 - 1), st.binary())
def test_other_tokens_of_one_place_differ(offset: int, computation: bytes) -> None:
    token = write_token(offset, computation)
    tokens = [token, same_place(token, computation), same_place(same_place(token, computation), computation)]
    assert len(set(tokens)) == 3
    assert {read_token(each, computation) for each in tokens} == {offset}


def test_another_token_of_the_first_page() -> None:
    assert read_token(same_place("", b"one"), b"one") == 0
    with pytest.raises(PageTokenError):
        same_place(write_token(3, b"one"), b"another")


@given(st.text())
def test_other_text_is_refused(token: str) -> None:
    with pytest.raises(PageTokenError):
        read_token(token, b"computation")


def test_a_token_of_another_computation_is_refused() -> None:
    with pytest.raises(PageTokenError):
        read_token(write_token(3, b"one"), b"another")


@pytest.mark.parametrize("position", range(27))
def test_a_changed_token_is_refused(position: int) -> None:
    token = write_token(1000, b"one")
    assert len(token) == 27
    changed = token[:position] + ("A" if token[position] != "A" else "B") + token[position + 1 :]
    if changed[:-1] != token[:-1]:  # the last character has bits that mean nothing
        with pytest.raises(PageTokenError):
            read_token(changed, b"one")
