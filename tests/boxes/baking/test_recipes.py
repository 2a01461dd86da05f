"""A recipe is read strictly, and its digest follows what decides the images: nothing else, and nothing less."""

from __future__ import annotations

import io
import shutil
import tarfile
from pathlib import Path

import pytest

from lab.boxes.baking.recipes import Recipe, load_recipe, pack_files
from lab.errors import ConfigError
from tests.conftest import ROOT

RECIPES = ROOT / "boxes" / "recipes"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    copy = tmp_path / "recipes"
    shutil.copytree(RECIPES, copy)
    return copy


def test_the_recipe_of_this_checkout_is_sound() -> None:
    recipe = load_recipe(RECIPES / "debian12.yaml")
    assert recipe.name == "debian12"
    assert {name: variant.selinux for name, variant in recipe.file.variants.items()} == {
        "debian12-apparmor": False,
        "debian12-selinux": True,
    }
    assert "\n" not in recipe.file.kernel_arguments


SUITES = {"debian11": "bullseye", "debian13": "trixie", "debian-forky": "forky"}


@pytest.mark.parametrize("name", SUITES)
def test_other_suites_are_the_same_recipe_but_for_what_they_say(name: str) -> None:
    base, recipe = load_recipe(RECIPES / "debian12.yaml").file, load_recipe(RECIPES / f"{name}.yaml").file
    assert recipe.suite == SUITES[name]
    assert {box: variant.selinux for box, variant in recipe.variants.items()} == {name: False}
    assert (recipe.enable, recipe.components, recipe.disk_gb) == (base.enable, base.components, base.disk_gb)
    assert set(base.packages) - set(recipe.packages) == {"selinux-policy-default", "policycoreutils"}
    assert set(base.mask) <= set(recipe.mask)
    # Docker's client and buildx are packages of their own from Debian 13 on; systemd 256 refuses cgroup v1
    newer = name != "debian11"
    assert ({"docker-cli", "docker-buildx"} <= set(recipe.packages)) == newer
    assert ("systemd.unified_cgroup_hierarchy=0" in recipe.kernel_arguments.split()) != newer


CHILD = """\
name: child
based_on: debian12
suite: trixie
packages: {add: [zstd], leave_out: [sudo]}
kernel_arguments: {add: [quiet], leave_out: [loglevel=4, audit=0]}
mask: {leave_out: [fstrim.timer]}
disk_gb: 20
variants:
  child: {selinux: false, kernel_arguments: lsm=bpf}
"""


def child(folder: Path, text: str = CHILD, name: str = "child") -> Recipe:
    (folder / f"{name}.yaml").write_text(text)
    return load_recipe(folder / f"{name}.yaml")


def test_what_a_recipe_says_of_another_is_changed_and_the_rest_is_kept(folder: Path) -> None:
    base, made = load_recipe(folder / "debian12.yaml").file, child(folder).file
    assert (made.name, made.suite, made.disk_gb, list(made.variants)) == ("child", "trixie", 20, ["child"])
    assert made.variants["child"].kernel_arguments == "lsm=bpf"
    assert made.packages == (*(name for name in base.packages if name != "sudo"), "zstd")
    assert made.mask == tuple(unit for unit in base.mask if unit != "fstrim.timer")
    words = base.kernel_arguments.split()
    assert made.kernel_arguments.split() == [word for word in words if word not in ("loglevel=4", "audit=0")] + [
        "quiet"
    ]
    assert (made.enable, made.components) == (base.enable, base.components)


def test_the_digest_is_of_the_whole_recipe(folder: Path) -> None:
    before = child(folder).digest
    assert before != load_recipe(folder / "debian12.yaml").digest
    base = folder / "debian12.yaml"
    base.write_text(base.read_text().replace("  - procps\n", ""))
    after = child(folder).digest
    assert after != before
    # said in the recipe itself or in the one below it: the box is the same
    base.write_text(base.read_text().replace("  - sudo\n", ""))
    assert child(folder, CHILD.replace(", leave_out: [sudo]", "")).digest == after


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("based_on: debian12", "based_on: debain12", r'no recipe debain12 to be based on \(did you mean "debian12"'),
        ("based_on: debian12", "based_on: child", "child is based on child"),
        ("[sudo]", "[sudoo]", r'packages: "sudoo" cannot be left out, debian12 does not have it \(did you mean "sudo"'),
        ("[zstd]", "[procps]", 'packages: "procps" cannot be added, debian12 has it already'),
        ("[quiet]", "[panic=60]", 'kernel_arguments: "panic=60" cannot be added'),
        ("[zstd]", "[Zstd]", "packages"),
        ("disk_gb: 20", "disk_gb: 1", "disk_gb"),
        ("suite: trixie", "siute: trixie", 'unknown key siute \\(did you mean "suite"'),
        ("  child:", "  debian12-selinux:", "debian12-selinux is a box of debian12 already"),
        ("name: child", "name: kid", 'its name is "kid", its file says "child"'),
        ("packages: {add: [zstd], leave_out: [sudo]}", "packages: [zstd]", "packages"),
    ],
)
def test_a_change_that_cannot_be_made_is_said(folder: Path, old: str, new: str, said: str) -> None:
    assert old in CHILD
    with pytest.raises(ConfigError, match=said):
        child(folder, CHILD.replace(old, new))


