"""`repro --from BUNDLE`: what of somebody's run is asked for again, and how what came of it is compared with theirs."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from lab.buildkit.contenthash.entry import file
from lab.cli.again import theirs
from lab.cli.options import Workplace
from lab.errors import UsageError
from lab.machines.catalog import Catalog
from lab.project import Project
from lab.report import bundle
from lab.results.contexts import pack
from lab.results.facts import Given, ProjectFacts
from lab.results.run import Base, Run, save
from lab.results.varied import VaryFacts
from lab.run.own_project.project import read_project
from lab.run.own_project.request import Request
from lab.run.own_project.scenario import scenario_of
from tests import reporting
from tests.conftest import ROOT
from tests.reporting import HIT, RAN, run, trial

pytestmark = pytest.mark.slow


@pytest.fixture
def place(tmp_path: Path) -> Workplace:
    root = tmp_path / "checkout"
    for name in ("boxes", "templates"):
        shutil.copytree(ROOT / name, root / name)
    project = Project(root, tmp_path / "cache")
    catalog = Catalog(project.boxes)
    return Workplace(project, catalog, catalog.lineup("local"), "asked for")


def packed(place: Workplace, made: Run) -> Path:
    folder = place.project.results / made.name
    folder.mkdir(parents=True)
    save(folder, made, "")
    path = place.project.root / "theirs.tar.gz"
    path.write_bytes(bundle.pack(folder, place.project))
    return path


def test_variations_and_engines_are_those_of_the_bundle(place: Workplace) -> None:
    made = run(
        trial("a", "b", (HIT, HIT, HIT), engine="20.10.24"),
        trial("a", "b", (HIT, RAN, RAN), engine="20.10.24", variation="user-xattr"),
        trial("a", "b", (HIT, RAN, RAN), engine="17.06-patched"),
    )
    with theirs(packed(place, made), place) as found:
        assert found.variations == ("none", "user-xattr")
        assert found.consumer_engines == ("20.10.24",)
        assert found.unknown == ("17.06-patched",)
        assert (found.producer_engines, found.base) == ((), None)
        assert (found.scenario / "scenario.yaml").is_file()
        kept = found.scenario
    assert not kept.exists()


def test_images_of_other_engines_are_made_by_those_again(place: Workplace) -> None:
    crossed = trial("a", "b", (HIT, RAN, RAN), engine="20.10.24", producer_engine="20.10.24-unfixed")
    with theirs(packed(place, run(crossed)), place) as found:
        assert (found.consumer_engines, found.producer_engines) == (("20.10.24",), ("20.10.24-unfixed",))


def test_builders_caches_and_stores_are_those_of_the_bundle(place: Workplace) -> None:
    made = run(
        trial("a", "b", (HIT, HIT, HIT), engine="26.1.5+containerd+buildx+registry-max"),
        trial("a", "b", (HIT, HIT, HIT), engine="buildkit-0.25.2+local"),
        trial("a", "b", (HIT, HIT, HIT), engine="20.10.24+containerd"),  # no engine can be that
    )
    with theirs(packed(place, made), place) as found:
        assert found.consumer_engines == ("26.1.5+containerd", "buildkit-0.25.2")
        assert found.unknown == ("20.10.24+containerd",)
        assert found.builders == ("buildx", "buildctl")
        assert set(found.caches) == {"registry-max", "local", "inline"}


def test_the_usual_builder_and_cache_are_not_asked_for(place: Workplace) -> None:
    with theirs(packed(place, run(trial("a", "b", (HIT, HIT, HIT), engine="20.10.24"))), place) as found:
        assert (found.builders, found.caches) == ((), ())


def test_a_base_that_was_given_is_given_again(place: Workplace) -> None:
    made = run(trial("a", "b", (HIT, HIT, HIT)), base=Base(reference="docker.io/library/debian:12", source="given"))
    with theirs(packed(place, made), place) as found:
        assert found.base == "docker.io/library/debian:12"


def test_both_runs_are_held_against_each_other(place: Workplace, tmp_path: Path) -> None:
    path = packed(place, run(trial("a", "b", (HIT, RAN, RAN)), trial("a", "a", (HIT, HIT, HIT))))
    mine = tmp_path / "mine"
    mine.mkdir()
    save(mine, run(trial("x", "x", (HIT, HIT, HIT)), trial("x", "y", (HIT, HIT, HIT))), "")
    with theirs(path, place) as found:
        assert found.compared_with(mine, 100).splitlines() == [
            "a is compared with x",
            "b is compared with y",
            "",
            "a>b:19.03.8/copy-bust:none",
            "  now x>y:19.03.8/copy-bust:none",
            "  COPY bar bar: ran -> hit",
            "  RUN echo baz: ran -> hit",
            "  why: not known: no recorded fact differs",
            "",
            "1 trial changed, 1 did not",
        ]


def test_a_run_that_answers_to_nothing_is_told_and_no_error(place: Workplace, tmp_path: Path) -> None:
    """The reader's run is made and stored by then."""
    path = packed(place, run(trial("a", "b", (HIT, RAN, RAN))))
    mine = tmp_path / "mine"
    mine.mkdir()
    labelled = (reporting.facts("x", selinux="enforcing"),)
    save(mine, run(trial("x", "x", (HIT, HIT, HIT)), boxes=labelled), "")
    with theirs(path, place) as found:
        assert found.compared_with(mine, 100).endswith(
            "no trial of the one is in the other; the one has a, b with 19.03.8; the other x with 19.03.8"
        )


