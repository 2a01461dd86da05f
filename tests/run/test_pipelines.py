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
from lab.machines.prerequisites import NEEDS
from lab.run.matrix_file import MOST_SHARDS, Matrix, read_matrix
from lab.run.pipelines import INSTALL, PACKAGES, REGISTRY, check, github, gitlab, shards

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


def test_a_workflow_runs_each_shard_and_merges_whatever_happened() -> None:
    data = checked(github("my matrix.yaml", 2, "pip install x"), "github-workflows.json")
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


def test_a_gitlab_pipeline_runs_each_shard_and_keeps_their_results_apart() -> None:
    data = checked(gitlab("matrix.yaml", 2, "pip install x"), "gitlab-ci.json")
    assert data["shard"]["parallel"] == {"matrix": [{"SHARD": ["1", "2"]}]}
    assert '--shard "$SHARD/2"' in data["shard"]["script"][0]
    assert "shards/$SHARD" in data["shard"]["after_script"][0]
    assert data["shard"]["artifacts"] == {"when": "always", "paths": ["shards/"]}
    assert data["merge"]["when"] == "always"
    assert "merge --group shards/" in data["merge"]["script"][0]
    assert data["default"]["before_script"] == ["pip install x"]


def test_both_jobs_of_a_workflow_are_written_without_aliases() -> None:
    assert "&id" not in github("m.yaml", 2)


def test_one_shard_is_a_matrix_too() -> None:
    assert checked(gitlab("m", 1), "gitlab-ci.json")["shard"]["parallel"] == {"matrix": [{"SHARD": ["1"]}]}
    assert checked(github("m", 1), "github-workflows.json")["jobs"]["shard"]["strategy"]["matrix"]["shard"] == [1]


def test_the_shards_of_the_file_are_taken_as_far_as_they_have_a_trial(tmp_path: Path) -> None:
    assert [shards(matrix(tmp_path), "m", most) for most in (1, 2, MOST_SHARDS + 1)] == [1, 2, MOST_SHARDS]
    found = matrix(tmp_path, TEXT + "shards: 2\n")
    assert shards(found, "m", 3) == 2
    with pytest.raises(UsageError, match="of its 2 shards, 1 would have no trial") as caught:
        shards(found, "m", 1)
    assert caught.value.hint == "use at most 1 shard"


def test_each_shard_installs_what_engines_and_the_registry_need() -> None:
    """The image of GitLab's job has no registry and no Docker; the runners of GitHub have Docker."""
    known = {need.debian for need in NEEDS}
    assert {*PACKAGES, REGISTRY} - known == {"iproute2"}  # libvirt brings the program ip, which no need names
    data = checked(gitlab("m", 2), "gitlab-ci.json")
    first, second, *rest = data["shard"]["before_script"]
    assert (first, rest) == ("apt-get update", ["python -m pip install ."])
    assert {"docker-registry", "busybox-static", "iproute2"} < set(second.split())
    assert "before_script" not in data["merge"]
    steps = checked(github("m", 2), "github-workflows.json")["jobs"]["shard"]["steps"]
    [packages] = [step["run"] for step in steps if "apt-get" in step.get("run", "")]
    assert packages.startswith("sudo apt-get update && sudo apt-get install --yes")
    assert "docker-registry" not in packages


def test_a_lineup_of_machines_and_an_expression_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="the lineup gist needs machines"):
        check(matrix(tmp_path, TEXT.replace("[local]", "[local, gist]")), "m.yaml", INSTALL)
    for texts in (("${{ secrets.X }}.yaml", INSTALL), ("m.yaml", "pip install x\nreboot")):
        with pytest.raises(UsageError, match="a line end or"):
            check(matrix(tmp_path), *texts)
