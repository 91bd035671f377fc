"""Image.parseExpression: a function made of text, which the graph then calls by functionReference."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from eegrpc.emulator.algorithms.image_arithmetic import paired, united
from eegrpc.emulator.errors import AlgorithmError
from eegrpc.emulator.evaluation.conversion import constant_image, convert_argument, converter
from eegrpc.emulator.evaluation.image_functions import derived, rules, shared_footprint
from eegrpc.emulator.evaluation.registry import algorithm, algorithms
from eegrpc.emulator.images import bands as algebra
from eegrpc.emulator.images.image_expression import Apply, Bands, Constant, Program, parse
from eegrpc.emulator.values import BuiltFunction

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from eegrpc.emulator.context import Context
    from eegrpc.emulator.images.bands import Band
    from eegrpc.emulator.images.images import Image

# What it costs to parse a character, which may be a token, and to compare a selector with the name of a band.
_PARSED = 20
_COMPARED = 2


@algorithm(
    "Image.parseExpression(expression: String, argName: String, vars: List<String>, "
    "mapFreeVarsToDefaultImageBands: Boolean = false) -> Algorithm"
)
def parse_expression(
    context: Context, expression: str, default: str, names: list[str], free_are_bands: bool
) -> BuiltFunction:
    """Return the function that an expression on images describes; its arguments are the images."""
    context.spend(1 + len(expression), _PARSED)
    program = parse(expression, default)
    _check(program, default, names, free_are_bands=free_are_bands)
    if len(set(names)) != len(names):
        raise AlgorithmError("Parameter 'vars' has a name twice.")

    def run(context: Context, arguments: Sequence[object]) -> object:
        as_image = converter("Image")
        images = {
            name: cast("Image", convert_argument(as_image, "Image", name, context, value))
            for name, value in zip(names, arguments, strict=True)
        }
        return _result(context, program, images, default)

    return BuiltFunction(tuple(names), run)


def _check(program: Program, default: str, names: Sequence[str], *, free_are_bands: bool) -> None:
    unknown = program.variables - set(names)
    if free_are_bands and default in names:  # those that no band is selected from, as they are bands themselves
        unknown &= {step.variable for step in program.steps if isinstance(step, Bands) and step.selectors}
    if unknown:
        raise AlgorithmError(f"Unknown variable '{min(unknown)}' in the expression. Known: {', '.join(names)}.")
    for step in program.steps:
        if isinstance(step, Apply):
            _check_call(step)


def _check_call(step: Apply) -> None:
    """Check that a function is one of images to an image; which of them expressions may call is not documented."""
    name = f"Image.{step.function}"
    parameters = algorithms()[name].parameters if name in rules() else ()
    if not parameters or any(parameter.type != "Image" or parameter.optional for parameter in parameters):
        raise AlgorithmError(f"Function '{step.function}' is not known in expressions.", unsupported=True)
    if len(parameters) != step.arity:
        raise AlgorithmError(
            f"Function '{step.function}' takes {len(parameters)} argument(s), but is called with {step.arity}."
        )


def _result(context: Context, program: Program, images: Mapping[str, Image], default: str) -> Image:
    """Return the result; it is worked out once for images with the same bands that have one footprint."""
    footprint = next((image.geometry for image in images.values()), None)
    if footprint is None or any(image.geometry is not footprint for image in images.values()):
        return _run(context, program, images, default)

    def made() -> Sequence[Band] | None:
        result = _run(context, program, images, default)
        return result.bands if result.geometry is footprint else None

    images_of = (part for name, image in images.items() for part in (name, image.bands))
    bands = context.once(made, program, default, footprint.unbounded, *images_of)
    return _run(context, program, images, default) if bands is None else derived(footprint, bands)


def _run(context: Context, program: Program, images: Mapping[str, Image], default: str) -> Image:
    context.assume("expression-result")
    stack: list[Image] = []
    for step in program.steps:
        context.spend(1)
        if isinstance(step, Constant):
            stack.append(constant_image([step.value]))
        elif isinstance(step, Bands):
            stack.append(_selected(context, step, images, default))
        elif isinstance(step, Apply):
            operands = stack[-step.arity :]
            del stack[-step.arity :]
            stack.append(_applied(context, step.function, operands))
        else:
            condition, chosen, other = stack[-3:]
            del stack[-3:]
            stack.append(_chosen(context, condition, chosen, other))
    (result,) = stack
    bands = list(result.bands)
    if program.name is not None:
        if len(bands) != 1:
            raise AlgorithmError(f"Only a single band can be assigned a name, got {len(bands)}.")
        bands = algebra.rename_bands(bands, [program.name])
    return derived(result.geometry, bands)


def _selected(context: Context, step: Bands, images: Mapping[str, Image], default: str) -> Image:
    image = images.get(step.variable)
    if image is None:  # a free variable, which stands for a band
        return _selected(context, Bands(default, (step.variable,)), images, default)
    if not step.selectors:
        return image
    context.spend(len(step.selectors) * len(image.bands), _COMPARED)
    context.spend(len(step.selectors))
    return image.with_bands(algebra.select_bands(image.bands, step.selectors))


def _applied(context: Context, function: str, operands: Sequence[Image]) -> Image:
    try:
        return cast("Image", algorithms()[f"Image.{function}"].implementation(context, *operands))
    except AlgorithmError as error:
        raise AlgorithmError(
            f"'{function}' in the expression: {error.message}", unsupported=error.unsupported
        ) from error


def _chosen(context: Context, condition: Image, chosen: Image, other: Image) -> Image:
    """Return ``condition ? chosen : other``: bands pair as in arithmetic, and hold the values of both."""
    context.spend(len(chosen.bands) + len(other.bands))
    bands = paired(context, chosen, other, united)
    if len(condition.bands) not in (1, len(bands)):
        raise AlgorithmError(
            f"The condition of '?' must have one band or {len(bands)}, as the images it chooses from: "
            f"got {len(condition.bands)}."
        )
    return derived(shared_footprint(context, (chosen, other, condition)), bands)
