"""A run of an own project in every report: how its files were sent, and what was replaced."""

from __future__ import annotations

import pytest

from lab.project import find
from lab.report.evidence import Evidence
from lab.report.formats import FORMATS
from lab.report.project import STUBS, project_lines, size_in_words
from lab.report.redact import redact
from lab.results.facts import ProjectFacts
from tests.reporting import HIT, run, sample, trial

PROJECT = ProjectFacts(
    folder="/home/anna/app",
    dockerfile="/home/anna/app/Dockerfile",
    objects=5000,
    bytes=210_400_000,
    way="checkout",
    sent="checkout: a fresh `git clone` on the box",
    commit="0123456789abcdef",
    stubs=True,
    bases={"node:18": "busybox"},
    target="build",
    private=("token",),
    contexts=("more",),
    notes=("two files differ",),
)


def made() -> Evidence:
    return Evidence(run(trial("a", "b", (HIT, HIT, HIT)), project=PROJECT, base=None))


def test_what_a_reader_has_to_know() -> None:
    assert project_lines(made().run) == [
        "context /home/anna/app, commit 0123456789ab: 5,000 objects, 210 MB",
        "sent by checkout: a fresh `git clone` on the box",
        "expected of each box: what the producer's rebuild of its own image did",
        STUBS,
        "base images replaced: busybox for node:18",
        "target build",
        "named contexts: more",
        "secrets, which no record holds: token",
        "two files differ",
    ]
    assert project_lines(sample().run) == []


@pytest.mark.parametrize("form", ["table", "md", "html"])
def test_every_form_for_people_shows_it(form: str) -> None:
    text = FORMATS[form].text([made()], find(), redacted=False)
    for line in ("a fresh ", "--stub-runs", "busybox for node:18", "two files differ"):
        assert line.replace("`", "") in text.replace("`", ""), line


def test_the_users_folder_is_redacted() -> None:
    shown = redact(made()).run.project
    assert shown is not None and "anna" not in shown.folder and "anna" not in shown.dockerfile


@pytest.mark.parametrize(
    ("size", "words"), [(0, "0 B"), (999, "999 B"), (2_500, "2.5 kB"), (12_000_000, "12 MB"), (5_300_000_000, "5.3 GB")]
)
def test_sizes_in_words(size: int, words: str) -> None:
    assert size_in_words(size) == words
