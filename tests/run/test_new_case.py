"""A new case: what is written can be loaded, nothing is overwritten, and nothing is left of what cannot be loaded."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from lab.errors import ConfigError, LabError, UsageError
from lab.run.new_case import Answers, change_of, check_paths, steps_of, templates, write
from tests.conftest import ROOT

SCENARIOS = ROOT / "templates" / "scenarios"
ANSWERS = Answers(
    name="group-write",
    summary="a checkout: the group may write",
    template="file",
    mechanism="BuildKit hashes the mode of a file. The umask of the checkout decides it.",
    changes=('mode: {app.txt: "0664"}', "rename: {app.txt: real.txt}"),
    expect=("hit", "ran", "ran"),
    tags=("mode", "git"),
    references=(("https://github.com/moby/buildkit/issues/3821", "open"),),
    look="the mode of /app.txt",
    difference="# 0664",
)


def test_what_is_written_is_what_was_answered(tmp_path: Path) -> None:
    folder, scenario = write(ANSWERS, tmp_path, SCENARIOS)
    file = scenario.file
    assert folder == tmp_path / "group-write"
    assert (file.name, file.summary, file.tags, file.look) == (
        "group-write",
        "a checkout: the group may write",
        ("mode", "git"),
        "the mode of /app.txt",
    )
    assert file.mechanism == ANSWERS.mechanism
    assert [(item.url, item.state) for item in file.references] == list(ANSWERS.references)
    [variation] = file.variations
    assert (variation.name, variation.summary, variation.default) == ("change", "# 0664", True)
    assert [item.kind for item in variation.changes] == ["mode", "rename"]
    assert variation.expect == ANSWERS.expect
    assert scenario.context["app.txt"][0] == (SCENARIOS / "shared" / "file" / "context" / "app.txt").read_bytes()


def test_a_case_beside_the_shared_templates_uses_them(tmp_path: Path) -> None:
    shared = tmp_path / "shared" / "file"
    (shared / "context").mkdir(parents=True)
    (shared / "Dockerfile.j2").write_text("FROM {{ base }}\nRUN a\nCOPY app.txt /\nRUN b\n")
    (shared / "context" / "app.txt").write_text("app\n")
    folder, scenario = write(ANSWERS, tmp_path, SCENARIOS)
    assert [path.name for path in folder.iterdir()] == ["scenario.yaml"]
    assert scenario.instructions == ("RUN a", "COPY app.txt /", "RUN b")


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    write(ANSWERS, tmp_path, SCENARIOS)
    before = (tmp_path / "group-write" / "scenario.yaml").read_bytes()
    with pytest.raises(UsageError, match="it exists"):
        write(replace(ANSWERS, summary="other"), tmp_path, SCENARIOS)
    assert (tmp_path / "group-write" / "scenario.yaml").read_bytes() == before


@pytest.mark.parametrize(
    "wrong",
    [
        replace(ANSWERS, name="../group"),
        replace(ANSWERS, name="Group Write"),
        replace(ANSWERS, tags=("two words",)),
        replace(ANSWERS, expect=("hit",)),
        replace(ANSWERS, changes=("{{ nowhere }}: {}",)),
        replace(ANSWERS, summary="{{ nowhere }}", changes=('text: {app.txt: "{{ nowhere }}"}',)),
    ],
)
def test_nothing_is_left_of_a_case_that_cannot_be_loaded(tmp_path: Path, wrong: Answers) -> None:
    with pytest.raises(LabError):
        write(wrong, tmp_path / "cases", SCENARIOS)
    assert not list((tmp_path / "cases").glob("*")) or not (tmp_path / "cases").exists()
    assert not (tmp_path / "group").exists()


def test_the_steps_of_each_template_are_known() -> None:
    assert steps_of("wildcard", SCENARIOS) == ("COPY *.txt /d/", "RUN echo two > /two")
    assert all(steps_of(name, SCENARIOS) for name in templates(SCENARIOS))
    with pytest.raises(UsageError, match='did you mean "file"'):
        steps_of("fil", SCENARIOS)


@pytest.mark.parametrize("text", ["mode", "[", "mood: {a: b}", "mode: {/etc: '0644'}", "mode: {a: rw}"])
def test_what_is_no_change_is_refused_with_an_example(text: str) -> None:
    with pytest.raises((UsageError, ConfigError)) as refused:
        change_of(text)
    assert "mode: {app.txt" in str(refused.value.hint)


@pytest.mark.parametrize(
    ("changes", "named", "near"),
    [
        (['mode: {ap.txt: "0664"}'], 'change 1, mode: {ap.txt: "0664"}: mode names ap.txt', "app.txt"),
        (["remove: [app.tx]"], "remove names app.tx,", "app.txt"),
        (["hard_link: {b.txt: apps.txt}"], "hard_link names apps.txt,", "app.txt"),
        (["rename: {app.txt: website.txt}", "append: {webste.txt: more}"], "change 2, append", "website.txt"),
        (["replace: {Dockerfil: {from: a, to: b}}"], "replace names Dockerfil,", "Dockerfile"),
    ],
)
def test_a_change_of_what_the_template_does_not_have_names_the_nearest(
    tmp_path: Path, changes: list[str], named: str, near: str
) -> None:
    with pytest.raises(UsageError) as refused:
        write(replace(ANSWERS, changes=tuple(changes)), tmp_path, SCENARIOS)
    assert named in refused.value.message
    assert f'(did you mean "{near}"?)' in refused.value.message
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "changes",
    [
        ("rename: {app.txt: web.txt}", 'mode: {web.txt: "0600"}'),
        ("text: {new.txt: x}", "append: {new.txt: more}"),
        ("add: {src: folder}", 'mode: {src/: "0700"}'),
        ('umask: "0022"', "argument: {A: b}"),
    ],
)
def test_a_change_of_what_is_there_or_was_made_before_is_taken(changes: tuple[str, ...]) -> None:
    check_paths(changes, "file", SCENARIOS)


@pytest.mark.parametrize(
    ("text", "place"),
    [("mode: {app.txt: 0664}", "mode.app.txt"), ("umask: 022", "umask"), ("mode: {a: 664}", "mode.a")],
)
def test_a_mode_without_quotes_is_named_with_its_field(text: str, place: str) -> None:
    with pytest.raises(UsageError) as refused:
        change_of(text)
    assert f'{text}: {place}: a mode is three or four octal digits in quotes, such as "0664"' in refused.value.message
