"""`lab lesson serve` as a process with a terminal of its own: a teacher who presses Enter, and a student."""

from __future__ import annotations

import shutil
import signal
from contextlib import closing
from pathlib import Path

import pytest
import yaml

from lab.machines.listening import open_socket
from tests.cli.program import Place
from tests.conftest import ROOT
from tests.lessons.room.process import serving

pytestmark = pytest.mark.slow

SAMPLE = ROOT / "results" / "sample"


@pytest.fixture
def lesson(tmp_path: Path) -> Path:
    """A lesson whose question the sample answers: does the first step hit, or does it run?"""
    folder = tmp_path / "01-layer-key"
    shutil.copytree(ROOT / "templates" / "lessons" / folder.name, folder)
    path = folder / "lesson.yaml"
    data = yaml.safe_load(path.read_text())
    data["prediction"]["choices"] = [
        {"name": "hits", "text": "It hits.", "when": [{"step": 1, "outcome": "hit"}]},
        {"name": "runs", "text": "It runs.", "when": [{"step": 1, "outcome": "ran"}]},
    ]
    path.write_text(yaml.safe_dump(data))
    return folder


def test_enter_leads_through_the_lesson_and_ctrl_c_ends_it(lesson: Path) -> None:
    with serving(lesson.parent, f"./{lesson.name}", "--stored", str(SAMPLE)) as served:
        student = served.student()
        with closing(student.events("/events")) as events:
            assert events.state()["stage"] == "join"
            served.enter()
            events.state(stage="predict")
            assert student.post("/predict", choice="hits").status == 204
            served.enter()
            events.state(stage="run")
            served.enter()  # an Enter while the run is made does nothing
            assert events.state(stage="ran")["right"] is None
            served.enter()
            assert events.state(stage="reveal") == {"stage": "reveal", "choice": "hits", "right": "hits"}
            code, err = served.stop()
            assert events.next()[0] == "end"
    assert code == 0, err
    assert "Traceback" not in err
    assert "the question is open" in err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stop_before_the_run_is_no_error_and_without_listen_only_this_machine_connects(
    number: int, tmp_path: Path
) -> None:
    with serving(tmp_path, "1") as served:
        (url,) = served.printed["urls"]
        assert url.startswith("http://127.0.0.1:")
        assert served.printed["teacher"].startswith(f"{url}/screen?token=")
        assert served.student().get("/").status == 200
        code, err = served.stop(number)
    assert (code, "Only this machine can connect" in err, "Traceback" in err) == (0, True, False)
    assert list(tmp_path.iterdir()) == []  # nothing about a student is stored


def test_a_port_in_use_is_named_with_what_to_do(here: Place) -> None:
    with open_socket("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        said = here.lab("lesson", "serve", "1", "--port", str(port))
    assert said.returncode == 5
    assert f"cannot listen at 127.0.0.1 port {port}: Address already in use" in said.stderr
    assert "--port 0" in said.stderr


def test_a_stored_run_of_something_else_is_refused_before_anybody_joins(here: Place) -> None:
    said = here.lab("lesson", "serve", "1", "--port", "0", "--stored", str(SAMPLE))
    assert said.returncode == 10
    assert "cannot compare the prediction" in said.stderr
