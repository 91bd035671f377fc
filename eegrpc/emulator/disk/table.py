"""The table of images: which rows meet conditions, in which order, and what is in them.

SQLite is told how to go about it. Without statistics of values it would often choose the wrong index, and there is an
easy way to know the right one: count, up to a limit, what each would give; a file does not change, so counts are kept.
If one gives few rows, these are read and put in order; otherwise all rows are gone through in the order asked for,
which costs little until a page is full.
"""

from __future__ import annotations

import json
from contextlib import closing
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from eegrpc.emulator.disk.layout import TIME, Packing, column_of
from eegrpc.emulator.disk.proofs import BOXES, NOTHING, Condition
from eegrpc.emulator.images.asset_record import AssetRecord
from eegrpc.v1alpha import EarthEngineAsset

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from eegrpc.emulator.disk.connections import Connections
    from eegrpc.emulator.geometry.shapes import Geometry
    from eegrpc.emulator.images.bands import Band

_FEW = 10_000  # rows that are found by an index and put in order, rather than gone through
_MOST_TIMES = 100_000  # entries of the index of times that are gone through for the boxes in it
_BLOCK = 256  # rows that are fetched at a time
_KEPT_COUNTS = 1024
_KEPT_RECORDS = 512  # images that were read in full
_MOST_MARKS = 500  # question marks in one statement

ODD = Condition("images.odd", (), "oddity")


@dataclass(frozen=True, slots=True)
class StoredSet:
    """A collection in the file: its images are the rows `first` to `last`.

    Attributes:
        key: Its number.
        id: Its id.
        first: Row of its first image.
        last: Row of its last image; ``first - 1`` if there is none.
        odd: How many of its rows are odd.
        properties: Names of the properties that its images have; None if there are too many to know.

    """

    key: int
    id: str
    first: int
    last: int
    odd: int
    properties: frozenset[str] | None

    def __len__(self) -> int:
        return self.last - self.first + 1

    def lacks(self, name: str) -> bool:
        """Whether no image has the property, for sure."""
        return self.properties is not None and name not in self.properties and not name.startswith("system:")


@dataclass(frozen=True, slots=True)
class Order:
    """An order by a column, those without a value last; without one, that of the index.

    Attributes:
        column: The column.
        ascending: Which way.

    """

    column: str | None = None
    ascending: bool = True

    @property
    def sql(self) -> str:
        """What follows ORDER BY."""
        if self.column is None:
            return "images.id"
        return f"{self.column} IS NULL, {self.column}{'' if self.ascending else ' DESC'}, images.id"


INDEX_ORDER = Order()


class StoredRecord(AssetRecord):
    """A row: it answers for the properties in columns, and reads the image in full when it is asked for more."""

    __slots__ = ("_table", "_values", "of", "row")

    def __init__(self, table: Table, of: StoredSet, row: int, index: str, values: Sequence[object]) -> None:
        self._table = table
        self._values = values
        self.of = of
        self.row = row
        self.index = index
        self.collection_id = of.id
        self.id = f"{of.id}/{index}" if of.id else index

    @property
    def _full(self) -> AssetRecord:
        return self._table.record(self.row)

    @property
    def asset(self) -> EarthEngineAsset:
        """The message; shared with answers, so it must not be changed."""
        return self._full.asset

    @property
    def bands(self) -> tuple[Band, ...]:
        """The bands."""
        return self._full.bands

    @property
    def properties(self) -> Mapping[str, object]:
        """The properties of the message, without the virtual ones."""
        return self._full.properties

    @property
    def footprint(self) -> Geometry | None:
        """The geometry of the message."""
        return self._full.footprint

    def get(self, name: str) -> object:
        """Return the value of a property."""
        position = self._table.positions.get(name)
        if position is not None:
            value = self._values[position]
            if not isinstance(value, bytes):
                return value
        elif self.of.lacks(name):
            return None
        return self._full.get(name)

    def property_names(self) -> Iterator[str]:
        """Names of the properties that have a value."""
        return self._full.property_names()

    def virtual(self, name: str) -> object:
        """Return the value of a ``system:`` property as fields of the message have it."""
        return self._full.virtual(name)


