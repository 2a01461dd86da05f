"""The rawjson form: BuildKit's own SolveStatus objects, with `vertexes`, `statuses`, `logs` and `warnings`.

Source: `docker build --progress=rawjson`, buildx 0.12 on (indented until 0.14, one object a line since). A vertex
comes again with every change, even completed and started again, so the last state by digest wins; `cached` may be
true before `completed` is there. Byte counts are exact here, where the other forms round them.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

from lab.buildkit.progress.ledger import LedgerForm
from lab.buildkit.progress.names import LOAD
from lab.model import Outcome

DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
KINDS = ("vertexes", "statuses", "logs", "warnings")


def is_status(value: dict[str, Any]) -> bool:
    """Whether a JSON object is one of BuildKit's status objects."""
    return any(isinstance(value.get(kind), list) for kind in KINDS)


class RawJson(LedgerForm):
    """One build in the rawjson form; steps that were planned and never began are in it, as unknown."""

    def is_next_build(self, value: dict[str, Any]) -> bool:
        """Whether this object belongs to another build.

        Local sources have another digest in every build; an external frontend may load the Dockerfile twice, but
        before any step is known.
        """
        known = self._ledger.vertexes
        names = {name.full for vertex in known.values() for name in vertex.names}
        return any(
            LOAD.match(name) and digest not in known and name in names and self._ledger.advanced()
            for digest, name, _ in _vertexes(value)
        )

    def read(self, value: dict[str, Any]) -> None:
        """Take one status object of this build."""
        for digest, name, vertex in _vertexes(value):
            started = bool(vertex.get("started"))
            self._ledger.meet(digest, name, started=started)
            if started:
                self._ledger.settle(digest, *_state(vertex))
        for status in _dicts(value, "statuses"):
            text, of, current = status.get("id"), status.get("vertex"), status.get("current")
            if isinstance(text, str) and isinstance(of, str):
                if isinstance(current, int) and DIGEST.fullmatch(text):
                    text = f"{text} {current}B / {current}B"  # as the other forms have it
                self._ledger.status(of, text, current if isinstance(current, int) else None)
        for log in _dicts(value, "logs"):
            if isinstance(of := log.get("vertex"), str):
                self._ledger.output(of)


def _dicts(value: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    found = value.get(kind)
    return [item for item in found if isinstance(item, dict)] if isinstance(found, list) else []


def _vertexes(value: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    found = []
    for vertex in _dicts(value, "vertexes"):
        digest, name = vertex.get("digest"), vertex.get("name")
        if isinstance(digest, str) and isinstance(name, str):
            found.append((digest, name, vertex))
    return found


def _state(vertex: dict[str, Any]) -> tuple[Outcome, float | None, str]:
    """The outcome of a vertex that has started, its last interval in seconds, and its error."""
    if not vertex.get("completed"):
        return Outcome.UNKNOWN, None, ""
    error = str(vertex.get("error") or "")
    if error.endswith("context canceled"):
        outcome = Outcome.UNKNOWN
    elif error:
        outcome = Outcome.ERROR
    else:
        outcome = Outcome.HIT if vertex.get("cached") is True else Outcome.RAN
    return outcome, _seconds(vertex), error


def _seconds(vertex: dict[str, Any]) -> float | None:
    try:
        began, ended = (datetime.fromisoformat(str(vertex[key])) for key in ("started", "completed"))
        return round((ended - began).total_seconds(), 3)
    except (ValueError, TypeError):
        return None
