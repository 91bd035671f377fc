"""Image.parseExpression: the language, and what a call of the function it gives has for bands."""

from __future__ import annotations

import sys
from typing import Any

import pytest
from emulator_graphs import (
    L8,
    MODIS,
    apply,
    call,
    evaluate_images,
    function,
    graph,
    image,
    only,
    refusal,
    sample,
    value,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from eegrpc.emulator.algorithms.image_expressions import parse_expression
from eegrpc.emulator.errors import AlgorithmError
from eegrpc.emulator.images.image_expression import Apply, Bands, Choose, Constant, parse
from eegrpc.v1alpha import PixelDataType

_IMAGE = image("2023_01_01", MODIS)
_DEFAULT = "DEFAULT_EXPRESSION_IMAGE"


def _parsed(text: str, *names: str, free: bool | None = None) -> dict[str, Any]:
    return call(
        "Image.parseExpression",
        expression=text,
        argName=_DEFAULT,
        vars=[_DEFAULT, *names],
        mapFreeVarsToDefaultImageBands=free,
    )


def _expression(text: str, *, free: bool | None = None, **images: Any) -> tuple[Any, dict[str, Any]]:
    """The call, as the official client writes it: of a function that stands elsewhere in the graph."""
    return apply("parsed", **{_DEFAULT: _IMAGE}, **images), {"parsed": _parsed(text, *images, free=free)}


def _bands(text: str, *, free: bool | None = None, **images: Any) -> list[tuple[Any, ...]]:
    built, elsewhere = _expression(text, free=free, **images)
    return [
        (
            band.id,
            PixelDataType.Precision.Name(band.data_type.precision),
            *((band.data_type.range.min, band.data_type.range.max) if band.data_type.HasField("range") else ()),
        )
        for band in only(built, **elsewhere).bands
    ]


def _refused(text: str, **images: Any) -> str:
    built, elsewhere = _expression(text, **images)
    return refusal(built, **elsewhere).message


# ---------------------------------------------------------------------------------------------------------- language


def _shown(text: str) -> str:
    """The program in prefix notation, so that it shows what binds to what."""
    stack: list[str] = []
    for step in parse(text, "b").steps:
        if isinstance(step, Constant):
            stack.append(str(step.value))
        elif isinstance(step, Bands):
            stack.append(step.variable + "".join(f".{each}" for each in step.selectors))
        else:
            count = 3 if isinstance(step, Choose) else step.arity
            operands = [stack.pop() for _ in range(count)][::-1]
            stack.append(f"{'?' if isinstance(step, Choose) else step.function}({' '.join(operands)})")
    (shown,) = stack
    return shown


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a", "a"),
        ("  a\n", "a"),
        ("1", "1"),
        ("1.0", "1.0"),
        (".5e-1", "0.05"),
        ("a + b * c", "add(a multiply(b c))"),
        ("(a + b) * c", "multiply(add(a b) c)"),
        ("a - b - c", "subtract(subtract(a b) c)"),
        ("a / b % c", "mod(divide(a b) c)"),
        ("a ** b ** c", "pow(a pow(b c))"),
        ("-a ** 2", "multiply(pow(a 2) -1)"),
        ("-2", "-2"),
        ("a - -2", "subtract(a -2)"),
        ("+a", "a"),
        ("!a && b || c", "or(and(not(a) b) c)"),
        ("a || b && c", "or(a and(b c))"),
        ("a < b == c >= d", "eq(lt(a b) gte(c d))"),
        ("a & 1 << 3", "bitwiseAnd(a leftShift(1 3))"),
        ("a | b ^ c & d", "bitwiseOr(a bitwiseXor(b bitwiseAnd(c d)))"),
        ("a + 1 > b - 1", "gt(add(a 1) subtract(b 1))"),
        ("~a >> 1", "rightShift(bitwiseNot(a) 1)"),
        ("a != b ? 1 : 2", "?(neq(a b) 1 2)"),
        ("a ? b : c ? d : e", "?(a b ?(c d e))"),
        ("(a ? b : c) ? d : e", "?(?(a b c) d e)"),
        ("max(a, min(b, 2))", "max(a min(b 2))"),
        ("sqrt(a)", "sqrt(a)"),
        # "image.band_name or image[0]", "b(0) or b('band_name')", "multiple arguments, such as b(1, 'name', 3)"
        ("image.B4", "image.B4"),
        ("image[0]", "image.0"),
        ("image['B4', 2]", "image.B4.2"),
        ("b('B4')", "b.B4"),
        ('b("B4")', "b.B4"),
        ("b(1, 'name', 3)", "b.1.name.3"),
        ("b()", "b"),
        ("image[]", "image"),
        ("b", "b"),  # not a call: a variable of that name
    ],
)
def test_what_binds_to_what(text: str, expected: str) -> None:
    assert _shown(text) == expected


