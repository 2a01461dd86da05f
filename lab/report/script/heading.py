"""The head of the script: what it is, how it is called, which hosts it has."""

from __future__ import annotations

from datetime import UTC

from lab.report.evidence import Evidence
from lab.report.project import project_lines
from lab.report.script import shell
from lab.report.script.host import Host
from lab.report.script.parts import ABOUT, BY_HAND, EVERY, NOT_THE_RUN, ONE
from lab.report.script.sequence import by_hand, left_out


def heading(evidence: Evidence, hosts: list[Host], only: str) -> str:
    """The comment at the top; a script for one host is called without the host's name."""
    run = evidence.run
    base = "made by lab from busybox; this script makes one" if own_base(evidence) else "those of the Dockerfile"
    base = run.base.reference if run.base and not own_base(evidence) else base
    names = [host.name for host in hosts]
    call, whose = ("", ONE) if only else (f"{shell.word(names[0])} ", EVERY)
    clients = " and ".join(dict.fromkeys("Docker" if host.has_docker else "buildctl" for host in hosts))
    lines = [
        f"Run {run.name} of {run.started.astimezone(UTC):%Y-%m-%d %H:%M} UTC: {run.summary}",
        "",
        *ABOUT.format(clients=clients, call=call, whose=whose.strip("\n")).strip("\n").split("\n"),
        "",
        *_left_out(evidence),
        *project_lines(run),
        *_replaced(evidence),
        f"Base image of the run: {base}",
        *(f"Host: {host.name}{_facts(host)}" for host in hosts),
    ]
    return "\n".join(["#!/bin/sh", *map(shell.comment, lines)])


def usage(hosts: list[Host], only: str) -> str:
    """The function that prints how the script is called."""
    names = ", ".join(host.name for host in hosts)
    words = " REGISTRY [push|rebuild]" if only else f" HOST REGISTRY [push|rebuild], HOST being {names}, all"
    text = function("usage", [f"printf 'usage: sh %s%s\\n' \"$0\" {shell.word(words)} >&2", "exit 2"])
    return f"only={shell.word(only)}\n\n{text}"


def _left_out(evidence: Evidence) -> list[str]:
    """A warning where the run has steps that the script does not repeat, or repeats only with its caller's command."""
    if steps := left_out(evidence):
        return [*NOT_THE_RUN.strip("\n").split("\n"), *(f"    {step}" for step in steps), ""]
    if commands := by_hand(evidence):
        steps = tuple(f"{title}: {command}" for title, command in commands.items())
        return [*BY_HAND.strip("\n").split("\n"), *(f"    {step}" for step in steps), ""]
    return []


def _replaced(evidence: Evidence) -> list[str]:
    """A warning where redaction changed something: then no side has the files of the run."""
    if not evidence.redacted:
        return []
    counts = ", ".join(f"{kind} {number}" for kind, number in sorted(evidence.redacted.items()))
    return [f"Replaced by placeholders: {counts}; `--no-redact` keeps them.", ""]


def _facts(host: Host) -> str:
    box = host.facts
    return f" ({box.os}, kernel {box.kernel}, {box.title}, SELinux {box.selinux})" if box else ""


def own_base(evidence: Evidence) -> bool:
    """True if lab made the base image, so that it is in no public registry."""
    base = evidence.run.base
    return evidence.run.project is None if base is None else base.source == "busybox"


def function(name: str, lines: list[str], about: str = "") -> str:
    """A function; its lines are not indented, because that would change a quoted text of several lines."""
    return "\n".join([f"{name}() {{{f' {shell.comment(about)}' if about else ''}", *lines, "}"])
