"""The parts of a step's cache key: the JSON of its operation as Go writes it, its digest, and its cache record."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256

from lab.buildkit.cachekeys.copying import Copy
from lab.buildkit.cachekeys.dialect import Dialect
from lab.buildkit.contenthash import gopath

ROOT_SELECTOR = "sha256:" + sha256(b"/").hexdigest()
ESCAPES = {  # where Go's encoder differs from Python's; a pair of backslashes stays as it is
    **{"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"},
    **{"\\b": "\\u0008", "\\f": "\\u000c", "\\\\": "\\\\"},
}
DEFAULT_PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
NETWORKS = {"default": 0, "bridge": 0, "host": 1, "none": 2}


@dataclass(frozen=True, slots=True)
class Definition:
    """The JSON of an operation, and its digest, which BuildKit calls the digest of the cache map."""

    json: str

    @property
    def digest(self) -> str:
        """The sha256 of the JSON."""
        return _sha256(self.json)

    @property
    def record(self) -> str:
        """The record of the operation's first output in an inline cache."""
        return record(self.digest)


def record(digest: str, output: int = 0) -> str:
    """Return the record of one output of an operation; the output of a content digest is -1."""
    return _sha256(f"{digest}@{output}")


def source_record(diff_ids: Sequence[str]) -> str:
    """Return the record of a FROM by its layers' diff ids; it does not depend on where the layers came from."""
    return record(_sha256(f"buildkit.source.v0:{chain_id(diff_ids)}"))


def pinned_record(manifest: str, os: str, arch: str) -> str:
    """Return the other record of a FROM, by the digest of its manifest; BuildKit writes it if no layer was pulled."""
    pinned = _sha256(go_json({"Digest": manifest, "OS": os, "Arch": arch}))
    return record(_sha256(f"buildkit.source.v0:{pinned}"))


def chain_id(diff_ids: Sequence[str]) -> str:
    """Return the chain id of layers as the OCI image specification defines it."""
    chain = diff_ids[0]
    for diff_id in diff_ids[1:]:
        chain = _sha256(f"{chain} {diff_id}")
    return chain


def copy_actions(copy: Copy, workdir: str, dialect: Dialect, *, scratch: bool = False) -> list[str] | str:
    """Return the JSON of each action of a COPY or ADD in order, or the reason why they are not known."""
    if copy.unclear:
        return copy.unclear
    owner = _owner(copy.chown, dialect, scratch=scratch)
    if isinstance(owner, str):
        return owner
    dest = destination(copy.dest, workdir)
    if dest is None:
        return f"engines resolve the destination {copy.dest} in different ways"
    return [
        go_json(
            {
                "src": gopath.base(gopath.join("/", source)),
                "dest": dest,
                **owner,
                **({} if copy.chmod == 0 else {"mode": -1 if copy.chmod is None else copy.chmod}),
                "followSymlink": True,
                "dirCopyContents": True,
                **({"attemptUnpackDockerCompatibility": True} if copy.add else {}),
                "createDestPath": True,
                "allowWildcard": True,
                "allowEmptyWildcard": True,
                "timestamp": -1,
                **({"exclude_patterns": list(copy.exclude)} if copy.exclude else {}),
            }
        )
        for source in copy.sources
    ]


def copy_definition(copy: Copy, workdir: str, dialect: Dialect, *, scratch: bool = False) -> Definition | str:
    """Return the definition of a COPY or ADD, or the reason why it is not known; `scratch`: the stage is empty."""
    actions = copy_actions(copy, workdir, dialect, scratch=scratch)
    if isinstance(actions, str):
        return actions
    return file_definition(actions, _indexes(len(actions), dialect, scratch=scratch))


def workdir_definition(path: str, dialect: Dialect, *, user: str = "", scratch: bool = False) -> Definition | str:
    """Return the definition of the folder that WORKDIR makes for a user, or the reason why it is not known.

    `scratch` states that the stage is empty.
    """
    owner = _owner(user, dialect, scratch=scratch)
    if isinstance(owner, str):
        return owner.replace("--chown=", "USER ")
    if user and not dialect.workdir_user:
        return "it is not known whether this engine makes the user the owner of WORKDIR's folder"
    action = {"path": gopath.clean(path), "mode": 0o755, "makeParents": True, **owner, "timestamp": -1}
    return file_definition([go_json(action)], [[-1, -1, 0]] if scratch and dialect.indexes else None)


