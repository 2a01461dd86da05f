"""Disks and Vagrant boxes made from a root tree, written into plain files without a loop device and without a mount."""

from __future__ import annotations

import json
from pathlib import Path

from lab.boxes.baking.recipes import Recipe
from lab.boxes.baking.workbench import Workbench, first

SECTOR = 512
BOOT_START, BOOT_SECTORS = 2048, 131072  # a FAT partition of 64 MiB: SYSLINUX, kernel, initrd
ROOT_START = BOOT_START + BOOT_SECTORS
ROOT_LABEL = "lab-root"  # the boot loader and fstab use it, because the disk is vda here and sda elsewhere
# Named one by one, because each e2fsprogs has its own defaults and an older suite's kernel must know all of them.
FEATURES = (
    "none,has_journal,ext_attr,resize_inode,dir_index,filetype,extent,64bit,flex_bg,sparse_super,large_file,"
    "huge_file,dir_nlink,extra_isize,metadata_csum"
)
MBR_CODE = ("/usr/lib/syslinux/mbr/mbr.bin", "/usr/lib/SYSLINUX/mbr.bin", "/usr/share/syslinux/mbr.bin")
MBR_BYTES = 440  # the disk's signature and the partition table follow
BOOT_MENU = """\
DEFAULT lab
PROMPT 0
LABEL lab
  KERNEL vmlinuz
  INITRD initrd
  APPEND root=LABEL={label} rw {arguments}
"""


def write_disk(recipe: Recipe, name: str, tree: Path, folder: Path, bench: Workbench) -> None:
    """Write folder/disk.raw for the box of that name: SYSLINUX on a FAT partition, the tree with its labels on ext4."""
    folder.mkdir()
    disk, size = folder / "disk.raw", recipe.file.disk_gb << 30
    doing = f"make the disk of {name}"
    bench.check("sh", recipe.script("each-image.sh"), tree, name, doing=doing, root=True)
    variant = recipe.file.variants[name]
    arguments = f"{recipe.file.kernel_arguments} {variant.kernel_arguments}".strip()
    boot = _boot_partition(name, tree, folder, arguments, bench)
    _sparse(disk, size)
    table = f"label: dos\nstart={BOOT_START},size={BOOT_SECTORS},type=c,bootable\nstart={ROOT_START},type=83\n"
    (folder / "partitions").write_text(table)
    bench.check("sh", "-c", 'sfdisk -q "$1" < "$2"', "sfdisk", disk, folder / "partitions", doing=doing)
    _splice(first(MBR_CODE, "SYSLINUX's boot code"), disk, 0, MBR_BYTES)
    _splice(boot, disk, BOOT_START * SECTOR, boot.stat().st_size)
    # the file is sparse, so the tables are zero already, and the kernel need not write them in its first minutes
    options = f"offset={ROOT_START * SECTOR},lazy_itable_init=0,lazy_journal_init=0"
    blocks = f"{(size - ROOT_START * SECTOR) // 1024}k"
    command = ["mke2fs", "-q", "-F", "-t", "ext4", "-O", FEATURES, "-L", ROOT_LABEL, "-m", "0"]
    bench.check(*command, "-E", options, "-d", tree, disk, blocks, doing=doing, root=True)


def pack_box(recipe: Recipe, name: str, folder: Path, bench: Workbench) -> Path:
    """Turn folder/disk.raw into folder/NAME.box, a Vagrant box for the libvirt provider, and remove the raw disk.

    Neither the image nor the box is compressed: they stay on this machine, and Vagrant unpacks, uploads and reads
    them faster that way.
    """
    doing = f"pack the box of {name}"
    disk, image, box = folder / "disk.raw", folder / "box.img", folder / f"{name}.box"
    bench.check("qemu-img", "convert", "-f", "raw", "-O", "qcow2", disk, image, doing=doing)
    disk.unlink()
    about = {"provider": "libvirt", "format": "qcow2", "virtual_size": recipe.file.disk_gb}
    (folder / "metadata.json").write_text(json.dumps(about))
    (folder / "Vagrantfile").write_text('Vagrant.configure("2") { |config| }\n')
    bench.check("tar", "-C", folder, "-cf", box, "metadata.json", "Vagrantfile", "box.img", doing=doing)
    image.unlink()
    return box


def kernel_and_initrd(tree: Path) -> tuple[Path, Path]:
    """The kernel and the initrd of the tree."""
    return next((tree / "boot").glob("vmlinuz-*")), next((tree / "boot").glob("initrd.img-*"))


def _boot_partition(name: str, tree: Path, folder: Path, arguments: str, bench: Workbench) -> Path:
    boot, menu = folder / "boot.fat", folder / "syslinux.cfg"
    kernel, initrd = kernel_and_initrd(tree)
    menu.write_text(BOOT_MENU.format(label=ROOT_LABEL, arguments=arguments))
    _sparse(boot, BOOT_SECTORS * SECTOR)
    doing = f"make the boot partition of {name}"
    # the FAT must name the sector of the disk where it begins, or the boot code reads the wrong sectors
    bench.check("mkfs.vfat", "-h", str(BOOT_START), boot, doing=doing)
    bench.check("syslinux", "--install", boot, doing=doing)
    for source, target in ((kernel, "vmlinuz"), (initrd, "initrd"), (menu, "syslinux.cfg")):
        bench.check("mcopy", "-i", boot, source, f"::{target}", doing=doing)
    return boot


def _sparse(path: Path, size: int) -> None:
    with path.open("wb") as file:
        file.truncate(size)


def _splice(source: Path, target: Path, offset: int, length: int) -> None:
    """Copy the first `length` bytes of `source` to `offset` in `target`."""
    with source.open("rb") as data, target.open("r+b") as out:
        out.seek(offset)
        out.write(data.read(length))
