"""A pytest plugin: a test fails if a planted secret (`canaries`) comes to light while it runs.

It reads what tests and product print, also for `capsys`; what their child processes print, where `communicate` (or
`subprocess.run`) reads it; every log record of the product and of the libraries under it, down to DEBUG; every error
that the product and gRPC make, whoever catches it; and what `pytest.raises` catches, with all that hangs on it.
With ``-s`` nothing is captured, so what is printed is not read.
"""

from __future__ import annotations

import functools
import logging
import subprocess
from typing import Any

import grpc
import grpc._channel
import pytest
from canaries import has_canary

from eegrpc._credentials import CredentialsError
from eegrpc._failed_call import FailedCall
from eegrpc.errors import EarthEngineError
from eegrpc.transcoding.call import TranscodedCall

LOGGERS = ("eegrpc", "urllib3", "aiohttp", "google", "google.auth", "grpc")

_RECORD = vars(logging.makeLogRecord({})).keys()
"""What a log record has of its own; the rest is the caller's."""

_found: list[str] = []
"""Where secrets were found since the last report."""


def look(where: str, *things: object) -> None:
    """Search the text of `things`."""
    for thing in things:
        if has_canary(thing.decode("latin-1") if isinstance(thing, bytes) else str(thing)):
            _found.append(where)


def look_at_error(error: BaseException) -> None:
    """Search an error and all that hangs on it, shown or not."""
    left: list[BaseException | None] = [error]
    seen: set[int] = set()
    while left:
        each = left.pop()
        if each is not None and id(each) not in seen:
            seen.add(id(each))
            _look_at_one(each)
            left += (each.__cause__, each.__context__)


def _look_at_one(error: Any) -> None:
    metadata = ()
    if isinstance(error, (EarthEngineError, grpc.aio.AioRpcError, TranscodedCall)):
        metadata = error.initial_metadata(), error.trailing_metadata()
    look(f"an error, {type(error).__name__}", f"{error}\n{error!r}\n{error.args}\n{metadata}")


class _Handler(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        given = vars(record)
        if "looked_at" in given:
            return  # by the handler of a logger further down
        extras = [given[name] for name in given.keys() - _RECORD]
        record.looked_at = True
        look(f"a log record of {record.name}", f"{record.getMessage()}\n{extras}")
        if record.exc_info and record.exc_info[1] is not None:
            look_at_error(record.exc_info[1])


def _after(owner: Any, name: str, look_at: Any) -> None:
    """Have a method's owner and result looked at when it has returned."""
    method = getattr(owner, name)

    @functools.wraps(method)
    def watched(self: Any, *args: Any, **kwargs: Any) -> Any:
        result = method(self, *args, **kwargs)
        look_at(self, result)
        return result

    setattr(owner, name, watched)


def _watch_raises() -> None:
    leave = pytest.RaisesExc.__exit__

    def watched(self: Any, kind: Any, error: BaseException | None, trace: Any) -> Any:
        if error is not None:
            look_at_error(error)
        return leave(self, kind, error, trace)

    pytest.RaisesExc.__exit__ = watched  # type: ignore[method-assign]


def pytest_configure() -> None:
    handler = _Handler()
    for name in ("", *LOGGERS):
        logger = logging.getLogger(name)
        logger.addHandler(handler)
        if name:
            logger.setLevel(logging.DEBUG)
    stock = (grpc.aio.AioRpcError, grpc._channel._InactiveRpcError)
    for error in (EarthEngineError, CredentialsError, FailedCall, *stock):
        _after(error, "__init__", lambda made, _: _look_at_one(made))
    _after(TranscodedCall, "end", lambda call, _: _look_at_one(call))
    _after(pytest.CaptureFixture, "readouterr", lambda _, written: look("what was printed", written.out, written.err))
    _after(subprocess.Popen, "communicate", lambda _, written: look("the output of a child process", *written))
    _watch_raises()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Any:
    report = yield
    for title, text in report.sections:
        if title.endswith(call.when):
            look(title, text)
    if _found:
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid}: a planted secret is in {', and in '.join(dict.fromkeys(_found))}"
        _found.clear()
    return report
