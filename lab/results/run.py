"""A stored run: one folder under results/ with run.json, transcript.jsonl and table.txt.

While the run is in progress its trials are in trials.jsonl beside them.
"""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Literal

from pydantic import Field, JsonValue, ValidationError

from lab import __version__, files
from lab.errors import ConfigError, UsageError
from lab.model import Fault, Outcome, TrialKey, Verdict
from lab.results import journal
from lab.yamlfile import Strict, did_you_mean

SCHEMA = 3
READABLE = (1, 2, 3)  # older runs load: what a newer schema added has a default, and old verdicts have a new word


class StepResult(Strict):
    """One step of a build: the instruction, what became of it, what was expected of it, seconds it took."""

    instruction: str
    outcome: Outcome
    expected: Outcome | None = None
    seconds: float | None = None


class CacheImport(Strict):
    """One `--cache-from` reference and whether its import worked; null if the output did not say."""

    ref: str
    ok: bool | None


class BuildResult(Strict):
    """What one `docker build` said: steps after FROM, bytes of context and Dockerfile sent, cache imports, image id."""

    steps: tuple[StepResult, ...]
    context_bytes: int | None = None
    dockerfile_bytes: int | None = None
    imports: tuple[CacheImport, ...] = ()
    image: str | None = None


class BoxFacts(Strict):
    """What a box said of itself with one engine: `version` and `info` are Docker's own texts, in full.

    `sums` holds the sha256 of the engine's programs by name, `rules` the content-hash rule set it follows,
    `buildx` the plugin's version where the client is one.
    """

    name: str
    summary: str
    kind: str
    engine: str
    client: str
    server: str
    commit: str
    os: str
    kernel: str
    storage: str
    security: tuple[str, ...]
    selinux: str
    version: str
    info: str
    buildx: str = ""
    rules: str | None = None
    sums: dict[str, str] = Field(default_factory=dict)


class ImageFacts(Strict):
    """What an image's config says, of all that enters a cache key; `problem` says why it could not be read.

    `cache` is the value of `moby.buildkit.cache.v0` as it stands there, null for an image without inline cache.
    `manifests` are the digests that its name led to: of an index, if there is one, and of the platform's manifest.
    """

    digest: str | None = None
    manifests: tuple[str, ...] = ()
    cache: str | None = None
    diff_ids: tuple[str, ...] = ()
    env: tuple[str, ...] = ()
    workdir: str = ""
    user: str = ""
    shell: tuple[str, ...] = ()
    onbuild: tuple[str, ...] = ()
    os: str = "linux"
    architecture: str = "amd64"
    problem: str | None = None


class NamedImage(Strict):
    """An image that a Dockerfile names after FROM, and what its config says."""

    reference: str
    image: ImageFacts


class GatheredContext(Strict):
    """A context as it lay on a box: `entries` as `lab digest --records` reads them, what .dockerignore names included.

    Contents lie in the run's `contents` by their sha256. Of a file too large for that, `digests` holds what BuildKit
    computes for it by which attributes count (all, plain, capability). `problem` says why nothing is known.
    """

    entries: tuple[dict[str, JsonValue], ...] = ()
    digests: dict[str, dict[str, str]] = Field(default_factory=dict)
    problem: str | None = None


class Production(Strict):
    """The first build of a producer, its push, and the reference that others rebuild from.

    `context` is the key of the files it built from, `image` describes the image it pushed; null in runs that do not
    keep them. `problem` describes what failed and `fault` says whose fault that is.
    """

    producer: str
    engine: str
    reference: str
    build: BuildResult | None = None
    problem: str | None = None
    fault: Fault | None = None
    started: datetime | None = None
    seconds: float | None = None
    context: str | None = None
    image: ImageFacts | None = None


