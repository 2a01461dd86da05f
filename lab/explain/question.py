"""A build that was not made yet, and the caches that it would use: what `lab why` and `lab predict` ask about."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from lab.buildkit.cachekeys import dockerfile as dockerfiles
from lab.buildkit.cachekeys.cache import Cache
from lab.buildkit.cachekeys.copying import Copy
from lab.buildkit.cachekeys.dialect import Dialect
from lab.buildkit.cachekeys.plan import plan
from lab.buildkit.cachekeys.solver import Decision, Reason, solve
from lab.buildkit.cachekeys.state import BaseImage, Options
from lab.buildkit.cachekeys.step import Plan, Step
from lab.buildkit.contenthash.entry import Entry, has_links
from lab.buildkit.contenthash.query import content_part, content_record
from lab.buildkit.contenthash.tree import Tree
from lab.buildkit.rulebook import Known
from lab.explain.predict import base_images
from lab.model import Outcome
from lab.results.facts import ImageFacts


@dataclass(frozen=True)
class Question:
    """A Dockerfile with its context, the engine that would build it, and the caches that it would import.

    `image` is the first image among the sources of the cache, None if none of them is one. `inline` is true if all
    caches come from images, which hold no layers of other stages. `bases` are the configs of the images that the
    Dockerfile names, as far as they were read. `contexts` are the objects of named contexts that are folders.
    `assumed` is a base image that was not read and that is taken for the one on which `image` was built.
    """

    dockerfile: str
    entries: Sequence[Entry]
    engine: Known
    caches: Sequence[Cache] = ()
    inline: bool = False
    image: ImageFacts | None = None
    bases: Mapping[str, ImageFacts] = field(default_factory=dict)
    platform: tuple[str, str] = ("linux", "amd64")
    options: Options = field(default_factory=Options)
    target: str | None = None
    contexts: Mapping[str, Sequence[Entry]] = field(default_factory=dict)
    assumed: str | None = None

    @cached_property
    def parsed(self) -> dockerfiles.Dockerfile:
        """The Dockerfile; ReadError if it is malformed."""
        return dockerfiles.parse(self.dockerfile)

    def files_of(self, copy: Copy) -> Sequence[Entry] | None:
        """The objects among which a COPY or a mount finds its sources; None if they are not in a folder here."""
        return self.contexts.get(copy.origin) if copy.origin else self.entries

    def tree_of(self, copy: Copy) -> Tree | None:
        """The digests of these objects under the engine's rules."""
        if copy.origin not in self._trees:
            files = self.files_of(copy)
            self._trees[copy.origin] = None if files is None else Tree.read(files, self.engine.rules)
        return self._trees[copy.origin]

    @cached_property
    def _trees(self) -> dict[str, Tree | None]:
        return {}

    def request(self, step: Step) -> Copy | None:
        """What a step takes from a folder here: that of a COPY, of an ADD, or of a mount of a RUN; None if nothing."""
        inputs = [item for number in step.vertices for item in self.plan.vertices[number].inputs]
        asked = [item.request for item in inputs if item.hashed and item.request and item.request.paths]
        return next((item for item in asked if self.files_of(item) is not None), None)

    def planned(self, dialect: Dialect | None) -> Plan:
        """The steps of all stages that the target needs, as engines of one dialect write them."""
        cache = self.caches[0] if self.caches else None
        image = self.image or ImageFacts()
        bases = base_images(self.parsed, image, self.bases, cache, self.platform, self.options, self.target)
        if self.image is None:  # then no image describes a base that was not read
            system, processor = self.platform
            bases |= {name: BaseImage(os=system, arch=processor) for name in bases if name not in self.bases}

        def record(copy: Copy) -> str | None:
            tree = self.tree_of(copy)
            part = None if tree is None else content_part(tree, copy.queries, self.engine.rules)
            return None if part is None else content_record(part.text)

        linked = has_links(self.entries)
        return plan(self.parsed, bases, dialect, record, self.options, self.target, linked=linked)

    @cached_property
    def plan(self) -> Plan:
        """The steps as the engine that builds here writes them."""
        return self.planned(self.engine.dialect)

    def decisions(self, dialect: Dialect | None = None) -> list[Decision]:
        """What the engine finds in the caches for each step of `plan`; `dialect` is another engine's."""
        planned = self.plan if dialect is None else self.planned(dialect)
        if self.caches or planned.failing:
            return solve(self.caches, planned)
        return [_without(planned, number) for number in range(len(planned.steps))]

    def elsewhere(self, platform: tuple[str, str]) -> Question:
        """The same question for another platform."""
        return replace(self, platform=platform, options=replace(self.options, platform="/".join(platform)))


def _without(planned: Plan, number: int) -> Decision:
    """The decision on a step where no cache was imported."""
    step = planned.steps[number]
    if step.parents:
        sentence = "a step on which it depends ran, so its key is new"
        return Decision(step, Outcome.RAN, Reason.PARENT, sentence, step.parents[0])
    return Decision(step, Outcome.RAN, Reason.DEFINITION, "there is no cache")
