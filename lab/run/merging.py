"""Join stored runs, such as those of shards, into one run; no file is read or written here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from lab.counting import counted
from lab.errors import UsageError
from lab.model import Exchange, production_phase
from lab.results.facts import BoxFacts, RetryFacts
from lab.results.rates import rates_of
from lab.results.run import GatheredContext, Production, Repetition, Run, Trial
from lab.results.shards import ShardFacts
from lab.run.resuming import setting_differences
from lab.run.same_boxes import fact_differences
from lab.run.sums import Sums, differences, portable

Part = tuple[str, str, int]  # a production: the producer, its engine, and which part of the run made it
# What must be equal beside the setting, the sums and the boxes.
EQUAL = (
    "scenario", "lineup", "instructions", "sequence", "project", "fresh", "repetition", "base_image", "bases",
    "again_of",
)  # fmt: skip
LARGEST_SHOWN = 60  # characters of a value in an error


@dataclass(frozen=True)
class Piece:
    """A run that is merged: its name for errors, its recorded commands, and the sums of what it is made of."""

    name: str
    run: Run
    exchanges: tuple[Exchange, ...]
    sums: Sums


@dataclass(frozen=True)
class Merged:
    """The merged run with the commands of all its pieces; `missing` are the cells that no piece has."""

    run: Run
    exchanges: tuple[Exchange, ...]
    missing: tuple[str, ...]

    @property
    def missing_shards(self) -> list[int]:
        """The numbers of the shards that none of the pieces is."""
        shard = self.run.shard
        return [number for number in range(1, shard.count + 1) if number not in shard.numbers] if shard else []


def merge(pieces: Sequence[Piece], name: str) -> Merged:
    """The run of this name that has the trials of all pieces.

    UsageError for pieces that do not belong together, with what differs, and for a trial that two of them made.
    """
    first = pieces[0]
    for number, piece in enumerate(pieces[1:], 1):
        _check_same(first, piece)
        for other in pieces[:number]:
            _check_sums(other, piece)
    joined = _Joined()
    for piece in pieces:
        joined.add(piece)
    shard = _shard(pieces)
    cells = shard.cells if shard else ()
    missing = tuple(cell for cell in cells if cell not in joined.trials)
    places = {cell: place for place, cell in enumerate(cells)}
    trials = sorted(joined.trials.values(), key=lambda trial: places.get(trial.name, len(places)))
    runs = [piece.run for piece in pieces]
    ends = [run.finished for run in runs if run.finished]
    complete = not missing if cells else all(run.complete for run in runs)
    made = first.run.model_copy(
        update={
            **joined.fields(),
            "name": name,
            "started": min(run.started for run in runs),
            "finished": max(ends) if complete and ends else None,
            "complete": complete,
            "trials": tuple(trials),
            "resumed": tuple(sorted(moment for run in runs for moment in run.resumed)),
            "shard": shard,
            "merged": tuple(dict.fromkeys(name for run in runs for name in (run.merged or (run.name,)))),
        }
    )
    made = made.model_copy(update={"rates": rates_of(made)})
    if shard and complete:
        made = made.model_copy(update={"shard": None})
    return Merged(made, tuple(joined.exchanges), missing)


def _check_same(first: Piece, other: Piece) -> None:
    """Raise UsageError for runs of different scenarios, or in different settings, with what differs."""
    if first.run.vary or other.run.vary:
        raise UsageError(
            f"cannot merge {(first if first.run.vary else other).name}: it is a run of `python -m lab vary`"
        )
    before, after = first.run, other.run
    changed = [
        _change(field.replace("_", " "), _value(before, field), _value(after, field))
        for field in EQUAL
        if getattr(before, field) != getattr(after, field)
    ]
    changed += setting_differences(before, after.base, after.registry, after.dockerfile)
    if (
        not changed
        and before.shard
        and after.shard
        and (before.shard.count, before.shard.cells) != (after.shard.count, after.shard.cells)
    ):
        changed.append(f"they are shards of two matrices: {before.shard} and {after.shard}")
    if bool(before.shard) != bool(after.shard):
        changed.append("only one of them is a shard")
    if changed:
        hint = "make both with the same options; --registry-port and --base fix the registry and the base image"
        raise UsageError(f"cannot merge {first.name} and {other.name}: {'; '.join(changed)}", hint=hint)


def _value(run: Run, field: str) -> object:
    value = getattr(run, field)
    if isinstance(value, Repetition):
        return f"{counted(value.times, 'time')}, seed {value.seed}"
    return run.model_dump(mode="json", include={field})[field]


def _change(name: str, before: object, after: object) -> str:
    """The first place below `name` at which two values differ, with what each has there."""
    if isinstance(before, list) or isinstance(after, list):
        before, after = (dict(enumerate(value if isinstance(value, list) else (), 1)) for value in (before, after))
    if isinstance(before, dict) or isinstance(after, dict):
        here, there = (value if isinstance(value, dict) else {} for value in (before, after))
        for key in {**here, **there}:
            if here.get(key) != there.get(key):
                return _change(f"{name} {key}", here.get(key), there.get(key))
    return f"{name} {_shown(before)} -> {_shown(after)}"


def _shown(value: object) -> str:
    text = "none" if value in (None, "", [], {}) else str(value)
    return text if len(text) <= LARGEST_SHOWN else f"{text[:LARGEST_SHOWN]}..."


def _check_sums(first: Piece, other: Piece) -> None:
    """Raise UsageError if the scenario, an engine of both or the version of lab is another one, with what differs."""
    before, after = portable(first.sums), portable(other.sums)
    names = {
        name
        for name in {**before, **after}
        if not name.startswith("engine ") or (name in before and name in after)  # others are used by one run alone
    }
    changed = differences(_only(before, names), _only(after, names))
    if changed:
        raise UsageError(
            f"cannot merge {first.name} and {other.name}: what they are made of differs: {'; '.join(changed)}",
            hint="make both with the same version of lab and the same files",
        )


def _only(sums: Sums, names: set[str]) -> Sums:
    return {name: parts for name, parts in sums.items() if name in names}


def _shard(pieces: Sequence[Piece]) -> ShardFacts | None:
    """Which shards the pieces are together; None if they are none."""
    shards = [piece.run.shard for piece in pieces if piece.run.shard]
    if not shards:
        return None
    numbers = sorted({number for shard in shards for number in shard.numbers})
    return shards[0].model_copy(update={"numbers": tuple(numbers)})


class _Joined:
    """What was taken from the pieces so far."""

    def __init__(self) -> None:
        self.boxes: dict[tuple[str, str], tuple[str, BoxFacts]] = {}
        self.productions: dict[Part, Production] = {}
        self.trials: dict[str, Trial] = {}
        self.retries: dict[tuple[str, str], RetryFacts] = {}
        self.contexts: dict[str, GatheredContext] = {}
        self.contents: dict[str, str] = {}
        self.exchanges: list[Exchange] = []
        self._by_about: dict[str, list[Exchange]] = {}
        self._maker: dict[str, str] = {}  # the piece of each trial

    def fields(self) -> dict[str, object]:
        """The fields of the merged run that are joined here, except its trials."""
        return {
            "boxes": tuple(facts for _, facts in self.boxes.values()),
            "productions": tuple(self.productions.values()),
            "retries": tuple(self.retries.values()),
            "contexts": self.contexts,
            "contents": self.contents,
        }

    def add(self, piece: Piece) -> None:
        """Take all of one piece; what an earlier piece has identically is kept once."""
        run = piece.run
        for facts in run.boxes:
            self._add_box(piece.name, facts)
        parts = self._add_productions(run)
        for trial in run.trials:
            source = (trial.producer, trial.producer_engine or trial.engine, trial.part)
            self._add_trial(piece.name, trial.model_copy(update={"part": parts.get(source, trial.part)}))
        for item in run.retries:
            key = (item.who, item.what)
            times = item.times + (self.retries[key].times if key in self.retries else 0)
            self.retries[key] = item.model_copy(update={"times": times})
        self.contexts = {**run.contexts, **self.contexts}  # their keys are digests of what they name
        self.contents = {**run.contents, **self.contents}
        phases = {
            production_phase(producer, engine, run.scenario, old): production_phase(producer, engine, run.scenario, new)
            for (producer, engine, old), new in parts.items()
        }
        for exchange in piece.exchanges:
            self._add_exchange(replace(exchange, about=phases.get(exchange.about, exchange.about)))

    def _add_box(self, name: str, facts: BoxFacts) -> None:
        other, before = self.boxes.setdefault((facts.name, facts.engine), (name, facts))
        if changed := fact_differences(before, facts):
            raise UsageError(
                f"cannot merge {other} and {name}: the box {facts.name} with {facts.engine} differs: "
                + "; ".join(changed),
                hint="a cell of the one would not be comparable with a cell of the other",
            )

    def _add_productions(self, run: Run) -> dict[Part, int]:
        """The new part of each production, which several pieces have of one producer."""
        parts: dict[Part, int] = {}
        for made in run.productions:
            part = made.part
            while (before := self.productions.get((made.producer, made.engine, part))) is not None:
                if before == made.model_copy(update={"part": part}):
                    break
                part += 1
            self.productions[made.producer, made.engine, part] = made.model_copy(update={"part": part})
            parts[made.producer, made.engine, made.part] = part
        return parts

    def _add_trial(self, name: str, trial: Trial) -> None:
        before = self.trials.setdefault(trial.name, trial)
        other = self._maker.setdefault(trial.name, name)
        if before != trial:
            raise UsageError(
                f"cannot merge {other} and {name}: both have the trial {trial.name}, with different results",
                hint="leave one of the runs out",
            )

    def _add_exchange(self, exchange: Exchange) -> None:
        known = self._by_about.setdefault(exchange.about, [])
        if exchange not in known:
            known.append(exchange)
            self.exchanges.append(exchange)
