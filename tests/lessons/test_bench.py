"""The builds of a check with a client that answers as Docker does: what is built, of what, and how it is read."""

from __future__ import annotations

import tarfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath

import pytest

from lab.boxes.base import Command, OnOutput, Result
from lab.boxes.local import LocalBox
from lab.engines.engine import Engine
from lab.errors import BoxError, CommandError
from lab.lessons.bench import Bench, apply_changes, open_bench
from lab.lessons.client import run_client
from lab.lessons.engines import LessonEngine
from lab.lessons.folder import StudentFolder, copy_start
from lab.model import Outcome, Progress
from lab.run.changes.table import NamedChange
from lab.workers import Background, wait_for
from tests.conftest import ROOT
from tests.lessons.stand_in import lesson

OUTPUT = """\
#4 [1/4] FROM base
#4 DONE 0.0s
#5 [2/4] RUN echo tools > /tools
#5 CACHED
#6 [3/4] COPY app.txt /app.txt
#6 DONE 0.1s
#7 [4/4] RUN wc -c < /app.txt > /size
#7 DONE 0.1s
#8 exporting to image
#8 DONE 0.1s
"""


def quiet(event: Progress) -> None:
    pass


@dataclass
class Client(LocalBox):
    """Docker's client answers from here; every other command really runs."""

    name: str = "local"
    fails: bool = False
    calls: list[tuple[str, ...]] = field(default_factory=list)
    dockerfiles: list[str] = field(default_factory=list)

    broken: bool = False
    answers: bool = False  # to every command
    seen: list[Command] = field(default_factory=list)
    may_end: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self.may_end.set()

    def execute(self, command: Command, on_output: OnOutput | None = None) -> Result:
        self.seen.append(command)
        if command.argv[0] != "docker" and not self.answers:
            return super().execute(command, on_output)
        self.calls.append(command.argv[1:])
        output = b""
        if self.answers:
            return Result(command, 0, b"", b"", datetime.now(UTC), 0.1)
        if command.argv[1] == "build":
            self.may_end.wait()
            if self.broken:
                raise BoxError("no answer")
            self.dockerfiles.append(Path(command.argv[command.argv.index("--file") + 1]).read_text(encoding="utf-8"))
            output = b"ERROR: no such file\n" if self.fails else OUTPUT.encode()
        return Result(command, int(self.fails and command.argv[1] == "build"), b"", output, datetime.now(UTC), 0.1)


@pytest.fixture
def client() -> Client:
    return Client()


@pytest.fixture
def bench(tmp_path: Path, client: Client) -> Iterator[Bench]:
    folder = tmp_path / "engine"
    folder.mkdir()
    with tarfile.open(folder / "lesson-base.tar", "w") as made:
        made.addfile(tarfile.TarInfo("file"))
    engine = LessonEngine("26.1.5~51", Engine("26.1.5", ("docker",), "", "", ""), client, folder)
    student = StudentFolder(tmp_path / "student")
    copy_start(lesson().start, student.exercise)
    with open_bench(lesson(), student, {"26.1.5": engine}, ROOT / "boxes", tmp_path / "state", quiet) as opened:
        yield opened


def test_a_build_is_made_after_those_before_it_and_once(bench: Bench, client: Client) -> None:
    made = bench.made("after")
    assert made.steps == (
        ("RUN echo tools > /tools", Outcome.HIT),
        ("COPY app.txt /app.txt", Outcome.RAN),
        ("RUN wc -c < /app.txt > /size", Outcome.RAN),
    )
    assert bench.made("after") is made and bench.made("before").problem == ""
    builds = [call for call in client.calls if call[0] == "build"]
    names = [call[call.index("--tag") + 1].partition(":")[0] for call in builds]
    assert names == ["lesson-check/before", "lesson-check/after"]


def test_builds_that_are_expected_are_made_while_the_caller_goes_on(bench: Bench, client: Client) -> None:
    client.may_end.clear()
    bench.expect(("before", "after"))  # returns although no build can end
    client.may_end.set()
    assert bench.made("after").problem == ""
    names = [call[call.index("--tag") + 1].partition(":")[0] for call in client.calls if call[0] == "build"]
    assert names == ["lesson-check/before", "lesson-check/after"]


def test_a_check_that_ends_early_makes_no_further_build(bench: Bench, client: Client) -> None:
    client.may_end.clear()
    bench.expect(("before", "after"))
    clearing = Background("clear", bench.clear)
    wait_for("the check to end", lambda: bench._over or "it goes on", timeout=60, every=0.01)
    client.may_end.set()
    clearing.settle()
    assert len([call for call in client.calls if call[0] == "build"]) == 1
    assert client.calls[-1][:2] == ("rmi", "-f")


def test_an_engine_that_does_not_answer_is_an_error_of_the_check(bench: Bench, client: Client) -> None:
    client.broken = True
    for _ in range(2):
        with pytest.raises(BoxError, match="no answer"):
            bench.made("after")


