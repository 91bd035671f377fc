"""What the server answers, made once and in both encodings; which answer it is depends on the project alone.

The pages of a long answer are the same page but for the token that leads to the next one.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from google.protobuf import json_format

from benchmarks.mapper import page
from eegrpc.v1alpha import ComputeImagesResponse

__all__ = ["Answer", "answers"]

_TOKEN = b"next-page-%06d"  # always as long, so that all pages are
_TOKEN_MARK = b"next-page-"
_TOKEN_LENGTH = len(_TOKEN % 0)
_NEXT_PAGE_TOKEN = bytes((2 << 3 | 2, _TOKEN_LENGTH))  # of field 2 of the answer, tag and length


@dataclass(frozen=True)
class Answer:
    """The bytes of one answer, or of so many pages of it.

    Attributes:
        wire: The message without a token.
        json: The same as JSON.
        pages: How many times it is given before there is no token any more.
    """

    wire: bytes
    json: bytes
    pages: int = 1

    def as_wire(self, request: bytes) -> bytes:
        """Return the message that answers a request, of which the token is looked at."""
        token = self._next(request)
        return self.wire + _NEXT_PAGE_TOKEN + token if token else self.wire

    def as_json(self, request: bytes) -> bytes:
        """Return the JSON that answers a request, of which the token is looked at."""
        token = self._next(request)
        return self.json[:-1] + b',"nextPageToken":"' + token + b'"}' if token else self.json

    def _next(self, request: bytes) -> bytes:
        if self.pages == 1:
            return b""
        start = request.rfind(_TOKEN_MARK)
        number = int(request[start + len(_TOKEN_MARK) : start + _TOKEN_LENGTH]) + 1 if start >= 0 else 1
        return _TOKEN % number if number < self.pages else b""


def answers(pages: int) -> dict[bytes, Answer]:
    """Return the answers by the names of the projects; ``projects/pages`` has so many pages."""
    images = page.images(1000)
    full = _answer(images)
    return {
        b"projects/one-image": _answer(images[:1]),
        b"projects/page": full,
        b"projects/masked": _answer([{"id": image["id"], "properties": image["properties"]} for image in images]),
        b"projects/pages": Answer(full.wire, full.json, pages),
    }


def _answer(images: list[dict[str, Any]]) -> Answer:
    text = json.dumps({"images": images}, separators=(",", ":"), ensure_ascii=False).encode()
    return Answer(json_format.Parse(text, ComputeImagesResponse()).SerializeToString(), text)
