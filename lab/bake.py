"""The story of one box image: a root tree from Debian's archive, disks filled without a mount, Vagrant boxes.

Nothing is ever mounted on this machine and no loop device is used, so that an interrupted bake leaves only files,
in one work folder that the next bake removes. mmdebstrap and the labelling mount inside mount namespaces of their
own.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from lab.boxes.base import NOT_FOUND, Box, Result, Tell, failure
from lab.errors import CommandError, HostError
from lab.model import Progress
from lab.recipes import Recipe, Variant
from lab.together import side_by_side

NEEDED_MB = 5000
PROGRAMS = ("mmdebstrap", "mke2fs", "mkfs.vfat", "mcopy", "syslinux", "sfdisk", "qemu-img", "unshare", "tar")
SBIN = ("/usr/sbin", "/sbin")
SECTOR = 512
BOOT_START, BOOT_SECTORS = 2048, 131072  # a FAT partition of 64 MiB: SYSLINUX, kernel, initrd
ROOT_START = BOOT_START + BOOT_SECTORS
MBR_CODE = ("/usr/lib/syslinux/mbr/mbr.bin", "/usr/lib/SYSLINUX/mbr.bin")
MBR_BYTES = 440  # past these come the disk's signature and the partition table
VAGRANT_KEYS = (
    "/usr/share/rubygems-integration/all/gems/vagrant-*/keys/vagrant.pub",
    "/opt/vagrant/embedded/gems/gems/vagrant-*/keys/vagrant.pub",
    "/opt/vagrant/embedded/gems/*/gems/vagrant-*/keys/vagrant.pub",
)
BOOT_MENU = """\
DEFAULT lab
PROMPT 0
SERIAL 0
LABEL lab
  KERNEL vmlinuz
  INITRD initrd
  APPEND root=/dev/vda2 rootfstype=ext4 ro {arguments}
