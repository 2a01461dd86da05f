"""Where a minimisation starts: a scenario with a variation, a user's own project, or a trial of a stored run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from lab.buildkit.cachekeys.dockerfile import until
from lab.buildkit.contenthash.entry import Entry, Kind
from lab.buildkit.contenthash.rules import Rules
from lab.errors import ConfigError
from lab.explain.subject import Subject
from lab.model import CONTROL
from lab.report.project import size_in_words
from lab.results.contexts import StoredContext, load_context
from lab.results.facts import Given
from lab.run.changes.table import NamedChange
from lab.run.context_files import MAX_CONTEXT_BYTES
from lab.run.minimise.candidate import Candidate, File, dockerfile_in_pieces, options_in
from lab.run.minimise.differences import changes_of
from lab.run.minimise.parts import divided, part
from lab.run.own_project.project import OwnProject
from lab.run.own_project.template import has_own_mode, preparation, usual_sequence
from lab.run.random_trials.case import BASE, Case
from lab.run.rendering import filled
from lab.run.scenario_file import ScenarioFile, Variation
from lab.run.scenarios import load_scenario
from lab.run.steps.table import USUAL, NamedStep
from lab.yamlfile import check, load

OWN_FILES = ("Dockerfile",)  # written by lab
AS_ON = "as-on-"  # begins the name of the variation that makes the files of another box
ELSEWHERE = ("--file", "--target", "--build-context", "--secret", "--ssh")


def from_scenario(folder: Path, variation: str) -> Candidate:
    """The start for a scenario and one of its variations, `none` for the difference of two boxes.

    ConfigError describes what is wrong with the scenario, UsageError an unknown variation.
    """
    scenario = load_scenario(folder, BASE)
    (chosen,) = scenario.variations((variation,))
    where = str(folder / "scenario.yaml")
    file = load(folder / "scenario.yaml", ScenarioFile)

    def rendered(items: Iterable[NamedChange]) -> tuple[NamedChange, ...]:
        written = [item.model_dump(mode="json", exclude_unset=True, by_alias=True) for item in items]
        return divided([check(item, NamedChange, where) for item in filled(written, scenario.variables, where)])

    return _candidate(
        scenario.name,
        variation,
        scenario.dockerfile,
        {path: File(content, executable) for path, (content, executable) in scenario.context.items()},
        rendered(file.prepare),
        rendered(_changes(chosen)) if chosen else (),
        scenario.sequence,
    )


def _changes(variation: Variation) -> Iterator[NamedChange]:
    yield from variation.changes
    if variation.commands:
        yield part("commands", {"run": variation.commands, "root": variation.root})


def from_project(project: OwnProject, variation: str, rules: Rules, on: str | None = None) -> Candidate:
    """The start for a user's own project and the name of a variation or of an axis; UsageError for an unknown one."""
    changes = changes_of(project, variation, rules, on)
    objects = [*project.objects, *(entry for entry in project.own_files if entry.path == ".dockerignore")]
    objects = [entry for entry in {item.path: item for item in objects}.values() if entry.path not in OWN_FILES]
    whole = project.request
    target, project = whole.target, replace(project, request=replace(whole, target=None))
    sequence = tuple(check(item, NamedStep, "the sequence") for item in usual_sequence(project))
    return _candidate(
        project.name,
        variation,
        until(project.dockerfile(BASE), target),
        _files(objects),
        _prepared(objects),
        changes,
        sequence or None,
        _notes(objects),
    )


def from_trial(subject: Subject, *, boxes: bool = False) -> Candidate:
    """The start for a trial of a stored run, made of its Dockerfile and of the records of both contexts alone.

    The difference of two boxes becomes a change: the files of the producer become those of the consumer. With `boxes`,
    or if the files do not differ, the two boxes themselves are the difference. ConfigError if the run does not hold the
    records, or if the two sides differ in what no change can make.
    """
    theirs, ours, run, trial = subject.theirs, subject.ours, subject.run, subject.trial
    if isinstance(theirs, str) or isinstance(ours, str):
        raise ConfigError(f"cannot minimise {trial.name}: {theirs if isinstance(theirs, str) else ours}")
    between = trial.variation == CONTROL
    reference = theirs if between else reference_context(subject) or theirs
    before = [entry for entry in reference.objects if entry.path not in OWN_FILES]
    after = {entry.path: entry for entry in ours.objects if entry.path not in OWN_FILES}
    given = subject.production.options if subject.production else Given()
    changes: list[NamedChange] = []
    if not (between and boxes):
        changes = [*_differences(before, after), *_other_options(given, trial.options)]
    if not between and not changes:
        raise ConfigError(f"cannot minimise {trial.name}: the records of its two sides do not differ")
    dockerfile = subject.their_dockerfile
    if run.base:
        dockerfile = dockerfile.replace(run.base.reference, BASE)
    name = f"{AS_ON}{trial.consumer}" if between and changes else trial.variation
    return _candidate(
        run.scenario, name, dockerfile, _files(before), _prepared(before), changes, _sequence_of(given), _notes(before)
    )


def _sequence_of(given: Given) -> tuple[NamedStep, ...] | None:
    """The bug report's sequence with the options of a build; None for a build without options."""
    options = {"arguments": dict(given.arguments), "flags": _usable(given.flags)}
    stated = {name: value for name, value in options.items() if value}
    if not stated:
        return None
    words: list[dict[str, object]] = [
        {"build": {"side": "producer", **stated}},
        {"push": {"side": "producer"}},
        {"prune": {"side": "producer"}},
        {"build": {"cache_from": ["image"], **stated}},
    ]
    return tuple(check(item, NamedStep, "the sequence") for item in words)


