"""A diagnosis as a comment on a pull request, read back by a Markdown parser, and as annotations."""

from __future__ import annotations

import re
from dataclasses import replace

from markdown_it import MarkdownIt

from lab.explain.explanation import Role
from lab.explain.places import Place
from lab.explain.search.usual import load_usual
from lab.explain.why import Answer, Diagnosis, Searching, diagnose
from lab.model import Outcome
from lab.registry.found import FoundCache
from lab.report.why_comment import LONGEST, MOST, comment, warnings_of
from tests.conftest import ROOT
from tests.explain.builds import question

ASKED = question("max", "both")
SOURCES = [FoundCache("local cache", "cache", tuple(ASKED.caches))]
FOUND = diagnose(ASKED, Searching(load_usual(ROOT / "boxes"), limit=20))


def made(found: Diagnosis = FOUND) -> str:
    return comment(SOURCES, ASKED, found, assumed=True)


def rows(text: str) -> list[list[str]]:
    """The cells of the table, without the header."""
    tokens = MarkdownIt().enable("table").parse(text)
    found: list[list[str]] = []
    for number, token in enumerate(tokens):
        if token.type == "tr_open":
            found.append([])
        elif token.type == "td_open":
            found[-1].append(tokens[number + 1].content)
    return found[1:]


def test_the_cause_comes_first_and_each_step_has_a_row() -> None:
    text = made()
    lines = text.splitlines()
    assert lines[0] == "### Docker build cache: 7 of 9 steps would run"
    assert lines[2].startswith("**Cause:** `COPY package.json ./` (build 3/6, line 3): line ends of package.json: LF")
    assert "Docker 26.1.5, the newest that lab knows" in text
    found = rows(text)
    assert [row[2] for row in found] == ["would hit", *["would run"] * 4, "would hit", *["would run"] * 3]
    assert found[1][:2] == ["build 3/6", "`COPY package.json ./`"]
    assert "<details>" in text and "- package.json: line ends: LF; here it is CRLF" in text


def odd(instruction: str, count: int = 1) -> Diagnosis:
    step = Answer(Place("x", 1, 1, 1), instruction, Outcome.RAN, Role.CAUSE, f"because of {instruction}")
    return Diagnosis((step,) * count, 0)


def test_text_of_a_dockerfile_has_no_effect_in_markdown() -> None:
    text = made(odd("RUN echo '|' `date` <script> @everyone </details> \x1b[31m\n# heading"))
    tokens = MarkdownIt().enable("table").parse(text)
    assert [token.content for token in tokens if token.type == "html_block"] == []
    assert "@everyone" not in re.sub(r"(`+).*?[^`]\1(?!`)", "", text)  # a code span notifies nobody
    assert len(rows(text)) == 1
    assert "\x1b" not in text


def test_a_long_build_fits_into_a_comment() -> None:
    text = made(odd("RUN " + "x" * 10_000, MOST + 7))
    assert len(rows(text)) == MOST
    assert "7 more steps are left out." in text
    assert max(len(row[1]) for row in rows(text)) <= LONGEST + 2


def test_where_all_hit_there_is_neither_cause_nor_evidence() -> None:
    hit = replace(odd("RUN x").steps[0], outcome=Outcome.HIT, role=Role.HIT)
    text = made(Diagnosis((hit,)))
    assert text.startswith("### Docker build cache: the only step would hit")
    assert "Cause" not in text and "<details>" not in text
    assert warnings_of(Diagnosis((hit,)), "Dockerfile") == []


def test_each_cause_is_a_warning_at_its_line_and_a_consequence_none() -> None:
    found = warnings_of(FOUND, "app/Dockerfile")
    assert [(item.level, item.file, item.line) for item in found] == [
        ("warning", "app/Dockerfile", 3),
        ("warning", "app/Dockerfile", 10),
    ]
    assert found[0].message == (
        "build 3/6 COPY package.json ./: line ends of package.json: LF at the producer, CRLF here; "
        "5 more steps would run because of it"
    )


def test_a_step_that_is_not_known_is_a_notice() -> None:
    step = replace(odd("RUN x").steps[0], outcome=Outcome.UNKNOWN, role=Role.UNKNOWN)
    [found] = warnings_of(Diagnosis((step,)), "Dockerfile")
    assert (found.level, found.message) == ("notice", "x 1/1 RUN x: because of RUN x")


SECRET_STEP = (
    "ADD https://ci:hunter2hunter2@example.org/f.tgz?X-Amz-Signature=5ecret5ecret --token=hunter2hunter2 " + "x" * 60
)


def test_no_secret_of_an_instruction_is_published() -> None:
    """BuildKit and lab show an instruction with the values of build arguments in it."""
    for instruction in (SECRET_STEP, SECRET_STEP + "|`", "RUN " + "y" * (LONGEST - 30) + SECRET_STEP):
        found = odd(instruction)
        unknown = replace(found.steps[0], outcome=Outcome.UNKNOWN)
        shown = [made(found), *map(str, warnings_of(found, "D")), *map(str, warnings_of(Diagnosis((unknown,)), "D"))]
        assert len(shown) == 3
        for text in shown:
            assert "hunter2" not in text and "5ecret" not in text
            assert "login" in text
    assert "secret" in made(odd(SECRET_STEP))
