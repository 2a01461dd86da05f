"""The verb that prints the JSON Schemas of what lab stores and prints."""

from __future__ import annotations

import json

import click


@click.group(epilog="Example: python -m lab schema run > run.schema.json")
def schema() -> None:
    """Print the JSON Schema of the files that lab stores and of the JSON that it prints."""


@schema.command("run", epilog="Example: python -m lab schema run > run.schema.json")
def run_schema_() -> None:
    """Print the JSON Schema (2020-12) of run.json, which `report --format json` prints too."""
    from lab.report.document import run_schema

    click.echo(json.dumps(run_schema(), indent=1))


@schema.command("why", epilog="Example: python -m lab schema why > why.schema.json")
def why_schema_() -> None:
    """Print the JSON Schema (2020-12) of what `why --json` prints (without --against)."""
    from lab.report.why_document import why_schema

    click.echo(json.dumps(why_schema(), indent=1))


@schema.command("why-against", epilog="Example: python -m lab schema why-against > against.schema.json")
def against_schema_() -> None:
    """Print the JSON Schema (2020-12) of what `why --against SIDE --json` prints."""
    from lab.report.against_document import against_schema

    click.echo(json.dumps(against_schema(), indent=1))


@schema.command("predict", epilog="Example: python -m lab schema predict > predict.schema.json")
def predict_schema_() -> None:
    """Print the JSON Schema (2020-12) of what `predict --json` prints."""
    from lab.report.outlook_document import predict_schema

    click.echo(json.dumps(predict_schema(), indent=1))


@schema.command("scenario", epilog="Example: python -m lab schema scenario > scenario.schema.json")
def scenario_schema_() -> None:
    """Print the JSON Schema (2020-12) of scenario.yaml, for editors that complete and check YAML."""
    from lab.report.shown import in_dialect
    from lab.run.scenario_file import ScenarioFile

    click.echo(json.dumps(in_dialect(ScenarioFile.model_json_schema()), indent=1))


@schema.command("matrix", epilog="Example: python -m lab schema matrix > matrix.schema.json")
def matrix_schema_() -> None:
    """Print the JSON Schema (2020-12) of the file of `matrix`, for editors that complete and check YAML."""
    from lab.report.shown import in_dialect
    from lab.run.matrix_file import MatrixFile

    click.echo(json.dumps(in_dialect(MatrixFile.model_json_schema()), indent=1))
