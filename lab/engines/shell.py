"""The script that starts a shell in which `docker` (or buildctl) is the client of one engine."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import PurePosixPath

from lab.engines.engine import Engine

GONE = 96  # the exit status of the script if the folder does not exist
# For sh. The folder of the client's stand-in is removed when the shell ends.
SCRIPT = """\
cd {folder} || exit {gone}
tools=$(mktemp -d) || exit
trap 'rm -rf "$tools"' EXIT
printf %s {client} > "$tools/{program}" && chmod +x "$tools/{program}"
PATH="$tools:$PATH"
export PATH{exports}
"${{SHELL:-/bin/sh}}" -i
exit $?
"""
HOSTS = {"docker": "DOCKER_HOST", "buildctl": "BUILDKIT_HOST"}  # by client, the variable that names its daemon
KEPT = ("DOCKER_CONFIG", "DOCKER_BUILDKIT", "BUILDX_NO_DEFAULT_ATTESTATIONS")


def script(engine: Engine, folder: PurePosixPath | None = None, variables: Mapping[str, str] | None = None) -> str:
    """The script for sh: a shell in the folder (default: home), with these variables; its exit status is the shell's.

    PATH finds the engine's client first, and the client's own variable names its daemon. A client that needs root's
    rights is called by sudo.
    """
    words = list(engine.docker)
    by_root = words[:2] == ["sudo", "-n"]
    program = words[2] if by_root else words[0]
    addresses = [words[place + 1] for place, word in enumerate(words[:-1]) if word in ("-H", "--addr")]
    known = {**({HOSTS[engine.program]: addresses[0]} if addresses else {}), **(variables or {})}
    if not by_root and "/" not in program:
        client = f'PATH=${{PATH#*:}} exec {program} "$@"'  # without the stand-in, which has the same name
    else:
        sudo = [*words[:2], f"--preserve-env={','.join((*HOSTS.values(), *KEPT))}"] if by_root else []
        client = f'exec {shlex.join([*sudo, program])} "$@"'  # sudo has a PATH of its own
    return SCRIPT.format(
        folder=shlex.quote(str(folder)) if folder else "",
        gone=GONE,
        client=shlex.quote(f"#!/bin/sh\n{client}\n"),
        program=engine.program,
        exports="".join(f"\nexport {name}={shlex.quote(value)}" for name, value in known.items()),
    )
