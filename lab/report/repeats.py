"""What reports show of repeated trials: one row for all repeats of a trial, and the hit rate of each step."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from lab.counting import counted
from lab.model import TrialKey
from lab.report import markup, printable
from lab.report.trials import steps_of
from lab.results.facts import StepRate
from lab.results.rates import METHOD, rates_of
from lab.results.run import Run, Trial


def groups_of(trials: Iterable[Trial]) -> list[list[Trial]]:
    """The trials, those that differ only in their repeat together, in the order of their first."""
    found: dict[TrialKey, list[Trial]] = {}
    for trial in trials:
        found.setdefault(trial.key.first, []).append(trial)
    return list(found.values())


def one_word(words: Iterable[str]) -> str:
    """What the repeats of a trial have in one cell: their common word, else each word with its count."""
    found = list(words)
    if len(found) == 1:  # a trial without repeats, of which a run has thousands
        return found[0]
    counts = Counter(found)
    return next(iter(counts), "") if len(counts) < 2 else ", ".join(f"{word} {n}" for word, n in counts.most_common())


def outcome_words(run: Run, group: Sequence[Trial]) -> list[str]:
    """One cell for each step of a trial with its repeats."""
    columns = zip(*(steps_of(run, trial) for trial in group), strict=True)
    return [one_word(step.outcome.value for step in column) for column in columns]


def head_line(run: Run) -> str:
    """What was repeated, how often, in which order, and what the interval is."""
    repetition = run.repetition
    seed = "" if repetition.seed is None else f", in the order of seed {repetition.seed}"
    return f"hit rates over {counted(repetition.times, 'repeat')}{seed}; {METHOD}"


def flaky_of(rates: Sequence[StepRate]) -> list[StepRate]:
    """The flaky steps."""
    return [rate for rate in rates if rate.is_flaky]


def count_words(rate: StepRate) -> str:
    """How often a step had which outcome: "hit 3, ran 2"."""
    return ", ".join(f"{outcome.value} {count}" for outcome, count in rate.outcomes.items()) or "no known outcome"


def rate_words(rate: StepRate) -> str:
    """The hit rate of a step with its interval: "0.60 (0.23 to 0.88)"; "not known" without a known outcome."""
    return rate_of(rate.hits, rate.known, rate.low, rate.high)


def rate_of(hits: int, known: int, low: float, high: float) -> str:
    """The same for a number of hits of those whose outcome is known, with the ends of the interval."""
    return f"{hits / known:.2f} ({low:.2f} to {high:.2f})" if known else "not known"


def rate_block(run: Run, width: int) -> list[str]:
    """The block of the table with the hit rates, of a run with repeated trials; then the flaky steps, by name."""
    rates = rates_of(run)
    if not rates:
        return []
    lines = printable.filled(head_line(run), "  ", first="", width=width)
    for name in dict.fromkeys(rate.trial for rate in rates):
        lines += printable.filled(name, "    ", first="", width=width)
        for rate in rates:
            if rate.trial == name:
                text = f"{rate_words(rate)}  hit {rate.hits} of {rate.known}  {rate.instruction}"
                lines += printable.filled(text, "      ", first="  ", width=width)
    flaky = [f"FLAKY: {rate.trial}: {rate.instruction}: {count_words(rate)}" for rate in flaky_of(rates)]
    for line in flaky or ["no step is flaky"]:
        lines += printable.filled(line, "    ", first="", width=width)
    return ["\n".join(lines)]


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the table of hit rates; `flaky` has the outcomes of a flaky step with their counts, else nothing."""

    trial: str
    instruction: str
    hits: str
    rate: str
    flaky: str


def rows_of(run: Run) -> list[Row]:
    """The rows of the table of hit rates; none for a run without repeats."""
    return [
        Row(
            rate.trial,
            rate.instruction,
            f"{rate.hits} of {rate.known}",
            rate_words(rate),
            count_words(rate) if rate.is_flaky else "",
        )
        for rate in rates_of(run)
    ]


def rate_section(run: Run) -> str:
    """The same in Markdown; empty for a run without repeats."""
    found = rows_of(run)
    if not found:
        return ""
    rows = [
        [
            markup.cell(row.trial),
            markup.cell(row.instruction),
            row.hits,
            row.rate,
            f"**flaky**: {row.flaky}" if row.flaky else "",
        ]
        for row in found
    ]
    flaky = [f"{markup.code(row.instruction)} of {markup.code(row.trial)} ({row.flaky})" for row in found if row.flaky]
    text = head_line(run)
    text = text[0].upper() + text[1:] + ". "
    text += f"Flaky: {'; '.join(flaky)}." if flaky else "No step is flaky."
    return f"{text}\n\n" + markup.table(["trial", "step", "hits", "hit rate", "outcomes"], rows)