class Trial(Strict):
    """One consumer that rebuilt one producer's image.

    `problem` describes why it is broken and `fault` whose fault that is; `because` is the reason for an expected miss;
    `seconds` is the duration of the whole trial. `engine` is the consumer's; `producer_engine` is null where the
    producer's is the same one. `predicted` has one outcome for each step, `unknown` where nothing can be predicted, and
    is null where no prediction was made. `context` is the key of the files it rebuilt from.
    """

    name: str
    producer: str
    consumer: str
    engine: str
    producer_engine: str | None = None
    variation: str
    build: BuildResult | None = None
    verdict: Verdict
    because: str | None = None
    problem: str | None = None
    fault: Fault | None = None
    started: datetime | None = None
    seconds: float | None = None
    predicted: tuple[Outcome, ...] | None = None
    context: str | None = None

    @property
    def broken_by(self) -> Fault | None:
        """Whose fault a broken trial is; runs that do not store it say no more than whether the build failed."""
        if self.verdict is not Verdict.BROKEN:
            return None
        return self.fault or (Fault.OUTPUT if self.build else Fault.COMMAND)

    @property
    def key(self) -> TrialKey:
        """The trial by its parts; the scenario is read from the name, which a foreign run may spell in any way."""
        scenario = self.name.rpartition("/")[2].removesuffix(f":{self.variation}")
        made_by = self.producer_engine or self.engine
        return TrialKey(self.producer, made_by, self.consumer, self.engine, scenario, self.variation)


class Base(Strict):
    """The image under the scenario: `alpine` from Docker Hub, `busybox` made on a box, or one `given` by name."""

    reference: str
    source: Literal["alpine", "busybox", "given"]


class Run(Strict):
    """All trials of one `lab repro`; `complete` is false while it is in progress, and stays false if it is cut short.

    `contexts` holds the files of each build context once, by a key that productions and trials name; `contents` holds
    the contents of these files by their sha256, in gzip and base64. `base_image` describes the image that the run
    chose, `bases` the other images that the Dockerfile names after FROM.
    """

    version: int = Field(default=SCHEMA, alias="schema")
    lab: str = __version__
    name: str
    scenario: str
    summary: str
    lineup: str
    started: datetime
    finished: datetime | None = None
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

    @property
    def as_expected(self) -> bool:
        """True if the run is whole and no trial differs from what its scenario expects; no trials show nothing."""
        return (
            self.complete and bool(self.trials) and all(trial.verdict is Verdict.AS_EXPECTED for trial in self.trials)
        )

    def to_json(self) -> str:
        """The text of run.json."""
        return self.model_dump_json(indent=1, by_alias=True) + "\n"


def save(folder: Path, run: Run, table: str | None = None) -> None:
    """Write run.json whole, and table.txt if a table is given; trials.jsonl is then in run.json, and is removed."""
    files.write(folder / "run.json", run.to_json())
    if table is not None:
        files.write(folder / "table.txt", table + "\n")
    try:
        (folder / journal.NAME).unlink(missing_ok=True)
    except OSError as error:
        raise files.disk_error(folder / journal.NAME, error) from error


def load(folder: Path) -> Run:
    """Read a stored run, with the trials of a run in progress or cut short; ConfigError says what is wrong with it."""
    path, appended = folder / "run.json", folder / journal.NAME
    try:
        # first the appended ones: lab writes run.json before it removes them
        lines = appended.read_bytes() if appended.exists() else b""
        return parse(path.read_bytes(), str(path), lines)
    except FileNotFoundError as error:
        raise UsageError(f"cannot find a run at {folder}: no run.json in it") from error
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error}") from error


def parse(content: bytes, where: str, appended: bytes = b"") -> Run:
    """The run in the bytes of a run.json, with the lines of a trials.jsonl; ConfigError names `where` it is from."""
    try:
        text = content.decode("utf-8")
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"cannot read {where}: {error}") from error
    if not isinstance(data, dict):
        raise ConfigError(f"cannot read {where}: not a run of lab")
    schema = data.get("schema")
    if schema not in READABLE:
        raise ConfigError(
            f"cannot read {where}: its schema is {schema}, this lab reads {READABLE[0]} to {SCHEMA}",
            hint="a newer lab wrote it: update" if isinstance(schema, int) and schema > SCHEMA else None,
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
    """The folder of a run by name, by path, or the newest one if no name is given."""
    if name and files.is_folder(Path(name)):
        return Path(name)
    known = sorted(path.parent.name for path in results.glob("*/run.json"))
    if name in known:
        return results / str(name)
    if name:
        raise UsageError(f'cannot find the run "{name}"{did_you_mean(name, known)}', hint="python -m lab runs")
    stamped = [run for run in known if run[:8].isdigit()]
    if not stamped:
        hint = "python -m lab repro" + ("; or name the one that came with lab: sample" if "sample" in known else "")
        raise UsageError(f"cannot find a run in {results}: none was made yet", hint=hint)
    return results / stamped[-1]
