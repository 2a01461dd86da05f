"""The report of a minimisation, as Markdown, in a terminal and as JSON."""

from __future__ import annotations

from dataclasses import replace

from lab.explain.explanation import Explanation, Role, StepCause
from lab.report.minimised import Minimised, markdown, summary

ZERO = {"files": 0, "bytes": 0, "executables": 0, "instructions": 0, "characters": 0, "prepared": 0, "changes": 0}
FOUND = Minimised(
    name="project",
    variation="user-xattr",
    difference="COPY: hit without the difference, ran with it",
    producer="local with 20.10.24",
    consumer="local with 20.10.24",
    before={**ZERO, "files": 300, "instructions": 11, "changes": 1, "options": 0},
    after={**ZERO, "files": 1, "instructions": 2, "changes": 1, "options": 0},
    removed=["files: 300 to 1 files of the context"],
    dockerfile="FROM {{base}}\nCOPY . .\n",
    files=["a`b.txt"],
    changes=["attribute: {'a': {'user.lab': '1'}}"],
    prepared=[],
    trials=16,
    predicted=37,
    seconds=12.4,
    complete=True,
    verified=True,
    run="20261126T000000Z-project-minimal",
    folder="results/x",
    scenario="./results/x/scenario",
    explanation=Explanation("t", (StepCause("COPY . .", Role.CAUSE, "user.lab on a differs"),)),
)


def test_what_the_report_holds() -> None:
    text = markdown(FOUND, "lab")
    for part in (
        "# project, user-xattr: the smallest build with the difference",
        "COPY . .: user.lab on a differs.",
        "FROM {{base}}\nCOPY . .\n```",
        "| files of the context | 300 | 1 |",
        "- files: 300 to 1 files of the context",
        "``a`b.txt``",
        "16 trials on engines took 12 s; lab's model of the cache predicted 37 candidates",
        "The run 20261126T000000Z-project-minimal of the result shows the difference.",
        "\nlab repro ./results/x/scenario\n",
    ):
        assert part in text
    assert "bytes of content" not in text  # neither side has any


def test_the_summary() -> None:
    lines = summary(FOUND)
    assert (
        lines[0] == "what remains: 1 of 300 files of the context, 2 of 11 instructions, 1 of 1 parts of the difference"
    )
    assert lines[2] == "cause: COPY . .: user.lab on a differs"


def test_what_is_not_certain_is_said() -> None:
    found = replace(FOUND, complete=False, verified=False, explanation=None)
    text = markdown(found, "lab")
    assert "The limit of trials was reached, so more may be left out." in text
    assert "does not show the difference: the result is not confirmed" in text
    assert "Cause: it is not known." in text


def test_json() -> None:
    data = FOUND.to_json()
    assert data["schema"] == 1
    assert (data["trials"], data["predicted"], data["verified"], data["complete"]) == (16, 37, True, True)
    assert data["cause"] == "COPY . .: user.lab on a differs"
    assert data["after"]["files"] == 1
