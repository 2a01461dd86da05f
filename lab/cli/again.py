"""`repro --from BUNDLE`: somebody's run made again on this reader's boxes, and compared cell by cell."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from lab.cli.options import Workplace
from lab.errors import UsageError
from lab.report import bundle
from lab.report.comparison import compare, comparison_text
from lab.report.evidence import Evidence, producer_engine


@dataclass(frozen=True)
class Theirs:
    """A run out of a bundle: its scenario's folder, unpacked, and what it asked for that can be asked for here.

    `made_by` is empty unless consumers rebuilt what other engines built; `base` is set if the run was given one.
    `unknown` are its engines that no file here describes.
    """

    evidence: Evidence
    scenario: Path
    variations: tuple[str, ...]
    engines: tuple[str, ...]
    made_by: tuple[str, ...]
    base: str | None
    unknown: tuple[str, ...]

    def beside(self, mine: Path) -> str:
        """What differs between their run and the one stored in the folder `mine`, cell by cell, as text.

        The run is made and stored by now: that nothing in it answers to theirs is said, and is no error.
        """
        try:
            return comparison_text(compare(self.evidence, bundle.evidence_of(mine)))
        except UsageError as error:
            return f"{error.message}; {error.hint}" if error.hint else error.message


@contextmanager
def theirs(path: Path, place: Workplace) -> Iterator[Theirs]:
    """Open a bundle for the time of the context; UsageError for one that packs no scenario."""
    opened = bundle.read(path)
    evidence = opened.evidence()
    run = evidence.run
    with TemporaryDirectory(prefix="lab-bundle-") as folder:
        scenario = opened.scenario(Path(folder))
        if scenario is None:
            raise UsageError(f"cannot run {path} again: it packs no scenario", hint="python -m lab replay shows it")
        used = dict.fromkeys(trial.engine for trial in run.trials)
        crossed = any(producer_engine(trial) != trial.engine for trial in run.trials)
        made = dict.fromkeys(producer_engine(trial) for trial in run.trials) if crossed else {}
        known = place.catalog.engines
        yield Theirs(
            evidence,
            scenario,
            tuple(dict.fromkeys(trial.variation for trial in run.trials)),
            tuple(name for name in used if name in known),
            tuple(name for name in made if name in known),
            run.base.reference if run.base and run.base.source == "given" else None,
            tuple(name for name in {**used, **made} if name not in known),
        )
