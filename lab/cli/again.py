"""`repro --from BUNDLE`: somebody's run made again on this reader's boxes, and compared cell by cell."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from lab import bundle
from lab.cli.options import Workplace
from lab.errors import UsageError
from lab.report.comparison import compare, told
from lab.report.evidence import Evidence


@dataclass(frozen=True)
class Theirs:
    """A run out of a bundle: its scenario's folder, unpacked; what it varied; its engines that are known here."""

    evidence: Evidence
    scenario: Path
    variations: tuple[str, ...]
    engines: tuple[str, ...]

    def beside(self, mine: Path) -> str:
        """What differs between their run and the one stored in the folder `mine`, cell by cell, as text."""
        return told(compare(self.evidence, bundle.evidence_of(mine)))


@contextmanager
def theirs(path: Path, place: Workplace) -> Iterator[Theirs]:
    """Open a bundle for the time of the context; UsageError for one that packs no scenario."""
    opened = bundle.read(path)
    evidence = opened.evidence()
    with TemporaryDirectory(prefix="lab-bundle-") as folder:
        scenario = opened.scenario(Path(folder))
        if scenario is None:
            raise UsageError(f"cannot run {path} again: it packs no scenario", hint="python -m lab replay shows it")
        trials = evidence.run.trials
        known = place.catalog.engines
        yield Theirs(
            evidence,
            scenario,
            tuple(dict.fromkeys(trial.variation for trial in trials)),
            tuple(dict.fromkeys(trial.engine for trial in trials if trial.engine in known)),
        )
