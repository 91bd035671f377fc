"""What an algorithm may use besides its arguments: the catalog, calls of functions, and the account of the request."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from eegrpc.emulator.assumptions import ASSUMPTIONS
from eegrpc.emulator.errors import AlgorithmError
from eegrpc.emulator.images import Image

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from eegrpc.emulator.catalog import AssetRecord, Catalog
    from eegrpc.emulator.values import Function

    Stub = Callable[..., object]

# Work that one request may cause, in units of about 0.1 µs: what takes a second of CPU must end here, as must a graph
# that doubles a collection thirty times over. A thousand images through a function of a hundred nodes is 4,000,000.
MAX_WORK = 6_000_000
# A large catalog may take longer: this much more for each of its images.
WORK_PER_IMAGE = 1_000

# What things cost, as measured. An element made takes some 300 bytes as well.
STEP = 40  # a node evaluated; an element, a feature or a band made or looked at
NODE = 80  # a node of the graph compiled
CONSTANT = 12  # a value within a constant
ITEM = 1  # an item of a list looked at

# More values than could be compiled are refused before anything is done with them.
MAX_VALUES = MAX_WORK // NODE

# Text doubles as easily as collections do.
MAX_STRING_LENGTH = 1_000_000


class Context:
    """The surroundings of one request.

    Args:
        catalog: Where assets come from.
        stubs: What functions that need pixels answer, by name of the function: each takes its arguments by name.

    """

    def __init__(self, catalog: Catalog, stubs: Mapping[str, Stub] = MappingProxyType({})) -> None:
        self.catalog = catalog
        self._stubs = stubs
        self.work = 0
        self._most = MAX_WORK + WORK_PER_IMAGE * len(catalog)
        self._assumed: dict[str, None] = {}
        self._images: dict[str, Image] = {}
        # What helpers want to know again in this request.
        self.memo: dict[object, tuple[object, ...]] = {}

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

    def spend(self, count: int, price: int = STEP) -> None:
        """Count work, before it is done.

        Args:
            count: How many nodes, elements, bands or items.
            price: What one of them costs.

        Raises:
            AlgorithmError: The request has caused too much.

        """
        self.work += count * price
        if self.work > self._most:
            raise AlgorithmError(
                f"The computation is too large: more than {self._most // STEP:,} steps. Make the request smaller."
            )

    def image(self, record: AssetRecord) -> Image:
        """Return the image of an asset: the same object each time in a request."""
        image = self._images.get(record.id)
        if image is None:
            image = self._images[record.id] = Image(record)
        return image

    def stubbed(self, name: str, arguments: Mapping[str, object]) -> object:
        """Return what the stub of a function that needs pixels answers.

        Args:
            name: Name of the function.
            arguments: Its arguments by name.

        Returns:
            What the stub returns.

        Raises:
            AlgorithmError: There is no stub.

        """
        stub = self._stubs.get(name)
        if stub is None:
            raise AlgorithmError(
                "The result depends on pixels, which the emulator has not. Tests can say what it is: "
                f"emulator.stub({name!r}, function).",
                unsupported=True,
            )
        return stub(**arguments)

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
