"""`lab read` as its users meet it: the table, the sentences, the exit codes, the refusals."""

from __future__ import annotations

import json
import os
import threading
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner, Result

from lab.cli.log_input import read_log
from lab.cli.logs import read
from lab.errors import LabError
from lab.model import Outcome
from tests.conftest import ROOT

LOGS = ROOT / "tests" / "data" / "logs"
RECORDED = ROOT / "tests" / "data" / "progress"


def log(name: str) -> str:
    return str(LOGS / name / "input.txt")


def run(*words: str, stdin: bytes = b"") -> Result:
    return CliRunner().invoke(read, [*words], input=stdin)


def error(*words: str, stdin: bytes = b"") -> LabError:
    found = run(*words, stdin=stdin).exception
    assert isinstance(found, LabError)
    return found


def test_targets_have_a_column_of_their_own() -> None:
    lines = run(log("R38-bake-real-28")).stdout.splitlines()
    assert lines[0] == ("build 1: buildkit  context 39B  cache from web: localhost:5999/nope:cache (could not be read)")
    assert lines[1].split() == ["target", "stage", "step", "instruction", "outcome", "seconds"]
    assert lines[3].split() == ["worker,", "web", "runner", "2/3", "RUN", "echo", "runner", ">", "/r", "hit", "-"]
    assert "target" not in run(log("R32-middle-only")).stdout


def test_a_known_frame_is_named() -> None:
    assert "from a log of Terraform" in run(log("R11-terraform")).stdout.splitlines()[0]


def test_doubt_is_printed_below_the_table() -> None:
    assert (
        "unknown: 2/5, 3/5: the build failed while cache keys were computed"
        in run(log("R19-cached-means-skipped")).stdout
    )
    assert (
        "warning: lines 1 to 62: several builds are printed at the same time"
        in run(log("R49-two-plain-interleaved")).stdout
    )


def test_explain_adds_sentences() -> None:
    bare, explained = run(log("R04-gha-raw-lazy-pull")).stdout, run("--explain", log("R04-gha-raw-lazy-pull")).stdout
    assert explained.startswith(bare.rstrip("\n"))
    assert "The cache gha:1714052210927364 was imported.\n" in explained
    assert "In stage build-env, the first miss is step 4/4 (COPY . .).\n" in explained


def test_json_carries_everything() -> None:
    found = json.loads(run("--json", "--explain", log("R38-bake-real-28")).stdout)
    assert found["schema"] == 1
    [build] = found["builds"]
    assert build["imports"][0]["target"] == "web"
    assert "connection refused" in build["imports"][0]["error"]
    assert [image["target"] for image in build["images"]] == ["web", "worker"]
    assert build["steps"][1]["targets"] == ["worker", "web"]
    assert build["explanation"][0].startswith("The cache localhost:5999/nope:cache")
    assert "explanation" not in json.loads(run("--json", log("R38-bake-real-28")).stdout)["builds"][0]


@pytest.mark.parametrize(
    ("name", "step", "code"),
    [
        ("R32-middle-only", "", 4), ("R32-middle-only", "RUN npm ci", 0), ("R32-middle-only", "builder 5/6", 4),
        ("R38-bake-real-28", "", 0), ("R19-cached-means-skipped", "", 14), ("R48-compose1-parallel-classic", "", 14),
        ("R16-bake-shared-stage", "validator", 0), ("R16-bake-shared-stage", "tooler", 4),
    ],
)  # fmt: skip
def test_a_miss_and_an_unknown_have_exit_codes_of_their_own(name: str, step: str, code: int) -> None:
    assert run(log(name), f"--fail-on-miss={step}").exit_code == code
    assert run(log(name)).exit_code == 0


CUT = (
    b"Step 1/4 : FROM a\n ---> 111111111111\nStep 2/4 : COPY a /a\n ---> Using cache\n ---> 222222222222\n"
    b"Step 4/4 : COPY b /b\n ---> Using cache\n ---> 333333333333\nSuccessfully built 333333333333\n"
)


def test_a_log_without_all_of_its_steps_shows_no_build_of_hits() -> None:
    done = run("-", "--explain", "--fail-on-miss", stdin=CUT)
    assert done.exit_code == 14
    assert "unknown: 3/4: the step is not in the log" in done.stdout
    assert "every step that the log shows is a hit" not in done.stdout.lower()
    assert "Step 3/4 is not in the log, so its outcome is unknown." in done.stdout
    shown = run("-", "--json", "--fail-on-miss", stdin=CUT)
    assert shown.exit_code == 14
    [build] = json.loads(shown.stdout)["builds"]
    assert [(step["index"], step["outcome"]) for step in build["absent"]] == [(3, "unknown")]
    assert run("-", "--fail-on-miss=2/4", stdin=CUT).exit_code == 0
    assert run("-", "--fail-on-miss=3/4", stdin=CUT).exit_code == 14


def test_the_file_may_follow_fail_on_miss() -> None:
    assert run("--fail-on-miss", log("R32-middle-only")).exit_code == 4
    assert run("--fail-on-miss", "RUN npm ci", log("R32-middle-only")).exit_code == 0


