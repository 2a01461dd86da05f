"""The program as its users meet it: a process, its words, its exit code."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from lab import errors
from lab.cli.machines import with_way_back
from lab.cli.main import VERBS
from lab.cli.options import Workplace
from lab.files import hold
from lab.machines.catalog import Catalog
from lab.project import Project
from tests import archives
from tests.conftest import ROOT

RECORDED = ROOT / "tests" / "data" / "progress"


# Starting Python and importing Fabric and pydantic takes half a second. This process has done so once; it forks a
# child for each call, which is `python -m lab` from there on, with its own folder, environment and streams.
NURSERY = """\
import importlib, json, os, runpy, sys, traceback
for name in ("cli.host", "cli.machines", "cli.runs", "machines.fleet", "run.experiment", "boxes.vagrant", "buildkit.progress.reader"):
    importlib.import_module(f"lab.{name}")
for line in sys.stdin:
    ask = json.loads(line)
    child = os.fork()
    if child == 0:
        os.chdir(ask["cwd"])
        os.environ.clear()
        os.environ.update(ask["env"])
        for number, path in enumerate(ask["streams"]):
            os.dup2(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), number)
        sys.stdin = open(0, encoding="utf-8", closefd=False)
        sys.argv = ["lab", *ask["words"]]
        code = 0
        try:
            runpy.run_module("lab", run_name="__main__", alter_sys=True)
        except SystemExit as end:
            code = end.code or 0
        except BaseException:
            traceback.print_exc()
            code = 1
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)  # without the tenth of a second in which Python would tidy up
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


@pytest.fixture(scope="module")
def nursery() -> Iterator[subprocess.Popen[str]]:
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    argv = [sys.executable, "-c", NURSERY]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=env) as process:
        yield process
        assert process.stdin
        process.stdin.close()


@dataclass
class Place:
    """A checkout of this test's own: its boxes and templates are copies, its state and cache are empty."""

    root: Path
    nursery: subprocess.Popen[str]

    @property
    def env(self) -> dict[str, str]:
        return {
            **os.environ,
            "LAB_ROOT": str(self.root),
            "LAB_CACHE": str(self.root / "cache"),
            "PYTHONPATH": str(ROOT),
            "VAGRANT_HOME": str(self.root / "vagrant"),
        }

    def lab(self, *words: str, stdin: bytes = b"", **env: str) -> subprocess.CompletedProcess[str]:
        """Run `lab` there and give back what it said."""
        streams = [self.root / "streams" / name for name in ("in", "out", "err")]
        streams[0].parent.mkdir(exist_ok=True)
        for path, content in zip(streams, (stdin, b"", b""), strict=True):
            path.write_bytes(content)
        ask = {"words": words, "cwd": str(self.root), "env": self.env | env, "streams": [str(path) for path in streams]}
        assert self.nursery.stdin and self.nursery.stdout
        self.nursery.stdin.write(json.dumps(ask) + "\n")
        self.nursery.stdin.flush()
        code = int(self.nursery.stdout.readline())
        out, err = (path.read_text(encoding="utf-8") for path in streams[1:])
        assert "Traceback" not in err, err
        return subprocess.CompletedProcess(words, code, out, err)


@pytest.fixture
def place(tmp_path: Path, nursery: subprocess.Popen[str]) -> Place:
    shutil.copy(ROOT / "Vagrantfile", tmp_path)
    shutil.copytree(ROOT / "boxes", tmp_path / "boxes")
    shutil.copytree(ROOT / "templates", tmp_path / "templates")
    return Place(tmp_path, nursery)


def data(done: subprocess.CompletedProcess[str]) -> Any:
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


# --- help


def test_every_verb_helps_with_an_example(place: Place) -> None:
    found = {verb: place.lab(verb, "--help") for verb in VERBS}
    assert {"setup", "up", "repro", "engines", "bisect", "read", "down"} <= set(found)
    for verb, done in found.items():
        assert (done.returncode, done.stderr) == (0, ""), verb
        assert done.stdout.startswith(f"Usage: python -m lab {verb} ")
        last = " ".join(done.stdout.rstrip().rpartition("\n\n")[2].split())
        assert re.fullmatch(rf"Example: .*python -m lab {verb}( .*)?", last), last


def test_help_names_every_verb_and_needs_no_checkout(tmp_path: Path, nursery: subprocess.Popen[str]) -> None:
    done = Place(tmp_path, nursery).lab("--help")
    assert done.returncode == 0
    for verb in VERBS:
        assert re.search(rf"^  {verb} +\S", done.stdout, re.MULTILINE), verb
    assert done.stdout.rstrip().endswith("Example: python -m lab up && python -m lab repro")
    assert Place(tmp_path, nursery).lab("--version").stdout.startswith("lab, version ")


