"""A recipe is read strictly, and its digest follows what decides the images: nothing else, and nothing less."""

from __future__ import annotations

import io
import shutil
import tarfile
from pathlib import Path

import pytest

from lab.errors import ConfigError
from lab.recipes import load_recipe, pack_files

RECIPES = Path(__file__).parent.parent / "boxes" / "recipes"


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


def test_a_recipe_names_no_host() -> None:
    for path in RECIPES.rglob("*"):
        assert not path.is_file() or b"://" not in path.read_bytes(), f"{path} names a host: LAB_MIRROR is for that"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("suite: bookworm", "siute: bookworm", 'suite is missing; unknown key siute \\(did you mean "suite"\\?\\)'),
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
