"""FBK-03 and FBK-04: how often gRPC is tried, by one call of many, and again when the time has come."""

from __future__ import annotations

import itertools
import logging
import threading
from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest
from fallback_peers import Port, client, closes, html, http1_only, http2_answers, splice, warnings_of
from judges import probes
from servers import ScriptedServicer, grpc_server
from waiting import PATIENCE

from eegrpc._fallback import Route, TransportJudge
from eegrpc.transcoding.types import Reply

Code = grpc.StatusCode


@pytest.mark.parametrize("peer", ["grpc", "http1", "html", "hangs-up"])
def test_fbk_03_a_hundred_first_calls_make_one_probe(stack, rest, colour, peer):
    servicer, rest_port = rest
    over_grpc = ScriptedServicer()
    http2 = {"http1": http1_only, "html": html(403), "hangs-up": closes}.get(peer)
    port = stack.enter_context(Port(http2 or splice(stack.enter_context(grpc_server(over_grpc))), splice(rest_port)))
    auto = stack.enter_context(client(colour, port.url))
    tried = probes(auto.judge)
    if colour == "sync":
        with ThreadPoolExecutor(100) as pool:
            outcomes = list(pool.map(lambda number: auto.call(str(number)), range(100)))
    else:
        outcomes = [running.end() for running in [auto.start(str(number)) for number in range(100)]]
    assert [outcome.token for outcome in outcomes] == [str(number) for number in range(100)]
    assert len(tried) == 1
    assert (over_grpc.calls, servicer.calls) == ((100, 0) if peer == "grpc" else (0, 100))
    assert port.streams == (1 if peer == "html" else 0)
    assert {outcome.by_rest for outcome in outcomes} == {peer != "grpc"}


# --- FBK-04: sticky, re-probed, no flapping --------------------------------------------------------------------------


def test_fbk_04_grpc_is_tried_again_when_the_time_has_come(both, stack, colour, caplog):
    port, over_grpc, over_rest = both
    works, port.scripts["http2"] = port.scripts["http2"], html(403)
    auto = stack.enter_context(client(colour, port.url))
    now = [0.0]
    auto.judge._clock = lambda: now[0]
    tried = probes(auto.judge)
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            assert auto.call().by_rest
        assert (len(tried), port.streams) == (1, 1)
        now[0] = 299.0
        assert auto.call().by_rest
        assert (len(tried), port.streams) == (1, 1)
        now[0] = 301.0
        for _ in range(3):  # still the same: one call tries, and is answered all the same
            assert auto.call().by_rest
        assert (len(tried), port.streams) == (2, 2)
        port.scripts["http2"] = works
        port.drop()
        calls = over_rest.calls
        while (outcome := auto.call()).by_rest:  # until grpc has connected anew
            calls += 1
            now[0] += 301.0
            assert outcome.code is Code.OK
        assert (outcome.code, outcome.trailing) == (Code.OK, {})
        assert (over_grpc.calls, over_rest.calls) == (1, calls)
    logged = warnings_of(caplog)
    assert "calls go by REST" in logged[0]
    assert logged[-1].endswith("gRPC gets through now, calls go by gRPC")
    port.scripts["http2"] = html(403)
    port.drop()
    now[0] += 1000.0
    assert not auto.call(timeout=2).by_rest, "gRPC, once proven, is for good"


def test_fbk_04_flapping_grpc_switches_at_most_once_per_period():
    now, switches = [0.0], []
    judge = TransportJudge(300.0, "flapping", clock=lambda: now[0])
    not_found = Reply(Code.UNIMPLEMENTED, "Method not found!")
    weather = [not_found, Reply(Code.UNAVAILABLE, "overloaded"), not_found, Reply(Code.OK), not_found, Reply(Code.OK)]
    last = None
    for second in range(3000):
        now[0] = float(second)
        route = judge.route()
        if route is Route.PROBE:
            judge.heard(weather[second // 100 % len(weather)], connected=True, replayable=True)
            judge.probe_ended()
        elif route is Route.GRPC:
            judge.heard(weather[second // 100 % len(weather)], connected=True, replayable=True)
        if judge.settled() is not last:
            last = judge.settled()
            switches.append(second)
    assert all(later - earlier >= 300 for earlier, later in itertools.pairwise(switches))
    assert judge.settled() is Route.GRPC


def test_fbk_04_while_one_call_probes_again_the_others_go_by_rest(stack, rest, colour):
    arrived, hangs = threading.Event(), threading.Event()

    def answer(connection, stream):
        if hangs.is_set():
            arrived.set()
        else:
            connection.send_headers(stream, [(":status", "404")], end_stream=True)

    port = stack.enter_context(Port(http2_answers(answer), splice(rest[1])))
    auto = stack.enter_context(client(colour, port.url))
    now = [0.0]
    auto.judge._clock = lambda: now[0]
    assert auto.call().by_rest
    hangs.set()
    now[0] += 301.0
    probe = auto.start("probe", timeout=None)
    assert arrived.wait(PATIENCE)
    now[0] += 301.0
    assert auto.call("other").by_rest
    probe.cancel()
    assert probe.end().code is Code.CANCELLED
    assert auto.call("later").by_rest, "what was known stays"
    assert port.streams == 2
    assert rest[0].calls == 3
