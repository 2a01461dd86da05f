"""A project sent through a real sshd on loopback, by every way: what the box then holds."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import pytest

from lab.boxes.recording import RecordingBox
from lab.boxes.ssh import SshBox
from lab.boxes.transcript import Transcript
from lab.errors import CommandError
from lab.run.gather.door import gather
from lab.run.own_project.delivery import ProjectDelivery
from lab.run.own_project.project import read_project
from lab.run.own_project.request import Request
from lab.run.own_project.sending.table import WAYS
from tests.boxes.test_ssh import Sshd
from tests.disks import mounted
from tests.repositories import Repository

SECRET = "hunter2-and-more"


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SshBox]:
    server = Sshd(tmp_path_factory.mktemp("sshd"))
    server.start()
    made = server.box()
    made.bring_up(lambda event: None)
    yield made
    made.close()
    server.stop()


@pytest.fixture
def app(tmp_path: Path) -> Path:
    repository = Repository(tmp_path / "repo")
    repository.write("app/Dockerfile", b"FROM alpine\nRUN x\nCOPY . .\n", 0o600)
    repository.write("app/run.sh", b"#!/bin/sh\n", 0o750)
    repository.write("app/a b\n\xc3\xa9", b"x")
    repository.write("app/large", random.Random(13).randbytes(2_000_000))
    link = repository.folder / "app/link"
    link.symlink_to("run.sh")
    os.utime(link, (1_600_000_000, 1_600_000_000), follow_symlinks=False)  # rsync leaves a time of the same second
    repository.commit()
    return repository.folder / "app"


@pytest.mark.parametrize("way", WAYS)
def test_every_way_arrives(box: SshBox, app: Path, tmp_path: Path, way: str) -> None:
    (tmp_path / "token").write_text(SECRET)
    made = read_project(Request(app, transfer=way, secrets=(f"id=t,src={tmp_path / 'token'}",)))
    transcript = Transcript(tmp_path / "transcript.jsonl", "run")
    recording = RecordingBox(box, transcript)
    context = tmp_path / "run/context"
    context.mkdir(parents=True)
    delivery = ProjectDelivery(made, made.dockerfile("base@1"))
    delivery.deliver(recording, PurePosixPath(context), lambda what: None)
    assert (tmp_path / "run/secrets/0").read_text() == SECRET
    listing = gather(recording, None, PurePosixPath(context), largest=delivery.largest)
    found = delivery.received(recording, listing, changed=False)
    transcript.close()
    there = {entry.path: entry for entry in found.entries if not entry.path.startswith(".git")}
    here = {entry.path: entry for entry in made.objects if not entry.path.startswith(".git")}
    assert {path: (item.kind, item.size, item.linkname) for path, item in there.items()} == {
        path: (item.kind, item.size, item.linkname) for path, item in here.items()
    }
    kept = [
        path for path, item in here.items() if item.mode == there[path].mode and item.mtime_ns == there[path].mtime_ns
    ]
    assert (sorted(kept) == sorted(here)) == (way in ("exact", "rsync"))
    assert SECRET not in (tmp_path / "transcript.jsonl").read_text()


@pytest.mark.skipif(os.geteuid() != 0, reason="a small file system needs root, which CI has")
def test_no_room_for_what_is_beside_the_context(box: SshBox, tmp_path: Path) -> None:
    (tmp_path / "p").mkdir()
    (tmp_path / "p/Dockerfile").write_text("FROM alpine\nRUN x\n")
    (tmp_path / "token").write_bytes(bytes(100_000))
    made = read_project(Request(tmp_path / "p", secrets=(f"id=t,src={tmp_path / 'token'}",)))
    with mounted(tmp_path / "small") as small:
        (small / "context").mkdir()
        with pytest.raises(CommandError, match="cannot write 0 beside the context on guest") as caught:
            ProjectDelivery(made, "").deliver(box, PurePosixPath(small / "context"), lambda what: None)
        assert str(caught.value.hint).startswith("free space on that box")


@pytest.mark.skipif(os.geteuid() != 0, reason="a small file system needs root, which CI has")
@pytest.mark.parametrize("way", WAYS)
def test_a_full_disk_on_the_box(box: SshBox, app: Path, tmp_path: Path, way: str) -> None:
    delivery = ProjectDelivery(read_project(Request(app, transfer=way)), "")
    with mounted(tmp_path / "small") as small:
        context = small / "context"
        context.mkdir()
        with pytest.raises(CommandError, match="cannot send the context on guest") as caught:
            delivery.deliver(box, PurePosixPath(context), lambda what: None)
        assert "space" in str(caught.value.hint) and "on that box" in str(caught.value.hint)
        # rsync may end before it has printed the reason
        assert "No space left on device" in caught.value.output or way == "rsync"
