"""The work that is measured: what is asked, and what is wanted back. `answers` holds what the server says to it."""

from __future__ import annotations

import random
from typing import Any

from benchmarks.comparison.subject import Work
from benchmarks.mapper import inputs

__all__ = ["CALLS", "LARGE", "MASKED", "ONE", "PAGE", "PAGES", "PAGE_IMAGES", "REQUEST_BYTES", "works"]

ONE, PAGE, LARGE, MASKED, PAGES = "one image", "page", "large request", "masked page", "all pages"
CALLS = (ONE, PAGE, LARGE, MASKED)
"""The works that are one call each."""

PAGE_IMAGES = 1000

REQUEST_BYTES = 200_000
"""Of JSON, in the request of `LARGE`; the others have less than 2,000."""


def works(pages: int) -> dict[str, Work]:
    """Return all works by their names.

    Args:
        pages: How many pages of 1,000 images `PAGES` has; its `images` are those of all of them.
    """
    small, large = _expression(filters=1), _expression(filters=255)
    all_of_them = (
        Work(ONE, "projects/one-image", small, images=1, page_size=1),
        Work(PAGE, "projects/page", small, images=PAGE_IMAGES),
        Work(LARGE, "projects/one-image", large, images=1, page_size=1),
        Work(MASKED, "projects/masked", small, images=PAGE_IMAGES, fields="images(id,properties)"),
        Work(PAGES, "projects/pages", small, images=pages * PAGE_IMAGES),
    )
    return {work.name: work for work in all_of_them}


def _expression(filters: int) -> dict[str, Any]:
    """Return a collection filtered by so many footprints: 255 of them are 200 kB of JSON."""
    return dict(inputs.request(random.Random(inputs.SEED), filters)["expression"])
