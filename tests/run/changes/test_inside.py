"""Changes on this machine: no kind of change reaches a file through a link that leads out of its folder."""

from __future__ import annotations

import os
from contextlib import nullcontext
from pathlib import Path, PurePosixPath
from typing import Any, cast

import pytest

from lab.boxes.local import LocalBox
from lab.boxes.recording import Record, RecordingBox
from lab.engines.engine import Engine
from lab.errors import CommandError
from lab.registry.server import Registry
from lab.results.run import load
from lab.run.changes.inside import is_inside, need_inside
from lab.run.changes.kind import Change
from lab.run.changes.table import NamedChange
from lab.run.station import Station
from lab.run.steps.work import Recipe, Work
from lab.run.vary.between.batching import Batch
from lab.yamlfile import check
from tests.conftest import ROOT

FACTS = load(ROOT / "tests" / "data" / "runs" / "default-and-user-xattr").boxes[0]
WHOLE = {"umask": "0077", "checkout": {"umask": "0077"}}  # kinds that name no path
NO_FILES = {"argument", "flag"}  # kinds that change no file
AT: dict[str, list[Any]] = {  # for each kind: values that reach the file at PATH
    "mode": [{"PATH": "0600"}],
    "owner": [{"PATH": "5:7"}],
    "attribute": [{"PATH": {"user.lab": "1"}}],
    "acl": [{"PATH": {"other": ""}}],
    "capability": [{"PATH": "cap_net_raw+ep"}],
    "time": [{"PATH": "2001-02-03"}],
    "rename": [{"PATH": "stolen"}, {"mine": "PATH"}],
    "link": [{"PATH": "mine"}],
    "hard_link": [{"stolen": "PATH"}, {"PATH": "mine"}],
    "text": [{"PATH": "x"}],
    "append": [{"PATH": "x"}],
    "replace": [{"PATH": {"from": "precious", "to": "x"}}],
    "line_ends": [{"PATH": "crlf"}],
    "add": [{"PATH": "file"}, {"PATH": "folder"}, {"PATH": "fifo"}, {"PATH": "socket"}],
    "remove": [["PATH"]],
}
ALL = [(kind, value) for kind, values in AT.items() for value in values]
OF_LINK = [  # kinds that change a link itself
    item for item in ALL if item[0] in ("owner", "attribute", "time", "link", "remove") or item[1] == {"PATH": "stolen"}
]


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    made = tmp_path / "outside"
    made.mkdir()
    (made / "victim").write_text("precious\n", encoding="utf-8")
    (made / "victim").chmod(0o644)
    os.utime(made / "victim", (1_600_000_000, 1_600_000_000))
    return made


@pytest.fixture
def folder(tmp_path: Path, outside: Path) -> Path:
    made = tmp_path / "folder"
    (made / "deep" / "er").mkdir(parents=True)
    (made / "mine").write_text("mine\n", encoding="utf-8")
    (made / "out").symlink_to(outside)
    (made / "file").symlink_to(outside / "victim")
    (made / "deep" / "er" / "chain").symlink_to("../../out")
    return made


def state(outside: Path) -> list[object]:
    found: list[object] = []
    for path in [outside, *sorted(outside.rglob("*"))]:
        seen = path.lstat()
        content = path.read_bytes() if path.is_file() else b""
        attributes = {name: os.getxattr(path, name) for name in os.listxattr(path)}
        found.append((path.name, seen.st_mode, seen.st_uid, seen.st_nlink, seen.st_mtime_ns, content, attributes))
    return found


def placed(value: Any, path: str) -> Any:
    if isinstance(value, dict):
        return {placed(name, path): placed(item, path) for name, item in value.items()}
    if isinstance(value, list):
        return [placed(item, path) for item in value]
    return path if value == "PATH" else value


def make(folder: Path, **change: Any) -> None:
    for command in check(change, NamedChange, "change").change.commands():
        need_inside(folder, command, "make the change")
        LocalBox().check(list(command.argv), doing="make the change", cwd=PurePosixPath(folder))


def test_every_kind_is_tried_here() -> None:
    assert {*AT, *WHOLE, *NO_FILES, "commands"} == set(NamedChange.model_fields)


@pytest.mark.parametrize(("kind", "value"), [*((kind, item) for kind, item in ALL), *WHOLE.items()])
def test_every_command_states_its_paths(kind: str, value: Any) -> None:
    """A command that stated none would not be checked."""
    for command in check({kind: placed(value, "a")}, NamedChange, "change").change.commands():
        assert command.follows or command.names


@pytest.mark.parametrize("path", ["out/victim", "deep/er/chain/victim", "./out/./victim"])
@pytest.mark.parametrize(("kind", "value"), ALL)
def test_no_kind_reaches_a_file_through_a_link(kind: str, value: Any, path: str, folder: Path, outside: Path) -> None:
    before = state(outside)
    with pytest.raises(CommandError, match="victim leads out of the folder through a link"):
        make(folder, **{kind: placed(value, path)})
    assert state(outside) == before


