"""The program as its users meet it: a process, its words, its exit code."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from lab import __version__, errors
from lab.cli.machines import with_way_back
from lab.cli.manual import pages
from lab.cli.options import Workplace
from lab.cli.verbs import GROUPS, VERBS
from lab.files import hold
from lab.machines.catalog import Catalog
from lab.project import Project
from tests import archives
from tests.cli.program import Place, data
from tests.conftest import ROOT

RECORDED = ROOT / "tests" / "data" / "progress"


# --- help


def test_every_verb_helps_with_an_example(place: Place) -> None:
    found = {page.path: place.lab(*page.path.split(), "--help") for page in pages()}
    assert {*VERBS, "engines pin", "expect check", "schema run"} <= set(found)
    for verb, done in found.items():
        assert (done.returncode, done.stderr) == (0, ""), verb
        assert done.stdout.startswith(f"Usage: python -m lab {verb} ")
        _, _, example = done.stdout.partition("\n  Example:\n    ")
        assert re.fullmatch(rf"(.*\W)?python -m lab {verb}(\b.*)?", example.strip()), example


def test_help_shows_every_verb_under_what_people_want_and_needs_no_checkout(
    tmp_path: Path, nursery: subprocess.Popen[str]
) -> None:
    done = Place(tmp_path, nursery).lab("--help")
    assert done.returncode == 0
    blocks = {block.split(":\n")[0]: block for block in done.stdout.split("\n\n")}
    for group, verbs in GROUPS.items():
        assert (group in blocks) == bool(verbs)  # a group without a verb is not shown
        assert re.findall(r"^  (\w+) +\S", blocks.get(group, ""), re.MULTILINE) == list(verbs)
    assert done.stdout.endswith("\n  Example:\n    python -m lab up && python -m lab repro\n")


def test_without_a_verb_it_shows_where_to_begin(tmp_path: Path, nursery: subprocess.Popen[str]) -> None:
    done = Place(tmp_path, nursery).lab()
    assert (done.returncode, done.stderr) == (0, "")
    named = re.findall(r"python -m lab (\w+)", done.stdout)
    assert {"why", "read", "up", "repro", "explain", "report"} <= set(named) <= {*VERBS, "VERB"}
    assert max(map(len, done.stdout.splitlines())) <= 100


def test_the_version_names_what_lab_stands_on(tmp_path: Path, nursery: subprocess.Popen[str]) -> None:
    (tmp_path / "bin").mkdir()
    for name, text in (("vagrant", "Vagrant 2.4.1"), ("VBoxManage", "7.0.14r161095"), ("virsh", "9.0.0")):
        program = tmp_path / "bin" / name
        program.write_text(f"#!/bin/sh\necho {text}\n")
        program.chmod(0o755)
    found = Place(tmp_path, nursery).lab("--version", PATH=str(tmp_path / "bin"))
    first, python, *rest = found.stdout.splitlines()
    assert first == f"lab {__version__}"
    assert python.startswith("Python {}.{}.{} (".format(*sys.version_info))
    assert rest == ["Vagrant 2.4.1", "providers: VirtualBox 7.0.14r161095"]  # libvirt without QEMU is none
    nothing = Place(tmp_path, nursery).lab("--version", PATH=str(tmp_path)).stdout.splitlines()
    assert nothing[2:] == ["Vagrant not installed", "providers: none found"]


def test_help_imports_nothing_heavy() -> None:
    words = [sys.executable, "-X", "importtime", "-m", "lab", "--help"]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=60, check=True)
    imported = {line.rpartition("|")[2].strip().partition(".")[0] for line in done.stderr.splitlines()}
    assert "click" in imported
    heavy = {"fabric", "invoke", "jinja2", "paramiko", "psutil", "pydantic", "rich", "tabulate", "yaml", "asyncio"}
    assert not heavy & imported


def test_the_module_and_the_program_are_the_same_and_name_themselves_as_they_were_called(place: Place) -> None:
    # as a user starts it, without the nursery
    python = Path(sys.executable)
    found = f"{python.parent}{os.pathsep}{place.env['PATH']}"
    for argv, path, name in (
        ([str(python), "-m", "lab"], "/usr/bin:/bin", f"{python} -m lab"),
        ([python.name, "-m", "lab"], found, f"{python.name} -m lab"),
        ([str(python.parent / "lab")], "/usr/bin:/bin", f"{python.parent / 'lab'}"),
        ([str(python.parent / "lab")], found, "lab"),
    ):
        env = {**place.env, "PATH": path}
        executable = str(python) if argv[0] == python.name else argv[0]
        done = subprocess.run(
            [*argv, "stats"], executable=executable, env=env, capture_output=True, text=True, timeout=60, check=False
        )
        wanted = f'lab: cannot find the verb "stats" (did you mean "status"?)\nhint: {name} --help\n'
        assert (done.returncode, done.stdout, done.stderr) == (2, "", wanted)


def test_a_lab_root_that_is_no_workplace_is_refused(tmp_path: Path, nursery: subprocess.Popen[str]) -> None:
    done = Place(tmp_path, nursery).lab("boxes")
    assert done.returncode == 2
    assert f"cannot find lab's boxes and templates: no Vagrantfile with boxes/ in {tmp_path}" in done.stderr
    assert (
        "hint: create a workplace with `python -m lab init DIR`, and run lab in it or set LAB_ROOT to it" in done.stderr
    )


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
        (["boxes", "--jsn"], 'lab: cannot find the option --jsn of `python -m lab boxes` (did you mean "--json"?)'),
        (["engines", "ad"], '`python -m lab engines`: it has no verb "ad" (did you mean "add"?); its verbs are add, '),
        (["expect"], "cannot run `python -m lab expect`: it needs a verb; its verbs are save, check"),
        (["boxes", "x"], "cannot run `python -m lab boxes`: got unexpected extra argument (x)"),
        (["up", "--lineup"], "cannot use --lineup: it needs a value"),
        (["boxes", "--json=x"], "cannot use --json: it takes no value"),
        (["why", "."], "cannot run `python -m lab why`: the option --cache-from is missing"),
        (["--colour", "boxes"], 'cannot find the option --colour of `python -m lab` (did you mean "--color"?)'),
        (
            ["up", "--provider", "vmware"],
            "cannot use the option --provider: 'vmware' is not one of 'auto', 'libvirt', 'virtualbox'",
        ),
        (["repro", "--registry-port", "99999"], "99999 is not in the range 1<=x<=65535"),
        (["repro", "--repeat", "often"], "cannot use the option --repeat: 'often' is not a whole number"),
        (["read"], "cannot run `python -m lab read`: the argument FILE..|- is missing"),
        (["read", "none.txt"], "cannot read none.txt: No such file or directory"),
        (["exec", "local"], "cannot run `python -m lab exec`: the argument COMMAND is missing"),
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
    assert re.search(
        r"(?m)^lab: cannot .+(\nhint: .+)?\n\Z", done.stderr
    )  # the last lines, and no usage line of Click's
    assert "Usage:" not in done.stderr
    assert not (place.root / ".lab" / "machines").exists()


# --- files that are wrong


def test_a_broken_box_file_is_exit_code_3(place: Place) -> None:
    path = place.root / "boxes" / "local.yaml"
    path.write_text(path.read_text(encoding="utf-8") + "enginez: [x]\n", encoding="utf-8")
    for words in (["boxes"], ["status", "--lineup", "gist"], ["up", "--lineup", "local"]):
        done = place.lab(*words)
        assert done.returncode == 3
        assert done.stderr == f'lab: cannot use {path}: line 8: unknown key enginez (did you mean "engines"?)\n'


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
    assert " down debian12-selinux` removes the box, and " in done.stderr


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
    nothing = {"schema": 1, "boxes": [], "this_machine": [], "saved": {}, "kept": []}
    assert data(place.lab("status", "--json")) == nothing
    assert place.lab("status").stdout == "no box is up; `python -m lab up` starts a lineup\n"
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
        "snapshots": [],
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
    assert place.lab(*words, "echo", "--color", "--debug").stdout == "--color --debug\n"  # its options, not lab's
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
        "builder", "steps", "absent", "context_bytes", "dockerfile_bytes", "imports", "image", "images", "warnings",
        "frame", "lines", "file",
    }  # fmt: skip
    assert set(first["steps"][0]) == {
        "stage", "index", "total", "instruction", "outcome", "seconds", "targets", "reason", "pulled",
        "ran_and_failed",
        "download",
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


@pytest.mark.parametrize("text", [b"hello\n", bytes(range(256)), b"#1 [internal] load build definition\n"])
def test_output_without_a_step_is_exit_code_10(place: Place, text: bytes) -> None:
    (place.root / "log.txt").write_bytes(text)
    done = place.lab("read", str(RECORDED / "19.03" / "gist.plain.txt"), "log.txt")
    assert (done.returncode, done.stdout) == (10, "")
    assert "lab: cannot read log.txt: it has no build step\nhint: " in done.stderr


def test_a_file_that_cannot_be_read_is_this_machines_fault(place: Place) -> None:
    done = place.lab("read", "/proc/self/mem")  # nobody may read its first page, not even root
    assert (done.returncode, done.stdout) == (5, "")
    assert done.stderr == "lab: cannot read /proc/self/mem: Input/output error\n"


def test_a_disk_that_is_full_is_this_machines_fault(place: Place) -> None:
    with Path("/dev/full").open("w", encoding="utf-8") as full:
        words = [sys.executable, "-m", "lab", "boxes"]
        done = subprocess.run(words, env=place.env, stdout=full, stderr=subprocess.PIPE, timeout=60, check=False)
    hint = b"hint: free some space there, then run the command again\n"
    assert (done.returncode, done.stderr) == (5, b"lab: cannot write the answer: No space left on device\n" + hint)


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


def test_a_second_lab_waits_if_it_is_asked_to_and_prints_for_whom(place: Place) -> None:
    words = [sys.executable, "-m", "lab", "--wait", "suspend", "debian12-selinux"]
    env = {**os.environ, "LAB_ROOT": str(place.root), "PYTHONPATH": str(ROOT)}
    with this_lab(place, "debian12-selinux"):
        waits = subprocess.Popen(words, stderr=subprocess.PIPE, text=True, env=env)
        assert waits.stderr
        first = waits.stderr.readline()
    with waits:
        assert first.startswith(f"debian12-selinux: waiting for `lab repro` (process {os.getpid()}, since ")
        assert waits.wait() == 0


@pytest.mark.parametrize("verb", ["up", "suspend", "down", "repro"])
def test_a_second_lab_is_exit_code_11(place: Place, verb: str) -> None:
    with this_lab(place, "debian12-selinux"):
        done = place.lab(verb, "--lineup", "debian")
    assert done.returncode == 11
    assert f"lab: cannot use debian12-selinux: `lab repro` (process {os.getpid()}, since " in done.stderr
    assert f" --wait {verb} ...` waits until it ends" in done.stderr


@pytest.mark.parametrize(("names", "these"), [((), "--lineup debian"), (("centos7", "local"), "centos7 local")])
def test_what_was_interrupted_names_the_command_that_cleans_up(
    tmp_path: Path, names: tuple[str, ...], these: str
) -> None:
    catalog = Catalog(ROOT / "boxes")
    place = Workplace(Project(tmp_path, tmp_path), catalog, catalog.lineup("debian"), "")

    def work() -> None:
        raise errors.Interrupted("stopped by Ctrl-C")

    with pytest.raises(errors.Interrupted) as caught:
        with_way_back(place, work, names)
    assert (
        caught.value.hint == f"`python -m lab down {these}` removes what exists; `python -m lab up {these}` continues"
    )


def test_every_kind_of_error_has_an_exit_code_and_words_of_its_own() -> None:
    kinds: list[type[errors.LabError]] = [errors.LabError, *errors.LabError.__subclasses__()]
    listed = errors.exit_codes()
    codes = [item.code for item in listed]
    assert codes == sorted(set(codes))  # each once: 0, 4, 12 and 14 are outcomes, and no error has them
    assert {kind.exit_code for kind in kinds} | {0, errors.DIFFERS, errors.CONTRADICTED, errors.NOT_KNOWN} == set(codes)
    assert {errors.DIFFERS, errors.CONTRADICTED, errors.NOT_KNOWN} == {4, 12, 14}
    for kind in kinds:
        assert {"exit_code", "meaning", "fault"} <= set(vars(kind)), kind
    assert len({item.meaning for item in listed}) == len(listed)
