"""The case library: each case can be loaded, says what it is about, and is found by tag and word."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from lab.errors import UsageError
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
