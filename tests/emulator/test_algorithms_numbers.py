"""Number.*: arithmetic, bits, casts, and numbers from and to text."""

from __future__ import annotations

import contextlib
import itertools
import math
from decimal import ROUND_HALF_UP, Decimal, localcontext
from typing import Any

import pytest
from emulator_graphs import assumed, call, refusal, value
from hypothesis import given, settings
from hypothesis import strategies as st

from eegrpc.emulator.algorithms.numbers import parse
from eegrpc.emulator.catalog import Catalog
from eegrpc.emulator.context import Context
from eegrpc.emulator.errors import AlgorithmError
from eegrpc.emulator.primitives import number_functions
from eegrpc.emulator.primitives.number_format import format_number
from eegrpc.emulator.primitives.number_functions import computed
from eegrpc.emulator.primitives.special_functions import erf_inverse, erfc_inverse
from eegrpc.emulator.primitives.text import float_text

INF = math.inf
NAN = math.nan

# From the descriptions and the examples on the reference pages of the functions, unless said otherwise.
BINARY: list[tuple[str, float, float, float]] = [
    ("add", 1, 2.5, 3.5),
    ("add", True, True, 2),
    ("subtract", 1, 2, -1),
    ("multiply", 3, 4, 12),
    ("multiply", 1e308, 10, INF),
    ("multiply", 2**53, 2**53, float(2**106)),
    ("divide", 7, 2, 3.5),
    ("divide", 7, 0, 0),
    ("divide", -10.2, 5, -2.04),
    ("min", 1, 2, 1),
    ("max", 1, 2, 2),
    ("eq", 1, 1, 1),
    ("eq", 1.001, 1, 0),
    ("neq", 1, 1, 0),
    ("lt", 1, 2, 1),
    ("lte", 2, 2, 1),
    ("gt", 1, 2, 0),
    ("gte", 2, 2, 1),
    ("and", 2, 0, 0),
    ("or", 0, 3, 1),
    ("mod", 12, 5, 2),
    ("mod", 1, -2, 1),
    ("mod", 5.5, 2, 1.5),
    ("mod", -12, 5, -2),
    ("mod", -4, 2, 0),
    ("pow", 5, 2, 25),
    ("pow", -5, 2, 25),
    ("pow", 5, -2, 0.04),
    ("pow", 0, -1, INF),
    ("pow", 10, 10**9, INF),
    ("pow", -10, 309, -INF),
    ("pow", -8, 0.5, NAN),
    ("pow", 2, 62, 2.0**62),
    ("atan2", -1, 0, math.pi),  # x before y
    ("atan2", 0, 1, math.pi / 2),
    ("atan2", 0, -1, -math.pi / 2),
    ("atan2", 0, 0, 0.0),
    ("hypot", -3, 4, 5.0),
    ("first", 1, 2, 1),
    ("firstNonZero", 0, 5, 5),
    ("first_nonzero", 5, 0, 5),
    ("bitwiseAnd", 25, 21, 17),
    ("bitwise_or", 25, 21, 29),
    ("bitwiseXor", 25, 21, 12),
    ("bitwiseAnd", 25.0, 21, 17),
    ("leftShift", 20, 2, 80),
    ("rightShift", 20, 2, 5),
    ("right_shift", -1, 3, -1),  # the sign stays
]


@pytest.mark.parametrize(("name", "left", "right", "expected"), BINARY)
def test_two_numbers(name: str, left: float, right: float, expected: float) -> None:
    result = value(call(f"Number.{name}", left=left, right=right))
    assert result == pytest.approx(expected, rel=2e-15, nan_ok=True)
    assert type(result) is type(expected)


