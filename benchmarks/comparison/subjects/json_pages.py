"""What clients have in common whose users write and read the API's JSON themselves: the request, and paging by hand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.comparison.subject import Work

__all__ = ["CONNECTIONS", "JsonRequest", "count_images", "count_over_pages"]

CONNECTIONS = 64
"""What a pool keeps, so that no number of threads that is measured has to connect again."""


@dataclass(frozen=True)
class JsonRequest:
    """A request as HTTP has it.

    Attributes:
        path: Path of the URL.
        headers: What its author adds.
        body: Encoded by the client, at each call.
    """

    path: str
    headers: dict[str, str]
    body: dict[str, Any]

    @classmethod
    def of(cls, work: Work) -> JsonRequest:
        """Return the request for a piece of work."""
        return cls(
            f"/v1alpha/{work.project}/imageCollection:computeImages",
            {"x-goog-fieldmask": work.fields} if work.fields else {},
            {"expression": work.expression, "pageSize": work.page_size},
        )


def count_images(page: dict[str, Any]) -> int:
    """Return how many images a page has."""
    return len(page.get("images", ()))


def count_over_pages(ask: Callable[[dict[str, Any]], dict[str, Any]], body: dict[str, Any]) -> int:
    """Ask for one page after the other, each with the token of the page before, and go through the images.

    Args:
        ask: Sends a body, and returns the page.
        body: The body that asks for the first page.

    Returns:
        How many images there were.
    """
    count = 0
    while True:
        page = ask(body)
        for _image in page.get("images", ()):
            count += 1
        if not page.get("nextPageToken"):
            return count
        body = {**body, "pageToken": page["nextPageToken"]}
