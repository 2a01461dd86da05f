"""What every checkout of this machine uses of libvirt: the base images of boxes, the network, and the daemons.

Nothing of it is removed while another lab of this machine brings boxes up: libvirt does not show yet what it needs.
"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from lab.boxes.base import Box, Tell
from lab.boxes.machine_lock import no_machine_begins
from lab.machines import daemons, hypervisor
from lab.machines.hypervisor import BaseImage
from lab.model import Progress

BAKED = "lab/"  # the names of the boxes that lab bakes begin with it


def clear_pool(
    shell: Box, published: Collection[str], tell: Tell, *, all_images: bool
) -> tuple[list[str], list[BaseImage]]:
    """Remove the unused base images of baked boxes, and with `all_images` those of the published boxes named.

    Returns the titles of the published ones that were removed, and those that are left.
    """
    with no_machine_begins() as unused:
        if not unused:
            tell(Progress("libvirt", "base images stay: another lab brings boxes up", done=True))
            return [], []
        found = hypervisor.base_images(shell)
        baked = [image for image in found if image.box.startswith(BAKED)]
        others = [image for image in found if image.box in published and image not in baked]
        hypervisor.remove_base_images(shell, [*baked, *(others if all_images else [])])
        return ([image.title for image in others], []) if all_images else ([], others)


def stop_libvirt(shell: Box, state: Path, tell: Tell) -> None:
    """Remove the network, and end the daemons that this checkout started, if no machine of anybody needs them."""
    with no_machine_begins() as unneeded:
        if not unneeded:
            tell(Progress("libvirt", "its network and daemons stay: another lab brings boxes up", done=True))
            return
        hypervisor.remove_network(shell)
        needed = daemons.answers(shell) and bool(hypervisor.domains(shell))
        daemons.stop_daemons(shell, state, needed=needed)
