"""The steps of a sequence as a run stores them."""

from __future__ import annotations

import pytest

from lab.results.sequence import SequenceStep
from lab.run.cases import Case, cases
from lab.run.steps.table import stored
from tests.conftest import ROOT

LIBRARY = cases(ROOT / "templates" / "scenarios")


@pytest.mark.parametrize(
    ("values", "title"),
    [
        ({}, "consumer: build"),
        ({"inline": False, "cache_from": ["image", "absent"]}, "consumer: build inline=false cache_from=image,absent"),
        ({"images": {"BASE": "base"}}, "consumer: build images=BASE:base"),
        ({"cache_from": []}, "consumer: build cache_from=none"),
    ],
)
def test_a_step_in_words(values: dict[str, object], title: str) -> None:
    assert SequenceStep.model_validate({"step": "build", "values": values}).title == title


@pytest.mark.parametrize("case", LIBRARY, ids=lambda case: str(case.name))
def test_every_sequence_of_the_library_can_be_stored(case: Case) -> None:
    made = stored(case.file.sequence)
    assert [(item.step, item.side) for item in made] == [(item.kind, item.step.side) for item in case.file.sequence]
    assert tuple(SequenceStep.model_validate_json(item.model_dump_json()) for item in made) == made
