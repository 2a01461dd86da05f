"""Bundles: what is packed comes back, and what is no bundle, or wants to be more, is refused."""

from __future__ import annotations

import gzip
import io
import json
import shutil
import tarfile
from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from lab.boxes.transcript import dump, exchanges
from lab.buildkit.rulebook import Rulebook
from lab.errors import ConfigError, LabError, UsageError
from lab.model import Outcome
from lab.project import Project
from lab.report import bundle
from lab.results.run import load
from lab.run.replay import judge_again
from lab.run.scenarios import load_scenario
from tests import reporting
from tests.conftest import ROOT
from tests.reporting import RUNS

SAMPLE = RUNS / "schema-1"
BOOK = Rulebook(ROOT / "boxes")


@pytest.fixture
def project(tmp_path: Path) -> Project:
    root = tmp_path / "checkout"
    for name in ("boxes", "templates"):
        shutil.copytree(ROOT / name, root / name)
    return Project(root, tmp_path / "cache")


@pytest.fixture
def folder(project: Project) -> Path:
    shutil.copytree(SAMPLE, project.results / "mine")
    return project.results / "mine"


def opened(tmp_path: Path, content: bytes) -> bundle.Bundle:
    path = tmp_path / "a.tar.gz"
    path.write_bytes(content)
    return bundle.read(path)


# --- there and back


def test_a_run_comes_back_as_it_went(tmp_path: Path, project: Project, folder: Path) -> None:
    found = opened(tmp_path, bundle.pack(folder, project, redacted=False)).evidence()
    assert found.run == load(folder)
    assert found.exchanges == exchanges((folder / "transcript.jsonl").read_bytes(), "")


def test_it_holds_what_the_run_was_made_with(tmp_path: Path, project: Project, folder: Path) -> None:
    (folder / "records.json").write_text('{"entries": []}')
    (folder / ".run.json.77.part").write_text("half")
    files = opened(tmp_path, bundle.pack(folder, project)).files
    for name in (
        "run.json", "transcript.jsonl", "table.txt", "report.md", "report.html", "repro.sh",
        "records.json",
        "boxes/debian12-apparmor.yaml", "boxes/debian12-selinux.yaml", "boxes/lineups/debian.yaml",
        "boxes/engines.yaml",
        "templates/scenarios/copy-bust/scenario.yaml", "templates/scenarios/copy-bust/context/bar",
    ):  # fmt: skip
        assert name in files, name
    assert not [name for name in files if "part" in name or "gist" in name]


def test_the_sums_are_those_of_the_files(tmp_path: Path, project: Project, folder: Path) -> None:
    path = tmp_path / "a.tar.gz"
    path.write_bytes(bundle.pack(folder, project))
    with tarfile.open(path) as archive:
        names = archive.getnames()
        contents = {name: archive.extractfile(name).read() for name in names}  # type: ignore[union-attr]
    manifest = json.loads(contents.pop("manifest.json"))
    assert names[0] == "manifest.json"
    assert {name: entry["sha256"] for name, entry in manifest["files"].items()} == {
        name: sha256(content).hexdigest() for name, content in contents.items()
    }
    assert (manifest["bundle"], manifest["redacted"]) == (1, True)


def test_the_same_run_is_the_same_bundle_and_small(project: Project, folder: Path) -> None:
    packed = bundle.pack(folder, project)
    assert packed == bundle.pack(folder, project)
    assert len(packed) < 200_000


def test_redaction_reaches_every_file(tmp_path: Path, project: Project, folder: Path) -> None:
    for path in (folder / "transcript.jsonl", folder / "run.json"):
        path.write_text(path.read_text().replace("/home/vagrant", "/home/alice"))
    (folder / "notes.txt").write_text("alice said TOKEN=hunter2")
    box = project.boxes / "debian12-apparmor.yaml"
    box.write_text(box.read_text() + "host: build7.corp.example\nuser: alice\nkey: ~/.ssh/work\n")
    found = opened(tmp_path, bundle.pack(folder, project))
    for name, content in found.files.items():
        for word in (b"alice", b"hunter2", b"build7", b".ssh/work"):
            assert word not in content, name
    assert found.files["notes.txt"] == b"[user-1] said TOKEN=[secret]"
    assert b"hunter2" in opened(tmp_path, bundle.pack(folder, project, redacted=False)).files["notes.txt"]


