"""The routes of a room over real sockets: who may do what, strangers' input, and what nobody learns too early."""

from __future__ import annotations

import http.client
import threading

import pytest

from lab.lessons.room import feed, room
from lab.lessons.room.doors import MOST_WRONG
from lab.lessons.room.room import Action
from lab.model import Filled, Outcome, Verdict
from tests.conftest import HANGS
from tests.lessons.room.conftest import CHOICES, Place, key, planned

pytestmark = pytest.mark.slow

CLASS = 40


def test_a_student_joins_predicts_changes_and_sees_the_right_choice(place: Place) -> None:
    student, teacher = place.student(), place.teacher()
    seen = student.events("/events")
    assert seen.state() == {"stage": "join", "choice": None, "right": None}
    assert student.post("/predict", choice="no-step").status == 409
    assert teacher.post("/act", action="open").status == 204
    assert student.post("/predict", choice="no-step").status == 204
    assert student.post("/predict", choice="all-steps").status == 204
    assert seen.state(choice="all-steps")["right"] is None
    assert teacher.post("/act", action="start").status == 204
    assert student.post("/predict", choice="no-step").status == 409
    place.room.finish("both-runs")
    assert seen.state(stage="ran")["right"] is None
    assert teacher.post("/act", action="reveal").status == 204
    assert seen.state(stage="reveal") == {"stage": "reveal", "choice": "all-steps", "right": "both-runs"}


def test_the_projector_hides_the_bars_until_the_predictions_are_closed_and_the_text_until_the_reveal(
    place: Place,
) -> None:
    student, teacher = place.student(), place.teacher()
    screen = teacher.events("/screen/events")
    place.room.act(Action.OPEN)
    student.post("/predict", choice="no-step")
    state = screen.state(predicted=1)
    assert (state["counts"], state["right"], state["texts"]) == (None, None, None)
    teacher.post("/act", action="close")
    assert screen.state(stage="closed")["counts"] == {**dict.fromkeys(CHOICES, 0), "no-step": 1}
    teacher.post("/act", action="start")
    place.room.take(planned(key("none")))
    place.room.take(Filled(key("none"), (Outcome.HIT,) * 3, Verdict.AS_EXPECTED, 1, 1.0))
    while not (table := screen.state(stage="run")["table"]) or not table["made"]:
        pass
    assert table["rows"][0]["outcomes"] == ["hit"] * 3
    place.room.finish("all-steps")
    assert screen.state(stage="ran")["texts"] is None
    teacher.post("/act", action="reveal")
    state = screen.state(stage="reveal")
    assert state["right"] == "all-steps"
    assert "<h2>Reveal</h2>" in state["texts"]["reveal"]


def test_a_class_of_40_is_counted_on_the_projector_and_each_student_sees_the_own_choice(place: Place) -> None:
    place.room.act(Action.OPEN)
    screen = place.teacher().events("/screen/events")
    students = [place.student() for _ in range(CLASS)]
    streams = [student.events("/events") for student in students]
    choices = [CHOICES[number % 3] for number in range(CLASS)]
    threads = [
        threading.Thread(target=student.post, args=("/predict",), kwargs={"choice": choice})
        for student, choice in zip(students, choices, strict=True)
    ]
    for thread in threads:
        thread.start()
    assert screen.state(predicted=CLASS)["joined"] == CLASS
    for stream, choice in zip(streams, choices, strict=True):
        assert stream.state(choice=choice)["stage"] == "predict"
    for thread in threads:
        thread.join()
    place.room.act(Action.CLOSE)
    assert screen.state(stage="closed")["counts"] == {name: choices.count(name) for name in CHOICES}


def test_a_student_who_comes_late_or_back_gets_the_present_state(place: Place) -> None:
    early = place.student()
    place.room.act(Action.OPEN)
    early.post("/predict", choice="no-step")
    first = early.events("/events")
    assert first.state(choice="no-step")["stage"] == "predict"
    first.close()
    place.room.act(Action.START)
    place.room.finish("all-steps")
    place.room.act(Action.REVEAL)
    whole = {"stage": "reveal", "right": "all-steps"}
    assert early.events("/events").state() == {**whole, "choice": "no-step"}
    assert place.student().events("/events").state() == {**whole, "choice": None}


