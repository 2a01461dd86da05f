"""parallel-ssh: one client for all hosts, with libssh2 and gevent."""

from __future__ import annotations

from benchmarks.side_by_side.contestants.fabric import Fabric


class ParallelSsh(Fabric):
    """Each step is one command on all hosts; a step begins once the one before has ended everywhere."""

    name = "parallel-ssh"
    packages = ("parallel-ssh",)
    program = "parallel_ssh.py"
