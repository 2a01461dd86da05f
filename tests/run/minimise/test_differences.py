"""The variations of a project and the axes of `lab vary`, as changes of a scenario."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.errors import UsageError
from lab.run.changes.mode import Mode
from lab.run.minimise.differences import axis_names, changes_of, named
from lab.run.minimise.parts import value_of
from lab.run.own_project.project import OwnProject, read_project
from lab.run.own_project.request import Request
from lab.run.vary.axis import changes
from tests.vectors import BOOK

NO_CHANGE = (
    *("engine", "client", "builder", "storage-driver", "clock"),
    *("context-path", "base-retagged", "base-reimported"),
)
UMASK = {"src": "0775", "src/a": "0664", "src/b": "0664", "top": "0664"}
DOCKERFILE = "FROM base:1\nARG VERSION=1\nENV A=1\nENV B=2 C=3\nRUN one\nCOPY src /src\n"


def project(folder: Path) -> OwnProject:
    (folder / "src").mkdir()
    for name in ("src/a", "src/b", "top"):
        (folder / name).write_text(f"{name}\n")
        (folder / name).chmod(0o644)
    (folder / "src").chmod(0o755)
    (folder / "Dockerfile").write_text(DOCKERFILE)
    return read_project(Request(folder))


def written(folder: Path, name: str, on: str | None = None) -> list[dict[str, object]]:
    found = changes_of(project(folder), name, BOOK.newest, on)
    return [{item.kind: value_of(item)} for item in found]


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("mode", [{"mode": {"src/a": "0664"}}]),
        ("selinux", [{"attribute": {"src/a": {"security.selinux": "unconfined_u:object_r:user_home_t:s0"}}}]),
        ("exec-bit", [{"mode": {"src/a": "0755"}}]),
        ("untracked-below", [{"text": {"src/lab-untracked.tmp": "left by a tool\n"}}]),
        ("build-arg", [{"argument": {"VERSION": "2"}}]),
        ("network", [{"flag": ["--network=host"]}]),
        (
            "umask-0002",
            [{"mode": {path: mode}} for path, mode in UMASK.items()],
        ),
    ],
)
def test_a_name_becomes_changes(tmp_path: Path, name: str, wanted: list[dict[str, object]]) -> None:
    found = written(tmp_path, name)
    assert found == wanted


def test_the_file_is_the_one_that_the_user_names(tmp_path: Path) -> None:
    assert written(tmp_path, "exec-bit", on="src/b") == [{"mode": {"src/b": "0755"}}]


def test_an_edit_of_the_dockerfile_exchanges_its_lines(tmp_path: Path) -> None:
    text = DOCKERFILE
    for item in written(tmp_path, "env-order"):
        pair = item["replace"]["Dockerfile"]  # type: ignore[index]
        assert text.count(pair["from"]) == 1
        text = text.replace(pair["from"], pair["to"])
    assert text == DOCKERFILE.replace("ENV A=1\nENV B=2 C=3", "ENV B=2 C=3\nENV A=1")


@pytest.mark.parametrize("name", NO_CHANGE)
def test_what_is_no_change_of_a_scenario_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match=f"with the variation {name}: "):
        written(tmp_path, name)


@pytest.mark.parametrize("name", [name for name in axis_names() if name not in NO_CHANGE])
def test_every_other_axis_is_a_change(tmp_path: Path, name: str) -> None:
    assert changes_of(project(tmp_path), name, BOOK.newest)


def test_an_unknown_name_gets_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match='did you mean "umask-0002"'):
        written(tmp_path, "umask-002")


def test_a_change_gets_the_name_of_its_kind() -> None:
    [change] = changes({"mode": {"a": "0600"}})
    assert isinstance(change, Mode) and named(change).kind == "mode"
