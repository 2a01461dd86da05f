"""What lab's model of the cache says of a candidate, without an engine.

The records of both sides' files come from the start, which an engine built. A candidate only leaves things out of it,
so its files are known too, unless a change that lab cannot follow is left out.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from lab.buildkit.cachekeys import dockerfile as dockerfiles
from lab.buildkit.cachekeys.copying import Copy
from lab.buildkit.cachekeys.plan import plan
from lab.buildkit.cachekeys.step import Content, Step
from lab.buildkit.contenthash.entry import Entry, Kind
from lab.buildkit.contenthash.query import content_part, content_record
from lab.buildkit.contenthash.tree import Tree
from lab.buildkit.rulebook import Known, Rulebook
from lab.errors import ContextError, LabError
from lab.explain.graph import ancestors
from lab.explain.predict import base_images, options_of
from lab.explain.subject import Subject, subject
from lab.model import Outcome
from lab.results.contexts import StoredContext
from lab.results.facts import Given, ImageFacts
from lab.results.run import Run
from lab.run.changes.table import NamedChange
from lab.run.instructions import LISTED
from lab.run.minimise.candidate import Candidate, Difference
from lab.run.minimise.parts import paths_of, value_of
from lab.run.random_trials.case import BASE

DOCKERFILE = "Dockerfile"
PLAIN, EXECUTABLE = 0o644, 0o755
ON_ONE_PATH = ("mode", "owner", "attribute", "acl", "capability", "time", "link", "hard_link", "text", "append", "add")
NO_CONTENT = ("append", "replace", "line_ends")  # changes whose result depends on the content before


class UnknownError(Exception):
    """lab's model does not say what happens; the engine decides."""


class FailingError(Exception):
    """The build would fail."""


@dataclass(frozen=True)
class _Side:
    """One build of the start: its subject, its files, and the options that it was given."""

    subject: Subject
    engine: Known | None
    objects: Mapping[str, Entry]
    digests: Mapping[str, dict[str, str]]
    given: Given
    varied: bool


