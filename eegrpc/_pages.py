"""Colourless pagination: the next request, feed its response, turn to it, take images or the whole page, done.

The state machine does no IO and no waiting; the pagers of the two clients are loops around it. It follows
https://google.aip.dev/158: an empty token is the only end, a page may be empty and still have a successor, and a page
may hold fewer images than asked for. Beyond that it trusts no server: a token that came before would page for ever.

It has two sides, with a queue between them and nothing else that both write: one asks and feeds (`next_request`,
`request_ahead`, `feed`), the other hands out (`turn`, `take_image`, `take_page`). So pages can be fetched on one thread
while images are taken on another; each side by itself is for one thread at a time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import grpc
from google.protobuf.message import DecodeError

from eegrpc._requests import with_page_token
from eegrpc.errors import CallContext, make_error

if TYPE_CHECKING:
    from eegrpc._encoded_page import Page
    from eegrpc.errors import EarthEngineError
    from eegrpc.v1alpha import EarthEngineAsset

__all__ = ["DEFAULT_PAGE_SIZE", "MAX_EMPTY_PAGES", "Pages"]

DEFAULT_PAGE_SIZE: Final = 1000
"""Images of a page when the request names no page size; Google's documented default."""

MAX_EMPTY_PAGES: Final = 1000
"""Most empty pages in a row, unless the client is told otherwise."""

_MAX_TOKENS: Final = 1 << 16  # 65 million images at the default page size, in about 7 MB


