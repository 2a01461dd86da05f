"""Which steps of a run's sequence a script leaves out: it repeats one build of each side, with a push between them."""

from __future__ import annotations

from lab.results.run import Run
from lab.results.sequence import SequenceStep

_SPECIAL = ("tar", "images", "builder", "pull")  # values of a build that a script does not repeat
_IN_CONTEXT = ("change", "vary")  # steps that the files and the options of the build contain already
IMAGE = "image"

NOT_COMPARABLE = 4  # exit status of a script that leaves out steps


def left_out(run: Run) -> tuple[str, ...]:
    """The steps of the run's sequence that its script does not repeat, in words; empty if the script repeats all.

    A run of an older version of lab does not store its sequence: its earlier builds, its inspections, and the reason
    why it allows no prediction describe what is left out.
    """
    if not run.sequence:
        return _of_old_run(run)
    return tuple(item.title for number, item in enumerate(run.sequence) if not _repeated(run.sequence, number))


def warning(run: Run) -> str | None:
    """A sentence for the reader of the script of a run whose sequence the script does not repeat; else None."""
    steps = left_out(run)
    if not steps:
        return None
    return (
        f"the script of {run.name} does not repeat the sequence of the run, so its outcomes cannot be compared with "
        f"those of the run (exit status {NOT_COMPARABLE}); it leaves out: {'; '.join(steps)}"
    )


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