def test_an_expression_can_name_its_result() -> None:
    assert parse("x = a + 1", "b").name == "x"
    assert parse("x == a", "b").name is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "column 1: expected an operand, got the end"),
        ("a +", "column 4: expected an operand, got the end"),
        ("a b", "column 3: expected an operator or the end of the expression, got 'b'"),
        ("(a", "column 3: expected ')', got the end"),
        ("a)", "column 2: expected an operator or the end of the expression, got ')'"),
        ("a ? b", "column 6: expected ':', got the end"),
        ("a = b = c", "column 7: expected an operator or the end"),
        ("1 = a", "column 3: expected an operator or the end"),
        ("image.", "column 7: expected the name of a band, got the end"),
        ("b(1.5)", "column 3: expected the name or the number of a band, got '1.5'"),
        ("b(x)", "column 3: expected the name or the number of a band, got 'x'"),
        ("b(1 2)", "column 5: expected ',', got '2'"),
        ("max(a,)", "column 7: expected an operand, got ')'"),
        ("a @ b", "column 3: '@' is unexpected."),
        ("a; b", "column 2: ';' is unexpected."),
        ("'a'", "column 1: expected an operand, got ''a''"),
        ("b('x)", "column 3: ''' is unexpected."),
        ("3a", "column 1: '3' is unexpected."),
        ("ä", "column 1: 'ä' is unexpected."),
    ],
)
def test_what_is_no_expression(text: str, message: str) -> None:
    with pytest.raises(AlgorithmError) as caught:
        parse(text, "b")
    assert caught.value.message.startswith(f"Unable to parse the expression: {message}")


@pytest.mark.parametrize("nest", ["({})", "-{}", "!{}", "abs({})", "2 ** {}", "a ? a : {}", "a || ({})", "1 + ({})"])
def test_depth_has_an_end(nest: str) -> None:
    text = "a"
    for _ in range(5000):
        text = nest.format(text)
    with pytest.raises(AlgorithmError, match="nested more than"):
        parse(text, "b")


def test_the_deepest_that_is_parsed_leaves_room_on_the_stack() -> None:
    text = "a"
    for _ in range(14):
        text = f"1 || 1 && 1 | 1 ^ 1 & 1 == 1 < 1 << 1 + 1 * -({text})"
    limit = sys.getrecursionlimit()
    try:
        sys.setrecursionlimit(500)
        parse(text, "b")
    finally:
        sys.setrecursionlimit(limit)


def test_length_has_an_end() -> None:
    long = " + ".join(["a"] * 20_000)
    assert len(parse(long, "b").steps) == 39_999
    with pytest.raises(AlgorithmError, match="at most 100000"):
        parse(long + long, "b")


@settings(deadline=None)
@given(st.text("ab1.'\"()[]?:=+-*/%<>!~&|^, \n\\", max_size=40))
def test_any_text_is_parsed_or_refused(text: str) -> None:
    try:
        program = parse(text, "b")
    except AlgorithmError:
        return
    depth = 0
    for step in program.steps:
        depth += 1 - (3 if isinstance(step, Choose) else step.arity if isinstance(step, Apply) else 0)
        assert depth >= 1
    assert depth == 1


_NUMBERS = st.recursive(
    st.integers(0, 9).map(str),
    lambda inner: (
        st.tuples(inner, st.sampled_from(["+", "-", "*"]), inner).map(lambda parts: f"({' '.join(parts)})")
        | inner.map(lambda text: f"-{text}")
    ),
    max_leaves=8,
)


@settings(deadline=None)
@given(_NUMBERS)
def test_constants_come_out_as_python_computes_them(text: str) -> None:
    """The range of arithmetic on constants is their value; Python reads the same notation."""
    ((_, precision, low, high),) = _bands(text)
    assert precision == "INT"
    assert low == high == eval(text)  # digits, operators and parentheses


# -------------------------------------------------------------------------------------------------------------- bands


