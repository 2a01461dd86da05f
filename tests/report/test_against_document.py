"""The JSON of two sides' files: every form of a comparison is valid by the schema that is published."""

from __future__ import annotations

import jsonschema
import pytest

from lab.buildkit.contenthash.compare import FieldDifference
from lab.explain.against import CopyComparison, Sameness, UnderRules
from lab.report.against_document import against_document, against_schema

A, B = "sha256:" + "a" * 64, "sha256:" + "b" * 64
VALID = jsonschema.Draft202012Validator(against_schema())
SAME = UnderRules("R1", A, A, Sameness.SAME)
OTHER = UnderRules("R5", A, B, Sameness.DIFFERS)
MODE = FieldDifference("key", "mode", "0664", "0644", ("R5",))


@pytest.mark.parametrize(
    ("item", "sameness"),
    [
        (CopyComparison("COPY key /", "one", (SAME, OTHER), (MODE,), (("a -> b", "a -> c"),)), "differs"),
        (CopyComparison("COPY key /", answers=(UnderRules("R5", None, A, Sameness.UNKNOWN, "why"),)), "unknown"),
        (CopyComparison("RUN --mount=x true", unclear="it is malformed"), "unknown"),
    ],
)
def test_each_form_of_a_comparison_is_valid(item: CopyComparison, sameness: str) -> None:
    found = against_document("here", "there", "26.1.5", "R5", [item])
    VALID.validate(found)
    assert (found["schema"], found["copies"][0]["sameness"]) == (1, sameness)


def test_the_values_of_a_field_stand_under_the_sides_that_have_them() -> None:
    item = CopyComparison("COPY key /", answers=(SAME, OTHER), differences=(MODE,))
    [copy] = against_document("here", "there", "26.1.5", "R1", [item])["copies"]
    assert copy["differences"] == [
        {"path": "key", "field": "mode", "first": "0664", "second": "0644", "rules": ["R5"]},
    ]
    assert copy["sameness"] == "same"  # under the rule set of the engine


def test_another_document_is_not_valid() -> None:
    assert not VALID.is_valid({**against_document("a", "b", "c", "R1", []), "more": 1})
