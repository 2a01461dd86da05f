"""Notes, locks and whole writes: what is on disk is the old or the new, and two labs keep apart."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from lab import files
from lab.boxes.address import Address
from lab.boxes.notes import Machine, Note, Notes
from lab.errors import BusyError, HostError
from lab.files import hold
from tests.disks import mounted

NOTE = Note(
    box="guest",
    lineup="pair",
    vagrant=Machine(provider="libvirt", driver="qemu", box="lab/guest-1", prefix="lab-abc123-", console="/c.log"),
    address=Address(host="10.0.0.2", port=2222, user="vagrant", key="/key"),
    suspended=True,
)
HOLDER = """\
import sys
from pathlib import Path
from lab.files import hold
from tests.disks import mounted
with hold(Path(sys.argv[1]), sys.argv[2].split(), "repro"):
    print("held", flush=True)
    sys.stdin.read()
"""


@contextmanager
def other_lab(state: Path, names: str) -> Iterator[subprocess.Popen[str]]:
    """Another process that holds the locks until its input ends."""
    argv = [sys.executable, "-c", HOLDER, str(state), names]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stdout.readline() == "held\n"
        try:
            yield process
        finally:
            process.kill()


# --- notes


def test_a_note_comes_back_as_it_went(tmp_path: Path) -> None:
    notes = Notes(tmp_path)
    assert notes.read("guest") is None
    assert notes.boxes() == []
    notes.write(NOTE)
    assert notes.read("guest") == NOTE
    assert notes.boxes() == ["guest"]
    assert [path.name for path in (tmp_path / "machines").iterdir()] == ["guest.json"]


def test_a_note_is_where_the_vagrantfile_reads_it(tmp_path: Path) -> None:
    assert Notes(tmp_path / ".lab").path("guest") == tmp_path / ".lab" / "machines" / "guest.json"


def test_what_is_forgotten_leaves_nothing(tmp_path: Path) -> None:
    notes = Notes(tmp_path)
    notes.write(NOTE)
    notes.known_hosts("guest").write_text("key\n", encoding="utf-8")
    notes.forget("guest")
    assert list((tmp_path / "machines").iterdir()) == []
    notes.forget("guest")  # harmless


HALF = NOTE.model_dump_json().encode()[:-9]


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff", b'{"box": "guest"}', b'{"box": 1}', HALF])
def test_a_damaged_note_says_how_to_go_on(tmp_path: Path, content: bytes) -> None:
    notes = Notes(tmp_path)
    notes.folder.mkdir()
    notes.path("guest").write_bytes(content)
    with pytest.raises(HostError) as caught:
        notes.read("guest")
    kept = notes.path("guest").with_name("guest.json.damaged")
    assert caught.value.message.startswith("cannot read the note of guest: ")
    assert caught.value.message.endswith(f"; the file is now {kept}")
    assert caught.value.hint
    assert caught.value.hint.startswith("`python -m lab down guest` removes the box")
    assert kept.read_bytes() == content
    assert (notes.read("guest"), notes.boxes(), notes.exists("guest")) == (None, [], True)
    notes.forget("guest")  # the box is gone
    assert not notes.exists("guest")


# --- locks


def test_a_second_lab_is_told_who_holds_the_box(tmp_path: Path) -> None:
    with other_lab(tmp_path, "one two") as holder:
        with pytest.raises(BusyError) as caught, hold(tmp_path, ["three", "two"], "up"):
            pass
        since = r"since (\d{4}-\d\d-\d\d )?\d\d:\d\d"
        assert re.fullmatch(
            rf"cannot use two: `lab repro` \(process {holder.pid}, {since}\) holds it", caught.value.message
        )
        assert caught.value.hint == "`python -m lab --wait up ...` waits until it ends"
        assert caught.value.exit_code == 11
        with hold(tmp_path, ["three"], "up"):  # let go of when "two" could not be had
            pass


def test_a_lock_ends_with_its_block(tmp_path: Path) -> None:
    for _ in range(2):
        with hold(tmp_path, ["one", "one"], "up"):
            pass
    with other_lab(tmp_path, "one"):
        pass


def test_a_killed_holder_leaves_no_lock(tmp_path: Path) -> None:
    with other_lab(tmp_path, "one") as holder:
        holder.send_signal(signal.SIGKILL)
        holder.wait()
        with hold(tmp_path, ["one"], "up"):
            pass


def test_a_lock_does_not_go_to_child_programs(tmp_path: Path) -> None:
    with hold(tmp_path, ["one"], "up"):
        child = subprocess.Popen(["sleep", "30"])
    try:
        with hold(tmp_path, ["one"], "down"):
            pass
    finally:
        child.kill()
        child.wait()


def test_a_lock_whose_holder_is_not_written_is_busy_all_the_same(tmp_path: Path) -> None:
    with other_lab(tmp_path, "one"):
        (tmp_path / "locks" / "one").write_text("", encoding="utf-8")
        with pytest.raises(BusyError) as caught, hold(tmp_path, ["one"], "up"):
            pass
    assert caught.value.message == "cannot use one: another lab holds it"


def test_locks_where_nothing_can_be_written_are_an_error_of_the_host(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("a file", encoding="utf-8")
    with pytest.raises(HostError) as caught, hold(tmp_path / "state", ["one"], "up"):
        pass
    assert str(tmp_path / "state") in caught.value.message


# --- whole writes


def test_a_file_is_replaced_whole(tmp_path: Path) -> None:
    path = tmp_path / "new" / "file"
    files.write(path, "old\n")
    inode = path.stat().st_ino
    files.write(path, "grün\n")
    assert path.read_bytes() == "grün\n".encode()
    assert path.stat().st_ino != inode  # a reader that has the old one open keeps all of it
    assert [item.name for item in path.parent.iterdir()] == ["file"]


def test_a_write_below_a_file_is_an_error_of_the_host(tmp_path: Path) -> None:
    (tmp_path / "folder").write_text("a file", encoding="utf-8")
    with pytest.raises(HostError) as caught:
        files.write(tmp_path / "folder" / "file", "text")
    assert caught.value.message.startswith(f"cannot write {tmp_path / 'folder' / 'file'}: ")


def test_a_read_only_folder_keeps_the_old_text(tmp_path: Path) -> None:
    if os.geteuid() == 0:
        pytest.skip("root writes everywhere; the full disk below stands for it")
    path = tmp_path / "file"
    files.write(path, "old")
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(HostError, match="Permission denied"):
            files.write(path, "new")
    finally:
        tmp_path.chmod(0o700)
    assert path.read_text(encoding="utf-8") == "old"


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 64 KiB."""
    if os.geteuid() != 0:
        pytest.skip("only root mounts a file system; the read-only folder above stands for it")
    with mounted(tmp_path / "disk") as folder:
        yield folder


def test_a_full_disk_keeps_the_old_text_and_no_half_file(small_disk: Path) -> None:
    path = small_disk / "file"
    files.write(path, "old")
    with pytest.raises(HostError) as caught:
        files.write(path, "x" * 200_000)
    assert caught.value.message == f"cannot write {path}: No space left on device"
    assert caught.value.hint == "free some space there, then run the command again"
    assert path.read_text(encoding="utf-8") == "old"
    assert [item.name for item in small_disk.iterdir()] == ["file"]
