"""The engine of a lesson behind a real sshd on loopback, with a client that answers as Docker's does."""

from __future__ import annotations

import os
import shlex
import subprocess
import tarfile
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath

import pytest

from lab.boxes.specs import BoxSpec
from lab.boxes.ssh import SshBox
from lab.engines.engine import Engine
from lab.errors import BusyError, CommandError, UsageError
from lab.files import hold
from lab.lessons import progress as store
from lab.lessons.bench import open_bench
from lab.lessons.desk import Desk
from lab.lessons.engines import BASE
from lab.lessons.folder import StudentFolder, copy_start
from lab.lessons.on_box import BoxEngine, BoxEngines
from lab.lessons.progress import Progress
from lab.machines.fleet import Fleet
from lab.machines.ready import Ready
from lab.model import Outcome
from lab.project import Project
from tests.boxes.test_ssh import Sshd
from tests.conftest import ROOT
from tests.lessons.stand_in import lesson

pytestmark = pytest.mark.slow

# Answers as Docker's client: a build prints a step for each line of the Dockerfile, `image inspect` knows what was
# imported, `which` prints what the client was called with.
DOCKER = """\
#!/bin/sh
printf '%s\\n' "$*" >> "$0.calls"
case "$1" in
build)
  while test "$1" != --file; do shift; done
  test -d "$5" || exit 9
  printf '#4 [1/2] FROM base\\n#4 DONE 0.0s\\n#5 [2/2] %s\\n#5 CACHED\\n' "$(sed -n 2p "$2")" ;;
import) test -s "$2" && echo "$3" >> "$0.images" ;;
image) grep -qx -e "$5" "$0.images" ;;
which) shift; pwd; env | grep ^DOCKER_ | sort; printf '<%s>\\n' "$@"; exit 3 ;;
esac
"""


@pytest.fixture(scope="module")
def sshd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    server = Sshd(tmp_path_factory.mktemp("sshd"))
    server.config += "SetEnv HOME={folder}/home\n"  # the box's own home folder, not this machine's
    (server.folder / "home").mkdir()
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def box(sshd: Sshd) -> Iterator[SshBox]:
    made = sshd.box()
    made.bring_up(lambda event: None)
    yield made
    made.close()


@pytest.fixture
def docker(tmp_path: Path) -> Path:
    path = tmp_path / "bin" / "docker"
    path.parent.mkdir()
    path.write_text(DOCKER, encoding="utf-8")
    path.chmod(0o755)
    (path.parent / "docker.images").touch()
    return path


def engine_of(docker: Path) -> Engine:
    return Engine("26.1.5", (str(docker),), "26.1.5", "26.1.5", "c")


@pytest.fixture
def made(tmp_path: Path, box: SshBox, docker: Path) -> BoxEngine:
    student = StudentFolder(tmp_path / "a student's")
    copy_start(lesson().start, student.exercise)
    (tmp_path / "engine").mkdir()
    with tarfile.open(tmp_path / "engine" / "lesson-base.tar", "w") as archive:
        archive.addfile(tarfile.TarInfo("file"))
    there = PurePosixPath(tmp_path, "there")
    return BoxEngine("26.1.5 on guest", engine_of(docker), box, tmp_path / "engine", there, student.home)


def calls(docker: Path) -> list[str]:
    return docker.with_name("docker.calls").read_text(encoding="utf-8").splitlines()


