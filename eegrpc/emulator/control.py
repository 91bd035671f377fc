"""A running emulator over REST, for tests in other processes and languages.

All is under ``/emulator/v1``; faults, events and quota are under ``/emulator`` as well:

GET, PUT, DELETE  /faults    {"faults": ["unavailable:0.1"], "seed": 7}
GET               /events    {"events": [{"number": 3, "protocol": "rest", "fault": "reset", "delay": 0}]}
GET, PUT, DELETE  /quota     {"quota": "40:100", "projects": {"projects/p": {"attempts": 1, ...}}}
GET, DELETE       /journal   {"entries": [...], "dropped": 0}; the last 100, or ``?last=N``
POST              /load      {"loaded": 3}; the body has one EarthEngineAsset in JSON per line
GET               /snapshot  what was loaded, one EarthEngineAsset in JSON per line
POST              /reset     {}

All but /quota take ``?project=my-project``.
"""

from __future__ import annotations

import asyncio
import dataclasses
import json
from typing import TYPE_CHECKING, Any

from aiohttp import web
from google.protobuf import json_format

from eegrpc.emulator.catalog import read_assets
from eegrpc.emulator.faults.plan import FaultPlan
from eegrpc.emulator.ndjson import parse_lines
from eegrpc.emulator.serving.loopback import error_answer, is_from_here, refusal
from eegrpc.emulator.serving.quota import Quota
from eegrpc.errors import EarthEngineError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from concurrent.futures import Executor

    from eegrpc.emulator.bench import Bench
    from eegrpc.emulator.testing.journal import Journal

    Query = Mapping[str, str]
    Action = Callable[[Query, bytes], object]  # takes query and body

__all__ = ["add_control", "add_health"]


_LAST = 100  # entries of the journal


def add_health(application: web.Application) -> None:
    """Let an application say that it serves, at ``/healthz``, to whoever asks."""

    async def handle(_: web.Request) -> web.Response:
        return web.json_response({"status": "SERVING"})

    application.router.add_get("/healthz", handle)


def add_control(application: web.Application, bench: Bench, executor: Executor) -> None:
    """Let an application answer requests that control an emulator.

    Only for loopback, and not for pages of other sites (:mod:`eegrpc.emulator.serving.loopback`).
    """
    for path, methods in _routes(bench).items():
        names = [f"/emulator/v1/{path}"]
        if path in ("faults", "events", "quota"):
            names.append(f"/emulator/{path}")
        for name in names:
            for method, action in methods.items():
                application.router.add_route(method, name, _handler(action, executor))


def _routes(bench: Bench) -> dict[str, dict[str, Action]]:
    """Return what each path does, by method."""

    def of(query: Query) -> Any:
        return bench.project(query["project"]) if "project" in query else bench

    def show_faults(query: Query, _: bytes) -> object:
        plan = of(query).faults
        return (
            {"faults": [], "seed": 0} if plan is None else {"faults": [r.text for r in plan.rules], "seed": plan.seed}
        )

    def put_faults(query: Query, body: bytes) -> object:
        given = json.loads(body)
        given = {"faults": given} if isinstance(given, list) else given
        _check(given, {"faults": list, "seed": int})
        if not all(isinstance(each, str) for each in given.get("faults", ())):
            raise ValueError("faults must be a list of texts, such as unavailable:0.1")
        bench.set_faults(FaultPlan(given.get("faults", ()), seed=given.get("seed", 0)), query.get("project"))
        return show_faults(query, b"")

    def delete_faults(query: Query, _: bytes) -> object:
        bench.set_faults(None, query.get("project"))
        return show_faults(query, b"")

    def show_events(query: Query, _: bytes) -> object:
        return {"events": [dataclasses.asdict(event) for event in of(query).events]}

    def show_quota(*_: object) -> object:
        projects = {name: dataclasses.asdict(figures) for name, figures in bench.quota_figures.items()}
        return {"quota": None if bench.quota is None else str(bench.quota), "projects": projects}

    def put_quota(_: Query, body: bytes) -> object:
        given = json.loads(body)
        _check(given, {"quota": str})
        bench.set_quota(Quota.parse(given.get("quota", ":")))
        return show_quota()

    def delete_quota(*_: object) -> object:
        bench.set_quota(None)
        return show_quota()

    def show_journal(query: Query, _: bytes) -> object:
        journal: Journal = of(query).journal
        last = int(query.get("last", _LAST))
        entries = journal[-last:] if last > 0 else []
        return {"entries": [entry.to_json() for entry in entries], "dropped": journal.dropped}

    def delete_journal(query: Query, _: bytes) -> object:
        of(query).journal.clear()
        return show_journal(query, b"")

    def load(query: Query, body: bytes) -> object:
        return {"loaded": bench.load(read_assets(parse_lines(body.splitlines(), "body")), query.get("project"))}

    def snapshot(query: Query, _: bytes) -> object:
        assets = bench.snapshot(query.get("project"))
        return "".join(f"{json_format.MessageToJson(each, indent=None, sort_keys=True)}\n" for each in assets)

    def reset(query: Query, _: bytes) -> object:
        bench.reset(query.get("project"))
        return {}

    return {
        "faults": {"GET": show_faults, "PUT": put_faults, "DELETE": delete_faults},
        "events": {"GET": show_events},
        "quota": {"GET": show_quota, "PUT": put_quota, "DELETE": delete_quota},
        "journal": {"GET": show_journal, "DELETE": delete_journal},
        "load": {"POST": load},
        "snapshot": {"GET": snapshot},
        "reset": {"POST": reset},
    }


def _handler(action: Action, executor: Executor) -> Any:
    async def handle(request: web.Request) -> web.Response:
        if not is_from_here(request):
            return refusal("control")
        body = await request.read()
        try:
            # Elsewhere: reading many assets takes a while.
            answer = await asyncio.get_running_loop().run_in_executor(executor, action, request.query, body)
        except EarthEngineError as error:
            return error_answer(400, "INVALID_ARGUMENT", error.details() or "")
        except (ValueError, RecursionError) as error:
            return error_answer(400, "INVALID_ARGUMENT", str(error))
        if isinstance(answer, str):
            return web.Response(text=answer, content_type="application/x-ndjson")
        return web.json_response(answer)

    return handle


def _check(given: Any, fields: dict[str, type]) -> None:
    """Raise ValueError unless `given` is an object with no other fields than these."""
    if not isinstance(given, dict) or not given.keys() <= fields.keys():
        raise ValueError(f"the body must be a JSON object with the fields {', '.join(fields)}")
    for name, value in given.items():
        if not isinstance(value, fields[name]) or isinstance(value, bool):
            raise ValueError(f"{name} must be {fields[name].__name__}")
