"""The report on random trials: counts add up, and each contradiction shows what repeats it."""

from __future__ import annotations

import json

from lab.report.random_trials import HEADINGS, Contradiction, Count, RandomTrials, details, rows

CONTRADICTION = Contradiction(
    "COPY: predicted ran, was hit (why)",
    (12, 15),
    "20.10.24",
    "26.1.5",
    "nothing is changed",
    "FROM b\nCOPY a /a\n",
    ("COPY a /a: predicted ran, was hit",),
    "tests/data/contradictions/26.1.5-12.json",
    "python -m lab truth --random 1 --seed 12",
)
FOUND = RandomTrials(
    10,
    ("20.10.24", "26.1.5"),
    (Count("20.10.24", 4, 18, 2, 0, 1), Count("26.1.5", 6, 30, 0, 2, 0)),
    {"seldom": 1, "often": 2},
    (CONTRADICTION,),
    "python -m lab truth --random 10 --seed 10",
)


def test_the_table_has_each_engine_and_all_together() -> None:
    assert rows(FOUND) == [
        ["20.10.24", 4, 18, 2, "10.0%", 0, 1],
        ["26.1.5", 6, 30, 0, "0.0%", 2, 0],
        ["all", 10, 48, 2, "3.8%", 2, 1],
    ]
    assert {len(row) for row in rows(FOUND)} == {len(HEADINGS)}


def test_an_engine_without_steps_has_no_unknown_share() -> None:
    assert Count("e", 1, 0, 0, 0, 1).share == 0


def test_contradictions_stand_below_with_their_dockerfile_and_the_command_that_repeats_them() -> None:
    lines = details(FOUND)
    assert lines[1:4] == ["unknown steps by reason:", "  2 x often", "  1 x seldom"]
    assert "CONTRADICTED: COPY: predicted ran, was hit (why)" in lines
    assert "  seed 12 (also 15); 20.10.24 built, 26.1.5 rebuilt; nothing is changed" in lines
    assert "  | COPY a /a" in lines
    assert "  again: python -m lab truth --random 1 --seed 12" in lines
    assert lines[-1] == "the same trials again: python -m lab truth --random 10 --seed 10"


def test_the_json_has_a_schema_and_everything_else() -> None:
    value = json.loads(json.dumps(FOUND.to_json()))
    assert (value["schema"], value["seed"], value["all"]["trials"]) == (1, 10, 10)
    assert value["contradictions"][0]["seeds"] == [12, 15]
    assert [count["engine"] for count in value["counts"]] == ["20.10.24", "26.1.5"]
