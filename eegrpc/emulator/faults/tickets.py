"""How the servicer, which decides about a fault, tells the transport, which makes it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from eegrpc.emulator.faults.kinds import Fault

__all__ = ["TICKET_KEY", "Tickets"]

TICKET_KEY = "x-emulator-ticket"
"""Metadata that the port adds to calls by HTTP/2: which stream of which connection it is."""


class Tickets:
    """Faults for replies that are on their way out, by what names the reply; thread-safe, as dict's methods are.

    A reply by HTTP/1.1 is named by its connection, where there is one at a time; one by HTTP/2 by `TICKET_KEY`.
    """

    def __init__(self) -> None:
        self._faults: dict[str, Fault] = {}

    def __bool__(self) -> bool:
        return bool(self._faults)

    def put(self, ticket: str, fault: Fault) -> None:
        """Have `fault` happen to a reply that has not been sent yet."""
        self._faults[ticket] = fault

    def take(self, ticket: str) -> Fault | None:
        """Return the fault of a reply, and forget it."""
        return self._faults.pop(ticket, None) if self._faults else None

    def forget(self, connection: str) -> None:
        """Forget all faults of an HTTP/2 connection."""
        for ticket in [each for each in tuple(self._faults) if each.startswith(f"{connection}.")]:
            self._faults.pop(ticket, None)
