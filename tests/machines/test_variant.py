"""Several boxes may use one baked image: their files name it as the variant of their recipe."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.boxes import vagrant_program
from lab.boxes.baking.bake import files_of
from lab.boxes.baking.recipes import load_recipe
from lab.boxes.local import LocalBox
from lab.boxes.notes import Notes
from lab.engines.stock import Stock
from lab.machines.catalog import Catalog
from lab.machines.pack.bringing import wanted_files
from lab.machines.preparation import Preparation
from lab.project import Project
from tests.conftest import ROOT, copy_data

BOX = """\
name: NAME
summary: one of several
kind: vagrant
engines: ["20.10.24"]
recipe: debian12
variant: debian12-selinux
providers: {libvirt: {box: lab/debian12-selinux}}
"""


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A workplace with two boxes of one image, which is in the cache."""
    made = Project(copy_data(tmp_path / "place"), tmp_path / "cache")
    for name in ("one", "two"):
        (made.boxes / f"{name}.yaml").write_text(BOX.replace("NAME", name))
    recipe = load_recipe(ROOT / "boxes" / "recipes" / "debian12.yaml")
    (made.cache / "boxes").mkdir(parents=True)
    for path in files_of(recipe, made.cache / "boxes", ["debian12-selinux"]):
        path.write_text("")
    return made


def test_vagrant_gets_one_image_for_both(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[tuple[str, str]] = []
    # patched: what Vagrant is told is the point here
    monkeypatch.setattr(vagrant_program, "add_box", lambda project, name, file: given.append((name, file.stem)))
    catalog = Catalog(project.boxes)
    made = Preparation(project, catalog, Notes(project.state), LocalBox(), lambda event: None)
    names, _ = made._images([catalog.box("one"), catalog.box("two")])  # type: ignore[list-item]  # they are Vagrant's
    assert names["one"] == names["two"] == given[0][0]
    assert names["one"].startswith("lab/debian12-selinux-")
    assert {name.removeprefix("lab/") for name, _ in given} == {stem for _, stem in given}


def test_a_pack_brings_one_image_for_both(project: Project) -> None:
    catalog = Catalog(project.boxes)
    stock = Stock(catalog.engines, project.boxes / "engines", project.cache, LocalBox())
    wanted = wanted_files(project, catalog, stock, [catalog.box("one"), catalog.box("two")], [])
    images = [item.path for item in wanted if item.path.endswith(".box")]
    assert len(images) == 1
    assert "debian12-selinux-" in images[0]
