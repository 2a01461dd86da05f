"""Two runs compared: the cells that changed, and what else differs between the runs."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterable, KeysView, Mapping
from dataclasses import asdict, dataclass, replace
from functools import partial
from itertools import groupby
from typing import Any

from lab.counting import counted
from lab.errors import UsageError
from lab.model import Outcome, TrialKey
from lab.report import printable
from lab.report.evidence import Evidence, producer_engine
from lab.report.findings import plain
from lab.report.prediction import Prediction, prediction
from lab.report.trials import bytes_sent, steps_of
from lab.results.facts import BoxFacts, StepResult
from lab.results.run import Trial

WIDTH = 100
VERDICT, PREDICTED = "verdict", "predicted"
Key = Callable[[Trial, Mapping[str, str]], TrialKey]
_FACTS = ("server", "client", "commit", "buildx", "rules", "os", "kernel", "storage", "selinux")


@dataclass(frozen=True, slots=True)
class Change:
    """One cell: the trial's names in both runs, the step's instruction or the column, both words, and why.

    `why` holds the known causes, and what differs between the two trials.
    """

    trial: str
    other: str
    cell: str
    before: str
    after: str
    why: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Comparison:
    """What changed between two runs; `same` counts trials without a change, `only_*` names trials of one run only.

    `boxes` pairs boxes of the first run with their counterparts in the second; empty where the names are the same.
    `engines` pairs the engines that differ within a pair of trials, each pair of engines once.
    """

    changes: tuple[Change, ...]
    same: int
    only_before: tuple[str, ...]
    only_after: tuple[str, ...]
    boxes: tuple[tuple[str, str], ...] = ()
    engines: tuple[tuple[str, str], ...] = ()

    def to_json(self) -> dict[str, Any]:
        """As JSON values."""
        return {"schema": 1, **asdict(self)}


def compare(before: Evidence, after: Evidence) -> Comparison:
    """Compare trial by trial: two trials are a pair if they have the same boxes, engines and variation.

    If each run has exactly one trial of these boxes and this variation, the two are a pair whatever their engines, so
    that two engines can be compared. If the runs have no box in common, similar boxes count as the same, so that a run
    of somebody else can be compared. UsageError for runs of different scenarios, and for runs without any pair.
    """
    if before.run.scenario != after.run.scenario:
        raise UsageError(f"cannot compare a run of {before.run.scenario} with one of {after.run.scenario}")
    boxes: dict[str, str] = {}
    pairs, only_before, only_after = _pairs(before.run.trials, after.run.trials, boxes)
    if not pairs and not _ends(before) & _ends(after):
        boxes = counterparts(before, after)
        pairs, only_before, only_after = _pairs(before.run.trials, after.run.trials, boxes)
    if not pairs and (only_before or only_after):
        raise UsageError(
            f"cannot compare {before.run.name} with {after.run.name}: no trial of the one is in the other",
            hint=f"the one has {_ends_text(before)}; the other {_ends_text(after)}",
        )
    found = [_changes(before, one, after, other) for one, other in pairs]
    return Comparison(
        tuple(change for changes in found for change in changes),
        sum(not changes for changes in found),
        tuple(trial.name for trial in only_before),
        tuple(trial.name for trial in only_after),
        tuple(boxes.items()),
        tuple(dict.fromkeys(engines for one, other in pairs for engines in _engines(one, other))),
    )


def comparison_text(comparison: Comparison, width: int = WIDTH) -> str:
    """A comparison as text, at most `width` columns wide except for long names."""
    wrapped = partial(_wrapped, width=width)
    lines = [wrapped(f"{theirs} is compared with {ours}", "") for theirs, ours in comparison.boxes]
    lines += [wrapped(f"engine {theirs} is compared with {ours}", "") for theirs, ours in comparison.engines]
    for name, group in groupby(comparison.changes, key=lambda change: change.trial):
        changes = list(group)
        lines += ["", printable.line(name)]
        lines += [f"  now {printable.line(changes[0].other)}"] if changes[0].other != name else []
        lines += [wrapped(f"{change.cell}: {change.before} -> {change.after}") for change in changes]
        lines += [wrapped(f"why: {text}") for text in changes[0].why]
    for names, text in ((comparison.only_before, "only in the first"), (comparison.only_after, "only in the second")):
        lines += ["", f"{text}:", *(f"  {printable.line(name)}" for name in names)] if names else []
    changed = len({change.trial for change in comparison.changes})
    lines += ["", f"{counted(changed, 'trial')} changed, {comparison.same} did not"]
    return "\n".join(lines).strip("\n")


def _wrapped(text: str, indent: str = "  ", *, width: int) -> str:
    return textwrap.fill(printable.line(text), width, initial_indent=indent, subsequent_indent=f"{indent}  ")


def _pairs(
    before: Iterable[Trial], after: Iterable[Trial], boxes: Mapping[str, str]
) -> tuple[list[tuple[Trial, Trial]], list[Trial], list[Trial]]:
    """The pairs, and the trials of either run without a partner; `boxes` renames the boxes of the first run."""
    ones, others = list(before), list(after)
    pairs: list[tuple[Trial, Trial]] = []
    found: set[int] = set()
    for key in (_whole, _whatever_engine):
        left, right = _unique(ones, key, boxes), _unique(others, key, {})  # of the whole runs
        matched = [(trial, right[name]) for name, trial in left.items() if name in right and id(trial) not in found]
        pairs += matched
        found |= {id(trial) for pair in matched for trial in pair}
    ones, others = ([trial for trial in side if id(trial) not in found] for side in (ones, others))
    return pairs, ones, others


def _engines(one: Trial, other: Trial) -> list[tuple[str, str]]:
    """The engines of two trials that differ: those of their producers, then those of their consumers."""
    ends = ((producer_engine(one), producer_engine(other)), (one.engine, other.engine))
    return [(theirs, ours) for theirs, ours in ends if theirs != ours]


def _whole(trial: Trial, boxes: Mapping[str, str]) -> TrialKey:
    producer, consumer = (boxes.get(name, name) for name in (trial.producer, trial.consumer))
    return replace(trial.key, producer=producer, consumer=consumer)


def _whatever_engine(trial: Trial, boxes: Mapping[str, str]) -> TrialKey:
    return replace(_whole(trial, boxes), producer_engine="", engine="")


def _unique(trials: list[Trial], key: Key, boxes: Mapping[str, str]) -> dict[TrialKey, Trial]:
    """Trials by a key that no other trial has."""
    groups: dict[TrialKey, list[Trial]] = {}
    for trial in trials:
        groups.setdefault(key(trial, boxes), []).append(trial)
    return {name: group[0] for name, group in groups.items() if len(group) == 1}


def _changes(before: Evidence, one: Trial, after: Evidence, other: Trial) -> list[Change]:
    cells = [
        (step.instruction, step.outcome.value, later.outcome.value)
        for step, later in _steps(before, one, after, other)
        if step.outcome is not later.outcome
    ]
    if one.verdict is not other.verdict:
        cells.append((VERDICT, one.verdict.value, other.verdict.value))
    predictions = [prediction(trial) for trial in (one, other)]
    if predictions[0] is not predictions[1] and Prediction.CONTRADICTED in predictions:
        cells.append((PREDICTED, predictions[0].value, predictions[1].value))
    if not cells:
        return []
    why = tuple(_why(before, one, after, other))
    return [Change(one.name, other.name, *cell, why) for cell in cells]


def _steps(before: Evidence, one: Trial, after: Evidence, other: Trial) -> Iterable[tuple[StepResult, StepResult]]:
    """The steps of both trials side by side; a step that one of them does not have is unknown there."""
    left, right = steps_of(before.run, one), steps_of(after.run, other)
    for number in range(max(len(left), len(right))):
        pair = [steps[number] if number < len(steps) else None for steps in (left, right)]
        known = pair[0] or pair[1]
        assert known  # the longer one has it
        lost = StepResult(instruction=known.instruction, outcome=Outcome.UNKNOWN)
        yield pair[0] or lost, pair[1] or lost


def _why(before: Evidence, one: Trial, after: Evidence, other: Trial) -> Iterable[str]:
    causes = [(evidence.cause(trial), word) for evidence, trial, word in ((before, one, "then"), (after, other, "now"))]
    for cause, word in causes:
        if cause:
            yield f"{word}: {plain(cause.sentence)}"
    for trial, word in ((one, "then"), (other, "now")):
        if trial.problem:
            yield f"{word}: {trial.problem.splitlines()[0]}"
    if one.because != other.because:
        yield f"the scenario said {one.because or 'nothing'}, and now says {other.because or 'nothing'}"
    differs = list(_differences(before, one, after, other))
    if differs:
        yield f"what differs: {'; '.join(differs)}"
    elif not any(cause for cause, _ in causes):
        yield "not known: no recorded fact differs"


def _differences(before: Evidence, one: Trial, after: Evidence, other: Trial) -> Iterable[str]:
    """All recorded facts that differ, whether they matter or not."""
    values: list[tuple[str, Any, Any]] = [
        ("context bytes sent", bytes_sent(one), bytes_sent(other)),
        ("engine", one.engine, other.engine),
        ("producer's engine", producer_engine(one), producer_engine(other)),
    ]
    for name, ours, theirs in zip(("producer", "consumer"), before.ends(one), after.ends(other), strict=True):
        values += [(f"{name}'s {field}", _fact(ours, field), _fact(theirs, field)) for field in _FACTS]
    values.append(("base image", _base(before), _base(after)))
    values.append(("Dockerfile", before.run.dockerfile, after.run.dockerfile))
    for name, first, second in values:
        if first != second:
            yield name if name == "Dockerfile" else f"{name} {_shown(first)} -> {_shown(second)}"


def _base(evidence: Evidence) -> str | None:
    return evidence.run.base.reference if evidence.run.base else None


def _fact(box: BoxFacts | None, field: str) -> Any:
    return getattr(box, field) if box else None


def _shown(value: Any) -> str:
    return "unknown" if value in (None, "") else str(value)


def _ends_text(evidence: Evidence) -> str:
    trials = evidence.run.trials
    engines = dict.fromkeys(engine for trial in trials for engine in (producer_engine(trial), trial.engine))
    return f"{', '.join(_ends(evidence))} with {', '.join(engines)}" if trials else "no trial"


def _ends(evidence: Evidence) -> KeysView[str]:
    """The boxes of the trials, each once, in their order."""
    return dict.fromkeys(end for trial in evidence.run.trials for end in (trial.producer, trial.consumer)).keys()


def counterparts(before: Evidence, after: Evidence) -> dict[str, str]:
    """Each box of the first run with the most similar box of the second; a box is the counterpart of one box only.

    Both must have SELinux, or neither: a label alone changes a cache key. Among those, a box with the same operating
    system comes first, then the order of the runs. A box without recorded facts has no counterpart.
    """
    ours, theirs = _first_facts(before), _first_facts(after)
    found: dict[str, str] = {}
    for alike in (_system, _labels):
        for box in ours:
            free = (other for other in theirs if other.name not in found.values() and alike(other) == alike(box))
            if box.name not in found and (other := next(free, None)):
                found[box.name] = other.name
    return {box.name: found[box.name] for box in ours if box.name in found}


def _first_facts(evidence: Evidence) -> list[BoxFacts]:
    """Every box once, with the facts that were recorded with its first engine."""
    return list({box.name: box for box in reversed(evidence.run.boxes)}.values())[::-1]


def _labels(box: BoxFacts) -> object:
    return box.selinux != "off"


def _system(box: BoxFacts) -> object:
    return _labels(box), box.os
