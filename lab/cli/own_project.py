"""The options of a run of the user's own project, as one group that several verbs take."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lab.cli.options import grouped
from lab.cli.terminal import remark
from lab.errors import UsageError
from lab.registry.names import check_image

if TYPE_CHECKING:
    from lab.run.own_project.project import OwnProject
    from lab.run.own_project.request import Request

TOLD_MB = 100  # from this size on, the size is said before anything is sent


def _many(*names: str, metavar: str, help: str) -> Callable[[Any], Any]:
    return click.option(*names, multiple=True, metavar=metavar, help=f"{help} (several allowed).")


@dataclass(frozen=True, slots=True)
class ProjectWords:
    """What the command line says of an own project, word for word."""

    context: Path | None
    file: Path | None
    build_args: tuple[str, ...]
    target: str | None
    build_contexts: tuple[str, ...]
    secrets: tuple[str, ...]
    ssh: tuple[str, ...]
    network: str | None
    platform: str | None
    transfer: str
    stub_runs: bool
    bases: tuple[str, ...]
    largest: int

    def base(self, *, of_bundle: bool = False) -> str | None:
        """The base image of a scenario; UsageError for several, and for options that need --context.

        The run `of_bundle` may be one of a project, for which secrets, keys and named folders are given again.
        """
        given = {field.name: getattr(self, field.name) for field in fields(self)}
        allowed = (*_ALWAYS, "bases", *(_AGAIN if of_bundle else ()))
        wrong = [name for name, value in given.items() if name not in allowed and value]
        if wrong:
            raise UsageError(f"cannot use {_OPTION_OF[wrong[0]]} without --context: it belongs to a build of your own")
        if len(self.bases) > 1 or any("=" in item for item in self.bases):
            raise UsageError("cannot map base images without --context: a scenario has one, --base IMAGE")
        for image in self.bases:
            check_image(image)
        return self.bases[0] if self.bases else None


_AGAIN = ("build_contexts", "secrets", "ssh")  # no bundle holds these
_ALWAYS = ("context", "transfer", "largest")  # these have a default
_OPTION_OF = {
    "file": "--file",
    "build_args": "--build-arg",
    "target": "--target",
    "build_contexts": "--build-context",
    "secrets": "--secret",
    "ssh": "--ssh",
    "network": "--network",
    "platform": "--platform",
    "stub_runs": "--stub-runs",
}
OPTIONS = (
    click.option(
        "--context",
        type=click.Path(path_type=Path),
        metavar="DIR",
        help="Build this folder with its own Dockerfile, instead of a scenario.",
    ),
    click.option("-f", "--file", type=click.Path(path_type=Path), metavar="FILE", help="The Dockerfile of --context."),
    _many("--build-arg", "build_args", metavar="NAME[=VALUE]", help="A build argument, with --context"),
    click.option("--target", metavar="STAGE", help="The stage to build, with --context."),
    _many("--build-context", "build_contexts", metavar="NAME=DIR", help="A named context, with --context"),
    _many("--secret", "secrets", metavar="id=ID[,src=FILE]", help="A secret for RUN, which no record holds"),
    _many("--ssh", "ssh", metavar="default|ID=KEY", help="A key for RUN; `default` forwards your agent"),
    click.option("--network", metavar="MODE", help="The network of RUN, with --context."),
    click.option("--platform", metavar="OS/ARCH", help="The platform to build for, with --context."),
    click.option(
        "--transfer",
        default="exact",
        show_default=True,
        metavar="WAY",
        help="How the context gets to each box: exact, checkout (git clone), rsync, copy (cp -r).",
    ),
    click.option("--stub-runs", is_flag=True, help="Replace the command of each RUN by a cheap one."),
    _many(
        "--base",
        "bases",
        metavar="IMAGE|NAME=IMAGE",
        help="The base image of a scenario (default: alpine, or a busybox of the box); with --context, IMAGE in place "
        "of the image NAME of the Dockerfile, where IMAGE may be `busybox`, lab's own",
    ),
    click.option(
        "--largest",
        type=click.IntRange(1),
        default=2048,
        show_default=True,
        metavar="MB",
        help="The largest context that lab sends.",
    ),
)


def project_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a verb the options of an own project; it receives them as one ProjectWords, its argument `own`."""
    return grouped(function, ProjectWords, "own", OPTIONS)


def read_own(words: ProjectWords) -> OwnProject | None:
    """The project that the words name, read and checked; None without --context. Says what the user should know."""
    from lab.run.own_project.project import read_project
    from lab.run.own_project.sending.table import way_of

    if words.context is None:
        return None
    way_of(words.transfer)
    project = read_project(request_of(words, words.context))
    announce(project)
    return project


def request_of(words: ProjectWords, context: Path) -> Request:
    """What the words ask of a build of the folder `context`."""
    from lab.run.own_project.request import Request

    return Request(
        context=context,
        file=words.file,
        build_args=words.build_args,
        target=words.target,
        build_contexts=words.build_contexts,
        secrets=words.secrets,
        ssh=words.ssh,
        network=words.network,
        platform=words.platform,
        transfer=words.transfer,
        stub_runs=words.stub_runs,
        bases=bases_of(words.bases),
        largest=words.largest * 10**6,
    )


def announce(project: OwnProject) -> None:
    """Print the size of a large project, and its notes, to standard error."""
    from lab.report.project import size_in_words

    if project.size > TOLD_MB * 10**6:
        remark(f"{len(project.objects):,} objects, {size_in_words(project.size)}, are sent to each box")
    for note in project.notes:
        remark(f"note: {note}")


def bases_of(words: tuple[str, ...]) -> dict[str, str]:
    """The images of --base NAME=IMAGE by the names that they replace; a word without a name replaces every image."""
    found: dict[str, str] = {}
    for word in words:
        name, equals, image = word.rpartition("=")
        if equals and not (name and image):
            raise UsageError(f'cannot use --base "{word}": it is not IMAGE or NAME=IMAGE')
        check_image(image)
        found[name or "*"] = image
    return found