@pytest.mark.parametrize("order", [["--fail-on-miss", "-"], ["-", "--fail-on-miss"], ["--fail-on-miss=", "-"]])
def test_standard_input_may_follow_fail_on_miss(order: list[str]) -> None:
    """R32 ran steps, so it ends with 4."""
    assert run(*order, stdin=Path(log("R32-middle-only")).read_bytes()).exit_code == 4


def test_fail_on_miss_does_not_take_the_first_of_several_files() -> None:
    """R32 ran a step; R38 did not, and it is the second file."""
    done = run("--json", "--fail-on-miss", log("R32-middle-only"), log("R38-bake-real-28"))
    assert (done.exit_code, len(json.loads(done.stdout)["builds"])) == (4, 2)


def test_a_pipe_that_a_shell_names_may_follow_fail_on_miss(tmp_path: Path) -> None:
    pipe = tmp_path / "63"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_bytes, args=[Path(log("R32-middle-only")).read_bytes()])
    writer.start()
    assert run("--fail-on-miss", str(pipe)).exit_code == 4
    writer.join()


def test_an_equals_sign_makes_a_step_of_the_name_of_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The stage `tooler` of R16 ran, the stage `validator` did not."""
    monkeypatch.chdir(tmp_path)
    for name in ("tooler", "validator"):
        (tmp_path / name).touch()
    assert run("--fail-on-miss=tooler", log("R16-bake-shared-stage")).exit_code == 4
    assert run("--fail-on-miss=validator", log("R16-bake-shared-stage")).exit_code == 0


def test_a_word_after_fail_on_miss_that_is_no_file_is_named() -> None:
    found = error("--fail-on-miss", "buidl.log")
    assert found.exit_code == 2
    assert found.message.endswith('FILE..|- is missing; "buidl.log" is no file, so it is the STEP of --fail-on-miss')
    assert error("-", "-").exit_code == 2


def test_a_step_that_is_not_in_the_log_is_the_command_lines_fault() -> None:
    found = error(log("R32-middle-only"), "--fail-on-miss=9/9")
    assert (found.exit_code, found.message) == (2, 'cannot find the step "9/9" in the log')


REFUSED = {
    path.name: wanted["refused"]
    for path in LOGS.iterdir()
    if path.is_dir() and "refused" in (wanted := yaml.safe_load((path / "expected.yaml").read_text(encoding="utf-8")))
}


@pytest.mark.parametrize("name", REFUSED)
def test_another_builders_log_is_refused_by_name(name: str) -> None:
    found = error(log(name))
    assert found.exit_code == REFUSED[name]["exit"]
    assert REFUSED[name]["says"] in found.message
    assert REFUSED[name]["hint"] in (found.hint or "")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (b"[builder] ===> DETECTING\n===> ANALYZING\n", "Cloud Native Buildpacks"),
        (b'{"id":"moby.buildkit.trace","aux":"Cm8KR3No"}\n', "the Docker API's BuildKit trace"),
        (b"Containerizing application to example/app...\n", "Jib"),
    ],
)
def test_other_builders(text: bytes, says: str) -> None:
    assert says in error("-", stdin=text).message


def test_a_file_that_powershell_wrote(tmp_path: Path) -> None:
    text = (RECORDED / "20.10.24" / "gist.plain.txt").read_text(encoding="utf-8")
    (tmp_path / "out.txt").write_bytes(text.replace("\n", "\r\n").encode("utf-16"))
    found = json.loads(run("--json", str(tmp_path / "out.txt")).stdout)
    assert [step["outcome"] for step in found["builds"][1]["steps"]] == ["base", "hit", "hit", "hit"]


def test_the_help_names_the_exit_codes() -> None:
    text = " ".join(run("--help").stdout.split())
    assert all(
        word in text for word in ("--explain", "--fail-on-miss", "with 4 if one ran", "with 14 if no miss is shown")
    )


@pytest.mark.parametrize(
    "file", ["28.5.2/cancel.plain.txt", "28.5.2/cancel.tty.txt", "28.5.2/cancel.rawjson.txt", "28.5.2/fail.classic.txt"]
)
def test_a_run_that_ran_and_failed_is_a_miss_and_the_failure_is_stated(file: str) -> None:
    builds = read_log(str(RECORDED / file), "read -")[0]
    [failed] = [step for build in builds for step in build.steps if step.outcome is Outcome.ERROR]
    done = run(str(RECORDED / file), "--fail-on-miss", failed.instruction)
    assert done.exit_code == 4
    assert "missed the cache; the build failed at " in done.stderr


def test_a_copy_that_failed_is_not_known_to_be_a_miss(tmp_path: Path) -> None:
    lines = ["#5 [2/2] COPY none /", '#5 ERROR: failed to calculate checksum of ref x: "/none": not found', "------"]
    file = tmp_path / "log"
    file.write_text("\n".join(["#4 [1/2] FROM busybox", "#4 CACHED", "", *lines, ""]))
    assert run(str(file), "--fail-on-miss", "COPY none").exit_code == 14
