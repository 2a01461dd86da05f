"""The differences of a user's own project by name, as changes that a scenario can write.

These are the variations of `lab init --scenario`, and each axis of `lab vary` that is a change of the context, of the
Dockerfile or of the options.
"""

from __future__ import annotations

import platform
from collections.abc import Iterator, Sequence
from typing import get_args

from lab.buildkit.cachekeys.dockerfile import parse, until
from lab.buildkit.cachekeys.needs import first_image
from lab.buildkit.cachekeys.plan import plan
from lab.buildkit.contenthash.entry import Entry, Kind
from lab.buildkit.contenthash.rules import Rules
from lab.errors import ConfigError, UsageError, did_you_mean
from lab.results.contexts import StoredContext
from lab.run.changes.kind import Change
from lab.run.changes.table import NamedChange
from lab.run.changes.umask import Umask
from lab.run.minimise.parts import part
from lab.run.own_project.project import OwnProject
from lab.run.own_project.scenario import scenario_of
from lab.run.own_project.variations import best_file, differences, model_of
from lab.run.vary.axis import NotHereError, Scene, Variant
from lab.run.vary.picking import taken, unclear
from lab.run.vary.table import AXES

MACHINE = "amd64" if platform.machine() == "x86_64" else "arm64"
DOCKERFILE = "Dockerfile"
MARK = "# lab: line {}"  # stands for a line of the Dockerfile until all lines are replaced


def variations_of(project: OwnProject, rules: Rules, on: str | None = None) -> dict[str, tuple[NamedChange, ...]]:
    """The variations of a project by their names; `on` is the file that they change, by default the first that matters.

    UsageError if there is no such file.
    """
    files = {entry.path: entry for entry in project.objects if entry.kind is Kind.FILE and not entry.is_hardlink}
    if on is not None and on not in files:
        raise UsageError(
            f"cannot find the file {on} among what docker sends of {project.folder}{did_you_mean(on, list(files))}"
        )
    dockerfile = project.dockerfile("scratch")
    steps = scenario_of(project, "scratch").instructions
    chosen = files[on] if on else best_file(project, model_of(project, dockerfile, rules), steps)
    return {item.name: _read(item.change) for item in differences(project, chosen)}


def axis_names() -> list[str]:
    """The axes of `lab vary` that may be differences here, in order."""
    return [axis.name for axis in AXES]


def changes_of(project: OwnProject, name: str, rules: Rules, on: str | None = None) -> tuple[NamedChange, ...]:
    """The changes of a variation or an axis of that name; UsageError if there is none, or if it is no change."""
    known = variations_of(project, rules, on)
    if name in known:
        return known[name]
    axis = next((axis for axis in AXES if axis.name == name), None)
    if axis is None:
        names = [*known, *(name for name in axis_names() if name not in known)]
        raise UsageError(
            f'cannot find the variation "{name}" of {project.folder}{did_you_mean(name, names)}',
            hint=f"known variations: {', '.join(names)}",
        )
    scene = _scene(project, rules, on)
    try:
        variant = axis.make(scene)
    except NotHereError as error:
        raise UsageError(f"cannot minimise {project.folder} with the variation {name}: {error}") from error
    if variant.engine or variant.place or variant.images:
        raise UsageError(f"cannot minimise with the variation {name}: it is no change of files, Dockerfile or options")
    return tuple(_changes(variant, scene))


def _read(change: dict[str, object]) -> tuple[NamedChange, ...]:
    return tuple(part(kind, value) for kind, value in change.items())


def _scene(project: OwnProject, rules: Rules, on: str | None) -> Scene:
    """What the axes look at, as far as this machine knows it; the file of `on` is the first that a step takes."""
    text, target = project.dockerfile("scratch"), project.request.target
    parsed = parse(until(text, target))
    steps = plan(parsed, {}, None, lambda copy: None, project.options).steps
    found = taken(StoredContext(project.objects, {}), steps, rules)
    return Scene(
        objects=project.objects,
        taken=sorted(found, key=lambda entry: entry.path != on),
        text=text,
        parsed=parsed,
        base=first_image(parsed),
        ignore=".dockerignore",
        arguments=dict(project.arguments),
        flags=project.words,
        platform=("linux", MACHINE),
        prefix="",
        unclear=unclear(steps),
    )


def _changes(variant: Variant, scene: Scene) -> Iterator[NamedChange]:
    for change in variant.changes:
        if isinstance(change, Umask):
            yield from _modes(int(change.root, 8), scene.objects)
        else:
            yield named(change)
    if variant.dockerfile is not None:
        yield from _lines(scene.text, variant.dockerfile)


def named(change: Change) -> NamedChange:
    """Return a change with the name of its kind."""
    for kind, field in NamedChange.model_fields.items():
        if any(isinstance(change, each) for each in get_args(field.annotation) if each is not type(None)):
            return NamedChange.model_validate({kind: change})
    raise ConfigError(f"cannot write a change of the kind {type(change).__name__}")


def _modes(umask: int, objects: Sequence[Entry]) -> Iterator[NamedChange]:
    """The modes of a checkout under a umask, one by one: so each can be left out.

    The Dockerfile keeps its mode, because lab writes that file itself.
    """
    for entry in objects:
        if entry.kind not in (Kind.FILE, Kind.DIR) or entry.is_hardlink or entry.path == DOCKERFILE:
            continue
        mode = (0o777 if entry.kind is Kind.DIR or entry.mode & 0o100 else 0o666) & ~umask
        if mode != entry.mode:
            yield part("mode", {entry.path: f"{mode:04o}"})


def _lines(before: str, after: str) -> Iterator[NamedChange]:
    """The changes of the Dockerfile's instructions: each gets a mark first, since one may become what another was."""
    pairs = [(old, new) for old, new in zip(_instructions(before), _instructions(after), strict=True) if old != new]
    for number, (old, _) in enumerate(pairs):
        yield part("replace", {DOCKERFILE: {"from": old, "to": MARK.format(number)}})
    for number, (_, new) in enumerate(pairs):
        yield part("replace", {DOCKERFILE: {"from": MARK.format(number), "to": new}})


def _instructions(text: str) -> list[str]:
    return [item.original for stage in parse(text).stages for item in stage.instructions]
