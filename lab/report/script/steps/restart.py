"""A restart of the daemon, which a script can make only if somebody states the command for it."""

from __future__ import annotations

from types import MappingProxyType

from lab.report.script.steps.kind import Side
from lab.results.sequence import SequenceStep

RESTART = r"""
restart() { # what tells that the daemon answers
    if [ -z "${LAB_RESTART:-}" ]; then
        by_hand=$((by_hand + 1))
        note "  left out: the restart of the daemon; LAB_RESTART states its command, as in 'systemctl restart docker'"
        return
    fi
    sh -c "$LAB_RESTART" || fail "the command of LAB_RESTART failed"
    tries=0
    until "$@" >/dev/null 2>&1; do
        tries=$((tries + 1))
        [ "$tries" -lt 120 ] || fail "the daemon does not answer after its restart"
        sleep 1
    done
}
"""


class RestartLines:
    """How a daemon is restarted depends on who started it; without the command the outcomes are not comparable."""

    by_hand = "LAB_RESTART='systemctl restart docker'"
    functions = MappingProxyType({"restart": RESTART})

    def lines(self, step: SequenceStep, side: Side) -> list[str]:
        """The changes of the context that come before the restart, and the restart."""
        asked = "engine version" if side.host.has_docker else 'env "$BUILDCTL" debug workers'
        return [*side.writes(), f"restart {asked}"]
