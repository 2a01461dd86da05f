"""The script of an own project: it makes what the run stores, and asks for what is too large or secret."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

from lab.buildkit.contenthash.entry import Entry
from lab.report.evidence import Evidence
from lab.report.script.project import missing, taken
from lab.report.script.script import script
from lab.results.facts import Given, ProjectFacts
from tests.report.test_script import perform, recorded

BIG = b"large\n" * 1000
PROJECT = ProjectFacts(
    folder="/home/anna/app",
    dockerfile="/home/anna/app/Dockerfile",
    objects=2,
    bytes=6004,
    way="checkout",
    sent="checkout: a fresh clone",
    commit="0123456789abcdef",
    ignore="x\n",
    stubs=True,
    private=("token", "ssh default"),
    contexts=("more",),
)
FLAGS = ("--file=../recipe/Dockerfile", "--build-context=more=../contexts/0", "--secret=id=token,src=../secrets/0")
OBJECTS = (
    Entry("bar", size=4, content=b"bar\n"),
    Entry("big", mode=0o640, size=len(BIG), sha256=sha256(BIG).hexdigest()),
)


def evidence() -> Evidence:
    made = recorded()
    given = Given(flags=FLAGS)
    productions = tuple(item.model_copy(update={"options": given}) for item in made.run.productions)
    [trial] = made.run.trials
    run = made.run.model_copy(
        update={
            "project": PROJECT,
            "base": None,
            "productions": productions,
            "trials": (trial.model_copy(update={"options": given}),),
        }
    )
    abouts = [*(made.phase(item) for item in productions), trial.name]
    return Evidence(run, {}, made.exchanges, dict.fromkeys(abouts, OBJECTS))


# A Docker that keeps the folder of the context, and what lies beside it.
KEEPING = """\
#!/bin/sh
case $1 in
version) echo 19.03.8 ;;
build) cp -a .. "$FAKE/side" ;;
esac
"""


def given(tmp_path: Path) -> dict[str, str]:
    """The folders that the caller of the script names: a copy of the project, and what is in no run."""
    (tmp_path / "keeping").write_text(KEEPING)
    (tmp_path / "keeping").chmod(0o755)
    (tmp_path / "app").mkdir()
    (tmp_path / "app/big").write_bytes(BIG)
    (tmp_path / "own/more").mkdir(parents=True)
    (tmp_path / "own/more/m").write_text("m")
    (tmp_path / "own/token").write_text("hunter2")
    return {"LAB_CONTEXT": str(tmp_path / "app"), "LAB_OWN": str(tmp_path / "own"), "DOCKER": str(tmp_path / "keeping")}


def test_what_is_missing() -> None:
    assert [entry.path for entry in missing(OBJECTS)] == ["big"]
    first, check = taken(PROJECT, OBJECTS)
    assert "too large for a script: big (6.0 kB)" in first
    assert "/home/anna/app at commit 0123456789abcdef" in first and check.endswith("./big")
    assert taken(PROJECT, OBJECTS[:1]) == []


def test_it_makes_the_context_and_what_lies_beside_it(tmp_path: Path) -> None:
    done = perform(tmp_path, evidence(), "a", "docker.io/me", **given(tmp_path))
    assert done.returncode == 0, done.stdout + done.stderr
    side = tmp_path / "side"
    context = side / "context"
    assert (context / "bar").read_bytes() == b"bar\n" and (context / "big").read_bytes() == BIG
    assert (context / "big").stat().st_mode & 0o777 == 0o640
    assert (side / "recipe/Dockerfile").read_text() == evidence().run.dockerfile
    assert (side / "recipe/Dockerfile.dockerignore").read_text() == "x\n"
    assert (side / "contexts/0/m").read_text() == "m" and (side / "secrets/0").read_text() == "hunter2"
    assert not (side / "secrets/1").exists()  # an agent is no file


def test_it_names_what_it_needs(tmp_path: Path) -> None:
    there = given(tmp_path)
    for name, text in (
        ("LAB_CONTEXT", "too large for a script: big (6.0 kB); set LAB_CONTEXT to a copy of /home/anna/app"),
        ("LAB_OWN", "the run had the folder more: set LAB_OWN to a folder with it"),
    ):
        without = {key: value for key, value in there.items() if key != name}
        done = perform(tmp_path, evidence(), "a", "docker.io/me", **without)
        assert done.returncode == 3 and text in done.stderr
    (tmp_path / "app/big").write_bytes(BIG.upper())
    done = perform(tmp_path, evidence(), "a", "docker.io/me", **there)
    assert done.returncode == 3 and "./big of LAB_CONTEXT is not the file of the run" in done.stderr


def test_the_head_says_what_the_project_is() -> None:
    head = script(evidence()).partition("\nset -eu")[0]
    assert "# Base image of the run: those of the Dockerfile" in head
    assert "# sent by checkout: a fresh clone" in head and "--stub-runs" in head