class Model:
    """Predicts candidates from the run of the start, whose second trial has the difference and whose first has not."""

    def __init__(self, run: Run, start: Candidate, book: Rulebook) -> None:
        self._start = start
        reference, other = (subject(run, trial, book) for trial in run.trials)
        made = reference.production.options if reference.production else Given()
        self._sides = (
            _side(reference, reference.producer_engine, reference.theirs, made, varied=False),
            _side(reference, reference.engine, reference.ours, reference.trial.options, varied=False),
            _side(other, other.engine, other.ours, other.trial.options, varied=start.is_varied),
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

    def _steps(self, side: _Side, candidate: Candidate) -> Sequence[Step]:
        """The steps of one side's build of a candidate."""
        if side.engine is None:
            raise UnknownError
        if side.varied and any(DOCKERFILE in paths_of(item) for item in self._start.build.change):
            raise UnknownError
        base, bases = self._base
        text = candidate.build.dockerfile.replace(BASE, base)
        objects = [
            entry.but(content=text.encode("utf-8", "surrogateescape")) if entry.path == DOCKERFILE else entry
            for entry in _View(side, self._start, candidate).objects()
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
            steps = plan(parsed, images, side.engine.dialect, content, options).steps
        except LabError as error:
            raise FailingError from error
        if missing or any(_fails(step) for step in steps):
            raise FailingError
        return steps

    def _given(self, side: _Side, candidate: Candidate) -> Given:
        """The options of the start without those that the candidate leaves out."""
        start, now = self._start.build, candidate.build
        names = {*start.arguments} - {*now.arguments}
        words = {*start.flags} - {*now.flags}
        if side.varied:
            for item in _left_out(start.change, now.change):
                names |= set(value_of(item)) if item.kind == "argument" else set()
                words |= set(value_of(item)) if item.kind == "flag" else set()
        arguments = {name: value for name, value in side.given.arguments.items() if name not in names}
        return Given(arguments=arguments, flags=tuple(word for word in side.given.flags if word not in words))


def _side(found: Subject, engine: Known | None, context: StoredContext | str, given: Given, *, varied: bool) -> _Side:
    if isinstance(context, str):
        return _Side(found, engine, {}, {}, given, varied)
    return _Side(found, engine, {entry.path: entry for entry in context.objects}, context.digests, given, varied)


@dataclass(frozen=True)
class _View:
    """The files of one side of a candidate, made of those of the start."""

    side: _Side
    start: Candidate
    candidate: Candidate

    def objects(self) -> Iterator[Entry]:
        """The objects; UnknownError if they are not known."""
        if not self.side.objects:
            raise UnknownError
        gone = self._gone()
        reset = self._reset()
        kept = [entry for path, entry in self.side.objects.items() if path not in gone]
        emptied = _filled(self.side.objects.values()) - _filled(kept)
        for entry in kept:
            if entry.path not in emptied:
                yield self._now(entry, reset.get(entry.path, ()))

    def _gone(self) -> set[str]:
        """The paths that the candidate does not have."""
        gone = {path for path in self.start.files if path not in self.candidate.files}
        left_out = list(_left_out(self.start.build.prepare, self.candidate.build.prepare))
        if self.side.varied:
            left_out += _left_out(self.start.build.change, self.candidate.build.change)
        for item in left_out:
            if item.kind in ("link", "hard_link", "add"):
                gone |= paths_of(item)
            elif item.kind == "text":
                gone |= {path for path in paths_of(item) if path not in self.start.files}
        return gone

    def _reset(self) -> dict[str, list[str]]:
        """By path, the kinds of change that the candidate leaves out there."""
        found: dict[str, list[str]] = {}
        left_out = list(_left_out(self.start.build.prepare, self.candidate.build.prepare))
        if self.side.varied:
            left_out += _left_out(self.start.build.change, self.candidate.build.change)
        for item in left_out:
            paths = paths_of(item)
            if item.kind in ("argument", "flag"):
                continue
            if item.kind not in (*ON_ONE_PATH, *NO_CONTENT, "remove", "commands"):
                raise UnknownError
            if not paths & self._present:
                continue
            if item.kind in ("remove", "commands", "acl", "capability", "hard_link"):
                raise UnknownError
            for path in paths:
                names = value_of(item)[path] if item.kind == "attribute" else ()
                found.setdefault(path, []).extend([item.kind, *(f"attribute {name}" for name in names)])
        return found

    @cached_property
    def _present(self) -> set[str]:
        """The paths of the start's context that the candidate still has, folders too."""
        gone = {path for path in self.start.files if path not in self.candidate.files}
        return {path for path in self.side.objects if path not in gone}

    def _now(self, entry: Entry, reset: Sequence[str]) -> Entry:
        """The object as the candidate has it, without the kinds of change in `reset`."""
        file, before = self.candidate.files.get(entry.path), self.start.files.get(entry.path)
        kinds = {item for item in reset if not item.startswith("attribute")}
        names = {item.partition(" ")[2] for item in reset if item.startswith("attribute ")}
        if names:
            entry = entry.but(xattrs={name: value for name, value in entry.xattrs.items() if name not in names})
        if "mode" in kinds:
            entry = entry.but(mode=self._mode(entry))
        if entry.kind is not Kind.FILE or entry.is_hardlink or file is None or before is None:
            return entry
        if file.executable != before.executable and entry.path not in self._with_mode:
            entry = entry.but(mode=entry.mode & ~0o111)
        changed = entry.path in self._with_content
        if changed and (file.content != before.content or kinds & {"text", *NO_CONTENT}):
            raise UnknownError
        return entry if changed else entry.but(content=file.content)

    def _mode(self, entry: Entry) -> int:
        """The mode that an object has where no change sets it."""
        file = self.candidate.files.get(entry.path)
        if entry.kind is Kind.DIR or (file and file.executable):
            return EXECUTABLE
        return PLAIN

    @cached_property
    def _with_mode(self) -> set[str]:
        """The paths whose mode a change of the candidate sets on this side."""
        items = (*self.candidate.build.prepare, *(self.candidate.build.change if self.side.varied else ()))
        return {path for item in items if item.kind in ("mode", "acl") for path in paths_of(item)}

    @cached_property
    def _with_content(self) -> set[str]:
        """The paths whose content a change of the start writes on this side; a checkout writes every file."""
        items = (*self.start.build.prepare, *(self.start.build.change if self.side.varied else ()))
        if any(item.kind == "checkout" for item in items):
            return set(self.start.files)
        kinds = ("text", *NO_CONTENT, "rename", "commands")
        return {path for item in items if item.kind in kinds for path in paths_of(item)}


def _left_out(before: Sequence[NamedChange], now: Sequence[NamedChange]) -> list[NamedChange]:
    left = list(now)
    found = []
    for item in before:
        if item in left:
            left.remove(item)
        else:
            found.append(item)
    return found


def _filled(objects: Iterable[Entry]) -> set[str]:
    """The folders that hold an object which is no folder, at any depth."""
    found: set[str] = set()
    for entry in objects:
        parts = entry.path.split("/") if entry.kind is not Kind.DIR else []
        found.update("/".join(parts[:number]) for number in range(1, len(parts)))
    return found


def _content(context: StoredContext, side: _Side, missing: list[str]) -> Content:
    """The content record of each COPY; a path that is missing is added to `missing`."""
    rules = side.engine.rules if side.engine else None
    trees: list[Tree] = []

    def record(copy: Copy) -> str | None:
        if rules is None or copy.origin:
            raise ContextError("the files are not known")
        if not trees:
            trees.append(context.tree(rules))
        try:
            part = content_part(trees[0], copy.queries, rules)
        except ContextError as error:
            missing.append(error.message)
            raise
        return None if part is None else content_record(part.text)

    return record


def _fails(step: Step) -> bool:
    return step.fails or (step.copy is not None and not step.copy.sources and not step.copy.files)


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
