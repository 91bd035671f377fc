"""Seeded mutations of HTTP/1.1 requests, sent by raw sockets, and what a server's answers must be.

`python tests/emulator/http1_mutations.py COUNT [SEED]` runs them against an emulator of its own.
"""

from __future__ import annotations

import asyncio
import collections
import contextlib
import gzip
import json
import logging
import random
import re
import sys
import time

PATH = "/v1alpha/projects/p/imageCollection:computeImages"
CALL = {"functionName": "ImageCollection.load", "arguments": {"id": {"constantValue": "c"}}}
BODY = json.dumps({"expression": {"result": "0", "values": {"0": {"functionInvocationValue": CALL}}}}).encode()
AT_ONCE = 32
PATIENCE = 30
_MOMENT = 0.3  # seconds
_HEAD = re.compile(rb"HTTP/\d\.\d (\d{3}) [^\r\n]*\r\n((?:[^\r\n]+\r\n)*)\r\n")


def chunked(*parts: bytes) -> bytes:
    return b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"


def request(body: bytes = BODY, *headers: bytes, line: bytes = b"POST %s HTTP/1.1" % PATH.encode()) -> bytes:
    """Return a request that is as it should be, but for what is given."""
    usual = (b"Host: localhost", b"Content-Type: application/json")
    return b"\r\n".join((line, *usual, *headers, b"", body))


def sized(body: bytes = BODY, *headers: bytes) -> bytes:
    return request(body, b"Content-Length: %d" % len(body), *headers)


TE = b"Transfer-Encoding: chunked"
GOOD = (
    sized(),
    request(chunked(BODY[:50], BODY[50:]), TE),
    sized(gzip.compress(BODY, mtime=0), b"Content-Encoding: gzip"),
    sized(BODY, b"Accept-Encoding: gzip", b"Connection: keep-alive", b"X-Server-Timeout: 5"),
    sized(BODY, b"Expect: 100-continue"),
    b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
)
"""What the mutations begin with."""

