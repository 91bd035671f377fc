"""What an algorithm may use besides its arguments: the catalog, calls of functions, and the account of the request."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eegrpc.emulator.assumptions import ASSUMPTIONS
from eegrpc.emulator.errors import AlgorithmError
from eegrpc.emulator.images import Image

if TYPE_CHECKING:
    from collections.abc import Sequence

    from eegrpc.emulator.catalog import AssetRecord, Catalog
    from eegrpc.emulator.values import Function

# Work that one request may cause: nodes evaluated plus elements and bands made. A thousand images through a function
# of a hundred nodes is 100,000; a graph that doubles a collection thirty times over must end here, not in swap.
MAX_WORK = 10_000_000

# Text doubles as easily as collections do.
MAX_STRING_LENGTH = 1_000_000


class Context:
    """The surroundings of one request.

    Args:
        catalog: Where assets come from.

    """

    def __init__(self, catalog: Catalog) -> None:
        self.catalog = catalog
        self.work = 0
        self._assumed: dict[str, None] = {}
        self._images: dict[str, Image] = {}

    @property
    def assumptions(self) -> tuple[str, ...]:
        """Names of the choices made so far, in alphabetical order."""
        return tuple(sorted(self._assumed))

    def assume(self, choice: str) -> None:
        """Note that the answer rests on a choice of ours.

        Args:
            choice: A name in :data:`eegrpc.emulator.assumptions.ASSUMPTIONS`.

        """
        if choice not in ASSUMPTIONS:
            raise KeyError(choice)
        self._assumed[choice] = None

    def spend(self, amount: int) -> None:
        """Count work.

        Args:
            amount: How many nodes, elements or bands.

        Raises:
            AlgorithmError: The request has caused too much.

        """
        self.work += amount
        if self.work > MAX_WORK:
            raise AlgorithmError(
                f"The computation is too large: more than {MAX_WORK:,} steps. Make the request smaller."
            )

    def image(self, record: AssetRecord) -> Image:
        """Return the image of an asset: the same object each time in a request."""
        image = self._images.get(record.id)
        if image is None:
            image = self._images[record.id] = Image(record)
        return image

    def call(self, function: Function, arguments: Sequence[object]) -> object:
        """Call a function that the expression defines.

        Args:
            function: The function.
            arguments: Values for its parameters, in order.

        Returns:
            What the function returns.

        Raises:
            EvaluationError: The function's body fails.

        """
        raise NotImplementedError
