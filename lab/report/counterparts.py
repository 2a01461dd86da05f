"""Whose box stands in for whose, where two runs were made on machines of different names."""

from __future__ import annotations

from lab.report.evidence import Evidence
from lab.results import BoxFacts


def counterparts(before: Evidence, after: Evidence) -> dict[str, str]:
    """Each box of the first run with the one of the second that is most like it; a box stands in for one only.

    With SELinux or without it, both must be the same: a label alone makes a cache key another one. Of those, the same
    system comes first, then the order of the runs. A box of which nothing is known has no counterpart.
    """
    ours, theirs = _first_facts(before), _first_facts(after)
    found: dict[str, str] = {}
    for alike in (_system, _labels):
        for box in ours:
            free = (other for other in theirs if other.name not in found.values() and alike(other) == alike(box))
            if box.name not in found and (other := next(free, None)):
                found[box.name] = other.name
    return {box.name: found[box.name] for box in ours if box.name in found}


def _first_facts(evidence: Evidence) -> list[BoxFacts]:
    """Every box once, as it was with the first of its engines."""
    return list({box.name: box for box in reversed(evidence.run.boxes)}.values())[::-1]


def _labels(box: BoxFacts) -> object:
    return box.selinux != "off"


def _system(box: BoxFacts) -> object:
    return _labels(box), box.os
