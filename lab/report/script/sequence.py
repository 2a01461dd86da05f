"""Which steps of a run's sequence a script repeats, and which it leaves out or needs a person for."""

from __future__ import annotations

from lab.report.evidence import Evidence
from lab.report.script.recorded import Queue
from lab.report.script.steps.table import STEPS
from lab.results.run import Run
from lab.results.sequence import SequenceStep

_SPECIAL = ("tar", "images", "builder", "pull")  # values of a build that the usual part of a script does not repeat
_IN_CONTEXT = ("change", "vary")  # steps that the files and the options of the build contain already
IMAGE = "image"

NOT_COMPARABLE = 4  # exit status of a script that leaves out steps


def repeats_steps(evidence: Evidence) -> bool:
    """True if the script repeats the sequence step by step, from the recorded commands.

    Without it, a script makes one build of each side with a push between them, as the bug report did.
    """
    run = evidence.run
    usual = all(_repeated(run.sequence, number) for number, _ in enumerate(run.sequence))
    if not run.sequence or (usual and not any(box.builder == "classic" for box in run.boxes)):
        return False
    sides = [("producer", evidence.phase(item)) for item in run.productions if item.problem is None]
    sides += [("consumer", item.name) for item in run.trials if item.build is not None]
    return all(Queue(evidence.during(about)).builds() == _builds(run.sequence, side) for side, about in sides)


def left_out(evidence: Evidence) -> tuple[str, ...]:
    """The steps of the run's sequence that its script does not repeat, in words; empty if the script repeats all.

    A run of an older version of lab does not store its sequence: its earlier builds, its inspections, and the reason
    why it allows no prediction describe what is left out.
    """
    sequence = evidence.run.sequence
    if not sequence:
        return _of_old_run(evidence.run)
    if repeats_steps(evidence):
        return ()
    return tuple(item.title for number, item in enumerate(sequence) if not _repeated(sequence, number))


def by_hand(evidence: Evidence) -> dict[str, str]:
    """The steps that the script repeats only with a command that its caller states, with an example of it."""
    if not repeats_steps(evidence):
        return {}
    found = {item.title: STEPS[item.step].by_hand for item in evidence.run.sequence}
    return {title: command for title, command in found.items() if command}


def warning(evidence: Evidence) -> str | None:
    """A sentence for the reader of a script that does not repeat the whole sequence of its run; else None."""
    name = evidence.run.name
    if steps := left_out(evidence):
        return (
            f"the script of {name} does not repeat the sequence of the run, so its outcomes cannot be compared with "
            f"those of the run (exit status {NOT_COMPARABLE}); it leaves out: {'; '.join(steps)}"
        )
    if commands := by_hand(evidence):
        steps_and_commands = "; ".join(f"{title} ({command})" for title, command in commands.items())
        return (
            f"the script of {name} repeats these steps only if its caller states how, and else its outcomes cannot be "
            f"compared with those of the run (exit status {NOT_COMPARABLE}): {steps_and_commands}"
        )
    return None


def _builds(sequence: tuple[SequenceStep, ...], side: str) -> int:
    return sum(item.step == "build" and item.side == side for item in sequence)


def _repeated(sequence: tuple[SequenceStep, ...], number: int) -> bool:
    step = sequence[number]
    own = [item for item in sequence if item.side == step.side]
    builds = [place for place, item in enumerate(sequence) if item.side == step.side and item.step == "build"]
    if step.step in _IN_CONTEXT:
        return len(builds) == 1
    if step.step == "build":
        return number == builds[-1] and not any(name in step.values for name in _SPECIAL) and _is_image(step, "name")
    if step.step == "push":
        return step.side == "producer" and _is_image(step, "image")
    if step.step == "prune":  # each side of a script begins with a prune of everything
        before = bool(builds) and number < builds[0] and own.index(step) == 0
        return before or (step.side == "producer" and step == own[-1])
    return False


def _is_image(step: SequenceStep, name: str) -> bool:
    return step.values.get(name, IMAGE) == IMAGE


def _of_old_run(run: Run) -> tuple[str, ...]:
    rounds = {
        "producer": max((len(item.rounds) for item in run.productions), default=0),
        "consumer": max((len(item.rounds) for item in run.trials), default=0),
    }
    found = [f"{side}: {count} earlier build{'s' * (count > 1)}" for side, count in rounds.items() if count]
    found += ["consumer: inspect"] if any(item.inspections for item in run.trials) else []
    reasons = dict.fromkeys(item.unpredictable for item in run.trials if item.unpredictable)
    return tuple(found or [f"steps that the run does not store ({reason})" for reason in reasons])
