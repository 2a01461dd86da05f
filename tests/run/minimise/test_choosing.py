"""Which trial of a run is minimised."""

from __future__ import annotations

import pytest

from lab.errors import UsageError
from lab.results.run import load
from lab.run.minimise.bench import Ends
from lab.run.minimise.choosing import ends_of, trial_of
from tests.conftest import ROOT

RUN = load(ROOT / "tests" / "data" / "runs" / "explained")


def only(*names: str) -> list[str]:
    return [trial.name for trial in RUN.trials if trial.variation in names]


def test_the_only_one_that_differs() -> None:
    some = tuple(
        trial for trial in RUN.trials if trial.engine == "26.1.5" and trial.variation in ("none", "user-xattr")
    )
    found = trial_of(RUN.model_copy(update={"trials": some}), None)
    assert (found.engine, found.variation) == ("26.1.5", "user-xattr")
    assert ends_of(found) == Ends("local", "local", "26.1.5", "26.1.5")


def test_several_are_refused_with_their_names() -> None:
    with pytest.raises(UsageError, match="differ from their reference") as caught:
        trial_of(RUN, None)
    assert caught.value.hint and "user-xattr" in caught.value.hint


def test_none_is_refused() -> None:
    alike = tuple(trial for trial in RUN.trials if trial.variation == "none")
    with pytest.raises(UsageError, match="no trial of it has another outcome"):
        trial_of(RUN.model_copy(update={"trials": alike}), None)


def test_a_miss_without_its_reference_is_named() -> None:
    some = tuple(trial for trial in RUN.trials if trial.engine == "26.1.5" and trial.variation == "user-xattr")
    with pytest.raises(UsageError, match="it made none without the change") as caught:
        trial_of(RUN.model_copy(update={"trials": some}), None)
    assert caught.value.hint == "--trial names one that missed: local>local:26.1.5/copy-bust:user-xattr"


def test_a_name_or_a_pattern() -> None:
    name = "local>local:26.1.5/copy-bust:user-xattr"
    assert trial_of(RUN, name).name == name
    assert trial_of(RUN, "*:26.1.5/*:user-xattr").name == name
    with pytest.raises(UsageError, match="trials match"):
        trial_of(RUN, "*:user-xattr")
    with pytest.raises(UsageError, match="no such trial"):
        trial_of(RUN, "local>local:26.1.5/copy-bust:user-xatt")


def test_the_builder_and_the_cache_are_those_of_the_trial() -> None:
    def ends(engine: str, made: str | None = None) -> Ends:
        return ends_of(RUN.trials[0].model_copy(update={"engine": engine, "producer_engine": made}))

    assert ends("26.1.5") == Ends("local", "local", "26.1.5", "26.1.5", None, "inline")
    assert ends("26.1.5+classic") == Ends("local", "local", "26.1.5", "26.1.5", "classic", "inline")
    assert ends("20.10.24", "26.1.5+registry-max").cache == "registry-max"
    with pytest.raises(UsageError, match="its sides have different builders"):
        ends("26.1.5+classic", "26.1.5")