UNARY: list[tuple[str, float, float]] = [
    ("abs", -1, 1),
    ("abs", 2.3, 2.3),
    ("not", 0, 1),
    ("not", 5, 0),
    ("signum", -5, -1),
    ("signum", 0, 0),
    ("signum", 0.1, 1),
    ("ceil", 2.1, 3),
    ("ceil", -2.9, -2),
    ("floor", 2.9, 2),
    ("floor", -2.1, -3),
    ("floor", 1e300, 1e300),
    ("round", 10.4, 10),
    ("round", 10.5, 11),
    ("round", 0.49999999999999994, 0),  # the nearest, though one half more rounds to 1
    ("round", -10.6, -11),
    ("sqrt", 100, 10.0),
    ("sqrt", -1, NAN),
    ("cbrt", 27, 3.0),
    ("cbrt", -27, -3.0),
    ("exp", 2, 7.38905609893065),
    ("exp", 1000, INF),
    ("log", math.e, 1.0),
    ("log", 0, -INF),
    ("log", -1, NAN),
    ("log10", 100, 2.0),
    ("sin", 0, 0.0),
    ("cos", 0, 1.0),
    ("tan", 0, 0.0),
    ("asin", -1, -math.pi / 2),
    ("acos", -1, math.pi),
    ("acos", 2, NAN),
    ("atan", 1, math.pi / 4),
    ("sinh", -1000, -INF),
    ("cosh", 1000, INF),
    ("tanh", 1000, 1.0),
    ("erf", 0.001, 0.0011283787909692363),
    ("erfc", -10, 2.0),
    ("gamma", 0.5, math.sqrt(math.pi)),
    ("gamma", 200, INF),
    ("gamma", -0.5, NAN),
    ("erfInv", -1, -INF),
    ("erfInv", 0, 0.0),
    ("erfInv", 2, NAN),
    ("erfcInv", 0, INF),
    ("erfcInv", 1, 0.0),
    ("digamma", -1, -INF),
    ("digamma", 1, -0.5772156649015329),
    ("trigamma", -100, INF),
    ("trigamma", 1, math.pi**2 / 6),
    ("bitCount", 0xFFFF, 16),
    ("bitCount", -1, 64),
    ("bitCount", -2, 63),
    ("bitwiseNot", 25, -26),
    ("bitwise_not", -1, 0),
    ("float", 0.1, 0.10000000149011612),  # what 32 bits hold
    ("toFloat", 1e39, INF),
    ("double", 100, 100.0),
    ("toDouble", 0.1, 0.1),
]


@pytest.mark.parametrize(("name", "given_", "expected"), UNARY)
def test_one_number(name: str, given_: float, expected: float) -> None:
    result = value(call(f"Number.{name}", input=given_))
    assert result == pytest.approx(expected, rel=2e-15, nan_ok=True)
    assert type(result) is type(expected)


@pytest.mark.parametrize(
    ("name", "given_", "shown"),
    [
        # The examples show nine places.
        ("erfInv", -0.001, -0.000886227),
        ("erfcInv", 0.001, 2.326753765),
        ("digamma", -1.5, 0.703156637),
        ("digamma", 0.5, -1.963510028),
        ("digamma", 100, 4.600161852),
        ("digamma", 1e13, 29.933606208),
        ("trigamma", 0.001, 1000001.642533195),
        ("trigamma", 0.5, 4.934802200),
        ("trigamma", 100, 0.010050166),
        ("trigamma", 200, 0.005012520),
    ],
)
def test_special_functions(name: str, given_: float, shown: float) -> None:
    assert value(call(f"Number.{name}", input=given_)) == pytest.approx(shown, rel=1e-15, abs=6e-9)


@settings(deadline=None)
@given(st.floats(-3, 3), st.floats(0, 20))
def test_inverses_of_the_error_function(number: float, positive: float) -> None:
    assert erf_inverse(math.erf(number)) == pytest.approx(number, rel=1e-9, abs=1e-12)
    assert erfc_inverse(math.erfc(positive)) == pytest.approx(positive, rel=1e-9, abs=1e-12)


@pytest.mark.parametrize(
    ("names", "least", "most"),
    [
        (("byte", "uint8", "toByte", "toUint8"), 0, 255),
        (("int8", "toInt8"), -128, 127),
        (("short", "int16", "toShort", "toInt16"), -32768, 32767),
        (("uint16", "toUint16"), 0, 65535),
        (("uint32", "toUint32"), 0, 4294967295),
        (("int", "int32", "toInt", "toInt32"), -2147483648, 2147483647),
        (("long", "int64", "toLong", "toInt64"), -(2**63), 2**63 - 1),
    ],
)
def test_casts_clamp(names: tuple[str, ...], least: int, most: int) -> None:
    for name in names:
        assert value(call(f"Number.{name}", input=100)) == 100
        for number, expected in ((1e300, most), (-1e300, least), (1.7, 2), (0.5, 1)):
            result = value(call(f"Number.{name}", input=number))
            assert (result, type(result)) == (expected, int)


