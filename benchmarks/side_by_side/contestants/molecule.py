"""molecule: its step `converge` with hosts that it does not make, and the playbook of ansible-core."""

from __future__ import annotations

import yaml

from benchmarks.side_by_side.contestant import Call, Contestant, Setting
from benchmarks.side_by_side.contestants.ansible import environment, inventory, playbook
from benchmarks.side_by_side.workload import Workload


class Molecule(Contestant):
    """Its own steps around the playbook are left out as far as it allows that."""

    name = "molecule converge"
    packages = ("molecule", "ansible-core")

    def call(self, workload: Workload, setting: Setting) -> Call:
        """A scenario with the default driver, which manages no host."""
        scenario = {
            "driver": {"name": "default", "options": {"managed": False}},
            "platforms": [{"name": one.name} for one in setting.targets],
            "provisioner": {
                "name": "ansible",
                "inventory": {"hosts": {"all": {"hosts": inventory(workload, setting)}}},
                "playbooks": {"converge": "converge.yml"},
            },
            "scenario": {"converge_sequence": ["converge"]},
        }
        setting.write("molecule/default/molecule.yml", yaml.safe_dump(scenario, width=10_000))
        setting.write("molecule/default/converge.yml", playbook(workload))
        env = {**environment(setting), "MOLECULE_EPHEMERAL_DIRECTORY": str(setting.folder / "ephemeral")}
        return Call((str(setting.programs / "molecule"), "converge"), env, setting.folder)
