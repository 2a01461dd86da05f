"""The kinds of reduction, each with a property that is known."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from lab.run.minimise.candidate import Candidate, File
from lab.run.minimise.reductions import REDUCTIONS
from tests.run.minimise.standin import GUILTY, project, replaced

BY_NAME = {item.name: item.reduce for item in REDUCTIONS}


def reduced(name: str, start: Candidate, holds: Callable[[Candidate], bool]) -> Candidate:
    """The smallest candidate of one kind of reduction."""
    return BY_NAME[name](start, holds)


def test_whole_folders_come_first() -> None:
    asked: list[set[str]] = []

    def holds(candidate: Candidate) -> bool:
        asked.append({path.partition("/")[0] for path in candidate.files})
        return GUILTY in candidate.files

    assert list(reduced("files", project(300), holds).files) == [GUILTY]
    assert asked[0] == set()  # nothing at all, then parts of the top level
    assert all(top <= {"docs", "src", "test", "package.json", "package-lock.json", "README.md"} for top in asked)
    assert len(asked) < 40


def test_two_files_of_two_folders_stay() -> None:
    start = project(100)
    needed = {GUILTY, next(path for path in start.files if path.startswith("docs/"))}
    assert set(reduced("files", start, lambda item: needed <= set(item.files)).files) == needed


def test_commands_become_ones_that_others_need() -> None:
    start = project(5, "FROM {{base}}\nRUN make everything && test\nCOPY . .\nRUN <<E\nmore\nE\n")
    found = reduced("commands", start, lambda item: True)
    assert found.build.dockerfile.count("RUN true >/.lab-") == 2
    assert "&& test" not in found.build.dockerfile and "<<E" not in found.build.dockerfile
    short = reduced("short commands", found, lambda item: True)
    assert short.build.stages[0].lines == ("RUN true", "COPY . .", "RUN true")


def test_one_command_that_is_needed_stays() -> None:
    start = project(5, "FROM {{base}}\nRUN one\nRUN two\nRUN three\nCOPY . .\n")
    found = reduced("commands", start, lambda item: "RUN two\n" in item.build.dockerfile)
    first, second, third, _ = found.build.stages[0].lines
    assert second == "RUN two"
    assert "/.lab-" in first and "/.lab-" in third


def test_sources_and_flags_of_a_copy() -> None:
    start = project(5, "FROM {{base}}\nCOPY --chown=5 package.json README.md src /x/\n")
    found = reduced("words", start, lambda item: "src /x/" in item.build.dockerfile)
    assert found.build.dockerfile == "FROM {{base}}\nCOPY src /x/\n"


def test_contents_and_executable_bits() -> None:
    files = {"a": File(b"a", executable=True), "b": File(b"b", executable=True), "c": File(b"")}
    start = replaced(project(5), files=files)
    empty = reduced("contents", start, lambda item: item.files["b"].content == b"b")
    assert {path: file.content for path, file in empty.files.items()} == {"a": b"", "b": b"b", "c": b""}
    plain = reduced("attributes", start, lambda item: item.files["a"].executable)
    assert [file.executable for file in plain.files.values()] == [True, False, False]


def test_options() -> None:
    start = project(5)
    start = start.with_build(start.build.model_copy(update={"arguments": {"A": "1", "B": "2"}, "flags": ("--pull",)}))
    found = reduced("options", start, lambda item: "B" in item.build.arguments)
    assert (dict(found.build.arguments), found.build.flags) == ({"B": "2"}, ())


@pytest.mark.parametrize("name", list(BY_NAME))
def test_nothing_is_left_out_that_is_needed(name: str) -> None:
    start = project(30)
    assert reduced(name, start, lambda item: False).key == start.key
