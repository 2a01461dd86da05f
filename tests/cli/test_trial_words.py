"""The options that choose trials arrive as one group, and name the wish of a run."""

from __future__ import annotations

from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from lab.cli.options import Workplace
from lab.cli.trial_words import TrialWords, trial_options
from lab.errors import UsageError
from lab.machines.catalog import Catalog
from lab.project import Project
from tests.conftest import ROOT


def read(*words: str) -> TrialWords:
    received: list[TrialWords] = []

    @click.command()
    @trial_options
    def verb(trials: TrialWords) -> None:
        received.append(trials)

    assert CliRunner().invoke(verb, words).exit_code == 0
    return received[0]


@pytest.fixture
def place(tmp_path: Path) -> Workplace:
    catalog = Catalog(ROOT / "boxes")
    return Workplace(Project(tmp_path, tmp_path / "cache"), catalog, catalog.lineup("local"), "a test")


def test_every_option_is_in_the_wish(place: Workplace) -> None:
    given = read(
        *("--engine", "20.10.24", "--producer-engine", "26.1.5", "--producer", "a", "--consumer", "b"),
        *("--variation", "all", "--builder", "classic", "--cache", "local", "--provider", "libvirt"),
    )
    wish = given.wish(place)
    assert (given.provider, wish.lineup) == ("libvirt", "local")
    assert (wish.consumer_engines, wish.producer_engines) == (("20.10.24",), ("26.1.5",))
    assert (wish.producers, wish.consumers, wish.variations) == (("a",), ("b",), ("all",))
    assert (wish.builders, wish.caches) == (("classic",), ("local",))


def test_an_unknown_engine_is_refused(place: Workplace) -> None:
    with pytest.raises(UsageError, match="engine"):
        read("--engine", "nothing").wish(place)
