"""Writes a candidate as a scenario folder that `lab repro` runs."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from lab import files
from lab.buildkit.contenthash.entry import shown
from lab.errors import ContextError, ReadError
from lab.model import Outcome
from lab.run.instructions import steps_in
from lab.run.minimise.candidate import Candidate
from lab.run.minimise.parts import together, value_of
from lab.run.own_project.template import as_yaml, protected
from lab.run.random_trials.case import BASE
from lab.run.rendering import TEMPLATE
from lab.run.steps.table import USUAL

SUMMARY = "the smallest part of {name} in which the difference is seen"
PLACE = "LAB-BASE-IMAGE"  # in place of the base image until the braces of other text are protected
HEAD = "# Written by `lab minimise` from {name}.\n"


Outcomes = tuple[Outcome, ...]


def write(candidate: Candidate, folder: Path, reference: Outcomes = (), subject: Outcomes = ()) -> None:
    """Write the scenario to a folder, which is emptied before; HostError if the disk refuses.

    The outcomes are those expected of the steps without and with the change; without them every step is expected to
    hit. Raises ContextError for a file that no scenario can hold, ReadError for a Dockerfile without a step.
    """
    texts = dict(_parts(candidate, folder, reference, subject))
    try:
        if folder.exists():
            shutil.rmtree(folder)
        for name, (content, executable) in texts.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
            path.chmod(0o755 if executable else 0o644)
    except OSError as error:
        raise files.disk_error(folder, error) from error


def _parts(
    candidate: Candidate, folder: Path, reference: Outcomes, subject: Outcomes
) -> Iterator[tuple[str, tuple[bytes, bool]]]:
    dockerfile = candidate.build.dockerfile
    steps = steps_in(folder / "scenario.yaml", dockerfile)
    if not steps:
        raise ReadError("cannot use a Dockerfile without RUN, COPY and ADD: there is nothing to compare")
    plain = (Outcome.HIT,) * len(steps)
    data = _scenario(candidate, steps, reference or plain, subject or plain)
    head = HEAD.format(name=candidate.name)
    yield "scenario.yaml", ((head + as_yaml(data)).encode("utf-8", "surrogateescape"), False)
    template = protected(dockerfile.replace(BASE, PLACE)).replace(PLACE, "{{ base }}")
    yield "Dockerfile.j2", (template.encode("utf-8", "surrogateescape"), False)
    for path, file in candidate.files.items():
        if TEMPLATE.search(path) or path != shown(path):
            raise ContextError(f"cannot write a scenario: no file of one can have the name {shown(path)}")
        name, content = path, file.content
        if name.endswith(".j2"):  # a template's name: the file is one that gives back its text
            name, content = f"{name}.j2", protected(content.decode("utf-8", "surrogateescape")).encode()
        yield f"context/{name}", (content, file.executable)


def _scenario(
    candidate: Candidate, instructions: Sequence[str], reference: Outcomes, subject: Outcomes
) -> dict[str, Any]:
    build = candidate.build
    found: dict[str, Any] = {
        "name": f"{candidate.name}-minimal",
        "summary": SUMMARY.format(name=candidate.name),
    }
    if set(reference) != {Outcome.HIT}:
        found["steps"] = [
            {"instruction": protected(text), "expect": outcome.value}
            for text, outcome in zip(instructions, reference, strict=True)
        ]
    if build.prepare:
        found["prepare"] = [_protected({item.kind: value_of(item)}) for item in together(build.prepare)]
    if candidate.sequence != USUAL:
        found["sequence"] = [
            _protected(_stated(item.model_dump(mode="json", by_alias=True, exclude_unset=True)))
            for item in candidate.steps
        ]
    if candidate.is_varied:
        variation = {
            "name": candidate.variation,
            "summary": f"what remains of {candidate.variation}",
            "default": True,
            "changes": [_protected({item.kind: value_of(item)}) for item in together(build.change)],
            "expect": [outcome.value for outcome in subject],
        }
        found["variations"] = [variation]
    return found


def _stated(step: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """A step without the arguments and flags of which none is left."""
    return {kind: {key: item for key, item in value.items() if item not in ({}, [])} for kind, value in step.items()}


def _protected(value: Any) -> Any:
    """Plain data whose texts a template gives back as they are."""
    if isinstance(value, str):
        return protected(value)
    if isinstance(value, dict):
        return {_protected(key): _protected(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_protected(item) for item in value]
    return value
