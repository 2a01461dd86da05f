"""A context's files as shell scripts that make them on a box."""

from __future__ import annotations

import base64
import re
import shlex
from collections.abc import Mapping
from pathlib import PurePosixPath

PIECE = 32 << 10
MAX_CONTEXT_BYTES = 8 << 20  # of the context of a scenario


def writing(files: Mapping[str, tuple[bytes, bool]]) -> list[str]:
    """Shell scripts that make these files with the box's own umask and labels; plain text stays readable.

    Small files share one script; a large one comes in pieces, since Linux takes 128 KiB in one argument at most.
    """
    scripts, lines = [], ["set -e"]
    for name, (content, executable) in files.items():
        target = shlex.quote(f"./{name}")
        folder = PurePosixPath(name).parent
        if str(folder) != ".":
            lines.append(f"mkdir -p {shlex.quote(f'./{folder}')}")
        lines.append(f": > {target}")
        for start in range(0, len(content), PIECE):
            lines.append(f"{_printing(content[start : start + PIECE])} >> {target}")
            if len(content) > PIECE:
                scripts.append("\n".join(lines))
                lines = ["set -e"]
        if executable:
            lines.append(f"chmod +x {target}")
        if sum(map(len, lines)) > PIECE:
            scripts.append("\n".join(lines))
            lines = ["set -e"]
    return [*scripts, "\n".join(lines)] if len(lines) > 1 else scripts


def _printing(content: bytes) -> str:
    """A shell command that prints these bytes."""
    if re.fullmatch(rb"[\n -~]*", content) and len(content) < 4096:
        return f"printf %s {shlex.quote(content.decode())}"
    return f"printf %s {base64.b64encode(content).decode()} | base64 -d"
