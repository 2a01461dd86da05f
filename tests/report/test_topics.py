"""The pages of `lab help`: each is made from the data that the rest of lab uses."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.errors import ConfigError, exit_codes
from lab.explain.kinds import CAUSES
from lab.report.topics import Topic, Topics
from tests.conftest import ROOT

TOPICS = Topics(ROOT / "boxes", ROOT)
ALL = TOPICS.all()


def page(word: str) -> Topic:
    [found] = TOPICS.named(word)
    return found


def part(topic: Topic, heading: str) -> tuple[str, ...]:
    return dict(topic.parts)[heading]


def test_there_is_a_page_for_everything_that_has_a_name() -> None:
    kinds: dict[str, list[str]] = {}
    for topic in ALL:
        kinds.setdefault(topic.kind, []).append(topic.name)
    assert kinds["rule set"] == [f"R{number}" for number in range(1, 10)]
    assert kinds["exit code"] == [f"exit-{item.code}" for item in exit_codes()]
    assert len(kinds["cause"]) == len(CAUSES)
    assert kinds["known bug"] == [bug.name for bug in TOPICS.upstream.bugs]
    glossary = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8")
    assert [word for word in kinds["word"] if f"| {word} | " not in glossary] == []
    assert {"trial", "rule set", "box"} <= set(kinds["word"])


def test_no_two_pages_share_a_name() -> None:
    names = [name.lower() for topic in ALL for name in (topic.name, *topic.aliases) if "#" not in name]
    assert sorted({name for name in names if names.count(name) > 1}) == []


@pytest.mark.parametrize("topic", ALL, ids=lambda topic: topic.name)
def test_every_page_has_a_summary_and_no_empty_part(topic: Topic) -> None:
    assert topic.summary and topic.summary.isprintable()
    assert all(heading and lines and all(lines) for heading, lines in topic.parts)
    assert [name for name in topic.see if not TOPICS.named(name)] == []


@pytest.mark.parametrize(
    ("word", "name"),
    [
        ("r7", "R7"),
        ("buildkit#1330", "security-attributes"),
        ("https://github.com/moby/buildkit/pull/1526", "security-attributes"),
        ("exit-12", "exit-12"),
        ("12", "exit-12"),
        ("exit 12", "exit-12"),
        ("Trial", "trial"),
        ("rule-set", "rule set"),
        ("a file of a COPY or a mount", "cause-files"),
        ("base image", "cause-base"),
        ("20.10.24", "20.10.24"),
        ("20.10.24-unfixed", "20.10.24-unfixed"),
        ("buildkit-0.33.0", "buildkit-0.33.0"),
        ("17.05", None),
        ("", None),
    ],
)
def test_names(word: str, name: str | None) -> None:
    found = [topic.name for topic in TOPICS.named(word)]
    assert (name in found) if name else found == []


def test_one_issue_can_be_of_two_bugs() -> None:
    assert [topic.name for topic in TOPICS.named("buildkit#1526")] == ["security-attributes", "capability"]


def test_a_rule_set_lists_its_versions_and_marks_what_is_predicted() -> None:
    nine = page("R9")
    assert part(nine, "Docker") == ("29.1.0 to 29.7.2 (BuildKit 0.26 to 0.32)",)
    assert part(nine, "BuildKit on its own") == ("0.26.0 to 0.32.2 (predicted)", "0.33.0 to 0.33 (predicted)")
    assert nine.see == ("R8",)
    assert "19.03.0 to 19.03.12 (BuildKit 0.5.1 to 0.6.4)" in part(page("R1"), "Docker")
    assert "every extended attribute, the SELinux label included" in part(page("R1"), "hashed of each object")


def test_a_bug_names_versions_conditions_and_what_to_do() -> None:
    bug = page("buildkit#4674")
    assert part(bug, "only if") == ("another build runs on the same BuildKit at the same time",)
    assert part(bug, "fixed")[0] == "not fixed as a whole"
    assert part(page("dropped-cache-link"), "affected") == ("BuildKit up to 0.32.2",)
    assert part(page("wildcard-names"), "affected") == ("Docker 18.09 to 20.10.6",)


def test_an_engine_has_its_rule_set_its_buildkit_and_its_bugs() -> None:
    engine = page("19.03.8")
    assert part(engine, "hashes by") == ("R1",)
    assert part(engine, "contains") == ("BuildKit 0.6.4",)
    assert any(line.startswith("duplicate-layers: ") for line in part(engine, "known bugs of its cache"))
    assert len(part(page("buildkit-0.33.0"), "hashes by")) == 2  # the second line says that it is predicted
    assert dict(page("18.09.9").parts)["inline cache"][0].startswith("none")


def test_a_glossary_that_is_missing_is_an_error_of_the_installation(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot read the glossary"):
        Topics(ROOT / "boxes", tmp_path).all()
