"""One side of a trial at work: its folder on the box, its context, its builds, and the commands of Docker's client."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Literal, Protocol

from lab.boxes.base import Box, Result
from lab.model import CONTROL
from lab.results.facts import BuildResult, Inspection, Round
from lab.run.builders.caching import Caching
from lab.run.changes.inside import need_inside
from lab.run.changes.kind import BuildOptions, Change
from lab.run.client_login import make_folders
from lab.run.context_files import writing
from lab.run.expectations import Expectation, Facts
from lab.run.gather.door import gather
from lab.run.gather.stream import Listing
from lab.run.station import Station
from lab.silence import OUTPUT

BUILD_SECONDS = 7200  # a build that prints something may take long; the limit on its silence is OUTPUT
AS_ROOT = 'if [ "$(id -u)" = 0 ]; then exec "$@"; else exec sudo -n "$@"; fi'
# For /bin/sh: the folder as an archive in a fixed order, on the standard input of the words that follow.
TAR = """\
folder=$1 owner=$2
shift 2
tar -C "$folder" --sort=name --numeric-owner --owner="${owner%:*}" --group="${owner#*:}" -cf - . | "$@"
"""
IMAGE = "image"  # the name of a build that its step does not name
ABSENT = "absent"  # in cache_from, an image that no build makes
Say = Callable[[str], None]
Side = Literal["producer", "consumer"]


class Delivery(Protocol):
    """How the files of a user's own project get to a box."""

    @property
    def largest(self) -> int:
        """The bytes of content that a box may send of the context; fewer where an output must not show a secret."""

    def deliver(self, box: Box, context: PurePosixPath, say: Say) -> None:
        """Make the context in an empty folder of the box, with what belongs beside it; CommandError or BoxError."""

    def withdraw(self, box: Box, context: PurePosixPath, *, changed: bool) -> None:
        """Remove from the box what no other trial may find, such as secrets; a step has `changed` the context or not.

        The side does not use the context afterwards.
        """

    def received(self, box: Box, listing: Listing, *, changed: bool) -> Listing:
        """What the box has, with contents that only this machine knows.

        CommandError if files did not arrive as they were to; `changed` states that a step has changed them since.
        """


@dataclass(frozen=True, slots=True)
class Recipe:
    """What a side builds: the Dockerfile, the instructions that are judged, and the context's files.

    A file is its bytes and whether it is executable. `prepare` are changes that a new context gets,
    `stages` the stages of the instructions. `options` are those of each build. `delivery` brings the files where they
    are those of a user's own project.
    """

    dockerfile: str
    instructions: tuple[str, ...]
    files: Mapping[str, tuple[bytes, bool]]
    prepare: Sequence[Change] = ()
    stages: Sequence[str] = ()
    options: BuildOptions = field(default_factory=BuildOptions)
    delivery: Delivery | None = None


