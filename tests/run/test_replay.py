"""The default run on real boxes, played back from its transcript: results/sample is what the README shows."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from lab.boxes.recording import RecordingBox
from lab.boxes.transcript import ReplayBox, Transcript, read
from lab.buildkit.rulebook import Rulebook
from lab.engines.engine import Engine
from lab.errors import BoxError, EngineError, Fault, Interrupted
from lab.machines.catalog import Catalog
from lab.machines.ready import Later, Ready
from lab.model import Begun, Filled, Outcome, Planned, Progress, RunEvent
from lab.registry.server import Registry
from lab.report.table import table
from lab.results.facts import BoxFacts
from lab.results.run import Run, load
from lab.run.course import ONCE, Course
from lab.run.crew import Crew
from lab.run.manner import USUAL, Manner
from lab.run.recorder import Recorder, Watch, unwatched
from lab.run.scenarios import load_scenario
from lab.workers import stopping
from tests.conftest import ROOT
from tests.todays_commands import listed_today

pytestmark = pytest.mark.slow

SAMPLE = ROOT / "tests" / "data" / "runs" / "default-and-user-xattr"
A, S = "debian12-apparmor", "debian12-selinux"
FIXED, UNFIXED = "20.10.24", "20.10.24-unfixed"


@dataclass
class Played:
    run: Run
    boxes: dict[str, ReplayBox]
    heard: list[Progress]


def engine(facts: BoxFacts, server: str = "") -> Engine:
    """The engine as it answered when the sample was made, or as one of another version."""
    socket = () if facts.engine == FIXED else ("-H", f"unix:///run/lab-docker-{facts.engine}/docker.sock")
    docker = ("docker", *socket)
    return Engine(
        facts.engine, docker, facts.client, server or facts.server, facts.commit, sums=facts.sums, rules=facts.rules
    )


Start = Callable[[Engine], Engine | None]


def play(
    folder: Path,
    entries: list[dict[str, object]],
    watch: Watch = unwatched,
    start: Start | None = None,
    server: str = "",
    *,
    before: Run | None = None,
    course: Course = ONCE,
    manner: Manner = USUAL,
) -> Played:
    """Make the sample's trials again with boxes that answer from `entries`, as if their Docker was `server`.

    With `start`, only the first engine of each box is there at once; the others are started by it. `before` is the run
    as it begins: by default, one without a trial.
    """
    stored = load(SAMPLE)
    catalog = Catalog(ROOT / "boxes")
    entries = [entry for entry in entries if entry["about"] != "base"]
    boxes = {name: ReplayBox(name, [entry for entry in entries if entry["box"] == name]) for name in (A, S)}
    transcript = Transcript(folder / "transcript.jsonl", stored.name)
    engines = {name: tuple(engine(box, server) for box in stored.boxes if box.name == name) for name in boxes}
    ready = [Ready(boxes[name], catalog.box(name), engines[name]) for name in boxes]
    if start:
        ready = [
            Ready(
                item.box, item.spec, item.engines[:1], tuple(Later(e.name, partial(start, e)) for e in item.engines[1:])
            )
            for item in ready
        ]
    assert stored.base
    scenario = load_scenario(ROOT / "templates" / "scenarios" / "copy-bust", stored.base.reference)
    empty = stored.model_copy(update={"boxes": (), "productions": (), "trials": (), "complete": False})
    recorder = Recorder(folder, before or empty, watch)
    heard: list[Progress] = []
    recorded = {name: RecordingBox(box, transcript) for name, box in boxes.items()}
    registry = Registry(stored.registry, "docker-registry", int(stored.registry.rpartition(":")[2]))
    book = Rulebook(ROOT / "boxes")
    crew = Crew(
        scenario, recorder, recorded, registry, book, heard.append, thorough=False, course=course, manner=manner
    )
    try:
        crew.trials(ready, ready, scenario.variations(("none", "user-xattr")))
    finally:
        transcript.close()
    return Played(recorder.run, boxes, heard)


def pruned_once(entries: list[dict[str, Any]]) -> list[dict[str, object]]:
    """The entries without each prune that follows another one of the same daemon, with no build or push between.

    The run was recorded when a side pruned its engine again that the side before it had just pruned.
    """
    last: dict[tuple[str, ...], str] = {}
    kept = []
    for entry in entries:
        words = entry["argv"]
        verb = next((verb for verb in ("prune", "build", "push") if verb in words), None)
        if verb:
            daemon = (entry["box"], *words[: words.index("system" if verb == "prune" else verb)])
            before, last[daemon] = last.get(daemon), verb
        if not (verb == "prune" and before == "prune"):
            kept.append(entry)
    return kept


def with_folders_above(entry: dict[str, Any]) -> dict[str, object]:
    """The entry; if it removes the files of an engine, it also removes the folders above them, as lab does today."""
    if entry["argv"][:2] != ["rm", "-rf"]:
        return entry
    home = Path(entry["argv"][2])
    script = f"rm -rf {home}; rmdir {home.parent} {home.parent.parent}"
    return {**entry, "argv": ["sh", "-c", script]}


def as_today(entry: dict[str, Any]) -> dict[str, object]:
    """The entry with the command that lab gives today in its place."""
    entry = dict(with_folders_above(entry))
    if listed := listed_today(entry["argv"], entry["stdout"]):
        entry["argv"], entry["stdout"] = listed
    return entry


@pytest.fixture(scope="module")
def entries() -> list[dict[str, object]]:
    found = read(SAMPLE / "transcript.jsonl")[1]
    kept = pruned_once(found)
    assert len(found) - len(kept) == 4  # the first rebuild of each engine on each box
    return [as_today(entry) for entry in kept]


def test_the_replayed_run_gives_the_bug_reports_outcomes(tmp_path: Path, entries: list[dict[str, object]]) -> None:
    played = play(tmp_path, entries)
    seen = {
        (trial.engine, trial.producer, trial.consumer, trial.variation): (
            trial.build.context_bytes if trial.build else None,
            [step.outcome.value for step in trial.build.steps] if trial.build else [],
        )
        for trial in played.run.trials
    }
    hits, bust = ["hit", "hit", "hit"], ["hit", "ran", "ran"]
    assert seen == {
        (FIXED, A, A, "none"): (34, hits),
        (FIXED, A, S, "none"): (93, hits),
        (FIXED, S, A, "none"): (34, hits),
        (FIXED, S, S, "none"): (93, hits),
        (FIXED, A, A, "user-xattr"): (49, bust),
        (FIXED, A, S, "user-xattr"): (108, bust),
        (UNFIXED, A, A, "none"): (34, hits),
        (UNFIXED, A, S, "none"): (93, bust),
        (UNFIXED, S, A, "none"): (34, bust),
        (UNFIXED, S, S, "none"): (93, hits),
    }
    assert [box.left() for box in played.boxes.values()] == [[], []]
    assert any(event.who == S and event.what.endswith("COPY bar bar, RUN echo baz ran") for event in played.heard)


def test_the_replay_records_what_it_was_played(tmp_path: Path, entries: list[dict[str, object]]) -> None:
    play(tmp_path, entries)
    again = read(tmp_path / "transcript.jsonl")[1]

    def of(box: str, found: list[dict[str, object]]) -> list[object]:
        return [(entry["argv"], entry["stdout"]) for entry in found if entry["box"] == box and entry["about"] != "base"]

    for name in (A, S):
        # an engine is emptied while files are prepared, and is asked several questions at once
        assert sorted(map(str, of(name, again))) == sorted(map(str, of(name, entries)))


def test_the_four_steps_are_the_bug_reports(entries: list[dict[str, object]]) -> None:
    docker = [
        " ".join(map(str, entry["argv"]))  # type: ignore[call-overload]
        for entry in entries
        if entry["box"] == A and f"{FIXED}/copy-bust:produce" in str(entry["about"]) and entry["argv"][0] == "docker"  # type: ignore[index]
    ]
    ref = f"{load(SAMPLE).registry}/lab-copy-bust-{A}:20.10.24"
    assert docker == [
        "docker system prune -a -f",
        f"docker build --progress=plain --build-arg BUILDKIT_INLINE_CACHE=1 --tag {ref} .",
        f"docker push {ref}",
        "docker system prune -a -f",
    ]


def test_output_that_is_lost_makes_a_trial_broken_never_a_hit(tmp_path: Path, entries: list[dict[str, object]]) -> None:
    cut = [json.loads(json.dumps(entry)) for entry in entries]
    for entry in cut:
        if "--cache-from" in entry["argv"]:
            entry["stderr"] = entry["stderr"].replace("CACHED", "")
    played = play(tmp_path, cut)
    outcomes = {step.outcome for trial in played.run.trials if trial.build for step in trial.build.steps}
    assert Outcome.HIT not in outcomes
    assert not played.run.as_expected
    assert {trial.verdict.value for trial in played.run.trials} == {"broken"}


def test_an_engine_that_has_no_inline_cache_breaks_no_trial(tmp_path: Path, entries: list[dict[str, object]]) -> None:
    """The sample's output, changed to what Docker 18.09 does: each import fails, and every step runs."""
    old = [json.loads(json.dumps(entry)) for entry in entries]
    for entry in old:
        if "--cache-from" in entry["argv"]:
            text = re.sub(r"(#\d+) CACHED", r"\1 DONE 0.1s", entry["stderr"])
            entry["stderr"] = re.sub(
                r"(#\d+) (importing cache .*\n#\d+ sha256.*\n)#\d+ DONE.*", r"\1 \2\1 ERROR: invalid", text
            )
    played = play(tmp_path, old, server="18.09.9")
    trials = [trial for trial in played.run.trials if trial.variation == "none"]
    assert {trial.verdict.value for trial in trials} == {"as expected"}
    assert {trial.because for trial in trials} == {"Docker 18.09 neither writes an inline cache nor reads one"}
    assert {trial.problem for trial in trials} == {None}
    imports = [item for trial in trials if trial.build for item in trial.build.imports]
    assert {(item.ok, item.unsupported) for item in imports} == {(False, True)}
    (tmp_path / "newer").mkdir()
    newer = play(tmp_path / "newer", old)
    assert {trial.verdict.value for trial in newer.run.trials} == {"broken"}