def test_the_module_and_the_program_are_the_same(place: Place) -> None:
    # once as a user starts it, without the nursery
    for argv in ([sys.executable, "-m", "lab"], [str(Path(sys.executable).parent / "lab")]):
        done = subprocess.run([*argv, "stats"], env=place.env, capture_output=True, text=True, timeout=60, check=False)
        said = 'lab: cannot find the verb "stats" (did you mean "status"?)\nhint: python -m lab --help\n'
        assert (done.returncode, done.stdout, done.stderr) == (2, "", said)


def test_without_a_checkout_it_says_where_to_run(tmp_path: Path, nursery: subprocess.Popen[str]) -> None:
    done = Place(tmp_path, nursery).lab("boxes")
    assert done.returncode == 2
    assert "cannot find the lab's checkout" in done.stderr
    assert "hint: run lab inside a checkout, or set LAB_ROOT to one" in done.stderr


# --- names and options that do not exist


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["stats"], 'lab: cannot find the verb "stats" (did you mean "status"?)'),
        (["xyz"], 'lab: cannot find the verb "xyz"'),
        (
            ["ssh", "debian12-selinx", "--lineup", "debian"],
            'cannot find the box "debian12-selinx" (did you mean "debian12-selinux"?)',
        ),
        (
            ["up", "debian-selinux", "--lineup", "debian"],
            'cannot find the box "debian-selinux" (did you mean "debian12-selinux"?)',
        ),
        (["exec", "al", "--lineup", "local", "--", "true"], 'cannot find the box "al"'),
        (["down", "locl"], 'cannot find the box "locl" (did you mean "local"?)'),
        (["status", "--lineup", "debain"], 'cannot find the lineup "debain" (did you mean "debian"?)'),
        (["bake", "debian1"], 'cannot find the recipe "debian1" (did you mean "debian13"?)'),
        (
            ["repro", "copy-bst", "--lineup", "debian"],
            'cannot find the scenario "copy-bst" (did you mean "copy-bust"?)',
        ),
        (
            ["repro", "--lineup", "debian", "--variation", "user-attr"],
            'cannot find the variation "user-attr" of scenario copy-bust (did you mean "user-xattr"?)',
        ),
        (
            ["repro", "--lineup", "debian", "--consumer", "debian12-selinu"],
            'cannot find the box "debian12-selinu" of lineup debian (did you mean "debian12-selinux"?)',
        ),
        (["repro", "--lineup", "debian", "--producer", "centos7"], 'cannot find the box "centos7" of lineup debian'),
        (["boxes", "--jsn"], "No such option"),
        (["up", "--provider", "vmware"], "'vmware' is not one of 'auto', 'libvirt', 'virtualbox'"),
        (["repro", "--registry-port", "99999"], "99999 is not in the range 1<=x<=65535"),
        (["read"], "Missing argument"),
        (["read", "none.txt"], "none.txt"),
        (["exec", "local"], "Missing argument"),
        (["ssh", "debian12-selinux", "--lineup", "debian"], "cannot use debian12-selinux: it is not up"),
        (["repro", "--lineup", "local", "--engine", "installed"], "--allow-prune permits it"),
        (["repro", "--lineup", "debian", "--engine", "20.10.42"], 'cannot find the engine "20.10.42"'),
        (["bisect", "--bad", "19.03.8", "--good", "20.10.24", "--step", "COPY bar"], 'cannot find the step "COPY bar"'),
        (["bisect", "--bad", "19.03.8", "--good", "19.03.8"], "--good and --bad are the same engine"),
        (["engines", "remove", "19.03.8"], 'cannot remove "19.03.8"'),
    ],
)
def test_what_does_not_exist_is_exit_code_2(place: Place, words: list[str], message: str) -> None:
    done = place.lab(*words)
    assert message in done.stderr
    assert done.returncode == 2
    assert done.stdout == ""
    assert not (place.root / ".lab" / "machines").exists()


def test_an_option_that_is_nearly_right_is_guessed(place: Place) -> None:
    assert re.search(r"Did you mean '?--json'?\?", place.lab("boxes", "--jsn").stderr)


# --- files that are wrong


def test_a_broken_box_file_is_exit_code_3(place: Place) -> None:
    path = place.root / "boxes" / "local.yaml"
    path.write_text(path.read_text(encoding="utf-8") + "enginez: [x]\n", encoding="utf-8")
    for words in (["boxes"], ["status", "--lineup", "gist"], ["up", "--lineup", "local"]):
        done = place.lab(*words)
        assert done.returncode == 3
        assert done.stderr == f'lab: cannot use {path}: unknown key enginez (did you mean "engines"?)\n'


