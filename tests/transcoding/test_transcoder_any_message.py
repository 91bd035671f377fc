"""Any message survives the way from one half of the transcoder to the other."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from probe_service import Inner, Item
from transcoders import across, back, probe

_TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=6).filter(
    lambda text: "/" not in text and text not in (".", "..") and "%2f" not in text.lower()
)
_INNER = st.builds(Inner, name=_TEXT.map("items/{}".format), count=st.integers(-9, 9), tags=st.lists(_TEXT, max_size=2))
_FIELDS = {
    "name": _TEXT.map("items/{}".format),
    "inner": _INNER,
    "big": st.integers(-(2**63), 2**63 - 1),
    "blob": st.binary(max_size=4),
    "color": st.sampled_from([0, 1, -1]),
    "numbers": st.lists(st.integers(-9, 9), max_size=3),
    "opt": st.integers(-9, 9),
    "some_name": _TEXT,
}


@given(
    fields=st.fixed_dictionaries(_FIELDS),
    name=st.sampled_from(["Get", "Nested", "BodyMessage", "BodyRepeated", "BodyScalar", "Post", "Typed"]),
)
def test_tpl_07_requests_survive(fields, name):
    item = Item(**fields)
    if name == "Typed" and not item.blob:
        item.blob = b"\0"  # no template takes an empty value
    request, arrived = across(probe(name), item)
    assert arrived == item
    assert request.target.isascii()


@given(
    fields=st.fixed_dictionaries(_FIELDS),
    labels=st.dictionaries(_TEXT, _TEXT, max_size=2),
    inners=st.lists(_INNER, max_size=2),
    name=st.sampled_from(["Post", "Get"]),
)
def test_responses_survive(fields, labels, inners, name):
    item = Item(**fields, labels=labels, inners=inners)
    assert back(probe(name), item)[1] == item
    only = Item(inners=inners)
    assert back(probe("BodyMessages"), only)[1] == only
    only = Item(labels=labels)
    assert back(probe("BodyMap"), only)[1] == only
