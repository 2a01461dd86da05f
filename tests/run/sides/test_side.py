"""What each word names as a side, and how its ignore file is obeyed."""

from __future__ import annotations

import io
import json
import os
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from lab.errors import BoxError, ContextError, ReadError, UsageError
from lab.project import Project
from lab.results.run import load
from lab.results.sides import side_document
from lab.run.sides.script import SCRIPT
from lab.run.sides.side import Opener, Side, relative_to
from tests.conftest import ROOT
from tests.reporting import RUNS
from tests.sides import RULE_SETS

# Runs the command here in place of the other host; its last word is what ssh would hand to the shell there.
SSH = '#!/bin/sh\nfor last; do :; done\n{path}cd {home} && exec sh -c "$last"\n'


@pytest.fixture
def opener(tmp_path: Path) -> Opener:
    return Opener(Project(ROOT, tmp_path / "cache"), RULE_SETS)


@pytest.fixture
def app(tmp_path: Path) -> Path:
    """A context with an ignore file of its own and one for services/x/Dockerfile."""
    folder = tmp_path / "app"
    (folder / "services" / "x").mkdir(parents=True)
    for name, text in (
        ("a.txt", "a"),
        ("a.o", "o"),
        ("a.log", "l"),
        (".dockerignore", "*.o\nservices\n"),
        ("services/x/Dockerfile", "FROM x\n"),
        ("services/x/Dockerfile.dockerignore", "*.log\nservices\n"),
    ):
        (folder / name).write_text(text)
    return folder


def paths(side: Side) -> list[str]:
    return [entry.path for entry in side.context.objects if entry.path != ".dockerignore"]


def fake_ssh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str = "") -> None:
    (tmp_path / "bin").mkdir()
    program = tmp_path / "bin" / "ssh"
    program.write_text(SSH.format(home=tmp_path, path=f"PATH={path}; export PATH\n" if path else ""))
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")


def test_a_folder_and_its_records_are_the_same_side(opener: Opener, app: Path, tmp_path: Path) -> None:
    folder = opener.open(str(app))
    assert (folder.kind, paths(folder)) == ("folder", ["a.log", "a.txt"])
    file = tmp_path / "side.json"
    file.write_text(json.dumps(side_document(folder.context.objects, RULE_SETS, folder="app")))
    records = opener.open(str(file))
    assert (records.kind, paths(records)) == ("records", ["a.log", "a.txt"])
    rules = RULE_SETS[-1]
    assert records.context.tree(rules).own == folder.context.tree(rules).own


def test_the_output_of_the_script_is_a_side_and_its_ignore_file_is_obeyed(
    opener: Opener, app: Path, tmp_path: Path
) -> None:
    import subprocess

    done = subprocess.run(["sh", "-s", str(app)], input=SCRIPT.encode(), capture_output=True, check=True)
    (tmp_path / "side.txt").write_bytes(done.stdout)
    assert paths(opener.open(str(tmp_path / "side.txt"))) == ["a.log", "a.txt"]


def test_records_on_standard_input(opener: Opener, app: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = json.dumps(side_document(opener.open(str(app)).context.objects, RULE_SETS, folder="app"))
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
    assert paths(opener.open("-")) == ["a.log", "a.txt"]


def test_the_ignore_file_beside_the_dockerfile_replaces_the_other_on_each_side(
    opener: Opener, app: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dockerfile = app / "services" / "x" / "Dockerfile"
    relative = relative_to(dockerfile, [str(tmp_path / "nothing"), str(app)])
    assert relative == "services/x/Dockerfile"
    chosen = replace(opener, dockerfile=dockerfile, relative=relative)
    fake_ssh(tmp_path, monkeypatch)
    for word in (str(app), f"build7:{app}"):
        assert paths(chosen.open(word)) == ["a.o", "a.txt"], word
    # a Dockerfile that is in none of the sides
    outside = tmp_path / "Other"
    outside.write_text("FROM x\n")
    (tmp_path / "Other.dockerignore").write_text("a.*\n**/Dockerfile*\n")
    assert relative_to(outside, [str(app)]) is None
    chosen = replace(opener, dockerfile=outside)
    for word in (str(app), f"build7:{app}"):
        assert paths(chosen.open(word)) == ["services", "services/x"], word


def test_a_folder_on_another_host_is_listed_there(
    opener: Opener, app: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_ssh(tmp_path, monkeypatch)
    here = opener.open(str(app))
    for word in (f"build7:{app}", "me@build7:app", "build7:~/app"):
        there = opener.open(word)
        assert there.kind.startswith("host ")
        rules = RULE_SETS[0]
        assert there.context.tree(rules).own == here.context.tree(rules).own


def test_a_host_without_gnu_find_runs_the_script(
    opener: Opener, app: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import shutil

    busybox = shutil.which("busybox")
    if busybox is None:
        assert os.environ.get("CI") != "true", "busybox is needed"
        pytest.skip("busybox is not installed")
    applets = tmp_path / "applets"
    applets.mkdir()
    for name in ("sh", "find", "stat", "awk", "cat", "sha256sum", "readlink", "env", "base64", "tr"):
        (applets / name).symlink_to(busybox)
    fake_ssh(tmp_path, monkeypatch, str(applets))
    found = opener.open(f"build7:{app}")
    assert paths(found) == ["a.log", "a.txt"]
    assert not found.context.attributes_known  # busybox reads none


def test_a_context_of_a_stored_run(opener: Opener) -> None:
    word = str(RUNS / "explained")
    box = opener.open(f"{word}:local")
    assert [entry.path for entry in box.context.objects] == ["Dockerfile", "bar"]
    changed = opener.open(f"{word}:local:user-xattr")
    trial = opener.open(f"{word}:local>local:20.10.24/copy-bust:user-xattr")
    assert changed.context.objects == trial.context.objects
    assert changed.context.objects[1].xattrs == {"user.lab": b"1"}
    run = load(RUNS / "explained")
    assert replace(opener, run=run).open("local").context.objects == box.context.objects


@pytest.mark.parametrize(
    ("word", "error", "said"),
    [
        ("gone", UsageError, 'cannot find "gone": there is no such file or folder, and no such box'),
        ("./gone", UsageError, "there is no such file or folder"),
        (":", UsageError, "HOST:PATH has a name of a host before the colon"),
        ("build7:", UsageError, "and a path after it"),
        (f"{RUNS}/explained:locl", UsageError, 'cannot find the box "locl"'),
        (f"{RUNS}/explained:local>locl:20.10.24/copy-bust:none", UsageError, 'did you mean "local>local:'),
        (f"{RUNS}/explained:*:*", UsageError, "match, with different files"),
        (f"{RUNS}/schema-1:debian12-selinux", UsageError, "its files were not recorded"),
        (str(ROOT / "README.md"), ReadError, "it holds no records of a side"),
        ("build7:/nowhere", ContextError, "cannot read build7:/nowhere: "),
    ],
)
def test_words_that_name_nothing(
    opener: Opener, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, word: str, error: type[Exception], said: str
) -> None:
    fake_ssh(tmp_path, monkeypatch)
    with pytest.raises(error) as caught:
        opener.open(word)
    assert said in str(caught.value)
    assert getattr(caught.value, "hint", None)


def test_a_host_that_is_not_reached(opener: Opener, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_ssh(tmp_path, monkeypatch)
    (tmp_path / "bin" / "ssh").write_text("#!/bin/sh\necho 'Connection refused' >&2\nexit 255\n")
    with pytest.raises(BoxError, match="cannot reach build7: Connection refused"):
        opener.open("build7:/app")
