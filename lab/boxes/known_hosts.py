"""The keys that the user's own file of known hosts has for one host: OpenSSH finds its lines, else lab itself does."""

from __future__ import annotations

import base64
import hmac
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from lab.boxes.base import Command
from lab.boxes.process import run_process

SSH_PORT = 22  # a file of known hosts names only another port
FOUND, NOT_FOUND_THERE = 0, 1  # exit statuses of `ssh-keygen -F`
SECONDS = 30
REVOKED = "@revoked"


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a file of known hosts: its marker, which may be empty, its hosts, and the key with its type."""

    marker: str
    hosts: str
    kind: str
    key: bytes


@dataclass(frozen=True, slots=True)
class Keys:
    """The keys that a file has for one host, with their types, and the keys that it revokes there."""

    known: tuple[tuple[str, bytes], ...] = ()
    revoked: frozenset[bytes] = frozenset()


def name_of(host: str, port: int) -> str:
    """The name of a host in a file of known hosts."""
    return host if port == SSH_PORT else f"[{host}]:{port}"


def keys_of(path: Path | None, name: str) -> Keys:
    """The keys of the host `name`; none without a file, or with one that cannot be read.

    As in OpenSSH, only a line that cannot be read is left out, and the key of a line with a marker is none of the host.
    """
    if path is None:
        return Keys()
    found = asked(path, name)
    if found is None:
        found = searched(path, name)
    revoked = frozenset(line.key for line in found if line.marker == REVOKED)
    return Keys(tuple(dict.fromkeys((line.kind, line.key) for line in found if not line.marker)), revoked)


def asked(path: Path, name: str) -> list[Line] | None:
    """The lines that ssh-keygen finds for a host; None where it is missing or fails."""
    done = run_process(Command(("ssh-keygen", "-F", name.lower(), "-f", str(path)), timeout=SECONDS))
    if done.exit not in (FOUND, NOT_FOUND_THERE):
        return None
    return list(_lines(done.stdout))


def searched(path: Path, name: str) -> list[Line]:
    """The lines that lab itself finds for a host, by the rules of sshd(8)."""
    with suppress(OSError):
        return [line for line in _lines(path.read_bytes()) if _matches(line.hosts, name.lower())]
    return []


def _lines(content: bytes) -> Iterator[Line]:
    """The lines with a key; the others are left out."""
    for row in content.split(b"\n"):
        fields = row.decode("utf-8", "surrogateescape").split()
        marker = fields.pop(0) if fields and fields[0].startswith("@") else ""
        if len(fields) < 3 or fields[0].startswith("#"):
            continue
        hosts, kind, text = fields[:3]
        with suppress(ValueError):  # of base64, also for a character that is not ASCII
            key = base64.b64decode(text, validate=True)
            if key[4 : 4 + len(kind)] == kind.encode():
                yield Line(marker, hosts, kind, key)


def _matches(hosts: str, name: str) -> bool:
    """True if a line's hosts are or include this one: a hashed name, or patterns of which no negated one matches."""
    if hosts.startswith("|"):
        return _is_hash_of(hosts, name)
    found = False
    for pattern in hosts.lower().split(","):
        if _matches_pattern(pattern.removeprefix("!"), name):
            if pattern.startswith("!"):
                return False
            found = True
    return found


def _matches_pattern(pattern: str, name: str) -> bool:
    """True if a pattern stands for the whole name; only `*` and `?` have a meaning of their own."""
    wild = {"*": ".*", "?": "."}
    parts = (wild.get(part) or re.escape(part) for part in re.sub(r"\*+", "*", pattern))
    return re.fullmatch("".join(parts), name, re.DOTALL) is not None


def _is_hash_of(hosts: str, name: str) -> bool:
    """True for `|1|SALT|HASH` with the HMAC-SHA1 of this name."""
    try:
        _, version, salt, number = hosts.split("|")
        wanted = base64.b64decode(number, validate=True)
        made = hmac.digest(base64.b64decode(salt, validate=True), name.encode("utf-8", "surrogateescape"), "sha1")
    except ValueError:
        return False
    return version == "1" and hmac.compare_digest(made, wanted)