TRICKS = {
    "length-and-chunked": request(chunked(BODY), b"Content-Length: %d" % len(BODY), TE),
    "chunked-and-length": request(BODY, TE, b"Content-Length: %d" % len(BODY)),
    "two-lengths": request(BODY, b"Content-Length: %d" % len(BODY), b"Content-Length: 3"),
    "two-equal-lengths": request(BODY, *[b"Content-Length: %d" % len(BODY)] * 2),
    "length-list": request(BODY, b"Content-Length: 3, 3"),
    "length-signed": request(BODY, b"Content-Length: +%d" % len(BODY)),
    "length-negative": request(BODY, b"Content-Length: -1"),
    "length-hexadecimal": request(BODY, b"Content-Length: 0x10"),
    "length-huge": request(BODY, b"Content-Length: " + b"9" * 40),
    "length-empty": request(BODY, b"Content-Length:"),
    "chunked-twice": request(chunked(BODY), b"Transfer-Encoding: chunked, chunked"),
    "chunked-not-last": request(chunked(BODY), b"Transfer-Encoding: chunked, identity"),
    "coding-unknown": request(chunked(BODY), b"Transfer-Encoding: xchunked"),
    "coding-with-tab": request(chunked(BODY), b"Transfer-Encoding:\x0bchunked"),
    "space-before-colon": request(BODY, b"Content-Length : %d" % len(BODY)),
    "chunk-size-signed": request(b"+5\r\n12345\r\n0\r\n\r\n", TE),
    "chunk-size-negative": request(b"-1\r\n12345\r\n0\r\n\r\n", TE),
    "chunk-size-prefixed": request(b"0x5\r\n12345\r\n0\r\n\r\n", TE),
    "chunk-size-huge": request(b"f" * 40 + b"\r\n12345\r\n0\r\n\r\n", TE),
    "chunk-size-missing": request(b"\r\n12345\r\n0\r\n\r\n", TE),
    "chunk-too-long": request(b"3\r\n12345\r\n0\r\n\r\n", TE),
    "chunk-extension-newline": request(b"5;a=\n\r\n12345\r\n0\r\n\r\n", TE),
    "chunk-bare-newlines": request(b"5\n12345\n0\n\n", TE),
    "chunk-extension-long": request(b"5;" + b"a" * 70_000 + b"\r\n12345\r\n0\r\n\r\n", TE),
    "trailers-endless": request(b"0\r\n" + b"a: b\r\n" * 20_000, TE),
    "line-64k": request(line=b"POST /" + b"a" * 65536 + b" HTTP/1.1"),
    "header-64k": sized(BODY, b"X: " + b"a" * 65536),
    "headers-many": sized(BODY, *(b"X-%d: a" % number for number in range(5000))),
    "method-unknown": request(line=b"BREW / HTTP/1.1"),
    "method-malformed": request(line=b"PO(ST / HTTP/1.1"),
    "method-lower": request(line=b"post / HTTP/1.1"),
    "method-long": request(line=b"A" * 65536 + b" / HTTP/1.1"),
    "method-connect": request(line=b"CONNECT localhost:80 HTTP/1.1"),
    "version-0.9": b"GET /\r\n",
    "version-2.0": request(line=b"GET / HTTP/2.0"),
    "version-odd": request(line=b"GET / HTTP/1.999999999999"),
    "version-missing": request(line=b"GET /"),
    "target-absolute": request(line=b"GET http://evil/ HTTP/1.1"),
    "target-star": request(line=b"OPTIONS * HTTP/1.1"),
    "target-empty": request(line=b"GET  HTTP/1.1"),
    "target-raw-bytes": request(line=b"GET /\xff\xfe HTTP/1.1"),
    "target-nul": request(line=b"GET /\x00 HTTP/1.1"),
    "target-brackets": request(line=b"GET http://[::1 HTTP/1.1"),
    "target-port": request(line=b"GET http://a:99999999/ HTTP/1.1"),
    "folded-header": sized(BODY, b"X: a\r\n b"),
    "header-nul": sized(BODY, b"X: a\0b"),
    "header-without-colon": sized(BODY, b"nonsense"),
    "header-without-name": sized(BODY, b": value"),
    "bare-newlines": sized().replace(b"\r\n", b"\n"),
    "bare-returns": sized().replace(b"\r\n", b"\r"),
    "two-hosts": sized(BODY, b"Host: evil"),
    "no-host": sized().replace(b"Host: localhost\r\n", b""),
    "upgrade": sized(BODY, b"Connection: Upgrade", b"Upgrade: websocket"),
    "upgrade-http2": sized(BODY, b"Connection: Upgrade, HTTP2-Settings", b"Upgrade: h2c", b"HTTP2-Settings: AAMAAABk"),
    "expect-odd": sized(BODY, b"Expect: the-unexpected"),
    "charset-unknown": request(
        BODY, b"Content-Length: %d" % len(BODY), b"Content-Type: application/json; charset=klingon"
    ),
    "gzip-cut": sized(gzip.compress(BODY)[:-9], b"Content-Encoding: gzip"),
    "gzip-not": sized(BODY, b"Content-Encoding: gzip"),
    "gzip-twice": sized(gzip.compress(gzip.compress(BODY)), b"Content-Encoding: gzip, gzip"),
    "coding-br": sized(BODY, b"Content-Encoding: br"),
    "coding-zzz": sized(BODY, b"Content-Encoding: zzz"),
    "deflate-not": sized(BODY, b"Content-Encoding: deflate"),
    "timeout-odd": sized(BODY, b"X-Server-Timeout: nan"),
    "grpc-timeout-odd": sized(BODY, b"Grpc-Timeout: 99999999999H"),
    "details-header": sized(BODY, b"grpc-status-details-bin: ####"),
    "smuggled": sized() + b"GET /smuggled HTTP/1.1\r\nContent-Length: zzz\r\n\r\n",
    "tls": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(500),
    "http2-preface-cut": b"PRI * HTTP/2.0\r\n\r\nS",
    "nothing": b"",
    "newlines": b"\r\n" * 1000,
    "zeros": bytes(1000),
}
"""One request for each way that is known to confuse servers."""

_PIECES = (
    *(b"\r\n", b"\n", b"\r", b"\0", b" ", b"\t", b":", b",", b";", b"\xff", b"%", b"%00", b"/../", b"?", b"#", b"//"),
    *(b"chunked", b"Content-Length: 0\r\n", b"Content-Length: 5\r\n", TE + b"\r\n", b"0\r\n\r\n", b"HTTP/1.0", b"-1"),
    *(b"Connection: close\r\n", b"Content-Encoding: gzip\r\n", b"Expect: 100-continue\r\n", b"\r\n ", b"{", b"[" * 300),
    *(
        b"Accept-Encoding: gzip;q=x\r\n",
        b"X-Goog-FieldMask: (\r\n",
        b"HEAD",
        b"GET",
        b"9" * 20,
        b"\xc3\xa9",
        b"\r\n\r\n",
    ),
)


