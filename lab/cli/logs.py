"""The verb that reads build logs."""

from __future__ import annotations

import errno
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from lab.cli.columns import columns, fill
from lab.cli.options import json_option, print_json
from lab.cli.screen import coloured
from lab.cli.terminal import echo, remark
from lab.counting import counted
from lab.errors import DIFFERS, NOT_KNOWN, HostError, ReadError, UsageError
from lab.files import open_named
from lab.project import find

if TYPE_CHECKING:
    from lab.buildkit.progress.build import Build, Step
    from lab.buildkit.progress.prunes import Prune

PIECE = 1 << 20
ANY = ""
OPTION = "--fail-on-miss"
HINT = "give the output of docker build: --progress=plain, rawjson, a pasted terminal, or classic"


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
    read_files = [_read(name) for name in files]
    builds = [(build, prunes) for found, prunes in read_files for build in found]
    if as_json:
        value = document(build for build, _ in builds)
        if explain:
            for (build, prunes), shown in zip(builds, value["builds"], strict=True):
                shown["explanation"] = sentences(build, prunes, upstream)
        print_json(value)
    else:
        for number, (build, prunes) in enumerate(builds, 1):
            _show(number, build, sentences(build, prunes, upstream) if explain else [])
    if step is not None:
        sys.exit(_ending([build for build, _ in builds], step))


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


def _ending(builds: list[Build], step: str) -> int:
    """The exit code, and on standard error the reason."""
    from lab.model import Outcome
    from lab.report.log import misses

    found = misses(builds, step or None)
    if not found.looked_at and step:
        raise UsageError(
            f'cannot find the step "{step}" in the log',
            hint="name it as the table does: a number (3/5), a stage, a target, or a part of the instruction",
        )
    if found.missed:
        failed = [step for step in found.missed if step.outcome is Outcome.ERROR]
        more = f"; the build failed at {_counted(tuple(failed))}" if failed else ""
        remark(f"lab: {_counted(found.missed)} missed the cache{more}")
        return DIFFERS
    if found.unknown or not found.looked_at:
        remark(f"lab: no miss is shown, but {_counted(found.unknown)} may have missed")
        return NOT_KNOWN
    return 0


def _counted(steps: tuple[Step, ...]) -> str:
    if not steps:
        return "steps that the log does not show"
    first = f"{steps[0].place} {steps[0].instruction[:60]}"
    return first if len(steps) == 1 else f"{first} and {len(steps) - 1} more"


def _show(number: int, build: Build, explained: list[str]) -> None:
    from lab.report.log import described, reasons

    sent = "?" if build.context_bytes is None else f"{build.context_bytes}B"
    caches = ", ".join(described(source) for source in build.imports) or "none"
    frame = f"  from a log of {build.frame}" if build.frame else ""
    echo(fill(f"build {number}: {build.builder}  context {sent}  cache from {caches}{frame}", indent="  ", first=""))
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


def builds_of(name: str) -> list[Build]:
    """The builds of a log, by its file's name or - for standard input."""
    return _read(name)[0]


def _read(name: str) -> tuple[list[Build], list[Prune]]:
    """The builds and the prunes of a file, read piece by piece: a log may be larger than the memory."""
    from lab.buildkit.progress.prunes import Prunes
    from lab.buildkit.progress.reader import Reader

    reader, prunes = Reader(), Prunes()
    try:
        with click.open_file(name, "rb") if name == "-" else open_named(Path(name)) as file:
            while piece := file.read(PIECE):
                reader.feed(piece)
                prunes.feed(piece)
    except OSError as error:
        if error.errno in (errno.ENOENT, errno.EISDIR, errno.EINVAL):
            hint = "give files, or - for standard input"
            raise UsageError(f"cannot read {name}: {error.strerror}", hint=hint) from error
        raise HostError(f"cannot read {name}: {error.strerror}") from error
    reader.flush()
    prunes.flush()
    shown = "<stdin>" if name == "-" else Path(name).name
    found = [build for build in reader.builds if build.steps or build.imports or build.image]
    if not any(build.steps for build in found):
        if refusal := reader.refusal:
            what, hint = refusal
            raise ReadError(f"cannot read {shown}: it is the log of {what}, which lab does not read", hint=hint)
        raise ReadError(f"cannot read {shown}: it has no build step", hint=HINT)
    if reader.cut:
        remark(f"lab: {shown} holds {counted(reader.cut, 'line')} that are too long; they were cut")
    return found, prunes.found
