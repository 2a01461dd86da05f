"""A host as the user's own OpenSSH reaches it: its configuration, keys, agent, jump hosts and known hosts apply."""

from __future__ import annotations

import shlex
from dataclasses import replace
from pathlib import Path, PurePosixPath

from lab.boxes.base import NOT_FOUND, Box, Command, OnOutput, Result
from lab.boxes.process import run_process
from lab.errors import BoxError, HostError

TRANSPORT = 255  # ssh's exit status for a failure of its own
OPTIONS = ("-o", "BatchMode=yes", "-o", "ConnectTimeout=15")  # no question can be answered here


class OpenSshBox(Box):
    """A host that no file of boxes/ describes. lab changes nothing on it, and stores no key of it.

    A command gets no time limit on the host itself, because macOS has no timeout(1); it ends with the connection.
    """

    def __init__(self, host: str) -> None:
        self.name = host

    def execute(self, command: Command, on_output: OnOutput | None = None) -> Result:
        """Run the command by one ssh; BoxError if ssh cannot reach the host, HostError if there is no ssh here."""
        sent = replace(command, argv=self._sent(command), env={}, cwd=None)
        done = run_process(sent, on_output, who=self.name)
        if done.exit == NOT_FOUND and done.stderr.startswith(b"ssh: "):
            raise HostError("cannot reach another host: ssh is not installed here", hint="install OpenSSH's client")
        if done.exit == TRANSPORT:
            why = (done.stderr.decode("utf-8", "replace").strip().splitlines() or ["ssh gave no reason"])[-1]
            raise BoxError(
                f"cannot reach {self.name}: {why}",
                hint=f"`ssh {shlex.quote(self.name)}` must work without a question; or run the script of "
                "`python -m lab record --script` there, and name its output",
            )
        return replace(done, command=command)

    def put(self, source: Path, target: PurePosixPath) -> None:
        """Refused: lab writes nothing on such a host."""
        raise BoxError(f"cannot copy {source.name} to {self.name}: lab writes nothing on this host")

    def _sent(self, command: Command) -> tuple[str, ...]:
        words = ["env", "LC_ALL=C", *(f"{name}={value}" for name, value in command.env.items()), *command.argv]
        line = f"{shlex.join(words)} </dev/null"
        place = f"cd {shlex.quote(str(command.cwd))} && {line}" if command.cwd else line
        return "ssh", *OPTIONS, "--", self.name, place
