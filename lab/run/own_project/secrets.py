"""Secrets and keys of a build: read here, sent as files that only their owner may read, shown by their id alone."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from lab.errors import ContextError, HostError, UsageError, reason
from lab.files import read_named

LARGEST = 512_000  # bytes of a secret that BuildKit takes
SHORTEST = 4  # bytes of a text that is hidden: a shorter one would hide half of an output


@dataclass(frozen=True, slots=True)
class Private:
    """One secret or key: its id, its bytes, and its word for the client, in which `{path}` is its file on the box."""

    id: str
    content: bytes = field(repr=False)
    word: str

    @property
    def is_agent(self) -> bool:
        """True if the keys are those of the user's agent, of which nothing is sent."""
        return self.word.startswith("--ssh=") and not self.content

    @property
    def hidden(self) -> Iterator[bytes]:
        """The texts that no output may show: the whole, and each of its lines, since outputs are printed by lines."""
        whole = self.content.strip()
        for text in dict.fromkeys((whole, *(line.strip() for line in whole.splitlines()))):
            if len(text) >= SHORTEST:
                yield text


def secrets_of(words: Iterable[str], environ: Mapping[str, str] = os.environ) -> list[Private]:
    """The secrets of `--secret id=ID[,src=FILE|,env=NAME]`; UsageError for a malformed one, ContextError if unread."""
    return [_secret(word, environ) for word in words]


def keys_of(words: Iterable[str], environ: Mapping[str, str] = os.environ) -> list[Private]:
    """The keys of `--ssh ID[=FILE]`; one without a file means the user's agent, which is forwarded to each box.

    UsageError for a malformed one, ContextError for a file that cannot be read, HostError without an agent.
    """
    found = []
    for word in words:
        name, equals, path = word.partition("=")
        if not name or (equals and (not path or "," in path)):
            raise UsageError(f'cannot use --ssh "{word}": it is not default, ID or ID=FILE')
        if not equals and not environ.get("SSH_AUTH_SOCK"):
            raise HostError(
                f"cannot use --ssh {name}: no ssh agent is known here, because SSH_AUTH_SOCK is not set",
                hint=f"start one with `eval $(ssh-agent)` and `ssh-add`, or name a key: --ssh {name}=FILE",
            )
        content = _content(Path(path), f"--ssh {name}") if equals else b""
        found.append(Private(f"ssh {name}", content, f"--ssh={name}={{path}}" if equals else f"--ssh={name}"))
    return found


def _secret(word: str, environ: Mapping[str, str]) -> Private:
    parts = dict(part.partition("=")[::2] for part in word.split(","))
    name = parts.pop("id", "")
    parts.pop("type", None)
    path = parts.pop("src", None) or parts.pop("source", None)
    variable = parts.pop("env", None)
    if not name or parts or (path and variable):
        raise UsageError(
            f'cannot use --secret "{name or word.partition("=")[0]}": it is not id=ID,src=FILE or id=ID,env=NAME'
        )
    if path is None:  # as docker does: the variable of that name
        variable = variable or name
        if variable not in environ:
            raise UsageError(f"cannot use --secret id={name}: it names no file, and {variable} is not set")
        content = os.fsencode(environ[variable])
    else:
        content = _content(Path(path), f"--secret id={name}")
    return Private(name, content, f"--secret=id={name},src={{path}}")


def _content(path: Path, what: str) -> bytes:
    try:
        content = read_named(path, LARGEST + 1)
    except OSError as error:
        raise ContextError(f"cannot use {what}: cannot read {path}: {reason(error)}") from error
    if len(content) > LARGEST:
        raise ContextError(f"cannot use {what}: {path} has more than {LARGEST // 1000} kB, which BuildKit refuses")
    return content
