"""Catalogs on disk: prepared once from NDJSON, opened in no time, and read only where a request needs it.

A prepared file is an SQLite database. `prepare` writes it, `StoredCatalog` serves it. What SQL finds is never an
answer: it only leaves out what a filter is sure to refuse without a word (`proofs`). All else is put to the filter.
"""

from eegrpc.emulator.disk.catalog import StoredCatalog
from eegrpc.emulator.disk.layout import DEFAULT_PROPERTIES, is_prepared
from eegrpc.emulator.disk.writer import prepare

__all__ = ["DEFAULT_PROPERTIES", "StoredCatalog", "is_prepared", "prepare"]
