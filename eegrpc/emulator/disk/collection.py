"""A collection of a prepared file as a value: a search that is carried out as far as a request needs it."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, overload

from eegrpc.emulator.context import ITEM, STEP, STORED
from eegrpc.emulator.disk.layout import OTHER
from eegrpc.emulator.disk.proofs import NOTHING, Condition, columns_suffice, parts_of, prove
from eegrpc.emulator.disk.table import INDEX_ORDER, ODD, Order
from eegrpc.emulator.errors import AlgorithmError
from eegrpc.emulator.images.asset_record import AssetRecord
from eegrpc.emulator.images.images import Image
from eegrpc.emulator.values import Element, LazyCollection

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from eegrpc.emulator.context import Context
    from eegrpc.emulator.disk.proofs import Loud
    from eegrpc.emulator.disk.table import StoredRecord, StoredSet, Table
    from eegrpc.emulator.filtering.filters import Filter

_BLOCK = 500  # images that are read at a time


@dataclass(frozen=True, slots=True)
class Search:
    """What is wanted: the images that pass the tests, in an order.

    Attributes:
        tests: Filters; each has been proved, and has said and raised what it would with any image.
        conditions: What rows must meet to pass, but odd rows.
        order: The order.

    """

    tests: tuple[Filter, ...] = ()
    conditions: tuple[Condition, ...] = ()
    order: Order = INDEX_ORDER

    @property
    def is_whole(self) -> bool:
        """Whether it is the collection as it stands in the file."""
        return not self.tests and self.order == INDEX_ORDER


class StoredCollection(LazyCollection):
    """Images of a prepared file: those of a search, or with given rows.

    Args:
        context: The request's context.
        table: The images of the file.
        of: The collection they are from.
        search: What is wanted; None for given rows.
        rows: Their rows, in order.
        properties: Of the collection itself.

    """

    __slots__ = ("_context", "_of", "_rows", "_search", "_table")

    def __init__(
        self,
        context: Context,
        table: Table,
        of: StoredSet,
        search: Search | None = None,
        rows: Sequence[int] | None = None,
        properties: Mapping[str, object] = MappingProxyType({}),
    ) -> None:
        self._context = context
        self._table = table
        self._of = of
        self._search = search
        self._rows = rows
        self._elements: tuple[Element, ...] | None = None
        self.of_images = True
        self.properties = properties

    def with_properties(self, properties: Mapping[str, object]) -> StoredCollection:
        """Return the same collection with other properties of its own."""
        return StoredCollection(self._context, self._table, self._of, self._search, self._rows, properties)

    # -------------------------------------------------------------------------------------------------- narrowing

    def filtered(self, test: Filter) -> StoredCollection:
        """Return the images that pass; errors of the filter are raised here, and not when they are read."""
        search = self._search
        if search is None:
            return self._known(self._passing(self._table.rows(self._of, self._found()), (test,)))
        conditions, loud, proved = list(search.conditions), [], True
        for part in parts_of(test):
            proof = prove(part, self._column_of)
            if proof is None:
                proved = False
                break
            loud += [(more, (*conditions, more.where)) for more in proof.loud]
            conditions += proof.must
        narrower = replace(search, tests=(*search.tests, test), conditions=tuple(conditions))
        if proved:
            self._ask_odd(narrower)
            self._ask_loud(narrower, loud)
            return self._searched(narrower)
        found = self._known(self._passing(self._candidates(narrower), narrower.tests))
        self._ask_loud(narrower, loud)
        return found

    def ordered(self, key: str, *, ascending: bool) -> StoredCollection | None:
        """Return the images ordered by a property; None if they must be read for that."""
        search, column = self._search, self._column_of(key)
        if search is None or search.order != INDEX_ORDER or column is None or column == NOTHING:
            return None
        if self._of.odd and self._table.has_odd(self._of, Condition(f"{column} = ?", (OTHER,))):
            return None
        if self._any(search, Condition(f"{column} IS NULL", (), column)):
            self._context.assume("sort-missing-last")
        texts, numbers = (Condition(f"{column} {sign} ''", (), column) for sign in (">=", "<"))
        if self._any(search, texts) and self._any(search, numbers):
            self._context.assume("sort-mixed-types")
        return self._searched(replace(search, order=Order(column, ascending)))

    def part(self, start: int, stop: int) -> StoredCollection:
        """Return the images from the position `start` up to but not including `stop`."""
        if self._search is None or self._search.is_whole or self._rows is not None:
            return self._known(self._found()[start:stop])
        rows = array("q")
        if stop > 0:
            for row in self._passing(self._candidates(self._search), self._search.tests):
                rows.append(row)
                if len(rows) == stop:
                    break
        return self._known(rows[start:])

    # ---------------------------------------------------------------------------------------------------- reading

    @property
    def elements(self) -> tuple[Element, ...]:
        """The images in order."""
        if self._elements is None:
            rows = self._found()
            self._spend(len(rows), STORED)
            blocks = self._table.rows(self._of, rows)
            self._elements = tuple(self._context.image(record) for block in blocks for record in block)
        return self._elements

    def __len__(self) -> int:
        return len(self._found())

    def result(self) -> Sequence[Image]:
        """Return the images for an answer: found now, and each read when it is asked for."""
        return StoredImages(self._table, self._found())

    def _found(self) -> Sequence[int]:
        """Rows of all the images, in order."""
        if self._rows is None:
            assert self._search is not None
            if self._search.is_whole:
                self._rows = range(self._of.first, self._of.last + 1)
            else:
                self._rows = array("q", self._passing(self._candidates(self._search), self._search.tests))
        return self._rows

    def _known(self, rows: Iterator[int] | Sequence[int]) -> StoredCollection:
        known = rows if isinstance(rows, Sequence) else array("q", rows)
        return StoredCollection(self._context, self._table, self._of, None, known, self.properties)

    def _searched(self, search: Search) -> StoredCollection:
        return StoredCollection(self._context, self._table, self._of, search, None, self.properties)

    # ---------------------------------------------------------------------------------------------------- searching

    def _column_of(self, name: str) -> str | None:
        return self._table.column_of(self._of, name)

    def _candidates(self, search: Search) -> Iterator[list[StoredRecord]]:
        return self._find(search.conditions, search.order, and_odd=True)

    def _find(
        self, conditions: Sequence[Condition], order: Order = INDEX_ORDER, *, and_odd: bool = False
    ) -> Iterator[list[StoredRecord]]:
        return self._table.find(self._of, conditions, order, self._glance, and_odd=and_odd)

    def _passing(self, blocks: Iterator[list[StoredRecord]], tests: tuple[Filter, ...]) -> Iterator[int]:
        """Yield the rows that pass all tests, in the order in which they come."""
        price = STEP if all(columns_suffice(test, self._column_of) for test in tests) else STORED
        for block in blocks:
            for record in block:
                self._spend(1, price)
                image = Image(record)
                if all(test.passes(self._context, image, image) for test in tests):
                    yield record.row

    def _ask_odd(self, search: Search) -> None:
        """Put odd rows to the tests: whatever these note or raise, they do now."""
        if self._of.odd:
            for _ in self._passing(self._find([ODD], search.order), search.tests):
                pass

    def _ask_loud(self, search: Search, loud: list[tuple[Loud, tuple[Condition, ...]]]) -> None:
        """Put rows to the tests on which these would note an assumption, until they have."""
        for more, conditions in loud:
            if self._context.assumed(more.assumption):
                continue
            for _ in self._noting(self._find(conditions), search.tests):
                if self._context.assumed(more.assumption):
                    break

    def _noting(self, blocks: Iterator[list[StoredRecord]], tests: tuple[Filter, ...]) -> Iterator[None]:
        for block in blocks:
            for record in block:
                self._spend(1, STEP)
                image = Image(record)
                all(test.passes(self._context, image, image) for test in tests)
                yield

    def _any(self, search: Search, condition: Condition) -> bool:
        """Whether an image passes and meets a condition."""
        candidates = self._find([*search.conditions, condition])
        odd = self._find([ODD, condition]) if self._of.odd else iter(())
        return any(True for blocks in (candidates, odd) for _ in self._passing(blocks, search.tests))

    def _glance(self, rows: int) -> None:
        self._spend(rows, ITEM)

    def _spend(self, count: int, price: int) -> None:
        try:
            self._context.spend(count, price)
        except AlgorithmError as error:
            raise AlgorithmError(
                f"{error.message} It reads too many of the {len(self._of):,} images of '{self._of.id}': first filter "
                "by date, bounds or a property that the catalog was prepared for, or limit it."
            ) from error


class StoredRecords(Sequence[AssetRecord]):
    """Assets of images, read when they are asked for."""

    def __init__(self, table: Table, rows: Sequence[int]) -> None:
        self._table = table
        self._rows = rows

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[AssetRecord]:
        for start in range(0, len(self._rows), _BLOCK):
            yield from self._table.records(self._rows[start : start + _BLOCK])

    @overload
    def __getitem__(self, key: int) -> AssetRecord: ...
    @overload
    def __getitem__(self, key: slice) -> list[AssetRecord]: ...
    def __getitem__(self, key: int | slice) -> AssetRecord | list[AssetRecord]:
        if isinstance(key, slice):
            return self._table.records(self._rows[key])
        return self._table.records([self._rows[key]])[0]


class StoredImages(Sequence[Image]):
    """The images of an answer, read when they are asked for."""

    def __init__(self, table: Table, rows: Sequence[int]) -> None:
        self._records = StoredRecords(table, rows)

    def __len__(self) -> int:
        return len(self._records)

    @overload
    def __getitem__(self, key: int) -> Image: ...
    @overload
    def __getitem__(self, key: slice) -> list[Image]: ...
    def __getitem__(self, key: int | slice) -> Image | list[Image]:
        if isinstance(key, slice):
            return [Image(record) for record in self._records[key]]
        return Image(self._records[key])
