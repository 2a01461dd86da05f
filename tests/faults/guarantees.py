"""The eight guarantees, one function each: how many things were looked at, and what was wrong with them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from lab.errors import exit_codes
from lab.model import CONTROL, Outcome, Verdict
from lab.results.run import Run, Trial
from tests.faults.fault import Fault
from tests.faults.left import SORTS
from tests.faults.scene import HANGS, Said

OUTCOMES = {CONTROL: (Outcome.HIT, Outcome.HIT), "edited": (Outcome.RAN, Outcome.RAN)}
TRIALS = {
    "one": 2,
    "pair": 4,
    "hosts": 6,
    "vm": 2,
}  # of a run without a fault; engines of one name rebuild each other's images
MESSAGE = re.compile(r"^lab: (cannot|stopped|ended) ")
REPORTED = re.compile(r"^ *[\d.]+s  (\S+): (\S+) from (\S+), (\S+): (all hit|broken|.* ran)$")
KILLED = -9


@dataclass(frozen=True)
class After:
    """What there is to look at after a fault.

    `box` is the box that was hit. `earlier` are the bytes of the files of earlier runs before and after, `run` the run
    that the fault struck, if one was stored. `left` is what was there after `down`, whose exit code is `down`. `again`
    is the second run, after which the pack has these `unfinished` files. `strangers` is what other people had, before
    and after.
    """

    fault: Fault
    box: str
    said: Said
    earlier: tuple[Mapping[str, bytes], Mapping[str, bytes]]
    run: Run | None
    left: list[str]
    down: tuple[int, str]
    again: tuple[int, str]
    second: Run | None
    unfinished: tuple[str, ...]
    strangers: tuple[Mapping[str, str], Mapping[str, str]]


@dataclass(frozen=True)
class Checked:
    """How many things a guarantee was checked on, and each that did not fulfil it."""

    count: int
    problems: tuple[str, ...] = ()


def ends(after: After) -> Checked:
    """It ends within its stated limit. What a slow machine adds is not counted against it, up to five minutes."""
    problem = f"it did not end within {after.fault.seconds:g} s and {HANGS} s more"
    return Checked(1, (problem,) if after.said.hung else ())


def is_clear(after: After) -> Checked:
    """Its exit code is right, and its output names whose fault it is and what to do next, without a traceback."""
    said, fault, problems = after.said, after.fault, []
    if said.code not in fault.codes:
        problems.append(f"exit code {said.code} instead of {', '.join(map(str, fault.codes))}")
    if "Traceback" in said.text:
        problems.append("a traceback")
    if said.code in (0, KILLED):
        return Checked(2, tuple(problems))
    if not re.search(fault.blames, said.text, re.DOTALL):
        problems.append(f"the output does not say {fault.blames!r}")
    messages = [line for line in said.err if MESSAGE.match(line)]
    stored = [line for line in said.out.splitlines() if re.search(r"^\S+>\S+: |pushed no image", line)]
    if len(messages) != 1 and not (stored and not messages):
        problems.append(f"{len(messages)} messages and {len(stored)} reasons instead of one")
    if said.code not in {item.code for item in exit_codes()}:
        problems.append(f"the exit code {said.code} is not in the manual")
    if not any(line.startswith("hint: ") for line in said.err):
        problems.append("nothing says what to do next")
    return Checked(5, tuple(problems))


def keeps_results(after: After) -> Checked:
    """Each trial that was reported is stored with that outcome, and earlier runs are byte for byte what they were."""
    before, now = after.earlier
    problems = [f"{name} is not what it was" for name, content in before.items() if now.get(name) != content]
    stored = {(item.consumer, item.engine, item.producer, item.variation): item for item in trials(after.run)}
    reported = [found.groups() for line in after.said.err if (found := REPORTED.match(line))]
    for box, engine, producer, variation, words in reported:
        trial = stored.get((box, engine, producer, variation))
        if trial is None:
            problems.append(f"{producer}>{box}:{variation} was reported and is not stored")
        elif (words == "broken") != (trial.verdict is Verdict.BROKEN):
            problems.append(f"{trial.name} was reported as {words} and is stored as {trial.verdict}")
    return Checked(len(before) + len(reported), tuple(problems))


def has_no_false_outcome(after: After) -> Checked:
    """Each stored trial has the outcomes that are true, or is broken; a broken trial never counts as an outcome."""
    problems = []
    for trial in trials(after.run):
        if trial.verdict is Verdict.BROKEN:
            if trial.broken_by is None:
                problems.append(f"{trial.name} is broken by nobody")
        elif outcomes(trial) != OUTCOMES[trial.variation]:
            problems.append(f"{trial.name} has {', '.join(outcomes(trial))}")
    broken = [trial for trial in trials(after.run) if trial.verdict is Verdict.BROKEN]
    if broken and after.said.code in (0, 4, 12):
        problems.append(f"{len(broken)} trials are broken, and the exit code is {after.said.code}")
    if after.said.code == 0 and after.fault.makes_run and len(trials(after.run)) != TRIALS[after.fault.lineup]:
        problems.append(
            f"the exit code is 0, and {len(trials(after.run))} of {TRIALS[after.fault.lineup]} trials are stored"
        )
    return Checked(1 + len(trials(after.run)), tuple(problems))


def spares_others(after: After) -> Checked:
    """The trials of boxes that the fault does not hit have their outcomes; the engine of another checkout runs on."""
    before, now = after.strangers
    problems = [f"{name} is {now.get(name)}" for name in ("daemons", "images") if now.get(name) != before[name]]
    others = [trial for trial in trials(after.run) if after.box not in (trial.consumer, trial.producer)]
    problems += [f"{trial.name} is broken: {trial.problem}" for trial in others if not is_true(trial)]
    return Checked(2 + len(others), tuple(problems))


def leaves_nothing(after: After) -> Checked:
    """After `down` nothing of the workplace is on the machine."""
    code, text = after.down
    return Checked(len(SORTS), (*after.left, *([f"`down` ended with {code}: {text}"] if code else [])))


def runs_again(after: After) -> Checked:
    """The second run succeeds, has all outcomes, and finishes a pack that the first one has begun."""
    code, text = after.again
    problems = [f"it ended with {code}: {text[-2000:]}"] if code else []
    problems += [f"{name} is left in the pack" for name in after.unfinished]
    found = trials(after.second)
    problems += [f"{trial.name} has {', '.join(outcomes(trial))}" for trial in found if not is_true(trial)]
    if len(found) != TRIALS[after.fault.lineup]:
        problems.append(f"{len(found)} of {TRIALS[after.fault.lineup]} trials are stored")
    return Checked(2 + len(found), tuple(problems))


def touches_nothing(after: After) -> Checked:
    """What other people have on the machine is as it was."""
    before, now = after.strangers
    return Checked(
        len(before),
        tuple(f"{name} was {was}, is {now.get(name)}" for name, was in before.items() if now.get(name) != was),
    )


def trials(run: Run | None) -> tuple[Trial, ...]:
    """The trials of a run; none where no run was stored."""
    return run.trials if run else ()


def outcomes(trial: Trial) -> tuple[Outcome, ...]:
    """The outcomes of the judged build of a trial."""
    return tuple(step.outcome for step in trial.build.steps) if trial.build else ()


def is_true(trial: Trial) -> bool:
    """True if a trial has the outcomes that it has without any fault."""
    return trial.verdict is Verdict.AS_EXPECTED and outcomes(trial) == OUTCOMES[trial.variation]


GUARANTEES: dict[str, Callable[[After], Checked]] = {
    "ends within its limit": ends,
    "one clear message": is_clear,
    "no result lost": keeps_results,
    "no false outcome": has_no_false_outcome,
    "other boxes unharmed": spares_others,
    "nothing left": leaves_nothing,
    "second run succeeds": runs_again,
    "nothing of others touched": touches_nothing,
}