def test_a_broken_scenario_is_exit_code_3_before_any_box_is_touched(place: Place) -> None:
    path = place.root / "templates" / "scenarios" / "copy-bust" / "Dockerfile.j2"
    path.write_text("FROM {{ bse }}\n", encoding="utf-8")
    done = place.lab("repro", "--lineup", "debian")
    assert done.returncode == 3
    assert f"lab: cannot render {path}: 'bse' is undefined (did you mean \"base\"?)" in done.stderr
    assert not (place.root / ".lab").exists()


def test_a_damaged_note_is_exit_code_5(place: Place) -> None:
    note = place.root / ".lab" / "machines" / "debian12-selinux.json"
    note.parent.mkdir(parents=True)
    note.write_text("{", encoding="utf-8")
    done = place.lab("status")
    assert done.returncode == 5
    assert "hint: remove that file, then run `python -m lab down debian12-selinux`" in done.stderr


# --- looking


def test_boxes_as_json(place: Place) -> None:
    found = data(place.lab("boxes", "--json"))
    assert found["schema"] == 1
    assert set(found["lineups"]) == {"gist", "debian", "local", "releases"}
    boxes = {box["name"]: box for box in found["boxes"]}
    assert {name: (box["kind"], box["state"]) for name, box in boxes.items()} == {
        "centos7": ("vagrant", "not created"),
        "ubuntu1804": ("vagrant", "not created"),
        "debian12-apparmor": ("vagrant", "not created"),
        "debian12-selinux": ("vagrant", "not created"),
        "debian11": ("vagrant", "not created"),
        "debian13": ("vagrant", "not created"),
        "debian-forky": ("vagrant", "not created"),
        "local": ("local", "running"),
        "local-docker": ("local", "running"),
    }
    assert boxes["centos7"]["engines"] == ["19.03.8"]
    assert boxes["local"]["lineups"] == ["local"]
    assert boxes["local-docker"]["lineups"] == ["gist"]


def test_boxes_as_a_table(place: Place) -> None:
    lines = place.lab("boxes").stdout.splitlines()
    assert lines[0].split() == ["box", "kind", "state", "engines", "lineups"]
    assert ["centos7", "vagrant", "not", "created", "19.03.8", "gist"] in [line.split() for line in lines]
    assert max(map(len, lines)) <= 100


def test_engines_are_listed_with_an_archive_of_ones_own(place: Place) -> None:
    file = archives.engine(place.root / "docker-23.0.6.tgz")
    assert place.lab("engines", "add", str(file)).returncode == 0
    rows = {row["name"]: row for row in data(place.lab("engines", "--json"))["engines"]}
    own, old, unfixed = rows["23.0.6"], rows["19.03.8"], rows["20.10.24-unfixed"]
    # the rules of a version that boxes/engines.yaml has not are those of its range in boxes/buildkit/rules.yaml
    assert (own["kind"], own["rules"], own["bytes"], own["proven"]) == ("static", "R6", file.stat().st_size, [])
    assert (old["kind"], old["rules"], old["bytes"]) == ("static", "R1", None)
    assert (unfixed["kind"], unfixed["rules"]) == ("reverted", "R5+all")
    lines = place.lab("engines").stdout.splitlines()
    assert lines[0].split() == ["engine", "kind", "rules", "source", "cached", "proven", "on"]
    assert max(map(len, lines)) <= 100


def test_status_without_and_with_boxes(place: Place) -> None:
    assert data(place.lab("status", "--json")) == {"schema": 1, "boxes": []}
    assert place.lab("status").stdout == "nothing is up; `python -m lab up` brings a lineup up\n"
    note = {
        "box": "debian12-selinux",
        "lineup": "debian",
        "vagrant": {"provider": "libvirt", "driver": "qemu", "prefix": "lab-000000-"},
        "address": {"host": "127.0.0.1", "port": 1, "user": "vagrant"},
        "suspended": True,
    }
    path = place.root / ".lab" / "machines" / "debian12-selinux.json"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(note), encoding="utf-8")
    [row] = data(place.lab("status", "--json"))["boxes"]
    assert row == {
        "box": "debian12-selinux",
        "state": "suspended",
        "lineup": "debian",
        "provider": "libvirt (qemu)",
        "address": "vagrant@127.0.0.1:1",
    }


