"""`lab init` as a program: what it writes, what it refuses, and that lab works in what it wrote."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.program import Run
from tests.conftest import ROOT


def content(folder: Path, *names: str) -> dict[str, tuple[bytes, bool]]:
    """The bytes of every file below these names, and whether it can be executed."""
    files = [path for name in names for path in (folder / name, *(folder / name).rglob("*")) if path.is_file()]
    return {str(path.relative_to(folder)): (path.read_bytes(), os.access(path, os.X_OK)) for path in files}


def test_it_writes_a_workplace_in_which_lab_works(lab: Run, tmp_path: Path) -> None:
    done = lab(tmp_path, "init", "my boxes")
    mine = tmp_path / "my boxes"
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[:3] == [
        "written to my boxes: README.md, Vagrantfile, boxes/, results/, templates/",
        "next:",
        "  cd 'my boxes'             lab uses this folder when it runs there",
    ]
    assert sorted(path.name for path in mine.iterdir()) == [
        "README.md", "Vagrantfile", "boxes", "results", "templates",
    ]  # fmt: skip
    data = ("Vagrantfile", "boxes", "templates")
    assert content(mine, *data) == content(ROOT, *data)
    assert list((mine / "results").iterdir()) == []
    text = (mine / "boxes" / "debian13.yaml").read_text().replace("name: debian13", "name: mine")
    (mine / "boxes" / "mine.yaml").write_text(text)
    listed = lab(mine / "boxes", "boxes")
    assert [line.split()[:2] for line in listed.stdout.splitlines() if line.startswith("mine ")] == [
        ["mine", "vagrant"]
    ], listed.stderr


def test_its_next_commands_run_after_cd(tmp_path: Path) -> None:
    bare = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    for number, (folder, python, given) in enumerate(
        ((ROOT, sys.executable, {}), (ROOT, os.path.relpath(sys.executable, ROOT), {"PYTHONPATH": "."}))
    ):
        mine = tmp_path / f"mine {number}"
        argv, env = [python, "-m", "lab", "init", str(mine)], {**bare, **given}
        done = subprocess.run(argv, cwd=folder, env=env, capture_output=True, text=True, check=True)
        enter, boxes = (line.strip().split("  ")[0] for line in done.stdout.splitlines()[2:4])
        listed = subprocess.run(
            f"{enter} && {boxes}", shell=True, cwd=folder, env=env, capture_output=True, text=True, check=False
        )
        assert "debian13 " in listed.stdout, (boxes, listed.stderr)


def test_its_next_commands_name_the_program_as_it_was_called(tmp_path: Path) -> None:
    script = tmp_path / "bin" / "lab"
    script.parent.mkdir()
    start = f"import sys; sys.path.insert(0, {str(ROOT)!r}); from lab.__main__ import main; main()"
    script.write_text(f"#!{sys.executable}\n{start}\n")
    script.chmod(0o755)
    done = subprocess.run([script, "init", "mine"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    commands = [line.split("  ")[1] for line in done.stdout.splitlines()[2:]]
    assert commands == ["cd mine", *(f"{script} {verb}" for verb in ("boxes", "up", "repro"))]
    path = {**os.environ, "PATH": f"{script.parent}{os.pathsep}{os.environ['PATH']}"}
    argv = ["lab", "init", "more"]
    done = subprocess.run(argv, cwd=tmp_path, env=path, capture_output=True, text=True, check=False)
    assert [line.split("  ")[1] for line in done.stdout.splitlines()[2:]][1:] == ["lab boxes", "lab up", "lab repro"]


def test_every_path_that_its_readme_names_is_there(lab: Run, tmp_path: Path) -> None:
    lab(tmp_path, "init", ".")
    text = (tmp_path / "README.md").read_text()
    assert "`templates/lessons/NAME/`" in text
    named = [cell.split("`")[1] for cell in text.splitlines() if cell.startswith("| `")]
    assert len(named) == 9
    assert [name for name in named if "NAME" not in name and not (tmp_path / name).exists()] == []
    assert [name for name in named if "NAME" in name and not list(tmp_path.glob(name.replace("NAME", "*")))] == []


def test_files_that_are_there_are_listed_and_stay(lab: Run, tmp_path: Path) -> None:
    (tmp_path / "boxes").mkdir()
    (tmp_path / "README.md").symlink_to("gone.md")
    (tmp_path / "other").write_text("mine")
    done = lab(tmp_path, "init", ".")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("lab: cannot write a workplace to .: it holds README.md, boxes/ already\nhint: ")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["README.md", "boxes", "other"]
    assert list((tmp_path / "boxes").iterdir()) == []


def test_a_folder_of_other_files_is_taken(lab: Run, tmp_path: Path) -> None:
    (tmp_path / "other").write_text("mine")
    assert lab(tmp_path, "init", ".").returncode == 0
    assert (tmp_path / "other").read_text() == "mine"


def test_force_overwrites_the_files_that_lab_brings_and_no_other(lab: Run, tmp_path: Path) -> None:
    lab(tmp_path, "init", ".")
    (tmp_path / "Vagrantfile").write_text("changed")
    (tmp_path / "boxes" / "mine.yaml").write_text("kept")
    (tmp_path / "results" / "run").mkdir()
    assert lab(tmp_path, "init", "--force", ".").returncode == 0
    assert (tmp_path / "Vagrantfile").read_bytes() == (ROOT / "Vagrantfile").read_bytes()
    assert (tmp_path / "boxes" / "mine.yaml").read_text() == "kept"
    assert (tmp_path / "results" / "run").is_dir()


def test_it_writes_labs_own_data_whatever_workplace_it_runs_in(lab: Run, tmp_path: Path) -> None:
    lab(tmp_path, "init", ".")
    (tmp_path / "Vagrantfile").write_text("changed")
    assert lab(tmp_path, "init", "second").returncode == 0
    assert (tmp_path / "second" / "Vagrantfile").read_bytes() == (ROOT / "Vagrantfile").read_bytes()


def test_what_the_disk_refuses_is_an_error_in_words(lab: Run, tmp_path: Path) -> None:
    done = lab(tmp_path, "init", "x" * 300)  # longer than a name may be
    assert done.returncode == 5
    assert done.stderr.startswith("lab: cannot write xxx"), done.stderr


@pytest.mark.parametrize(
    ("words", "what"),
    [
        (("file",), "a workplace to file"),
        (("file/below/it",), "a workplace to file/below/it"),
        (("p", "--scenario", "--into", "file", "--force"), "a scenario to file"),
        (("p", "--scenario", "--into", "file/x"), "a scenario to file/x"),
    ],
)
def test_a_file_is_no_folder(lab: Run, tmp_path: Path, words: tuple[str, ...], what: str) -> None:
    (tmp_path / "file").write_text("mine\n")
    (tmp_path / "p").mkdir()
    (tmp_path / "p/Dockerfile").write_text("FROM alpine\nCOPY . .\n")
    done = lab(tmp_path, "init", *words)
    assert done.returncode == 2, done.stderr
    assert f"cannot write {what}: file is not a folder" in " ".join(done.stderr.split())
    assert (tmp_path / "file").read_text() == "mine\n"
