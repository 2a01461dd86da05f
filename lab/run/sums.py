"""What a run is made of, as sums: its scenario or project, its boxes, its engines; and what differs between two."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from hashlib import sha256
from pathlib import Path

from lab import __version__
from lab.boxes.kinds.table import kind_of
from lab.boxes.specs import BoxSpec
from lab.buildkit.contenthash.entry import Entry, name_bytes, shown
from lab.engines.spec import EngineSpec
from lab.run.own_project.project import OwnProject
from lab.run.scenarios import Scenario
from lab.yamlfile import Strict

Sums = dict[str, dict[str, str]]  # what it is, its parts, and the value or the sum of each
LONGEST = 48  # a longer value is not shown
MOST = 10  # differences that are shown


def sums_of(scenario: Scenario, specs: Sequence[BoxSpec], pins: Sequence[EngineSpec], boxes: Path) -> Sums:
    """The sums of a run of this scenario, or of the project that it stands for, on these boxes with these engines.

    `boxes` is the folder with the recipes of boxes and engines.
    """
    found = {"lab": {"version": __version__}, f"the scenario {scenario.name}": dict(_scenario(scenario))}
    for spec in specs:
        recipe = kind_of(spec).recipe(spec)
        files = {"recipe": boxes / "recipes" / f"{recipe}.yaml"} if recipe else {}
        found[f"box {spec.name}"] = _described(spec, files)
    for pin in pins:
        found[f"engine {pin.name}"] = _described(pin, {"recipe": boxes / "engines" / f"{pin.listed_name}.yaml"})
    return found


def with_project(sums: Sums, project: OwnProject) -> Sums:
    """The sums with those of a user's own project in place of its scenario's."""
    kept = {name: parts for name, parts in sums.items() if not name.startswith("the scenario ")}
    return {**kept, f"the project {project.folder.resolve()}": dict(_project(project))}


def portable(sums: Sums) -> Sums:
    """The sums that are equal on several machines: without boxes, and without the folder of a project."""
    found = {}
    for name, parts in sums.items():
        if name.startswith("the project "):
            folder = name.removeprefix("the project ")
            found["the project"] = {part.removeprefix(f"{folder}/"): value for part, value in parts.items()}
        elif not name.startswith("box "):
            found[name] = dict(parts)
    return found


def differences(before: Sums, after: Sums) -> list[str]:
    """One sentence for each part that differs; after the tenth, their number."""
    found = [line for name in {**before, **after} for line in _differences(name, before.get(name), after.get(name))]
    more = [f"{len(found) - MOST} more parts differ"] if len(found) > MOST else []
    return [*found[:MOST], *more]


def _differences(name: str, before: Mapping[str, str] | None, after: Mapping[str, str] | None) -> Iterator[str]:
    if before is None or after is None:
        yield f"{name} {'is new' if before is None else 'is not used any more'}"
        return
    for part in {**before, **after}:
        old, new = before.get(part), after.get(part)
        if old == new:
            continue
        if old is None or new is None:
            yield f"{name}: {part} {'is new' if old is None else 'is gone'}"
        elif max(len(old), len(new)) > LONGEST:
            yield f"{name}: {part} changed"
        else:
            yield f"{name}: {part} {old} -> {new}"


def _scenario(scenario: Scenario) -> Iterator[tuple[str, str]]:
    yield "scenario.yaml", _sum(scenario.file.model_dump_json().encode())
    yield "Dockerfile", _sum(scenario.dockerfile.encode("utf-8", "surrogateescape"))
    for path, (content, executable) in scenario.context.items():
        yield f"context/{path}", _sum(content, str(executable).encode())


def _project(project: OwnProject) -> Iterator[tuple[str, str]]:
    yield str(project.file), _sum(name_bytes(project.text))
    if project.ignore is not None:
        yield "its ignore file", _sum(name_bytes(project.ignore))
    if project.head:
        yield "commit", project.head.commit
    for name, value in project.arguments.items():
        yield f"build argument {name}", _sum(name_bytes(value))
    for where, objects in {"": project.objects, **project.contexts}.items():
        for entry in objects:
            yield f"{where}:{shown(entry.path)}".removeprefix(":"), _object(entry)


def _object(entry: Entry) -> str:
    """The sum of everything that a client sends of an object; of its times, no digest depends on any."""
    head = (entry.kind.value, oct(entry.mode), entry.size, entry.linkname, entry.devmajor, entry.devminor)
    attributes = sorted((name, value.hex()) for name, value in entry.xattrs.items())
    return _sum(name_bytes(repr((head, attributes))), *(bytes(chunk) for chunk in entry.chunks() or ()))


def _described(item: Strict, files: Mapping[str, Path]) -> dict[str, str]:
    """The values of a box's or an engine's file, and the sums of the files that belong to it."""
    values = {name: json.dumps(value, sort_keys=True) for name, value in item.model_dump(mode="json").items()}
    return {**values, **{name: _sum(path.read_bytes()) for name, path in files.items() if path.is_file()}}


def _sum(*parts: bytes) -> str:
    digest = sha256()
    for part in parts:
        digest.update(len(part).to_bytes(8, "big"))
        digest.update(part)
    return digest.hexdigest()


def engines_of(specs: Iterable[BoxSpec], asked: Sequence[str]) -> list[str]:
    """The names of the engines that a run of these boxes may use: those asked for, else those of the boxes' files."""
    own = (name for spec in specs for name in (*spec.engines, *spec.at_hand))
    return list(dict.fromkeys(asked or own))
