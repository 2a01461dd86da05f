"""`lab predict` as a user calls it, on recorded caches of a real BuildKit."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from lab.errors import DIFFERS, NOT_KNOWN
from tests.cli.program import Place, data
from tests.explain.builds import SOURCES, TWO, write

Predict = Callable[..., subprocess.CompletedProcess[str]]
LOG = TWO / "logs" / "produced.txt"


@pytest.fixture
def predict(here: Place, tmp_path: Path) -> Predict:
    """`lab predict` of the context with CRLF in a file of the builder stage, from the exported cache."""
    folder = write(tmp_path / "app", "crlf")

    def call(
        *words: str | Path, source: str = SOURCES["max"], context: str | Path = folder, **env: Any
    ) -> subprocess.CompletedProcess[str]:
        return here.lab("predict", "--cache-from", source, "--engine", "26.1.5", *words, context, **env)

    return call


def test_every_step_is_predicted_with_what_it_costs(predict: Predict) -> None:
    done = predict()
    assert done.returncode == 0
    rows = {
        line[:12].strip(): line.split() for line in done.stdout.splitlines() if line.startswith(("build ", "stage-1 "))
    }
    assert rows["build 2/6"][-1] == "hit"
    assert rows["build 3/6"][5:8] == ["run", "<=", "0.1"]
    assert "3 of 9 steps would hit (33 %), 4 would run, 2 are not known" in done.stdout
    assert "the cause is build 3/6 COPY package.json ./" in done.stdout
    assert "by cache, an upper bound" in done.stdout
    # the base image's registry does not exist, and the cache itself proves what it sets
    assert "a record of the cache proves what it sets" in done.stderr


def test_json_fits_the_schema_that_the_program_publishes(predict: Predict, here: Place) -> None:
    schema = data(here.lab("schema", "predict"))
    value = data(predict("--json", "--times", LOG))
    jsonschema.validate(value, schema, cls=jsonschema.Draft202012Validator)
    assert (value["hit"], value["run"], value["unknown"]) == (3, 4, 2)
    assert {step["seconds_from"] for step in value["steps"]} == {"produced.txt"}


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("--fail-under", "33"), 0, ""),
        (("--fail-under", "60"), DIFFERS, "33 % of the steps would hit, fewer than --fail-under 60"),
        (("--fail-under", "50"), NOT_KNOWN, "unless the steps that are not known do"),
        (("--fail-on", "WORKDIR"), 0, ""),
        (("--fail-on", "build 4/6"), DIFFERS, "RUN sleep 6 && cp package.json installed.json would run"),
        (("--fail-on", "*sleep 2*"), DIFFERS, "RUN sleep 2"),
        (("--fail-on", "stage-1 2/5", "--fail-on", "build 3/6"), DIFFERS, "COPY package.json ./ would run"),
        (("--fail-on", "npm ci"), 2, 'cannot find the step "npm ci" of --fail-on'),
        (("--times", "gone.log"), 2, "cannot take times of gone.log"),
        (("--json", "--markdown"), 2, "cannot print both --json and --markdown"),
        (("--fail-under", "101"), 2, "101"),
        (("--target", "gone"), 2, 'cannot find the stage "gone"'),
        (("-f", "gone"), 13, "cannot read gone"),
    ],
)
def test_conditions_and_mistakes(predict: Predict, words: tuple[str, ...], code: int, said: str) -> None:
    done = predict(*words)
    assert (done.returncode, said in done.stderr) == (code, True), done.stderr


def test_an_unknown_step_decides_nothing(here: Place, tmp_path: Path) -> None:
    """With a base image that has no digest and cannot be read, no step is known."""
    folder = write(tmp_path / "app", "none")
    text = (folder / "Dockerfile").read_text()
    (folder / "Dockerfile").write_text(text.replace(text.split()[1], "localhost:1/busybox"))
    for words, said in (
        (("--fail-under", "50"), "unless the steps that are not known do"),
        (("--fail-on", "build 4/6"), "is not known (--fail-on build 4/6)"),
    ):
        done = here.lab("predict", "--cache-from", SOURCES["max"], "--engine", "26.1.5", *words, folder)
        assert (done.returncode, said in done.stderr) == (NOT_KNOWN, True), done.stderr
    assert "proves what it sets, but not which image it is today" in done.stderr


def test_times_come_from_a_log_a_run_or_standard_input(predict: Predict, here: Place, tmp_path: Path) -> None:
    assert "by produced.txt" in predict("--times", LOG).stdout
    folder = tmp_path / "app"
    words: list[str | Path] = ["--cache-from", SOURCES["max"], "--engine", "26.1.5", "--times", "-", folder]
    assert "by the log" in here.lab("predict", *words, stdin=LOG.read_bytes()).stdout
    done = predict("--times", "sample")
    assert done.returncode in (0, 2)  # a checkout of its own has no run of that name
    done = predict("--times", tmp_path)
    assert (done.returncode, "neither a build log nor a stored run" in done.stderr) == (2, True)


@pytest.mark.parametrize(
    ("lines", "why"),
    [
        ("#5 [2/2] RUN another\n#5 DONE 0.3s\n", "no step that ran in it is in this Dockerfile"),
        ("#5 [2/2] RUN another\n#5 CACHED\n", "no step in it ran and states its seconds"),
        ("STEP 1/2: FROM x\nSTEP 2/2: RUN another\n--> 0123456789ab\n", "no step in it ran and states its seconds"),
    ],
)
def test_a_log_that_gives_no_time_is_named(predict: Predict, tmp_path: Path, lines: str, why: str) -> None:
    (tmp_path / "other.log").write_text(lines)
    done = predict("--times", LOG, "--times", tmp_path / "other.log")
    assert [line for line in done.stderr.splitlines() if "--times" in line] == [
        f"lab: --times has nothing of other.log: {why}"
    ]


def test_a_folder_without_a_run_is_refused_with_a_hint(predict: Predict, tmp_path: Path) -> None:
    done = predict("--times", tmp_path)
    assert (done.returncode, "\nhint: give the output of docker build" in done.stderr) == (2, True)


def test_times_are_of_the_log_by_its_shortest_name(predict: Predict, tmp_path: Path) -> None:
    (tmp_path / LOG.name).write_bytes(LOG.read_bytes())
    value = data(predict("--json", "--times", LOG, "--times", tmp_path / LOG.name))
    assert {step["seconds_from"] for step in value["steps"]} == {f"{tmp_path.name}/{LOG.name}"}


def test_github_gets_annotations_and_a_summary(predict: Predict, tmp_path: Path) -> None:
    file = tmp_path / "summary.md"
    done = predict("--github", "--json", GITHUB_STEP_SUMMARY=str(file), GITHUB_WORKSPACE=str(tmp_path))
    assert json.loads(done.stdout)["cause"] == 1
    warning, *notices = [line for line in done.stderr.splitlines() if line.startswith("::")]
    assert warning.startswith("::warning file=app/Dockerfile,line=3,title=cache miss::build 3/6 COPY package.json ./")
    assert [line.partition(",title")[0] for line in notices] == [
        "::notice file=app/Dockerfile,line=11",
        "::notice file=app/Dockerfile,line=12",
    ]
    assert file.read_text().startswith("### Docker build cache, predicted: 3 of 9 steps would hit")
    assert predict("--markdown").stdout == file.read_text()


@pytest.mark.parametrize("columns", [60, 80, 100])
def test_tables_fit_the_terminal(predict: Predict, columns: int) -> None:
    done = predict(COLUMNS=str(columns))
    assert done.returncode == 0
    lines = [line for line in done.stdout.splitlines() if " " in line.strip()]  # a single long word stays whole
    assert [line for line in lines if len(line) > columns] == []


def test_the_dockerfile_comes_from_standard_input(here: Place, tmp_path: Path) -> None:
    folder = write(tmp_path / "app", "none")
    text = (folder / "Dockerfile").read_bytes()
    (folder / "Dockerfile").unlink()
    words = [
        "--cache-from",
        SOURCES["max"],
        "--engine",
        "26.1.5",
        "--target",
        "build",
        "--json",
        "-f",
        "-",
        str(folder),
    ]
    value = data(here.lab("predict", *words, stdin=text))
    assert [step["outcome"] for step in value["steps"]] == ["hit"] * 5
