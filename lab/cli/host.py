"""Verbs about this machine: install the missing programs, and check it."""

from __future__ import annotations

import sys
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict

import click

from lab.boxes.base import Tell
from lab.boxes.local import LocalBox
from lab.cli.columns import fill
from lab.cli.options import json_option, lineup_option, print_json, verbose_option, workplace
from lab.cli.pack import from_option
from lab.cli.screen import screen
from lab.cli.terminal import as_called, paint, say
from lab.errors import HostError
from lab.model import Check, Level, Progress
from lab.project import find

COLOURS = {Level.OK: "green", Level.WARNING: "yellow", Level.PROBLEM: "red"}


@click.command(epilog="Example: python -m lab setup --dry-run")
@click.option("--dry-run", is_flag=True, help="Print the commands and run none.")
@from_option("Install from a pack: its folder, or the address of `python -m lab serve`. Debian's keys are checked.")
@verbose_option
def setup(dry_run: bool, pack_from: str | None, verbose: bool) -> None:
    """Install the programs that are missing on this machine (by apt on Debian and Ubuntu, by Homebrew on macOS).

    On other systems lab prints a list instead. It prints each command before it runs it, and runs none if no program is
    missing. Without systemd it also starts libvirt's daemons, as `up` does.
    """
    from lab.machines import daemons, hypervisor, prerequisites

    shell = LocalBox("this machine")
    with screen(verbose) as shown, _options(pack_from, shown.tell) as options:
        if dry_run:
            steps = [*prerequisites.commands(prerequisites.missing(), options), *prerequisites.joining()]
            click.echo("\n".join(" ".join(step) for step in steps) or "nothing is missing")
            return

        def say(command: str) -> None:
            click.echo(f"+ {command}", err=True)

        done = prerequisites.install(shell, say, lambda line: shown.tell(Progress("setup", line[:70])), options)
        if hypervisor.usable():
            daemons.start_daemons(shell, find().state, shown.tell)
    click.echo("installed the missing programs" if done else "nothing is missing")


def _options(pack_from: str | None, tell: Tell) -> AbstractContextManager[list[str]]:
    """The options with which apt installs from a pack; none without a pack, or if nothing is missing."""
    from lab.machines.pack.installing import apt_options
    from lab.machines.pack.sources import open_source
    from lab.machines.prerequisites import missing

    if pack_from is None:
        return nullcontext([])
    source = open_source(pack_from, find().cache)
    return apt_options(source, tell) if missing() else nullcontext([])


@click.command(epilog="Example: python -m lab doctor --json")
@lineup_option
@json_option
def doctor(lineup: str | None, as_json: bool) -> None:
    """Check whether this machine can run a lineup. Each check has one line: ok, warning or problem, and what fixes it.

    Exits with 5 if a check found a problem.
    """
    from lab.machines.doctor import examine

    place = workplace(lineup)
    checks = []
    with screen(False) as shown:
        for check in examine(place.project, place.catalog, place.lineup, LocalBox("this machine"), shown.tell):
            checks.append(check)
            if not as_json:
                say(_line(check))
    if as_json:
        print_json(
            {
                "schema": 1,
                "checks": [{**asdict(check), "fix": check.fix and as_called(check.fix)} for check in checks],
            }
        )
    sys.exit(HostError.exit_code if any(check.level is Level.PROBLEM for check in checks) else 0)


def _line(check: Check) -> str:
    """The check in lines that fit the terminal, its level in colour."""
    fix = f"  -> {as_called(check.fix)}" if check.fix else ""
    text = fill(f"{check.level.value:8} {check.name}: {check.found}{fix}", indent=" " * 9, first="")
    return paint(text[:8], COLOURS[check.level]) + text[8:]