@pytest.mark.parametrize(
    "text",
    [
        "{name: x, kind: ssh, host: build7.corp.example, user: bsmith}\n",
        'kind: ssh\nhost:\n  build7.corp.example\n"user": bsmith\n# ssh bsmith@build7.corp.example\n',
        "host: build7.corp.example\nuser: [\n",
    ],
)
def test_no_form_of_a_box_file_shows_its_address(tmp_path: Path, project: Project, folder: Path, text: str) -> None:
    (project.boxes / "debian12-apparmor.yaml").write_text(text)
    files = opened(tmp_path, bundle.pack(folder, project)).files
    content = files["boxes/debian12-apparmor.yaml"]
    assert content and b"corp.example" not in content and b"bsmith" not in content
    files = opened(tmp_path, bundle.pack(folder, project, redacted=False)).files
    assert files["boxes/debian12-apparmor.yaml"] == text.encode()


def test_a_run_without_a_transcript_is_packed_without_a_script(tmp_path: Path, project: Project, folder: Path) -> None:
    (folder / "transcript.jsonl").unlink()
    found = opened(tmp_path, bundle.pack(folder, project))
    assert "repro.sh" not in found.files
    assert found.evidence().exchanges == ()


def test_a_transcript_whose_last_line_was_cut_is_packed_as_far_as_it_goes(
    tmp_path: Path, project: Project, folder: Path
) -> None:
    path = folder / "transcript.jsonl"
    whole = exchanges(path.read_bytes(), "")
    path.write_bytes(path.read_bytes()[:-40])
    assert len(opened(tmp_path, bundle.pack(folder, project)).evidence().exchanges) == len(whole) - 1


def test_output_that_is_no_utf8_comes_back(tmp_path: Path, project: Project) -> None:
    evil = reporting.hostile()
    target = project.results / "evil"
    target.mkdir(parents=True)
    (target / "run.json").write_text(evil.run.to_json(), encoding="utf-8")
    (target / "transcript.jsonl").write_bytes(dump("evil", evil.exchanges))
    found = opened(tmp_path, bundle.pack(target, project, redacted=False)).evidence()
    assert found.exchanges == evil.exchanges
    assert found.run == evil.run


def test_links_in_a_run_are_not_followed(tmp_path: Path, project: Project, folder: Path) -> None:
    (folder / "passwd").symlink_to("/etc/passwd")
    assert "passwd" not in opened(tmp_path, bundle.pack(folder, project)).files


# --- its scenario, for whoever runs it again


def test_the_scenario_can_be_run_from_it(tmp_path: Path, project: Project, folder: Path) -> None:
    script = project.scenarios / "copy-bust" / "context" / "bar"
    script.chmod(0o755)
    found = opened(tmp_path, bundle.pack(folder, project))
    place = found.scenario(tmp_path / "into")
    assert place
    scenario = load_scenario(place, "alpine")
    assert scenario.name == "copy-bust"
    assert scenario.context == {"bar": (b"bar\n", True)}


def test_a_run_of_a_scenario_that_is_elsewhere_has_none(tmp_path: Path, project: Project, folder: Path) -> None:
    shutil.rmtree(project.scenarios / "copy-bust")
    assert opened(tmp_path, bundle.pack(folder, project)).scenario(tmp_path) is None


# --- judged again


def test_the_sample_is_judged_as_it_was(tmp_path: Path, project: Project, folder: Path) -> None:
    evidence = opened(tmp_path, bundle.pack(folder, project)).evidence()
    scenario = load_scenario(project.scenarios / "copy-bust", "alpine")
    assert judge_again(evidence, scenario, BOOK).trials == load(folder).trials


