"""`lab cases`: what is listed and described, and what is refused."""

from __future__ import annotations

import json

from click.testing import CliRunner, Result

from lab.cli.main import lab


def run(*words: str) -> Result:
    return CliRunner().invoke(lab, ["cases", *words], env={"COLUMNS": "80"})


def test_the_cases_are_listed_within_the_width() -> None:
    listed = run().output.splitlines()
    assert listed[0].split() == ["case", "tags", "what"]
    assert any(line.startswith("stale-content ") for line in listed)
    assert not any(line.startswith("truth-file") for line in listed)  # a scenario without a mechanism is no case
    assert max(map(len, listed)) <= 80


def test_they_are_narrowed_by_tag_and_word() -> None:
    found = json.loads(run("--tag", "wrong-hit", "--json").output)["cases"]
    names = {"copy-from-owner", "secret-value", "stale-after-restart", "stale-content", "stale-folder-mode"}
    names |= {"hard-link-stale", "layer-twice", "wildcard-rename", "wildcard-moved", "wildcard-link", "copy-from-chown"}
    assert {item["name"] for item in found} == names
    assert "no case has these tags and this word" in run("--search", "no such word").output


def test_a_case_is_described() -> None:
    text = run("show", "stale-content").output
    assert text.startswith("stale-content: other bytes of the same size and time, without a prune")
    assert "What to look at: the bytes of /app.txt in the image." in text
    assert "https://github.com/moby/buildkit/issues/2592" in text
    assert "**Predict.** The first build is done." in text
    assert "    lab repro stale-content --lineup local" in text
    found = json.loads(run("show", "stale-content", "--json").output)
    assert found["lesson"].startswith("# A hit with the wrong bytes")
    assert [step["expect"] for step in found["steps"]] == ["hit", "wrong-hit", "hit"]
    assert found["free_commands"] is False


def test_an_unknown_tag_and_an_unknown_case_are_refused_with_the_nearest() -> None:
    assert "did you mean" in str(run("--tag", "mod").exception)
    assert "did you mean" in str(run("show", "crfl").exception)


def test_names_and_tags_do_not_go_together() -> None:
    assert "cannot choose cases by name and by tag at once" in str(run("check", "crlf", "--tag", "mode").exception)
