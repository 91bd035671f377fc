"""Who is let through the quota gate next, and how places are given back."""

from __future__ import annotations

import gc
import math
import subprocess
import sys

from gate_world import World

import eegrpc
from eegrpc._admission import Admission
from eegrpc._gate import _MANY_PROJECTS
from eegrpc._quota import State, Ticket


def test_first_come_first_served():
    world = World(2, 100)
    tickets = [world.join() for _ in range(50)]
    while world.looks:
        world.sleep(0.05)
        for ticket in world.started:
            world.leave(ticket)
    assert world.started == tickets


def test_groups_take_turns():
    world = World(1, math.inf)
    many = [world.join("many") for _ in range(5)]
    few = [world.join("few") for _ in range(2)]
    for _ in range(7):
        world.leave(world.started[-1])
    assert world.started == [many[0], many[1], few[0], many[2], few[1], many[3], many[4]]


def test_closing_a_group_sends_its_waiters_away_and_no_others():
    world = World(1, math.inf)
    running, mine, other = world.join("mine"), world.join("mine"), world.join("other")
    world.lines.close("mine")
    assert (running.state, mine.state, other.state) == (State.RUNNING, State.OVER, State.WAITING)
    assert world.woken == [mine]
    world.leave(running)
    assert other.state is State.RUNNING


def test_who_cannot_be_woken_loses_the_place():
    world = World(1, math.inf)
    running = world.join()
    gone = Ticket("g", lambda: False)
    world.lines.join("p", gone)
    last = world.join()
    world.leave(running)
    assert (gone.state, last.state) == (State.OVER, State.RUNNING)


def test_the_head_looks_by_itself_and_the_next_is_woken_for_its_time():
    world = World(40, 1)
    tickets = [world.join() for _ in range(3)]
    assert world.looks[tickets[1]] < world.looks[tickets[2]] or world.stats.in_flight == 1
    world.leave(tickets[1])  # gave up
    world.sleep(2)
    assert world.started == [tickets[0], tickets[2]]


def test_what_the_garbage_collector_drops_is_taken_out_by_the_next_who_comes():
    world = World(1, math.inf)
    running, waiting = world.join(), world.join()
    with world.lines._lock:  # as if the collector ran on a thread that holds it
        world.lines.drop(running)
        assert running.state is State.RUNNING
    assert world.stats.in_flight == 1  # the one who waited; asking was enough
    assert waiting.state is State.RUNNING
    world.lines.drop(waiting)
    assert world.stats.in_flight == 0


def test_projects_that_hold_nothing_are_let_go():
    world = World(1, 1000)
    busy = world.join()
    for number in range(3 * _MANY_PROJECTS):
        ticket = Ticket("g", lambda: True)
        world.lines.join(f"p{number}", ticket)
        world.lines.leave(ticket, answered=False)
        world.now += 0.1
    assert len(world.lines._by_project) <= _MANY_PROJECTS
    assert (world.stats.in_flight, busy.state) == (1, State.RUNNING)


def test_a_forked_process_starts_with_nobody_in_flight():
    program = """
import os
from eegrpc._admission import Admission
from eegrpc._gate import QuotaGate
from eegrpc._permit import ThreadPermit
from eegrpc._retry import NO_RETRY, Attempts
from eegrpc.errors import CallContext

gate = QuotaGate(1)
permit = ThreadPermit(Admission(gate), Attempts(NO_RETRY, 60, "projects/p"))
with permit:
    gate._lines()._lock.acquire()  # as another thread may at the fork
    if os.fork() == 0:
        before = gate.stats("p")
        permit._end(None)
        with ThreadPermit(Admission(gate), Attempts(NO_RETRY, 60, "projects/p")):
            during = gate.stats("p")
        os._exit((before.in_flight, during.in_flight, gate.stats("p").in_flight) != (0, 1, 0))
    gate._lines()._lock.release()
    code = os.waitstatus_to_exitcode(os.wait()[1])
    print(code, gate.stats("p").in_flight)
print(gate.stats("p").in_flight)
"""
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert result.stdout.split() == ["0", "1", "0"]


def test_gates_are_collected():
    import weakref

    gate = eegrpc.QuotaGate()
    gone = weakref.ref(gate)
    Admission(gate).close()
    del gate
    gc.collect()
    assert gone() is None
