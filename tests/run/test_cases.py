"""The case library: each case can be loaded, says what it is about, and is found by tag and word."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from lab.errors import ConfigError, UsageError
from lab.run.cases import case, cases
from lab.run.scenarios import load_scenario
from tests.conftest import ROOT

SCENARIOS = ROOT / "templates" / "scenarios"
NAMES = [item.name for item in cases(SCENARIOS)]


@pytest.mark.parametrize("name", NAMES)
def test_each_case_can_be_loaded_and_says_what_it_is_about(name: str) -> None:
    found = case(name, SCENARIOS)
    scenario = load_scenario(found.folder, "base")
    assert found.file.name == name
    assert found.file.tags
    sentences = re.findall(r"[.?](?:\s|$)", (found.file.mechanism or "").replace("COPY . ", ""))
    assert 1 <= len(sentences) <= 3
    assert len(scenario.steps) == len(scenario.instructions) > 0
    for variation in scenario.variations(("all",)):
        if variation:
            assert scenario.changes(variation)


def test_the_short_cases_are_short() -> None:
    lengths = sorted(len((SCENARIOS / name / "scenario.yaml").read_text().splitlines()) for name in NAMES)
    assert lengths[9] < 25


def test_cases_are_found_by_tag_and_word() -> None:
    assert {"umask-file", "exec-bit"} <= {item.name for item in cases(SCENARIOS, tags=("mode",))}
    assert [item.name for item in cases(SCENARIOS, tags=("mode", "git"))] == ["umask-file", "umask-folder"]
    assert "crlf" in {item.name for item in cases(SCENARIOS, word="Line Ends")}
    assert cases(SCENARIOS, word="no such word anywhere") == []


def test_an_unknown_tag_is_refused_with_the_nearest_one() -> None:
    with pytest.raises(UsageError) as refused:
        cases(SCENARIOS, tags=("mod",))
    assert refused.value.message == 'cannot find the tag "mod" (did you mean "mode"?)'


def test_free_commands_are_marked(tmp_path: Path) -> None:
    assert not case("crlf", SCENARIOS).has_free_commands
    assert case("truth-file", SCENARIOS).has_free_commands


def test_a_lesson_has_its_five_parts_and_runs_its_own_case() -> None:
    with_lesson = [item for item in cases(SCENARIOS) if item.lesson]
    assert {item.name for item in with_lesson} >= {
        "selinux-label",
        "umask-file",
        "stale-content",
        "copy-from-owner",
        "stages-minimal",
    }
    for item in with_lesson:
        parts = re.findall(r"^\*\*(\w+)\.\*\*", item.lesson, re.MULTILINE)
        assert parts == ["Goal", "Predict", "Run", "Reveal", "Why"]
        assert re.search(rf"^    lab repro {item.name} ", item.lesson, re.MULTILINE)
        assert set(re.findall(r"lab repro ([a-z-]+)", item.lesson)) <= set(NAMES)
        assert max(map(len, item.lesson.splitlines())) <= 100


def test_a_lesson_that_is_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "scenario.yaml").write_text("name: a\nsummary: s\n")
    (tmp_path / "lesson.md").write_bytes(b"\xff")
    with pytest.raises(ConfigError, match=r"lesson\.md"):
        _ = case(str(tmp_path), SCENARIOS).lesson