"""
# documentation and translations: a third of the files, and no trial looks at them
LEFT_OUT = ("/usr/share/doc/*", "/usr/share/man/*", "/usr/share/locale/*", "/usr/share/info/*")


def bake(recipe: Recipe, *, cache: Path, shell: Box, tell: Tell) -> dict[str, Path]:
    """The .box file of each of the recipe's boxes, baked unless the cache holds them already.

    A file in `cache` is whole or absent (temporary name, rename), and its name carries the recipe's digest. Raises
    HostError for a missing program, space or right, CommandError with the last lines for a step that failed.
    """
    files = {name: cache / f"{name}-{recipe.digest}.box" for name in recipe.file.variants}
    if all(path.exists() for path in [*files.values(), kernel_of(recipe, cache)]):
        return files
    _look_before(cache, shell)
    with _work_folder(cache, recipe) as work:
        _tree(recipe, work, shell, tell)
        plain = {name: variant for name, variant in recipe.file.variants.items() if not variant.selinux}
        labelled = {name: variant for name, variant in recipe.file.variants.items() if variant.selinux}
        # plain images first: labels, once written, are in the tree
        for group in (plain, labelled):
            if group is labelled and group:
                _label(recipe, work, shell, tell)
            _images(recipe, group, work, shell, tell)
        shutil.copyfile(next((work / "root/boot").glob("vmlinuz-*")), work / "kernel")
        (work / "kernel").replace(kernel_of(recipe, cache))
        for name, path in files.items():
            (work / f"{name}.box").replace(path)
            tell(Progress(name, f"baked, {path.stat().st_size / 1e6:.0f} MB", done=True))
    _drop_older(cache, [*files.values(), kernel_of(recipe, cache)])
    return files


def kernel_of(recipe: Recipe, cache: Path) -> Path:
    """The kernel of a baked recipe, for the KVM probe."""
    return cache / f"{recipe.name}-{recipe.digest}.vmlinuz"


def baked(recipe: Recipe, cache: Path) -> bool:
    """True if the cache holds every box of the recipe as it reads now."""
    return all((cache / f"{name}-{recipe.digest}.box").exists() for name in recipe.file.variants)


def _look_before(cache: Path, shell: Box) -> None:
    missing = [name for name in PROGRAMS if shutil.which(name, path=_search_path()) is None]
    if missing:
        raise HostError(f"cannot bake boxes: {', '.join(missing)} not installed", hint="python -m lab setup")
    if os.geteuid() != 0:
        raise HostError(
            "cannot bake boxes: a root tree with its owners and labels can only be made by root",
            hint=f"sudo --preserve-env=LAB_CACHE LAB_CACHE={cache.parent} {shutil.which('python3')} -m lab bake",
        )
    cache.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(cache).free // 1_000_000
    if free < NEEDED_MB:
        raise HostError(
            f"cannot bake boxes: {free} MB free at {cache}, {NEEDED_MB} MB are needed",
            hint="free some space there, or set LAB_CACHE to a folder on another disk",
        )


@contextmanager
def _work_folder(cache: Path, recipe: Recipe) -> Iterator[Path]:
    """A folder beside the cache's files, removed at the end; one that a killed bake left is removed first."""
    work = cache / f"work-{recipe.name}"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir()
    try:
        yield work
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _tree(recipe: Recipe, work: Path, shell: Box, tell: Tell) -> None:
    """Unpack and configure the packages into work/root."""
    key = _vagrant_key()
    file = recipe.file
    units = f"ENABLE='{' '.join(file.enable)}' MASK='{' '.join(file.mask)}'"
    before, after = recipe.script("before-packages.sh"), recipe.script("after-packages.sh")
    mirror = [os.environ["LAB_MIRROR"]] if os.environ.get("LAB_MIRROR") else []
    argv = [
        "mmdebstrap",
        "--variant=minbase",
        "--mode=root",
        "--format=directory",
        "--dpkgopt=force-unsafe-io",
        *(f"--dpkgopt=path-exclude={pattern}" for pattern in LEFT_OUT),
        f"--components={','.join(file.components)}",
        f"--include={','.join(file.packages)}",
        f'--essential-hook=sh {before} "$1"',
        f'--customize-hook={units} sh {after} "$1" {key}',
        file.suite,
        str(work / "root"),
        *mirror,
    ]
    tell(Progress(recipe.name, "asking Debian's archive"))
    done = {"Unpacking": 0, "Setting up": 0}

    def listen(_: str, data: bytes) -> None:
        # the archive's answers come unbuffered: a chunk is a few lines
        for word in done:
            done[word] += len(re.findall(rf"^{word} ".encode(), data, re.MULTILINE))
        if any(done.values()):
            tell(Progress(recipe.name, f"{done['Unpacking']} packages unpacked, {done['Setting up']} set up"))
        elif match := re.search(rb"(?:I: |Get:\d+ )([^\r\n]{1,60})", data):
            tell(Progress(recipe.name, match[1].decode("utf-8", "replace")))

    result = shell.run([*argv, "--verbose"], timeout=1800, on_output=listen, env=_env())
    if not result.ok:
        raise _tree_failure(shell, result)


def _tree_failure(shell: Box, result: Result) -> HostError | CommandError:
    """mmdebstrap's failure in the user's words: the archive out of reach, no space, or its own last lines."""
    said = result.output
    if re.search(rb"Temporary failure resolving|Could not connect|Unable to connect|Connection timed out", said):
        return HostError(
            "cannot bake boxes: Debian's archive does not answer",
            hint="check the network; LAB_MIRROR=URL names another mirror",
            output=said,
        )
    if b"No space left on device" in said:
        return HostError(
            "cannot bake boxes: the disk is full", hint="free some space, then run it again", output=said
        )
    return failure(shell.name, "make the root tree", result, "the last lines above are mmdebstrap's")


def _label(recipe: Recipe, work: Path, shell: Box, tell: Tell) -> None:
    tell(Progress(recipe.name, "writing SELinux labels"))
    script = ["sh", str(recipe.script("label.sh")), str(work / "root")]
    shell.check(
        ["unshare", "--mount", "--propagation", "private", *script],
        doing="label the root tree",
        env=_env(),
        timeout=300,
    )


def _images(recipe: Recipe, group: dict[str, Variant], work: Path, shell: Box, tell: Tell) -> None:
    jobs = {
        name: (lambda name=name, variant=variant: _image(recipe, name, variant, work, shell, tell))
        for name, variant in group.items()
    }
    _, errors = side_by_side(jobs)
    for error in errors.values():
        raise error


