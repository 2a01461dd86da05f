"""The base images of boxes in libvirt's storage pools, which every checkout of this machine uses."""

from __future__ import annotations

from collections.abc import Collection

from lab.boxes.base import Box, Tell
from lab.boxes.image_lock import images_unused
from lab.machines import hypervisor
from lab.machines.hypervisor import BaseImage
from lab.model import Progress

BAKED = "lab/"  # the names of the boxes that lab bakes begin with it


def clear_pool(
    shell: Box, published: Collection[str], tell: Tell, *, all_images: bool
) -> tuple[list[str], list[BaseImage]]:
    """Remove the unused base images of baked boxes, and with `all_images` those of the published boxes named.

    Returns the titles of the published ones that were removed, and those that are left. Nothing is removed while
    another lab of this machine brings boxes up: libvirt does not show yet which images it needs.
    """
    with images_unused() as unused:
        if not unused:
            tell(Progress("libvirt", "base images stay: another lab brings boxes up", done=True))
            return [], []
        found = hypervisor.base_images(shell)
        baked = [image for image in found if image.box.startswith(BAKED)]
        others = [image for image in found if image.box in published and image not in baked]
        hypervisor.remove_base_images(shell, [*baked, *(others if all_images else [])])
        return ([image.title for image in others], []) if all_images else ([], others)