def test_what_rests_on_assumptions() -> None:
    assert assumed(call("Number.toInt", input=1.7)) == ("casts-round",)
    assert assumed(call("Number.toInt", input=300.0)) == ()
    assert assumed(call("Number.round", input=-0.5)) == ("round-half-up",)
    assert assumed(call("Number.mod", left=1, right=0)) == ("mod-by-zero-is-zero",)
    assert assumed(call("Number.leftShift", left=3, right=63)) == ("shifts-drop-bits",)
    assert value(call("Number.leftShift", left=3, right=63)) == -(2**63)
    assert value(call("Number.round", input=-0.5)) == 0


def test_what_is_refused() -> None:
    assert "Expected type: Number. Actual type: String" in refusal(call("Number.abs", input="3")).message
    assert "does not take 1.5 for bits" in refusal(call("Number.bitwiseAnd", left=1.5, right=1)).message
    assert refusal(call("Number.leftShift", left=1, right=1e9)).unsupported


def test_casts_of_what_is_no_number() -> None:
    infinite, nan = call("Number.exp", input=1000), call("Number.sqrt", input=-1)
    assert value(call("Number.toInt8", input=infinite)) == 127
    assert value(call("Number.toInt64", input=call("Number.log", input=0))) == -(2**63)
    assert value(call("Number.toInt8", input=nan)) == 0


EXTREMES = (INF, -INF, NAN, 0, -0.0, 3, -1, 2**63 - 1, -(2**63), 1e308, 5e-324)


def check_answer(compute: Any, *numbers: float) -> None:
    """A function answers with a number, or refuses; nothing else may happen."""
    with contextlib.suppress(AlgorithmError):
        assert isinstance(computed(lambda: compute(Context(Catalog()), *numbers)), (int, float))


@pytest.mark.parametrize("name", sorted(number_functions.UNARY))
def test_one_number_of_any_size(name: str) -> None:
    for number in EXTREMES:
        check_answer(number_functions.UNARY[name], number)


@pytest.mark.parametrize("name", sorted(number_functions.BINARY))
def test_two_numbers_of_any_size(name: str) -> None:
    for left, right in itertools.product(EXTREMES, EXTREMES):
        check_answer(number_functions.BINARY[name], left, right)


def test_ranges() -> None:
    assert [value(call("Number.clamp", number=number, min=0, max=255)) for number in (100, 259, -259)] == [100, 255, 0]
    assert value(call("Number.unitScale", number=-10, min=0, max=100)) == -0.1
    assert value(call("Number.unitScale", number=7, min=3, max=3)) == 0


@pytest.mark.parametrize(
    ("text", "radix", "expected"),
    [
        ("10", 10, 10),
        ("0001", 10, 1),
        ("3E8", 16, 1000),
        ("-zz", 36, -1295),
        ("+7", 10, 7),
        ("1.5", 10, 1.5),
        (" 2.5e3 ", 10, 2500.0),
        ("3E8", 10, 3e8),
        ("-Infinity", 10, -INF),
        ("9" * 30, 10, float("9" * 30)),
        ("9" * 1000, 10, INF),
    ],
)
def test_parse(text: str, radix: int, expected: float) -> None:
    result = value(call("Number.parse", input=text, radix=radix))
    assert (result, type(result)) == (expected, type(expected))


@pytest.mark.parametrize(
    ("text", "radix"),
    [("", 10), ("x", 10), ("1_000", 10), ("0x10", 16), ("12", 2), ("1.5", 16), ("1", 37), ("-+1", 10), ("\u0661", 10)],
)
def test_parse_refuses(text: str, radix: int) -> None:
    assert "radix" in refusal(call("Number.parse", input=text, radix=radix)).message


# ----------------------------------------------------------------------------------------------------------- format