def test_recipes_may_stand_on_each_other_but_not_in_a_circle(folder: Path) -> None:
    child(folder)
    text = CHILD.replace("child", "grandchild").replace("debian12", "child").replace("suite: trixie\n", "")
    text = text.replace("{add: [zstd], leave_out: [sudo]}", "{add: [sudo]}").replace("loglevel=4, audit=0", "panic=60")
    made = child(folder, text.replace("[quiet]", "[loglevel=4]").replace("[fstrim.timer]", "[]"), "grandchild").file
    assert (made.suite, "sudo" in made.packages, "zstd" in made.packages) == ("trixie", True, True)
    with pytest.raises(ConfigError, match="child is based on grandchild is based on child"):
        child(folder, CHILD.replace("debian12", "grandchild"))


def test_a_recipe_names_no_host() -> None:
    for path in RECIPES.rglob("*"):
        assert not path.is_file() or b"://" not in path.read_bytes(), f"{path} names a host: LAB_MIRROR is for that"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            "suite: bookworm",
            "siute: bookworm",
            'suite is missing; line 3: unknown key siute \\(did you mean "suite"\\?\\)',
        ),
        ("selinux: true", "selnux: true", 'did you mean "selinux"'),
        ("disk_gb: 12", "disk_gb: 1", "disk_gb"),
        ("  - sudo", "  - sudo; rm -rf /", "packages"),
        ("debian12-selinux:", "Debian 12:", "variants"),
        ("name: debian12", "name: debian13", 'its name is "debian13"'),
    ],
)
def test_what_is_wrong_is_said(folder: Path, old: str, new: str, said: str) -> None:
    path = folder / "debian12.yaml"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(ConfigError, match=said):
        load_recipe(path)


def test_a_missing_script_is_named(folder: Path) -> None:
    (folder / "label.sh").unlink()
    with pytest.raises(ConfigError, match=r"cannot read .*label\.sh"):
        load_recipe(folder / "debian12.yaml")


@pytest.mark.parametrize(
    "changed", ["debian12.yaml", "after-packages.sh", "label.sh", "tree/etc/fstab", "tree/etc/new/file"]
)
def test_the_digest_follows_the_content(folder: Path, changed: str) -> None:
    before = load_recipe(folder / "debian12.yaml").digest
    path = folder / changed
    path.parent.mkdir(exist_ok=True)
    if changed.endswith(".yaml"):
        path.write_text(path.read_text().replace("  - procps\n", ""))
    else:
        path.write_text((path.read_text() if path.exists() else "") + "# more\n")
    after = load_recipe(folder / "debian12.yaml").digest
    assert after != before
    assert len(after) == 12


def test_the_digest_ignores_comments_places_and_umask(folder: Path) -> None:
    before = load_recipe(RECIPES / "debian12.yaml").digest
    path = folder / "debian12.yaml"
    path.write_text("# a comment\n" + path.read_text())
    (folder / "tree/etc/fstab").chmod(0o600)
    assert load_recipe(path).digest == before


def test_the_files_of_the_tree_belong_to_root(folder: Path) -> None:
    script = folder / "tree/etc/tool"
    script.write_text("#!/bin/sh\n")
    script.chmod(0o770)
    with tarfile.open(fileobj=io.BytesIO(pack_files(folder))) as tar:
        entries = {entry.name: entry for entry in tar.getmembers()}
    assert {(entry.uid, entry.gid) for entry in entries.values()} == {(0, 0)}
    assert entries["etc/tool"].mode == 0o755
    assert entries["etc/fstab"].mode == 0o644
    assert "etc/systemd/network/80-dhcp.network" in entries