def test_a_box_whose_file_is_gone_can_still_be_seen_and_removed(place: Place) -> None:
    path = place.root / ".lab" / "machines" / "old.json"
    path.parent.mkdir(parents=True)
    vagrant = {"provider": "virtualbox", "prefix": "lab-000000-"}
    path.write_text(json.dumps({"box": "old", "lineup": "gist", "vagrant": vagrant}), encoding="utf-8")
    [row] = data(place.lab("status", "--json"))["boxes"]
    assert (row["box"], row["state"]) == ("old", "its file is gone")
    with this_lab(place, "old"):
        assert place.lab("down", "old").returncode == 11  # it would be removed if this test did not hold it
    assert place.lab("down", "odl").returncode == 2


def test_orphans_are_of_no_box_and_no_lineup(place: Place) -> None:
    for words in (["debian12-selinux"], ["--lineup", "debian"]):
        done = place.lab("down", "--orphans", *words)
        assert done.returncode == 2
        assert done.stderr.startswith("lab: cannot use --orphans with a box or a lineup: ")


def test_a_shell_that_cannot_be_opened_says_why(place: Place) -> None:
    done = place.lab("ssh", "local", "--lineup", "local", SHELL="/no/such/shell")
    assert (done.returncode, done.stderr) == (127, "/no/such/shell: No such file or directory\n")


def test_a_command_on_this_machine(place: Place) -> None:
    words = ["exec", "local", "--lineup", "local"]
    done = place.lab(*words, "--", "sh", "-c", "printf out; printf err >&2; exit 7")
    assert (done.returncode, done.stdout, done.stderr) == (7, "out", "err")
    found = data(place.lab(*words, "--json", "--", "printf", "%s", "-x"))
    [row] = found["results"]
    assert (row["box"], row["exit"], row["stdout"], row["stderr"]) == ("local", 0, "-x", "")


# --- reading


def steps(build: dict[str, Any]) -> list[tuple[str, str]]:
    return [(step["instruction"], step["outcome"]) for step in build["steps"]]


FIRST = [("RUN echo foo", "ran"), ("COPY bar bar", "ran"), ("RUN echo baz", "ran")]
AGAIN = [("RUN echo foo", "hit"), ("COPY bar bar", "hit"), ("RUN echo baz", "hit")]


def test_a_recording_as_json(place: Place) -> None:
    found = data(place.lab("read", "--json", str(RECORDED / "20.10.24" / "gist.plain.txt")))
    assert set(found) == {"schema", "builds"}
    assert found["schema"] == 1
    first, again = found["builds"]
    assert set(first) == {
        "builder", "steps", "context_bytes", "dockerfile_bytes", "imports", "image", "images", "warnings", "frame",
        "lines",
    }  # fmt: skip
    assert set(first["steps"][0]) == {
        "stage", "index", "total", "instruction", "outcome", "seconds", "targets", "reason", "pulled",
    }  # fmt: skip
    assert (first["builder"], first["context_bytes"], first["dockerfile_bytes"]) == ("buildkit", 34, 103)
    assert steps(first)[1:] == FIRST
    assert steps(again)[1:] == AGAIN
    assert again["imports"] == [{"ref": "localhost:5901/e20-plain", "ok": True, "target": None, "error": None}]
    assert first["image"] == again["image"]


def test_several_files_and_standard_input(place: Place) -> None:
    files = [str(RECORDED / "20.10.24" / name) for name in ("gist.plain.txt", "gist.classic.txt")]
    assert [build["builder"] for build in data(place.lab("read", "--json", *files))["builds"]] == [
        "buildkit", "buildkit", "classic", "classic",
    ]  # fmt: skip
    text = Path(files[0]).read_bytes()
    found = data(place.lab("read", "--json", "-", stdin=text))["builds"]
    assert [steps(build)[1:] for build in found] == [FIRST, AGAIN]


def test_a_recording_as_a_table(place: Place) -> None:
    done = place.lab("read", str(RECORDED / "20.10.24" / "gist.plain.txt"))
    lines = done.stdout.splitlines()
    assert done.returncode == 0
    assert lines[0] == "build 1: buildkit  context 34B  cache from none"
    assert lines[1].split() == ["stage", "step", "instruction", "outcome", "seconds"]
    assert lines[4].split() == ["3/4", "COPY", "bar", "bar", "ran", "0"]
    assert "build 2: buildkit  context 34B  cache from localhost:5901/e20-plain (read)" in lines
    assert max(map(len, lines)) <= 100
    assert "\x1b" not in done.stdout  # no colour but on a terminal