def test_a_box_that_is_lost_in_the_middle_costs_its_own_trials_only(
    tmp_path: Path, entries: list[dict[str, object]]
) -> None:
    lost = [entry for entry in entries if not (entry["box"] == S and "--cache-from" in entry["argv"])]  # type: ignore[operator]
    played = play(tmp_path, lost)
    verdicts = {(trial.consumer, trial.verdict.value) for trial in played.run.trials}
    assert verdicts == {(A, "as expected"), (S, "broken")}


def test_trials_start_while_another_engine_is_still_being_built(
    tmp_path: Path, entries: list[dict[str, object]]
) -> None:
    seen: list[RunEvent] = []
    made_before: list[int] = []

    def start(engine: Engine) -> Engine:
        made_before.append(sum(isinstance(event, Filled) for event in seen))
        return engine

    played = play(tmp_path, entries, seen.append, start)
    assert made_before == [6, 6]  # every trial of the first engine, on both boxes
    assert [box.left() for box in played.boxes.values()] == [[], []]
    assert sorted(trial.name for trial in played.run.trials) == sorted(trial.name for trial in load(SAMPLE).trials)
    [planned] = [event for event in seen if isinstance(event, Planned)]
    assert len(planned.trials) == 10  # all of them are planned from the start


def test_an_engine_that_cannot_be_had_is_left_out_of_the_plan(tmp_path: Path, entries: list[dict[str, object]]) -> None:
    seen: list[RunEvent] = []
    played = play(tmp_path, entries, seen.append, lambda engine: None)
    assert {trial.engine for trial in played.run.trials} == {FIXED}
    assert [len(event.trials) for event in seen if isinstance(event, Planned)] == [10, 6]


