"""Resident memory of this process: now, and its peak since a moment; from Linux' /proc."""

from __future__ import annotations

import ctypes
import gc
from pathlib import Path

__all__ = ["IS_KNOWN", "Peak", "give_back", "now"]

_STATUS, _CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")
IS_KNOWN = _CLEAR.exists()
"""Whether this system tells."""


class Peak:
    """From when it is made: how far memory rises above what it was then, once freed memory is given back."""

    def __init__(self) -> None:
        give_back()
        self._before = now()
        if IS_KNOWN:
            _CLEAR.write_text("5")  # VmHWM starts anew from the present

    def bytes(self) -> int:
        """Return the bytes of the peak; 0 where the system does not tell."""
        return _figure("VmHWM") - self._before


def now() -> int:
    """Return the resident bytes; 0 where the system does not tell."""
    return _figure("VmRSS")


def give_back() -> None:
    """Return freed memory to the system: what was done before would otherwise hide what comes."""
    gc.collect()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


def _figure(name: str) -> int:
    if not IS_KNOWN:
        return 0
    lines = _STATUS.read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{name}:"))
