"""Faults, events and quota of a running emulator over REST, for tests in other processes and languages.

GET, PUT, DELETE  /emulator/faults   {"faults": ["unavailable:0.1"], "seed": 7}
GET               /emulator/events   {"events": [{"number": 3, "protocol": "rest", "fault": "reset", "delay": 0}]}
GET, PUT, DELETE  /emulator/quota    {"quota": "40:100", "projects": {"projects/p": {"attempts": 1, ...}}}
"""

from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING, Any

from aiohttp import web

from eegrpc.emulator.faults.plan import FaultPlan
from eegrpc.emulator.quota import Quota
from eegrpc.transcoding.endpoint import is_loopback_host

if TYPE_CHECKING:
    from collections.abc import Callable

    from eegrpc.emulator.faults.service import FaultyService

__all__ = ["add_control"]


def add_control(application: web.Application, service: FaultyService) -> None:
    """Let an application answer requests that control the service.

    Only for loopback. Requests that a browser sends for a page of another site are refused by their Host: a site can
    give its own name the address 127.0.0.1.
    """

    def show_faults(_: Any = None) -> object:
        plan = service.plan
        return (
            {"faults": [], "seed": 0} if plan is None else {"faults": [r.text for r in plan.rules], "seed": plan.seed}
        )

    def put_faults(given: Any) -> object:
        given = {"faults": given} if isinstance(given, list) else given
        _check(given, {"faults": list, "seed": int})
        if not all(isinstance(each, str) for each in given.get("faults", ())):
            raise ValueError("faults must be a list of texts, such as unavailable:0.1")
        service.plan = FaultPlan(given.get("faults", ()), seed=given.get("seed", 0))
        return show_faults()

    def delete_faults(_: Any) -> object:
        service.plan = None
        return show_faults()

    def show_events(_: Any) -> object:
        return {"events": [dataclasses.asdict(event) for event in service.events]}

    def show_quota(_: Any = None) -> object:
        projects = {name: dataclasses.asdict(figures) for name, figures in service.figures.items()}
        return {"quota": None if service.quota is None else str(service.quota), "projects": projects}

    def put_quota(given: Any) -> object:
        _check(given, {"quota": str})
        service.quota = Quota.parse(given.get("quota", ":"))
        return show_quota()

    def delete_quota(_: Any) -> object:
        service.quota = None
        return show_quota()

    routes: dict[str, dict[str, Callable[[Any], object]]] = {
        "/emulator/faults": {"GET": show_faults, "PUT": put_faults, "DELETE": delete_faults},
        "/emulator/events": {"GET": show_events},
        "/emulator/quota": {"GET": show_quota, "PUT": put_quota, "DELETE": delete_quota},
    }
    for path, methods in routes.items():
        for method, action in methods.items():
            application.router.add_route(method, path, _handler(action))


def _handler(action: Callable[[Any], object]) -> Any:
    async def handle(request: web.Request) -> web.Response:
        if not is_loopback_host(request.url.host or ""):
            return _error(403, "PERMISSION_DENIED", "control is for loopback alone: ask with the host 127.0.0.1")
        try:
            given = json.loads(await request.read()) if request.method == "PUT" else None
            return web.json_response(action(given))
        except (ValueError, RecursionError) as error:
            return _error(400, "INVALID_ARGUMENT", str(error))

    return handle


def _check(given: Any, fields: dict[str, type]) -> None:
    """Raise ValueError unless `given` is an object with no other fields than these."""
    if not isinstance(given, dict) or not given.keys() <= fields.keys():
        raise ValueError(f"the body must be a JSON object with the fields {', '.join(fields)}")
    for name, value in given.items():
        if not isinstance(value, fields[name]) or isinstance(value, bool):
            raise ValueError(f"{name} must be {fields[name].__name__}")


def _error(status: int, name: str, message: str) -> web.Response:
    return web.json_response({"error": {"code": status, "message": message, "status": name}}, status=status)