def reference_context(subject: Subject) -> StoredContext | None:
    """The files of the consumer without the variation, if the run has them."""
    wanted = replace(subject.trial.key, variation=CONTROL)
    control = next((trial for trial in subject.run.trials if trial.key == wanted), None)
    found = load_context(subject.run, control.context) if control else ""
    return None if isinstance(found, str) else found


def _candidate(
    name: str,
    variation: str,
    dockerfile: str,
    files: Mapping[str, File],
    prepare: Iterable[NamedChange],
    change: Iterable[NamedChange],
    sequence: tuple[NamedStep, ...] | None,
    notes: tuple[str, ...] = (),
) -> Candidate:
    before, stages = dockerfile_in_pieces(dockerfile)
    steps = sequence or USUAL
    arguments, flags = options_in(steps)
    build = Case(
        before=before,
        stages=stages,
        prepare=divided(list(prepare)),
        arguments=arguments,
        flags=flags,
        change=divided(list(change)),
    )
    return Candidate(name, variation, build, files, steps, notes)


def _files(objects: Iterable[Entry]) -> dict[str, File]:
    """The plain files; one is empty if its content is not recorded, or is more than a scenario may hold."""
    plain = [entry for entry in objects if entry.kind is Kind.FILE and not entry.is_hardlink]
    fitting = {entry.path for entry in _fitting(plain)}
    return {
        entry.path: File(
            b"".join(map(bytes, (entry.chunks() if entry.path in fitting else ()) or ())), bool(entry.mode & 0o100)
        )
        for entry in plain
    }


def _fitting(plain: Iterable[Entry]) -> Iterator[Entry]:
    """The files whose contents a scenario may hold together: the smallest ones."""
    room = MAX_CONTEXT_BYTES
    for entry in sorted(plain, key=lambda item: item.size):
        room -= entry.size
        if room < 0:
            return
        yield entry


def _notes(objects: Iterable[Entry]) -> tuple[str, ...]:
    """What the start does not have of the contents."""
    plain = [entry for entry in objects if entry.kind is Kind.FILE and not entry.is_hardlink]
    fitting = {entry.path for entry in _fitting(plain)}
    large = [entry for entry in plain if entry.path not in fitting]
    unknown = [entry for entry in plain if entry.path in fitting and entry.size and entry.content is None]
    found = []
    if large:
        size = size_in_words(sum(entry.size for entry in large))
        found.append(
            f"{len(large)} files with {size} are empty from the start, because a scenario holds "
            f"{MAX_CONTEXT_BYTES >> 20} MiB: the largest is {max(large, key=lambda entry: entry.size).path}"
        )
    if unknown:
        found.append(f"{len(unknown)} files are empty from the start, because the run has not stored their contents")
    return tuple(found)


def _prepared(objects: Iterable[Entry]) -> list[NamedChange]:
    return [check(item, NamedChange, "the context") for item in preparation(list(objects))]


def _differences(before: Iterable[Entry], after: Mapping[str, Entry]) -> Iterator[NamedChange]:
    """The changes that make the consumer's context of the producer's."""
    seen: set[str] = set()
    for old in before:
        seen.add(old.path)
        new = after.get(old.path)
        if new is None:
            yield part("remove", [old.path])
            continue
        if old.kind is not new.kind:
            yield part("remove", [old.path])
            yield from _new(new)
        elif old.is_hardlink == new.is_hardlink:
            yield from _of_object(old, new)
    for path in after:
        if path not in seen:
            yield from _new(after[path])


def _of_object(old: Entry, new: Entry) -> Iterator[NamedChange]:
    if old.kind is Kind.SYMLINK and old.linkname != new.linkname:
        yield part("link", {new.path: new.linkname})
    elif old.kind is Kind.FILE and not old.is_hardlink and _sum(old) != _sum(new):
        yield part("text", {new.path: _text(new)})
    if old.mode != new.mode and old.kind is not Kind.SYMLINK:
        yield part("mode", {new.path: f"{new.mode:04o}"})
    for name in sorted({*old.xattrs, *new.xattrs}):
        if old.xattrs.get(name) != new.xattrs.get(name):
            value = new.xattrs.get(name)
            yield part("attribute", {new.path: {name: None if value is None else f"0x{value.hex()}"}})


def _new(entry: Entry) -> Iterator[NamedChange]:
    if entry.kind is Kind.FILE and not entry.is_hardlink:
        yield part("text", {entry.path: _text(entry)})
        if has_own_mode(entry):
            yield part("mode", {entry.path: f"{entry.mode:04o}"})
    elif entry.kind in (Kind.DIR, Kind.FIFO):
        yield part("add", {entry.path: "folder" if entry.kind is Kind.DIR else "fifo"})
    elif entry.kind is Kind.SYMLINK:
        yield part("link", {entry.path: entry.linkname})


def _other_options(theirs: Given, ours: Given) -> Iterator[NamedChange]:
    for name, value in ours.arguments.items():
        if theirs.arguments.get(name) != value:
            yield part("argument", {name: value})
    if more := [word for word in _usable(ours.flags) if word not in theirs.flags]:
        yield part("flag", more)


def _usable(flags: Iterable[str]) -> list[str]:
    """The flags without those that name files beside the context of the run; the Dockerfile ends with its target."""
    return [word for word in flags if word.partition("=")[0] not in ELSEWHERE]


def _sum(entry: Entry) -> object:
    return entry.sha256 or entry.content or entry.size


def _text(entry: Entry) -> str:
    content = entry.content if isinstance(entry.content, bytes) else f"content {entry.sha256}\n".encode()
    return content.decode("utf-8", "replace")
