"""A run's folder that is resumed: its plan, who holds it, its transcript, and the setting that must be the same."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from lab.boxes.base import Command, Result
from lab.boxes.transcript import Transcript, read
from lab.errors import BusyError, ConfigError, Fault
from lab.model import Verdict
from lab.registry.server import Registry
from lab.report.bundle import _stored as packed
from lab.results.run import Base
from lab.run.course import Course, Stored
from lab.run.resuming import PLAN, begun, check_setting, held, keep_plan, opened
from lab.run.scenarios import find, load_scenario
from tests.conftest import ROOT
from tests.reporting import HIT, run, trial

NOW = datetime(2026, 5, 28, tzinfo=UTC)
MADE, MISSING, DEAD = trial("a", "b", (HIT, HIT, HIT)), trial("b", "a", (HIT, HIT, HIT)), trial("b", "b", None)
DEAD = DEAD.model_copy(update={"verdict": Verdict.BROKEN, "fault": Fault.BOX})
RUN = run(MADE, DEAD)
STORE = Registry("localhost:5000", "docker-registry", 5000)


def record(transcript: Transcript, *about: str) -> None:
    for name in about:
        transcript.record("a", name, Result(Command(("true",)), 0, b"", b"", NOW, 0.1))
    transcript.close()


def abouts(path: Path) -> list[str]:
    return [str(entry["about"]) for entry in read(path)[1]]


def test_the_plan_is_in_the_folder_and_in_no_bundle(tmp_path: Path) -> None:
    with keep_plan(tmp_path, "the plan\n"):
        assert (tmp_path / PLAN).read_text() == "the plan\n"
        (tmp_path / "more.txt").touch()
        assert set(packed(tmp_path)) == {"more.txt"}


def test_a_second_process_is_refused_with_the_name_of_the_first(tmp_path: Path) -> None:
    folder = tmp_path / "20260527T183000Z-copy-bust"
    with held(folder, "repro --resume x"), pytest.raises(BusyError) as caught, held(folder, "repro --resume x"):
        pass
    assert caught.value.message.startswith(f"cannot resume {folder.name}: `lab repro --resume x` (process ")
    with keep_plan(folder, ""), pytest.raises(BusyError), held(folder, "repro --resume x"):
        pass
    with held(folder, "repro --resume x"):
        pass  # a lock ends with its holder


def test_a_resumed_run_keeps_what_it_was_and_counts_its_parts() -> None:
    draft = load_scenario(find("copy-bust", ROOT / "templates" / "scenarios"), "scratch")
    course = Course(stored=Stored(Path(), RUN))
    again = begun(course, "x", draft, "x", NOW)
    assert (again.name, again.started, again.trials) == (RUN.name, RUN.started, RUN.trials)
    assert (again.resumed, again.complete, again.finished) == ((NOW,), False, None)
    new = begun(Course(again_of="before"), "x", draft, "gist", NOW)
    assert (new.name, new.resumed, new.again_of, new.trials) == ("x", (), "before", ())


def test_commands_without_a_stored_result_get_a_name_of_their_own(tmp_path: Path) -> None:
    path = tmp_path / "transcript.jsonl"
    made = "a:19.03.8/copy-bust:produce"
    record(Transcript(path, RUN.name), "", "base", "a:19.03.8/facts", made, "c:e/copy-bust:produce", MADE.name)
    with path.open("a") as out:
        out.write('{"box": "a", "abo')  # the process was killed while it wrote
    again = RUN.model_copy(update={"resumed": (NOW,)})
    record(opened(tmp_path, again), MISSING.name)
    lost = "c:e/copy-bust:produce (part 1, not ended)"
    assert abouts(path) == ["", "base", "a:19.03.8/facts", made, lost, MADE.name, MISSING.name]
    record(opened(tmp_path, again.model_copy(update={"resumed": (NOW, NOW)})), MISSING.name)
    assert abouts(path)[4:] == [lost, MADE.name, f"{MISSING.name} (part 2, not ended)", MISSING.name]


def test_the_commands_of_a_trial_that_a_dead_box_broke_are_set_apart(tmp_path: Path) -> None:
    record(Transcript(tmp_path / "transcript.jsonl", RUN.name), DEAD.name)
    opened(tmp_path, RUN.model_copy(update={"resumed": (NOW,)})).close()
    assert abouts(tmp_path / "transcript.jsonl") == [f"{DEAD.name} (part 1, not ended)"]


def test_a_run_that_was_killed_before_its_transcript_gets_one(tmp_path: Path) -> None:
    record(opened(tmp_path, RUN.model_copy(update={"resumed": (NOW,)})), MADE.name)
    assert read(tmp_path / "transcript.jsonl")[0] == RUN.name


def test_a_name_that_is_no_utf8_survives(tmp_path: Path) -> None:
    path = tmp_path / "transcript.jsonl"
    transcript = Transcript(path, RUN.name)
    command = Command(("cat", "a\udcff"))
    transcript.record("a", MADE.name, Result(command, 0, b"\xff", b"", NOW, 0.1))
    transcript.close()
    before: list[dict[str, Any]] = read(path)[1]
    opened(tmp_path, RUN.model_copy(update={"resumed": (NOW,)})).close()
    assert json.dumps(read(path)[1]) == json.dumps(before)


def test_another_registry_or_base_image_is_refused() -> None:
    check_setting(RUN, RUN.base, STORE, RUN.dockerfile)
    other = Base(reference="alpine:3.20", source="alpine")
    with pytest.raises(ConfigError) as caught:
        check_setting(RUN, other, Registry("localhost:5001", "docker-registry", 5001), "FROM x")
    assert caught.value.message == (
        f"cannot resume {RUN.name}: registry localhost:5000 -> localhost:5001; base image alpine:3.11.6 -> alpine:3.20"
    )


def test_another_dockerfile_is_refused() -> None:
    with pytest.raises(ConfigError, match="the Dockerfile has changed"):
        check_setting(RUN, RUN.base, STORE, RUN.dockerfile + "RUN true\n")
