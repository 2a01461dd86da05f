"""Which objects an axis changes: those that a COPY takes."""

from __future__ import annotations

import pytest

from lab.buildkit.contenthash.entry import Entry, Kind, file
from lab.run.vary.axis import NotHereError
from lab.run.vary.picking import a_file, a_folder, is_text, twins
from tests.run.vary.scenes import objects, scene


def test_the_first_copy_comes_first() -> None:
    found = scene("FROM base:1\nCOPY top.txt /\nCOPY src /src\n")
    assert [entry.path for entry in found.taken] == ["top.txt", "src", "src/a.txt", "src/b.txt"]
    assert a_file(found).path == "top.txt" and a_folder(found).path == "src"


def test_what_no_copy_takes_is_not_picked() -> None:
    found = scene("FROM base:1\nCOPY top.txt /\n")
    with pytest.raises(NotHereError, match="takes a folder"):
        a_folder(found)


@pytest.mark.parametrize(
    "text",
    [
        "FROM base:1\nARG DIR=src\nCOPY ${DIR} /src\n",
        "FROM base:1\nENV DIR=src\nCOPY $DIR /src\n",
        'FROM base:1\nCOPY "src" /src\n',
        "FROM base:1 AS first\nONBUILD COPY src /src\nFROM first\nRUN true\n",
        "FROM base:1\nRUN --mount=type=bind,source=src,target=/src true\n",
    ],
)
def test_what_a_step_takes_does_not_depend_on_how_it_is_written(text: str) -> None:
    assert [entry.path for entry in scene(text).taken] == ["src", "src/a.txt", "src/b.txt"]


def test_what_is_not_known_is_not_called_nothing() -> None:
    found = scene("FROM base:1\nCOPY $OF_THE_BASE /src\n")
    with pytest.raises(NotHereError, match="it is not known what COPY \\$OF_THE_BASE /src takes"):
        a_file(found)


def test_files_that_docker_reads_itself_are_not_picked() -> None:
    found = scene("FROM base:1\nCOPY . /\n", [file("Dockerfile", b"x\n"), file("z", b"z")])
    assert a_file(found).path == "z"


def test_a_name_that_is_not_utf8_is_not_picked() -> None:
    found = scene("FROM base:1\nCOPY . /\n", [file("a\udcff", b"x"), file("b", b"x")])
    assert a_file(found).path == "b"


def test_two_files_with_the_same_content() -> None:
    pair = [Entry(f"src/{name}", size=1, sha256="0" * 64) for name in ("a", "b")]
    found = twins(scene(found=[Entry("src", Kind.DIR, 0o755), *pair]))
    assert found is not None and [entry.path for entry in found] == ["src/a", "src/b"]
    assert twins(scene(found=[*objects()[:1], pair[0]])) is None


@pytest.mark.parametrize(("content", "text"), [(b"a\n", True), (b"a", False), (b"a\r\n", False), (b"\0\n", False)])
def test_line_ends_can_be_changed_in_text_alone(content: bytes, text: bool) -> None:
    assert is_text(file("a", content)) is text
