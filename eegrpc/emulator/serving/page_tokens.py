"""Opaque page tokens: where the next page starts, sealed so that a token serves only the computation it came from."""

from __future__ import annotations

import base64
import binascii
import hmac
from hashlib import blake2b

__all__ = ["PageTokenError", "read_token", "same_place", "write_token"]

# Fixed, so that the same requests give the same tokens, also after a restart: tests may compare recorded answers.
_KEY = b"eegrpc emulator page tokens"
_SEAL = 12
_OFFSET = 8
_PLACE = 48  # bits of the offset; those above it only make tokens for one place differ


class PageTokenError(ValueError):
    """A token that this emulator did not make, or made for another computation."""


def write_token(offset: int, computation: bytes) -> str:
    """Return the token of the page that starts at image number `offset` of `computation` (any bytes that name it)."""
    return _write(offset, computation)


def read_token(token: str, computation: bytes) -> int:
    """Return the offset that `token` holds.

    Raises:
        PageTokenError: It is not one of ours, or not one of this computation.
    """
    return _read(token, computation) % (1 << _PLACE)


def same_place(token: str, computation: bytes) -> str:
    """Return another token of the page that `token` is of; the first page's is empty.

    Raises:
        PageTokenError: It is not one of ours, or not one of this computation.
    """
    number = _read(token, computation) if token else 0
    return _write((number + (1 << _PLACE)) % (1 << 8 * _OFFSET), computation)


def _write(value: int, computation: bytes) -> str:
    number = value.to_bytes(_OFFSET, "big")
    return base64.urlsafe_b64encode(number + _seal(number, computation)).decode().rstrip("=")


def _read(token: str, computation: bytes) -> int:
    try:
        data = base64.b64decode(token.encode("ascii") + b"=" * (-len(token) % 4), altchars=b"-_", validate=True)
    except (UnicodeEncodeError, binascii.Error) as error:
        raise PageTokenError("not a page token") from error
    number, seal = data[:_OFFSET], data[_OFFSET:]
    if not hmac.compare_digest(seal, _seal(number, computation)):
        raise PageTokenError("not a page token of this computation")
    return int.from_bytes(number, "big")


def _seal(number: bytes, computation: bytes) -> bytes:
    return blake2b(number + computation, key=_KEY, digest_size=_SEAL).digest()
