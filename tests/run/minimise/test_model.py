"""The model of candidates: what it predicts from the records of the start, and where it does not say."""

from __future__ import annotations

import pytest

from lab.run.minimise.candidate import Candidate, Difference, File
from lab.run.minimise.model import Model
from lab.run.minimise.parts import part
from lab.run.minimise.view import UnknownError
from lab.run.random_trials.case import Stage
from tests.run.minimise.standin import GUILTY, HIT, RAN, project, replaced, start_run
from tests.vectors import BOOK

START = project(30)
MODEL = Model(start_run(START), START, BOOK)
WANTED = Difference("COPY", HIT, RAN)


def built(*lines: str, start: Candidate = START) -> Candidate:
    return start.with_build(start.build.model_copy(update={"stages": (Stage(start="FROM {{base}}", lines=lines),)}))


def test_the_start_has_the_difference() -> None:
    assert MODEL.difference(START) == WANTED


def test_what_copies_the_guilty_file_has_it() -> None:
    assert MODEL.holds(built("COPY src /x"), WANTED) is True
    assert MODEL.holds(built("COPY docs /x"), WANTED) is False
    assert MODEL.holds(built(f"COPY {GUILTY} /x", "RUN make"), WANTED) is True


def test_a_build_that_fails_has_none() -> None:
    assert MODEL.holds(built("COPY missing /x"), WANTED) is False
    assert MODEL.holds(built("COPY --from=nobody /a /x", "COPY --bad"), WANTED) is False
    assert MODEL.holds(START.without([GUILTY]), WANTED) is False


def test_files_that_are_left_out_or_empty() -> None:
    only = START.without([path for path in START.files if path not in (GUILTY, "package.json", "package-lock.json")])
    assert MODEL.holds(only, WANTED) is True
    empty = replaced(START, files={**START.files, GUILTY: File(b"")})
    assert MODEL.holds(empty, WANTED) is True


def test_a_change_that_is_left_out() -> None:
    more = START.with_build(
        START.build.model_copy(update={"change": (*START.build.change, part("mode", {"docs/m0/f1.txt": "0600"}))})
    )
    model = Model(start_run(more), more, BOOK)
    assert model.holds(more, WANTED) is True
    assert model.holds(START, WANTED) is True
    none = more.with_build(more.build.model_copy(update={"change": ()}))
    assert model.difference(none) is None


def test_prepared_modes_that_are_left_out() -> None:
    assert MODEL.holds(START.with_build(START.build.model_copy(update={"prepare": ()})), WANTED) is True


def test_where_it_does_not_say() -> None:
    change = (part("append", {GUILTY: "more"}),)
    appended = START.with_build(START.build.model_copy(update={"change": change}))
    model = Model(start_run(appended), appended, BOOK)
    empty = replaced(appended, files={**appended.files, GUILTY: File(b"")})
    with pytest.raises(UnknownError):
        model.difference(empty)
    assert model.holds(empty, WANTED) is None


def test_a_change_of_the_dockerfile_is_not_followed() -> None:
    change = (part("replace", {"Dockerfile": {"from": "A=1", "to": "A=3"}}),)
    other = START.with_build(START.build.model_copy(update={"change": change}))
    assert Model(start_run(other), other, BOOK).holds(other, Difference("RUN", HIT, RAN)) is None


def test_content_that_is_not_known_does_not_matter_where_it_is_not_copied() -> None:
    change = (*START.build.change, part("append", {"README.md": "more"}))
    more = START.with_build(START.build.model_copy(update={"change": change}))
    model = Model(start_run(more), more, BOOK)
    empty = replaced(more, files={**more.files, "README.md": File(b"")})
    assert model.holds(built("COPY src /x", start=empty), WANTED) is True
    assert model.holds(built("COPY README.md /x", start=empty), WANTED) is None


def test_a_free_command_that_leaves_the_content_alone() -> None:
    """The records show that the content is the same on both sides, so an empty file is predicted too."""
    command = (part("commands", {"run": [["setfattr", "-n", "user.lab", "-v", "1", GUILTY]]}),)
    free = START.with_build(START.build.model_copy(update={"change": command}))
    model = Model(start_run(free, START.build.change), free, BOOK)
    empty = replaced(free, files={**free.files, GUILTY: File(b"")})
    assert model.holds(empty, WANTED) is True