def test_a_folder_arrives_as_it_is_and_replaces_the_one_before(made: BoxEngine, tmp_path: Path) -> None:
    folder = tmp_path / "first"
    (folder / "context").mkdir(parents=True)
    (folder / "context" / "run.sh").write_bytes(b"#!/bin/sh\n")
    (folder / "context" / "run.sh").chmod(0o777)
    (folder / "context" / "link").symlink_to("run.sh")
    (folder / ".dockerignore").write_text("*", encoding="utf-8")
    os.setxattr(folder / "context" / "run.sh", "user.mark", b"\xff1")
    os.utime(folder / "context", (1_600_000_000, 1_600_000_000))
    there = Path(made.place(folder))
    assert (there / "context" / "run.sh").stat().st_mode & 0o7777 == 0o777
    assert os.getxattr(there / "context" / "run.sh", "user.mark") == b"\xff1"
    assert (there / "context" / "link").readlink() == Path("run.sh")
    assert (there / "context").stat().st_mtime == 1_600_000_000
    assert (there / ".dockerignore").exists()
    (folder / "context" / "run.sh").unlink()
    made.place(folder)
    assert sorted(path.name for path in (there / "context").iterdir()) == ["link"]


def test_a_folder_that_the_box_refuses_is_an_error_of_the_command(made: BoxEngine, tmp_path: Path) -> None:
    (tmp_path / "there").write_text("in the way", encoding="utf-8")
    with pytest.raises(CommandError, match="cannot send exercise on guest"):
        made.place(made.student / "exercise")


def program(made: BoxEngine, words: Sequence[str], cwd: Path) -> subprocess.CompletedProcess[str]:
    path = made.student / "docker"
    path.write_text(made.client_text(), encoding="utf-8")
    path.chmod(0o755)
    return subprocess.run([path, *words], cwd=cwd, capture_output=True, text=True, check=False)


def test_the_students_program_calls_the_client_of_the_box_in_the_same_place(made: BoxEngine, tmp_path: Path) -> None:
    exercise = made.student / "exercise"
    strange = ["it's", "a  b", "$HOME", "`id`", "-t", str(exercise / "Dockerfile"), str(made.student), "/etc/passwd"]
    ended = program(made, ["which", *strange], exercise)
    sent = f"{made.there}/sent"
    folder, *rest = ended.stdout.splitlines()
    assert (ended.returncode, folder) == (3, f"{sent}/exercise"), ended.stderr
    assert rest[:2] == ["DOCKER_BUILDKIT=1", f"DOCKER_CONFIG={made.config}"]
    wanted = ["it's", "a  b", "$HOME", "`id`", "-t", f"{sent}/exercise/Dockerfile", sent, "/etc/passwd"]
    assert rest[2:] == [f"<{word}>" for word in wanted]
    assert program(made, ["which"], tmp_path).stdout.splitlines()[0] == sent


def test_the_program_sends_the_exercise_before_each_call(made: BoxEngine) -> None:
    path = made.student / "exercise" / "new file"
    path.write_text("1", encoding="utf-8")
    there = Path(made.there, "sent", "exercise", "new file")
    program(made, ["which"], made.student)
    assert there.read_text(encoding="utf-8") == "1"
    path.unlink()
    program(made, ["which"], made.student)
    assert not there.exists()


def test_the_builds_of_a_check_are_made_on_the_box(made: BoxEngine, docker: Path, tmp_path: Path) -> None:
    student = StudentFolder(made.student)
    project = Project(tmp_path / "place", tmp_path / "cache")
    with open_bench(lesson(), student, {"26.1.5": made}, ROOT / "boxes", project.state, lambda event: None) as bench:
        found = bench.made("after")
        base = f"lesson-check/base:{bench.nonce}"
        assert found.problem == ""
        assert [outcome for _, outcome in found.steps] == [Outcome.HIT]
        assert found.context.is_dir(), "what the conditions look at is on this machine"
    sent = Path(made.there, "sent")
    assert (sent / "after" / "Dockerfile").read_text(encoding="utf-8").startswith(f"FROM {base}\n")
    assert sorted(path.name for path in sent.iterdir()) == ["after", "base.tar", "before"]
    assert f"import {sent}/base.tar {base}" in calls(docker)
    assert calls(docker)[-1].startswith("rmi -f lesson-check/base:")