def test_an_engine_that_does_not_start_is_raised_after_the_others_trials(
    tmp_path: Path, entries: list[dict[str, object]]
) -> None:
    def start(engine: Engine) -> Engine:
        raise EngineError("cannot start Docker")

    with pytest.raises(EngineError, match="cannot start Docker"):
        play(tmp_path, entries, start=start)
    assert {trial.engine for trial in load(tmp_path).trials} == {FIXED}
    assert len(load(tmp_path).trials) == 6


def test_a_dead_engine_breaks_its_trials_by_its_own_fault(tmp_path: Path, entries: list[dict[str, object]]) -> None:
    cut = [json.loads(json.dumps(entry)) for entry in entries]
    for entry in cut:
        if entry["box"] == A and "--cache-from" in entry["argv"] and FIXED in str(entry["about"]).partition("/")[0]:
            entry["exit"] = 1
    asked = [entry for entry in cut if entry["box"] == A and entry["argv"] == ["docker", "version"]]
    cut += [{**asked[0], "exit": 1} for _ in cut]  # it answered once, for the facts
    played = play(tmp_path, cut)
    faults = {(trial.consumer, trial.engine): trial.fault for trial in played.run.trials if trial.engine == FIXED}
    assert faults == {(A, FIXED): Fault.ENGINE, (S, FIXED): None}


