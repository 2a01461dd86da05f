"""The verb that reads build logs."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from lab.cli.columns import columns, fill
from lab.cli.log_input import read_log, short_names
from lab.cli.options import json_option, print_json
from lab.cli.screen import coloured
from lab.cli.terminal import echo, remark
from lab.errors import DIFFERS, NOT_KNOWN, UsageError
from lab.project import find

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lab.buildkit.progress.build import Build, Step

ANY = ""
OPTION = "--fail-on-miss"


def _apart(words: list[str]) -> list[str]:
    """The words, with an empty STEP for each --fail-on-miss before a file: click would take that file for the STEP."""
    end = words.index("--") if "--" in words else len(words)
    nexts = [*words[1:end], ""]
    here = [
        f"{word}=" if word == OPTION and _is_log(after) else word for word, after in zip(words, nexts, strict=False)
    ]
    return here + words[end:]


def _is_log(word: str) -> bool:
    path = Path(word)
    return word == "-" or (path.exists() and not path.is_dir())


class _Read(click.Command):
    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        return super().parse_args(ctx, _apart(args))


@click.command(
    cls=_Read, epilog="Example: docker build --progress=plain . 2>&1 | python -m lab read --explain --fail-on-miss -"
)
@click.argument("files", nargs=-1, metavar="FILE..|-")
@json_option
@click.option("--explain", is_flag=True, help="Describe after the table, in sentences, what the log shows.")
@click.option(
    OPTION,
    "step",
    is_flag=False,
    flag_value=ANY,
    metavar="[STEP]",
    help="Exit with 4 if a step missed the cache, with 14 if that is not known. STEP names one: 3/5, builder 3/5, "
    "a stage, a target, or a part of the instruction. A file or - after it is a FILE, and --fail-on-miss=STEP a step.",
)
def read(files: tuple[str, ...], as_json: bool, explain: bool, step: str | None) -> None:
    """Read build logs in any form and show which steps hit and which ran; `-` is standard input.

    lab reads BuildKit's forms (plain, pasted from a terminal, rawjson), bake and compose, the classic builder, Docker's
    API, Buildah, Podman and kaniko, whatever a CI system puts before the lines.

    With --fail-on-miss it exits with 0 if every step is a hit, with 4 if one ran and so missed the cache (also a RUN
    that ran and failed), and with 14 if no miss is shown but the outcome of a step is not known.
    """
    from lab.buildkit.progress.build import document
    from lab.explain.upstream import Upstream
    from lab.report.log import sentences

    upstream = Upstream(find().boxes) if explain else None
    _check(files, step)
    logs = [read_log(name, "read -") for name in files]
    owners = [name for name, (builds, _) in zip(files, logs, strict=True) for _ in builds]
    builds = [build for found, _ in logs for build in found]
    explained = [sentences(build, prunes, upstream) if explain else [] for found, prunes in logs for build in found]
    if as_json:
        value = document(builds)
        for shown, file, texts in zip(value["builds"], owners, explained, strict=True):
            shown["file"] = file
            if explain:
                shown["explanation"] = texts
        print_json(value)
    names = _names(files, [len(found) for found, _ in logs])
    if not as_json:
        for name, build, texts in zip(names, builds, explained, strict=True):
            _show(name, build, texts)
    if step is not None:
        sys.exit(_ending(dict(zip(names, builds, strict=True)), step))


def _names(files: Sequence[str], counts: Sequence[int]) -> list[str]:
    """What the builds are called: their numbers through all files, and of several files the one that holds each."""
    owners = [f" ({short})" for short, count in zip(short_names(files), counts, strict=True) for _ in range(count)]
    return [f"build {number}{owner if len(files) > 1 else ''}" for number, owner in enumerate(owners, 1)]


def _check(files: tuple[str, ...], step: str | None) -> None:
    """Raise UsageError if there is nothing to read, or standard input would be read twice."""
    if not files:
        taken = f'; "{step}" is no file, so it is the STEP of {OPTION}' if step else ""
        raise UsageError(
            f"cannot run `python -m lab read`: the argument FILE..|- is missing{taken}",
            hint="python -m lab read --help",
        )
    if files.count("-") > 1:
        raise UsageError("cannot read standard input twice", hint="give - once")


def _ending(builds: dict[str, Build], step: str) -> int:
    """The exit code, and on standard error the reason; `builds` by what they are called."""
    from lab.model import Outcome
    from lab.report.log import misses

    found = {name: misses([build], step or None) for name, build in builds.items()}
    missed = [(name, item) for name, one in found.items() for item in one.missed]
    unknown = [(name, item) for name, one in found.items() for item in one.unknown]
    looked_at = any(one.looked_at for one in found.values())
    if not looked_at and step:
        raise UsageError(
            f'cannot find the step "{step}" in the log',
            hint="name it as the table does: a number (3/5), a stage, a target, or a part of the instruction",
        )
    several = len(builds) > 1
    if missed:
        failed = [(name, item) for name, item in missed if item.outcome is Outcome.ERROR]
        more = f"; the build failed at {_counted(failed, several=several)}" if failed else ""
        remark(f"lab: {_counted(missed, several=several)} missed the cache{more}")
        return DIFFERS
    if unknown or not looked_at:
        remark(f"lab: no miss is shown, but {_counted(unknown, several=several)} may have missed")
        return NOT_KNOWN
    return 0


def _counted(steps: Sequence[tuple[str, Step]], *, several: bool) -> str:
    if not steps:
        return "steps that the log does not show"
    build, step = steps[0]
    first = f"{step.place} {step.instruction[:60]}".rstrip() + (f" of {build}" if several else "")
    return first if len(steps) == 1 else f"{first} and {len(steps) - 1} more"


def _show(name: str, build: Build, explained: list[str]) -> None:
    from lab.report.log import described, reasons

    sent = "?" if build.context_bytes is None else f"{build.context_bytes}B"
    caches = ", ".join(described(source) for source in build.imports) or "none"
    frame = f"  from a log of {build.frame}" if build.frame else ""
    echo(fill(f"{name}: {build.builder}  context {sent}  cache from {caches}{frame}", indent="  ", first=""))
    targets = any(step.targets for step in build.steps)
    rows = [[", ".join(step.targets)] * targets + _row(step) for step in build.steps]
    echo(coloured(columns(rows, ["target"] * targets + ["stage", "step", "instruction", "outcome", "seconds"])))
    for line in [*(f"warning: {warning}" for warning in build.warnings), *reasons(build)]:
        echo(fill(line, indent="  ", first=""))
    if explained:
        echo("\n" + "\n".join(fill(line) for line in explained))
    click.echo()


def _row(step: Step) -> list[object]:
    return [step.stage or "", step.place, step.instruction, step.outcome.value, step.seconds]
