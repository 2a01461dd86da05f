"""The checks of `lab doctor`: one line each, with the command that fixes what is wrong."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import psutil

from lab.boxes.baking.bake import kernel_of
from lab.boxes.baking.recipes import load_recipe
from lab.boxes.base import Box, Tell
from lab.boxes.kinds.table import kind_of
from lab.boxes.specs import BoxSpec
from lab.machines import auto, daemons, hypervisor, leftovers
from lab.machines.catalog import Catalog, Lineup
from lab.machines.prerequisites import missing
from lab.model import Check, Level
from lab.project import Project
from lab.registry.names import DOCKER_HUB
from lab.registry.server import PROGRAMS
from lab.results.stores import CONTAINERD, read_store

SETUP = "python -m lab setup"
BOX_GB = 3  # a box's disk as it grows in use, with the image that it is based on
SPARE_MB = 500  # for this machine itself, in addition to the boxes' memory


def examine(project: Project, catalog: Catalog, lineup: Lineup, shell: Box, tell: Tell) -> Iterator[Check]:
    """Every check in turn; each is yielded as soon as its answer is known."""
    yield _programs()
    yield _vagrant(shell)
    yield from _providers(shell)
    yield _accelerator(project, catalog, lineup, tell)
    yield _registry()
    yield from _image_store(shell)
    specs = [spec for spec in map(catalog.box, lineup.boxes) if kind_of(spec).is_made_by_lab]
    yield _disk(project, lineup, specs)
    yield _memory(lineup, specs, project, shell)
    yield _reach("Vagrant Cloud", auto.VAGRANT_CLOUD, "the debian lineup is used, baked from Debian's archive")
    yield _reach("Docker Hub", DOCKER_HUB, "the base image is made from the box's busybox")
    yield from _leftovers(project, shell)


def _programs() -> Check:
    absent = missing()
    if absent:
        return Check("programs", Level.PROBLEM, f"not installed: {', '.join(need.what for need in absent)}", SETUP)
    return Check("programs", Level.OK, "every program that lab calls is installed")


def _vagrant(shell: Box) -> Check:
    if shutil.which("vagrant") is None:
        return Check("Vagrant", Level.PROBLEM, "not installed", SETUP)
    version = shell.run(["vagrant", "--version"], timeout=60)
    plugins = shell.run(["vagrant", "plugin", "list"], timeout=60).text
    if not version.ok:
        return Check(
            "Vagrant", Level.PROBLEM, f"does not start: {version.output.decode(errors='replace')[-80:]}", SETUP
        )
    if "vagrant-libvirt" in plugins or shutil.which("VBoxManage"):
        plugin = next((line for line in plugins.splitlines() if "vagrant-libvirt" in line), "VirtualBox built in")
        return Check("Vagrant", Level.OK, f"{version.text}, {plugin}")
    return Check("Vagrant", Level.PROBLEM, f"{version.text}, without a provider", SETUP)


def _providers(shell: Box) -> Iterator[Check]:
    if shutil.which("VBoxManage"):
        yield Check("VirtualBox", Level.OK, shell.run(["VBoxManage", "--version"], timeout=30).text)
    if shutil.which("virsh") is None:
        if shutil.which("VBoxManage") is None:
            yield Check("hypervisor", Level.PROBLEM, "neither libvirt nor VirtualBox", SETUP)
        return
    found = daemons.access(shell)
    if found is daemons.Access.REFUSES:
        why, fix = daemons.way_in()
        yield Check("libvirt", Level.PROBLEM, f"its daemon refuses you: {why}", fix)
    elif found is daemons.Access.ANSWERS:
        yield Check("libvirt", Level.OK, "its daemon answers")
    else:
        yield Check("libvirt", Level.OK, "its daemon does not run; `up` starts it, `down` ends it")


def _accelerator(project: Project, catalog: Catalog, lineup: Lineup, tell: Tell) -> Check:
    if shutil.which("qemu-system-x86_64") is None:
        return Check("accelerator", Level.WARNING, "QEMU is not installed", SETUP)
    found = hypervisor.accelerator(project, _kernel(project, catalog, lineup), tell)
    if found.driver == "kvm":
        return Check("accelerator", Level.OK, f"KVM: {found.reason}")
    return Check("accelerator", Level.WARNING, f"emulation, about ten times slower: {found.reason}")


def _kernel(project: Project, catalog: Catalog, lineup: Lineup) -> Path | None:
    for spec in map(catalog.box, lineup.boxes):
        if name := kind_of(spec).recipe(spec):
            recipe = load_recipe(project.boxes / "recipes" / f"{name}.yaml")
            kernel = kernel_of(recipe, project.cache / "boxes")
            return kernel if kernel.exists() else None
    return None


def _registry() -> Check:
    for program in (*PROGRAMS, "docker"):
        if shutil.which(program):
            return Check("registry", Level.OK, program)
    return Check("registry", Level.PROBLEM, f"none of {', '.join(PROGRAMS)} and docker", SETUP)


def _image_store(shell: Box) -> Iterator[Check]:
    """The image store of this machine's own Docker, which decides from where it can import a cache."""
    if shutil.which("docker") is None:
        return
    server = shell.run(["docker", "version", "--format", "{{.Server.Version}}"], timeout=30)
    info = shell.run(["docker", "info"], timeout=30)
    store = read_store(info.text, server.text) if server.ok and info.ok else None
    if store:
        imports = "a registry, a folder, GitHub's cache" if store.kind == CONTAINERD else "a registry, a local image"
        found = f"Docker {server.text} has {store.title}: {store.why}; it imports caches from {imports}"
        yield Check("image store", Level.OK, found)


def _disk(project: Project, lineup: Lineup, specs: list[BoxSpec]) -> Check:
    need = max(1, len(specs)) * BOX_GB
    free = shutil.disk_usage(_nearest(project.cache)).free // 10**9
    level = Level.OK if free >= need else Level.PROBLEM
    fix = None if level is Level.OK else "free some space, or set LAB_CACHE to a folder on another disk"
    return Check("disk", level, f"{free} GB free, lineup {lineup.name} takes about {need} GB", fix)


def _memory(lineup: Lineup, specs: list[BoxSpec], project: Project, shell: Box) -> Check:
    running = (leftovers.list_domains(shell) if shutil.which("virsh") else None) or {}
    need = sum(kind_of(spec).memory(spec) for spec in specs if project.prefix + spec.name not in running) + SPARE_MB
    free = psutil.virtual_memory().available >> 20
    level = Level.OK if free >= need else Level.PROBLEM
    fix = None if level is Level.OK else "end other programs, or name fewer boxes: python -m lab up BOX"
    return Check("memory", level, f"{free} MB available, lineup {lineup.name} takes {need} MB more", fix)


def _reach(name: str, address: tuple[str, int], instead: str) -> Check:
    if auto.answers(*address, auto.CLOUD_SECONDS):
        return Check(name, Level.OK, "answers")
    return Check(name, Level.WARNING, f"does not answer within {auto.CLOUD_SECONDS:g} s: {instead}")


def _leftovers(project: Project, shell: Box) -> Iterator[Check]:
    found = leftovers.find(project, shell)
    for item in found:
        yield Check("leftover", Level.WARNING, f"{item.sort} {item.name}", item.fix)
    if not found:
        yield Check("leftovers", Level.OK, "none")


def _nearest(path: Path) -> Path:
    """The path itself or its nearest folder that exists."""
    return next(folder for folder in (path, *path.parents) if folder.exists())
