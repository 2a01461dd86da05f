"""`lab history` as a user calls it."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.cli import program
from tests.cli.program import Place
from tests.reporting import RUNS


@pytest.fixture
def place(tmp_path: Path, nursery: subprocess.Popen[str]) -> Place:
    shutil.copytree(RUNS / "schema-1", tmp_path / "results" / "20261123T212733Z-copy-bust")
    return program.checkout(tmp_path, nursery)


def test_the_table_has_a_row_for_each_engine_box_and_builder(place: Place) -> None:
    done = place.lab("history", "COPY*")
    assert done.returncode == 0, done.stderr
    step, head, *rows, method = done.stdout.splitlines()
    assert (step, method) == ("COPY bar bar", "95 % intervals by Wilson's method")
    assert head.split()[:5] == ["engine", "box", "builder", "day", "runs"]
    assert len({row.split()[1] for row in rows if row.startswith("20.10.24")}) == 2
    assert all(len(line) <= 100 for line in done.stdout.splitlines())


def test_json_and_the_page_have_the_same_rates(place: Place) -> None:
    done = place.lab("history", "COPY*", "--json", "--html", "history.html")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert {rate["step"] for rate in found["rates"]} == {"COPY bar bar"}
    assert all(0 <= rate["low"] <= rate["rate"] <= rate["high"] <= 1 for rate in found["rates"])
    page = (place.root / "history.html").read_text()
    assert page.count("<circle") == len(found["rates"])


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["COPY bar br"], 'did you mean "COPY bar bar"?'),
        (["COPY*", "--engine", "1.*"], 'cannot find a trial with the step "COPY*" that fits --engine 1.*'),
        (
            ["COPY*", "--since", "2099-01-01"],
            'cannot find a trial with the step "COPY*" that fits --since 2099-01-01',
        ),
        (["COPY*", "--box", "x", "--since", "2099-01-01"], "that fits --box x and --since 2099-01-01"),
        (["NO*", "--since", "2099-01-01"], 'cannot find a trial with the step "NO*" hint: `python -m lab report`'),
        (["COPY*", "--html", ""], "cannot use the option --html: it is empty"),
    ],
)
def test_a_request_without_an_answer_is_refused(place: Place, words: list[str], message: str) -> None:
    done = place.lab("history", *words)
    assert done.returncode == 2
    assert message in " ".join(done.stderr.split())
