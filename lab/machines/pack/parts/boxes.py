"""The part `boxes`: the image of every box that lab bakes, with the kernel that the KVM probe starts."""

from __future__ import annotations

from lab.boxes.baking.bake import bake, files_of
from lab.boxes.baking.recipes import load_recipe
from lab.boxes.kinds.table import kind_of
from lab.errors import UsageError
from lab.files import hold
from lab.machines.pack.gathering import Item, Request
from lab.machines.pack.manifest import FOLDERS, Sort

KERNELS = (".vmlinuz", ".initrd")


def gather(request: Request) -> list[Item]:
    """The files of each recipe, baked now unless the cache has them; UsageError for a box of a published image."""
    recipes: dict[str, list[str]] = {}
    for spec in request.specs:
        name = kind_of(spec).recipe(spec)
        if name is None and kind_of(spec).images(spec):
            raise UsageError(
                f"cannot pack {spec.name}: its image comes from Vagrant Cloud, and lab packs only boxes that it bakes",
                hint="`python -m lab pack DIR --lineup debian` packs boxes from Debian's archive",
            )
        if name:
            recipes.setdefault(name, []).append(kind_of(spec).variant(spec))
    cache = request.project.cache / "boxes"
    found = []
    for name, boxes in recipes.items():
        recipe = load_recipe(request.project.boxes / "recipes" / f"{name}.yaml")
        with hold(request.project.cache, [f"bake-{name}"], "pack", wait=True):
            bake(recipe, cache=cache, shell=request.shell, tell=request.tell, only=boxes)
        for path in files_of(recipe, cache, boxes):
            sort = Sort.KERNEL if path.suffix in KERNELS else Sort.BOX
            found.append(Item(path, f"{FOLDERS[sort]}/{path.name}", sort, path.stem.rpartition("-")[0]))
    return found
