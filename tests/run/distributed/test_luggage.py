"""A project travels with its contents; what cannot travel, or may not be read by others, is refused."""

from __future__ import annotations

import os
import pickle
from dataclasses import replace
from pathlib import Path

import pytest

from lab.buildkit.contenthash.entry import Entry, Kind
from lab.errors import ContextError, UsageError
from lab.run.distributed import luggage
from lab.run.distributed.experiment import Spread, check_wish
from lab.run.own_project.project import OwnProject, read_project
from lab.run.own_project.request import Request
from lab.run.own_project.sending.archive import archive
from lab.run.wish import Wish


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A project with every sort of object that a context can have, and a named folder beside it."""
    place, other = tmp_path / "app", tmp_path / "other"
    for path in (place / "sub", other):
        path.mkdir(parents=True)
    (place / "Dockerfile").write_text("FROM alpine\nCOPY . .\nCOPY --from=other x x\n")
    (place / ".dockerignore").write_text("left-out\n")
    (place / "left-out").write_text("left out")
    (place / "file").write_bytes(b"\0\xff\n")
    (place / "empty").touch()
    (place / "sub" / "mode").write_text("4")
    (place / "sub" / "mode").chmod(0o750)
    os.utime(place / "sub" / "mode", ns=(5, 1_234_567_890))
    os.link(place / "file", place / "linked")
    (place / "away").symlink_to("/nowhere")
    os.mkfifo(place / "pipe")
    (other / "x").write_text("x")
    return place


def read(folder: Path, **fields: object) -> OwnProject:
    named = (f"other={folder.parent / 'other'}",)
    return read_project(Request(folder, build_contexts=named, **fields))  # type: ignore[arg-type]


def test_what_is_sent_from_elsewhere_is_byte_for_byte_what_is_sent_from_here(folder: Path) -> None:
    mine = read(folder)
    sent = b"".join(archive(mine.objects)), b"".join(archive(mine.contexts["other"]))
    travelled = pickle.loads(pickle.dumps(luggage.packed(mine)))
    for path in sorted(folder.parent.rglob("*"), reverse=True):  # nothing of this machine is read any more
        path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink()
    assert (b"".join(archive(travelled.objects)), b"".join(archive(travelled.contexts["other"]))) == sent
    assert {entry.path: entry.content for entry in travelled.own_files} == {
        ".dockerignore": b"left-out\n",
        "Dockerfile": b"FROM alpine\nCOPY . .\nCOPY --from=other x x\n",
    }


def test_a_file_that_changes_meanwhile_does_not_travel(folder: Path) -> None:
    mine = read(folder)
    (folder / "file").write_text("longer than before")
    with pytest.raises(ContextError, match="it changed while"):
        luggage.packed(mine)
    cut = replace(mine, objects=(Entry("short", Kind.FILE, size=3, content=lambda: [b"ab"]),))
    with pytest.raises(ContextError, match="cannot send short: it changed while it was read"):
        luggage.packed(cut)


def test_what_cannot_go_to_another_machine_is_refused_and_goes_to_workers_of_this_one(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder.parent / "token").write_text("secret-value")
    private = read(folder, secrets=(f"id=token,src={folder.parent / 'token'}",))
    monkeypatch.setattr(luggage, "LARGEST", 4)
    wrong = {
        "cannot use --transfer rsync with --scheduler": read(folder, transfer="rsync"),
        "cannot send token to workers: every client of the scheduler could read it": private,
        "a scheduler gets 4 B at most": read(folder),
    }
    for why, mine in wrong.items():
        wish = Wish("gist", Path(), project=mine)
        check_wish(wish, Spread("local", 60.0))
        with pytest.raises(UsageError, match=why) as refused:
            check_wish(wish, Spread("tcp://10.0.0.1:8786", 60.0))
        assert "secret-value" not in str(refused.value)
