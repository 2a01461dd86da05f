from __future__ import annotations

import hashlib
import io
import tarfile
from pathlib import Path, PurePosixPath

import pytest

from lab.engines.engine import Engine
from lab.engines.home import Home
from lab.lessons.engines import (
    MARK,
    Engines,
    LessonEngine,
    all_instances,
    write_unlike,
)
from lab.lessons.library import lessons
from lab.model import Progress
from lab.project import Project
from tests.conftest import ROOT

ANSWER = Engine(
    "26.1.5", ("docker", "-H", "unix:///x"), "26.1.5", "26.1.5", "abc", PurePosixPath("/plugins"), {"dockerd": "0"},
    "0.13", "R7", ("tail", "log"), ("restart",),
)  # fmt: skip


def quiet(event: Progress) -> None:
    pass


def archive(path: Path) -> dict[str, tuple[int, bytes]]:
    with tarfile.open(path) as opened:
        found = {}
        for member in opened:
            file = opened.extractfile(member) if member.isreg() else None
            found[member.name] = (member.mode, file.read() if file else member.linkname.encode())
        return found


def test_a_base_image_of_each_check_has_the_same_files_and_other_bytes(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "base.tar", "w") as made:
        folder = tarfile.TarInfo("bin")
        folder.type, folder.mode = tarfile.DIRTYPE, 0o755
        made.addfile(folder)
        file = tarfile.TarInfo("bin/busybox")
        file.size, file.mode = 3, 0o755
        made.addfile(file, io.BytesIO(b"abc"))
        link = tarfile.TarInfo("bin/sh")
        link.type, link.linkname = tarfile.SYMTYPE, "busybox"
        made.addfile(link)
    names = ["one", "two", "again"]
    for name, number in zip(names, (1, 2, 1), strict=True):
        write_unlike(tmp_path / "base.tar", tmp_path / name, number)
        assert archive(tmp_path / name) == archive(tmp_path / "base.tar")
    sums = [hashlib.sha256((tmp_path / name).read_bytes()).hexdigest() for name in names]
    assert sums[0] == sums[2] != sums[1]


def test_an_instance_belongs_to_the_folder_that_its_mark_names(tmp_path: Path) -> None:
    project = Project(tmp_path, tmp_path / "cache")
    mine, other = (Engines(tmp_path / name, project, quiet) for name in ("mine", "other"))
    place = Home(project.state, "26.1.5~51")
    place.folder.mkdir(parents=True)
    place.note.write_text("{}", encoding="utf-8")
    (place.folder / MARK).write_text(str(tmp_path / "mine"), encoding="utf-8")
    assert list(all_instances(project.state)) == [(place.name, tmp_path / "mine")]
    assert other.stop() == mine.stop(["26.1.5~52"]) == []
    assert place.note.exists()
    assert mine.stop() == [place.name]
    assert not place.note.exists() and not place.folder.exists()


def test_a_name_given_twice_is_one_engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[str] = []

    def start(self: Engines, name: str, known: str | None) -> LessonEngine:
        started.append(name)
        return LessonEngine(f"{name}~51", ANSWER, self.box, tmp_path)

    monkeypatch.setattr(Engines, "_started", start)
    opened = Engines(tmp_path, Project(tmp_path, tmp_path / "cache"), quiet).open(["26.1.5", "26.1.5"], {})
    assert started == list(opened) == ["26.1.5"]


def test_a_lesson_whose_second_engine_is_the_first_has_one_engine() -> None:
    engines = {lesson.name: lesson.engines for lesson in lessons(ROOT / "templates" / "lessons")}
    assert engines["11-caches"] == ("26.1.5+containerd",)
    assert all(len(set(names)) == len(names) for names in engines.values())
