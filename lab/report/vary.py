"""What `lab vary` found: a table of axes and steps with causes, then a verdict in words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tabulate import tabulate

from lab.model import Outcome
from lab.report.printable import filled, line
from lab.report.project import size_in_words
from lab.results.run import Run
from lab.results.varied import AxisFacts, Cost, RemedyFacts, State, VaryFacts

LETTERS = {Outcome.HIT: ".", Outcome.RAN: "R", Outcome.ERROR: "E", Outcome.WRONG_HIT: "W"}
LEGEND = "a letter for each step: . hit, R ran, E error, W hit with a wrong result, ? not known"
FIRST = 2  # the number of the first step after FROM, as reports count
ROOM = 60  # columns that outcomes in words may take


def vary_blocks(run: Run, width: int) -> list[str]:
    """Return the blocks of text of a run of `lab vary`; none for another run."""
    found = run.vary
    if found is None:
        return []
    blocks = [_steps(run, width), _table(run, found), _skipped(found, width)]
    blocks.append("\n".join(part for text in verdict_lines(run) for part in filled(text, "  ", first="", width=width)))
    return [block for block in blocks if block]


def misses(found: VaryFacts) -> list[AxisFacts]:
    """Return the axes that miss a step which the control found in the cache."""
    return [axis for axis in found.axes if _missed(axis, found)]


def verdict_lines(run: Run) -> list[str]:
    """Return the verdict in sentences: whether the run proves anything, what misses, what it costs, what to change."""
    found = run.vary
    if found is None:
        return []
    return [*_proof(found), *_between(found), *_missing(run, found), *_hitting(found), *_remedies(found)]


def _proof(found: VaryFacts) -> Iterator[str]:
    if found.problem:
        yield f"THIS RUN PROVES NOTHING: {found.problem}."
    if found.contradicted:
        names = ", ".join(found.contradicted)
        yield (
            f"CONTRADICTED: by lab's model no key changes under {names}, and the engine did something else. "
            "All axes were therefore built. Please report it."
        )
    running = sum(outcome is Outcome.RAN for outcome in found.control)
    if running and not found.problem:
        yield (
            f"{running} steps run in the rebuild without a change too, since the cache holds no layer of them: "
            "the run shows nothing about these."
        )


def _between(found: VaryFacts) -> Iterator[str]:
    sides = found.between
    if sides is None:
        return
    fields = ", ".join(f"{name} {count}" for name, count in sides.fields.items())
    yield f"{sides.first} and {sides.second} differ in what BuildKit can hash: {fields or 'nothing'}."
    answers = {axis.name: axis for axis in found.axes}
    for cause in sides.causes:
        axis = answers.get(cause.axis)
        shown = "; ".join(cause.pieces) + (
            f" and {cause.count - len(cause.pieces)} more" if cause.count > len(cause.pieces) else ""
        )
        alike = f" ({cause.alike} other differences are of the same sort)" if cause.alike else ""
        proven = (
            "the engine misses with it alone" if axis and _missed(axis, found) else "THE ENGINE DID NOT MISS WITH IT"
        )
        yield f"The smallest set that misses, after {sides.tries} predictions: {shown}{alike}; {proven}."
    if not sides.causes:
        yield "By lab's model, none of these differences changes a key of this Dockerfile."
    if sides.more:
        yield "More causes are left than were looked for: the remaining differences miss too."
    if sides.stand_ins:
        yield f"{sides.stand_ins} contents are not known here: another content was built in their place."


def _missing(run: Run, found: VaryFacts) -> Iterator[str]:
    missing = misses(found)
    if not missing:
        if not found.problem:
            yield "No difference that was tried misses this Dockerfile."
        return
    yield "These differences between two machines miss this Dockerfile:"
    for axis in missing:
        count = sum(_is_miss(*pair) for pair in zip(axis.outcomes, found.control, strict=False))
        more = f" and {count - 1} more step{'s' if count > 2 else ''}" if count > 1 else ""
        cures = [remedy for remedy in found.remedies if axis.name in remedy.cures]
        what = f"; {cures[0].name} cures it" if cures else ""
        yield f"- {axis.name} ({axis.what}) misses at {_step(run, axis)}{more}: {cost_in_words(axis.cost)}{what}."


def _hitting(found: VaryFacts) -> Iterator[str]:
    hit = [axis for axis in found.axes if axis.state is State.RAN and not _missed(axis, found)]
    predicted = [axis for axis in found.axes if axis.state is State.PREDICTED]
    if hit:
        yield f"These miss nothing, as the engine showed: {', '.join(axis.name for axis in hit)}."
    if predicted:
        spots = sum(axis.spot for axis in found.axes)
        yield (
            f"These change no key by lab's model, and were not built: {', '.join(axis.name for axis in predicted)} "
            f"({spots} others of this kind were built as spot checks, seed {found.seed}; --all builds all)."
        )
    failed = [axis for axis in found.axes if axis.state is State.FAILED]
    for axis in failed:
        yield f"{axis.name} ({axis.what}) has no answer: {axis.reason}."


def _remedies(found: VaryFacts) -> Iterator[str]:
    working = [remedy for remedy in found.remedies if remedy.cures]
    if working:
        yield "What to change; each was built here with the difference, and every later step hit:"
    for remedy in working:
        yield f"- {remedy.name}: {remedy.text}. It cures {', '.join(remedy.cures)}{_file(remedy)}."
        if remedy.caution:
            yield f"  {remedy.caution}."
    for remedy in found.remedies:
        left = [item.axis for item in remedy.tried if not item.cured]
        if remedy.problem:
            yield f"- {remedy.name} was tried and is not offered: {remedy.problem}."
        elif left:
            yield f"- {remedy.name} was tried for {', '.join(left)} too, and did not help there."
    cured = {name for remedy in working for name in remedy.cures}
    rest = [axis.name for axis in misses(found) if axis.name not in cured]
    if rest and not found.problem:
        yield f"lab knows no change that it has seen to help against: {', '.join(rest)}."


def cost_in_words(cost: Cost) -> str:
    """Return what the missing steps cost again, such as "12.3 s and 45 MB again"."""
    parts = [f"{cost.seconds:.1f} s"] if cost.seconds is not None else []
    parts += [f"{size_in_words(cost.bytes)} of layers"] if cost.bytes is not None else []
    return f"{' and '.join(parts)} again" if parts else "its cost is not known"


def _file(remedy: RemedyFacts) -> str:
    return f"; the change is in {remedy.file}" if remedy.file else ""


def _step(run: Run, axis: AxisFacts) -> str:
    if axis.step is None:
        return "a step"
    number = run.instructions.index(axis.step) + FIRST if axis.step in run.instructions else None
    return f"step {number}, {line(axis.step)}" if number else line(axis.step)


def _steps(run: Run, width: int) -> str:
    lines = [f"step {number}: {text}" for number, text in enumerate(run.instructions, FIRST)]
    return "\n".join(part for text in lines for part in filled(text, "    ", first="", width=width))


def _table(run: Run, found: VaryFacts) -> str:
    built = [axis for axis in found.axes if axis.outcomes]
    words = 5 * len(run.instructions) <= ROOM
    rows = [["(no change)", "built", *_cells(found.control, words), ""]]
    rows.append(
        [f"({found.deliberate_what or 'the change that must miss'})", "built", *_cells(found.deliberate, words), ""]
    )
    rows += [[axis.name, _state(axis), *_cells(axis.outcomes, words), line(_cause(axis))] for axis in built]
    steps = [str(number) for number, _ in enumerate(run.instructions, FIRST)] if words else ["steps"]
    widths = [None] * (len(steps) + 2) + [44]
    text = tabulate(
        rows, ["axis", "how", *steps, "cause"], tablefmt="plain", disable_numparse=True, maxcolwidths=widths
    )
    return text if words else f"{text}\n{LEGEND}"


def _cells(outcomes: Sequence[Outcome], words: bool) -> list[str]:
    if words:
        return [outcome.value for outcome in outcomes] or ["?"]
    return ["".join(LETTERS.get(outcome, "?") for outcome in outcomes)]


def _state(axis: AxisFacts) -> str:
    return {State.RAN: "spot check" if axis.spot else "built", State.FAILED: "failed"}.get(axis.state, axis.state.value)


def _cause(axis: AxisFacts) -> str:
    return axis.cause or (axis.reason or "" if axis.state is State.FAILED else "")


def _skipped(found: VaryFacts, width: int) -> str:
    skipped = [axis for axis in found.axes if axis.state is State.SKIPPED]
    lines = [f"{axis.name} skipped: {axis.reason}" for axis in skipped]
    return "\n".join(part for text in lines for part in filled(text, "    ", first="", width=width))


def _missed(axis: AxisFacts, found: VaryFacts) -> bool:
    return axis.state is State.RAN and any(_is_miss(*pair) for pair in zip(axis.outcomes, found.control, strict=False))


def _is_miss(outcome: Outcome, before: Outcome) -> bool:
    return outcome is Outcome.RAN and before is not Outcome.RAN
