"""A stored run: one folder under results/ with run.json, transcript.jsonl and table.txt.

While the run is in progress, its trials are in trials.jsonl in the same folder.
"""

from __future__ import annotations

import json
import os
from contextlib import suppress
from pathlib import Path
from typing import Literal

from pydantic import Field, JsonValue, ValidationError

from lab import __version__, files
from lab.errors import ConfigError, Fault, UsageError, did_you_mean
from lab.model import CONTROL, Outcome, TrialKey, Verdict
from lab.results import journal
from lab.results.facts import (
    BoxFacts,
    BuildResult,
    CacheFacts,
    Given,
    ImageFacts,
    Inspection,
    NamedImage,
    ProjectFacts,
    RetryFacts,
    Round,
    StepRate,
)
from lab.results.measures import Moment, Seconds
from lab.results.names import PlainName, PlainOrEmpty
from lab.results.sequence import SequenceStep
from lab.results.shards import ShardFacts
from lab.results.varied import VaryFacts
from lab.yamlfile import Strict

Fresh = Literal["prune", "snapshot"]
SCHEMA = 4
READABLE = (1, 2, 3, 4)  # older runs can be loaded: new fields have defaults, and old names of verdicts are translated


class GatheredContext(Strict):
    """A context on a box: `entries` in the form of `lab digest --records`, including files that .dockerignore excludes.

    The contents of files are in the run's `contents` by their sha256. For a file that is too large for that, `digests`
    contains the digests that BuildKit computes, by the attributes that it hashes (all, plain, capability). `problem` is
    the reason if the context is not known.
    """

    entries: tuple[dict[str, JsonValue], ...] = ()
    digests: dict[str, dict[str, str]] = Field(default_factory=dict)
    problem: str | None = None


class Production(Strict):
    """What a producer made: its last build, its pushes, and the reference from which consumers rebuild.

    `options` are what the sequence or a change gave the last build, and `rounds` its earlier builds, in order.

    `caching` is the kind of cache that it wrote, and `cache` what that holds if it is not in the image. `part` counts
    how often the run had been resumed when it was made.

    `context` is the key of its build context and `image` describes the pushed image; both are null in runs that do not
    store them. `problem` describes a failure and `fault` states its origin.
    """

    producer: PlainName
    engine: PlainName
    reference: str
    build: BuildResult | None = None
    problem: str | None = None
    fault: Fault | None = None
    started: Moment | None = None
    seconds: Seconds | None = None
    context: str | None = None
    image: ImageFacts | None = None
    options: Given = Given()
    rounds: tuple[Round, ...] = ()
    caching: str = "inline"
    cache: CacheFacts | None = None
    part: int = 0


class Trial(Strict):
    """One rebuild of a producer's image by a consumer.

    `problem` is the reason why the trial is broken and `fault` states the origin of the failure. `because` is the
    reason for an expected miss. `seconds` is the duration of the whole trial. `engine` is the consumer's engine;
    `producer_engine` is null if the producer has the same one. `predicted` has one outcome for each step (`unknown` if
    it cannot be predicted), and is null if no prediction was made. `context` is the key of its build context. `rounds`
    are the consumer's builds before the judged one, in order, and `inspections` what was looked at in its image.
    `options` are what the sequence or a change gave the judged build. `unpredictable` is the reason why the sequence
    allows no prediction, and `unpredicted` has the reason for each step whose prediction is unknown, "" for the others;
    it is empty if all are known, and in a run that does not store it. `repeat` counts the trials that differ in nothing
    else, and `part` is that of the production that it rebuilds.
    """

    name: str
    producer: PlainName
    consumer: PlainName
    engine: PlainName
    producer_engine: PlainName | None = None
    variation: str
    build: BuildResult | None = None
    verdict: Verdict
    because: str | None = None
    problem: str | None = None
    fault: Fault | None = None
    started: Moment | None = None
    seconds: Seconds | None = None
    predicted: tuple[Outcome, ...] | None = None
    context: str | None = None
    rounds: tuple[Round, ...] = ()
    inspections: tuple[Inspection, ...] = ()
    options: Given = Given()
    unpredictable: str | None = None
    unpredicted: tuple[str, ...] = ()
    dockerfile: str | None = None
    repeat: int = 1
    part: int = 0

    @property
    def broken_by(self) -> Fault | None:
        """The origin of a broken trial's failure; old runs do not store it and show only whether the build failed."""
        if self.verdict is not Verdict.BROKEN:
            return None
        return self.fault or (Fault.OUTPUT if self.build else Fault.COMMAND)

    @property
    def key(self) -> TrialKey:
        """The key of the trial; the scenario is read from the name, which has any form in a run of another program."""
        mark = f"#{self.repeat}" if self.repeat > 1 else ""
        scenario = self.name.rpartition("/")[2].removesuffix(mark).removesuffix(f":{self.variation}")
        made_by = self.producer_engine or self.engine
        return TrialKey(self.producer, made_by, self.consumer, self.engine, scenario, self.variation, self.repeat)


