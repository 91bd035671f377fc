"""The secrets that tests plant, all with one prefix. `secret_watch` fails every test that lets one out."""

from __future__ import annotations

import base64
import functools
from typing import Final

PREFIX: Final = "canary-"
ACCESS_TOKEN: Final = "canary-access"
REFRESH_TOKEN: Final = "canary-refresh-token"
CLIENT_SECRET: Final = "canary-client-secret"
API_KEY: Final = "canary-key"
PASSWORD: Final = "canary-password"

_KEY_LINES: list[str] = []
"""Some lines of the private key, once there is one: few, because every text is searched for them."""


@functools.cache
def private_key() -> str:
    """Return the private key of service accounts, as PEM: a real one, made for this run."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    pem = key.private_bytes(*form).decode()
    _KEY_LINES.extend(pem.splitlines()[9:12])  # not the first, which all such keys have in common
    return pem


def _in_base64(secret: str) -> list[str]:
    """Return what stands in base64 where `secret` is encoded, for each of the three places at which it can begin."""
    forms = []
    for before in range(3):
        text = base64.b64encode(b"\0" * before + secret.encode()).decode().rstrip("=")
        forms.append(text[(0, 2, 3)[before] : len(text) - 1])  # at both ends, bits of the neighbours are mixed in
    return forms


_FORMS: Final = (PREFIX, *_in_base64(PASSWORD))  # basic authentication, of servers and of proxies, is base64


def has_canary(text: str) -> bool:
    """Return whether `text` gives a secret away."""
    for form in _FORMS:
        if form in text:
            return True
    return any(line in text for line in _KEY_LINES)


def no_canaries(*things: object) -> None:
    """Insist that none of these, as text, gives a secret away."""
    for thing in things:
        assert not has_canary(str(thing))
