"""What an algorithm may use besides its arguments: the catalog, calls of functions, and the account of the request."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar, cast

from eegrpc.emulator.assumptions import ASSUMPTIONS
from eegrpc.emulator.errors import AlgorithmError
from eegrpc.emulator.images.images import Image

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from eegrpc.emulator.catalog import AnyCatalog
    from eegrpc.emulator.images.asset_record import AssetRecord
    from eegrpc.emulator.values import Function

T = TypeVar("T")

# Work that one request may cause, in units of about 0.1 µs: what takes a second of CPU must end here, as must a graph
# that doubles a collection thirty times over. A thousand images through a function of a hundred nodes is 4,000,000.
MAX_WORK = 6_000_000
# A large catalog may take longer: this much more for each of its images, as far as whole catalogs are worth looking at.
# A million images are there to be searched: a function on all of them is refused, one look at a column of each is not.
WORK_PER_IMAGE = 1_000
MOST_IMAGES = 100_000

# What things cost, as measured. An element made takes some 300 bytes as well.
STEP = 40  # a node evaluated; an element, a feature or a band made or looked at
NODE = 80  # a node of the graph compiled
STORED = 400  # an image read from a prepared file, message and all
CONSTANT = 12  # a value within a constant
ITEM = 1  # an item of a list looked at

# More values than could be compiled are refused before anything is done with them.
MAX_VALUES = MAX_WORK // NODE

# Text doubles as easily as collections do, and a character may take four bytes.
MAX_STRING_LENGTH = 1_000_000
CHARACTERS = 8  # so many characters of a text made cost 1

_BY_VALUE = frozenset({type(None), bool, int, float, str})


class Context:
    """The surroundings of one request.

    Args:
        catalog: Where assets come from.

    Attributes:
        is_stubbed: Whether a stub of a test has been asked.

    """

    def __init__(self, catalog: AnyCatalog) -> None:
        self.catalog = catalog
        self.is_stubbed = False
        self.work = 0
        self._most = MAX_WORK + WORK_PER_IMAGE * min(len(catalog), MOST_IMAGES)
        self._assumed: dict[str, None] = {}
        self._images: dict[str, Image] = {}
        self._once: dict[tuple[object, ...], tuple[object, tuple[object, ...]]] = {}

    @property
    def assumptions(self) -> tuple[str, ...]:
        """Names of the choices made so far, in alphabetical order."""
        return tuple(sorted(self._assumed))

    def assumed(self, choice: str) -> bool:
        """Whether a choice has been noted already."""
        return choice in self._assumed

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

    def spend_text(self, length: int) -> None:
        """Count a text, before it is made.

        Args:
            length: How many characters it has.

        Raises:
            AlgorithmError: It is too long, or the request has made too much text.

        """
        if length > MAX_STRING_LENGTH:
            raise AlgorithmError(f"The string is longer than {MAX_STRING_LENGTH:,} characters.")
        self.spend(length // CHARACTERS, 1)

    def image(self, record: AssetRecord) -> Image:
        """Return the image of an asset: the same object each time in a request."""
        image = self._images.get(record.id)
        if image is None:
            image = self._images[record.id] = Image(record)
        return image

    def once(self, make: Callable[[], T], *of: object) -> T:
        """Return what was made of some objects earlier in the request, so that it is made at most once.

        Args:
            make: Makes it.
            of: What it is made of, and how; told apart by identity, but for texts, numbers, booleans and null.

        Returns:
            What `make` returned, now or earlier.

        """
        key = tuple((type(each), each) if type(each) in _BY_VALUE else id(each) for each in of)
        found = self._once.get(key)
        if found is None:
            found = self._once[key] = (make(), of)  # they are kept, or others could get their identities
        return cast("T", found[0])

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
