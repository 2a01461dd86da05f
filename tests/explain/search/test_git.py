"""Questions to git: they are safe in a repository of a stranger, and say why there is no answer."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.errors import ReadError
from lab.explain.search import git as module
from lab.explain.search.git import Git
from tests.repositories import Repository


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    made = Repository(tmp_path / "repository")
    made.write("a", b"one\n")
    made.write("b", b"\0two")
    made.commit()
    return made


def names(repository: Repository) -> list[str]:
    return [line.split(" ")[1] for line in repository.git("ls-files", "--stage").decode().splitlines()]


def test_contents_are_read_by_their_names(repository: Repository) -> None:
    git = Git(repository.folder)
    assert list(git.blobs(names(repository)).values()) == [b"one\n", b"\0two"]
    assert git.blobs(["1" * 40]) == {}


def test_many_names_are_asked_in_several_commands(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "ARGUMENTS", 50)
    assert sorted(Git(repository.folder).blobs(names(repository)).values()) == [b"\0two", b"one\n"]


def test_objects_that_are_too_large_are_left_out(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    repository.write("c", b"x" * 50)
    repository.commit()
    monkeypatch.setattr(module, "MOST_BLOB", 40)
    assert len(Git(repository.folder).blobs(names(repository))) == 2
    monkeypatch.setattr(module, "MOST_BLOBS", 4)
    assert list(Git(repository.folder).blobs(names(repository)).values()) == [b"one\n"]


def test_variables_of_another_repository_do_not_count(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_DIR", "/nowhere")
    monkeypatch.setenv("GIT_INDEX_FILE", "/nowhere/index")
    assert Git(repository.folder).fields("ls-files", "-z") == ["a", "b"]


def test_no_program_of_the_repository_runs(repository: Repository, tmp_path: Path) -> None:
    script = tmp_path / "script"
    script.write_text(f"#!/bin/sh\necho ran >> {tmp_path}/trace\ncat\n", encoding="utf-8")
    script.chmod(0o755)
    objects = names(repository)
    for name in ("core.fsmonitor", "filter.x.clean", "filter.x.smudge", "filter.x.process", "diff.x.textconv"):
        repository.git("config", name, str(script))
    repository.write(".gitattributes", b"* filter=x diff=x\n")
    git = Git(repository.folder)
    assert git.fields("ls-files", "-z", "--others", "--exclude-standard") == [".gitattributes"]
    assert len(git.blobs(objects)) == 2
    assert not (tmp_path / "trace").exists()
    repository.git("ls-files", "--others")  # without lab's settings, git runs the program
    assert (tmp_path / "trace").exists()


@pytest.mark.parametrize(
    ("printed", "message", "hint"),
    [
        ("fatal: not a git repository (or any of the parent directories): .git", "not in a git checkout", None),
        (
            "fatal: detected dubious ownership in repository at '/x'",
            "belongs to another user",
            "git config --global --add safe.directory",
        ),
        ("error: bad index\nfatal: index file corrupt", "index file corrupt", None),
    ],
)
def test_a_refusal_is_explained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, printed: str, message: str, hint: str | None
) -> None:
    program = tmp_path / "bin" / "git"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nprintf "%s\\n" "{printed}" >&2\nexit 128\n', encoding="utf-8")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:/usr/bin:/bin")
    with pytest.raises(ReadError, match=message) as caught:
        Git(tmp_path).fields("ls-files", "-z")
    assert (hint or "") in (caught.value.hint or "")
    assert caught.value.hint is not None or hint is None


def test_git_that_takes_too_long_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "bin" / "git"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\nexec sleep 600\n", encoding="utf-8")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:/usr/bin:/bin")
    git = Git(tmp_path, seconds=0.2)
    for _ in range(2):
        with pytest.raises(ReadError, match="took too long"):
            git.fields("ls-files", "-z")


def test_a_machine_without_git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "env").symlink_to("/usr/bin/env")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ReadError, match="git is not installed"):
        Git(tmp_path).fields("ls-files", "-z")
