"""The output of ``eegrpc batch``, which is its own checkpoint: a page of a request in each line, whole or not at all.

A line says which request and page it holds and where the request goes on. So what was written is what was done, and a
run that was killed, however it was, goes on from the file alone: nothing is lost, and nothing comes twice.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from eegrpc.cli.failures import FAILED, USAGE, CommandError
from eegrpc.mapper import MessageMapper
from eegrpc.v1alpha import EarthEngineAsset

if TYPE_CHECKING:
    from pathlib import Path

    from eegrpc import BatchPage

__all__ = ["Journal", "Progress", "digest"]

_DESCRIPTOR: Final[Any] = EarthEngineAsset.DESCRIPTOR
_MAPPER: Final = MessageMapper(_DESCRIPTOR)


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a request has come."""

    pages: int = 0
    images: int = 0
    token: str = ""
    """Of the page that comes next."""


def digest(line: bytes) -> str:
    """Return what a request is recognised by: a few digits made of its line."""
    return hashlib.blake2b(line.strip(), digest_size=6).hexdigest()


class Journal:
    """Appends pages to a file, and knows which requests are done.

    Memory is a bit for each request, and a little for each that is under way.

    Args:
        path: The file. It is locked while the journal is open, where the system can do that.
        resume: Whether to go on with a file that is there.

    Raises:
        CommandError: The file is there and `resume` is not wanted, is in use, is not such a file, or cannot be written.
    """

    def __init__(self, path: Path, *, resume: bool) -> None:
        self._path = path
        self._done = bytearray()
        self._begun: dict[int, Progress] = {}
        self._digests: dict[int, str] = {}  # of those requests that are begun and not done
        self.done_count = 0
        """Requests of which all pages are written."""
        self.images = 0
        """Images that are written."""
        try:
            self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | getattr(os, "O_CLOEXEC", 0), 0o666)
        except OSError as error:
            raise CommandError(USAGE, f"cannot write {path}: {error.strerror or error}") from error
        try:
            self._lock()
            if os.fstat(self._file).st_size and not resume:
                raise CommandError(USAGE, f"{path} is there already", "Add --resume to go on with it, or remove it.")
            self._read()
        except BaseException:
            self.close()
            raise

    def is_done(self, index: int) -> bool:
        """Return whether all pages of a request are written."""
        return index // 8 < len(self._done) and bool(self._done[index // 8] >> index % 8 & 1)

    def progress(self, index: int, line_digest: str) -> Progress:
        """Return how far a request that is not done has come.

        Raises:
            CommandError: Another request stood in its place when the file was written.
        """
        if self._digests.get(index, line_digest) != line_digest:
            raise CommandError(
                USAGE,
                f"{self._path} is the output of other requests: request {index + 1} has changed since",
                "Resume with the same requests, or write to a new file.",
            )
        return self._begun.get(index, Progress())

    def write(self, index: int, line_digest: str, key: str, page: BatchPage) -> None:
        """Append a page.

        Raises:
            CommandError: It cannot be written. What was written before it stays.
        """
        head = {
            "index": index,
            "request": line_digest,
            "key": key,
            "page": page.number,
            "last": page.is_last,
            "nextPageToken": page.next_page_token,
        }
        images = b",".join(_MAPPER.to_json(image.SerializeToString()) for image in page.images)
        text = json.dumps(head, ensure_ascii=False, separators=(",", ":"))[:-1].encode(errors="surrogatepass")
        line = b'%s,"images":[%s]}\n' % (text, images)
        try:
            written = 0
            while written < len(line):
                written += os.write(self._file, line[written:])
        except OSError as error:
            raise CommandError(
                FAILED, f"cannot write {self._path}: {error.strerror or error}", "What was written stays: --resume."
            ) from error
        self._note(index, line_digest, page.number, len(page.images), page.next_page_token, is_last=page.is_last)

    def close(self) -> None:
        """Close the file."""
        os.close(self._file)

    def _lock(self) -> None:
        with contextlib.suppress(ImportError):  # not on Windows
            import fcntl

            try:
                fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                raise CommandError(USAGE, f"{self._path} is in use: another run writes to it") from error

    def _read(self) -> None:
        """Read what earlier runs wrote, and cut off a line that the last one did not finish."""
        whole = 0
        with open(self._path, "rb") as file:
            for number, line in enumerate(file, 1):
                if not line.endswith(b"\n"):
                    break
                self._read_line(line, number)
                whole += len(line)
        if whole < os.fstat(self._file).st_size:
            os.ftruncate(self._file, whole)

    def _read_line(self, line: bytes, number: int) -> None:
        try:
            page = json.loads(line)
            index, count = int(page["index"]), len(page["images"])
            fields = (str(page["request"]), int(page["page"]), count, str(page["nextPageToken"]))
            is_last = bool(page["last"])
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise CommandError(USAGE, f"{self._path}, line {number}: not a line that eegrpc batch wrote") from error
        self._note(index, *fields, is_last=is_last)

    def _note(self, index: int, line_digest: str, page: int, images: int, token: str, *, is_last: bool) -> None:
        self.images += images
        if not is_last:
            before = self._begun.get(index, Progress())
            self._begun[index] = Progress(page, before.images + images, token)
            self._digests[index] = line_digest
            return
        self._begun.pop(index, None)
        self._digests.pop(index, None)
        if index // 8 >= len(self._done):
            self._done.extend(bytes(index // 8 + 1 - len(self._done)))
        self._done[index // 8] |= 1 << index % 8
        self.done_count += 1
