"""The contestants, one line each; the first one is the floor that the others are compared with."""

from __future__ import annotations

from benchmarks.side_by_side.contestant import Contestant
from benchmarks.side_by_side.contestants.ansible import Ansible
from benchmarks.side_by_side.contestants.fabric import Fabric
from benchmarks.side_by_side.contestants.lab import Lab
from benchmarks.side_by_side.contestants.molecule import Molecule
from benchmarks.side_by_side.contestants.parallel_ssh import ParallelSsh
from benchmarks.side_by_side.contestants.pyinfra import Pyinfra
from benchmarks.side_by_side.contestants.script import Script
from benchmarks.side_by_side.contestants.tmt import Tmt

FLOOR = Script()
LAB = Lab()
CONTESTANTS: tuple[Contestant, ...] = (
    FLOOR,
    LAB,
    Fabric(),
    ParallelSsh(),
    Pyinfra(),
    Ansible(),
    Molecule(),
    Tmt(),
)