def test_a_bundle_without_a_scenario_cannot_be_run(place: Workplace) -> None:
    made = run(trial("a", "b", (HIT, HIT, HIT)), scenario="elsewhere")
    with pytest.raises(UsageError, match="there is no scenario in it"), theirs(packed(place, made), place):
        pass


def project_run(place: Workplace, content: str) -> Path:
    """A bundle of a run of a project, whose file `a` has that content; the project itself is not in it."""
    folder = place.project.root / "app"
    folder.mkdir()
    (folder / "Dockerfile").write_text("FROM alpine\nCOPY a /a\n")
    (folder / "a").write_text(content)
    scenario = scenario_of(read_project(Request(folder, build_args=("A=1",))), "base")
    packed_context = pack([file("Dockerfile", b"FROM alpine\nCOPY a /a\n"), file("a", content.encode())], None, [])
    made = run(
        trial("a", "a", (HIT,), engine="20.10.24"),
        scenario=scenario.name,
        dockerfile=scenario.dockerfile,
        instructions=scenario.instructions,
        project=scenario.project,
        contexts={packed_context.key: packed_context.context},
        contents=packed_context.contents,
    )
    given = Given(arguments={"A": "1"})
    productions = [
        item.model_copy(update={"context": packed_context.key, "options": given}) for item in made.productions
    ]
    shutil.rmtree(folder)
    return packed(place, made.model_copy(update={"productions": tuple(productions)}))


def test_a_project_is_made_again_from_the_bundle(place: Workplace, capsys: pytest.CaptureFixture[str]) -> None:
    with theirs(project_run(place, "a\n"), place) as found:
        assert found.project and (found.project.name, found.project.arguments) == ("project-app", {"A": "1"})
        assert [entry.path for entry in found.project.objects] == ["Dockerfile", "a"]
        assert found.consumer_engines == ("20.10.24",)
        kept = found.project.folder
    assert not kept.exists()
    assert "note: the files are those of the run" in capsys.readouterr().err


def test_a_bundle_without_a_files_content_names_it(place: Workplace) -> None:
    path = project_run(place, "a" * 300_000)
    with pytest.raises(UsageError, match="does not store the content of a ") as caught, theirs(path, place):
        pass
    assert "repro --context" in str(caught.value.hint)


@pytest.mark.parametrize(("project", "what"), [(False, "copy-bust"), (True, "--context DIR")])
def test_a_run_of_vary_is_repeated_by_vary(place: Workplace, project: bool, what: str) -> None:
    varied = trial("a", "a", (HIT, RAN, RAN), engine="26.1.5", variation="changed-byte")
    facts = ProjectFacts(folder="/p", dockerfile="/p/Dockerfile", objects=1, bytes=1, way="exact", sent="exact")
    made = run(varied, vary=VaryFacts(engine="26.1.5", seed=1), project=facts if project else None)
    path = packed(place, made)
    with pytest.raises(UsageError, match="`python -m lab vary` made the run") as caught, theirs(path, place):
        pass
    assert f"`python -m lab vary {what} --engine 26.1.5`" in str(caught.value.hint)
