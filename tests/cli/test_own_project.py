"""`repro --context` and `init --scenario` as programs: what is refused before a box is touched, each with its code."""

from __future__ import annotations

import socket
from pathlib import Path

import click
import pytest

from lab.cli.own_project import ProjectWords, bases_of, project_options, read_own
from lab.errors import UsageError
from tests.cli.program import Run

PINNED = f"alpine@sha256:{'1' * 64}"


def project(folder: Path, text: str = "FROM alpine\nCOPY a /a\n") -> Path:
    folder.mkdir()
    (folder / "Dockerfile").write_text(text)
    (folder / "a").write_text("a\n")
    return folder


@pytest.mark.parametrize(
    ("words", "code", "text"),
    [
        (("--context", "none"), 13, "cannot read the context none: it is not a folder"),
        (("--context", "p", "-f", "p/none"), 13, "cannot read p/none: No such file or directory"),
        (("--context", "bad"), 10, "cannot use bad/Dockerfile: line 2, column 1: unknown instruction: CPY"),
        (("--context", "p", "--target", "x"), 2, 'cannot find the stage "x" in the Dockerfile'),
        (("--context", "p", "--transfer", "exat"), 2, '(did you mean "exact"?)'),
        (("--context", "p", "--base", "alpin=x"), 2, '(did you mean "alpine"?)'),
        (("--context", "p", "--base", "alpine="), 2, "it is not IMAGE or NAME=IMAGE"),
        (("--context", "p", "--secret", "id=x,src=none"), 13, "cannot use --secret id=x"),
        (("--context", "p", "--largest", "1"), 13, "the largest files are big"),
        (("--context", "p", "copy-bust"), 2, "cannot run several of a scenario, a bundle and a --context at once"),
        (("copy-bust", "--stub-runs"), 2, "cannot use --stub-runs without --context"),
        (("copy-bust", "--base", "a=b"), 2, "cannot map base images without --context"),
        (("copy-bust", "--base", "Not An Image"), 2, 'cannot read "Not An Image" as an image\'s name'),
        (("copy-bust", "--base", "docker://alpine"), 2, 'cannot use "docker://alpine" as an image\'s name'),
        (("--context", "p", "--base", "alpine=A"), 2, 'cannot read "A" as an image\'s name'),
        (("copy-bust", "--registry", "http://r"), 2, 'cannot use the registry "http://r"'),
        (("copy-bust", "--registry", ""), 2, "cannot use the option --registry: it is empty"),
        (("copy-bust", "--target", "a"), 2, "cannot use --target without --context"),
    ],
)
def test_what_is_refused(lab: Run, tmp_path: Path, words: tuple[str, ...], code: int, text: str) -> None:
    project(tmp_path / "p")
    project(tmp_path / "bad", "FROM alpine\nCPY a /a\n")
    with (tmp_path / "p/big").open("wb") as out:
        out.truncate(2_000_000)
    done = lab(tmp_path, "repro", "--lineup", "local", *words)
    assert done.returncode == code, done.stderr
    assert text in " ".join(done.stderr.split())


def test_a_socket_in_the_context(lab: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project(tmp_path / "p"))
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("s")
        done = lab(tmp_path, "repro", "--lineup", "local", "--context", "p")
    assert done.returncode == 13 and "cannot send s of p: it is a socket" in " ".join(done.stderr.split())


def words_of(*argv: str) -> ProjectWords:
    """The words that the options give a verb."""
    found: list[ProjectWords] = []

    @click.command()
    @project_options
    def verb(own: ProjectWords) -> None:
        found.append(own)

    verb.main(list(argv), standalone_mode=False)
    return found[0]


def test_what_the_user_should_know_is_said_before_anything_is_sent(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = project(tmp_path / "p")
    (folder / "out").symlink_to("/etc/passwd")
    with (folder / "big").open("wb") as out:
        out.truncate(150_000_000)
    read = read_own(words_of("--context", str(folder), "--build-arg", "A=1", "--base", "x", "--stub-runs"))
    assert read is not None and read.request.bases == {"*": "x"} and read.request.stub_runs
    said = capsys.readouterr().err
    assert "4 objects, 150 MB, are sent to each box" in said
    assert "note: out leads out of the context" in said


def test_without_a_context_there_is_one_base_image() -> None:
    assert read_own(words_of()) is None
    assert words_of().base() is None and words_of("--base", PINNED).base() == PINNED
    with pytest.raises(UsageError):
        words_of("--base", "a", "--base", "b").base()
    assert bases_of(("a=b", "reg:5000/x=c", "d")) == {"a": "b", "reg:5000/x": "c", "*": "d"}


def test_a_scenario_of_a_project_is_one_that_lab_reads(lab: Run, tmp_path: Path) -> None:
    project(tmp_path / "my-app")
    done = lab(tmp_path, "init", "my-app", "--scenario", "--base", "alpine=busybox")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[0] == "written to project-my-app: 3 files"
    assert (tmp_path / "project-my-app/Dockerfile.j2").read_text() == "FROM {{ base }}\nCOPY a /a\n"
    again = lab(tmp_path, "init", "my-app", "--scenario")
    assert again.returncode == 2 and "it exists already" in again.stderr
    assert lab(tmp_path, "init", "my-app", "--scenario", "--force").returncode == 0
    wrong = lab(tmp_path, "init", "x", "--target", "y")
    assert wrong.returncode == 2 and "add --scenario" in wrong.stderr and not (tmp_path / "x").exists()
