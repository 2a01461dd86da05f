"""The pins of the kind `buildkitd`: what they must state, the archive that is made, and that trials refuse them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from lab.boxes.baking.workbench import Workbench
from lab.boxes.base import Tell
from lab.boxes.local import LocalBox
from lab.cli.options import Workplace, engines_named
from lab.engines import gosource
from lab.engines.archive import open_archive
from lab.engines.engine import is_pinned
from lab.engines.gosource import Recipe
from lab.engines.kinds.buildkitd import RUNC, BuildkitdKind, BuildkitdSpec, version_of
from lab.engines.kinds.reverted import Fix
from lab.engines.kinds.table import KINDS
from lab.engines.stock import Stock
from lab.machines.catalog import Catalog
from lab.model import Progress
from lab.project import find
from tests.archives import program
from tests.conftest import ROOT

BOXES = ROOT / "boxes"
ENGINES = Catalog(BOXES).engines
PINNED = [spec for spec in ENGINES.values() if isinstance(spec, BuildkitdSpec)]
FIX = Fix(summary="a fix", urls=("https://example.org",))
KIND = KINDS["buildkitd"]


def quiet(event: Progress) -> None:
    pass


@pytest.mark.parametrize(
    ("name", "fix", "problem"),
    [
        ("buildkit-1.2.3", None, None),
        ("buildkit-1.2.3-unfixed", FIX, None),
        ("1.2.3", None, "its name must begin with buildkit-1.2.3"),
        ("buildkit-1.2.30", None, "its name must begin with buildkit-1.2.3"),
        ("buildkit-1.2.3-mine", None, "without a fix its name is buildkit-1.2.3"),
        ("buildkit-1.2.3", FIX, "its name must say more than buildkit-1.2.3"),
    ],
)
def test_the_name_states_the_version_and_whether_a_fix_is_taken_back(
    name: str, fix: Fix | None, problem: str | None
) -> None:
    assert KIND.problem(BuildkitdSpec(name=name, version="1.2.3", fix=fix), {}) == problem


@pytest.mark.parametrize(
    ("name", "more", "problem"),
    [
        ("buildkit-1.2.3-as-R9", {"rules": "R9"}, None),
        ("buildkit-1.2.3-as-R9", {"rules": "R8"}, "it must have rules: R9, and neither fix nor xattrs"),
        ("buildkit-1.2.3-as-R9", {}, "it must have rules: R9"),
        ("buildkit-1.2.3-as-R9", {"rules": "R9", "fix": FIX}, "it must have rules: R9, and neither fix nor xattrs"),
        ("buildkit-1.2.3-as-R9", {"rules": "R9", "xattrs": "all"}, "it must have rules: R9, and neither"),
        ("buildkit-1.2.3-mine-as-R9", {"rules": "R9"}, "it must have rules: R9"),
        ("buildkit-1.2.4-as-R9", {"rules": "R9"}, "its name must begin with buildkit-1.2.3"),
    ],
)
def test_the_name_states_the_rule_set_that_an_engine_was_changed_to_obey(
    name: str, more: dict[str, Any], problem: str | None
) -> None:
    spec = BuildkitdSpec(name=name, version="1.2.3", **more)
    found = KIND.problem(spec, {})
    assert found == problem if problem is None else (found or "").startswith(problem)
    assert spec.obeys == "R9"


def test_the_list_of_engines_says_that_a_changed_engine_is_no_version() -> None:
    sources = {spec.name: KIND.source(spec) for spec in PINNED if spec.obeys}
    assert sources["buildkit-0.25.2-as-R9"] == "Debian's source, changed to hash as R9: no version"
    assert {spec.rules for spec in PINNED if spec.obeys} == {"R1", "R2", "R3", "R6", "R9"}
    assert not KIND.is_release


@pytest.mark.parametrize("spec", PINNED, ids=lambda spec: spec.name)
def test_an_engine_is_proven_by_the_version_that_it_was_built_with(spec: BuildkitdSpec) -> None:
    proven = [other.name for other in PINNED if is_pinned(other, version_of(spec).removeprefix("v"))]
    assert proven == [spec.name]


def test_all_engines_are_all_dockers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Stock, "at_hand", lambda self, spec: True)
    catalog = Catalog(BOXES)
    place = Workplace(find(), catalog, next(iter(catalog.lineups.values())), "")
    named = engines_named(place, ("all",))
    assert "20.10.24" in named
    assert [spec.name for spec in PINNED if spec.name in named] == []


def test_the_archive_holds_both_programs_and_runc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def built(recipe: Recipe, recipes: Path, version: str, work: Path, bench: Workbench, tell: Tell) -> Path:
        assert version == "v0.25.2+debian"
        for name in ("out/buildctl", "out/buildkitd", RUNC):
            path = work / "root" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(program())
            path.chmod(0o755)
        (work / "root" / "usr" / "lib").mkdir()
        return work / "root"

    shell = LocalBox("this machine")
    monkeypatch.setattr(gosource, "build", built)
    monkeypatch.setattr(gosource, "bench_for", lambda recipe, cache, shell: Workbench(shell))
    stock = Stock(ENGINES, BOXES / "engines", tmp_path, shell)
    spec = ENGINES["buildkit-0.25.2"]
    archive = stock.archive(spec, quiet)
    assert sorted(archive.contents.programs) == ["buildctl", "buildkitd", "runc"]
    assert archive.contents.packages["golang-1.27-go"].startswith("1.27")
    assert open_archive(archive.path, daemon=BuildkitdKind.daemon) == archive
    assert sorted(path.name for path in (tmp_path / "engines").iterdir()) == [
        archive.path.with_suffix(".json").name,
        archive.path.name,
    ]
