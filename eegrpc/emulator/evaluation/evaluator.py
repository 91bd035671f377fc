"""Evaluation of expression graphs on a catalog. No network, no protocol: an Expression in, values out."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, TypeVar, overload

from eegrpc.emulator.errors import AlgorithmError, EvaluationError
from eegrpc.emulator.evaluation.graph import compile_expression
from eegrpc.emulator.evaluation.machine import Machine
from eegrpc.emulator.evaluation.registry import algorithms
from eegrpc.emulator.evaluation.stubs import with_stubs
from eegrpc.emulator.images.images import Image
from eegrpc.emulator.properties import check_properties, describe_type
from eegrpc.emulator.values import Collection, LazyCollection

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from eegrpc.emulator.catalog import AnyCatalog
    from eegrpc.emulator.context import Context
    from eegrpc.emulator.evaluation.stubs import Stub
    from eegrpc.v1alpha import EarthEngineAsset, Expression

__all__ = ["EvaluationError", "ImageResult", "evaluate", "evaluate_images", "evaluate_to", "supported_functions"]

# What it costs to check a value in a property and to put it into a message.
_RETURNED = 8

T = TypeVar("T")

_NO_STUBS: Mapping[str, Stub] = MappingProxyType({})


class ImageResult(Sequence["EarthEngineAsset"]):
    """The images that an expression gives, as messages that are built when asked for.

    Messages of untouched assets are the catalog's own, so they must not be changed.

    Attributes:
        assumptions: Names of the choices of ours on which the answer rests; docs/emulator.md explains them.
        is_stubbed: Whether it rests on the answer of a stub, too, which may be another one the next time.

    """

    def __init__(self, images: Sequence[Image], assumptions: tuple[str, ...], *, is_stubbed: bool = False) -> None:
        self._images = images
        self.assumptions = assumptions
        self.is_stubbed = is_stubbed

    @property
    def images(self) -> Sequence[EarthEngineAsset]:
        """The images, as a lazy sequence: this object."""
        return self

    def __len__(self) -> int:
        return len(self._images)

    @overload
    def __getitem__(self, key: int) -> EarthEngineAsset: ...
    @overload
    def __getitem__(self, key: slice) -> list[EarthEngineAsset]: ...
    def __getitem__(self, key: int | slice) -> EarthEngineAsset | list[EarthEngineAsset]:
        if isinstance(key, slice):
            return [image.to_message() for image in self._images[key]]
        return self._images[key].to_message()


def evaluate_to(
    finish: Callable[[Context, object], T],
    expression: Expression,
    catalog: AnyCatalog,
    stubs: Mapping[str, Stub] = _NO_STUBS,
) -> tuple[T, tuple[str, ...]]:
    """Evaluate an expression of any type, and make an answer of its value, on one account of work.

    Args:
        finish: Makes the answer; what it raises as AlgorithmError is the expression's failure.
        expression: The graph.
        catalog: Where assets come from.
        stubs: What functions that need pixels answer, by name.

    Returns:
        The answer, and the names of the choices of ours on which it rests.

    Raises:
        EvaluationError: The expression is not valid, fails, is not supported, or gives what has no such answer.

    """
    value, context = _run(expression, catalog, stubs)
    try:
        return finish(context, value), context.assumptions
    except AlgorithmError as error:
        here = (f"values.{expression.result}",)
        raise EvaluationError(error.message, segments=here, unsupported=error.unsupported) from error


def supported_functions() -> list[str]:
    """Signatures of all functions that the emulator evaluates, in alphabetical order of their names."""
    return [declared.signature for _, declared in sorted(algorithms().items())]


def evaluate(expression: Expression, catalog: AnyCatalog, stubs: Mapping[str, Stub] = _NO_STUBS) -> object:
    """Evaluate an expression of any type.

    Args:
        expression: The graph.
        catalog: Where assets come from.
        stubs: What functions answer, by name, in place of the emulator (:mod:`eegrpc.emulator.evaluation.stubs`).

    Returns:
        The value: None, bool, int, float, str, list, dict, or one of :mod:`eegrpc.emulator.values` and its kind.

    Raises:
        EvaluationError: The expression is not valid, fails, or is not supported.

    """
    return _run(expression, catalog, stubs)[0]


def evaluate_images(expression: Expression, catalog: AnyCatalog, stubs: Mapping[str, Stub] = _NO_STUBS) -> ImageResult:
    """Evaluate an expression that gives an image collection.

    Everything is computed here; what the result builds later cannot fail.

    Args:
        expression: The graph.
        catalog: Where images come from.
        stubs: What functions answer, by name, in place of the emulator (:mod:`eegrpc.emulator.evaluation.stubs`).

    Returns:
        The images.

    Raises:
        EvaluationError: The expression is not valid, fails, is not supported, or gives something else.

    """
    value, context = _run(expression, catalog, stubs)
    here = (f"values.{expression.result}",)
    if not isinstance(value, Collection):
        raise EvaluationError(
            f"The expression must evaluate to an ImageCollection, but it gives: {describe_type(value)}.", segments=here
        )
    if isinstance(value, LazyCollection):
        try:
            return ImageResult(value.result(), context.assumptions, is_stubbed=context.is_stubbed)
        except AlgorithmError as error:
            raise EvaluationError(error.message, segments=here, unsupported=error.unsupported) from error
    images: list[Image] = []
    checked: set[int] = set()  # many images share the changes of one
    for position, element in enumerate(value):
        if not isinstance(element, Image):
            raise EvaluationError(
                f"The expression must evaluate to an ImageCollection, but element {position} is: "
                f"{describe_type(element)}.",
                segments=here,
            )
        if element.changes and id(element) not in checked:
            checked.add(id(element))
            _check_returnable(element, context, here)
        images.append(element)
    return ImageResult(images, context.assumptions, is_stubbed=context.is_stubbed)


def _check_returnable(image: Image, context: Context, here: tuple[str, ...]) -> None:
    """Check that an image can be returned, and count what its message will take."""
    try:
        for value in image.changes.values():
            if isinstance(value, (list, dict)):
                context.spend(context.once(partial(_size, value), "size", value), _RETURNED)
        check_properties(image.changes)
        image.check_fields()
    except AlgorithmError as error:
        raise EvaluationError(f"Image '{image.index}': {error.message}", segments=here) from error
    if image.record is None or "system:index" in image.changes:
        context.assume("system-index-in-properties")
    if "system:id" in image.changes:
        context.assume("system-id-replaced")


def _size(value: object) -> int:
    """Return how many values are in a list or dictionary."""
    count, left = 0, [value]
    while left:
        item = left.pop()
        count += 1
        if isinstance(item, list):
            left += item
        elif isinstance(item, dict):
            left += item.values()
    return count


def _run(expression: Expression, catalog: AnyCatalog, stubs: Mapping[str, Stub]) -> tuple[object, Context]:
    here = (f"values.{expression.result}",)
    machine = Machine(catalog)
    try:
        root = compile_expression(expression, with_stubs(algorithms(), stubs), machine.spend)
        try:
            return machine.force(root, machine.root), machine
        except EvaluationError as error:
            raise error.inside(here) from error
    except RecursionError as error:
        # Values of great depth (a list in a list in a list ...) are compared and copied by Python's own recursion.
        raise EvaluationError("The expression is nested too deeply to be evaluated.", segments=here) from error
