"""A project as it is read: its Dockerfile, what is sent, and what is refused before anything starts."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from lab.errors import ContextError, LabError, ReadError, UsageError
from lab.run.own_project.project import RECIPE, read_project
from lab.run.own_project.request import Request
from tests.repositories import Repository
from tests.run.own_project.refusals import LEFT_TO_THE_ENGINE, REFUSED, UNKNOWN_TO_BOTH, Refused


def project(folder: Path, text: str = "FROM alpine\nCOPY . .\n") -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "Dockerfile").write_text(text)
    (folder / "a").write_text("a\n")
    return folder


def test_what_docker_would_send_and_what_it_reads_itself(tmp_path: Path) -> None:
    folder = project(tmp_path / "My App")
    (folder / ".dockerignore").write_text("b\nDockerfile\n.dockerignore\n")
    (folder / "b").write_text("b")
    read = read_project(Request(folder))
    assert [entry.path for entry in read.objects] == ["a"]
    assert [entry.path for entry in read.own_files] == [".dockerignore", "Dockerfile"]
    assert (read.name, read.size, read.path, read.words) == ("project-my-app", 2, None, ())


def test_the_ignore_file_beside_the_dockerfile_comes_first(tmp_path: Path) -> None:
    folder = project(tmp_path)
    (folder / ".dockerignore").write_text("a\n")
    (folder / "Dockerfile.dockerignore").write_text("nothing\n")
    read = read_project(Request(folder))
    assert "a" in [entry.path for entry in read.objects] and read.ignore == "nothing\n"


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({}, "docker/Dockerfile.dev"),
        ({"stub_runs": True}, RECIPE),
        ({"bases": {"alpine": "busybox"}}, RECIPE),
    ],
)
def test_where_the_dockerfile_is_on_a_box(tmp_path: Path, changes: dict[str, object], path: str) -> None:
    folder = project(tmp_path)
    (folder / "docker").mkdir()
    file = folder / "docker" / "Dockerfile.dev"
    file.write_text("FROM alpine\nRUN x\n")
    read = read_project(Request(folder, file, **changes))  # type: ignore[arg-type]
    assert read.path == path and f"--file={path}" in read.words


def test_a_dockerfile_elsewhere_and_all_options(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSH_AUTH_SOCK", "/run/agent")
    folder, other = project(tmp_path / "c"), project(tmp_path / "other")
    (tmp_path / "D").write_text("FROM alpine AS one\nRUN x\nFROM one\nRUN y\n")
    (tmp_path / "token").write_text("secret")
    read = read_project(
        Request(
            folder,
            tmp_path / "D",
            build_args=("A=1",),
            target="one",
            build_contexts=(f"more={other}", "far=docker-image://alpine"),
            secrets=(f"id=t,src={tmp_path / 'token'}",),
            ssh=("default",),
            network="none",
            platform="linux/arm64",
        )
    )
    assert read.words == (
        f"--file={RECIPE}",
        "--target=one",
        "--network=none",
        "--platform=linux/arm64",
        "--build-context=more=../contexts/0",
        "--build-context=far=docker-image://alpine",
        "--secret=id=t,src=../secrets/0",
        "--ssh=default",
    )
    assert dict(read.arguments) == {"A": "1"} and [entry.path for entry in read.contexts["more"]] == ["Dockerfile", "a"]


@pytest.mark.parametrize("item", REFUSED, ids=lambda item: item.text)
def test_a_dockerfile_that_every_engine_refuses(tmp_path: Path, item: Refused) -> None:
    with pytest.raises(ReadError) as caught:
        read_project(Request(project(tmp_path, item.text), target=item.target))
    begin = f"cannot use {tmp_path / 'Dockerfile'}: line {item.line}, column {item.column}: {item.why}"
    assert caught.value.message.startswith(begin) and caught.value.exit_code == 10


@pytest.mark.parametrize("text", [*LEFT_TO_THE_ENGINE, *UNKNOWN_TO_BOTH])
def test_a_dockerfile_that_some_frontend_accepts_is_left_to_the_engine(tmp_path: Path, text: str) -> None:
    assert read_project(Request(project(tmp_path, text))).text == text


def test_the_nearest_known_word_is_named(tmp_path: Path) -> None:
    with pytest.raises(ReadError, match=r'unknown instruction: CPY \(did you mean "COPY"\?\)$'):
        read_project(Request(project(tmp_path, "FROM a\nCPY a /\n")))
    with pytest.raises(ReadError, match=r'unknown flag: chwon \(did you mean "chown"\?\)$'):
        read_project(Request(project(tmp_path, "FROM a\nCOPY --chwon=1 a /\n")))


def test_the_line_is_that_of_the_users_file_where_another_one_is_built(tmp_path: Path) -> None:
    text = "FROM a\nRUN x \\\n  y\nCPY a /\n"
    with pytest.raises(ReadError, match="line 4, column 1: unknown instruction: CPY"):
        read_project(Request(project(tmp_path, text), stub_runs=True, bases={"a": "busybox"}))


def test_a_target_that_the_dockerfile_does_not_have(tmp_path: Path) -> None:
    text = "FROM a AS build\nRUN b\nFROM a\nRUN c\n"
    with pytest.raises(UsageError, match=r'cannot find the stage "biuld".*did you mean "build"') as caught:
        read_project(Request(project(tmp_path, text), target="biuld"))
    assert str(tmp_path / "Dockerfile") in caught.value.message and caught.value.exit_code == 2


def test_an_object_that_cannot_be_sent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = project(tmp_path)
    monkeypatch.chdir(folder)  # the address of a socket is short
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("run.sock")
        with pytest.raises(ContextError, match=r"cannot send run.sock of .*: it is a socket") as caught:
            read_project(Request(folder))
        assert ".dockerignore" in str(caught.value.hint)
        (folder / ".dockerignore").write_text("*.sock\n")
        read_project(Request(folder))


def test_links_and_strange_names_are_sent_as_they_are(tmp_path: Path) -> None:
    folder = project(tmp_path)
    (folder / "loop").symlink_to("loop")
    (folder / "out").symlink_to("../../etc/passwd")
    (folder / "far").symlink_to("/etc/hosts")
    (folder / os.fsdecode(b"\xff\xfe")).write_text("x")
    read = read_project(Request(folder))
    assert {"loop", "out", os.fsdecode(b"\xff\xfe")} <= {entry.path for entry in read.objects}
    assert [note for note in read.notes if "leads out" in note or "lead out" in note] == [
        "far and 1 other link lead out of the context: docker sends the link, not what it leads to"
    ]


def test_a_context_that_is_too_large_is_refused_before_it_is_read(tmp_path: Path) -> None:
    folder = project(tmp_path)
    with (folder / "big").open("wb") as out:
        out.truncate(5 << 30)  # sparse
    with pytest.raises(ContextError, match=r"docker would send 5\.4 GB.*the largest files are big \(5\.4 GB\)"):
        read_project(Request(folder))
    assert read_project(Request(folder, largest=6 << 30)).size == (5 << 30) + 2 + len("FROM alpine\nCOPY . .\n")


def test_the_dockerfile_of_a_checkout_is_that_of_the_commit(tmp_path: Path) -> None:
    repository = Repository(tmp_path / "repo")
    repository.write("app/Dockerfile", b"FROM alpine\nRUN old\n")
    repository.git("add", "-A")
    repository.git("commit", "-q", "-m", "x")
    folder = repository.folder
    (folder / "app/Dockerfile").write_text("FROM alpine\nRUN new\n")
    (folder / "app/untracked").write_text("x")
    read = read_project(Request(folder / "app", transfer="checkout"))
    assert read.text == "FROM alpine\nRUN old\n" and read.head is not None
    assert read.head.prefix == "app" and "2 files differ from the commit" in read.notes[0]
    (folder / "app/Other").write_text("FROM alpine\nRUN a\n")
    with pytest.raises(ContextError, match="its commit has no Other"):
        read_project(Request(folder / "app", folder / "app/Other", transfer="checkout"))
    with pytest.raises(ContextError, match="cannot send a checkout") as caught:
        read_project(Request(project(tmp_path / "plain"), transfer="checkout"))
    assert "not a git repository" in caught.value.output and "--transfer exact" in str(caught.value.hint)


@pytest.mark.parametrize(
    ("request_of", "error"),
    [
        (lambda folder: Request(folder / "none"), ContextError),
        (lambda folder: Request(folder, folder / "none"), ContextError),
        (lambda folder: Request(folder, build_contexts=("x",)), UsageError),
        (lambda folder: Request(folder, build_contexts=(f"x={folder / 'none'}",)), ContextError),
        (lambda folder: Request(folder, build_args=("=1",)), UsageError),
    ],
)
def test_what_does_not_exist(tmp_path: Path, request_of: object, error: type[LabError]) -> None:
    with pytest.raises(error):
        read_project(request_of(project(tmp_path)))  # type: ignore[operator]


def test_a_checkout_counts_what_docker_would_send(tmp_path: Path) -> None:
    repository = Repository(tmp_path / "repo")
    project(repository.folder / "app")
    repository.write("app/.dockerignore", b"cache\n*.log\n!keep.log\n")
    repository.write("app/gone", b"x")
    repository.commit()
    for path in ("cache/one", "x.log", "new/one", "new/two", "keep.log", "a b"):
        repository.write(f"app/{path}", b"new\n")
    repository.write("elsewhere", b"not of the project\n")
    (repository.folder / "app/gone").unlink()
    read = read_project(Request(repository.folder / "app", transfer="checkout"))
    assert [note.partition(" from ")[0] for note in read.notes] == ["5 files differ"]
    repository.commit()
    repository.write("app/cache/two", b"new\n")
    assert read_project(Request(repository.folder / "app", transfer="checkout")).notes == ()
    (repository.folder / "app/.dockerignore").write_text("*\n")
    [note] = read_project(Request(repository.folder / "app", transfer="checkout")).notes
    assert note.startswith("1 file differs from the commit")