def test_a_build_is_made_by_the_program_of_the_plugin(bench: Bench, client: Client) -> None:
    docker = ("sudo", "-n", "/engine/docker", "-H", "unix:///run/x.sock")
    made = replace(bench.engine.engine, docker=docker, plugins=PurePosixPath("/engine/cli-plugins"))
    engine = replace(bench.engine, engine=made)
    client.seen.clear()
    client.answers = True
    run_client(engine, ["build", "."])
    run_client(engine, ["build", "."], buildkit=False)
    run_client(engine, ["rmi", "x"])
    plugin, classic, other = client.seen
    assert plugin.argv[3:] == ("/engine/cli-plugins/docker-buildx", "build", ".")
    assert plugin.argv[:2] == ("sudo", "-n") or "DOCKER_HOST" in plugin.argv[1]
    assert plugin.env["DOCKER_HOST"] == "unix:///run/x.sock"
    assert classic.argv[3:6] == docker[2:5] and other.argv[3:6] == docker[2:5]


def test_both_builds_stand_on_a_base_that_no_other_check_has(bench: Bench, client: Client) -> None:
    bench.made("after")
    first = {text.splitlines()[0] for text in client.dockerfiles}
    assert first == {f"FROM lesson-check/base:{bench.nonce}"}
    assert [call[0] for call in client.calls].count("import") == 1


def test_the_images_of_a_check_are_removed(bench: Bench, client: Client) -> None:
    bench.made("after")
    bench.clear()
    tags = [f"lesson-check/{name}:{bench.nonce}" for name in ("base", "before", "after")]
    assert client.calls[-1] == ("rmi", "-f", *tags)


def test_a_build_that_fails_has_its_last_line(bench: Bench, client: Client) -> None:
    client.fails = True
    assert bench.made("before").problem == "ERROR: no such file"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("FROM scratch\n", "no FROM lesson/base:1"),
        ("FORM lesson/base:1\n", 'unknown instruction: FORM (did you mean "FROM"?)'),
        (None, "No such file"),
    ],
)
def test_a_dockerfile_that_cannot_be_used_is_a_build_that_failed(text: str | None, problem: str, bench: Bench) -> None:
    path = bench.folder / "Dockerfile"
    path.unlink() if text is None else path.write_text(text, encoding="utf-8")
    assert problem in bench.made("after").problem
    assert bench.made("after").steps == ()


def test_a_dockerfile_that_is_a_folder_is_a_build_that_failed(bench: Bench) -> None:
    path = bench.folder / "Dockerfile"
    path.unlink()
    path.mkdir()
    assert "Is a directory" in bench.made("after").problem


def test_a_dockerfile_is_not_read_through_a_link_that_leads_out(bench: Bench) -> None:
    path = bench.folder / "Dockerfile"
    path.unlink()
    path.symlink_to("/dev/zero")
    assert bench.made("after").problem == "Dockerfile leads out of the folder through a link"


def test_an_ignore_file_is_not_read_through_a_link_that_leads_out(bench: Bench, tmp_path: Path) -> None:
    (tmp_path / "private").write_text("secret", encoding="utf-8")
    (bench.folder / "Dockerfile.dockerignore").symlink_to(tmp_path / "private")
    assert bench.made("after").problem == "Dockerfile.dockerignore leads out of the folder through a link"


def test_a_dockerfile_behind_a_link_of_the_folder_is_built(bench: Bench, client: Client) -> None:
    path = bench.folder / "Dockerfile"
    path.rename(bench.folder / "real")
    path.symlink_to("real")
    assert bench.made("after").problem == ""
    assert len(client.dockerfiles) == 2


def test_a_change_of_a_lesson_writes_nothing_through_a_link(tmp_path: Path) -> None:
    folder, outside = tmp_path / "folder", tmp_path / "cron.d"
    folder.mkdir()
    outside.mkdir()
    written = [{"link": {"out": str(outside)}}, {"text": {"out/evil": "* * * * * root id"}}]
    with pytest.raises(CommandError, match="out/evil leads out of the folder through a link"):
        apply_changes(folder, [NamedChange.model_validate(item) for item in written])
    assert list(outside.iterdir()) == []


def test_a_change_of_a_lesson_writes_nothing_through_a_link_of_the_student(bench: Bench, tmp_path: Path) -> None:
    mine = tmp_path / "profile"
    mine.write_text("mine", encoding="utf-8")
    (bench.folder / "app.txt").unlink()
    (bench.folder / "app.txt").symlink_to(mine)
    changes = (NamedChange.model_validate({"append": {"app.txt": "one more line"}}),)
    build = bench.lesson.file.exercise.builds[1].model_copy(update={"changes": changes})
    assert "app.txt leads out of the folder through a link" in bench._make(build).problem
    assert mine.read_text(encoding="utf-8") == "mine"
