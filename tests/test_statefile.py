"""State files: older ones are migrated, newer ones are refused, damaged ones are set aside, and nothing is lost."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.errors import ConfigError, HostError
from lab.statefile import DAMAGED, Kind, aside
from lab.yamlfile import Strict


class Content(Strict):
    """What the files of this test hold."""

    version: int = 3
    names: tuple[str, ...]


KIND = Kind(
    Content,
    version=3,
    migrations={0: lambda old: {"names": [old["name"]]}, 2: lambda old: {"names": [*old["names"], "added"]}},
)


def read(path: Path) -> Content | None:
    return KIND.read(path, "the note", "run it again")


def test_a_file_that_is_not_there_is_nothing(tmp_path: Path) -> None:
    assert read(tmp_path / "none.json") is None
    (tmp_path / "file").touch()
    assert read(tmp_path / "file" / "none.json") is None


@pytest.mark.parametrize(
    ("content", "names"),
    [
        ({"version": 3, "names": ["a"]}, ("a",)),
        ({"version": 2, "names": ["a"]}, ("a", "added")),
        ({"version": 1, "names": ["a"]}, ("a", "added")),
        ({"name": "a"}, ("a", "added")),
    ],
)
def test_older_versions_are_migrated_step_by_step(tmp_path: Path, content: object, names: tuple[str, ...]) -> None:
    path = tmp_path / "note.json"
    path.write_text(json.dumps(content), encoding="utf-8")
    assert read(path) == Content(names=names)


def test_the_file_of_a_newer_lab_is_refused_and_stays(tmp_path: Path) -> None:
    path = tmp_path / "note.json"
    path.write_text('{"version": 4, "what": "new"}', encoding="utf-8")
    with pytest.raises(HostError) as caught:
        read(path)
    assert caught.value.message == f"cannot read the note: {path} has version 4, this lab reads versions up to 3"
    assert caught.value.hint == f"update lab, or move {path} away: run it again"
    assert [item.name for item in tmp_path.iterdir()] == ["note.json"]


def test_a_damaged_file_is_set_aside_and_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "note.json"
    for number, content in enumerate([b"{", b"[]", b'{"version": 3}', b'{"version": "x"}', b"\xff"]):
        path.write_bytes(content)
        with pytest.raises(HostError) as caught:
            read(path)
        name = f"note.json{DAMAGED}" + (f"-{number + 1}" if number else "")
        assert caught.value.message.endswith(f"; the file is now {tmp_path / name}")
        assert caught.value.hint == "run it again"
        assert (tmp_path / name).read_bytes() == content
        assert read(path) is None  # the next command goes on without it
    assert len(aside(path)) == 5


def test_a_file_that_may_not_be_renamed_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "note.json"
    path.write_text("{", encoding="utf-8")

    def refuse(self: Path, target: Path) -> Path:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "rename", refuse)  # root, which runs some of these tests, may rename everywhere
    with pytest.raises(HostError, match=r"the file stays at .*: Permission denied"):
        read(path)
    assert path.read_text(encoding="utf-8") == "{"


def test_the_kind_of_error_is_the_one_of_the_kind(tmp_path: Path) -> None:
    (tmp_path / "note.json").write_text("{", encoding="utf-8")
    with pytest.raises(ConfigError):
        Kind(Content, version=3, error=ConfigError).read(tmp_path / "note.json", "the note", "again")


@given(st.binary(max_size=200))
def test_no_bytes_are_a_traceback(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = tmp_path_factory.mktemp("state") / "note.json"
    path.write_bytes(content)
    with pytest.raises(HostError):
        read(path)
    assert [item.read_bytes() for item in path.parent.iterdir()] == [content]
