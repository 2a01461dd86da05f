"""The stages of a room: what each allows, what it shows, and what it hides."""

from __future__ import annotations

import threading

import pytest

from lab.errors import UsageError
from lab.lessons.room import room as module
from lab.lessons.room.room import NEXT, STEPS, Action, Room, Stage
from lab.model import Filled, Outcome, Verdict
from tests.lessons.room.conftest import CHOICES, key, planned

RAN = (Outcome.RAN,) * 3


def room_at(stage: Stage) -> Room:
    """A room with two students, of whom one has predicted, at a stage."""
    room = Room(CHOICES)
    seats = [room.join(), room.join()]
    if stage is Stage.JOIN:
        return room
    room.act(Action.OPEN)
    room.predict(seats[0], "all-steps")
    if stage is Stage.PREDICT:
        return room
    room.act(Action.CLOSE)
    if stage is Stage.CLOSED:
        return room
    room.act(Action.START)
    if stage is Stage.RUN:
        return room
    room.finish("all-steps")
    if stage is Stage.REVEAL:
        room.act(Action.REVEAL)
    return room


@pytest.mark.parametrize("stage", Stage)
@pytest.mark.parametrize("action", Action)
def test_an_action_is_possible_where_the_table_has_it_and_nowhere_else(stage: Stage, action: Action) -> None:
    room = room_at(stage)
    assert room.stage is stage
    allowed, after = STEPS[action]
    if stage in allowed:
        room.act(action)
        assert room.stage is after
    else:
        with pytest.raises(UsageError, match=f"cannot {action}: the stage is {stage}"):
            room.act(action)
        assert room.stage is stage


@pytest.mark.parametrize("stage", Stage)
def test_enter_does_what_comes_next_and_during_a_run_nothing(stage: Stage) -> None:
    room = room_at(stage)
    assert room.advance() == NEXT.get(stage)
    assert room.stage is (STEPS[NEXT[stage]][1] if stage in NEXT else stage)


@pytest.mark.parametrize("stage", Stage)
def test_the_screen_shows_counts_after_the_predictions_and_the_right_choice_at_the_reveal(stage: Stage) -> None:
    screen = room_at(stage).screen()
    assert (screen["joined"], screen["predicted"]) == (2, 0 if stage is Stage.JOIN else 1)
    hidden = stage in (Stage.JOIN, Stage.PREDICT)
    assert screen["counts"] == (None if hidden else {"no-step": 0, "first-only": 0, "both-runs": 0, "all-steps": 1})
    assert screen["right"] == ("all-steps" if stage is Stage.REVEAL else None)


@pytest.mark.parametrize("stage", Stage)
def test_a_student_predicts_only_while_the_question_is_open(stage: Stage) -> None:
    room = room_at(stage)
    late = room.join()
    if stage is Stage.PREDICT:
        room.predict(late, "no-step")
        room.predict(late, "first-only")
        assert room.student(late) == {"stage": "predict", "choice": "first-only", "right": None}
        assert room.screen()["predicted"] == 2
    else:
        with pytest.raises(UsageError, match="the question is not open"):
            room.predict(late, "no-step")
        right = "all-steps" if stage is Stage.REVEAL else None
        assert room.student(late) == {"stage": stage.value, "choice": None, "right": right}


@pytest.mark.parametrize(("known", "choice"), [(False, "no-step"), (True, "other"), (True, ""), (True, "no-step\n")])
def test_a_prediction_of_a_stranger_or_of_no_choice_is_refused(known: bool, choice: str) -> None:
    room = room_at(Stage.PREDICT)
    seat = room.join() if known else "made-up"
    with pytest.raises(UsageError, match="cannot keep the prediction"):
        room.predict(seat, choice)
    assert room.screen()["predicted"] == 1
    assert room.has(seat) is known


def test_a_run_that_was_not_made_can_be_started_again_with_an_empty_table() -> None:
    room = room_at(Stage.RUN)
    room.take(planned(key("none")))
    room.fail("The run was not made.")
    assert (room.stage, room.screen()["problem"]) == (Stage.CLOSED, "The run was not made.")
    room.act(Action.START)
    assert (room.screen()["problem"], room.screen()["table"]) == ("", None)


def test_the_status_is_shown_until_the_run_has_a_table() -> None:
    room = room_at(Stage.RUN)
    room.report("engine 26.1.5: starts")
    assert room.screen()["status"] == "engine 26.1.5: starts"
    room.take(planned(key("none")))
    assert room.screen()["status"] == ""


def test_a_run_that_makes_no_choice_right_is_revealed_without_one() -> None:
    room = room_at(Stage.RUN)
    room.finish(None, "The run makes not exactly one answer right.")
    assert room.screen()["problem"] == "The run makes not exactly one answer right."
    room.act(Action.REVEAL)
    assert room.screen()["right"] is None


def test_the_run_fills_the_table_trial_by_trial() -> None:
    room = room_at(Stage.RUN)
    room.take(planned(key("none"), key("comment")))
    room.take(Filled(key("none"), RAN, Verdict.AS_EXPECTED, 1, 1.0))
    table = room.screen()["table"]
    assert [(row["state"], row["outcomes"]) for row in table["rows"]] == [
        ("made", ["ran", "ran", "ran"]),
        ("pending", ["", "", ""]),
    ]


def test_seats_have_a_limit_and_different_tokens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_STUDENTS", 3)
    room = Room(CHOICES)
    assert len({room.join() for _ in range(3)}) == 3
    with pytest.raises(UsageError, match="all 3 seats are taken"):
        room.join()


def test_predictions_of_many_threads_are_all_counted() -> None:
    room = Room(CHOICES)
    room.act(Action.OPEN)
    heard: list[int] = []
    room.listen(lambda: heard.append(1))
    threads = [threading.Thread(target=lambda: room.predict(room.join(), "no-step")) for _ in range(40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert room.screen()["predicted"] == 40
    assert len(heard) == 80  # each joined and predicted
