"""A room whose run a real engine of this machine makes: the table fills, and the run says which choice is right."""

from __future__ import annotations

from contextlib import closing

import pytest

from lab.lessons.answer import right_choice
from lab.lessons.library import Lesson
from lab.results import run as runs
from tests.conftest import Lab
from tests.lessons.room.process import serving

pytestmark = pytest.mark.vm


def test_the_teacher_starts_a_real_run_and_the_table_fills_trial_by_trial(lesson: Lesson, workplace: Lab) -> None:
    with serving(workplace.root, "1", env=workplace.env) as served:
        teacher, student = served.teacher(), served.student()
        with closing(teacher.events("/screen/events")) as screen:
            assert teacher.post("/act", action="open").status == 204
            assert student.post("/predict", choice="all-steps").status == 204
            assert teacher.post("/act", action="start").status == 204
            made = [0]
            while (state := screen.state())["stage"] != "ran":
                assert not state["problem"], served.stop()[1]
                if state["table"]:
                    made.append(state["table"]["made"])
            assert sorted(made) == made
            assert len(set(made)) > 2  # not all trials at once
            assert teacher.post("/act", action="reveal").status == 204
            state = screen.state(stage="reveal")
        code, err = served.stop()
    assert code == 0, err
    (folder,) = [line.rpartition(" ")[2] for line in err.splitlines() if "the run is stored in" in line]
    run = runs.load(workplace.project.results / folder.rpartition("/")[2])
    assert state["right"] == right_choice(lesson.file.prediction, run).name
    rows = {row["variation"]: row["outcomes"] for row in state["table"]["rows"]}
    stored = {item.variation: [step.outcome.value for step in item.build.steps] for item in run.trials if item.build}
    assert rows == stored


def test_ctrl_c_during_a_run_ends_it_with_its_engine_and_tells_the_pages(workplace: Lab) -> None:
    with serving(workplace.root, "1", env=workplace.env) as served:
        teacher = served.teacher()
        with closing(teacher.events("/screen/events")) as screen:
            teacher.post("/act", action="open")
            teacher.post("/act", action="start")
            while not (table := screen.state()["table"]) or not table["made"]:
                pass
            code, err = served.stop()
            while screen.next()[0] != "end":
                pass
    assert code == 130, err
    assert "lab: stopped by Ctrl-C" in err
    assert "Traceback" not in err
    assert workplace.engines() == []