def test_todays_scenario_gives_todays_verdict(project: Project, folder: Path) -> None:
    path = project.scenarios / "copy-bust" / "scenario.yaml"
    text = path.read_text()
    path.write_text(
        text.replace(
            'instruction: "COPY {{ file }} {{ file }}", expect: hit',
            'instruction: "COPY {{ file }} {{ file }}", expect: ran',
        )
    )
    judged = judge_again(bundle.evidence_of(folder), load_scenario(path.parent, "alpine"), BOOK)
    verdicts = {(trial.variation, trial.verdict.value) for trial in judged.trials}
    assert verdicts == {("none", "hit unexpectedly"), ("user-xattr", "as expected")}


def test_outcomes_come_from_the_output_not_from_what_was_stored(project: Project, folder: Path) -> None:
    path = folder / "run.json"
    path.write_text(path.read_text().replace('"outcome": "ran"', '"outcome": "hit"'))
    scenario = load_scenario(project.scenarios / "copy-bust", "alpine")
    assert judge_again(bundle.evidence_of(folder), scenario, BOOK).trials == load(SAMPLE).trials


def test_without_scenario_or_transcript_what_was_expected_stands(folder: Path) -> None:
    (folder / "transcript.jsonl").unlink()
    assert judge_again(bundle.evidence_of(folder), None, BOOK).trials == load(folder).trials


def test_predictions_are_todays(project: Project) -> None:
    """The stored sample foretold every step; what it is made to have foretold is not believed."""
    evidence = bundle.evidence_of(ROOT / "tests" / "data" / "runs" / "default-and-user-xattr")
    scenario = load_scenario(project.scenarios / "copy-bust", "alpine")
    lied = tuple(trial.model_copy(update={"predicted": (Outcome.RAN,) * 3}) for trial in evidence.run.trials)
    judged = judge_again(replace(evidence, run=evidence.run.model_copy(update={"trials": lied})), scenario, BOOK)
    assert [trial.predicted for trial in judged.trials] == [trial.predicted for trial in evidence.run.trials]
    assert {trial.predicted for trial in judged.trials} == {
        (Outcome.HIT,) * 3, (Outcome.HIT, Outcome.RAN, Outcome.RAN)
    }  # fmt: skip


def test_an_import_that_is_no_fault_stays_none(folder: Path) -> None:
    """The output shows each import; that the engine has no inline cache, only the run does."""
    evidence = bundle.evidence_of(folder)
    marked = []
    for trial in evidence.run.trials:
        assert trial.build and trial.build.imports
        imports = tuple(item.model_copy(update={"unsupported": True}) for item in trial.build.imports)
        marked.append(trial.model_copy(update={"build": trial.build.model_copy(update={"imports": imports})}))
    run = evidence.run.model_copy(update={"trials": tuple(marked)})
    judged = judge_again(replace(evidence, run=run), None, BOOK)
    assert all(item.unsupported for trial in judged.trials if trial.build for item in trial.build.imports)


def test_where_redaction_changed_the_files_the_stored_prediction_stands(project: Project) -> None:
    evidence = bundle.evidence_of(ROOT / "tests" / "data" / "runs" / "default-and-user-xattr")
    contexts = {
        key: context.model_copy(update={"entries": ({**context.entries[0], "size": 1}, *context.entries[1:])})
        for key, context in evidence.run.contexts.items()
    }
    stored = tuple(trial.model_copy(update={"predicted": (Outcome.UNKNOWN,) * 3}) for trial in evidence.run.trials)
    changed = evidence.run.model_copy(update={"contexts": contexts, "trials": stored})
    judged = judge_again(replace(evidence, run=changed), None, BOOK)
    assert {trial.predicted for trial in judged.trials} == {(Outcome.UNKNOWN,) * 3}


# --- what is refused


