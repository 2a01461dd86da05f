"""A new case from answers: the text of its scenario.yaml, and its folder, which is kept only if it can be loaded."""

from __future__ import annotations

import posixpath
import re
import shutil
import tempfile
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from lab import files
from lab.errors import ConfigError, UsageError, did_you_mean
from lab.files import disk_error
from lab.run.changes.table import NamedChange
from lab.run.scenarios import SHARED, Scenario, load_scenario
from lab.yamlfile import check

WIDTH = 100
NAME = re.compile(r"[a-z0-9][a-z0-9-]*")
PARTS = ("Dockerfile.j2", "context")


@dataclass(frozen=True, slots=True)
class Answers:
    """What a new case states: `changes` are texts such as `mode: {app.txt: "0664"}`, `expect` has an outcome a step."""

    name: str
    summary: str
    template: str
    mechanism: str
    changes: tuple[str, ...]
    expect: tuple[str, ...]
    tags: tuple[str, ...] = ()
    references: tuple[tuple[str, str], ...] = ()
    look: str = ""
    variation: str = "change"
    difference: str = ""


def templates(scenarios: Path) -> list[str]:
    """The names of the shared templates, each a Dockerfile and a context."""
    return sorted(path.parent.name for path in (scenarios / SHARED).glob("*/Dockerfile.j2"))


def steps_of(template: str, scenarios: Path) -> tuple[str, ...]:
    """The steps of a shared template, in order; UsageError if there is none of that name."""
    known = templates(scenarios)
    if template not in known:
        raise UsageError(
            f'cannot find the template "{template}"{did_you_mean(template, known)}',
            hint=f"templates: {', '.join(known)}",
        )
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "a"
        _copy(scenarios / SHARED / template, place)
        (place / "scenario.yaml").write_text("name: a\nsummary: a\n", encoding="utf-8")
        return load_scenario(place, "BASE").instructions


def change_of(text: str) -> Mapping[str, Any]:
    """The change that a text of YAML states; UsageError if it states none."""
    try:
        data = yaml.safe_load(text)
        check(data, NamedChange, f"the change {text}")
    except yaml.YAMLError as error:
        raise UsageError(f"cannot read the change {text}: it is not YAML", hint=EXAMPLE) from error
    except ConfigError as error:
        raise UsageError(error.message, hint=EXAMPLE) from error
    return dict(data)


EXAMPLE = """a change is one line of YAML, such as mode: {app.txt: "0664"}; docs/scenarios.md lists the kinds"""


# The kinds of change that need an object of the context, by where their value names it.
_KEYS = ("mode", "owner", "attribute", "acl", "capability", "time", "append", "rename", "replace", "line_ends")
_ITEMS, _VALUES = ("remove",), ("hard_link",)
_MAKES = ("text", "add", "link", "hard_link")  # their keys are objects that later changes may name


def check_paths(changes: Sequence[str], template: str, scenarios: Path) -> None:
    """Raise UsageError for a change of an object that neither the template nor an earlier change has."""
    context = scenarios / SHARED / template / "context"
    known = {"Dockerfile", *(path.relative_to(context).as_posix() for path in context.rglob("*"))}
    for number, text in enumerate(changes, 1):
        for kind, value in change_of(text).items():
            missing = next((path for path in _needed(kind, value) if posixpath.normpath(path) not in known), None)
            if missing is not None:
                raise UsageError(
                    f"cannot use change {number}, {text}: {kind} names {missing}, which the template {template} does "
                    f"not have{did_you_mean(missing, sorted(known))}",
                    hint=f"objects: {', '.join(sorted(known))}; text and add make new ones",
                )
            known |= {posixpath.normpath(path) for path in _made(kind, value)}
            known -= set(_needed(kind, value)) if kind in ("remove", "rename") else set()


def _needed(kind: str, value: Any) -> list[str]:
    if kind in _KEYS and isinstance(value, dict):
        return list(value)
    if kind in _VALUES:
        return [str(path) for path in value.values()]
    return list(value) if kind in _ITEMS else []


def _made(kind: str, value: Any) -> list[str]:
    if kind == "rename":
        return [str(path) for path in value.values()]
    return list(value) if kind in _MAKES else []


def text_of(answers: Answers) -> str:
    """The text of scenario.yaml."""
    head: dict[str, Any] = {"name": answers.name, "summary": answers.summary}
    lines = [_yaml(head), f"tags: [{', '.join(answers.tags)}]\n"]
    if answers.references:
        lines.append("references:\n")
        lines += [f"  - {_flow({'url': url, 'state': state})}\n" for url, state in answers.references]
    lines.append("mechanism: >-\n" + textwrap.indent(textwrap.fill(answers.mechanism, WIDTH - 2), "  ") + "\n")
    lines.append(_yaml({"look": answers.look}) if answers.look else "")
    lines.append(f"template: {answers.template}\nvariations:\n  - name: {answers.variation}\n")
    lines.append(textwrap.indent(_yaml({"summary": answers.difference or answers.summary}), "    "))
    lines.append("    default: true\n    changes:\n")
    lines += [f"      - {_flow(change_of(change))}\n" for change in answers.changes]
    return "".join([*lines, f"    expect: [{', '.join(answers.expect)}]\n"])


def write(answers: Answers, parent: Path, scenarios: Path) -> tuple[Path, Scenario]:
    """Write the case into a folder of its name below `parent`, and return the folder and what was loaded from it.

    `scenarios` has the shared templates; if `parent` has none, the template's parts are copied. Raises UsageError for a
    name that is no word, for a change of an object that is not there and if the folder exists, and ConfigError if what
    was written cannot be loaded: nothing is left of it then.
    """
    if not NAME.fullmatch(answers.name):
        raise UsageError(f'cannot name a case "{answers.name}": a name has small letters, digits and hyphens')
    check_paths(answers.changes, answers.template, scenarios)
    folder = parent / answers.name
    if folder.exists():
        raise UsageError(f"cannot write {folder}: it exists", hint="name the case differently; nothing was changed")
    try:
        parent.mkdir(parents=True, exist_ok=True)
        folder.mkdir()
    except OSError as error:
        raise disk_error(folder, error) from error
    try:
        text = text_of(answers)
        if not (parent / SHARED / answers.template).is_dir():
            _copy(scenarios / SHARED / answers.template, folder)
            text = text.replace(f"template: {answers.template}\n", "", 1)
        files.write(folder / "scenario.yaml", text)
        scenario = load_scenario(folder, "scratch")
        for variation in scenario.file.variations:
            scenario.changes(variation)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return folder, scenario


def _copy(template: Path, folder: Path) -> None:
    for name in PARTS:
        source = template / name
        if source.is_dir():
            shutil.copytree(source, folder / name)
        elif source.exists():
            folder.mkdir(exist_ok=True)
            shutil.copy(source, folder / name)


def _yaml(data: Mapping[str, Any]) -> str:
    return yaml.safe_dump(dict(data), sort_keys=False, allow_unicode=True, width=10_000)


def _flow(data: Mapping[str, Any]) -> str:
    """A mapping on one line, without the braces around it if it has one key."""
    text = yaml.safe_dump(
        dict(data), sort_keys=False, allow_unicode=True, width=10_000, default_flow_style=True
    ).strip()
    return text[1:-1] if len(data) == 1 else text
