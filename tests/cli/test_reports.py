"""The verbs about stored runs, as a user calls them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest
from junitparser import JUnitXml

from lab.boxes.transcript import dump
from tests import reporting
from tests.cli import program
from tests.cli.program import Place, data
from tests.conftest import ROOT
from tests.reporting import RUNS

pytestmark = pytest.mark.slow


@pytest.fixture
def place(tmp_path: Path, nursery: subprocess.Popen[str]) -> Place:
    shutil.copytree(RUNS / "schema-1", tmp_path / "results" / "20261123T212733Z-copy-bust")
    shutil.copytree(RUNS / "schema-2", tmp_path / "results" / "20260527T183000Z-copy-bust")
    return program.checkout(tmp_path, nursery)


NEW, OLD = "20261123T212733Z-copy-bust", "20260527T183000Z-copy-bust"


# --- report


def test_without_a_name_the_newest_run_is_told(place: Place) -> None:
    table = (RUNS / "schema-1" / "table.txt").read_text()
    for words in ([], ["--last"], [NEW], ["--run", "20261123*"], [str(place.root / "results" / NEW)]):
        done = place.lab("report", *words)
        assert (done.returncode, done.stdout) == (0, table), done.stderr


@pytest.mark.parametrize("words", [["--last", NEW], [NEW, "--run", "*"], ["--last", "--run", "*"]])
def test_a_run_is_chosen_in_one_way(place: Place, words: list[str]) -> None:
    done = place.lab("report", *words)
    assert done.returncode == 2
    assert "give only one of RUN, --last and --run" in done.stderr


@pytest.mark.parametrize(
    ("form", "start"),
    [
        ("table", "copy-bust  base busybox"), ("md", "# `COPY bar bar` misses"), ("html", "<!"), ("junit", "<?xml"),
        ("json", "{\n"),
        ("csv", "run,started,"), ("sh", "#!/bin/sh\n"),
    ],
)  # fmt: skip
def test_every_form_is_printed_or_written(place: Place, form: str, start: str) -> None:
    printed = place.lab("report", "--format", form)
    assert printed.stdout.startswith(start), printed.stderr
    done = place.lab("report", "--format", form, "--output", "deep/in/report")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "written to deep/in/report\n")
    assert (place.root / "deep" / "in" / "report").read_bytes().replace(b"\r\n", b"\n").decode() == printed.stdout


def test_several_runs_are_told_at_once(place: Place) -> None:
    suites = list(JUnitXml.fromstring(place.lab("report", "--run", "*", "--format", "junit").stdout.encode()))
    assert [suite.tests for suite in suites] == [18 + 6]
    assert [run["name"] for run in data(place.lab("report", "--run", "*", "--format", "json"))] == [
        "20260527T183000Z-copy-bust", "20261123T212733Z-copy-bust",
    ]  # fmt: skip
    done = place.lab("report", "--run", "*", "--format", "sh")
    assert (done.returncode, done.stdout) == (2, "")
    assert "cannot put 2 runs into one script" in done.stderr


def test_what_is_printed_as_json_fits_the_printed_schema(place: Place) -> None:
    schema = data(place.lab("schema", "run"))
    for run in data(place.lab("report", "--run", "*", "--format", "json")):
        jsonschema.validate(run, schema)


def test_names_and_homes_are_redacted_unless_told(place: Place) -> None:
    path = place.root / "results" / NEW / "transcript.jsonl"
    path.write_text(path.read_text().replace("/home/vagrant", "/home/alice"))
    run = path.with_name("run.json")
    run.write_text(run.read_text().replace("Name: debian12-apparmor", "Name: build7.example"))
    for form in ("md", "json"):
        text = place.lab("report", "--format", form).stdout
        assert "alice" not in text and "build7" not in text
    assert "build7.example" in place.lab("report", "--format", "json", "--no-redact").stdout


def test_a_script_loses_secrets_alone_and_says_so(place: Place) -> None:
    path = place.root / "results" / NEW / "transcript.jsonl"
    path.write_text(path.read_text().replace("printf %s 'bar\\n'", "printf %s '/home/alice TOKEN=hunter2\\n'"))
    text = place.lab("report", "--format", "sh").stdout
    assert "hunter2" not in text and "printf %s '/home/alice TOKEN=[secret]" in text
    assert "# Replaced by placeholders: " in text
    assert "hunter2" in place.lab("report", "--format", "sh", "--no-redact").stdout


def test_a_report_is_opened_by_the_machines_own_program(place: Place, tmp_path: Path) -> None:
    opener = tmp_path / "bin" / "xdg-open"
    opener.parent.mkdir()
    opener.write_text(f'#!/bin/sh\necho "$1" > {tmp_path}/opened\n')
    opener.chmod(0o755)
    env = {**place.env, "PATH": f"{opener.parent}:{os.environ['PATH']}"}
    argv = [sys.executable, "-m", "lab", "report", "--format", "md", "--open"]
    done = subprocess.run(argv, cwd=place.root, env=env, capture_output=True, text=True, timeout=60, check=False)
    written = place.root / "results" / NEW / "report.md"
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "opened").read_text().strip() == str(written)
    assert written.read_text().startswith("# `COPY")


def test_what_has_no_file_cannot_be_opened(place: Place) -> None:
    assert place.lab("report", "--run", "*", "--open").returncode == 2


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["nothing"], 'cannot find the run "nothing"'),
        (["20261123T212733Z-copy-bst"], f'(did you mean "{NEW}"?)'),
        (["--run", "2027*"], 'cannot find a run that matches "2027*"'),
        (["--format", "pdf"], "'pdf' is not one of"),
    ],
)
def test_a_run_or_a_form_that_is_not_there(place: Place, words: list[str], message: str) -> None:
    done = place.lab("report", *words)
    assert (done.returncode, done.stdout) == (2, "")
    assert message in done.stderr


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("run.json", b'{"schema": 2, "name": "x', "cannot read"),
        ("run.json", b'{"schema": 99}', "its schema is 99, this version of lab reads 1 to"),
        ("run.json", b'{"some": "thing"}', "its schema is None"),
        ("run.json", b"\xff\xfe\x00", "cannot read"),
        ("transcript.jsonl", b"hello\n", "not a transcript of lab"),
        ("transcript.jsonl", b'{"schema": 1, "run": "r"}\n{"box": 5}\n{}\n', "an entry is not a command of lab"),
        ("transcript.jsonl", b'{"schema": 1, "run": "r"}\n' + b"[" * 100_000 + b"\n{}\n", "is not JSON"),
    ],
)
def test_runs_half_written_newer_and_foreign_are_refused(place: Place, name: str, content: bytes, message: str) -> None:
    (place.root / "results" / NEW / name).write_bytes(content)
    done = place.lab("report", "--format", "md")
    assert (done.returncode, done.stdout) == (3, "")
    assert message in done.stderr


def test_a_transcript_cut_in_its_last_line_is_told_as_far_as_it_goes(place: Place) -> None:
    path = place.root / "results" / NEW / "transcript.jsonl"
    path.write_bytes(path.read_bytes()[:-30])
    assert place.lab("report", "--format", "md").returncode == 0


def test_a_run_without_a_transcript_is_told_without_commands(place: Place) -> None:
    (place.root / "results" / NEW / "transcript.jsonl").unlink()
    assert "this run has no transcript" in place.lab("report", "--format", "md").stdout
    done = place.lab("report", "--format", "sh")
    assert (done.returncode, done.stdout) == (2, "")


def test_a_file_that_cannot_be_written_is_the_machines_fault(place: Place) -> None:
    (place.root / "file").write_text("")
    done = place.lab("report", "--output", "file/below")
    assert done.returncode == 5
    assert "cannot write" in done.stderr


@pytest.mark.parametrize("output", ["x" * 300, "x" * 300 + "/", "/proc/report", "loop", "/dev/null/below"])
@pytest.mark.parametrize("verb", [["report"], ["bundle"]])
def test_a_place_that_cannot_be_written_is_an_error_with_a_reason(place: Place, verb: list[str], output: str) -> None:
    (place.root / "loop").symlink_to("loop/loop")
    done = place.lab(*verb, "--output", output)
    assert (done.returncode, done.stdout) == (5, "")
    assert "lab: cannot write " in done.stderr
    for word in ("Traceback", "Errno", "None"):
        assert word not in done.stderr


def test_a_name_that_no_file_system_takes_names_no_run(place: Place) -> None:
    done = place.lab("report", "x" * 300)
    assert (done.returncode, "cannot find the run" in done.stderr, "Traceback" in done.stderr) == (2, True, False)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can take rights away from a process of its own")
@pytest.mark.parametrize("place_", ["", "below", "below/"])
@pytest.mark.parametrize("mode", [0o500, 0o000])
def test_a_folder_without_rights_is_an_error_and_no_traceback(tmp_path: Path, mode: int, place_: str) -> None:
    """As a plain user meets it: even to look whether something exists may be refused."""
    closed = tmp_path / "closed"
    closed.mkdir(mode=mode)
    for folder in (tmp_path, *tmp_path.parents[:2]):
        folder.chmod(0o755)
    code = (
        "import contextlib, io, os, sys; from lab.cli.reports import report; from lab.errors import LabError\n"
        "with contextlib.redirect_stderr(io.StringIO()):  # as root, who may read each module\n"
        "    report.main([sys.argv[1], '--output', '/dev/null'], standalone_mode=False)\n"
        "os.setuid(65534)\n"
        "try: report.main(sys.argv[1:], standalone_mode=False)\n"
        "except LabError as error: print(f'{type(error).__name__}: {error.message}')"
    )
    target = f"{closed}/{place_}" if place_ else f"{closed}/a/b"
    argv = [
        sys.executable,
        "-c",
        code,
        str(ROOT / "tests" / "data" / "runs" / "default-and-user-xattr"),
        "--output",
        target,
    ]
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert done.stderr == ""
    assert done.stdout.startswith(f"HostError: cannot write {closed}/")
    assert done.stdout.endswith(": Permission denied\n")


def test_a_folder_gets_a_file_for_each_run(place: Place) -> None:
    (place.root / "reports").mkdir()
    done = place.lab("report", "--run", "*", "--format", "html", "--output", "reports")
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    assert sorted(path.name for path in (place.root / "reports").iterdir()) == [f"{OLD}.html", f"{NEW}.html"]
    # a folder that is not there yet is told by its slash
    assert place.lab("report", "--format", "csv", "--output", "new/").stderr == f"written to new/{NEW}.csv\n"


def test_a_folder_gets_a_script_for_each_host(place: Place) -> None:
    done = place.lab("report", "--format", "sh", "--output", "scripts/")
    names = [f"{NEW}-debian12-{kind}.sh" for kind in ("apparmor", "selinux")]
    assert sorted(done.stderr.splitlines()) == [f"written to scripts/{name}" for name in names]
    for name in names:
        text = (place.root / "scripts" / name).read_text()
        assert text.startswith("#!/bin/sh\n") and f"only={name.removeprefix(NEW + '-').removesuffix('.sh')}\n" in text


def test_a_script_that_leaves_out_steps_is_announced_by_a_warning(place: Place) -> None:
    path = place.root / "results" / NEW / "run.json"
    stored = json.loads(path.read_text())
    path.write_text(json.dumps({**stored, "sequence": [{"step": "build"}, {"step": "restart"}, {"step": "build"}]}))
    done = place.lab("report", "--format", "sh")
    assert (done.returncode, done.stdout.startswith("#!/bin/sh\n")) == (0, True)
    assert done.stderr.startswith(f"warning: the script of {NEW} does not repeat the sequence of the run")
    assert done.stderr.endswith("it leaves out: consumer: build; consumer: restart\n")
    assert place.lab("report", "--format", "table").stderr == ""


def test_a_file_without_a_name_is_none(place: Place) -> None:
    done = place.lab("report", "--output", "")
    assert (done.returncode, "cannot use the option --output: it is empty" in done.stderr) == (2, True)
    assert sorted(path.name for path in place.root.iterdir() if path.suffix == ".txt") == []


def test_what_is_no_plain_file_is_written_to_and_stays_what_it_is(place: Place) -> None:
    """As root, a report to /dev/stdout or /dev/full would else put a file in the device's place."""
    pipe = place.root / "pipe"
    os.mkfifo(pipe)
    reader = subprocess.Popen(["cat", str(pipe)], stdout=subprocess.PIPE, text=True)
    assert place.lab("report", "--output", "pipe").returncode == 0
    assert reader.communicate()[0] == (RUNS / "schema-1" / "table.txt").read_text()
    assert pipe.is_fifo()
    full = place.lab("report", "--output", "/dev/full")
    assert (full.returncode, "cannot write /dev/full: No space left on device" in full.stderr) == (5, True)
    assert Path("/dev/full").is_char_device()


