"""A student's folder in one archive: what is in it, and what an archive of a stranger must not have."""

from __future__ import annotations

import gzip
import io
import os
import tarfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from lab import files
from lab.errors import ConfigError, UsageError
from lab.lessons import hand_in as handing
from lab.lessons import progress as store
from lab.lessons.folder import StudentFolder, copy_start
from lab.lessons.hand_in import MOST_BYTES, hand_in, parts_of, read_archive, unpack
from lab.lessons.progress import Progress
from tests.lessons.stand_in import lesson

STARTED = datetime(2026, 1, 2, tzinfo=UTC)
SECRET = "/home/ada/secret"


@pytest.fixture
def student(tmp_path: Path) -> StudentFolder:
    made = StudentFolder(tmp_path / "ada")
    copy_start(lesson().start, made.exercise)
    progress = Progress(
        lesson="01-layer-key", started=STARTED, engines={"26.1.5": "26.1.5~51"}, run=f"{SECRET}/results/one", checks=2
    )
    store.save(made.home, progress)
    return made


def archive(path: Path, *members: tuple[tarfile.TarInfo, bytes]) -> Path:
    with tarfile.open(path, "w:gz") as made:
        for member, content in members:
            member.size = len(content)
            made.addfile(member, io.BytesIO(content))
    return path


