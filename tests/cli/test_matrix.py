"""`lab matrix` before anything is started: lists, globs, shards and pipelines."""

from __future__ import annotations

import os
from pathlib import Path

import jsonschema
import pytest
import yaml

from lab.cli.making import Shown
from lab.cli.matrix import NO_MEANS, PipelineWords, _run
from lab.cli.resuming import Task
from lab.cli.trial_words import TrialWords
from lab.errors import UsageError
from lab.results.run import Repetition
from lab.run.matrix_file import read_matrix
from tests.cli.program import Place, data
from tests.conftest import ROOT

TEXT = "lineups: [debian]\ncases: [copy-bust, exec-bit]\nengines: [20.10.24, 26.1.5]\n"


def test_a_list_has_every_cell_and_a_glob_and_a_shard_choose(place: Place) -> None:
    (place.root / "m.yaml").write_text(TEXT)
    whole = data(place.lab("matrix", "m.yaml", "--list", "--json"))["trials"]
    assert "debian12-apparmor>debian12-selinux:26.1.5/copy-bust:none" in whole
    some = place.lab("matrix", "m.yaml", "--list", "*selinux:20.10.*/copy-*").stdout.splitlines()
    assert some == [name for name in whole if ">debian12-selinux:20.10.24/copy-bust" in name]
    parts = [place.lab("matrix", "m.yaml", "--list", "--shard", f"{n}/2").stdout.splitlines() for n in (1, 2)]
    assert sorted(parts[0] + parts[1]) == sorted(whole)
    assert place.lab("matrix", "m.yaml", "--list", "nothing").returncode == 2


def test_a_pipeline_goes_to_a_file(place: Place) -> None:
    (place.root / "m.yaml").write_text(TEXT.replace("debian", "local"))
    assert place.lab("matrix", "--github", "m.yaml", "--output", "w.yml").returncode == 0
    assert set(yaml.safe_load((place.root / "w.yml").read_text())["jobs"]) == {"shard", "merge"}
    assert place.lab("matrix", "--github", "--gitlab", "m.yaml").returncode == 2
    assert place.lab("matrix", "m.yaml", "--install", "x").returncode == 2


def test_the_schema_accepts_the_file_and_no_other(place: Place) -> None:
    validator = jsonschema.Draft202012Validator(data(place.lab("schema", "matrix")))
    assert validator.is_valid(yaml.safe_load(TEXT))
    assert not validator.is_valid({"linups": ["debian"]})


def test_a_pipeline_takes_no_option_of_runs_and_says_where_it_goes(place: Place) -> None:
    (place.root / "m.yaml").write_text(TEXT)
    for words in (["--base", "busybox"], ["--scheduler", "local"], ["--shard", "1/2"], ["*"]):
        done = place.lab("matrix", "m.yaml", "--github", *words)
        assert done.returncode == 2
        assert "lab matrix` in the pipeline" in " ".join(done.stderr.split())
    for words in (["--list"], ["--json"]):
        done = place.lab("matrix", "m.yaml", "--github", *words)
        assert (done.returncode, "hint" in done.stderr) == (2, False)
        assert "with --list or --json" in done.stderr


LOCAL = TEXT.replace("debian", "local")
APART = """\
include:
  - {lineup: local, case: copy-bust, engine: 20.10.24}
  - {lineup: local, case: crlf, engine: 26.1.5}
"""


@pytest.mark.parametrize(
    ("text", "jobs"),
    [
        (LOCAL, ["1", "2"]),
        (APART, ["1"]),  # each run has one engine, so that a second shard would have no trial
        (APART + "  - {lineup: local, case: crlf, engine: 20.10.24}\n", ["1", "2"]),
        (LOCAL + "builders: [buildkit, classic]\nshards: 1\n", ["1"]),
        (LOCAL.replace("engines: [20.10.24, 26.1.5]\n", ""), ["1", "2"]),  # those of the file of the box, as root
    ],
)
@pytest.mark.parametrize("is_root", [True, False])
def test_a_pipeline_has_the_shards_that_have_a_trial(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, jobs: list[str], is_root: bool
) -> None:
    """Also where this machine could not run it, such as for a plain user."""
    monkeypatch.setenv("LAB_ROOT", str(ROOT))
    monkeypatch.setattr(os, "geteuid", lambda: 0 if is_root else 1000)
    (tmp_path / "m.yaml").write_text(text)
    output = tmp_path / "p.yml"
    shown = Shown(False, False, False, False, False, announces=False)
    words = PipelineWords(github=False, gitlab=True, install=None, output=output)
    words.write(read_matrix(tmp_path / "m.yaml"), tmp_path / "m.yaml", shown)
    assert yaml.safe_load(output.read_text())["shard"]["parallel"]["matrix"] == [{"SHARD": jobs}]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (LOCAL.replace("exec-bit", "exec-bti"), 'the scenario "exec-bti"'),
        (LOCAL.replace("26.1.5", "26.1.55"), '"26.1.55"'),
        (LOCAL + "variations: [crlff]\n", '"crlff"'),
        (LOCAL + "builders: [buildkti]\n", '"buildkti"'),
        (LOCAL + "shards: 5\n", "of its 5 shards, 3 would have no trial"),
    ],
)
def test_a_pipeline_that_would_fail_is_refused(place: Place, text: str, words: str) -> None:
    (place.root / "m.yaml").write_text(text)
    for option in ("--github", "--gitlab"):
        done = place.lab("matrix", "m.yaml", option)
        assert (done.returncode, done.stdout) == (2, "")
        assert words in done.stderr
        assert "5 shards" not in words or "hint: use at most 2 shards" in done.stderr


def test_what_has_no_trial_is_named(place: Place) -> None:
    (place.root / "m.yaml").write_text(TEXT)  # two boxes
    done = place.lab("matrix", "m.yaml", "--list", "--shard", "3/3")
    assert (done.returncode, "GLOB" in done.stderr) == (2, False)
    assert "cannot make the shard 3/3: it has no trial" in done.stderr
    assert "hint: use at most 2 shards" in done.stderr
    done = place.lab("matrix", "m.yaml", "--list", "--shard", "1/3", "nothing", "none")
    assert "no trial of the shard 1/3 matches nothing or none\n" in done.stderr
    assert "without a GLOB" in done.stderr


def test_the_lineup_that_the_file_names_is_not_announced(place: Place) -> None:
    (place.root / "m.yaml").write_text(TEXT)
    assert "lineup debian" not in place.lab("matrix", "m.yaml", "--list").stderr


def test_the_error_of_a_run_begins_as_every_error(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def failing(*_: object) -> None:
        raise UsageError("cannot do it", hint="do something else")

    monkeypatch.setattr("lab.cli.matrix.make", failing)
    trials = TrialWords("local", (), (), "auto", (), (), (), (), ())
    task = Task(NO_MEANS.words("copy-bust", trials), Repetition())
    shown = Shown(False, False, False, False, False)
    assert _run([task], shown, None, as_json=False) == 2
    assert capsys.readouterr().err.splitlines() == ["lab: cannot do it", "hint: do something else"]


def test_the_base_image_and_the_scheduler_are_those_of_repro(place: Place) -> None:
    (place.root / "m.yaml").write_text(TEXT)
    assert place.lab("matrix", "m.yaml", "--list", "--base", "busybox:1").returncode == 0
    done = place.lab("matrix", "m.yaml", "--list", "--base", "alpine=busybox")
    assert (done.returncode, "--context" in done.stderr) == (2, True)
    done = place.lab("matrix", "m.yaml", "--scheduler", "host")
    assert (done.returncode, "tcp://HOST:PORT" in done.stderr) == (2, True)
