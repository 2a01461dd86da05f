"""A project as the files of a scenario folder: a template of the Dockerfile, the context, variations that matter."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import yaml

from lab.buildkit.cachekeys.dockerfile import parse, until
from lab.buildkit.cachekeys.needs import images_needed
from lab.buildkit.cachekeys.stages import Stages
from lab.buildkit.contenthash.entry import Entry, Kind, shown
from lab.buildkit.contenthash.rules import Rules
from lab.errors import ContextError
from lab.report.project import size_in_words
from lab.run.context_files import MAX_CONTEXT_BYTES
from lab.run.own_project.project import OwnProject
from lab.run.own_project.scenario import scenario_of
from lab.run.own_project.variations import best_file, differences, model_of
from lab.run.rendering import TEMPLATE

PLAIN_MODES = (0o644, 0o755)  # what a box with the usual umask gives a file of a scenario
LABEL = "security.selinux"
BASE = "LAB-BASE-IMAGE"  # in place of lab's base image until the braces of the user's own text are protected
HEAD = "# Written by `lab init --scenario` from {folder}.\n"


class _Plain(yaml.SafeDumper):
    """YAML without aliases, which people do not write."""

    def ignore_aliases(self, data: object) -> bool:
        """True for all values."""
        return True


@dataclass(frozen=True, slots=True)
class Written:
    """One file of the scenario: its bytes, and whether it can be executed."""

    content: bytes
    executable: bool = False


def scenario_folder(project: OwnProject, rules: Rules) -> dict[str, Written]:
    """The files of a scenario by their paths in its folder; its variations are those that matter under a rule set.

    ContextError for a context that is larger than a scenario may hold, or that holds what no change can make.
    """
    if project.size > MAX_CONTEXT_BYTES:
        raise ContextError(
            f"cannot write a scenario of {project.folder}: its context has {size_in_words(project.size)}, a scenario "
            f"holds {MAX_CONTEXT_BYTES >> 20} MiB at most",
            hint="leave files out with .dockerignore; `repro --context` sends a context of any size",
        )
    dockerfile, variables = _dockerfile(project)
    objects = [*project.objects, *(entry for entry in project.own_files if entry.path == ".dockerignore")]
    objects = list({entry.path: entry for entry in objects if entry.path != "Dockerfile"}.values())
    scenario = {
        "name": project.name,
        "summary": f"the project {project.folder.resolve().name}",
        "variables": variables,
        "prepare": list(preparation(objects)),
        "sequence": usual_sequence(project),
        "variations": list(_variations(project, rules)),
    }
    stated = {name: value for name, value in scenario.items() if value}
    text = as_yaml(stated)
    files = {
        "scenario.yaml": Written((HEAD.format(folder=project.folder) + text).encode()),
        "Dockerfile.j2": Written(dockerfile.encode("utf-8", "surrogateescape")),
    }
    return files | dict(_context(objects))


def as_yaml(data: object) -> str:
    """Plain data as the text of a scenario.yaml."""
    return yaml.dump(data, Dumper=_Plain, sort_keys=False, allow_unicode=True, width=110)


def has_several_stages(project: OwnProject, dockerfile: str) -> bool:
    """True if steps depend on those of other stages: what BuildKit finds of these, only a cache shows."""
    return len(Stages(parse(until(dockerfile, project.request.target)), project.options).needed) > 1


def _dockerfile(project: OwnProject) -> tuple[str, dict[str, str]]:
    """The template of the Dockerfile, and its variables: one for each image that it names."""
    names = images_needed(parse(project.text), project.options, project.request.target)
    plain = [name for name in names if "$" not in name and " " not in name]
    text, variables = project.dockerfile(BASE), {}
    for name in () if project.request.bases else plain:
        variable = re.sub(r"[^a-z0-9]+", "_", name.lower().rpartition("/")[2]).strip("_")
        variable = variable if variable[:1].isalpha() and variable != "base" else f"image_{variable}"
        variables[variable] = name
    text = protected(text)
    for variable, name in variables.items():
        text = re.sub(rf"(?m)^(FROM (?:--\S+ )*){re.escape(name)}(?=\s|$)", rf"\g<1>{{{{ {variable} }}}}", text)
    return text.replace(BASE, "{{ base }}"), variables


def protected(text: str) -> str:
    """A text that a template gives back as it is."""
    return TEMPLATE.sub(lambda found: "{{ '" + found[0] + "' }}", text)


def _context(objects: Sequence[Entry]) -> Iterator[tuple[str, Written]]:
    """The plain files of the context, below context/."""
    for entry in objects:
        if entry.kind is not Kind.FILE or entry.is_hardlink:
            continue
        if TEMPLATE.search(entry.path) or entry.path != shown(entry.path):
            raise ContextError(f"cannot write a scenario: no file of one can have the name {shown(entry.path)}")
        content = entry.whole()
        name = entry.path
        if name.endswith(".j2"):  # a template's name: the file is one that gives back its text
            name, content = f"{name}.j2", protected(content.decode("utf-8", "surrogateescape")).encode()
        yield f"context/{name}", Written(content, bool(entry.mode & 0o100))


def preparation(objects: Sequence[Entry]) -> Iterator[dict[str, object]]:
    """The changes that both sides make: what plain files of a scenario do not say."""
    filled = {entry.path.rpartition("/")[0] for entry in objects}
    folders = [entry.path for entry in objects if entry.kind is Kind.DIR and entry.path not in filled]
    pipes = [entry.path for entry in objects if entry.kind is Kind.FIFO]
    if folders or pipes:
        yield {"add": {**dict.fromkeys(folders, "folder"), **dict.fromkeys(pipes, "fifo")}}
    links = {entry.path: entry.linkname for entry in objects if entry.kind is Kind.SYMLINK}
    seconds = {entry.path: entry.linkname for entry in objects if entry.is_hardlink}
    attributes = {entry.path: _attributes(entry) for entry in objects if _attributes(entry)}
    modes = {entry.path: f"{entry.mode:04o}" for entry in objects if has_own_mode(entry)}
    for kind, values in (("link", links), ("hard_link", seconds), ("attribute", attributes), ("mode", modes)):
        if values:
            yield {kind: values}


def _attributes(entry: Entry) -> dict[str, str]:
    return {name: f"0x{value.hex()}" for name, value in entry.xattrs.items() if name != LABEL}


def has_own_mode(entry: Entry) -> bool:
    """True if an object has another mode than a file of a scenario gets on a box with the usual umask."""
    if entry.kind is Kind.SYMLINK or entry.is_hardlink:
        return False
    return entry.mode != 0o755 if entry.kind is Kind.DIR else entry.mode not in PLAIN_MODES


def usual_sequence(project: OwnProject) -> list[dict[str, object]]:
    """The usual steps with the options of the build; none where it has none."""
    request = project.request
    words = {"target": request.target, "network": request.network, "platform": request.platform}
    flags = [f"--{name}={value}" for name, value in words.items() if value]
    options: dict[str, object] = {"arguments": dict(project.arguments)} if project.arguments else {}
    options |= {"flags": flags} if flags else {}
    if not options:
        return []
    return [
        {"build": {"side": "producer", **options}},
        {"push": {"side": "producer"}},
        {"prune": {"side": "producer"}},
        {"build": {"cache_from": ["image"], **options}},
    ]


def _variations(project: OwnProject, rules: Rules) -> Iterator[dict[str, object]]:
    """The differences that make a step run, each with what is expected of every step.

    There is none for a Dockerfile of several stages, of which that is not known without a cache.
    """
    scenario = scenario_of(project, "scratch")
    if has_several_stages(project, scenario.dockerfile):
        return
    model = model_of(project, scenario.dockerfile, rules)
    for item in differences(project, best_file(project, model, scenario.instructions)):
        runs = model.runs(item.objects, scenario.instructions)
        if any(runs):
            yield {
                "name": item.name,
                "summary": item.summary,
                "changes": [item.change],
                "expect": ["ran" if ran else "hit" for ran in runs],
            }