@pytest.mark.parametrize("path", ["/events", "/screen/events"])
def test_nobody_hears_anything_without_a_seat(path: str, place: Place) -> None:
    client = place.stranger()
    assert client.get(path).status == 403
    client.cookies = {f"lab-seat-{place.port}": "made-up", f"lab-teacher-{place.port}": "made-up"}
    assert client.get(path).status == 403
    assert client.post("/predict", choice="no-step").status == 403


def test_only_the_teacher_acts_and_only_the_room_sees_the_code(place: Place) -> None:
    stranger, student, teacher = place.stranger(), place.student(), place.teacher()
    for client in (stranger, student):
        assert client.post("/act", action="open").status == 403
    assert place.room.stage == "join"
    assert (stranger.get("/screen").status, stranger.get("/screen").headers["Location"]) == (303, "/")
    shown = place.served.site.doors.shown_code
    assert shown not in stranger.get("/").text
    assert shown in student.get("/screen").text
    assert "data-action" not in student.get("/screen").text
    page = teacher.get("/screen").text
    assert "data-action" in page
    assert place.served.site.doors.token not in page


@pytest.mark.parametrize("action", ["", "opened", "JOIN", "open\r\n"])
def test_an_action_that_does_not_exist_is_refused(action: str, place: Place) -> None:
    assert place.teacher().post("/act", action=action).status == 400
    assert place.teacher().post("/act", action="reveal").status == 409


def test_wrong_codes_are_refused_and_limited_even_if_the_right_one_follows(place: Place) -> None:
    client = place.stranger()
    for _ in range(MOST_WRONG):
        assert client.post("/join", code="WRONG2").status == 403
    assert client.post("/join", code=place.code).status == 429
    assert client.cookies == {}
    token = place.served.site.doors.token
    assert client.get(f"/screen?token={token}").status == 429


def test_a_wrong_token_counts_as_a_wrong_code(place: Place) -> None:
    client = place.stranger()
    assert [client.get("/screen?token=x").status for _ in range(MOST_WRONG + 1)] == [403] * MOST_WRONG + [429]


def test_cookies_are_hidden_from_scripts_and_other_sites(place: Place) -> None:
    answer = place.stranger().post("/join", code=place.code)
    cookie = answer.headers["Set-Cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie


def test_joining_twice_takes_one_seat(place: Place) -> None:
    student = place.student()
    seat = dict(student.cookies)
    assert student.post("/join", code=place.code).status == 303
    assert student.cookies == seat
    assert place.room.screen()["joined"] == 1


def test_a_full_room_says_so(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "MOST_STUDENTS", 1)
    place.student()
    answer = place.stranger().post("/join", code=place.code)
    assert answer.status == 503
    assert "all 1 seats are taken" in answer.text


def test_too_many_pages_of_one_student_are_refused(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed, "MOST_OF_ONE", 2)
    student = place.student()
    streams = [student.events("/events") for _ in range(2)]
    for stream in streams:
        stream.state()
    assert student.get("/events").status == 503


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"choice=" + b"A" * 2000, 413),
        (b"\xff\xfe", 400),
        (b"&".join(b"a=1" for _ in range(50)), 400),
        (b"", 409),
        (b"choice=%00", 409),
        (b"choice=<script>", 409),
        (b'{"choice": "no-step"}', 409),
    ],
)
def test_strangers_input_is_refused(body: bytes, status: int, place: Place) -> None:
    student = place.student()
    place.room.act(Action.OPEN)
    answer = student.ask("POST", "/predict", body)
    assert answer.status == status
    assert "<script>" not in answer.text
    assert place.room.screen()["predicted"] == 0


def test_a_body_without_a_length_is_cut_at_the_limit(place: Place) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", place.port, timeout=HANGS)
    connection.request("POST", "/join", iter([b"A" * 600] * 3), encode_chunked=True)
    assert connection.getresponse().status == 413
    connection.close()


def test_the_code_of_an_address_is_put_into_the_field_as_text(place: Place) -> None:
    assert 'value="ABC234"' in place.stranger().get("/?code=ABC234").text
    page = place.stranger().get("/?code=%22%3E%3Cb%3E").text
    assert "<b>" not in page
    assert "&lt;b&gt;" in page


@pytest.mark.parametrize("path", ["/nothing", "/../setup.cfg", "/join.html.j2", "/room.css/x", "/%2e%2e/x", "//x"])
def test_there_are_no_other_routes(path: str, place: Place) -> None:
    assert place.student().get(path).status == 404