class Base(Strict):
    """The base image of the scenario: `alpine` from Docker Hub, `busybox` made on a box, or one `given` by name."""

    reference: str
    source: Literal["alpine", "busybox", "given"]


class Repetition(Strict):
    """How often a run makes each trial, and the seed of the order; without a seed, the order is the usual one."""

    times: int = 1
    seed: int | None = None


class Run(Strict):
    """All trials of one `lab repro`; `complete` is false while it is in progress, and stays false if it is interrupted.

    `contexts` contains each build context once, by the key that productions and trials name. `contents` contains the
    contents of its files by their sha256, as base64 of gzip. `base_image` describes the base image that the run chose,
    and `bases` the other images that the Dockerfile names after FROM. `project` describes the user's own project, if
    that is what was built, and `vary` the axes of `lab vary`, if that made the run. `sequence` has the steps that the
    scenario states for both sides; it is empty in runs that do not store it. `fresh` is what emptied an engine before
    each side: its own prune, or the snapshot of the box's first state; it is null in runs that do not store it.
    `resumed` has the moments at which the run was resumed, and `again_of` the name of the run whose failed trials this
    run makes again. `rates` has the hit rates of the steps, if `repetition` states that trials are repeated. `retries`
    has the connections, pulls and downloads that were repeated. `shard` states which part of a matrix the run is, and
    is null for a whole one. `merged` has the names of the runs that this run was merged of.
    """

    version: int = Field(default=SCHEMA, alias="schema")
    lab: str = __version__
    name: PlainName
    scenario: PlainName
    summary: str
    lineup: PlainOrEmpty  # the start of a reduction has none
    started: Moment
    finished: Moment | None = None
    complete: bool = False
    base: Base | None = None
    registry: str
    dockerfile: str = ""
    instructions: tuple[str, ...] = ()
    boxes: tuple[BoxFacts, ...] = ()
    productions: tuple[Production, ...] = ()
    trials: tuple[Trial, ...] = ()
    base_image: ImageFacts | None = None
    bases: tuple[NamedImage, ...] = ()
    contexts: dict[str, GatheredContext] = Field(default_factory=dict)
    contents: dict[str, str] = Field(default_factory=dict)
    project: ProjectFacts | None = None
    vary: VaryFacts | None = None
    sequence: tuple[SequenceStep, ...] = ()
    repetition: Repetition = Repetition()
    resumed: tuple[Moment, ...] = ()
    again_of: PlainName | None = None
    rates: tuple[StepRate, ...] = ()
    retries: tuple[RetryFacts, ...] = ()
    fresh: Fresh | None = None
    shard: ShardFacts | None = None
    merged: tuple[PlainName, ...] = ()

    @property
    def as_expected(self) -> bool:
        """True if the run is complete, has trials, and every trial is as its scenario expects."""
        return (
            self.complete and bool(self.trials) and all(trial.verdict is Verdict.AS_EXPECTED for trial in self.trials)
        )

    def control(self, box: str, engine: str) -> Trial | None:
        """The trial in which a box rebuilds what the same engine of it made, without a change; None without one."""
        wanted = TrialKey(box, engine, box, engine, self.scenario, CONTROL)
        return next((trial for trial in self.trials if trial.key == wanted), None)

    def production_of(self, trial: Trial) -> Production | None:
        """The production whose image a trial rebuilds; None if the run ended before it was stored."""
        wanted = (trial.producer, trial.producer_engine or trial.engine, trial.part)
        return next((made for made in self.productions if (made.producer, made.engine, made.part) == wanted), None)

    def to_json(self) -> str:
        """Return the text of run.json."""
        return self.model_dump_json(indent=1, by_alias=True) + "\n"


