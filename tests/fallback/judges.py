"""Looking into what decides between gRPC and REST."""

from __future__ import annotations

from eegrpc._fallback import Route


def probes(judge) -> list[Route]:
    """Return a list that every probe will be added to."""
    seen, route = [], judge.route

    def counted():
        answer = route()
        if answer is Route.PROBE:
            seen.append(answer)
        return answer

    judge.route = counted
    return seen


def is_free(judge) -> bool:
    """Whether the next call may probe, and nobody waits."""
    free = judge.route() is Route.PROBE
    if free:
        judge.probe_ended()
    return free and not judge._listeners
