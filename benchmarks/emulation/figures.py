"""What is measured of one boot."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Figures:
    """Seconds of the emulator's processor time; `idle` in per cent of a core; `pieces` of translated code."""

    boot: float
    first: float
    rebuild: float
    rebuild_clock: float
    idle: float
    pieces: float