def save(folder: Path, run: Run, table: str | None = None) -> None:
    """Write run.json, and table.txt if a table is given; remove trials.jsonl, because run.json contains its trials."""
    files.write(folder / "run.json", run.to_json(), follow=False)
    if table is not None:
        files.write(folder / "table.txt", table + "\n", follow=False)
    try:
        (folder / journal.NAME).unlink(missing_ok=True)
    except OSError as error:
        raise files.disk_error(folder / journal.NAME, error) from error


def load(folder: Path) -> Run:
    """Read a stored run, also one in progress or interrupted; UsageError if there is none, ConfigError if damaged."""
    path, appended = folder / "run.json", folder / journal.NAME
    try:
        # trials.jsonl is read first, because lab writes run.json before it removes trials.jsonl
        lines = files.read_unlinked(appended) if os.path.lexists(appended) else b""
        return parse(files.read_unlinked(path), str(path), lines)
    except FileNotFoundError as error:
        raise UsageError(f"cannot find a run at {folder}: no run.json in it") from error
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error}") from error


def parse(content: bytes, where: str, appended: bytes = b"") -> Run:
    """Parse the bytes of a run.json and the lines of a trials.jsonl; ConfigError names `where` they are from."""
    if not appended:  # the usual case, in which the content need not be parsed twice
        with suppress(ValidationError):
            run = Run.model_validate_json(content)
            if "version" in run.model_fields_set and run.version in READABLE:
                return run
    try:
        text = content.decode("utf-8")
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"cannot read {where}: {error}") from error
    if not isinstance(data, dict):
        raise ConfigError(f"cannot read {where}: it is not a run of lab")
    schema = data.get("schema")
    if schema not in READABLE:
        raise ConfigError(
            f"cannot read {where}: its schema is {schema}, this version of lab reads {READABLE[0]} to {SCHEMA}",
            hint="a newer version of lab wrote it; update lab" if isinstance(schema, int) and schema > SCHEMA else None,
        )
    if appended:
        journal.merge(data, appended, f"{where} with {journal.NAME}")
        text = json.dumps(data)
    try:
        return Run.model_validate_json(text)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise ConfigError(f"cannot read {where}: {place}: {first['msg']}") from error


def find(results: Path, name: str | None) -> Path:
    """Find the folder of a run by its name or path, or the newest run if no name is given; UsageError if none."""
    if name and files.is_folder(Path(name)):
        return Path(name)
    known = sorted(path.parent.name for path in results.glob("*/run.json"))
    if name in known:
        return results / str(name)
    if name:
        hint = "list the runs with `python -m lab runs`"
        raise UsageError(f'cannot find the run "{name}"{did_you_mean(name, known)}', hint=hint)
    stamped = [run for run in known if run[:8].isdigit()]
    if not stamped:
        hint = "make one with `python -m lab repro`" + (", or name lab's own run: sample" if "sample" in known else "")
        raise UsageError(f"cannot find a run in {results}: there is none yet", hint=hint)
    return results / stamped[-1]
