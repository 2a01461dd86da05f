"""`lab help` as a person calls it."""

from __future__ import annotations

import json

import pytest

from lab.cli.verbs import VERBS
from tests.cli.program import Place, data


def test_without_a_topic_all_are_listed(here: Place) -> None:
    text = here.lab("help", COLUMNS="60").stdout
    assert [line for line in text.splitlines() if len(line) > 60 and len(line.split()) > 1] == []
    for name in ("R7", "security-attributes", "exit-12", "trial", "cause-files", *VERBS):
        assert f"\n  {name} " in text, name
    listed = data(here.lab("help", "--json"))["topics"]
    assert {"rule set", "known bug", "exit code", "word", "cause", "verb"} == {item["kind"] for item in listed}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("R7",), "R7: as R6, but uid and gid count"),
        (("buildkit#1330",), "https://github.com/moby/buildkit/issues/1330"),
        (("exit-12",), "exit-12: an engine did not do what lab predicted"),
        (("trial",), "producer>consumer:engine/scenario:variation"),
        (("rule", "set"), "rule set: what one range of Docker versions hashes"),
        (("buildkit-0.13.2",), "BuildKit 0.13.2: as R6, but uid and gid count"),
    ],
)
def test_pages(here: Place, words: tuple[str, ...], said: str) -> None:
    done = here.lab("help", *words, COLUMNS="60")
    assert (done.returncode, done.stderr) == (0, "")
    assert said in " ".join(done.stdout.split())
    assert [line for line in done.stdout.splitlines() if len(line) > 60 and len(line.split()) > 1] == []


@pytest.mark.parametrize("verb", ["diff", "why", "engines add", "help"])
def test_the_page_of_a_verb_is_its_help(here: Place, verb: str) -> None:
    words = verb.split()
    assert here.lab("help", *words).stdout == here.lab(*words, "--help").stdout
    [page] = data(here.lab("help", *words, "--json"))["topics"]
    assert (page["kind"], page["name"]) == ("verb", verb)
    assert page["text"].startswith("Usage: ")


def test_a_wrong_topic_gets_the_nearest_one(here: Place) -> None:
    done = here.lab("help", "buildkit#1339")
    assert (done.returncode, done.stdout) == (2, "")
    assert 'cannot find the topic "buildkit#1339" (did you mean "buildkit#13' in done.stderr
    assert "help` lists the topics" in done.stderr


def test_pages_as_json(here: Place) -> None:
    [page] = data(here.lab("help", "exit-4", "--json"))["topics"]
    assert page["parts"] == [{"heading": "whose fault", "lines": ["nobody's: this is an outcome, not an error"]}]
    assert json.loads(here.lab("help", "buildkit#1526", "--json").stdout)["topics"][1]["name"] == "capability"
