"""The lines of a command's output that matter, and how many others there were."""

from __future__ import annotations

import re
from dataclasses import dataclass

from lab.counting import counted
from lab.report import printable

MAX_LINES = 60
MAX_WIDTH = 300
# `docker version`: the programs; `docker info`: the settings that are known to affect a cache key.
_VERSION = re.compile(
    r"^\S.*:$|^ *(Engine|containerd|runc|buildkit):$|^ *(Version|API version|Git ?[Cc]ommit|OS/Arch):\s*\S"
)
_INFO = re.compile(
    r"^(Client|Server)\b.*:|^ *(Server Version|Storage Driver|Backing Filesystem|userxattr|driver-type|Cgroup Version|"
    r"Security Options|apparmor|seccomp|selinux|rootless|userns|cgroupns|name=.*|Kernel Version|Operating System|"
    r"Architecture|CPUs|Total Memory|buildx)\b|^ *(Is there a|WARNING)"
)
_NUMBERED = re.compile(r"^#(\d+) (.*)$")
_STEP = re.compile(r"\[(?:[^\]]* )?\s*\d+/\d+\] ")
_INTERNALS = ("importing cache manifest", "[internal] load build context", "[internal] load build definition")


@dataclass(frozen=True, slots=True)
class Excerpt:
    """The lines that matter, safe to show, and how many were left out (blank lines are not counted)."""

    lines: tuple[str, ...]
    cut: int
    total: int

    @property
    def text(self) -> str:
        """The lines, and a last line that counts what was cut."""
        return "\n".join([*self.lines, *([f"[{self.cut} of {counted(self.total, 'line')} cut]"] if self.cut else [])])


def version(text: str) -> Excerpt:
    """`docker version`: programs, versions, commits; without docker-init, the last one."""
    found, rest = _lines(text.partition("docker-init:")[0]), _lines("".join(text.partition("docker-init:")[1:]))
    kept = [line for line in found if _VERSION.match(line)]
    return _limited(kept, len(found) + len(rest) - len(kept))


def info(text: str) -> Excerpt:
    """`docker info`: storage, security, kernel, size of the machine."""
    found = _lines(text)
    kept = [line for line in found if _INFO.match(line)]
    return _limited(kept, len(found) - len(kept))


def build(output: bytes) -> Excerpt:
    """A build's output: steps, the context sent, the cache read, errors; of other forms the beginning and the end."""
    text = output.decode("utf-8", "replace")
    if not any(_NUMBERED.match(line) for line in text.split("\n")):
        return ends(output)
    names: dict[str, str] = {}
    kept, cut = [], 0
    for line in _lines(text):
        match = _NUMBERED.match(line)
        if match and (match[2].startswith("[") or match[2].startswith("importing ") or match[1] not in names):
            names[match[1]] = match[2]
        again = line in kept and line.startswith(f"#{match[1]} {names[match[1]]}") if match else False
        if match is None or (_matters(names[match[1]], match[2]) and not again):
            kept.append(line)
        else:
            cut += 1
    return _limited(kept, cut)


def ends(output: bytes, first: int = 10, last: int = 20) -> Excerpt:
    """The first and the last lines of an output."""
    found = _lines(output.decode("utf-8", "replace"))
    if len(found) <= first + last + 1:
        return _limited(found, 0)
    shown = _limited([*found[:first], "...", *found[-last:]], 0)
    return Excerpt(shown.lines, len(found) - first - last, len(found))


def last_line(output: bytes) -> Excerpt:
    """Only the last line, as of a push or a prune."""
    found = _lines(output.decode("utf-8", "replace"))
    return _limited(found[-1:], max(0, len(found) - 1))


def _matters(name: str, text: str) -> bool:
    """True if a line of the vertex `name` is about a step, the context or the cache."""
    if re.fullmatch(r"sha256:[0-9a-f]{64}|transferring \w+:|\.\.\.", text):
        return False
    if _STEP.match(name):
        return not re.match(r"(sha256:|extracting |pulling |resolve )", text) and " FROM " not in name
    if name.startswith(_INTERNALS):
        return not text.startswith(("DONE", "inferred")) or name.startswith("importing")
    return text.startswith(("ERROR", "WARN"))


def _lines(text: str) -> list[str]:
    return [line.rstrip() for line in printable.lines(text).split("\n") if line.strip()]


def _limited(lines: list[str], cut: int) -> Excerpt:
    short = [
        line if len(line) <= MAX_WIDTH else f"{line[:MAX_WIDTH]} ({len(line) - MAX_WIDTH} characters cut)"
        for line in lines
    ]
    total = len(short) + cut
    if len(short) > MAX_LINES:
        half = MAX_LINES // 2
        cut += len(short) - 2 * half
        short = [*short[:half], "...", *short[-half:]]
    return Excerpt(tuple(short), cut, total)
