"""The call that finds out, and those that wait for it: cancelled, late, closed."""

from __future__ import annotations

import threading

import grpc
import grpc.aio
import pytest
from fallback_peers import Port, client, http1_only, silent, splice
from judges import is_free
from servers import Hang, ScriptedServicer, grpc_server
from waiting import PATIENCE

from eegrpc._fallback import Route

Code = grpc.StatusCode


@pytest.mark.parametrize("phase", ["connecting", "in-grpc", "in-rest"])
def test_a_cancelled_probe_leaves_the_slot_free(stack, rest, colour, phase):
    servicer, rest_port = rest
    over_grpc, hang, reached = ScriptedServicer(), Hang(), threading.Event()
    over_grpc.answer = servicer.answer = hang

    def noted(port, sock, first):
        reached.set()
        silent(port, sock, first)

    http2 = {"connecting": noted, "in-rest": http1_only}.get(phase) or splice(
        stack.enter_context(grpc_server(over_grpc))
    )
    port = stack.enter_context(Port(http2, splice(rest_port)))
    auto = stack.enter_context(client(colour, port.url))
    running = auto.start(timeout=None)
    assert (reached if phase == "connecting" else hang.arrived).wait(PATIENCE)
    running.cancel()
    assert running.end().code is Code.CANCELLED
    if phase != "connecting":
        assert hang.gone.wait(PATIENCE), "the call underneath goes on"
    servicer.answer = over_grpc.answer = ScriptedServicer().answer
    assert auto.call("next", timeout=2).token == "next", "the next call waits for a probe that is no more"
    assert not auto.judge._listeners
    assert not auto.judge._probing


def test_a_call_cancelled_at_once(both, stack, colour):
    port, _, _ = both
    auto = stack.enter_context(client(colour, port.url))
    for _ in range(20):
        running = auto.start()
        running.cancel()
        assert running.end().code in (Code.CANCELLED, Code.OK)
    assert auto.call("next").token == "next"
    assert not auto.judge._probing


def test_a_request_that_cannot_be_serialized(both, stack, colour):
    port, over_grpc, over_rest = both
    auto = stack.enter_context(client(colour, port.url))
    path = "/google.earthengine.v1alpha.EarthEngine/ComputeImages"
    broken = auto.channel.unary_unary(path, lambda _: 1 / 0, bytes)
    if colour == "sync":
        code = broken.future(b"").code()
    else:

        async def call():
            return await broken(b"").code()

        code = auto.run(call())
    assert code is Code.INTERNAL
    assert over_grpc.calls == over_rest.calls == 0
    assert is_free(auto.judge)


def test_waiters_obey_their_deadline_and_their_cancellation(both, stack, colour):
    port, over_grpc, over_rest = both
    over_grpc.answer = hang = Hang()
    auto = stack.enter_context(client(colour, port.url))
    prober = auto.start(timeout=None)
    assert hang.arrived.wait(PATIENCE)
    cancelled, late = auto.start(timeout=None), auto.start(timeout=0.4)
    cancelled.cancel()
    assert cancelled.end().code is Code.CANCELLED
    assert late.end().code is Code.DEADLINE_EXCEEDED
    waiting = auto.start("waited")
    over_grpc.answer = ScriptedServicer().answer
    hang.release.set()
    assert prober.end().code is Code.OK
    assert waiting.end().token == "waited"
    assert not auto.judge._listeners
    assert auto.judge.settled() is Route.GRPC
    assert over_rest.calls == 0


def test_a_waiter_that_loses_patience_finds_out_by_itself(stack, rest, colour):
    port = stack.enter_context(Port(silent, splice(rest[1])))
    auto = stack.enter_context(client(colour, port.url))
    assert auto.judge.route() is Route.PROBE  # as a call that takes its time
    outcome = auto.call("impatient", timeout=1)
    assert (outcome.token, outcome.by_rest) == ("impatient", True)
    assert auto.judge._probing, "it freed the slot of another"
    auto.judge.probe_ended()
    assert auto.judge.settled() is Route.REST


@pytest.mark.parametrize("phase", ["connecting", "in-grpc", "waiting"])
def test_close_ends_calls_that_are_finding_out(stack, rest, colour, phase):
    over_grpc, hang, reached = ScriptedServicer(), Hang(), threading.Event()
    over_grpc.answer = hang

    def noted(port, sock, first):
        reached.set()
        silent(port, sock, first)

    http2 = noted if phase == "connecting" else splice(stack.enter_context(grpc_server(over_grpc)))
    port = stack.enter_context(Port(http2, splice(rest[1])))
    auto = stack.enter_context(client(colour, port.url))
    running = [auto.start(timeout=None) for _ in range(3 if phase == "waiting" else 1)]
    assert (reached if phase == "connecting" else hang.arrived).wait(PATIENCE)
    auto.close()
    assert {each.end().code for each in running} == {Code.CANCELLED}
    with pytest.raises((ValueError, grpc.aio.UsageError)):
        auto.call()
    assert rest[0].calls == 0
