"""The project of a stored run, made again in a folder: every file as it was, or what is missing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from lab.buildkit.contenthash.entry import Entry, Kind, file
from lab.buildkit.rulebook import Rulebook
from lab.errors import LabError, ReadError, UsageError
from lab.results.contexts import pack
from lab.results.facts import Given
from lab.results.run import Base, Production, Run
from lab.run.own_project.project import RECIPE, read_project
from lab.run.own_project.recorded import recorded_project
from lab.run.own_project.request import Request
from lab.run.own_project.scenario import scenario_of
from tests.conftest import ROOT
from tests.reporting import run

OWN = "FROM alpine AS one\nRUN x\nFROM one\nCOPY . .\n"
MADE = datetime(2026, 1, 1, tzinfo=UTC)
BASE = "localhost:5000/lab-base@sha256:" + "1" * 64


def stored(request: Request, objects: Sequence[Entry] | None = None, base: str = BASE) -> Run:
    """The run that a request gives, with one production of these objects, or else of the project's own."""
    project = read_project(request)
    scenario = scenario_of(project, base)
    rules = list(Rulebook(ROOT / "boxes").rule_sets.values())
    entries = {entry.path: entry for entry in (*project.own_files, *project.objects)}.values()
    read = [
        replace(entry, content=b"".join(map(bytes, entry.chunks() or ())), sha256=None)
        if entry.kind is Kind.FILE and not entry.is_hardlink
        else entry
        for entry in entries
    ]
    packed = pack(objects if objects is not None else read, None, rules, MADE)
    given = Given(arguments=dict(scenario.options.arguments), flags=scenario.options.words)
    made = Production(producer="a", engine="26.1.5", reference="r", context=packed.key, options=given)
    return run(
        scenario=project.name,
        dockerfile=scenario.dockerfile,
        project=scenario.project,
        productions=(made,),
        contexts={packed.key: packed.context},
        contents=packed.contents,
        base=Base(reference=base, source="busybox"),
    )


def app(folder: Path) -> Path:
    (folder / "src").mkdir(parents=True)
    (folder / "Dockerfile").write_text(OWN)
    (folder / "src/a").write_text("a\n")
    (folder / "src/a").chmod(0o640)
    (folder / "src/b").hardlink_to(folder / "src/a")
    (folder / "link").symlink_to("src/a")
    (folder / "src").chmod(0o2775)
    return folder


def test_the_same_project_is_built_again(tmp_path: Path) -> None:
    request = Request(
        app(tmp_path / "app"),
        build_args=("A=1",),
        target="one",
        network="none",
        platform="linux/amd64",
        transfer="rsync",
        stub_runs=True,
        bases={"*": "busybox"},
    )
    made = stored(request)
    recorded = recorded_project(made, tmp_path / "again", Request(Path()))
    assert replace(recorded.request, context=request.context, file=None) == request
    first, second = read_project(request), read_project(recorded.request)
    fields = [
        [(item.path, item.kind, item.mode, item.linkname, item.xattrs) for item in one.objects]
        for one in (first, second)
    ]
    assert fields[0] == fields[1]
    assert scenario_of(second, BASE).dockerfile == made.dockerfile and second.name == made.scenario
    assert recorded.notes == (f"the files are those of the run {made.name}, which built {tmp_path / 'app'}",)


def test_a_dockerfile_elsewhere_is_the_one_that_was_built(tmp_path: Path) -> None:
    folder = app(tmp_path / "app")
    (tmp_path / "D").write_text(OWN)
    (tmp_path / "D.dockerignore").write_text("link\n")
    for bases in ({}, {"*": "busybox"}):
        made = stored(Request(folder, tmp_path / "D", bases=bases))
        request = recorded_project(made, tmp_path / f"again-{len(bases)}", Request(Path())).request
        again = read_project(request)
        assert (again.path, again.ignore) == (RECIPE, "link\n")
        assert again.dockerfile("other@1") == made.dockerfile.replace(BASE, "other@1")


def test_files_of_a_checkout_are_sent_as_the_producer_had_them(tmp_path: Path) -> None:
    made = stored(Request(app(tmp_path / "app")))
    assert made.project
    made = made.model_copy(update={"project": made.project.model_copy(update={"way": "checkout", "commit": "c0ffee"})})
    recorded = recorded_project(made, tmp_path / "again", Request(Path()))
    assert recorded.request.transfer == "exact"
    assert "now sent exactly as a had them" in recorded.notes[-1] and "at commit c0ffee" in recorded.notes[0]


def test_files_that_are_too_large_for_a_run(tmp_path: Path) -> None:
    folder = app(tmp_path / "app")
    (folder / "blob").write_bytes(bytes(300_000))
    with pytest.raises(UsageError, match=r"the run does not store the content of blob \(300 kB\)") as caught:
        recorded_project(stored(Request(folder)), tmp_path / "again", Request(Path()))
    assert str(folder) in str(caught.value.hint) and "repro --context" in str(caught.value.hint)


def test_files_whose_content_no_run_stores(tmp_path: Path) -> None:
    hidden = replace(file(".env", b"A=1\n"), content=None, sha256="0" * 64)
    made = stored(Request(app(tmp_path / "app")), [file("Dockerfile", OWN.encode()), hidden])
    with pytest.raises(UsageError, match=r"the run does not store the content of \.env \(4 B\)") as caught:
        recorded_project(made, tmp_path / "again", Request(Path()))
    assert "none with a name such as .env" in str(caught.value.hint)


def test_secrets_keys_and_folders_are_named_again(tmp_path: Path) -> None:
    folder, more = app(tmp_path / "app"), app(tmp_path / "more")
    (tmp_path / "t").write_text("token")
    given = {
        "secrets": (f"id=tok,src={tmp_path / 't'}",),
        "ssh": (f"git={tmp_path / 't'}",),
        "build_contexts": (f"more={more}",),
    }
    made = stored(Request(folder, **given))  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="secrets, keys or folders that no run stores") as caught:
        recorded_project(made, tmp_path / "again", Request(Path()))
    hint = "name them again: --build-context more=DIR --secret id=tok,src=FILE --ssh git"
    assert caught.value.hint == hint
    request = recorded_project(made, tmp_path / "again", Request(Path(), **given)).request  # type: ignore[arg-type]
    assert read_project(request).words == made.productions[0].options.flags


@pytest.mark.parametrize(
    ("objects", "words"),
    [
        ([Entry("a", Kind.SYMLINK, linkname="/tmp"), file("a/b", b"x")], "a/b: it is below an object that is not"),
        ([file("a", b"x"), Entry("b", linkname="../../etc/passwd")], "b: it is a hard link to no file of the run"),
        ([Entry("a", Kind.CHAR, devmajor=1, devminor=3)], "a: it is a char"),
    ],
)
def test_nothing_is_written_outside_the_folder(tmp_path: Path, objects: list[Entry], words: str) -> None:
    made = stored(Request(app(tmp_path / "app")), objects)
    with pytest.raises(ReadError, match=words):
        recorded_project(made, tmp_path / "again", Request(Path()))


def test_a_run_without_a_context(tmp_path: Path) -> None:
    made = stored(Request(app(tmp_path / "app")))
    changes: tuple[dict[str, object], ...] = ({"contexts": {}}, {"project": None}, {"productions": ()})
    for lost in changes:
        with pytest.raises(LabError, match="cannot build the project of this run again"):
            recorded_project(made.model_copy(update=lost), tmp_path / "again", Request(Path()))
