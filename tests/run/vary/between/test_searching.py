"""From two sides to axes that an engine builds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from lab.buildkit.contenthash.compare import content_sum
from lab.buildkit.contenthash.entry import Entry
from lab.run.own_project.project import OwnProject, read_project
from lab.run.own_project.request import Request
from lab.run.vary.axis import NotHereError
from lab.run.vary.between.searching import EVERY, REST, Built, Search, Sides, search
from tests.run.vary.scenes import scene
from tests.vectors import BOOK

TEXT = "FROM base:1\nCOPY src /src\n"


def project(folder: Path) -> OwnProject:
    (folder / "src").mkdir()
    for name in ("src/a", "src/b", "other"):
        (folder / name).write_text(name)
    (folder / "Dockerfile").write_text(TEXT)
    return read_project(Request(folder))


def searched(made: OwnProject, second: list[Entry]) -> Search:
    return between(made, made.objects, second)


def between(made: OwnProject, first: Sequence[Entry], second: Sequence[Entry]) -> Search:
    built = Built(TEXT, ("COPY src /src",), made.options, None, made.objects, made.objects)
    return search(built, Sides(("a", "b"), first, second), BOOK.newest)


def test_what_a_copy_takes_is_a_cause_and_what_it_does_not_take_is_the_rest(tmp_path: Path) -> None:
    made = project(tmp_path)
    second = [entry.but(mode=0o600) if entry.path in ("src/a", "src/b", "other") else entry for entry in made.objects]
    found = searched(made, second)
    [cause] = found.facts.causes
    assert found.facts.fields == {"mode": 3} and (cause.count, cause.alike) == (1, 2)
    assert cause.pieces[0].startswith("mode of src/")
    assert [axis.name for axis in found.axes] == [EVERY, "cause-1", REST]
    assert not found.prepare


def test_differences_that_no_step_takes_have_no_cause(tmp_path: Path) -> None:
    made = project(tmp_path)
    found = searched(made, [entry.but(mode=0o600) if entry.path == "other" else entry for entry in made.objects])
    assert not found.facts.causes and [axis.name for axis in found.axes] == [EVERY]
    assert found.axes[-1].make(scene()).changes


def test_two_equal_sides_have_no_axis_with_a_change(tmp_path: Path) -> None:
    made = project(tmp_path)
    found = searched(made, list(made.objects))
    for axis in found.axes:
        with pytest.raises(NotHereError, match="no difference is left"):
            axis.make(scene())


def test_the_first_side_is_made_of_the_project(tmp_path: Path) -> None:
    made = project(tmp_path)
    first = [entry.but(mode=0o640) if entry.path == "src/a" else entry for entry in made.objects]
    found = between(made, first, made.objects)
    [prepare] = found.prepare
    assert "chmod 0640 src/a" in prepare.commands()[0].argv[2]


def test_records_without_contents_have_the_same_causes(tmp_path: Path) -> None:
    made = project(tmp_path)
    mine = [replace(entry, sha256=content_sum(entry)) for entry in made.objects]
    records = [replace(entry, content=None) for entry in mine]
    second = [replace(entry, sha256="0" * 64) if entry.path == "src/a" else entry for entry in records]
    found = between(made, records, second)
    [cause] = found.facts.causes
    assert cause.pieces[0].startswith("content of src/a: 5 >")
    assert found.facts.stand_ins == 1 and not found.prepare
