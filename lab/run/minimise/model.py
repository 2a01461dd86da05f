"""What lab's model of the cache says of a candidate, without an engine.

The records of both sides' files come from the start, which an engine built. A candidate only leaves things out of it,
so its files are known too, unless a change that lab cannot follow is left out.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from functools import cached_property

from lab.buildkit.cachekeys import dockerfile as dockerfiles
from lab.buildkit.cachekeys.copying import Copy
from lab.buildkit.cachekeys.plan import plan
from lab.buildkit.cachekeys.step import Content, Step
from lab.buildkit.contenthash.query import content_part, content_record
from lab.buildkit.contenthash.tree import Tree
from lab.buildkit.rulebook import Rulebook
from lab.errors import ContextError, LabError, UnknownContentError
from lab.explain.graph import ancestors
from lab.explain.predict import base_images, options_of
from lab.explain.subject import subject
from lab.model import Outcome
from lab.results.contexts import StoredContext
from lab.results.facts import Given, ImageFacts
from lab.results.run import Run
from lab.run.instructions import LISTED
from lab.run.minimise.candidate import Candidate, Difference
from lab.run.minimise.parts import paths_of, value_of
from lab.run.minimise.view import Side, UnknownError, View, left_out, side_of
from lab.run.random_trials.case import BASE

DOCKERFILE = "Dockerfile"


class FailingError(Exception):
    """The build would fail."""


class Model:
    """Predicts candidates from the run of the start, whose second trial has the difference and whose first has not."""

    def __init__(self, run: Run, start: Candidate, book: Rulebook) -> None:
        self._start = start
        reference, other = (subject(run, trial, book) for trial in run.trials)
        made = reference.production.options if reference.production else Given()
        self._sides = (
            side_of(reference, reference.producer_engine, reference.theirs, made, varied=False),
            side_of(reference, reference.engine, reference.ours, reference.trial.options, varied=False),
            side_of(other, other.engine, other.ours, other.trial.options, varied=start.is_varied),
        )

    def difference(self, candidate: Candidate) -> Difference | None:
        """The difference of a candidate, None if it has none or if its build would fail.

        Raises UnknownError where the model does not say.
        """
        try:
            producer, reference, other = (self._steps(side, candidate) for side in self._sides)
        except FailingError:
            return None
        if not len(producer) == len(reference) == len(other):
            raise UnknownError
        made, ours, theirs = (self._given(side, candidate) for side in self._sides)
        first = _running(producer, reference, same_options=made == ours)
        second = _running(producer, other, same_options=made == theirs)
        for number, step in enumerate(producer):
            word = step.instruction.word
            if word in LISTED and (number in first) != (number in second):
                return Difference(word, _outcome(number, first), _outcome(number, second))
        return None

    def holds(self, candidate: Candidate, wanted: Difference) -> bool | None:
        """True if the candidate has that difference, False if not; None where the model does not say."""
        try:
            return self.difference(candidate) == wanted
        except UnknownError:
            return None

    @cached_property
    def _base(self) -> tuple[str, Mapping[str, ImageFacts]]:
        run = self._sides[0].subject.run
        return (run.base.reference if run.base else "scratch"), self._sides[0].subject.bases

    def _steps(self, side: Side, candidate: Candidate) -> Sequence[Step]:
        """The steps of one side's build of a candidate."""
        if side.engine is None:
            raise UnknownError
        if side.varied and any(DOCKERFILE in paths_of(item) for item in self._start.build.change):
            raise UnknownError
        base, bases = self._base
        text = candidate.build.dockerfile.replace(BASE, base)
        objects = [
            entry.but(content=text.encode("utf-8", "surrogateescape")) if entry.path == DOCKERFILE else entry
            for entry in View(side, self._start, candidate).objects()
        ]
        context = StoredContext(tuple(objects), dict(side.digests))
        missing: list[str] = []
        try:
            parsed = dockerfiles.parse(text)
            given = self._given(side, candidate)
            trial = side.subject.trial.model_copy(update={"options": given})
            options = options_of(replace(side.subject, trial=trial))
            images = base_images(parsed, ImageFacts(), bases, None, side.subject.platform, options)
            content = _content(context, side, missing)
            planned = plan(parsed, images, side.engine.dialect, content, options, linked=context.has_links)
        except LabError as error:
            raise FailingError from error
        if missing or planned.failing or any(map(_is_empty, planned.steps)):
            raise FailingError
        return planned.steps

    def _given(self, side: Side, candidate: Candidate) -> Given:
        """The options of the start without those that the candidate leaves out."""
        start, now = self._start.build, candidate.build
        names = {*start.arguments} - {*now.arguments}
        words = {*start.flags} - {*now.flags}
        if side.varied:
            for item in left_out(start.change, now.change):
                names |= set(value_of(item)) if item.kind == "argument" else set()
                words |= set(value_of(item)) if item.kind == "flag" else set()
        arguments = {name: value for name, value in side.given.arguments.items() if name not in names}
        return Given(arguments=arguments, flags=tuple(word for word in side.given.flags if word not in words))


def _content(context: StoredContext, side: Side, missing: list[str]) -> Content:
    """The content record of each COPY; a path that is missing is added to `missing`."""
    rules = side.engine.rules if side.engine else None
    trees: list[Tree] = []

    def record(copy: Copy) -> str | None:
        if rules is None or copy.origin:
            raise UnknownContentError("the files are not known")
        if not trees:
            trees.append(context.tree(rules))
        try:
            part = content_part(trees[0], copy.queries, rules)
        except ContextError as error:
            missing.append(error.message)
            raise
        try:
            return None if part is None else content_record(part.text)
        except ContextError as error:  # a plan would take it for a build that fails
            raise UnknownError from error

    return record


def _is_empty(step: Step) -> bool:
    return step.copy is not None and not step.copy.sources and not step.copy.files


def _running(producer: Sequence[Step], here: Sequence[Step], *, same_options: bool) -> Collection[int]:
    """The numbers of the steps that run here after the producer's build, by their definitions and contents.

    A definition that is not known is the same where the Dockerfile and the options are.
    """
    changed = set()
    for number, (made, step) in enumerate(zip(producer, here, strict=True)):
        if step.needs_content and (made.content is None or step.content is None):
            raise UnknownError
        if None in (made.record, step.record) and not same_options:
            raise UnknownError
        if (made.record, made.content, made.printed) != (step.record, step.content, step.printed):
            changed.add(number)
    return {n for n in range(len(here)) if n in changed or changed & set(ancestors(here, n))}


def _outcome(number: int, running: Collection[int]) -> Outcome:
    return Outcome.RAN if number in running else Outcome.HIT