@pytest.mark.parametrize("text", [b"", b"hello\n", bytes(range(256)), b"#1 [internal] load build definition\n"])
def test_output_without_a_step_is_exit_code_10(place: Place, text: bytes) -> None:
    (place.root / "log.txt").write_bytes(text)
    done = place.lab("read", str(RECORDED / "19.03" / "gist.plain.txt"), "log.txt")
    assert (done.returncode, done.stdout) == (10, "")
    assert "lab: cannot read log.txt: no build step in it\nhint: " in done.stderr


def test_a_file_that_cannot_be_read_is_this_machines_fault(place: Place) -> None:
    done = place.lab("read", "/proc/self/mem")  # nobody may read its first page, not even root
    assert (done.returncode, done.stdout) == (5, "")
    assert done.stderr == "lab: cannot read /proc/self/mem: Input/output error\n"


def test_a_disk_that_is_full_is_this_machines_fault(place: Place) -> None:
    with Path("/dev/full").open("w", encoding="utf-8") as full:
        words = [sys.executable, "-m", "lab", "boxes"]
        done = subprocess.run(words, env=place.env, stdout=full, stderr=subprocess.PIPE, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (5, b"lab: cannot write the answer: No space left on device\n")


def test_a_folder_that_is_gone_is_no_place_to_look_in(place: Place, tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    line = f"cd {gone} && rmdir {gone} && exec {sys.executable} -m lab boxes --json"
    env = {**place.env, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(["sh", "-c", line], env=env, capture_output=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, b"")


def test_a_reader_that_goes_away_is_no_error(place: Place) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    words = [sys.executable, "-m", "lab", "boxes", "--json"]
    try:
        done = subprocess.run(words, env=place.env, stdout=writer, stderr=subprocess.PIPE, timeout=60, check=False)
    finally:
        os.close(writer)
    assert (done.returncode, done.stderr) == (0, b"")


# --- two labs, and exit codes


@contextmanager
def this_lab(place: Place, *boxes: str) -> Iterator[None]:
    """This process as the lab that holds the boxes."""
    with hold(place.root / ".lab", list(boxes), "repro"):
        yield


@pytest.mark.parametrize("verb", ["up", "suspend", "down", "repro"])
def test_a_second_lab_is_exit_code_11(place: Place, verb: str) -> None:
    with this_lab(place, "debian12-selinux"):
        done = place.lab(verb, "--lineup", "debian")
    assert done.returncode == 11
    assert f"lab: cannot use debian12-selinux: `lab repro` (process {os.getpid()}) holds it" in done.stderr
    assert "hint: wait until it has ended, or end it by Ctrl-C" in done.stderr


@pytest.mark.parametrize(
    ("names", "command"), [((), "down --lineup debian"), (("centos7", "local"), "down centos7 local")]
)
def test_what_was_interrupted_names_the_command_that_cleans_up(
    tmp_path: Path, names: tuple[str, ...], command: str
) -> None:
    catalog = Catalog(ROOT / "boxes")
    place = Workplace(Project(tmp_path, tmp_path), catalog, catalog.lineup("debian"), "")

    def work() -> None:
        raise errors.Interrupted("stopped by Ctrl-C")

    with pytest.raises(errors.Interrupted) as caught:
        with_way_back(place, work, names)
    assert caught.value.hint == f"`python -m lab {command}` removes what there is; `lab up` goes on with it"


def kinds(base: type[errors.LabError]) -> list[type[errors.LabError]]:
    return [base, *(kind for child in base.__subclasses__() for kind in kinds(child))]


def test_every_kind_of_error_has_an_exit_code_of_its_own() -> None:
    codes = [kind.exit_code for kind in errors.LabError.__subclasses__()]
    assert len(codes) >= 11
    assert len(set(codes)) == len(codes)
    assert not {0, 4} & set(codes)  # success, and an outcome that differs, are no errors


def test_the_manual_lists_every_exit_code() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    table = re.search(r"^\| code \|.*\n\|[-| ]+\|\n((?:\|.*\n)+)", text, re.MULTILINE)
    assert table, "README.md has no table of exit codes"
    listed = [int(row.split("|")[1]) for row in table[1].splitlines()]
    assert listed == sorted({0, 4, 12, 14, *(kind.exit_code for kind in kinds(errors.LabError))})


def test_the_manual_lists_every_verb() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    table = re.search(r"^\| verb \|.*\n\|[-| ]+\|\n((?:\|.*\n)+)", text, re.MULTILINE)
    assert table, "README.md has no table of verbs"
    assert re.findall(r"^\| `(\w+)", table[1], re.MULTILINE) == list(VERBS)
