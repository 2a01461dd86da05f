"""What one build of a trial says: its outcomes read from the output, the verdict, and whose fault a broken trial is."""

from __future__ import annotations

from collections.abc import Sequence

from lab.buildkit.progress.build import Build, Step
from lab.errors import Fault
from lab.model import Outcome, Verdict
from lab.results.facts import BuildResult, CacheImport, Inspection, StepResult
from lab.results.measures import measured
from lab.results.run import Trial
from lab.run.expectations import Expectation

WORST_FIRST = (Verdict.BROKEN, Verdict.WRONG_HIT, Verdict.MISSED, Verdict.UNEXPECTED_HIT, Verdict.AS_EXPECTED)


def judge(build: BuildResult | None) -> Verdict:
    """The verdict on a build: `broken` if an outcome is not known or the cache could not be read, else by the outcomes.

    Without the cache every step runs, whatever its files are. `wrong hit` if the image has a wrong result that is not
    expected, `missed` if a step ran that is expected to hit, `hit unexpectedly` if the only difference is that a step
    hit.
    """
    if build is None or build.unread_caches:
        return Verdict.BROKEN
    if any(step.outcome in (Outcome.UNKNOWN, Outcome.ERROR) for step in build.steps):
        return Verdict.BROKEN
    wrong = [step for step in build.steps if step.outcome is not step.expected]
    if not wrong:
        return Verdict.AS_EXPECTED
    if any(step.outcome is Outcome.WRONG_HIT for step in wrong):
        return Verdict.WRONG_HIT
    return Verdict.MISSED if any(step.outcome is Outcome.RAN for step in wrong) else Verdict.UNEXPECTED_HIT


def judge_all(builds: Sequence[BuildResult | None]) -> Verdict:
    """The verdict on a trial with several builds, the last of which is always judged: the worst of its builds.

    An earlier build is judged if its outcomes are expected; otherwise it is broken only if its outcomes are not known.
    """
    *earlier, last = builds
    found = [judge(last)]
    for build in earlier:
        if build and any(step.expected is None for step in build.steps):
            build = build.model_copy(
                update={"steps": tuple(step.model_copy(update={"expected": step.outcome}) for step in build.steps)}
            )
        found.append(judge(build))
    return next(verdict for verdict in WORST_FIRST if verdict in found)


def as_control(trial: Trial) -> Trial:
    """The trial of a producer on its own box, which is what its outcomes are: others are compared with it."""
    if trial.build is None:
        return trial
    steps = tuple(step.model_copy(update={"expected": step.outcome}) for step in trial.build.steps)
    build = trial.build.model_copy(update={"steps": steps})
    return trial.model_copy(update={"build": build, "verdict": judge(build)})


def with_inspections(build: BuildResult, inspections: Sequence[Inspection]) -> BuildResult:
    """The build with each hit of which an inspection found a problem as a wrong hit."""
    wrong = {item.step for item in inspections if item.problems}
    steps = (
        step.model_copy(update={"outcome": Outcome.WRONG_HIT})
        if number in wrong and step.outcome is Outcome.HIT
        else step
        for number, step in enumerate(build.steps, 1)
    )
    return build.model_copy(update={"steps": tuple(steps)})


def fault_of(build: BuildResult | None) -> Fault | None:
    """Whose fault a broken trial is, as far as the build's result shows it; None if the trial is not broken.

    An outcome that is not known is the fault of what was read (the output, or the cache), a step that ended with an
    error is the command's.
    """
    if judge(build) is not Verdict.BROKEN:
        return None
    if build is None or any(step.outcome is Outcome.ERROR for step in build.steps):
        return Fault.COMMAND
    return Fault.OUTPUT