def test_an_unknown_command_is_refused(entries: list[dict[str, object]]) -> None:
    with pytest.raises(BoxError, match="the transcript does not hold it"):
        ReplayBox(A, entries).run(["docker", "system", "prune", "-a", "-f", "--volumes"])


def test_the_table_of_the_sample_is_the_one_that_is_drawn_today() -> None:
    assert table(load(SAMPLE)) + "\n" == (SAMPLE / "table.txt").read_text()


def test_a_box_that_is_lost_at_the_start_leaves_the_others_their_trials(
    tmp_path: Path, entries: list[dict[str, object]]
) -> None:
    lost = [entry for entry in entries if not (entry["box"] == S and "info" in entry["argv"])]  # type: ignore[operator]
    with pytest.raises(BoxError, match="the transcript does not hold it"):
        play(tmp_path, lost)
    run = load(tmp_path)
    assert {(trial.producer, trial.consumer) for trial in run.trials} == {(A, A)}
    assert {trial.verdict.value for trial in run.trials} == {"as expected"}
    assert not run.complete


def test_what_ctrl_c_made_of_a_trial_is_no_result(tmp_path: Path, entries: list[dict[str, object]]) -> None:
    """Connections are closed then, and the registry ends: a trial that goes on would be stored as broken."""
    stored = load(SAMPLE).instructions
    made: list[Filled] = []

    def watch(event: RunEvent) -> None:
        if isinstance(event, Filled):
            made.append(event)
        if isinstance(event, Begun) and made:
            stopping.set()

    try:
        with pytest.raises(Interrupted, match="stopped during "):
            play(tmp_path, entries, watch)
    finally:
        stopping.clear()
    run = load(tmp_path)
    assert not run.complete
    assert 1 <= len(run.trials) < 10
    assert {trial.verdict.value for trial in run.trials} == {"as expected"}
    assert {len(trial.build.steps) for trial in run.trials if trial.build} == {len(stored)}


def test_the_files_of_a_production_that_ctrl_c_ended_are_removed(
    tmp_path: Path, entries: list[dict[str, object]], monkeypatch: pytest.MonkeyPatch
) -> None:
    removed: list[str] = []
    # patched: the transcript has no command that ends programs
    monkeypatch.setattr("lab.run.sequence.clear", lambda station: removed.append(station.box.name))
    try:
        with pytest.raises(Interrupted, match="stopped during "):
            play(tmp_path, entries, lambda event: stopping.set())
    finally:
        stopping.clear()
    assert not load(tmp_path).productions
    assert removed == [A, S] or removed == [S, A]