def packed(*members: tuple[tarfile.TarInfo, bytes]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        for member, content in members:
            archive.addfile(member, io.BytesIO(content))
    return out.getvalue()


def plain(
    name: str, content: bytes = b"x", kind: bytes = tarfile.REGTYPE, link: str = ""
) -> tuple[tarfile.TarInfo, bytes]:
    member = tarfile.TarInfo(name)
    member.type, member.linkname = kind, link
    member.size = len(content) if kind == tarfile.REGTYPE else 0
    return member, content


def manifest(**changes: Any) -> tuple[tarfile.TarInfo, bytes]:
    value = {"bundle": 1, "lab": "0", "run": "r", "redacted": True, "files": {}, **changes}
    return plain("manifest.json", json.dumps(value).encode())


def refused(tmp_path: Path, content: bytes) -> LabError:
    before = set(tmp_path.rglob("*"))
    with pytest.raises(LabError) as caught:
        opened(tmp_path, content).evidence()
    assert isinstance(caught.value, ConfigError)
    assert caught.value.message.startswith("cannot ")
    assert caught.value.message.isprintable()
    assert set(tmp_path.rglob("*")) - before <= {tmp_path / "a.tar.gz"}, "something was written"
    return caught.value


@pytest.mark.parametrize(
    "name",
    ["../evil", "/etc/evil", "a/../../evil", "a/./b", "a//b", "..", ".", "a\nb", "a\x1b[2J", "x" * 2000, "\u202ea"],
)
def test_names_that_leave_the_folder_or_deceive(tmp_path: Path, name: str) -> None:
    assert "leads out of the bundle's folder" in refused(tmp_path, packed(manifest(), plain(name))).message


@pytest.mark.parametrize(
    ("kind", "link"),
    [
        (tarfile.SYMTYPE, "/etc/passwd"), (tarfile.LNKTYPE, "run.json"), (tarfile.CHRTYPE, ""), (tarfile.BLKTYPE, ""),
        (tarfile.FIFOTYPE, ""),
    ],
)  # fmt: skip
def test_links_and_devices(tmp_path: Path, kind: bytes, link: str) -> None:
    message = refused(tmp_path, packed(manifest(), plain("run.json", kind=kind, link=link))).message
    assert message.endswith("'run.json' is not a plain file")


def test_a_name_that_stands_twice(tmp_path: Path) -> None:
    assert "occurs twice" in refused(tmp_path, packed(manifest(), plain("a"), plain("a", b"y"))).message


def test_a_bomb_in_one_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # a smaller limit, so that the test need not unpack 128 MiB
    monkeypatch.setattr(bundle, "MAX_UNPACKED", 1 << 20)
    content = packed(manifest(), plain("zeros", bytes(4 << 20)))
    assert len(content) < 100_000
    assert "unpacks to more than 1 MiB" in refused(tmp_path, content).message


def test_a_bomb_in_a_header(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundle, "MAX_UNPACKED", 1 << 20)
    head = tarfile.TarInfo("pax")
    head.type, head.size = tarfile.XHDTYPE, 8 << 30  # says that eight gigabytes of attributes follow
    block = head.tobuf(format=tarfile.GNU_FORMAT)
    said = refused(tmp_path, gzip.compress(block + bytes(4 << 20))).message
    assert f"a header states a size of {8 << 30} bytes" in said


def test_too_many_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundle, "MAX_FILES", 10)
    assert "more than 10 files" in refused(tmp_path, packed(*(plain(str(number)) for number in range(11)))).message


def test_a_file_that_is_too_large_to_be_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundle, "MAX_PACKED", 1000)
    assert "a bundle has at most 0" in refused(tmp_path, b"\x1f\x8b" + bytes(2000)).message


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"hello",
        b"\x1f\x8b",
        gzip.compress(b""),
        gzip.compress(b"hello" * 500),
        gzip.compress(bytes(10240)),
        b"PK\3\4" * 99,
    ],
    ids=[
        "empty",
        "text",
        "start-of-gzip",
        "gzip-empty",
        "gzip-text",
        "gzip-zeros",
        "zip",
    ],  # gzip's bytes have the time
)
def test_what_is_no_archive(tmp_path: Path, content: bytes) -> None:
    refused(tmp_path, content)