@pytest.fixture
def project(tmp_path: Path, sshd: Sshd) -> Project:
    """A checkout with a lineup of one host behind ssh."""
    address = sshd.box().address
    assert address
    boxes = tmp_path / "place" / "boxes"
    (boxes / "lineups").mkdir(parents=True)
    for name in ("engines.yaml", "lineups/local.yaml", "local.yaml"):
        (boxes / name).write_bytes((ROOT / "boxes" / name).read_bytes())
    for name in ("engines", "buildkit"):
        (boxes / name).symlink_to(ROOT / "boxes" / name)
    (boxes / "guest.yaml").write_text(
        f"name: guest\nsummary: a host\nkind: ssh\nhost: {address.host}\nport: {address.port}\n"
        f"user: {address.user}\nkey: {address.key}\nengines: [installed]\n"
    )
    (boxes / "lineups" / "guests.yaml").write_text(
        "name: guests\nsummary: a host\nscenario: copy-bust\nboxes: [guest]\n"
    )
    (tmp_path / "place" / "templates").symlink_to(ROOT / "templates")
    return Project(tmp_path / "place", tmp_path / "cache")


@pytest.fixture
def desk(project: Project, tmp_path: Path, docker: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """A student's folder. The host has no systemd that could start an engine, so `up` finds one that answers."""

    def up(fleet: Fleet, lineup: str, specs: Sequence[BoxSpec], wanted: Sequence[str]) -> list[Ready]:
        from lab.boxes.kinds.table import open_box

        found = open_box(specs[0], fleet.project)
        found.bring_up(fleet.tell)
        return [Ready(found, specs[0], tuple(engine_of(docker) for _ in wanted), ())]

    monkeypatch.setattr(Fleet, "up", up)
    return Desk(lesson(), tmp_path / "student", project, lambda event: None)


def home_on(desk: Desk, sshd: Sshd) -> Path:
    engines = desk.engines("guest")
    assert isinstance(engines, BoxEngines)
    return sshd.folder / "home" / "lab-lessons" / engines.name


def test_a_lesson_on_a_box_has_its_base_image_and_its_program(desk: Desk, docker: Path) -> None:
    with desk.hold("lesson start"):
        desk.start("guest")
    found = desk.need()
    assert (found.box, found.engines) == ("guest", {"26.1.5": "26.1.5 on guest"})
    assert docker.with_name("docker.images").read_text(encoding="utf-8") == f"{BASE}\n"
    assert shlex.quote(str(desk.student.home)) in desk.student.client.read_text(encoding="utf-8")
    with desk.hold("lesson start"):
        desk.start()
    assert len([call for call in calls(docker) if call.startswith("import ")]) == 1, "the image is there already"


def test_a_box_is_held_while_a_lesson_uses_it_and_free_afterwards(desk: Desk) -> None:
    with desk.hold("lesson start"):
        desk.start("guest")
        with pytest.raises(BusyError, match="cannot use guest"), hold(desk.project.state, ["guest"], "repro"):
            raise AssertionError("the box is held twice")
    with hold(desk.project.state, ["guest"], "repro"):
        assert desk.need()


def test_reset_empties_the_engine_of_the_box_and_stop_removes_the_folder_on_it(
    desk: Desk, docker: Path, sshd: Sshd
) -> None:
    with desk.hold("lesson start"):
        desk.start("guest")
        there = home_on(desk, sshd)
        assert there.is_dir()
        desk.reset()
    assert calls(docker)[-3:-1] == ["system prune -a -f", "builder prune -a -f"]
    assert calls(docker)[-1].endswith(f" {BASE}")
    with desk.hold("lesson stop"):
        assert desk.stop() == [f"guest:{there}"]
    assert not there.exists()


def test_a_lesson_stays_on_its_box(desk: Desk) -> None:
    copy_start(desk.lesson.start, desk.student.exercise)
    store.save(desk.home, Progress(lesson=desk.lesson.name, started=datetime.now(UTC)))
    with pytest.raises(UsageError, match="cannot use guest for this lesson: it was started on this machine"):
        desk.start("guest")
    with pytest.raises(UsageError, match='cannot find the box "gest"'):
        desk.engines("gest")