class Table:
    """The images of a prepared file.

    Args:
        connections: Connections to it.
        properties: Names of the properties in columns.
        has_boxes: Whether the file has the R*Tree, and this SQLite can read it.

    """

    def __init__(self, connections: Connections, properties: Sequence[str], *, has_boxes: bool) -> None:
        self._connections = connections
        self.positions: Mapping[str, int] = {name: position for position, name in enumerate(properties)}
        columns = [column_of(position) for position in range(len(properties))]
        self._columns = ", ".join(["images.id", "images.name", *columns])
        self._indexed = {*columns, ODD.column, *([BOXES] if has_boxes else [])}
        with connections.lent() as connection:
            rows = connection.execute("SELECT id, wire FROM dictionaries").fetchall()
        self._packings = {key: Packing(wire) for key, wire in rows}
        self.record = lru_cache(maxsize=_KEPT_RECORDS)(self._read_record)
        self._counts = lru_cache(maxsize=_KEPT_COUNTS)(self._counted)

    def sets(self) -> Iterator[StoredSet]:
        """Yield the collections."""
        with self._connections.lent() as connection:
            rows = connection.execute("SELECT id, name, first, last, odd, properties FROM collections").fetchall()
        for key, name, first, last, odd, properties in rows:
            names = None if properties is None else frozenset(json.loads(properties))
            yield StoredSet(key, name, first, last, odd, names)

    def column_of(self, of: StoredSet, name: str) -> str | None:
        """Return the column of a property, NOTHING if no image of the collection has it, None if it is in no column."""
        if name in self.positions:
            return column_of(self.positions[name])
        return NOTHING if of.lacks(name) else None

    # ------------------------------------------------------------------------------------------------------- rows

    def find(
        self,
        of: StoredSet,
        conditions: Sequence[Condition],
        order: Order,
        spend: Callable[[int], None],
        *,
        and_odd: bool = False,
    ) -> Iterator[list[StoredRecord]]:
        """Yield the rows that meet all conditions, in order, a block at a time.

        Args:
            of: The collection.
            conditions: The conditions.
            order: The order.
            spend: Is told how many rows SQLite may look at, before it does.
            and_odd: Whether odd rows come as well, whatever the conditions.

        Yields:
            Some of the rows.

        """
        and_odd = and_odd and of.odd > 0
        driver, count = self._driver(of, conditions)
        spend(count)
        with self._connections.lent() as connection:
            if driver is not None:
                statements = [self._by_index(of, driver, conditions, order, and_odd=and_odd)]
            elif order.column is None:
                statements = [self._in_turn(of, conditions, and_odd=and_odd)]
            else:
                statements = self._by_key(of, conditions, order, and_odd=and_odd)
            for statement in statements:
                with closing(connection.execute(statement.sql, statement.values)) as cursor:
                    while rows := cursor.fetchmany(_BLOCK):
                        yield [StoredRecord(self, of, row[0], row[1], row[2:]) for row in rows]

    def rows(self, of: StoredSet, ids: Sequence[int]) -> Iterator[list[StoredRecord]]:
        """Yield the rows with some ids, in the order of these, a block at a time."""
        with self._connections.lent() as connection:
            for start in range(0, len(ids), _MOST_MARKS):
                block = ids[start : start + _MOST_MARKS]
                sql = f"SELECT {self._columns} FROM images WHERE id IN ({_marks(block)})"  # noqa: S608
                found = {row[0]: row for row in connection.execute(sql, tuple(block))}
                yield [StoredRecord(self, of, row, found[row][1], found[row][2:]) for row in block]

    def row_of(self, of: StoredSet, index: str) -> StoredRecord | None:
        """Return the row of an image."""
        sql = f"SELECT {self._columns} FROM images WHERE collection = ? AND name = ?"  # noqa: S608
        with self._connections.lent() as connection:
            row = connection.execute(sql, (of.key, index)).fetchone()
        return None if row is None else StoredRecord(self, of, row[0], row[1], row[2:])

    def has_odd(self, of: StoredSet, condition: Condition) -> bool:
        """Whether an odd row of the collection meets a condition."""
        found = self._indexed_rows(of, ODD, [condition])
        with self._connections.lent() as connection:
            return connection.execute(f"{found.sql} LIMIT 1", found.values).fetchone() is not None

    # --------------------------------------------------------------------------------------------------- messages

    def records(self, rows: Sequence[int]) -> list[AssetRecord]:
        """Return images in full, in the order of their rows."""
        found: dict[int, AssetRecord] = {}
        with self._connections.lent() as connection:
            for start in range(0, len(rows), _MOST_MARKS):
                block = rows[start : start + _MOST_MARKS]
                sql = (
                    "SELECT images.id, dictionary, wire FROM images JOIN messages ON messages.id = images.message "  # noqa: S608
                    f"WHERE images.id IN ({_marks(block)})"
                )
                for row, dictionary, packed in connection.execute(sql, tuple(block)):
                    found[row] = AssetRecord(self._unpacked(dictionary, packed))
        return [found[row] for row in rows]

    def message(self, key: int) -> EarthEngineAsset:
        """Return a message by its own number."""
        with self._connections.lent() as connection:
            sql = "SELECT dictionary, wire FROM messages WHERE id = ?"
            dictionary, packed = connection.execute(sql, (key,)).fetchone()
        return self._unpacked(dictionary, packed)

    def _unpacked(self, dictionary: int, packed: bytes) -> EarthEngineAsset:
        return EarthEngineAsset.FromString(self._packings[dictionary].unpack(packed))

    def _read_record(self, row: int) -> AssetRecord:
        return self.records([row])[0]

    # -------------------------------------------------------------------------------------------------- statements

    def _driver(self, of: StoredSet, conditions: Sequence[Condition]) -> tuple[Condition | None, int]:
        """Return the condition whose index gives the fewest rows, if these are few, and how many are gone through."""
        best, fewest, gone_through = None, _FEW, len(of)
        boxes = tuple(condition for condition in conditions if condition.column == BOXES)
        for condition in conditions:
            if condition.column in self._indexed:
                within = boxes if condition.column == TIME else ()
                looked_at, count = self._counts(of, condition, within, _FEW)
                if count < fewest:
                    best, fewest, gone_through = condition, count, looked_at
        return best, gone_through

    def _counted(self, of: StoredSet, by: Condition, within: Sequence[Condition], limit: int) -> tuple[int, int]:
        """Return how many entries of an index are gone through, and how many rows these give; `limit` if as many."""
        source = self._indexed_rows(of, by, [], "west, south, east, north" if within else "images.id")
        most = _MOST_TIMES if within else limit
        boxes = _all(within)
        sql = f"SELECT count(*), total({boxes.sql}) FROM ({source.sql} LIMIT {most}) AS images"  # noqa: S608
        with self._connections.lent() as connection:
            looked_at, count = connection.execute(sql, (*boxes.values, *source.values)).fetchone()
        return looked_at, limit if looked_at == most else min(int(count), limit)

    @staticmethod
    def _indexed_rows(
        of: StoredSet, driver: Condition, others: Sequence[Condition], columns: str = "images.id"
    ) -> Condition:
        """Columns of the rows that an index finds."""
        if driver.column == BOXES:
            found = driver.sql.replace("images.", "boxes.")
            rest = _within(of, others)
            return Condition(
                f"SELECT {columns} FROM boxes CROSS JOIN images ON images.id = boxes.id WHERE ({found}) AND {rest.sql}",  # noqa: S608
                (*driver.values, *rest.values),
            )
        rest = _all([driver, *others])
        return Condition(
            f"SELECT {columns} FROM images INDEXED BY by_{driver.column} WHERE collection = ? AND {rest.sql}",  # noqa: S608
            (of.key, *rest.values),
        )

    def _by_index(
        self, of: StoredSet, driver: Condition, conditions: Sequence[Condition], order: Order, *, and_odd: bool
    ) -> Condition:
        source = self._indexed_rows(of, driver, [condition for condition in conditions if condition is not driver])
        sql, values = source.sql, source.values
        if and_odd:
            odd = self._indexed_rows(of, ODD, [])
            sql, values = f"{sql} UNION ALL {odd.sql}", (*values, *odd.values)
        return Condition(f"SELECT {self._columns} FROM images WHERE id IN ({sql}) ORDER BY {order.sql}", values)  # noqa: S608

    def _in_turn(self, of: StoredSet, conditions: Sequence[Condition], *, and_odd: bool) -> Condition:
        within = _within(of, conditions, and_odd=and_odd)
        sql = f"SELECT {self._columns} FROM images NOT INDEXED WHERE {within.sql} ORDER BY images.id"  # noqa: S608
        return Condition(sql, within.values)

    def _by_key(
        self, of: StoredSet, conditions: Sequence[Condition], order: Order, *, and_odd: bool
    ) -> list[Condition]:
        """Two statements, as an index gives only the rows with a key in their order."""
        chosen = _all(conditions, and_odd=and_odd)
        way = "" if order.ascending else " DESC"
        source = (
            f"SELECT {self._columns} FROM images INDEXED BY by_{order.column} WHERE collection = ? AND {chosen.sql}"  # noqa: S608
        )
        values = (of.key, *chosen.values)
        return [
            Condition(f"{source} AND {order.column} IS NOT NULL ORDER BY {order.column}{way}, images.id", values),
            Condition(f"{source} AND {order.column} IS NULL ORDER BY images.id", values),
        ]


def _all(conditions: Sequence[Condition], *, and_odd: bool = False) -> Condition:
    """All conditions in one."""
    sql = " AND ".join(f"({condition.sql})" for condition in conditions) or "TRUE"
    values = tuple(value for condition in conditions for value in condition.values)
    return Condition(f"(({sql}) OR images.odd)" if and_odd else sql, values)


def _within(of: StoredSet, conditions: Sequence[Condition], *, and_odd: bool = False) -> Condition:
    """All conditions in one, for the rows of a collection."""
    chosen = _all(conditions, and_odd=and_odd)
    return Condition(f"images.id BETWEEN ? AND ? AND {chosen.sql}", (of.first, of.last, *chosen.values))


def _marks(block: Sequence[int]) -> str:
    return ", ".join("?" * len(block))