@dataclass
class Work:
    """One side of a trial, which the steps of a sequence change.

    `names` holds the references of the images by the names of their builds, `made` the names of this side's, `pushed`
    those of them that are in the registry, and `own` ends the reference of an image that this side makes under another
    name. `plan` is what is expected of the side's last build, `facts` what decides which exceptions apply, `variation`
    its change, and `change_name` the name of that. `to_push` names the images that a later step of this side pushes or,
    without a store of images, reads. `cache` is the kind of cache of the trial. `rounds` are the builds that were made,
    in order, `inspections` what was looked at in the image of the last one, and `recorded` is the key of the last
    context. `endings` are called when the side has made its steps or has failed.
    """

    station: Station
    recipe: Recipe
    side: Side
    slug: str
    reference: str
    names: dict[str, str]
    say: Callable[[str], None]
    own: str = ""
    plan: Expectation | None = None
    facts: Facts = field(default_factory=lambda: Facts(None))
    variation: Sequence[Change] = ()
    change_name: str = CONTROL
    doing: str = "make the variation"
    options: BuildOptions = field(default_factory=BuildOptions)
    to_push: frozenset[str] = frozenset()
    cache: str = "inline"
    rounds: list[Round] = field(default_factory=list)
    inspections: list[Inspection] = field(default_factory=list)
    made: set[str] = field(default_factory=set)
    pushed: set[str] = field(default_factory=set)
    recorded: str | None = None
    listing: Listing | None = None
    endings: list[Callable[[], object]] = field(default_factory=list)
    changed: bool = False
    _context: PurePosixPath | None = None
    _emptying: Future[None] | None = None

    def __post_init__(self) -> None:
        self.options += self.recipe.options

    @property
    def caching(self) -> Caching:
        """Where the trial's cache is."""
        return Caching(self.cache, self.station.home.parent / "caches")

    @property
    def builds(self) -> list[BuildResult]:
        """The results of the builds, in order."""
        return [item.build for item in self.rounds]

    def make(self, name: str) -> str:
        """Return the reference under which this side makes an image, and keep it as the one of that name.

        It is the other side's reference, unless this side pushes too.
        """
        if name not in self.names or (self.own and name not in self.made):
            repository, _, tag = self.reference.rpartition(":")
            ending = f"{'' if name == IMAGE else f'-{name}'}{self.own}"
            self.names[name] = f"{repository}{ending}:{tag}"
        self.made.add(name)
        return self.names[name]

    def reference_of(self, name: str) -> str:
        """Return the reference of an image that this side has made, or else of the one that the other side has made."""
        return f"{self.reference}-{ABSENT}" if name == ABSENT else self.names[name]

    def context(self) -> PurePosixPath:
        """The folder of the context, made at its first use.

        It has a DOCKER_CONFIG of its own beside it: the daemon's synced copy of a context is keyed by both.
        """
        if self._context is None:
            self._context = self._new_context()
            for change in self.recipe.prepare:
                self.change(change, "prepare the context")
        return self._context

    @contextmanager
    def emptying(self, empty: Callable[[Work], None]) -> Iterator[None]:
        """Empty the engine beside the body, which may prepare files until it calls `emptied`."""
        with ThreadPoolExecutor(1) as beside:
            self._emptying = beside.submit(empty, self)
            yield
            self.emptied()

    def emptied(self) -> None:
        """Wait until the engine holds nothing; an error of that is raised here, before it is used."""
        if self._emptying:
            self._emptying.result()

    def record(self) -> None:
        """Store the files of the context as they are now."""
        delivery, box = self.recipe.delivery, self.station.box
        if delivery is None:
            self.listing = gather(box, self.station.engine, self.context())
        else:
            listing = gather(box, self.station.engine, self.context(), largest=delivery.largest)
            self.listing = delivery.received(box, listing, changed=self.changed)
        self.recorded = self.station.keep(self.listing) or None

    @contextmanager
    def recording(self) -> Iterator[None]:
        """Store the files of the context as they are while the body builds it, which changes none of them.

        They are listed beside the body. An error of the listing is raised at the end of the body, in place of one of
        the body: other files explain another build.
        """
        with ThreadPoolExecutor(1) as beside:
            listed = beside.submit(self.record)
            try:
                yield
            finally:
                listed.result()

    def withdraw(self) -> None:
        """Remove from the box what no other trial may find."""
        if self.recipe.delivery and self._context:
            self.recipe.delivery.withdraw(self.station.box, self._context, changed=self.changed)

    def change(self, change: Change, doing: str) -> None:
        """Make one change in the context, and add its options to the later builds of this side."""
        context = self.context()
        if change.any_command:
            self.emptied()
        for command in change.commands():
            if self.station.box.is_here:
                need_inside(Path(context), command, doing)
            argv = ["sh", "-c", AS_ROOT, "sh", *command.argv] if command.root else list(command.argv)
            self.station.box.check(argv, doing=doing, cwd=context)
        self.options += change.options()
        self.changed = True

    def docker(
        self,
        words: Sequence[str],
        doing: str,
        *,
        in_context: bool = True,
        buildkit: bool = True,
        tar: tuple[str, str] | None = None,
    ) -> Result:
        """Run Docker's client with BuildKit on or off, and with the context's own DOCKER_CONFIG.

        `tar` is a folder of the context, and the owner of all objects of the archive of it that the client reads.
        """
        env = {"DOCKER_BUILDKIT": "1" if buildkit else "0"}
        if self.station.engine.buildx:
            env["BUILDX_NO_DEFAULT_ATTESTATIONS"] = "1"  # with the containerd store the image would become an index
        return self.client(words, doing, env, in_context=in_context, tar=tar)

    def client(
        self,
        words: Sequence[str],
        doing: str,
        env: Mapping[str, str] | None = None,
        *,
        in_context: bool = True,
        tar: tuple[str, str] | None = None,
    ) -> Result:
        """Run the engine's client with these variables, in the folder of the context unless it shall not."""
        env = {**(env or {}), **({"DOCKER_CONFIG": str(self.context().parent / "config")} if in_context else {})}
        names = [*env, *agent_variables(words)]
        argv = [*(("sh", "-c", TAR, "sh", *tar) if tar else ()), *self.station.engine.call(words, names)]
        cwd = self.context() if in_context else None
        return self.station.box.check(argv, doing=doing, env=env, cwd=cwd, timeout=BUILD_SECONDS, silence=OUTPUT)

    def buildx(self, words: Sequence[str], doing: str, *, in_context: bool = True) -> Result:
        """Run the buildx beside the engine's client with the context's own settings, in its folder unless it shall not.

        Such a command is no change of the context.
        """
        env = {"BUILDX_NO_DEFAULT_ATTESTATIONS": "1", "DOCKER_CONFIG": str(self.context().parent / "config")}
        argv = self.station.engine.call_buildx(words, [*env, *agent_variables(words)])
        cwd = self.context() if in_context else None
        return self.station.box.check(argv, doing=doing, env=env, cwd=cwd, timeout=BUILD_SECONDS, silence=OUTPUT)

    def _new_context(self) -> PurePosixPath:
        station = self.station
        folder = station.home / self.slug
        config, context = folder / "config", folder / "context"
        make_folders(station.box, station.registry, config, context)
        if station.engine.plugins:
            link = ["ln", "-sfn", str(station.engine.plugins), str(config / "cli-plugins")]
            station.box.check(link, doing="show the client its plugins")
        if self.recipe.delivery:
            self.recipe.delivery.deliver(station.box, context, self.say)
            return context
        files = {"Dockerfile": (self.recipe.dockerfile.encode(), False), **self.recipe.files}
        for line in writing(files):
            station.box.check(["sh", "-c", line], doing="write the context", cwd=context)
        return context


def agent_variables(words: Sequence[str]) -> list[str]:
    """The variables of the box that a client needs beside those it is given: the ssh agent's, for `--ssh`."""
    return ["SSH_AUTH_SOCK"] if any(word.startswith("--ssh=") for word in words) else []
