"""What git knows of a context: of a whole checkout, a folder in one, a worktree, and one with submodules."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.explain.search.checkout import Tracked, blob_here, object_name, read_checkout, reader
from tests.repositories import Repository


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    made = Repository(tmp_path / "repository")
    made.write(".gitignore", b"*.log\n")
    made.write(".gitattributes", b"*.bin -text filter=lfs\nsrc/* text=auto\n")
    made.write("src/a.py", b"print()\n")
    made.write("src/run.sh", b"#!/bin/sh\n", 0o755)
    made.write("src/\xe4 b", b"x")
    (made.folder / "src/link").symlink_to("a.py")
    made.commit()
    made.write("src/x.log", b"1")
    made.write("new", b"1")
    return made


def test_a_whole_checkout(repository: Repository) -> None:
    found = read_checkout(repository.folder)
    assert found.problem is None and found.missing == frozenset()
    assert {path: item.mode for path, item in found.tracked.items()} == {
        ".gitattributes": 0o100644,
        ".gitignore": 0o100644,
        "src/a.py": 0o100644,
        "src/link": 0o120000,
        "src/run.sh": 0o100755,
        "src/\xe4 b": 0o100644,
    }
    assert found.tracked["src/a.py"].attributes == {"text": "auto"} and not found.tracked["src/a.py"].executable
    assert found.ignored == {"src/x.log"} and found.tracked["src/run.sh"].executable
    name = found.tracked["src/a.py"].name
    assert found.blobs([name]) == {name: b"print()\n"}


def test_a_folder_in_a_checkout(repository: Repository) -> None:
    found = read_checkout(repository.folder / "src")
    assert set(found.tracked) == {"a.py", "link", "run.sh", "\xe4 b"} and found.ignored == {"x.log"}
    assert found.tracked["a.py"].attributes == {"text": "auto"}


def test_a_worktree(repository: Repository, tmp_path: Path) -> None:
    repository.git("worktree", "add", "--quiet", str(tmp_path / "other"))
    assert set(read_checkout(tmp_path / "other").tracked) == set(read_checkout(repository.folder).tracked)


def test_tracked_files_that_are_missing_here_and_would_be_sent(repository: Repository) -> None:
    repository.write(".dockerignore", b"*.sh\nsrc/*.sh\n")
    (repository.folder / "src/run.sh").unlink()
    (repository.folder / "src/a.py").unlink()
    assert read_checkout(repository.folder).missing == {"src/a.py"}


def test_submodules_and_their_files(repository: Repository, tmp_path: Path) -> None:
    outer = Repository(tmp_path / "outer")
    outer.git("submodule", "--quiet", "add", str(repository.folder), "lib")
    outer.commit()
    found = read_checkout(outer.folder)
    assert found.submodules == ["lib"] and found.tracked["lib/src/a.py"].attributes == {"text": "auto"}
    name = found.tracked["lib/src/a.py"].name
    assert found.blobs([name]) == {name: b"print()\n"}
    assert set(read_checkout(outer.folder / "lib").tracked) == set(read_checkout(repository.folder).tracked)
    empty = read_checkout(outer.clone(tmp_path / "fresh"))
    assert empty.submodules == ["lib"] and "lib/src/a.py" not in empty.tracked


def test_settings_that_decide_what_a_checkout_looks_like(repository: Repository) -> None:
    repository.git("config", "core.autocrlf", "Input")
    repository.git("config", "core.fileMode", "false")
    found = read_checkout(repository.folder).settings
    assert found["core.autocrlf"] == "input" and found["core.filemode"] == "false"


def test_no_checkout_says_so(tmp_path: Path, repository: Repository) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    assert read_checkout(outside).problem == "the context is not in a git checkout"
    assert read_checkout(repository.folder / ".git").problem == "the context is not in a git checkout"


def test_a_checkout_is_read_at_the_first_question_only(repository: Repository) -> None:
    read = reader(repository.folder)
    assert read() is read()


def test_contents_that_only_differ_in_line_ends_are_those_of_the_index() -> None:
    item = Tracked(0o100644, object_name(b"a\nb\n", "0" * 40))
    assert item.name == "422c2b7ab3b3c668038da977e4e93a5fc623169c"  # printf 'a\nb\n' | git hash-object --stdin
    assert blob_here(b"a\r\nb\r\n", item) == b"a\nb\n" and blob_here(b"c", item) is None
    longer = Tracked(0o100644, object_name(b"a\n", "0" * 64))
    assert len(longer.name) == 64 and blob_here(b"a\n", longer) == b"a\n"