def test_a_bundle_cut_in_half(tmp_path: Path, project: Project, folder: Path) -> None:
    content = bundle.pack(folder, project)
    for share in (0.05, 0.5, 0.99):
        refused(tmp_path, content[: int(len(content) * share)])


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda files: files.pop("table.txt"), "'table.txt' is missing"),
        (lambda files: files.update(extra=b"x"), "'extra' has no checksum"),
        (
            lambda files: files.update({"run.json": files["run.json"] + b" "}),
            "'run.json' has changed since it was packed",
        ),
    ],
)
def test_files_that_are_not_those_that_were_packed(
    tmp_path: Path, project: Project, folder: Path, change: Callable[[dict[str, bytes]], Any], words: str
) -> None:
    files = dict(opened(tmp_path, bundle.pack(folder, project)).files)
    with tarfile.open(tmp_path / "a.tar.gz") as archive:
        head = archive.extractfile("manifest.json").read()  # type: ignore[union-attr]
    change(files)
    members = [plain("manifest.json", head), *(plain(name, content) for name, content in files.items())]
    assert words in refused(tmp_path, packed(*members)).message


@pytest.mark.parametrize(
    ("head", "words"),
    [
        (plain("manifest.json", b"{"), "cannot read"),
        (plain("manifest.json", b"[" * 100_000), "cannot read"),
        (plain("manifest.json", b"[]"), "its version is None"),
        (manifest(bundle=2), "its version is 2, this lab reads version 1"),
        (manifest(flavour=1), "unknown key flavour"),
        (manifest(files={"run.json": {"sha256": "short", "bytes": 1}}), "sha256"),
        (manifest(files={"\x1b[2J": {"sha256": "0" * 64, "bytes": 1}}), "is missing"),
        (plain("other", b"x"), "it has no manifest.json, so it is not a bundle of lab"),
        (manifest(), "it has no run.json"),
    ],
)
def test_a_manifest_that_is_none(tmp_path: Path, head: tuple[tarfile.TarInfo, bytes], words: str) -> None:
    assert words in refused(tmp_path, packed(head)).message


def test_a_bundle_of_a_newer_lab_says_so(tmp_path: Path) -> None:
    assert refused(tmp_path, packed(manifest(bundle=9))).hint == "a newer version of lab wrote it: update lab"


@pytest.mark.parametrize("name", ["none.tar.gz", "."])
def test_a_bundle_that_is_not_there(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match="cannot find the bundle"):
        bundle.read(tmp_path / name)


def test_a_scenario_whose_name_leaves_the_folder_is_not_written(tmp_path: Path, project: Project, folder: Path) -> None:
    whole = opened(tmp_path, bundle.pack(folder, project))
    run = whole.files["run.json"].replace(b'"scenario": "copy-bust"', b'"scenario": "../evil"')
    names = {name.replace("/copy-bust/", "/../evil/"): content for name, content in whole.files.items()}
    evil = bundle.Bundle(whole.path, whole.manifest, {**names, "run.json": run})
    with pytest.raises(ConfigError, match=r"scenario: '\.\./evil' is not a plain name"):
        evil.scenario(tmp_path / "into")
    assert not (tmp_path / "evil").exists()


# --- what a bundle leaves out


def test_a_run_without_known_files_is_packed_without_a_script(tmp_path: Path, project: Project, folder: Path) -> None:
    (folder / "transcript.jsonl").unlink()
    files = opened(tmp_path, bundle.pack(folder, project)).files
    assert "repro.sh" not in files
    assert {"table.txt", "report.md", "report.html"} <= set(files)


def test_any_other_error_of_a_report_is_not_hidden(project: Project, folder: Path) -> None:
    (project.root / "templates" / "reports" / "page" / "page.css").unlink()
    with pytest.raises(ConfigError, match=r"its template page\.css is missing"):
        bundle.pack(folder, project)