def test_a_link_is_followed(place: Place) -> None:
    (place.root / "real.txt").write_text("old")
    (place.root / "link.txt").symlink_to("real.txt")
    assert place.lab("report", "--output", "link.txt").returncode == 0
    assert (place.root / "link.txt").is_symlink()
    assert (place.root / "real.txt").read_text() == (RUNS / "schema-1" / "table.txt").read_text()


# --- runs


def test_runs_are_listed_with_what_they_hold(place: Place) -> None:
    assert place.lab("runs").stdout.splitlines() == [
        f"{OLD}  2026-05-27 18:30 UTC  copy-bust  1 as expected, 1 broken",
        "    lineup debian: debian12-apparmor, debian12-selinux; engines 20.10.24, 20.10.24-unfixed",
        f"{NEW}  2026-11-23 21:27 UTC  copy-bust  6 as expected",
        "    lineup debian: debian12-apparmor, debian12-selinux; engines 20.10.24",
    ]
    found = data(place.lab("runs", "--json"))
    assert [run["verdicts"] for run in found["runs"]] == [{"as expected": 1, "broken": 1}, {"as expected": 6}]


def test_old_runs_are_removed_on_demand(place: Place) -> None:
    assert place.lab("runs", "--prune").stdout.count("removed") == 0
    assert place.lab("runs", "--prune", "--keep", "1").stdout.startswith(f"removed {OLD}\n{NEW}  ")
    assert [path.name for path in (place.root / "results").glob("[!.]*")] == [NEW]


