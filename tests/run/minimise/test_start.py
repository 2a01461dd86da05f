"""Where a minimisation starts: scenarios, projects, and trials of stored runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.errors import ConfigError, UsageError
from lab.explain.subject import subject
from lab.results.run import Run, Trial, load
from lab.run.context_files import MAX_CONTEXT_BYTES
from lab.run.minimise.candidate import Candidate, File
from lab.run.minimise.parts import value_of
from lab.run.minimise.start import from_project, from_scenario, from_trial
from lab.run.own_project.project import OwnProject, read_project
from lab.run.own_project.request import Request
from tests.conftest import ROOT
from tests.vectors import BOOK

RUNS = ROOT / "tests" / "data" / "runs"


def changes(candidate: Candidate) -> list[dict[str, object]]:
    return [{item.kind: value_of(item)} for item in candidate.build.change]


def own(tmp_path: Path, **options: object) -> OwnProject:
    (tmp_path / "src").mkdir()
    (tmp_path / "src/a.txt").write_text("a\n")
    (tmp_path / "secret").write_text("no\n")
    (tmp_path / ".dockerignore").write_text("secret\n")
    (tmp_path / "run.sh").write_text("#!/bin/sh\n")
    (tmp_path / "run.sh").chmod(0o755)
    (tmp_path / "src/link").symlink_to("a.txt")
    (tmp_path / "Dockerfile").write_text(
        "ARG V=1\nFROM x AS one\n# c\nCOPY run.sh /\nCOPY src \\\n  /src\nFROM x\nRUN y\n"
    )
    return read_project(Request(tmp_path, **options))  # type: ignore[arg-type]


def test_a_variation_of_a_scenario() -> None:
    found = from_scenario(ROOT / "templates/scenarios/copy-bust", "user-xattr")
    assert found.build.dockerfile == "FROM {{base}}\nRUN echo foo\nCOPY bar bar\nRUN echo baz\n"
    assert changes(found) == [{"commands": {"run": [["setfattr", "-n", "user.lab", "-v", "1", "bar"]], "root": False}}]
    assert list(found.files) == ["bar"]
    with pytest.raises(UsageError, match=r'"user-xatr" .*did you mean "user-xattr"'):
        from_scenario(ROOT / "templates/scenarios/copy-bust", "user-xatr")


def test_a_project_up_to_its_target(tmp_path: Path) -> None:
    found = from_project(own(tmp_path, target="one", build_args=("V=2",)), "mode", BOOK.newest)
    assert found.build.before == ("ARG V=1",)
    assert found.build.dockerfile.splitlines() == [
        "ARG V=1",
        "FROM x AS one",
        "COPY run.sh /",
        "COPY src   /src",
    ]
    assert found.build.arguments == {"V": "2"} and found.build.flags == ()
    assert set(found.files) == {".dockerignore", "run.sh", "src/a.txt"}
    assert found.files["run.sh"] == File(b"#!/bin/sh\n", executable=True)
    assert [{item.kind: value_of(item)} for item in found.build.prepare] == [{"link": {"src/link": "a.txt"}}]


def test_the_file_that_a_variation_changes(tmp_path: Path) -> None:
    project = own(tmp_path)
    found = from_project(project, "user-xattr", BOOK.newest, on="src/a.txt")
    assert changes(found) == [{"attribute": {"src/a.txt": {"user.lab": "1"}}}]
    with pytest.raises(UsageError, match=r'src/b.txt.*did you mean "src/a.txt"'):
        from_project(project, "user-xattr", BOOK.newest, on="src/b.txt")
    with pytest.raises(UsageError, match=r'"user-xat" .*did you mean "user-xattr"'):
        from_project(project, "user-xat", BOOK.newest)


def trial(run: Run, variation: str) -> Trial:
    return next(item for item in run.trials if item.variation == variation)


@pytest.mark.parametrize(
    ("variation", "wanted"),
    [
        ("mode", [{"mode": {"app.txt": "0664"}}]),
        ("content", [{"text": {"app.txt": "other\n"}}]),
        ("user-xattr", [{"attribute": {"app.txt": {"user.lab": "0x31"}}}]),
        ("missing", [{"remove": ["src/a.txt"]}]),
        ("extra", [{"text": {"src/.gitkeep": ""}}]),
    ],
)
def test_a_trial_gives_the_difference_of_its_records(variation: str, wanted: list[dict[str, object]]) -> None:
    run = load(RUNS / "misses")
    found = from_trial(subject(run, trial(run, variation), BOOK))
    assert changes(found) == wanted
    assert found.build.stages[0].start == "FROM {{base}}"
    assert found.files["app.txt"].content == b"app\n"


def test_a_link_in_place_of_a_file() -> None:
    run = load(RUNS / "misses")
    found = changes(from_trial(subject(run, trial(run, "link-only"), BOOK)))
    assert found[0] == {"remove": ["app.txt"]} and list(found[1]) == ["link"]


def test_a_trial_without_a_difference_of_files() -> None:
    run = load(RUNS / "misses")
    with pytest.raises(ConfigError, match="do not differ"):
        from_trial(subject(run, trial(run, "env-early"), BOOK))


def test_a_run_without_records() -> None:
    run = load(RUNS / "schema-1")
    with pytest.raises(ConfigError, match="were not recorded"):
        from_trial(subject(run, trial(run, "user-xattr"), BOOK))


def of_two_boxes() -> tuple[Run, Trial]:
    """The run with a trial without a change whose consumer is another box, which has other modes and one more file."""
    run = load(RUNS / "misses")
    varied = trial(run, "mode")
    return run, varied.model_copy(update={"consumer": "other", "variation": "none"})


def test_the_files_of_another_box_become_a_change() -> None:
    run, between = of_two_boxes()
    found = from_trial(subject(run, between, BOOK))
    assert (found.variation, found.is_varied) == ("as-on-other", True)
    assert changes(found) == [{"mode": {"app.txt": "0664"}}]


def test_two_boxes_themselves_are_the_difference_if_the_user_wants_that() -> None:
    run, between = of_two_boxes()
    found = from_trial(subject(run, between, BOOK), boxes=True)
    assert (found.variation, found.is_varied, changes(found)) == ("none", False, [])


def test_two_boxes_with_the_same_files_are_the_difference() -> None:
    run, between = of_two_boxes()
    same = between.model_copy(update={"context": run.productions[0].context})
    found = from_trial(subject(run, same, BOOK))
    assert (found.variation, found.is_varied) == ("none", False)


def test_contents_that_a_scenario_cannot_hold_are_stated(tmp_path: Path) -> None:
    project = own(tmp_path)
    assert from_project(project, "mode", BOOK.newest).notes == ()
    (tmp_path / "large.bin").write_bytes(bytes(MAX_CONTEXT_BYTES))
    found = from_project(read_project(Request(tmp_path)), "mode", BOOK.newest)
    assert found.files["large.bin"].content == b"" and found.files["run.sh"].content
    [note] = found.notes
    assert note.startswith("1 files with 8.4 MB are empty from the start") and note.endswith("large.bin")