def member(name: str, kind: bytes = tarfile.REGTYPE, link: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, link
    return info


def test_the_exercise_comes_back_with_modes_times_and_links(student: StudentFolder, tmp_path: Path) -> None:
    (student.exercise / "run.sh").write_bytes(b"#!/bin/sh\n")
    (student.exercise / "run.sh").chmod(0o777)
    (student.exercise / "empty").mkdir(mode=0o750)
    (student.exercise / "empty").chmod(0o750)
    (student.exercise / "link").symlink_to("run.sh")
    os.utime(student.exercise / "run.sh", (1_700_000_000.25, 1_700_000_000.25))
    (student.home / "build.log").write_text("#1 CACHED\n", encoding="utf-8")
    hand_in(student, tmp_path / "ada.tgz")
    there = unpack(read_archive(tmp_path / "ada.tgz"), tmp_path / "there")
    assert (there.exercise / "run.sh").read_bytes() == b"#!/bin/sh\n"
    assert (there.exercise / "run.sh").stat().st_mode & 0o7777 == 0o777
    assert (there.exercise / "run.sh").stat().st_mtime == 1_700_000_000.25
    assert (there.exercise / "empty").stat().st_mode & 0o7777 == 0o750
    assert (there.exercise / "link").readlink() == Path("run.sh")
    assert (there.home / "build.log").read_text(encoding="utf-8") == "#1 CACHED\n"
    here = {path.relative_to(student.exercise) for path in student.exercise.rglob("*")}
    assert {path.relative_to(there.exercise) for path in there.exercise.rglob("*")} == here


def test_an_archive_has_no_engine_no_earlier_work_and_no_path_of_the_machine(
    student: StudentFolder, tmp_path: Path
) -> None:
    student.client.write_text("#!/bin/sh\n", encoding="utf-8")
    (student.home / "exercise.1").mkdir()
    (student.home / "notes.txt").write_text("mine", encoding="utf-8")
    hand_in(student, tmp_path / "ada.tgz")
    with tarfile.open(tmp_path / "ada.tgz") as made:
        members = made.getmembers()
    assert {item.name.partition("/")[0] for item in members} == {"lesson.json", "exercise"}
    assert {(item.uid, item.gid, item.uname, item.gname) for item in members} == {(0, 0, "", "")}
    assert SECRET.encode() not in gzip.decompress((tmp_path / "ada.tgz").read_bytes())
    there = store.load(unpack(read_archive(tmp_path / "ada.tgz"), tmp_path / "there").home)
    assert there and (there.engines, there.run, there.checks) == ({}, "one", 2)


def test_a_folder_without_a_lesson_is_not_handed_in(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"it has no lesson\.json"):
        hand_in(StudentFolder(tmp_path), tmp_path / "x.tgz")
    assert not (tmp_path / "x.tgz").exists()


@pytest.mark.parametrize(
    ("make", "problem"),
    [
        (lambda exercise: os.mkfifo(exercise / "pipe"), "is neither a file, a folder nor a link"),
        (lambda exercise: (exercise / "out").symlink_to("/etc/passwd"), "leads out of the exercise"),
        (lambda exercise: (exercise / "out").symlink_to("../../other"), "leads out of the exercise"),
    ],
)
def test_what_leads_out_of_a_folder_is_not_read(
    make: Callable[[Path], object], problem: str, student: StudentFolder
) -> None:
    make(student.exercise)
    with pytest.raises(ConfigError, match=problem):
        parts_of(student.home)


@pytest.mark.parametrize(
    ("members", "problem"),
    [
        ([member("../outside")], "leads out of the student's folder"),
        ([member("/etc/cron.d/x")], "leads out of the student's folder"),
        ([member("exercise/../../x")], "leads out of the student's folder"),
        ([member("exercise/a\nb")], "has characters that cannot be printed"),
        ([member("exercise/" + "a/" * 600 + "b")], "is longer than 1024 characters"),
        ([member("docker")], "is not a part of a student's folder"),
        ([member("exercise", tarfile.SYMTYPE, "/etc"), member("exercise/passwd")], "leads out of the exercise"),
        ([member("exercise/a", tarfile.SYMTYPE, "b"), member("exercise/a/x")], "which is no folder"),
        ([member("exercise/a", tarfile.LNKTYPE, "/etc/passwd")], "is neither a file"),
        ([member("exercise/null", tarfile.CHRTYPE)], "is neither a file"),
        ([member("lesson.json", tarfile.DIRTYPE)], "is not a plain file"),
        ([member("exercise/a"), member("exercise/a")], "occurs twice"),
        ([member(f"exercise/{number}") for number in range(handing.MOST_OBJECTS + 1)], "more than 2000 files"),
    ],
)
def test_an_archive_that_is_more_than_data_is_refused(
    members: list[tarfile.TarInfo], problem: str, tmp_path: Path
) -> None:
    path = archive(tmp_path / "bad.tgz", *((item, b"") for item in members))
    with pytest.raises(ConfigError, match=problem):
        read_archive(path)


def test_an_archive_that_unpacks_to_too_much_ends_early(tmp_path: Path) -> None:
    half = b"\0" * (MOST_BYTES // 2 + 1)
    many = [(member(f"exercise/{number}"), half) for number in range(2)]
    with pytest.raises(ConfigError, match="beyond the 32 MiB"):
        read_archive(archive(tmp_path / "large.tgz", *many))
    bomb = member("exercise/one")
    bomb.pax_headers = {"comment": "x" * (2 * MOST_BYTES)}
    with pytest.raises(ConfigError, match="it is damaged"):
        read_archive(archive(tmp_path / "header.tgz", (bomb, b"")))
    heads = [member(f"exercise/{number}") for number in range(2 * MOST_BYTES >> 20)]
    for item in heads:
        item.pax_headers = {"comment": "x" * ((1 << 20) - 100)}
    with pytest.raises(ConfigError, match="unpacks to more than 64 MiB"):
        read_archive(archive(tmp_path / "headers.tgz", *((item, b"") for item in heads)))


def test_a_chain_of_links_does_not_lead_out(tmp_path: Path) -> None:
    """Each text alone stays in the exercise: the second link passes through the first, which leads to the top."""
    folders = [member("/".join(["exercise", *"abc"[:count]]), tarfile.DIRTYPE) for count in range(4)]
    top = member("exercise/a/b/c/top", tarfile.SYMTYPE, "../../..")
    head = member("lesson.json")
    path = archive(tmp_path / "good.tgz", *((item, b"") for item in (head, *folders, top)))
    assert unpack(read_archive(path), tmp_path / "good").exercise.joinpath("a/b/c/top").is_dir()
    out = member("exercise/app.txt", tarfile.SYMTYPE, "a/b/c/top/../../mine")
    path = archive(tmp_path / "bad.tgz", *((item, b"") for item in (head, *folders, top, out)))
    with pytest.raises(ConfigError, match=r"'exercise/app\.txt' is a link that leads out of the exercise"):
        read_archive(path)


@pytest.mark.parametrize("text", ["", "a\0b"])
def test_a_link_whose_text_no_system_takes_is_refused(text: str, tmp_path: Path) -> None:
    link = member("exercise/a", tarfile.SYMTYPE)
    link.pax_headers = {"linkpath": text} if text else {}
    with pytest.raises(ConfigError, match=r"bad\.tgz"):
        read_archive(archive(tmp_path / "bad.tgz", (link, b"")))


@pytest.mark.parametrize("time", ["nan", "inf", "-inf", "1e300", "-1", str((1 << 33) + 1)])
def test_a_time_that_no_file_has_is_refused(time: str, tmp_path: Path) -> None:
    odd = member("lesson.json")
    odd.pax_headers = {"mtime": time}
    with pytest.raises(ConfigError, match="has a time before 1970 or after 2242"):
        read_archive(archive(tmp_path / "bad.tgz", (odd, b"")))


def endless_headers() -> bytes:
    """An archive in which each of many headers describes the next one."""
    record = b"8 a=bcd\n"
    header = member("x", tarfile.XHDTYPE)
    header.size = len(record)
    return gzip.compress((header.tobuf(tarfile.USTAR_FORMAT) + record.ljust(512, b"\0")) * 3000, mtime=0)


def test_a_start_that_no_clock_has_is_an_error_of_the_folder(student: StudentFolder) -> None:
    found = store.load(student.home)
    assert found
    store.save(student.home, found.model_copy(update={"started": datetime(1, 1, 1)}))
    with pytest.raises((ConfigError, UsageError), match="ada"):
        parts_of(student.home)


def test_a_folder_is_read_no_further_than_its_limit(student: StudentFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(handing, "MOST_OBJECTS", 5)
    for number in range(100):
        (student.exercise / f"f{number:03}").touch()
    read: list[str] = []
    real = files.read_plain

    def counted(path: Path, most: int, *, follow: bool = True) -> bytes:
        read.append(path.name)
        return real(path, most, follow=follow)

    monkeypatch.setattr(handing, "read_plain", counted)
    with pytest.raises(ConfigError, match="is one of more than 5 files"):
        parts_of(student.home)
    assert len(read) < 10


@pytest.mark.parametrize("content", [endless_headers(), b"", b"not gzip", gzip.compress(b"not tar" * 200, mtime=0)])
def test_a_damaged_archive_is_named(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "ada.tgz"
    path.write_bytes(content)
    with pytest.raises((ConfigError, UsageError), match=r"ada\.tgz"):
        read_archive(path)