def read_result(
    output: bytes, instructions: tuple[str, ...], plan: Expectation | None, stages: Sequence[str] = ()
) -> BuildResult:
    """The outcomes of the scenario's own steps in a build's output, each with the outcome expected of it.

    Steps are found by their instruction. One that is printed with other words, such as the value of a variable, is
    found by its place in its stage; `stages` are the stages of the instructions. One that the output does not show is
    `unknown`.
    """
    # late: a scenario that is only read needs none of its patterns
    from lab.buildkit.progress.reader import read_builds

    builds = read_builds(output)
    build = builds[-1] if builds else None
    found = _paired(list(build.steps) if build else [], instructions, stages)
    steps = [
        StepResult(
            instruction=instruction,
            outcome=step.outcome if step else Outcome.UNKNOWN,
            expected=plan.outcomes[number] if plan else None,
            seconds=measured(step.seconds) if step else None,
            targets=step.targets if step else (),
        )
        for number, (instruction, step) in enumerate(zip(instructions, found, strict=True))
    ]
    return _with_rest(build, steps)


def unread(build: BuildResult | None) -> str | None:
    """Which outcomes of a build could not be read, in one line; None if all could."""
    if build is None:
        return None
    if lost := build.unread_caches:
        errors = dict.fromkeys(item.error for item in build.imports if item.lost and item.error)
        return ": ".join([f"the cache of {', '.join(lost)} could not be read", *errors])
    steps = [step.instruction for step in build.steps if step.outcome is Outcome.UNKNOWN]
    return f"no outcome could be read for {', '.join(steps)}" if steps else None


def _with_rest(build: Build | None, steps: Sequence[StepResult]) -> BuildResult:
    if build is None:
        return BuildResult(steps=tuple(steps))
    return BuildResult(
        steps=tuple(steps),
        context_bytes=build.context_bytes,
        dockerfile_bytes=build.dockerfile_bytes,
        imports=tuple(CacheImport(ref=item.ref, ok=item.ok, error=item.error) for item in build.imports),
        image=build.image,
    )


def _paired(seen: list[Step], instructions: Sequence[str], stages: Sequence[str]) -> list[Step | None]:
    """The step of each instruction: by its text, else by its order among the steps of its stage that are left."""
    found: list[Step | None] = []
    left = list(seen)
    for number, instruction in enumerate(instructions, 2):
        stage = stages[number - 2] if stages else ""
        own = [step for step in left if len(set(stages)) > 1 and step.stage_name == stage]
        step = _find(own, instruction, number) or _find(left, instruction, number)
        found.append(step)
        if step:
            left.remove(step)
    for stage in dict.fromkeys(stages):
        places = [place for place, item in enumerate(found) if item is None and stages[place] == stage]
        alone = len(set(stages)) == 1
        steps = sorted(
            (step for step in left if step.outcome is not Outcome.BASE and (alone or step.stage_name == stage)),
            key=lambda step: step.index,
        )
        words = {_word(instructions[place]) for place in places}
        steps = [step for step in steps if _word(step.instruction) in words]  # such as a WORKDIR that is not judged
        if [_word(instructions[place]) for place in places] == [_word(step.instruction) for step in steps]:
            for place, step in zip(places, steps, strict=True):
                found[place] = step
    chains = [_chain(place, instructions, stages) for place in range(len(stages))]
    for place in range(len(stages)):
        if found[place] is None:  # BuildKit makes and prints equal steps of two stages once
            found[place] = next((found[other] for other, chain in enumerate(chains) if chain == chains[place]), None)
    return found


def _chain(place: int, instructions: Sequence[str], stages: Sequence[str]) -> list[str]:
    """The instructions of a stage up to the one at a place."""
    return [instructions[other] for other in range(place + 1) if stages[other] == stages[place]]


def _word(instruction: str) -> str:
    return instruction.split(None, 1)[0].upper() if instruction.strip() else ""


def _find(seen: list[Step], instruction: str, number: int) -> Step | None:
    """The step of that instruction, and of that number if the instruction occurs twice; old clients cut long names."""
    found = [
        step
        for step in seen
        if step.instruction == instruction
        or (step.instruction.endswith("...") and instruction.startswith(step.instruction[:-3]))
    ]
    return next((step for step in found if step.index == number), found[0] if found else None)
