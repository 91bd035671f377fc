"""How long things take: distributions of seconds."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

__all__ = ["Distribution", "check_number"]

_PARAMETERS = {"fixed": 1, "uniform": 2, "exponential": 1, "lognormal": 2}


def check_number(what: str, value: object, least: float, most: float, *, whole: bool = True) -> None:
    """Raise ValueError, which begins with `what`, unless `value` is a finite number from `least` to `most`."""
    kinds = int if whole else (int, float)
    if not isinstance(value, kinds) or isinstance(value, bool) or not least <= value <= most or value == math.inf:
        upper = "" if most == math.inf else f", at most {most:,}"
        raise ValueError(f"{what} must be a {'whole ' if whole else ''}number, at least {least}{upper}")


@dataclass(frozen=True, slots=True)
class Distribution:
    """How long something takes, in seconds.

    Args:
        name: ``fixed``, ``uniform``, ``exponential`` or ``lognormal``.
        parameters: ``(seconds,)``; ``(least, most)``; ``(mean,)``; ``(median, sigma)``, sigma of the logarithm.

    Raises:
        ValueError: There is no such distribution, or it has other parameters.
    """

    name: str
    parameters: tuple[float, ...]

    def __post_init__(self) -> None:
        if self.name not in _PARAMETERS:
            raise ValueError(f"no distribution is called {self.name[:64]!r}: give one of {', '.join(_PARAMETERS)}")
        if len(self.parameters) != _PARAMETERS[self.name]:
            raise ValueError(f"{self.name} has {_PARAMETERS[self.name]} parameters, not {len(self.parameters)}")
        for value in self.parameters:
            check_number(f"a parameter of {self.name}", value, 0, math.inf, whole=False)
        if self.name == "uniform" and self.parameters[0] > self.parameters[1]:
            raise ValueError("uniform has the smaller number first")

    def at(self, share: float) -> float:
        """Return the seconds below which `share` (0 to 1, 1 excluded) of all values are."""
        # By inversion, and not by the methods of random: of those, Python keeps only random() the same for ever.
        first, last = self.parameters[0], self.parameters[-1]
        if self.name == "uniform":
            return first + share * (last - first)
        if self.name == "exponential":
            return -first * math.log(1 - share)
        if self.name == "lognormal":
            return first * math.exp(last * NormalDist().inv_cdf(share or 2**-54))
        return first
