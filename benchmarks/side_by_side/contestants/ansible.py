"""ansible-core: the module `raw`, which needs no Python on the host, and the strategy `free`."""

from __future__ import annotations

import os
from typing import Any

import yaml

from benchmarks.side_by_side.contestant import Call, Contestant, Setting
from benchmarks.side_by_side.workload import Workload, portable


def inventory(workload: Workload, setting: Setting) -> dict[str, Any]:
    """The hosts, each with its lines by phase."""
    arguments = "-o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR"
    return {
        one.name: {
            "ansible_host": one.host,
            "ansible_port": one.port,
            "ansible_user": one.user,
            "ansible_ssh_private_key_file": one.key,
            "ansible_ssh_common_args": arguments,
            "phases": [list(map(portable, phase[one.name])) for phase in workload.phases],
        }
        for one in setting.targets
    }


def playbook(workload: Workload) -> str:
    """One play for each phase, with one task for each command."""
    plays = [
        {
            "hosts": "all",
            "gather_facts": False,
            "strategy": "free",
            "tasks": [
                {"raw": f"{{{{ phases[{number}][{place}] | default('true') }}}}"}
                for place in range(max(map(len, phase.values())))
            ],
        }
        for number, phase in enumerate(workload.phases)
    ]
    return yaml.safe_dump(plays, width=10_000)


def environment(setting: Setting) -> dict[str, str]:
    """Settings for a fair start: no connection is left from an earlier round, and nothing in a home folder counts."""
    return {
        "PATH": os.pathsep.join([str(setting.programs), os.environ.get("PATH", os.defpath)]),  # ansible-config
        "ANSIBLE_HOME": str(setting.folder / "ansible"),
        "ANSIBLE_SSH_CONTROL_PATH_DIR": str(setting.folder / "cp"),
        "ANSIBLE_HOST_KEY_CHECKING": "False",
        "ANSIBLE_LOCALHOST_WARNING": "False",
    }


class Ansible(Contestant):
    """Connections stay open between the commands, as its defaults have it (ControlPersist)."""

    name = "ansible-core, raw, strategy free"
    packages = ("ansible-core",)

    def call(self, workload: Workload, setting: Setting) -> Call:
        """An inventory and a playbook."""
        hosts = setting.write("hosts.yaml", yaml.safe_dump({"all": {"hosts": inventory(workload, setting)}}))
        plays = setting.write("plays.yaml", playbook(workload))
        argv = (str(setting.programs / "ansible-playbook"), "-i", str(hosts), str(plays))
        return Call(argv, environment(setting), setting.folder)
