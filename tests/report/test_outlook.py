"""A predicted build as text: rows, sentences and Markdown say the same."""

from __future__ import annotations

from dataclasses import replace

from lab.explain.costs import Cost, Took
from lab.explain.outlook import Outlook, outlook
from lab.explain.why import Diagnosis
from lab.registry.found import FoundCache
from lab.report.outlook import MOST, heads, rows, sentences, summary
from tests.explain.builds import question

ASKED = question("max", "crlf")
FOUND = outlook(ASKED)


def test_a_row_for_each_step_with_its_time() -> None:
    assert heads(FOUND) == ["step", "instruction", "outcome", "seconds", "why"]
    found = {row[0]: row for row in rows(FOUND)}
    assert found["build 2/6"] == ["build 2/6", "WORKDIR /src", "hit", "", ""]
    assert found["build 3/6"][2:] == ["run", "<= 0.1", "the digest of its files is not in the cache"]
    assert found["build 4/6"][2:] == ["run", "<= 6.2", "depends on build 3/6"]


def test_the_sentences_count_name_the_cause_and_sum_up() -> None:
    assert sentences(FOUND) == [
        "3 of 9 steps would hit (33 %), 4 would run, 2 are not known",
        "the cause is build 3/6 COPY package.json ./: the digest of its files is not in the cache",
        "the steps that would run take 8.5 s by cache, an upper bound",
        "the steps that are not known take 1.4 s by cache, an upper bound",
    ]


def test_times_of_several_sources_have_a_column_of_their_own() -> None:
    found = outlook(ASKED, [Took("build", "4/6", FOUND.steps[2].instruction, 6.1, "build.log")])
    assert heads(found)[4] == "source"
    assert {row[0]: row[3:5] for row in rows(found)}["build 4/6"] == ["6.1", "build.log"]
    assert "by cache, build.log, an upper bound" in sentences(found)[-2]


def test_what_has_no_time_is_said() -> None:
    bare = replace(FOUND, costs=(None,) * len(FOUND.steps))
    assert "no source has a time for the steps that would run: --times names a log" in sentences(bare)[-2]
    one = replace(FOUND, costs=(None, None, Cost(2, "x"), *[None] * 6))
    assert sentences(one)[-2] == "the steps that would run take 2.0 s by x; no source has a time for 3 of the 4"


def test_unknown_steps_are_counted_apart() -> None:
    found = sentences(outlook(question("max", "none", based=False)))
    assert found[0] == "0 of 9 steps would hit (0 %), 9 are not known"
    assert sum(line.startswith("the steps that are not known take") for line in found) == 1


def test_an_empty_build() -> None:
    assert sentences(Outlook(Diagnosis(()), ())) == ["the Dockerfile has no step that is looked up in a cache"]


def test_the_summary_has_the_sentences_and_the_table() -> None:
    text = summary([FoundCache("local cache", "c", tuple(ASKED.caches))], ASKED, FOUND)
    assert text.startswith("### Docker build cache, predicted: 3 of 9 steps would hit")
    assert text.count("\n| ") == 2 + 9  # header, rule, steps
    many = Diagnosis(FOUND.steps[:1] * (MOST + 5))
    long = summary([], ASKED, Outlook(many, (None,) * (MOST + 5)))
    assert "5 more steps are left out." in long


def test_no_secret_of_an_instruction_is_in_the_markdown() -> None:
    steps = tuple(
        replace(step, instruction="ADD https://ci:hunter2hunter2@example.org/f.git /f", sentence="npm_" + "A1b2" * 9)
        for step in FOUND.steps
    )
    text = summary([FoundCache("local cache", "cache")], ASKED, replace(FOUND, diagnosis=Diagnosis(steps, 0)))
    assert "login" in text and "hunter2" not in text and "A1b2" not in text
