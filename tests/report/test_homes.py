"""Home folders are found in the bytes of a transcript as in its decoded texts."""

from __future__ import annotations

import json

import pytest

from lab.boxes.transcript import dump, exchanges
from lab.report.evidence import Evidence
from lab.report.homes import Home, has_bytes, homes_of
from lab.report.redact import redactor_of
from tests import reporting
from tests.reporting import HIT, exchange, trial

TEXTS = (
    "in /home/mia/src",
    "/home/mia",
    "/home/mia:/var/home/ole\n/home/zoë/x",
    "C:\\Users\\Ida\\src and D:\\Users\\Per",
    '"/Users/jo" and /home/a"b',
    "/home//home/x /home/",
    "/home/home/x",
    "/home/tab\there /home/" + "long" * 40,
    "/home/\U0001f600/x /home/\x7f/",
    "\\/home/esc\\ape/x",
)


@pytest.mark.parametrize("text", TEXTS)
def test_the_bytes_have_the_homes_of_the_texts(text: str) -> None:
    recorded = exchange("a", "a", "echo", "x", stdout=text)
    content = dump("a run", [recorded])
    run = reporting.run(trial("a", "a", (HIT, HIT, HIT)))
    read = redactor_of(Evidence(run, exchanges=exchanges(content, "here")))
    scanned = redactor_of(Evidence(run, homes=homes_of(content)))
    sample = f"{text} {json.dumps(text)} mia ole Ida jo"
    assert scanned.text(sample) == read.text(sample)


def test_a_home_below_which_a_command_ran_is_known() -> None:
    content = dump("a run", [exchange("a", "a", "ls", "/home/ole", cwd="/home/mia/lab-runs")])
    assert homes_of(content) == {"/home/mia": Home("mia", True), "/home/ole": Home("ole", False)}


def test_an_output_that_is_not_text_is_noticed() -> None:
    assert has_bytes(dump("a run", [exchange("a", "a", "ls", stdout=b"\xff/home/mia")]))
    assert not has_bytes(dump("a run", [exchange("a", "a", "ls", stdout=b"/home/mia")]))
