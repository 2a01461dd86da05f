"""The JSON of `lab predict`: it fits its published schema."""

from __future__ import annotations

import json

import jsonschema
import pytest

from lab.explain.outlook import outlook
from lab.registry.found import FoundCache
from lab.report.outlook_document import predict_document, predict_schema
from tests.explain.builds import question


@pytest.mark.parametrize("source", ["max", "inline"])
@pytest.mark.parametrize("change", ["none", "crlf", "both"])
def test_documents_fit_the_schema(source: str, change: str) -> None:
    asked = question(source, change)
    found = outlook(asked)
    value = json.loads(json.dumps(predict_document([FoundCache("k", "n", tuple(asked.caches))], asked, found)))
    jsonschema.Draft202012Validator.check_schema(predict_schema())
    jsonschema.validate(value, predict_schema(), cls=jsonschema.Draft202012Validator)
    assert value["hit"] + value["run"] + value["unknown"] == len(value["steps"]) == 9
    assert value["seconds_at_stake"] == pytest.approx(
        sum(step["seconds"] or 0 for step in value["steps"] if step["outcome"] == "ran"), abs=0.01
    )