def test_a_list_of_many_words_fits_100_columns(place: Place) -> None:
    path = place.root / "results" / NEW / "run.json"
    run = json.loads(path.read_text())
    for number, verdict in enumerate(("busted", "fixed", "broken")):
        run["trials"][number]["verdict"] = verdict
    run["complete"] = False
    run["boxes"] *= 8
    for number, box in enumerate(run["boxes"]):
        run["boxes"][number] = {**box, "name": f"a-builder-with-a-long-name-{number}"}
    path.write_text(json.dumps(run))
    lines = place.lab("runs").stdout.splitlines()
    assert max(map(len, lines)) <= 100
    words = " ".join(" ".join(lines).split())
    verdicts = "1 missed, 1 hit unexpectedly, 1 broken, 3 as expected"
    assert f"{NEW} 2026-11-23 21:27 UTC copy-bust {verdicts} (incomplete) lineup" in words
    assert "a-builder-with-a-long-name-14, a-builder-with-a-long-name-15; engines 20.10.24" in words


def test_without_runs_the_list_says_how_to_make_one(place: Place) -> None:
    shutil.rmtree(place.root / "results")
    assert place.lab("runs").stdout == "no run is stored; `python -m lab repro` makes one\n"
    assert data(place.lab("runs", "--json"))["runs"] == []


