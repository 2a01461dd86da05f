"""`lab schema` prints a JSON Schema for each document that lab stores or prints."""

from __future__ import annotations

import json

import jsonschema
import pytest
from click.testing import CliRunner

from lab.cli.schemas import schema


@pytest.mark.parametrize("name", sorted(schema.commands))
def test_each_schema_is_a_valid_one(name: str) -> None:
    printed = CliRunner().invoke(schema, [name])
    assert printed.exit_code == 0
    found = json.loads(printed.stdout)
    jsonschema.validators.validator_for(found).check_schema(found)
    assert found["type"] == "object"


def test_the_documents_that_have_a_schema() -> None:
    assert set(schema.commands) == {"run", "why", "why-against", "predict", "scenario", "matrix"}
