"""The synchronous and the asyncio half offer the same: equal signatures, but for what asyncio itself demands."""

from __future__ import annotations

import inspect

import pytest

from eegrpc import _aio_pager, _async_client, _client, _pager

RENAMED = {"__enter__": "__aenter__", "__exit__": "__aexit__", "__iter__": "__aiter__", "__next__": "__anext__"}
PAIRS = [
    (_client.EarthEngineClient, _async_client.EarthEngineAsyncClient, {}),
    (_pager.ComputeImagesPager, _aio_pager.ComputeImagesAsyncPager, {"close": "aclose"}),
]


def public(cls):
    """Names of the members that callers use, the protocols of contexts and iteration among them."""
    special = {*RENAMED, *RENAMED.values(), "__init__"}
    return {name for name in vars(cls) if name in special or not name.startswith("_")}


@pytest.mark.parametrize(("sync", "aio", "renamed"), PAIRS, ids=lambda value: getattr(value, "__name__", None))
def test_the_same_members_with_the_same_parameters(sync, aio, renamed):
    renamed = RENAMED | renamed
    assert {renamed.get(name, name) for name in public(sync)} == public(aio)
    for name in public(sync):
        here, there = vars(sync)[name], vars(aio)[renamed.get(name, name)]
        if isinstance(here, property):
            assert isinstance(there, property), name
            continue
        parameters = [
            [(p.name, p.kind, p.default) for p in inspect.signature(member).parameters.values()]
            for member in (here, there)
        ]
        assert parameters[0] == parameters[1], name
        waits = inspect.iscoroutinefunction(there)
        assert waits is (name not in ("__init__", "__iter__")), name
        assert not inspect.iscoroutinefunction(here), name


def test_the_contract_of_the_design():
    init = inspect.signature(_client.EarthEngineClient.__init__)
    assert list(init.parameters) == [
        *("self", "project", "endpoint", "transport", "channel", "credentials", "api_version", "retry", "timeout"),
        *("interceptors", "quota", "prefetch", "max_empty_pages"),
    ]
    call = inspect.signature(_client.EarthEngineClient.compute_images)
    assert list(call.parameters) == [
        *("self", "expression", "project", "page_size", "page_token", "workload_tag", "fields", "limit", "retry"),
        *("timeout", "metadata", "prefetch"),
    ]