# --- compare, expect


def test_a_change_is_exit_code_4(place: Place) -> None:
    changed = "20261124T000000Z-copy-bust"
    shutil.copytree(place.root / "results" / NEW, place.root / "results" / changed)
    path = place.root / "results" / changed / "run.json"
    path.write_text(path.read_text().replace('"outcome": "ran"', '"outcome": "hit"'))
    same = place.lab("compare", NEW, NEW)
    assert (same.returncode, same.stdout) == (0, "0 trials changed, 6 did not\n")
    done = place.lab("compare", NEW, changed)
    assert done.returncode == 4
    assert done.stdout.count("  COPY bar bar: ran -> hit\n") == 2
    found = json.loads(place.lab("compare", NEW, changed, "--json").stdout)
    assert {change["cell"] for change in found["changes"]} == {"COPY bar bar", "RUN echo baz"}
    assert found["same"] == 4


def test_a_golden_table_is_saved_and_holds(place: Place) -> None:
    missing = place.lab("expect", "check")
    assert (missing.returncode, "hint: write it with `python -m lab expect save`" in missing.stderr) == (2, True)
    path = place.root / "templates" / "scenarios" / "copy-bust" / "golden" / "debian.yaml"
    assert place.lab("expect", "save").stdout == f"written to {path}\n"
    assert place.lab("expect", "check").returncode == 0
    path.write_text(path.read_text().replace("[hit, ran, ran]", "[hit, ran, hit]", 1))
    done = place.lab("expect", "check")
    assert done.returncode == 4
    assert "copy-bust:user-xattr: RUN echo baz: expected hit, got ran" in done.stdout
    [cell] = json.loads(place.lab("expect", "check", "--json").stdout)["changed"]
    assert (cell["golden"], cell["found"]) == ("hit", "ran")
    broken = place.lab("expect", "save", OLD)
    assert (broken.returncode, "as golden: the outcomes of" in broken.stderr) == (2, True)


def test_the_scenario_may_lie_elsewhere(place: Place) -> None:
    elsewhere = place.root / "elsewhere"
    shutil.move(place.root / "templates" / "scenarios" / "copy-bust", elsewhere)
    assert place.lab("expect", "save").returncode == 2
    assert place.lab("expect", "save", "--scenario", str(elsewhere)).returncode == 0
    assert (elsewhere / "golden" / "debian.yaml").is_file()


# --- bundle, replay