@pytest.mark.parametrize(("kind", "value"), [item for item in ALL if item not in OF_LINK])
def test_no_kind_follows_a_link_at_the_end(kind: str, value: Any, folder: Path, outside: Path) -> None:
    before = state(outside)
    with pytest.raises(CommandError, match="file leads out of the folder through a link"):
        make(folder, **{kind: placed(value, "file")})
    assert state(outside) == before


@pytest.mark.parametrize(("kind", "value"), OF_LINK)
def test_a_kind_for_links_changes_the_link_and_not_its_end(kind: str, value: Any, folder: Path, outside: Path) -> None:
    before = state(outside)
    for command in check({kind: placed(value, "file")}, NamedChange, "change").change.commands():
        need_inside(folder, command, "make the change")
        LocalBox().run(list(command.argv), cwd=PurePosixPath(folder))  # an owner needs root, an attribute a file system
    assert state(outside) == before


@pytest.mark.parametrize(
    "change",
    [
        {"remove": ["out/"]},  # a slash at the end lets a program follow the link
        {"owner": {"out/": "5:7"}},
        {"link": {"out/.": "mine"}},
        {"rename": {"mine": "out"}},
        {"hard_link": {"out": "mine"}},
    ],
)
def test_a_link_to_a_folder_is_not_entered(change: dict[str, Any], folder: Path, outside: Path) -> None:
    before = state(outside)
    with pytest.raises(CommandError, match="leads out of the folder through a link"):
        make(folder, **change)
    assert state(outside) == before


def test_a_link_of_the_same_change_counts(folder: Path, outside: Path) -> None:
    before = state(outside)
    with pytest.raises(CommandError, match="new/victim leads out"):
        make(folder, link={"new": str(outside), "new/victim": "mine"})
    assert state(outside) == before


def test_the_file_that_a_replacement_writes_for_a_moment_counts(folder: Path, outside: Path) -> None:
    (folder / "mine.lab").symlink_to(outside / "victim")
    before = state(outside)
    with pytest.raises(CommandError, match=r"mine\.lab leads out"):
        make(folder, replace={"mine": {"from": "mine", "to": "x"}})
    assert state(outside) == before


@pytest.mark.parametrize(("kind", "value"), WHOLE.items())
def test_kinds_for_the_whole_folder_follow_no_link(kind: str, value: Any, folder: Path, outside: Path) -> None:
    before = state(outside)
    make(folder, **{kind: value})
    assert state(outside) == before


def test_links_inside_are_followed(folder: Path) -> None:
    (folder / "to").symlink_to("deep/er")
    (folder / "deep" / "er" / "up").symlink_to("../../mine")
    make(
        folder,
        text={"to/new": "new", "deep/er/up": "other"},
    )
    assert (folder / "deep" / "er" / "new").read_text(encoding="utf-8") == "new"
    assert (folder / "mine").read_text(encoding="utf-8") == "other"


def test_the_folder_itself_may_be_behind_a_link(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "way").symlink_to(folder)
    assert is_inside(tmp_path / "way", "mine") and is_inside(tmp_path / "way", ".")
    assert not is_inside(tmp_path / "way", "out/victim") and not is_inside(tmp_path / "way", "file")
    assert is_inside(tmp_path / "way", "file", follows=False)


def work_in(tmp_path: Path, folder: Path, *, here: bool) -> Work:
    class Elsewhere(LocalBox):
        is_here = False

    class Nowhere:
        def record(self, *words: object) -> None:
            pass

    box = RecordingBox(LocalBox() if here else Elsewhere(), cast(Record, Nowhere()))
    engine = Engine("26.1.5", ("docker",), "26.1.5", "26.1.5", "")
    registry = Registry("localhost:5000", "external")
    station = Station(box, lambda text: nullcontext(), engine, FACTS, PurePosixPath(tmp_path), registry)
    made = Work(station, Recipe("FROM x\n", (), {}), "consumer", "s", "r:1", {}, lambda text: None)
    made._context = PurePosixPath(folder)
    return made


def changes() -> list[Change]:
    plain = check({"text": {"out/victim": "x"}}, NamedChange, "change").change
    return [plain, Batch((plain,))]


@pytest.mark.parametrize("change", changes(), ids=["alone", "in a batch"])
def test_a_run_on_this_machine_checks_each_change(change: Change, tmp_path: Path, folder: Path, outside: Path) -> None:
    before = state(outside)
    with pytest.raises(CommandError, match="cannot make it: out/victim leads out of the folder through a link"):
        work_in(tmp_path, folder, here=True).change(change, "make it")
    assert state(outside) == before
    work_in(tmp_path, folder, here=False).change(change, "make it")  # a box is there for what a scenario does
    assert state(outside) != before