@pytest.mark.parametrize(
    ("number", "pattern", "expected"),
    [
        # The examples of Number.format.
        (1, "%03d", "001"),
        (1.23476, "%.1f", "1.2"),
        (1.23476, "%.3f", "1.235"),
        (123476, "%.3e", "1.235e+05"),
        (123476, "%.2f", "123476.00"),
        # Its description.
        (3.14159, "%.2f", "3.14"),
        (42, "%05d", "00042"),
        # java.util.Formatter: flags.
        (5, "%+d", "+5"),
        (5, "% d", " 5"),
        (-5, "%(d", "(5)"),
        (5, "%+05d", "+0005"),
        (1234567, "%,d", "1,234,567"),
        (-1234567.891, "%,.2f", "-1,234,567.89"),
        (5, "<%4d>", "<   5>"),
        (5, "<%-4d>", "<5   >"),
        (255, "%x", "ff"),
        (255, "%#X", "0XFF"),
        (8, "%o", "10"),
        (255, "%06x", "0000ff"),
        (1, "%#.0f", "1."),
        (-1.5, "%08.2f", "-0001.50"),
        # Rounding is half up, on the shortest digits.
        (0.125, "%.2f", "0.13"),
        (1.005, "%.2f", "1.01"),
        (0.5, "%.0f", "1"),
        (0.04, "%.1f", "0.0"),
        (9.996, "%.2e", "1.00e+01"),
        (1e21, "%.0f", "1" + "0" * 21),
        # %g keeps its zeros, and goes over to exponents by the rounded number.
        (0, "%g", "0.00000"),
        (0.0001, "%g", "0.000100000"),
        (0.00001, "%g", "1.00000e-05"),
        (999999.5, "%g", "1.00000e+06"),
        (123456.7, "%G", "123457"),
        # %s is Double.toString for floats.
        (2, "%s", "2"),
        (2.5, "%s", "2.5"),
        (1234567.5, "%s", "1234567.5"),
        (123.456, "%.3s", "123"),
        (7, "day %d of the week", "day 7 of the week"),
        (INF, "%05.1f", "Infinity"),
    ],
)
def test_format(number: float, pattern: str, expected: str) -> None:
    parsed = call("Number.multiply", left=1e308, right=10) if number == INF else number
    assert value(call("Number.format", number=parsed, pattern=pattern)) == expected


WRONG = "d % %% %q %i %S %.2d %-d %0d %-05d %++d %#d %,x %+x %+s %05s %,e %#g %1$d %tY %l %.f"  # one a word


@pytest.mark.parametrize("pattern", ["", "%d %d", "%+ d", "%05 +d", *WRONG.split()])
def test_format_refuses_what_java_refuses(pattern: str) -> None:
    assert refusal(call("Number.format", number=5, pattern=pattern)).message.startswith(
        f"Number.format: Invalid format pattern '{pattern}'"
    )


@pytest.mark.parametrize("pattern", ["%a", "%100000d", "%.99999999999999999999f", "%" + "9" * 5000 + "d"])
def test_formats_that_the_emulator_has_not(pattern: str) -> None:
    assert refusal(call("Number.format", number=5, pattern=pattern)).unsupported


def test_format_of_floats_as_integers() -> None:
    half = call("Number.divide", left=8, right=2)
    assert value(call("Number.format", number=half, pattern="%d")) == "4"
    assert assumed(call("Number.format", number=half, pattern="%d")) == ("whole-floats-as-integers",)
    assert assumed(call("Number.format", number=half)) == ("float-text-as-java",)
    assert refusal(call("Number.format", number=2.5, pattern="%d")).unsupported
    assert refusal(call("Number.format", number=-1, pattern="%x")).unsupported


FLOATS = st.floats(allow_nan=False, allow_infinity=False)


@settings(deadline=None)
@given(FLOATS, st.integers(0, 20))
def test_fixed_places_round_the_shortest_digits(number: float, places: int) -> None:
    shown = format_number(Context(Catalog()), number, f"%.{places}f")
    with localcontext() as surroundings:
        surroundings.prec = 400
        expected = Decimal(repr(number)).quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)
    assert shown == f"{expected:f}"


@settings(deadline=None)
@given(FLOATS)
def test_text_of_floats_is_read_back(number: float) -> None:
    text = float_text(number)
    assert float(text) == number
    assert parse(Context(Catalog()), text, 10) == number
    assert float(format_number(Context(Catalog()), number, "%.17e")) == number


@settings(deadline=None)
@given(st.integers(-(2**63), 2**63 - 1), st.integers(2, 36))
def test_whole_numbers_are_read_in_any_radix(number: int, radix: int) -> None:
    digits: list[str] = []
    rest = abs(number)
    while rest or not digits:
        rest, digit = divmod(rest, radix)
        digits.append("0123456789abcdefghijklmnopqrstuvwxyz"[digit])
    result: Any = parse(Context(Catalog()), ("-" if number < 0 else "") + "".join(reversed(digits)), radix)
    assert result == number
    assert type(result) is int
