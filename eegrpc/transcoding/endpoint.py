"""Where a channel connects to: one host and port, and whether TLS is spoken there."""

from __future__ import annotations

import ipaddress
import re
from typing import Literal, NamedTuple

__all__ = ["Endpoint", "is_loopback_host"]

_DEFAULT_PORTS: dict[str, int] = {"https": 443, "http": 80}
_EXPECTED = 'give "host", "host:port", "https://host[:port]" or, for plaintext, "http://host[:port]"'

_NOT_URL_TEXT = re.compile(r"[^\x21-\x7e]")
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")
_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")


class Endpoint(NamedTuple):
    """One host and port, and the scheme spoken there. Made by `parse`, which checks it."""

    scheme: Literal["https", "http"]
    """``https`` for TLS, ``http`` for plaintext; it says nothing about gRPC or REST."""
    host: str
    """Lower-case name, or an IP address; IPv6 without its brackets."""
    port: int

    @classmethod
    def parse(cls, text: str) -> Endpoint:
        """Return the endpoint that `text` names.

        Args:
            text: ``host``, ``host:port`` or ``https://…`` for TLS; ``http://…`` for plaintext. One trailing ``/`` is
                tolerated. IPv6 addresses stand in brackets.

        Raises:
            ValueError: It has userinfo, a path, a query, a fragment, white space, control or non-ASCII characters,
                another scheme, a port outside 1 to 65535, or no host. The caller must correct it. The text never
                repeats the endpoint, which may hold a password or a key.
        """
        if not isinstance(text, str):
            raise ValueError(f"endpoint must be str, not {type(text).__name__}: {_EXPECTED}")
        if bad := _NOT_URL_TEXT.search(text):
            raise ValueError(
                f"endpoint has a space, control or non-ASCII character (U+{ord(bad.group()):04X}) "
                f"in column {bad.start() + 1}: remove it, and write international names in their xn-- form"
            )
        scheme, rest = _split_scheme(text)
        rest = rest.removesuffix("/")
        for mark, name in (("#", "a fragment"), ("?", "a query"), ("/", "a path"), ("\\", "a backslash")):
            if mark in rest:
                raise ValueError(f"endpoint has {name}: {_EXPECTED}, and nothing after it")
        if "@" in rest:
            raise ValueError("endpoint has a user name or password before '@': remove it, and pass credentials=")
        host, port_text = _split_port(rest)
        port = _DEFAULT_PORTS[scheme] if port_text is None else _port(port_text)
        return cls("http" if scheme == "http" else "https", host, port)

    @property
    def target(self) -> str:
        """``host:port`` as gRPC takes it, IPv6 in brackets."""
        return f"{self._bracketed}:{self.port}"

    @property
    def origin(self) -> str:
        """``https://host[:port]``, the port only where it is not the scheme's own (RFC 6454)."""
        return f"{self.scheme}://{self.authority}"

    @property
    def authority(self) -> str:
        """``host[:port]`` as the Host field of HTTP has it, the port only where it is not the scheme's own."""
        return self._bracketed if self.port == _DEFAULT_PORTS[self.scheme] else self.target

    @property
    def plaintext(self) -> bool:
        """True if nothing is encrypted on the way."""
        return self.scheme == "http"

    @property
    def is_loopback(self) -> bool:
        """True for a literal 127.0.0.0/8 address, ``::1`` and the exact name ``localhost``.

        A name that merely resolves to such an address is not loopback: whoever answers its DNS query decides.
        """
        return is_loopback_host(self.host)

    @property
    def is_google(self) -> bool:
        """True for a host under ``googleapis.com``, compared label by label."""
        return self.host.split(".")[-2:] == ["googleapis", "com"] and self.host.count(".") >= 2

    @property
    def _bracketed(self) -> str:
        return f"[{self.host}]" if ":" in self.host else self.host


def is_loopback_host(host: str) -> bool:
    """Return whether `host` is loopback by its spelling alone, see `Endpoint.is_loopback`."""
    if host == "localhost":
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    # Not address.is_loopback: newer Pythons say yes to IPv4-mapped addresses too.
    return address in _LOOPBACK_4 if isinstance(address, ipaddress.IPv4Address) else address == _LOOPBACK_6


_LOOPBACK_4 = ipaddress.IPv4Network("127.0.0.0/8")
_LOOPBACK_6 = ipaddress.IPv6Address("::1")


def _split_scheme(text: str) -> tuple[str, str]:
    """Return the scheme, ``https`` if there is none, and what follows it."""
    if match := _SCHEME.match(text):
        scheme = match.group(1).lower()
        if scheme not in _DEFAULT_PORTS:
            raise ValueError(f"endpoint has the scheme {scheme[:16]!r}, which is not https or http: {_EXPECTED}")
        return scheme, text[match.end() :]
    if "://" in text:
        raise ValueError(f"endpoint has no scheme before '://': {_EXPECTED}")
    return "https", text


def _split_port(authority: str) -> tuple[str, str | None]:
    """Return the checked host, and the port's text if there is one."""
    if authority.startswith("["):
        literal, bracket, rest = authority[1:].partition("]")
        if not bracket or (rest and not rest.startswith(":")):
            raise ValueError('endpoint has a malformed IPv6 address: give it like "https://[2001:db8::1]:443"')
        try:
            host = str(ipaddress.IPv6Address(literal))
        except ValueError:
            host = ""
        if not host or "%" in host:
            raise ValueError("endpoint's brackets hold no IPv6 address (zone ids are not supported)")
        return host, rest[1:] if rest else None
    name, colon, port = authority.partition(":")
    if ":" in port:
        raise ValueError("endpoint has more than one ':' in its host: IPv6 addresses need brackets, [::1]:443")
    return _host(name), port if colon else None


def _host(name: str) -> str:
    """Return the host name in lower case, or raise for anything that is not a plain name or a dotted quad."""
    if not name:
        raise ValueError(f"endpoint has no host: {_EXPECTED}")
    host = name.lower()
    labels = host.split(".")
    if _NUMBER.fullmatch(labels[-1]):
        # What ends in a number is an address. Resolvers also take 127.1, 0x7f.1 and 2130706433; nobody else reads
        # those as the address they are (https://url.spec.whatwg.org/#ends-in-a-number-checker).
        try:
            return str(ipaddress.IPv4Address(host))
        except ValueError:
            raise ValueError("endpoint's host ends in a number but is no IPv4 address of four decimal parts") from None
    if len(host) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
        raise ValueError(
            "endpoint's host is not a DNS name: labels of 1 to 63 letters, digits and hyphens, joined by single dots"
        )
    return host


def _port(text: str) -> int:
    if not (text.isdigit() and len(text) <= 5 and 1 <= int(text) <= 65535):
        raise ValueError("endpoint's port is not a number from 1 to 65535: correct it, or leave out ':' and port")
    return int(text)
