"""JSON for tools: the run itself, in the schema that `lab schema run` publishes."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from lab.report.evidence import Evidence
from lab.report.shown import in_dialect
from lab.results.rates import rates_of
from lab.results.run import READABLE, SCHEMA, Run


def document(runs: Sequence[Evidence]) -> str:
    """One run as an object, several runs as a list; runs of an older schema are converted to the current one."""
    values = [
        evidence.run.model_copy(update={"version": SCHEMA, "rates": rates_of(evidence.run)}).model_dump(
            mode="json", by_alias=True
        )
        for evidence in runs
    ]
    return json.dumps(values[0] if len(values) == 1 else values, indent=1) + "\n"


def run_schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of run.json and of `document`'s objects, for every schema version that lab reads."""
    schema = Run.model_json_schema(by_alias=True)
    schema["properties"]["schema"] = {"enum": list(READABLE), "title": "Schema"}
    schema["required"] = ["schema", *schema["required"]]
    return in_dialect(schema)
