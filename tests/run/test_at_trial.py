"""Where the trials of a stored run were made."""

from __future__ import annotations

from pathlib import PurePosixPath

import pytest

from lab.engines.engine import Engine
from lab.errors import UsageError
from lab.results.run import load
from lab.run.at_trial import place_of, variables_of
from tests.conftest import ROOT

RUN = load(ROOT / "tests" / "data" / "runs" / "default-and-user-xattr")
TRIAL = next(trial for trial in RUN.trials if trial.producer != trial.consumer)
HOME = PurePosixPath("/home/vagrant")


def test_a_consumer_made_the_trial_in_a_folder_of_its_own() -> None:
    place = place_of(RUN, "run-1", TRIAL.name, TRIAL.consumer, lambda name: True)
    assert place.engine == TRIAL.engine
    assert place.folder.parent == PurePosixPath("lab-runs/run-1", TRIAL.engine)
    assert place.variables(HOME) == {
        "DOCKER_BUILDKIT": "1",
        "DOCKER_CONFIG": f"/home/vagrant/{place.folder}/config",
    }


def test_a_producer_made_the_image_in_another_one() -> None:
    place = place_of(RUN, "run-1", TRIAL.name, TRIAL.producer, lambda name: True)
    assert place.folder == PurePosixPath("lab-runs/run-1", TRIAL.engine, "produce")


def test_the_classic_builder_has_its_variable() -> None:
    classic = TRIAL.model_copy(update={"engine": f"{TRIAL.engine}+classic"})
    classic = classic.model_copy(update={"name": str(classic.key)})
    run = RUN.model_copy(update={"trials": (classic,)})
    place = place_of(run, "run-1", classic.name, classic.consumer, lambda name: True)
    assert (place.engine, place.builder) == (TRIAL.engine, {"DOCKER_BUILDKIT": "0"})
    found = variables_of(Engine("1+classic", ("docker",), "1", "1", "c"), PurePosixPath("/h/t"))
    assert found == {"DOCKER_CONFIG": "/h/t/config", "DOCKER_BUILDKIT": "0"}


def test_what_cannot_be_opened_is_named() -> None:
    with pytest.raises(UsageError, match=r"cannot find the trial .*did you mean"):
        place_of(RUN, "run-1", TRIAL.name[:-1], TRIAL.consumer, lambda name: True)
    with pytest.raises(UsageError, match=f"on local: its boxes are {TRIAL.producer} and {TRIAL.consumer}"):
        place_of(RUN, "run-1", TRIAL.name, "local", lambda name: True)
    with pytest.raises(UsageError, match=f"no file describes its engine {TRIAL.engine}"):
        place_of(RUN, "run-1", TRIAL.name, TRIAL.consumer, lambda name: False)