def mutation(number: int, seed: int) -> bytes:
    """Return one request: the same for one number and one seed."""
    chance = random.Random(f"{seed} {number}")
    made = bytearray(chance.choice(GOOD))
    for _ in range(chance.choice((1, 1, 1, 2, 3, 5))):
        start = chance.randrange(len(made)) if made else 0
        end = min(len(made), start + chance.choice((1, 1, 2, 5, 20)))
        how = chance.randrange(6)
        if how == 0:
            made[start:end] = b""
        elif how == 1:
            made[start:start] = chance.choice(_PIECES)
        elif how == 2:
            made[start:end] = chance.choice(_PIECES)
        elif how == 3:
            made[start:end] = bytes(chance.randrange(256) for _ in range(end - start))
        elif how == 4:
            made[start:start] = made[start:end] * chance.choice((1, 2, 50))
        else:
            del made[start:]
    if chance.random() < 0.1:
        made += chance.choice(GOOD)
    return bytes(made)


def check(answer: bytes, asked: bytes) -> list[int]:
    """Return the HTTP statuses of the responses to what was sent on one connection.

    Raises:
        AssertionError: Something else than responses came, one of 5xx, or one of 4xx that is not in Google's form.
    """
    statuses: list[int] = []
    if asked.startswith(b"PR"):  # HTTP/2, whose server is gRPC's own
        return statuses
    while answer:
        head = _HEAD.match(answer)
        assert head is not None, f"no response: {answer[:200]!r}"
        status = int(head[1])
        answer = answer[head.end() :]
        if status == 100:
            continue
        assert status == 200 or 400 <= status < 500, f"a response of {status}: {answer[:200]!r}"
        headers = dict(line.lower().split(b": ", 1) for line in head[2].splitlines())
        length = int(headers[b"content-length"])
        body, answer = answer[:length], answer[length:]
        statuses.append(status)
        if b"HEAD" in asked and (not body or body.startswith(b"HTTP/1.1")):  # HEAD has no body: it is the next's
            answer = body + answer
            continue
        assert len(body) == length, "the response is cut"
        if headers.get(b"content-encoding") == b"gzip":
            body = gzip.decompress(body)
        if status == 200 and headers.get(b"content-type", b"").startswith(b"text/html"):  # the page at the root
            assert body.startswith(b"<!doctype html>"), body[:100]
            continue
        given = json.loads(body)
        if status != 200:
            assert given["error"].keys() >= {"code", "message", "status"}, given
            assert given["error"]["code"] == status, given
    return statuses


async def exchange(port: int, asked: bytes) -> bytes:
    """Send bytes, and return what comes back.

    The server may wait for more, or for the next request. So once something has come, or nothing for a moment, it is
    told that there is no more; aiohttp drops what it has not answered by then.
    """
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    answer = b""
    try:
        writer.write(asked)
        with contextlib.suppress(asyncio.TimeoutError):
            while not _is_whole(answer) and (more := await asyncio.wait_for(reader.read(1 << 20), _MOMENT)):
                answer += more
        writer.write_eof()
        return answer + await reader.read()
    except ConnectionResetError:  # refused before all was read
        return answer
    finally:
        writer.close()


def _is_whole(answer: bytes) -> bool:
    """Return whether a response, other than 1xx, has come."""
    head = _HEAD.search(answer)
    return head is not None and (head[1] != b"100" or _is_whole(answer[head.end() :]))


class Complaints(logging.Handler):
    """Keeps what is logged as an error, or with a traceback."""

    def __init__(self) -> None:
        super().__init__()
        self.kept: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if record.levelno >= logging.ERROR or record.exc_info:
            self.kept.append(self.format(record))


async def run(port: int, numbers: range, seed: int) -> collections.Counter[int]:
    """Send mutations; return how many connections ended with which status, 0 for none.

    Raises:
        AssertionError: An answer is not what it must be; the text has the seed and the number.
    """
    counts: collections.Counter[int] = collections.Counter()
    left = iter(numbers)

    async def work() -> None:
        for number in left:
            asked = mutation(number, seed)
            answer = await asyncio.wait_for(exchange(port, asked), PATIENCE)
            try:
                statuses = check(answer, asked)
            except (AssertionError, ValueError, KeyError) as error:
                raise AssertionError(f"mutation {number} of seed {seed}, {asked!r}: {error!r}") from error
            counts[statuses[-1] if statuses else 0] += 1

    await asyncio.gather(*(work() for _ in range(AT_ONCE)))
    return counts


def main(count: int, seed: int) -> None:
    from eegrpc.emulator import Emulator

    complaints = Complaints()
    logging.getLogger().addHandler(complaints)
    start = time.monotonic()
    with Emulator([]) as emulator:
        counts = asyncio.run(run(emulator.port, range(count), seed))
    assert not complaints.kept, complaints.kept[0]
    print(f"{count} mutations of seed {seed} in {time.monotonic() - start:.0f} s:", dict(sorted(counts.items())))  # noqa: T201


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 1)
