"""The state of a minimisation on disk: what engines did with each candidate, so that it goes on where it stopped."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from pydantic import Field, ValidationError

from lab import files
from lab.errors import ConfigError, reason
from lab.results.run import Run, parse
from lab.results.shelf import create_folder
from lab.run.minimise.bench import Ends, Seen
from lab.run.minimise.candidate import Candidate
from lab.yamlfile import Strict

SCHEMA = 1
STATE, START, SCENARIO, REPORT = "minimise.json", "start.json", "scenario", "report.md"
TRYING = "trying"  # the candidate that is built at the moment
WORD = "minimise"


class State(Strict):
    """What is stored: the checksum of the start and its ends, and the answers of engines by candidate.

    `finished` is true once the result is written.
    """

    version: int = Field(default=SCHEMA, alias="schema")
    key: str
    answers: dict[str, Seen] = Field(default_factory=dict)
    finished: bool = False


class ResultFolder:
    """The folder of one minimisation; each write is complete or not made. HostError if the disk refuses."""

    def __init__(self, folder: Path, state: State) -> None:
        self.folder = folder
        self.state = state
        self.answers = dict(state.answers)

    @property
    def start(self) -> Run | None:
        """The run of the start, once it was built."""
        path = self.folder / START
        try:
            return parse(path.read_bytes(), str(path)) if path.exists() else None
        except OSError as error:
            raise ConfigError(f"cannot read {path}: {reason(error)}") from error

    def keep_start(self, run: Run) -> None:
        """Store the run of the start, unless it is stored."""
        if not (self.folder / START).exists():
            files.write(self.folder / START, run.to_json())

    def store(self, *, finished: bool = False) -> None:
        """Write the answers so far."""
        self.state = State(key=self.state.key, answers=self.answers, finished=finished)
        files.write(self.folder / STATE, self.state.model_dump_json(indent=1, by_alias=True) + "\n")


def key_of(candidate: Candidate, ends: Ends) -> str:
    """The checksum of a start: the same project, variation, boxes, engines, builder and cache have the same."""
    way = f"{ends.builder or ''}:{ends.cache}"
    return f"{candidate.key}:{ends.producer}:{ends.producer_engine}:{ends.consumer}:{ends.engine}:{way}"


def begin(results: Path, candidate: Candidate, ends: Ends, moment: datetime, *, anew: bool = False) -> ResultFolder:
    """The folder of an earlier minimisation with this start that was not finished, or else a new one."""
    key = key_of(candidate, ends)
    for path in [] if anew else sorted(results.glob(f"*-{WORD}-*/{STATE}"), reverse=True):
        state = _read(path)
        if state and state.key == key and not state.finished:
            return ResultFolder(path.parent, state)
    folder = create_folder(results, f"{WORD}-{candidate.name}", moment)
    kept = ResultFolder(folder, State(key=key))
    kept.store()
    return kept


def _read(path: Path) -> State | None:
    """A stored state; None for one that cannot be read, such as one of another version of lab."""
    try:
        return State.model_validate_json(path.read_bytes())
    except (OSError, ValidationError):
        return None
