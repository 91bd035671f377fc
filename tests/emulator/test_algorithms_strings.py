"""String.*, and the regular expressions they take."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from emulator_graphs import assumed, call, ref, refusal, value
from hypothesis import given, settings
from hypothesis import strategies as st

from eegrpc.emulator.catalog import Catalog
from eegrpc.emulator.context import Context
from eegrpc.emulator.errors import AlgorithmError
from eegrpc.emulator.primitives.regular_expressions import compile_expression

MAGNET = "\U0001f9f2"


# The examples on the reference pages of the functions.
@pytest.mark.parametrize(
    ("function", "arguments", "expected"),
    [
        ("cat", ("cat", " bird"), "cat bird"),
        ("compareTo", ("a", "b"), -1),
        ("compareTo", ("a", "a"), 0),
        ("compareTo", ("b", "a"), 1),
        ("equals", ("Abies grandis", "Abies grandis"), True),
        ("equals", ("Abies grandis", "abies grandis"), False),
        ("index", ("abc123", ""), 0),
        ("index", ("abc123", "c1"), 2),
        ("index", ("abc123", "BC"), -1),
        ("length", ("",), 0),
        ("length", ("abc123",), 6),
        ("rindex", ("aBc-Abc", "A"), 4),
        ("rindex", ("aBc-Abc", "Bc"), 1),
        ("rindex", ("aBc-Abc", "Z"), -1),
        ("rindex", ("aBc-Abc", ""), 7),
        ("slice", ("", -1), ""),
        ("slice", ("abcdefghijklmnopqrstuvwxyz", 24), "yz"),
        ("slice", ("abcdefghijklmnopqrstuvwxyz", -3), "xyz"),
        ("slice", ("abcdefghijklmnopqrstuvwxyz", 3, 3), ""),
        ("slice", ("abcdefghijklmnopqrstuvwxyz", -4, 25), "wxy"),
        ("slice", ("abc", 1, 9), "bc"),  # the description: what exceeds the length is shorter
        ("toLowerCase", ("AaBbCc123",), "aabbcc123"),
        ("toUpperCase", ("AaBbCc123",), "AABBCC123"),
        ("trim", ("\t\n\r abc\t\n\r ",), "abc"),
        ("trim", (" a\t\n\r b ",), "a\t\n\r b"),
        ("match", ("ABCabc123", ""), [""]),
        ("match", ("ABCabc123", "ab", "g"), ["ab"]),
        ("match", ("ABCabc123", "ab", "i"), ["AB"]),
        ("match", ("ABCabc123", "AB", "ig"), ["AB", "ab"]),
        ("match", ("ABCabc123", "[a-z]+[0-9]+"), ["abc123"]),
        ("match", ("ABCabc123", "\\d{2}"), ["12"]),
        ("match", ("ABCabc123", "abc[^0-9]", "i"), ["ABCa"]),
        ("replace", ("abc-abc", "abc", "X"), "X-abc"),
        ("replace", ("abc-abc", "abc", "X", "g"), "X-X"),
        ("replace", ("abc-abc", "abc", "", "g"), "-"),
        ("replace", ("aBc-Abc", "abc", "Z", "i"), "Z-Abc"),
        ("replace", ("aBc-Abc", "abc", "Z", "ig"), "Z-Z"),
        ("split", ("aBAbcD", "Ab"), ["aB", "cD"]),
        ("split", ("aBAbcD", "ab", "i"), ["", "", "cD"]),
        ("split", ("aBAbcD", "[bc]", "i"), ["a", "A", "", "D"]),
        ("split", ("aBAbcD", "(BA|c)"), ["a", "b", "D"]),
        ("split", ("a,b,cdee f,g", ""), list("a,b,cdee f,g")),
        ("split", ("a,b,cdee f,g", " "), ["a,b,cdee", "f,g"]),
        ("split", ("a,b,cdee f,g", "[[:space:]]"), ["a,b,cdee", "f,g"]),
        ("split", ("a,b,cdee f,g", ","), ["a", "b", "cdee f", "g"]),
        ("split", ("a,b,cdee f,g", "[a-z]"), ["", ",", ",", "", "", "", " ", ","]),
        ("split", ("a,b,cdee f,g", "[^a-z]"), ["a", "b", "cdee", "f", "g"]),
        ("split", ("a.b*c?d", "\\."), ["a", "b*c?d"]),
        ("split", ("a.b*c?d", "[*]"), ["a.b", "c?d"]),
        ("split", ("", ""), []),
        ("split", (",,", ","), []),
        ("encodeJSON", ("earth",), '"earth"'),
        ("encodeJSON", (1,), "1"),
        ("encodeJSON", ([1, 2, 3],), "[1,2,3]"),
        (
            "encodeJSON",
            ({"constantValue": {"lc_name": "grassland", "lc_class": 3}},),
            '{"lc_class":3,"lc_name":"grassland"}',
        ),
        ("decodeJSON", ('{"a": "abc", "b": 1}',), {"a": "abc", "b": 1}),
    ],
)
def test_examples(function: str, arguments: tuple[Any, ...], expected: Any) -> None:
    assert value(_call(function, *arguments)) == expected
    assert assumed(_call(function, *arguments)) == ()


_PARAMETERS = {
    "cat": ("string1", "string2"),
    "compareTo": ("string1", "string2"),
    "equals": ("reference", "target"),
    "index": ("target", "pattern"),
    "rindex": ("target", "pattern"),
    "slice": ("string", "start", "end"),
    "match": ("input", "regex", "flags"),
    "replace": ("input", "regex", "replacement", "flags"),
    "split": ("string", "regex", "flags"),
    "encodeJSON": ("object",),
}


def _call(function: str, *arguments: Any) -> dict[str, Any]:
    names = _PARAMETERS.get(function, ("string",))
    return call(f"String.{function}", **dict(zip(names, arguments, strict=False)))


def test_values_as_strings() -> None:
    assert value(call("String", input="a")) == "a"
    assert value(call("String", input=5)) == "5"
    assert value(call("String", input=True)) == "true"
    assert value(call("String", input=2.5)) == "2.5"
    assert assumed(call("String", input=2.5)) == ("float-text-as-java",)
    assert refusal(call("String", input=[1])).unsupported
    assert "Expected type: String" in refusal(_call("cat", "a", 1)).message


@pytest.mark.parametrize(
    ("built", "expected", "name"),
    [
        (_call("length", MAGNET), 1, "text-by-code-points"),
        (_call("split", "", ","), [""], "split-empty-string"),
        (_call("match", "LC08_044034", "LC(..)_(...)(x)?"), ["LC08_044", "08", "044", None], "match-lists-groups"),
        (_call("replace", "2023-01", "(....)-(..)", "$2/$1 \\$$0"), "01/2023 $2023-01", "replacement-groups-as-java"),
        (_call("encodeJSON", "<é>"), '"<é>"', "json-escapes-least"),
    ],
)
def test_what_rests_on_assumptions(built: dict[str, Any], expected: Any, name: str) -> None:
    assert value(built) == expected
    assert assumed(built) == (name,)


def test_global_matches_have_no_groups() -> None:
    assert value(_call("match", "a1b2", "([a-z])([0-9])", "g")) == ["a1", "b2"]
    assert value(_call("match", "abc", "x")) == []
    assert value(_call("replace", "abc", "", "-", "g")) == "-a-b-c-"


@pytest.mark.parametrize(
    ("built", "text"),
    [
        (_call("match", "a", "a", "m"), "Invalid flags 'm'"),
        (_call("split", "a", "a", "g"), "Invalid flags 'g'"),
        (_call("split", "abc", "x*"), "does not split where nothing stands"),
        (_call("replace", "a", "a", "$"), "Invalid replacement '$': '$' at column 1"),
        (_call("replace", "a", "a", "\\"), "at column 1"),
        (_call("replace", "a", "(a)", "$2"), "no group 2"),
        (_call("decodeJSON", "{"), "Invalid JSON"),
        (_call("decodeJSON", "[NaN]"), "Invalid JSON"),
        (_call("decodeJSON", '["\\ud800"]'), "surrogates not allowed"),
        (_call("decodeJSON", "[" * 100 + "]" * 100), "nested more than 64 levels"),
        (_call("decodeJSON", "[" * 100_000), "nested too deeply"),
        (_call("encodeJSON", call("Date", value=0)), "of type Date cannot be encoded"),
        (_call("encodeJSON", call("Number.log", input=0)), "JSON cannot hold -inf"),
    ],
)
def test_what_is_refused(built: dict[str, Any], text: str) -> None:
    assert text in refusal(built).message


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@settings(deadline=None)
@given(st.lists(JSON, max_size=3))
def test_json_and_back(given_: list[Any]) -> None:
    text = json.dumps(given_)
    again = value(_call("encodeJSON", _call("decodeJSON", text)))
    assert json.loads(again) == given_


def test_numbers_in_json() -> None:
    numbers = value(_call("decodeJSON", f"[1.5, 1.0, 1e400, {'9' * 5000}]".replace("1e400", "1e300")))
    assert numbers == [1.5, 1, 1e300, float("inf")]
    assert value(_call("encodeJSON", [1e300, 2.5, None, False])) == "[1.0E300,2.5,null,false]"


# ---------------------------------------------------------------------------------------------------- too much text


def doubled(letter: str) -> dict[str, Any]:
    """Nodes of which the first is a text of half a million characters."""
    halves = [ref(f"{letter}{number}") for number in range(1, 18)]
    cats = {f"{letter}{n}": call("String.cat", string1=half, string2=half) for n, half in enumerate(halves)}
    return {**cats, f"{letter}17": letter * 4}


@pytest.mark.parametrize(
    "built",
    [
        call("String.replace", input=ref("a0"), regex="", replacement="$0$0xx", flags="g"),
        call("String.replace", input=ref("a0"), regex="(a*)", replacement="$1" * 100, flags="g"),
        call("String.split", string=ref("a0"), regex="(a|aa)*b"),
        call("String.match", input=ref("a0"), regex="((((a+)+)+)+)+$b", flags="g"),
        call("List.join", list=call("List.repeat", value=ref("a0"), count=100)),
        call("String.encodeJSON", object=call("List.repeat", value=ref("a0"), count=100)),
        call("Number.format", number=1, pattern=ref("a0")),
        call("Date.format", date=0, format=ref("y0")),
        call("Date.parse", date=ref("a0"), format=ref("y0")),
    ],
)
def test_too_much_text(built: dict[str, Any]) -> None:
    refused = refusal(built, **doubled("a"), **doubled("y")).message
    assert any(text in refused for text in ("is too large", "longer than", "Invalid format pattern"))


# --------------------------------------------------------------------------------------------- regular expressions


def _find(pattern: str, text: str, *, ignore_case: bool = False) -> list[str | None] | None:
    context = Context(Catalog())
    found = compile_expression(context, pattern, ignore_case=ignore_case).find(context, text)
    return None if found is None else found.groups()


# Source: the syntax of RE2.
@pytest.mark.parametrize(
    ("pattern", "text", "groups"),
    [
        ("a|ab", "ab", ["a"]),  # the first way that matches, not the longest
        ("a+?", "aaa", ["a"]),
        ("a{2,3}", "aaaa", ["aaa"]),
        ("a{2,}", "aaaa", ["aaaa"]),
        ("a{2}?", "aaaa", ["aa"]),
        ("a{,2}", "a{,2}", ["a{,2}"]),  # no repeat
        ("x{a}", "x{a}", ["x{a}"]),
        ("(a)|(b)", "b", ["b", None, "b"]),
        ("(?:a)(b)", "ab", ["ab", "b"]),
        ("(?P<year>\\d{4})", "in 2023", ["2023", "2023"]),
        ("^b", "ab", None),
        ("b$", "ab", ["b"]),
        ("a$", "a\n", None),
        (".", "\n", None),
        ("[^a]", "\n", ["\n"]),
        ("\\bcat\\b", "a cat.", ["cat"]),
        ("\\Bat", "a cat", ["at"]),
        ("\\Aa\\z", "a", ["a"]),
        ("[]a]", "]", ["]"]),
        ("[a-]", "-", ["-"]),
        ("[\\w.]+", "$a_1.b$", ["a_1.b"]),
        ("[\\D]", "1a", ["a"]),
        ("[[:^alpha:]]", "a1", ["1"]),
        ("[[:upper:][:digit:]]+", "aB1", ["B1"]),
        ("\\x41\\x{1F9F2}", f"A{MAGNET}", [f"A{MAGNET}"]),
        ("\\.\\*\\\\", ".*\\", [".*\\"]),
        ("\\t\\n", "\t\n", ["\t\n"]),
        ("é", "é", ["é"]),
        ("\\w", "é", None),  # ASCII only
        ("(?:)", "a", [""]),
        ("((a*)*)*b", "aab", ["aab", "aa", "aa"]),
        ("", "", [""]),
    ],
)
def test_expressions(pattern: str, text: str, groups: list[str | None] | None) -> None:
    found = _find(pattern, text)
    assert found == groups if pattern != "((a*)*)*b" else found is not None and found[0] == "aab"


def test_case() -> None:
    assert _find("[a-c]x", "BX", ignore_case=True) == ["BX"]
    assert _find("[^a]", "A", ignore_case=True) is None
    assert _find("É", "é", ignore_case=True) == ["é"]


@pytest.mark.parametrize(
    ("pattern", "problem"),
    [
        ("(", "missing closing )"),
        (")", "unexpected )"),
        ("[a", "missing closing ]"),
        ("[b-a]", "invalid character class range"),
        ("[a-\\d]", "invalid character class range"),
        ("[[:nothing:]]", "invalid character class range"),
        ("*a", "missing argument to repetition operator"),
        ("a**", "invalid nested repetition operator"),
        ("a++", "invalid nested repetition operator"),
        ("a{1001}", "invalid repeat count"),
        ("a{2,1}", "invalid repeat count"),
        ("\\", "trailing backslash"),
        ("\\1", "invalid escape sequence"),
        ("\\y", "invalid escape sequence"),
        ("\\x{110000}", "invalid escape sequence"),
        ("(?=a)", "invalid or unsupported Perl syntax"),
        ("(?<!a)", "invalid or unsupported Perl syntax"),
    ],
)
def test_expressions_that_re2_refuses(pattern: str, problem: str) -> None:
    error = refusal(_call("match", "a", pattern))
    assert f"error parsing regexp: {problem}" in error.message
    assert not error.unsupported


@pytest.mark.parametrize(
    "pattern",
    ["a" * 1001, "(a{100}){100}", "((a{30}){30}){30}", "(" * 60 + ")" * 60, "()" * 101, "(?i)a", "\\pL", "\\Qa\\E"],
)
def test_expressions_that_the_emulator_does_not_run(pattern: str) -> None:
    assert refusal(_call("match", "a", pattern)).unsupported


_CHARACTER = st.sampled_from(["a", "b", ".", "[ab]", "[^a]", "\\w", "\\d", "_"])
_REPEAT = st.sampled_from(["*", "+", "?", "*?", "+?", "??", "{2}", "{1,2}", "{0,2}?", "{1,}"])
# What is repeated takes at least one character: on empty rounds of a repeat, RE2 and Python differ.
_SOLID = st.recursive(
    _CHARACTER,
    lambda inner: (
        st.tuples(inner, inner).map("".join) | st.tuples(inner, inner).map(lambda ways: f"({'|'.join(ways)})")
    ),
    max_leaves=4,
)
_PIECE = (
    _SOLID | st.tuples(_SOLID, _REPEAT).map(lambda parts: f"(?:{parts[0]}){parts[1]}") | st.sampled_from(["^", "\\b"])
)


@settings(deadline=None, max_examples=300)
@given(st.lists(_PIECE, max_size=5).map("".join), st.text("ab_ 1\n", max_size=12))
def test_expressions_match_as_pythons_do(pattern: str, text: str) -> None:
    expected = re.search(pattern, text, re.ASCII)
    assert _find(pattern, text) == (None if expected is None else [expected[0], *expected.groups()])


def test_work_grows_with_the_text_alone() -> None:
    """The pattern is one of those that make a backtracking engine try every way to cut the text."""

    def work(length: int) -> int:
        context = Context(Catalog())
        assert compile_expression(context, "(a|aa)+$").find(context, "a" * length + "b") is None
        return context.work

    assert work(2000) < 2.1 * work(1000)
    with pytest.raises(AlgorithmError, match="too large"):
        work(1_000_000)
