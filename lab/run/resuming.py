"""Goes on with a stored run: its plan beside it, its transcript, and what must be the same as before."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime
from pathlib import Path

from lab import files
from lab.boxes import transcript
from lab.boxes.transcript import Transcript
from lab.errors import BusyError, ConfigError
from lab.model import production_phase
from lab.registry.server import Registry
from lab.results.run import Base, Run
from lab.run.course import Course, is_missing
from lab.run.scenarios import Scenario

OWN = ".lab"  # in a run's folder: it has paths of this machine, so no bundle contains it
PLAN = f"{OWN}/plan.json"
HELD = "run"  # the lock of a run's folder


@contextmanager
def held(folder: Path, verb: str) -> Iterator[None]:
    """Hold the folder of a run for this process; BusyError that names the holder if another one writes the run."""
    with ExitStack() as stack:
        try:
            stack.enter_context(files.hold(folder / OWN, [HELD], verb))
        except BusyError as error:
            raise BusyError(
                f"cannot resume {folder.name}: {error.message.partition(': ')[2]}",
                hint="wait until that process ends, or stop it with Ctrl-C",
            ) from None
        yield


@contextmanager
def keep_plan(folder: Path, words: str) -> Iterator[None]:
    """Store the plan of a new run in its folder, and hold the folder while the run goes on."""
    with files.hold(folder / OWN, [HELD], "repro"):
        files.write(folder / PLAN, words)
        yield


def begun(course: Course, name: str, draft: Scenario, lineup: str, moment: datetime) -> Run:
    """The run as it begins at this moment, or as it goes on; a new one does not name its registry yet."""
    if course.stored:
        before = course.stored.run
        return before.model_copy(update={"resumed": (*before.resumed, moment), "complete": False, "finished": None})
    return Run(
        name=name,
        scenario=draft.name,
        summary=draft.summary,
        lineup=lineup,
        started=moment,
        registry="",
        repetition=course.repetition,
        again_of=course.again_of,
        shard=course.shard,
    )


def opened(folder: Path, run: Run) -> Transcript:
    """The transcript of a run, which a resumed run appends to.

    The commands of a trial or a production without a stored result get a name of their own in it, so that they are not
    taken for commands of the trial that is made in its place.
    """
    path = folder / "transcript.jsonl"
    if not run.resumed or not path.is_file():
        return Transcript(path, run.name)
    done = {trial.name for trial in run.trials if not is_missing(trial)}
    done |= {production_phase(made.producer, made.engine, run.scenario, made.part) for made in run.productions}
    mark = f" (part {len(run.resumed)}, not ended)"
    transcript.rename(path, lambda about: about if about in done or not _is_result(about) else about + mark)
    return Transcript(path, run.name, append=True)


def _is_result(about: str) -> bool:
    """True for the commands of a trial or a production; False for those of facts, of the base image, and others."""
    return "/" in about and not about.endswith(("/facts", "not ended)"))


def check_setting(run: Run, base: Base | None, store: Registry, dockerfile: str) -> None:
    """Raise ConfigError if the registry, the base image or the Dockerfile is another one than that of stored trials."""
    if changed := setting_differences(run, base, store.prefix, dockerfile):
        raise ConfigError(
            f"cannot resume {run.name}: {'; '.join(changed)}",
            hint="make a new run; its trials are then comparable with each other",
        )


def setting_differences(run: Run, base: Base | None, registry: str, dockerfile: str) -> list[str]:
    """What differs between the setting of a run and this registry, base image and Dockerfile."""
    changed = []
    if registry != run.registry:
        changed.append(f"registry {run.registry} -> {registry}")
    if base != run.base:
        changed.append(f"base image {_reference(run.base)} -> {_reference(base)}")
    if dockerfile != run.dockerfile and not changed:
        changed.append("the Dockerfile has changed, in which a step may name an address of this machine")
    return changed


def _reference(base: Base | None) -> str:
    return base.reference if base else "none"
