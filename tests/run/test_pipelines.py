"""The pipelines of a matrix are valid for their CI systems, run every shard, and merge the results."""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from lab.errors import UsageError
from lab.run.matrix_file import Matrix, read_matrix
from lab.run.pipelines import github, gitlab

SCHEMAS = files("check_jsonschema") / "builtin_schemas" / "vendor"
TEXT = "lineups: [local]\ncases: [copy-bust]\nengines: [20.10.24, 26.1.5]\n"


def matrix(folder: Path, text: str = TEXT) -> Matrix:
    (folder / "matrix.yaml").write_text(text)
    return read_matrix(folder / "matrix.yaml")


def checked(text: str, schema: str) -> Any:
    """The document, which is valid by the schema of the CI system."""
    data = yaml.safe_load(text)
    validator = jsonschema.Draft7Validator(json.loads((SCHEMAS / schema).read_text(encoding="utf-8")))
    assert [error.message for error in validator.iter_errors(data)] == []
    return data


def test_a_workflow_runs_each_shard_and_merges_whatever_happened(tmp_path: Path) -> None:
    data = checked(github(matrix(tmp_path), "my matrix.yaml", "pip install x"), "github-workflows.json")
    shard, merge = data["jobs"]["shard"], data["jobs"]["merge"]
    assert shard["strategy"] == {"fail-fast": False, "matrix": {"shard": [1, 2]}}
    run = next(step["run"] for step in shard["steps"] if "lab matrix" in step.get("run", ""))
    assert "'my matrix.yaml' --shard ${{ matrix.shard }}/2" in run
    upload = next(step for step in shard["steps"] if "upload-artifact" in step.get("uses", ""))
    download = next(step for step in merge["steps"] if "download-artifact" in step.get("uses", ""))
    assert upload["if"] == "always()"
    assert upload["with"]["name"].startswith(download["with"]["pattern"].rstrip("*"))
    assert (merge["needs"], merge["if"]) == ("shard", "${{ !cancelled() }}")
    commands = [step.get("run", "") for step in merge["steps"]]
    assert "pip install x" in commands
    assert any(f"merge --group {download['with']['path']}/" in command for command in commands)
    assert any("report" in command for command in commands)


def test_a_gitlab_pipeline_runs_each_shard_and_keeps_their_results_apart(tmp_path: Path) -> None:
    data = checked(gitlab(matrix(tmp_path), "matrix.yaml", "pip install x"), "gitlab-ci.json")
    assert data["shard"]["parallel"] == {"matrix": [{"SHARD": ["1", "2"]}]}
    assert '--shard "$SHARD/2"' in data["shard"]["script"][0]
    assert "shards/$SHARD" in data["shard"]["after_script"][0]
    assert data["shard"]["artifacts"] == {"when": "always", "paths": ["shards/"]}
    assert data["merge"]["when"] == "always"
    assert "merge --group shards/" in data["merge"]["script"][0]
    assert data["default"]["before_script"] == ["pip install x"]


def test_both_jobs_of_a_workflow_are_written_without_aliases(tmp_path: Path) -> None:
    assert "&id" not in github(matrix(tmp_path), "m.yaml")


def test_one_shard_is_a_matrix_too(tmp_path: Path) -> None:
    found = matrix(tmp_path, TEXT + "shards: 1\n")
    assert checked(gitlab(found, "m"), "gitlab-ci.json")["shard"]["parallel"] == {"matrix": [{"SHARD": ["1"]}]}
    assert checked(github(found, "m"), "github-workflows.json")["jobs"]["shard"]["strategy"]["matrix"]["shard"] == [1]


def test_a_lineup_of_machines_and_an_expression_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="the lineup gist needs machines"):
        github(matrix(tmp_path, TEXT.replace("[local]", "[local, gist]")), "m.yaml")
    with pytest.raises(UsageError, match="a line end or"):
        github(matrix(tmp_path), "${{ secrets.X }}.yaml")