def _image(recipe: Recipe, name: str, variant: Variant, work: Path, shell: Box, tell: Tell) -> None:
    """One disk: SYSLINUX on a FAT partition, the tree on ext4, as qcow2 in a Vagrant box of the libvirt format."""
    folder = work / name
    folder.mkdir()
    disk, boot, root = folder / "disk.raw", folder / "boot.fat", work / "root"
    (root / "etc/hostname").write_text(f"{name}\n")
    (root / "etc/hosts").write_text(f"127.0.0.1 localhost {name}\n")

    def run(*argv: str | Path) -> None:
        words = [str(word) for word in argv]
        shell.check(words, doing=f"make the image of {name}", env=_env(), timeout=600)

    tell(Progress(name, "writing its boot partition"))
    arguments = f"{recipe.file.kernel_arguments} {variant.kernel_arguments}".strip()
    (folder / "syslinux.cfg").write_text(BOOT_MENU.format(arguments=arguments))
    _sparse(boot, BOOT_SECTORS * SECTOR)
    run("mkfs.vfat", boot)
    run("syslinux", "--install", boot)
    run("mcopy", "-i", boot, next((root / "boot").glob("vmlinuz-*")), "::vmlinuz")
    run("mcopy", "-i", boot, next((root / "boot").glob("initrd.img-*")), "::initrd")
    run("mcopy", "-i", boot, folder / "syslinux.cfg", "::syslinux.cfg")

    tell(Progress(name, "writing its root file system"))
    size = recipe.file.disk_gb << 30
    _sparse(disk, size)
    table = f"label: dos\nstart={BOOT_START},size={BOOT_SECTORS},type=c,bootable\nstart={ROOT_START},type=83\n"
    (folder / "partitions").write_text(table)
    run("sh", "-c", 'sfdisk -q "$1" < "$2"', "sfdisk", disk, folder / "partitions")
    _splice(_first(MBR_CODE, "SYSLINUX's boot code"), disk, 0, MBR_BYTES)
    _splice(boot, disk, BOOT_START * SECTOR, boot.stat().st_size)
    blocks = (size - ROOT_START * SECTOR) // 1024
    # lazy tables: the kernel finishes them when it mounts, which is quicker than writing 12 GB of zeroes here
    options = f"offset={ROOT_START * SECTOR},lazy_itable_init=1,lazy_journal_init=1"
    run("mke2fs", "-q", "-t", "ext4", "-m", "0", "-d", root, "-E", options, disk, f"{blocks}k")

    tell(Progress(name, "packing the box"))
    run("qemu-img", "convert", "-f", "raw", "-O", "qcow2", disk, folder / "box.img")
    disk.unlink()
    about = {"provider": "libvirt", "format": "qcow2", "virtual_size": recipe.file.disk_gb}
    (folder / "metadata.json").write_text(json.dumps(about))
    (folder / "Vagrantfile").write_text('Vagrant.configure("2") { |config| }\n')
    # not compressed: the box travels no further than this machine
    run("tar", "-C", folder, "-cf", work / f"{name}.box", "metadata.json", "Vagrantfile", "box.img")
    shutil.rmtree(folder)


def _sparse(path: Path, size: int) -> None:
    with path.open("wb") as file:
        file.truncate(size)


def _splice(source: Path, target: Path, offset: int, length: int) -> None:
    """Copy the first `length` bytes of `source` to `offset` in `target`."""
    with source.open("rb") as data, target.open("r+b") as out:
        out.seek(offset)
        out.write(data.read(length))


def _vagrant_key() -> Path:
    """Vagrant's public insecure key, as its own package brings it."""
    return _first(VAGRANT_KEYS, "Vagrant's public key")


def _first(patterns: tuple[str, ...], what: str) -> Path:
    for pattern in patterns:
        for path in sorted(Path("/").glob(pattern.lstrip("/"))):
            return path
    raise HostError(f"cannot bake boxes: {what} is not on this machine", hint="python -m lab setup")


def _search_path() -> str:
    """PATH with the folders of administration: a plain user's lacks them."""
    return os.pathsep.join([os.environ.get("PATH", ""), *SBIN])


def _env() -> dict[str, str]:
    return {"PATH": _search_path(), "MTOOLS_SKIP_CHECK": "1"}


def _drop_older(cache: Path, keep: list[Path]) -> None:
    """Remove earlier bakings of the same boxes."""
    for path in keep:
        stem = path.name.rpartition("-")[0]
        for old in cache.glob(f"{stem}-*{path.suffix}"):
            if old != path and re.fullmatch(rf"{re.escape(stem)}-[0-9a-f]{{12}}{re.escape(path.suffix)}", old.name):
                old.unlink(missing_ok=True)
