"""The JSON of `lab why`: it fits its published schema, which refuses anything else."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import jsonschema
import pytest

from lab.explain.search.usual import load_usual
from lab.explain.why import Searching, diagnose
from lab.registry.found import FoundCache
from lab.report.why_document import why_document, why_schema
from tests.conftest import ROOT
from tests.explain.builds import question


def document(source: str, change: str) -> dict[str, Any]:
    asked = question(source, change)
    found = diagnose(asked, Searching(load_usual(ROOT / "boxes"), limit=20))
    sources = [FoundCache("a cache", "cache", tuple(asked.caches), asked.image), FoundCache("x", "gone", problem="no")]
    return why_document(sources, asked, found)


@pytest.mark.parametrize("source", ["max", "inline"])
@pytest.mark.parametrize("change", ["none", "crlf", "both"])
def test_documents_fit_the_schema(source: str, change: str) -> None:
    value = json.loads(json.dumps(document(source, change)))
    jsonschema.validate(value, why_schema(), cls=jsonschema.Draft202012Validator)
    assert len(value["steps"]) == 9


def test_the_schema_is_one_and_refuses_other_values() -> None:
    schema = why_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    value = document("max", "crlf")
    for broken in ({**value, "schema": 1}, {**value, "more": 1}, {key: value[key] for key in value if key != "cause"}):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(broken, schema, cls=jsonschema.Draft202012Validator)


def test_the_cause_and_what_depends_on_it() -> None:
    value = document("max", "crlf")
    cause = value["steps"][value["cause"]]
    assert (cause["stage"], cause["step"], cause["line"]) == ("build", "3/6", 3)
    assert (cause["outcome"], cause["role"], cause["dependents"]) == ("ran", "cause", 3)
    [difference] = cause["search"]["found"]["differences"]
    assert (difference["path"], difference["field"], difference["producer"]) == ("package.json", "line ends", "LF")
    following = value["steps"][value["cause"] + 1]
    assert (following["role"], following["because_of"]) == ("consequence", value["cause"])
    assert value["caches"][1]["problem"] == "no"


def test_secrets_are_hidden_and_nothing_else() -> None:
    asked = question("max", "crlf")
    found = diagnose(asked, Searching(load_usual(ROOT / "boxes"), limit=20))
    before = why_document([], asked, found)
    plain, sentence = found.steps[0].instruction, found.steps[0].sentence
    told = replace(found.steps[0], instruction=f"{plain} NPM_TOKEN=hush-1234", sentence=f"{sentence} PASSWORD=hush")
    after = why_document([], asked, replace(found, steps=(told, *found.steps[1:])))
    assert "hush" not in json.dumps(after)
    assert after["steps"][0]["instruction"] == f"{plain} NPM_TOKEN=[secret]"
    assert after["steps"][1:] == before["steps"][1:]
    assert "[secret]" not in json.dumps(before)
