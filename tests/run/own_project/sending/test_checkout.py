"""The way `checkout`, with the real git: the commit's files under the box's umask."""

from __future__ import annotations

import os
from pathlib import Path, PurePosixPath

import pytest

from lab.boxes.base import Command, OnOutput, Result
from lab.boxes.local import LocalBox
from lab.errors import BoxError, CommandError
from lab.run.own_project.sending.checkout import Checkout, file_at_head, head_of
from tests.repositories import Repository


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    made = Repository(tmp_path / "repo")
    made.write("app/a", b"committed\n", 0o600)
    made.write("app/run", b"x", 0o777)
    made.write("other", b"other\n")
    made.commit()
    made.write("app/a", b"changed\n")
    made.write("app/untracked", b"new\n")
    return made


def send(folder: Path, target: Path, box: LocalBox | None = None) -> None:
    target.mkdir(parents=True)
    before = os.umask(0o002)
    try:
        Checkout().send(box or LocalBox(), folder, (), PurePosixPath(target), print)
    finally:
        os.umask(before)


def test_a_folder_of_the_repository_is_the_context(repository: Repository, tmp_path: Path) -> None:
    target = tmp_path / "run/context"
    send(repository.folder / "app", target)
    assert {path.name: path.stat().st_mode & 0o777 for path in target.iterdir()} == {"a": 0o664, "run": 0o775}
    assert (target / "a").read_text() == "committed\n"
    assert sorted(path.name for path in target.parent.iterdir()) == ["context"]  # nothing is left beside it


def test_the_whole_repository_is_a_clone_with_one_commit(repository: Repository, tmp_path: Path) -> None:
    repository.commit()
    target = tmp_path / "run/context"
    send(repository.folder, target)
    clone = Repository(target)
    assert clone.git("rev-list", "--count", "HEAD").strip() == b"1"
    assert clone.git("rev-parse", "HEAD^{tree}") == repository.git("rev-parse", "HEAD^{tree}")


def test_the_commit_of_a_project(repository: Repository) -> None:
    head = head_of(repository.folder / "app")
    assert (head.top, head.prefix, head.changed) == (repository.folder, "app", ("a", "untracked"))
    assert head.commit.encode() == repository.git("rev-parse", "HEAD").strip()
    assert file_at_head(repository.folder / "app", "a") == "committed\n"
    assert file_at_head(repository.folder / "app", "untracked") is None


class NoGit(LocalBox):
    """A box on which git is not installed."""

    def execute(self, command: Command, on_output: OnOutput | None = None) -> Result:
        done = super().execute(Command(("true",)))
        missing = command.argv[0] == "git"
        return Result(command, 127 if missing else 0, b"", b"git: not found" if missing else b"", done.started, 0.0)


def test_a_box_without_git(repository: Repository, tmp_path: Path) -> None:
    with pytest.raises(BoxError, match="cannot check the project out on local: git is not installed there") as caught:
        send(repository.folder, tmp_path / "run/context", NoGit())
    assert "--transfer exact" in str(caught.value.hint)


def test_a_folder_that_is_not_in_the_commit(repository: Repository, tmp_path: Path) -> None:
    repository.write("new/a", b"a")
    with pytest.raises(CommandError, match="cannot send the context") as caught:
        send(repository.folder / "new", tmp_path / "run/context")
    assert "the commit has no folder new" in caught.value.output
