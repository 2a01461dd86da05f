"""The floor: the lines as one script of /bin/sh, each phase of a host through one call of OpenSSH."""

from __future__ import annotations

from benchmarks.side_by_side.contestant import Call, Contestant, Setting
from benchmarks.side_by_side.workload import Workload


class Script(Contestant):
    """No program does less: one connection and one shell for each phase of a host, and all hosts at once."""

    name = "one shell script over OpenSSH"

    def call(self, workload: Workload, setting: Setting) -> Call:
        """A script that starts one ssh for each host, and waits for all of them at the end of each phase."""
        config = setting.ssh_config()
        lines = ["pids="]
        for number, phase in enumerate(workload.phases):
            for host, commands in phase.items():
                text = "\n".join(["set -e", *(f"({command})" for command in commands), ""])
                path = setting.write(f"{number}-{host}.sh", text)
                lines.append(f'ssh -F {config} {host} sh -s < {path} & pids="$pids $!"')
            lines.append("for pid in $pids; do wait $pid || exit 1; done; pids=")
        return Call(("sh", str(setting.write("all.sh", "\n".join([*lines, ""])))))
