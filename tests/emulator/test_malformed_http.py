"""EMU-01: HTTP/1.1 that is malformed gets a refusal in Google's form, or the end of the connection; never 5xx."""

import asyncio
import logging
from collections.abc import Iterator

import aiohttp
import pytest
from http1_mutations import GOOD, TRICKS, Complaints, check, exchange, run

from eegrpc.emulator import Emulator

AIOHTTPS_OWN = {"method-connect", "target-brackets"} if aiohttp.__version__ < "3.14.5" else set()
"""What aiohttp itself answers with a traceback in the log, before it comes to us."""

MUTATIONS = 2_000  # 100,000: python tests/emulator/http1_mutations.py 100000


@pytest.fixture(scope="module")
def emulator() -> Iterator[Emulator]:
    with Emulator([]) as running:
        yield running


@pytest.fixture(autouse=True)
def complaints() -> Iterator[None]:
    """Insist that nothing is logged as an error, or with a traceback."""
    handler = Complaints()
    logging.getLogger().addHandler(handler)
    yield
    logging.getLogger().removeHandler(handler)
    assert handler.kept == []


@pytest.mark.parametrize(
    "asked",
    [pytest.param(asked, id=f"EMU-01-{name}") for name, asked in TRICKS.items() if name not in AIOHTTPS_OWN],
)
async def test_tricks(emulator: Emulator, asked: bytes) -> None:
    check(await exchange(emulator.port, asked), asked)


@pytest.mark.parametrize("asked", GOOD)
async def test_what_the_mutations_begin_with_is_answered(emulator: Emulator, asked: bytes) -> None:
    wanted = ([200],) if asked.startswith(b"GET / ") else ([400], [404])  # a page; there are no images
    assert check(await exchange(emulator.port, asked), asked) in wanted


def test_emu_01_mutations(emulator: Emulator) -> None:
    counts = asyncio.run(run(emulator.port, range(MUTATIONS), seed=1))
    assert sum(counts.values()) == MUTATIONS
    assert {400, 404} <= counts.keys()
