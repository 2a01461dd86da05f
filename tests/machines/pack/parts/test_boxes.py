from __future__ import annotations

from pathlib import Path

import pytest

from lab.boxes.baking.bake import files_of
from lab.boxes.baking.recipes import load_recipe
from lab.errors import UsageError
from lab.machines.pack.manifest import Sort
from lab.machines.pack.parts import boxes
from tests.conftest import ROOT
from tests.machines.pack.requests import request


def test_the_images_that_the_boxes_need_are_taken_from_the_cache(tmp_path: Path) -> None:
    recipe = load_recipe(ROOT / "boxes" / "recipes" / "debian12.yaml")
    cache = tmp_path / "cache" / "boxes"
    cache.mkdir(parents=True)
    for path in files_of(recipe, cache):
        path.touch()
    found = {
        item.path: (item.sort, item.about) for item in boxes.gather(request(tmp_path, "debian12-selinux", "local"))
    }
    assert found == {
        f"boxes/debian12-selinux-{recipe.digest}.box": (Sort.BOX, "debian12-selinux"),
        f"boxes/debian12-{recipe.digest}.vmlinuz": (Sort.KERNEL, "debian12"),
        f"boxes/debian12-{recipe.digest}.initrd": (Sort.KERNEL, "debian12"),
    }
    assert len(boxes.gather(request(tmp_path, "debian12-selinux", "debian12-apparmor"))) == 4


def test_a_published_image_is_not_packed(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot pack centos7: its image comes from Vagrant Cloud"):
        boxes.gather(request(tmp_path, "local", "centos7"))