class Pages:
    """The pages of one request: which to ask for next, and what of them is still to be handed out.

    Args:
        request: The encoded request, without a page token. Pages differ in the token alone, because not every server
            lets the page size change between pages.
        page_token: Of the first page; empty for the very first.
        project: Resource name of the project, for errors.
        limit: Most images to hand out; None for all.
        max_empty_pages: Most empty pages in a row.
    """

    number = 0
    """How many pages were fed."""
    _empty_pages = 0
    _page: Page | None = None  # begun, and not handed out entirely
    _position = 0  # of the next image in that page
    _stays = False  # the token, when that page is handed out
    _closed = False

    def __init__(
        self,
        request: bytes,
        page_token: str = "",
        project: str = "",
        limit: int | None = None,
        max_empty_pages: int = MAX_EMPTY_PAGES,
    ) -> None:
        self._request = request
        self._project = project
        # The side that asks and feeds.
        self._remaining = limit
        self._max_empty_pages = max_empty_pages
        self._asking = page_token  # of the page to ask for next
        self._ended = limit == 0
        # Hashes, because a token may be long; the oldest go first, so only a loop of many thousand pages can hide.
        self._seen: dict[int, None] = {}
        # Between the sides: pages that were fed, each with whether it is where to go on even when it is handed out.
        self._fed: list[tuple[Page, bool]] = []
        # The side that hands out.
        self._token = page_token  # of the first page that is not handed out entirely

    @property
    def next_page_token(self) -> str:
        """Token of the first page that is not handed out entirely; empty when that is the very first, or none is left.

        With it another request goes on where this one stopped and no image is lost. A page of which only some images
        were handed out is then sent again from its beginning, as are pages that were fed ahead, and one that names as
        its successor a page that came before.
        """
        return self._token

    @property
    def ahead(self) -> int:
        """How many pages were fed and not turned to."""
        return len(self._fed)

    @property
    def done(self) -> bool:
        """Whether everything was handed out, or the limit was met."""
        return self._closed or (self._ended and self._page is None and not self._fed)

    # What asks and feeds ---------------------------------------------------------------------------------------------

    def next_request(self) -> bytes | None:
        """Return the request of the next page, the same until its response is fed; None after the last page.

        Raises:
            EarthEngineError: INTERNAL, reason TOKEN_LOOP: the next page's token was sent before. INTERNAL, reason
                NO_PROGRESS: too many empty pages in a row. Whoever runs the server must act.
        """
        if self._ended or self._closed:
            return None
        if not self.number and not self._asking:
            return self._request  # most computations have one page
        problem = self._problem()
        if problem is not None:
            raise self._failure(*problem)
        return self._next()

    def may_ask_ahead(self, most: int) -> bool:
        """Return whether the next page's request may be sent before anybody asks for the page.

        It may not when `most` pages are fed and not turned to, nor before the first page: nothing was asked for yet. A
        loop is no reason to raise here: the pages before it may not have been handed out.
        """
        return not (self._ended or self._closed or not self.number or self.ahead >= most or self._problem())

    def request_ahead(self, most: int) -> bytes | None:
        """Return the next page's request, if `may_ask_ahead`."""
        return self._next() if self.may_ask_ahead(most) else None

    def feed(self, response: Page) -> None:
        """Accept the response to the last request."""
        asked, self._asking = self._asking, response.next_page_token
        stays = False
        if self._asking:
            self._remember(asked)
            self._empty_pages = 0 if response.images else self._empty_pages + 1
            stays = self._loops()
        if self._remaining is not None:
            if len(response.images) > self._remaining:
                stays = True
                del response.images[self._remaining :]
            self._remaining -= len(response.images)
        self._ended = not self._asking or self._remaining == 0
        self.number += 1
        self._fed.append((response, stays))

    # What hands out --------------------------------------------------------------------------------------------------

    def turn(self) -> bool:
        """Go on to the next page that was fed; False when there is none. The page before must have been taken."""
        if not self._fed or self._closed:
            return False
        self._page, self._stays = self._fed.pop(0)
        self._position = 0
        return True

    def take_image(self) -> EarthEngineAsset | None:
        """Return the next image of the page turned to; None when that has no more of them.

        Raises:
            EarthEngineError: INTERNAL, reason BAD_RESPONSE: the image is none. Whoever runs the server must act.
        """
        page = self._page
        if page is None:
            return None
        if self._position == len(page.images):  # an empty page
            self._finish_page(page)
            return None
        try:
            image = page.images[self._position]
        except DecodeError as error:
            raise self.unreadable(f"image {self._position} of a page", error) from error
        self._position += 1
        if self._position == len(page.images):
            self._finish_page(page)
        return image

    def take_page(self) -> Page | None:
        """Return what is left of the page turned to; None when nothing is."""
        page = self._page
        if page is None:
            return None
        if self._position:
            del page.images[: self._position]
        self._finish_page(page)
        return page

    def unreadable(self, what: str, error: DecodeError) -> EarthEngineError:
        """Return the error for a part of the page handed out that cannot be decoded."""
        return self._failure("BAD_RESPONSE", f"{what} cannot be decoded: {error}")

    def close(self) -> None:
        """Forget what was not handed out, and end; `next_page_token` stays."""
        self._closed = True
        self._page = None
        self._fed.clear()

    def _finish_page(self, page: Page) -> None:
        """Move the resume token past a page that is handed out, unless the limit kept some of its images back."""
        if not self._stays:
            self._token = page.next_page_token
        self._page = None

    def _next(self) -> bytes:
        return with_page_token(self._request, self._asking)

    def _problem(self) -> tuple[str, str] | None:
        """Return why the next page is not to be asked for: reason and text."""
        if self._loops():
            return "TOKEN_LOOP", f"page {self.number} names as its successor a page that came before"
        if self._empty_pages > self._max_empty_pages:
            return "NO_PROGRESS", f"{self._empty_pages} pages in a row were empty"
        return None

    def _loops(self) -> bool:
        """Return whether the page to ask for next was asked for before."""
        return bool(self._asking) and hash(self._asking) in self._seen

    def _remember(self, token: str) -> None:
        self._seen[hash(token)] = None
        if len(self._seen) > _MAX_TOKENS:
            del self._seen[next(iter(self._seen))]

    def _failure(self, reason: str, what: str) -> EarthEngineError:
        context = CallContext(self._project, self.number + 1)
        return make_error(grpc.StatusCode.INTERNAL, f"paging stopped: {what}", reason=reason, context=context)