def file_definition(actions: Iterable[str], indexes: Sequence[Sequence[int]] | None) -> Definition:
    """Return the definition of a file operation from the JSON of its actions."""
    encoded = [base64.b64encode(action.encode()).decode() for action in actions]
    more = {"indexes": indexes} if indexes else {}
    return Definition(go_json({"Type": "buildkit.file.v0", "Actions": encoded, **more}))


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a RUN's key contains besides its command: variables (NAME=value), folder, user, platform, network number."""

    env: tuple[str, ...] = ()
    workdir: str = "/"
    user: str = ""
    os: str = "linux"
    arch: str = "amd64"
    network: int = 0


def run_definition(args: Sequence[str], around: Surroundings, dialect: Dialect) -> Definition:
    """Return the definition of a RUN without mounts."""
    env = list(around.env)
    if not any(item.startswith("PATH=") for item in env):
        env.append(DEFAULT_PATH)
    meta: dict[str, object] = {"args": list(args), "env": env, "cwd": around.workdir or "/"}
    if around.user:
        meta["user"] = around.user
    if dialect.stubs:
        meta["removeMountStubsRecursive"] = True
    network = {"network": around.network} if around.network else {}
    operation = {"Type": "buildkit.exec.v0", "Exec": {"meta": meta, **network}, "OS": around.os, "Arch": around.arch}
    return Definition(go_json(operation))


def destination(dest: str, workdir: str) -> str | None:
    """Return the absolute destination of a COPY with its trailing slash; None if engines resolve it differently."""
    if dest.endswith("/.") or dest in ("..",) or dest.endswith("/.."):
        return None
    slash = dest in (".", "") or dest.endswith("/")
    path = gopath.join("/", dest if dest.startswith("/") else f"{workdir or '/'}/{dest}")
    return path + "/" if slash and path != "/" else path


def go_json(value: object) -> str:
    """Return JSON as Go's encoder writes it: without spaces, keys in the given order, and < > & escaped."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return re.sub(r"\\[bf\\]|[<>&\u2028\u2029\udc80-\udcff]", lambda found: ESCAPES.get(found[0], "\\ufffd"), text)


def _owner(chown: str, dialect: Dialect, *, scratch: bool) -> Mapping[str, object] | str:
    """Return the owner of a COPY --chown, or the reason why it is not known."""
    if not chown:
        return {}
    user, colon, group = chown.partition(":")
    owner: dict[str, object] = {}
    for key, name in (("user", user), ("group", group)) if colon else (("user", user),):
        found = _user(name, dialect, scratch=scratch)
        if isinstance(found, str):
            return found
        owner[key] = {"User": found}
    return {"owner": owner}


def _user(name: str, dialect: Dialect, *, scratch: bool) -> Mapping[str, object] | str:
    """Return a user or group, or the reason why it is not known; 0, root and an empty name are omitted."""
    number = 0 if name in ("root", "") else _uid(name)
    if number == 0:
        return {}
    if number is None:
        if scratch:
            return f"--chown={name} cannot be looked up in an empty stage"
        if dialect.named_input is None:
            return "it is not known how this engine writes a --chown by name"
        return {"byName": {"name": name, **({"input": 0} if dialect.named_input else {})}}
    if dialect.owner is None:
        return "it is not known how this engine writes a numeric --chown"
    return {dialect.owner: number}


def _uid(name: str) -> int | None:
    """Return a 32-bit number as the definition has it, a negative one modulo 2**32; None for a name."""
    number = int(name) if re.fullmatch("[+-]?[0-9]+", name) else None
    return None if number is None or not -(2**31) <= number < 2**31 else number % 2**32


def _indexes(count: int, dialect: Dialect, *, scratch: bool) -> list[list[int]] | None:
    """Return how the actions depend on each other: indexes of the operation's inputs, then of results; -1 for none.

    They are left out for one or two sources onto a base, so that such steps match those of older engines.
    """
    if not dialect.indexes or (not scratch and count < 3):
        return None
    inputs = 1 if scratch else 2
    first = -1 if scratch else 0
    return [
        [first if number == 0 else inputs + number - 1, inputs - 1, 0 if number == count - 1 else -1]
        for number in range(count)
    ]


def _sha256(text: str) -> str:
    return "sha256:" + sha256(text.encode("utf-8", "surrogateescape")).hexdigest()
