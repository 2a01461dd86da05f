"""A build of the context: `build: {side: producer}`."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from lab.errors import did_you_mean
from lab.results.facts import Given, Round
from lab.results.stores import CONTAINERD, store_of
from lab.run.builders.kind import Order
from lab.run.builders.table import BUILDERS, builder_of
from lab.run.changes.kind import BuildOptions, InContext
from lab.run.expectations import Deviation, Expect, choose
from lab.run.judging import read_result
from lab.run.steps.kind import Known, Step
from lab.run.steps.work import ABSENT, IMAGE, Work
from lab.versions import meets

NO_INLINE_CACHE = "<19.03"  # these write none, and each import of one ends with an error
Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*$", max_length=100)]


class Build(Step):
    """Build the context with BuildKit.

    `inline` writes an inline cache, `cache_from` names the images whose caches are used, in order; `absent` is an image
    that does not exist. `file` and `context` are paths of the context. With `tar`, the context is an archive on
    standard input, and every object of it has that owner, such as "1000:1000". `arguments` and `flags` are added
    to those of the side; `images` are arguments whose values are the references of images. `builder` is another one
    than the trial's. Without `pull`, the classic builder does not pull its sources first.
    `expect` is the outcome of each step; without it, the last build of the consumer is judged by the
    scenario's steps, and any other one is not judged. `exceptions` are other expectations of a build with `expect`, as
    a scenario has them; a build of the producer has none.
    """

    begins_with_files = True
    name: Name = IMAGE
    inline: bool = True
    cache_from: tuple[Name, ...] = ()
    file: InContext | None = None
    context: InContext = "."
    tar: Annotated[str, Field(pattern=r"^\d+:\d+$")] | None = None
    arguments: dict[str, str] = Field(default_factory=dict)
    images: dict[str, Name] = Field(default_factory=dict)
    flags: tuple[str, ...] = ()
    builder: str | None = None
    pull: bool = True
    expect: tuple[Expect, ...] | None = None
    exceptions: tuple[Deviation, ...] = ()

    def check(self, known: Known) -> None:
        """Refuse sources that no step before it makes, and a number of outcomes that is not that of the steps."""
        if self.builder is not None and self.builder not in BUILDERS:
            raise ValueError(f"there is no builder {self.builder}{did_you_mean(self.builder, list(BUILDERS))}")
        for source in (*self.cache_from, *self.images.values()):
            known.need_source(source, self.side)
        if self.exceptions and (self.expect is None or self.side == "producer"):
            raise ValueError("only a build of the consumer with its own expect has exceptions")
        expected = [self.expect] if self.expect is not None else []
        for outcomes in (*expected, *(item.expect for item in self.exceptions)):
            if len(outcomes) != known.count:
                raise ValueError(f"it expects {len(outcomes)} outcomes, there are {known.count} steps")
        known.built[self.side].add(self.name)

    def run(self, work: Work) -> None:
        """Store the files of the context, build it, and read the outcomes from the output."""
        work.context()
        sources = [work.reference_of(source) for source in self.cache_from]  # before the name gets a new image
        absent = frozenset(work.reference_of(source) for source in self.cache_from if source == ABSENT)
        no_inline, local = meets(work.station.engine.server, NO_INLINE_CACHE), self._unreachable(work)
        options = self._options(work)
        push = self.name in work.to_push
        order = Order(
            work.make(self.name),
            sources,
            absent,
            self.inline,
            self.context,
            options,
            push,
            work.caching,
            self.tar,
            self.pull,
        )
        with work.recording():
            work.emptied()
            work.say("build" if work.side == "producer" else "rebuild")
            result = builder_of(self.builder or work.station.engine.builder).build(work, order)
        plan = choose(self.expect, None, self.exceptions, work.facts) if self.expect else work.plan
        build = read_result(result.stderr + result.stdout, work.recipe.instructions, plan, work.recipe.stages)
        imports = tuple(
            item.model_copy(update={"absent": item.ref in absent, "unsupported": no_inline or item.ref in local})
            for item in build.imports
        )
        given = Given(arguments=dict(options.arguments), flags=options.words)
        work.rounds.append(Round(name=self.name, build=build.model_copy(update={"imports": imports}), options=given))

    def _unreachable(self, work: Work) -> frozenset[str]:
        """The references of the sources that are only in the engine's images, if it imports no cache from there."""
        store = store_of(work.station.facts)
        if store is None or store.kind != CONTAINERD:
            return frozenset()
        names = (source for source in self.cache_from if source in work.made - work.pushed)
        return frozenset(work.reference_of(name) for name in names)

    def _options(self, work: Work) -> BuildOptions:
        """What the side's changes and this step add to the build."""
        words = ("--file", self.file) if self.file else ()
        images = {name: work.reference_of(image) for name, image in self.images.items()}
        return work.options + BuildOptions({**self.arguments, **images}, (*self.flags, *words))