def test_a_bundle_is_shown_again_anywhere(place: Place, tmp_path: Path) -> None:
    done = place.lab("bundle", "--output", "mine.tar.gz")
    assert (done.returncode, done.stdout) == (0, "written to mine.tar.gz\n")
    assert "it holds the source files of the build contexts" in done.stderr
    shutil.rmtree(place.root / "results")
    again = place.lab("replay", "mine.tar.gz")
    table = (RUNS / "schema-1" / "table.txt").read_text()
    assert (again.returncode, again.stdout) == (
        0, table + "\njudged again by the scenario of this version of lab\n0 trials changed, 6 did not\n",
    )  # fmt: skip
    assert data(place.lab("replay", "mine.tar.gz", "--json"))["name"] == NEW
    assert place.lab("report", "mine.tar.gz").stdout == table
    assert place.lab("compare", "mine.tar.gz", "mine.tar.gz").returncode == 0


def test_a_bundle_is_named_after_its_run(place: Place) -> None:
    assert place.lab("bundle").stdout == f"written to {NEW}.tar.gz\n"
    assert place.lab("bundle", f"{NEW}.tar.gz").returncode == 2
    (place.root / "bundles").mkdir()
    assert place.lab("bundle", "--output", "bundles").stdout == f"written to bundles/{NEW}.tar.gz\n"


def test_a_replay_ends_with_12_where_todays_model_is_contradicted(place: Place) -> None:
    sample = place.root / "results" / "30001231T000000Z-sample"
    shutil.copytree(ROOT / "tests" / "data" / "runs" / "default-and-user-xattr", sample)
    assert place.lab("bundle", sample.name, "--output", "mine.tar.gz").returncode == 0
    assert place.lab("replay", "mine.tar.gz").returncode == 0
    # an engine that is said to hash no security.* attribute, and did
    run = sample / "run.json"
    run.write_text(run.read_text().replace('"rules": "R5, all attributes"', '"rules": "R5"'))
    assert place.lab("bundle", sample.name, "--output", "mine.tar.gz").returncode == 0
    done = place.lab("replay", "mine.tar.gz")
    assert done.returncode == 12
    assert done.stdout.count("  predicted: ok -> contradicted\n") == 2
    assert "CONTRADICTED: 2 of 10 trials did not go as predicted" in done.stderr
    assert "python -m lab explain mine.tar.gz --trial" in done.stderr


def test_todays_scenario_judges_a_bundle(place: Place) -> None:
    place.lab("bundle", "--output", "mine.tar.gz")
    path = place.root / "templates" / "scenarios" / "copy-bust" / "scenario.yaml"
    text = path.read_text()
    path.write_text(text.replace("expect: [hit, ran, ran]", "expect: [hit, hit, hit]", 3))
    done = place.lab("replay", "mine.tar.gz")
    assert done.returncode == 4
    assert "  verdict: as expected -> missed\n" in done.stdout
    path.write_text(text.replace("COPY {{ file }} {{ file }}", "COPY {{ file }} /other"))
    assert "judged again by the bundle's scenario" in place.lab("replay", "mine.tar.gz").stdout


def test_a_damaged_bundle_is_exit_code_3(place: Place) -> None:
    place.lab("bundle", "--output", "mine.tar.gz")
    path = place.root / "mine.tar.gz"
    path.write_bytes(path.read_bytes()[:5000])
    for verb in (["replay"], ["report"], ["compare", "mine.tar.gz"]):
        done = place.lab(*verb, "mine.tar.gz")
        assert (done.returncode, done.stdout) == (3, "")
        assert "lab: cannot read mine.tar.gz: it is damaged, or not a bundle" in done.stderr
    assert place.lab("replay", "none.tar.gz").returncode == 2


# --- text of any origin


def test_no_form_lets_a_hostile_run_speak_to_the_terminal(place: Place) -> None:
    evil = reporting.hostile()
    folder = place.root / "results" / "29990101T000000Z-evil"
    folder.mkdir()
    (folder / "run.json").write_text(evil.run.model_copy(update={"summary": "x\x1b[2J"}).to_json())
    (folder / "transcript.jsonl").write_bytes(dump("evil", evil.exchanges))
    for words in (["--format", form] for form in ("table", "md", "junit", "csv", "json")):
        done = place.lab("report", *words)
        assert done.returncode == 0, done.stderr
        assert not {character for character in done.stdout if not character.isprintable()} - {"\n", "\t", "\r"}
    for words in (["runs"], ["compare", folder.name, folder.name], ["expect", "check"]):
        done = place.lab(*words)
        assert "\x1b" not in done.stdout + done.stderr
