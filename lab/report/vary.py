"""What `lab vary` found: a table of axes and steps with causes, then a verdict in words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from lab.model import Outcome
from lab.report.printable import filled, line
from lab.report.project import size_in_words
from lab.report.vary_table import FIRST, vary_table
from lab.results.run import Run
from lab.results.varied import AxisFacts, BetweenFacts, CauseFacts, RemedyFacts, State, VaryFacts

EVERY = "all-differences"  # the axis of all differences of two sides


def vary_blocks(run: Run, width: int) -> list[str]:
    """Return the blocks of text of a run of `lab vary`; none for another run."""
    found = run.vary
    if found is None:
        return []
    blocks = [_steps(run, width), vary_table(run, found, width), _skipped(found, width)]
    blocks.append("\n".join(part for text in verdict_lines(run) for part in _filled(text, width)))
    return [block for block in blocks if block]


def _filled(text: str, width: int) -> list[str]:
    """The lines of a sentence, with the indent of a list."""
    indent = text[: len(text) - len(text.lstrip())]
    return filled(text.lstrip(), f"{indent}  ", first=indent, width=width)


def misses(found: VaryFacts) -> list[AxisFacts]:
    """Return the axes that miss a step which the control found in the cache."""
    return [axis for axis in found.axes if _missed(axis, found)]


def is_untried(found: VaryFacts) -> bool:
    """Return whether no difference was tried at all, so that nothing is shown."""
    return all(axis.state is State.SKIPPED for axis in found.axes)


def verdict_lines(run: Run) -> list[str]:
    """Return the verdict in sentences: whether the run proves anything, what misses, what it costs, what to change."""
    found = run.vary
    if found is None:
        return []
    return [*_proof(found), *_between(run, found), *_missing(run, found), *_hitting(found), *_remedies(found)]


def _proof(found: VaryFacts) -> Iterator[str]:
    if found.problem:
        yield f"THIS RUN PROVES NOTHING: {found.problem}."
    if found.contradicted:
        names = ", ".join(found.contradicted)
        then = "All other axes were therefore built too."
        if found.between:
            tries = found.between.rebuilds
            then = f"The difference was therefore bisected on the engine, with {tries} rebuilds." if tries else ""
        yield (
            f"CONTRADICTED: the engine did not do what lab's model predicts under {names}. "
            f"{then}{' ' if then else ''}Please report it."
        )
    running = sum(outcome is Outcome.RAN for outcome in found.control)
    if running and not found.problem:
        yield (
            f"{running} steps run in the rebuild without a change too, since the cache holds no layer of them: "
            "the run shows nothing about these."
        )


def _between(run: Run, found: VaryFacts) -> Iterator[str]:
    sides = found.between
    if sides is None:
        return
    yield from _there(run, found, sides)
    fields = ", ".join(f"{name} {count}" for name, count in sides.fields.items())
    yield f"{sides.first} and {sides.second} differ in what BuildKit can hash: {fields or 'nothing'}."
    answers = {axis.name: axis for axis in found.axes}
    if sides.causes:
        yield f"A bisection with {sides.tries} predictions{_rebuilds(sides)} found these sets of differences:"
    for cause in sides.causes:
        yield f"- {cause.axis}: {_pieces(cause)}; {_proven(answers.get(cause.axis), found)}"
    if not sides.causes:
        every = answers.get(EVERY)
        yield f"By lab's model, none of these differences changes a key of this Dockerfile; {_proven(every, found)}."
    yield from _open(sides)


def _there(run: Run, found: VaryFacts, sides: BetweenFacts) -> Iterator[str]:
    """What the second machine itself did, and whether the files explain it."""
    if sides.there_problem:
        yield f"The rebuild on {sides.second} itself has no outcome: {sides.there_problem}."
    if not sides.there:
        return
    missed = [at for at, pair in enumerate(zip(sides.there, found.control, strict=False)) if _is_miss(*pair)]
    every = next((axis for axis in found.axes if axis.name == EVERY), None)
    if not missed:
        yield f"{sides.second} itself hits every step that {sides.first} hits."
    else:
        yield f"{sides.second} itself misses at {_step(run, run.instructions[missed[0]])}."
    if found.problem or (every is not None and every.state is not State.RAN):
        return
    if bool(missed) is not (every is not None and _missed(every, found)):
        yield (
            f"The files do not explain it: with the files of {sides.second}, {sides.first} "
            f"{'hits' if missed else 'misses'}. Compare the engines and the settings of both machines."
        )


def _rebuilds(sides: BetweenFacts) -> str:
    return f" and {sides.rebuilds} rebuilds on the engine" if sides.rebuilds else ""


def _pieces(cause: CauseFacts) -> str:
    more = f" and {cause.count - len(cause.pieces)} more" if cause.count > len(cause.pieces) else ""
    alike = f" ({cause.alike} other differences are of the same sort)" if cause.alike else ""
    return f"{'; '.join(cause.pieces)}{more}{alike}"


def _proven(axis: AxisFacts | None, found: VaryFacts) -> str:
    """What the engine has shown of a set of differences, and nothing more."""
    if found.problem or axis is None:
        return "this is not proven"
    if axis.state is not State.RAN:
        return f"this is not proven: {axis.reason or 'no engine has built it'}"
    return "the engine misses with it" if _missed(axis, found) else "the engine hits with it, so it is no cause"


def _open(sides: BetweenFacts) -> Iterator[str]:
    """What the bisection leaves open."""
    if sides.spent:
        yield "The bisection on the engine has made as many rebuilds as it may: the last set may not be the smallest."
    if sides.more:
        yield "More causes are left than were looked for: the remaining differences miss too."
    if sides.stand_ins:
        yield f"{sides.stand_ins} contents are not known here: another content was built in their place."


def _missing(run: Run, found: VaryFacts) -> Iterator[str]:
    missing = misses(found)
    if not missing:
        if is_untried(found) and not found.problem:
            yield "No difference was tried, so this run shows nothing about this Dockerfile."
        elif not found.problem:
            yield "No difference that was tried misses this Dockerfile."
        return
    yield "These differences between two machines miss this Dockerfile:"
    steps = dict.fromkeys(axis.step for axis in missing)
    for step in sorted(steps, key=lambda text: run.instructions.index(text) if text in run.instructions else -1):
        same = [axis for axis in missing if axis.step == step]
        yield f"- at {_step(run, step)}{_more(same, found)}, which costs {_costs(same)} again:"
        for axis in same:
            cures = [remedy.name for remedy in found.remedies if axis.name in remedy.cures]
            yield f"  - {axis.name}: {axis.what}{f'; {cures[0]} helps' if cures else ''}"


def _more(axes: Sequence[AxisFacts], found: VaryFacts) -> str:
    """How many steps miss after the first one, in words; they may differ between axes."""
    counts = {sum(_is_miss(*pair) for pair in zip(axis.outcomes, found.control, strict=False)) - 1 for axis in axes}
    least, most = min(counts), max(counts)
    if not most:
        return ""
    return f" and {least if least == most else f'{least} to {most}'} more step{'s' if most > 1 else ''}"


def _costs(axes: Sequence[AxisFacts]) -> str:
    """The range of what the missing steps cost in these axes."""
    seconds = [axis.cost.seconds for axis in axes if axis.cost.seconds is not None]
    sizes = [axis.cost.bytes for axis in axes if axis.cost.bytes is not None]
    parts = []
    if seconds:
        least, most = f"{min(seconds):.1f}", f"{max(seconds):.1f}"
        parts.append(f"{most} s" if least == most else f"{least} to {most} s")
    if sizes:
        parts.append(f"{size_in_words(max(sizes))} of layers")
    return " and ".join(parts) or "what is not known"


def _hitting(found: VaryFacts) -> Iterator[str]:
    hit = [axis for axis in found.axes if axis.state is State.RAN and not _missed(axis, found)]
    predicted = [axis for axis in found.axes if axis.state is State.PREDICTED]
    if hit:
        yield f"These miss nothing, as the engine showed: {', '.join(axis.name for axis in hit)}."
    if predicted:
        spots = sum(axis.spot for axis in found.axes)
        yield (
            f"These change no key by lab's model, and were not built: {', '.join(axis.name for axis in predicted)} "
            f"({spots} more were built as spot checks, which seed {found.seed} chose; --all builds all)."
        )
    failed = [axis for axis in found.axes if axis.state is State.FAILED]
    for axis in failed:
        yield f"{axis.name} ({axis.what}) has no answer: {axis.reason}."


def _remedies(found: VaryFacts) -> Iterator[str]:
    working = [remedy for remedy in found.remedies if remedy.cures]
    if working:
        yield "What to change; lab built each with the difference on this engine, and saw the steps hit:"
    for remedy in working:
        yield f"- {remedy.name}: {remedy.text}. It helps against {', '.join(remedy.cures)}{_file(remedy)}."
        yield from (f"  {text}." for text in (remedy.caution, _limit(remedy)) if text)
    for remedy in found.remedies:
        left = [item.axis for item in remedy.tried if not item.cured]
        if remedy.problem:
            yield f"- {remedy.name} is not offered: {remedy.problem}."
        elif left:
            yield f"- {remedy.name} does not help against {', '.join(left)}, as a build showed."
    cured = {name for remedy in working for name in remedy.cures}
    rest = [axis.name for axis in misses(found) if axis.name not in cured]
    if rest and not found.problem and found.between is None:
        yield f"Give both machines the same, since lab saw no change of the project help: {', '.join(rest)}."


def _limit(remedy: RemedyFacts) -> str | None:
    return f"From {line(remedy.limit)} on, steps still miss: they use the value" if remedy.limit else None


def _file(remedy: RemedyFacts) -> str:
    return f"; the change is in {remedy.file}" if remedy.file else ""


def _step(run: Run, step: str | None) -> str:
    if step is None:
        return "a step"
    number = run.instructions.index(step) + FIRST if step in run.instructions else None
    return f"step {number}, {line(step)}" if number else line(step)


def _steps(run: Run, width: int) -> str:
    lines = [f"step {number}: {text}" for number, text in enumerate(run.instructions, FIRST)]
    return "\n".join(part for text in lines for part in filled(text, "    ", first="", width=width))


def _skipped(found: VaryFacts, width: int) -> str:
    skipped = [axis for axis in found.axes if axis.state is State.SKIPPED]
    lines = [f"{axis.name} skipped: {axis.reason}" for axis in skipped]
    return "\n".join(part for text in lines for part in filled(text, "    ", first="", width=width))


def _missed(axis: AxisFacts, found: VaryFacts) -> bool:
    return axis.state is State.RAN and any(_is_miss(*pair) for pair in zip(axis.outcomes, found.control, strict=False))


def _is_miss(outcome: Outcome, before: Outcome) -> bool:
    return outcome is Outcome.RAN and before is not Outcome.RAN