def test_bands_of_images() -> None:
    two = call("Image.select", input=_IMAGE, bandSelectors=["NDVI", "EVI"])
    assert [name for name, *_ in _bands("b()")][:2] == ["NDVI", "EVI"]
    assert [name for name, *_ in _bands("b(1, 'NDVI')")] == ["EVI", "NDVI"]
    assert [name for name, *_ in _bands("other.EVI", other=two)] == ["EVI"]
    assert [name for name, *_ in _bands("other * 2", other=two)] == ["NDVI", "EVI"]
    assert [name for name, *_ in _bands("b('NDVI') + n", n=3)] == ["NDVI"]  # a number stands for an image
    assert _bands("ratio = b(0) / b(1)") == [("ratio", "FLOAT")]
    assert _bands("2.5 * b(0)")[0][0] == "constant"  # named for the first of two single bands
    assert _bands("b(0) & 8") == [("NDVI", "INT", -32768, 32767)]
    assert _bands("b(0) > 0 ? b(1) : 0.5") == [("EVI", "DOUBLE", -32768, 32767)]
    assert _bands("-b(0)") == [("NDVI", "INT", -32767, 32768)]
    assert _bands("sqrt(b(0)) ** 2") == [("NDVI", "FLOAT")]


def test_the_result_is_a_new_image() -> None:
    for text in ("b()", "b(0) + 1", "1 + b(0)"):
        built, elsewhere = _expression(text)
        message = only(built, **elsewhere)
        assert (message.id, dict(message.properties)) == ("", {"system:index": "0"})
        assert message.HasField("geometry")


def test_free_variables_as_bands() -> None:
    assert [name for name, *_ in _bands("NDVI + EVI", free=True)] == ["NDVI"]
    assert _refused("NDVI + EVI").endswith("Unknown variable 'EVI' in the expression. Known: DEFAULT_EXPRESSION_IMAGE.")
    assert "Unknown variable 'x'" in refusal(_parsed("x.NDVI", free=True)).message
    assert "Unknown variable 'x'" in refusal(_parsed("x + x.NDVI", free=True)).message


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("b('x')", "Band pattern 'x' did not match any bands."),
        ("b(99)", "Band index 99 is out of range"),
        ("b(99999999999999)", "Band index 999999999 is out of range"),
        ("b(0, 1) + b(0, 1, 2)", "'add' in the expression: Images must have the same number of bands"),
        ("a = b(0, 1)", "Only a single band can be assigned a name, got 2."),
        ("b(0, 1) ? 1 : 2", "The condition of '?' must have one band or 1"),
        ("max(b(0))", "Function 'max' takes 2 argument(s), but is called with 1."),
        ("sqrt()", "Function 'sqrt' takes 1 argument(s), but is called with 0."),
        ("system(b(0))", "Function 'system' is not known in expressions."),
        ("reduceRegion(b(0))", "Function 'reduceRegion' is not known in expressions."),
    ],
)
def test_refusals(text: str, message: str) -> None:
    assert message in _refused(text)


def test_calls() -> None:
    assert "but is called with (a)" in refusal(apply("f", a=1), f=_parsed("b()")).message
    assert "Expected type: Image" in refusal(apply("f", **{_DEFAULT: [1]}), f=_parsed("b()")).message
    twice = call("Image.parseExpression", expression="1", argName="a", vars=["a", "a"])
    assert "a name twice" in refusal(twice).message
    # The function is a value like any other: Collection.map takes it.
    first = call("Collection.limit", collection=call("ImageCollection.load", id=L8), limit=2)
    mapped = call("Collection.map", collection=first, baseAlgorithm=_parsed("b(0) * 2"))
    result = evaluate_images(graph(mapped), sample())
    assert [[band.id for band in message.bands] for message in result.images] == [["SR_B1"], ["SR_B1"]]
    assert "expression-result" in result.assumptions


def test_a_function_is_parsed_once_for_all_images() -> None:
    collection = call("ImageCollection.load", id=MODIS)
    body = call("Image.rename", input=apply("parsed", **{_DEFAULT: {"argumentReference": "x"}}), names=["y"])
    mapped = call("Collection.map", collection=collection, baseAlgorithm=function("body"))
    result = evaluate_images(graph(mapped, body=body, parsed=_parsed("b('NDVI') / 10000")), sample())
    assert {message.bands[0].id for message in result.images} == {"y"}


def test_work_is_counted() -> None:
    everything = "b()" + " + b()" * 15_000  # a dozen bands each
    assert "The computation is too large" in _refused(everything)
    counted = call("List.map", list=call("List.sequence", start=1, end=3000), baseAlgorithm=function("body", "n"))
    body = apply("parsed", **{_DEFAULT: {"argumentReference": "n"}})
    assert "The computation is too large" in refusal(counted, body=body, parsed=_parsed("b()" + " + 1" * 50)).message


def test_it_says_what_it_gives() -> None:
    assert parse_expression.__doc__
    assert "Actual type: Algorithm" in refusal(call("Image.bandNames", image=_parsed("1"))).message
    assert value(call("Image.bandNames", image=apply("f", **{_DEFAULT: 1})), f=_parsed("b()")) == ["constant"]
