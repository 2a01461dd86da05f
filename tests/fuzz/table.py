"""Every parser under test: a new one is an entry in a module of `tests/fuzz/parsers`, a new module is a line here."""

from __future__ import annotations

from tests.fuzz.parsers import (
    boxes,
    caches,
    contexts,
    descriptions,
    dockerfiles,
    doors,
    engines,
    logs,
    packs,
    runs,
    values,
)
from tests.fuzz.target import Target

TARGETS: tuple[Target, ...] = (
    *logs.TARGETS,
    *caches.TARGETS,
    *contexts.TARGETS,
    *dockerfiles.TARGETS,
    *runs.TARGETS,
    *boxes.TARGETS,
    *engines.TARGETS,
    *descriptions.TARGETS,
    *values.TARGETS,
    *packs.TARGETS,
    *doors.TARGETS,
)
