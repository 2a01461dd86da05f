"""What a step's cache key is made of: Go's JSON of its operation, the digest of that, and its record in a cache."""

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
ESCAPES = {  # what Go's encoder writes otherwise than Python's; a pair of backslashes must not be taken apart
    **{"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"},
    **{"\\b": "\\u0008", "\\f": "\\u000c", "\\\\": "\\\\"},
}
DEFAULT_PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
NETWORKS = {"default": 0, "bridge": 0, "host": 1, "none": 2}


@dataclass(frozen=True, slots=True)
class Definition:
    """The JSON of an operation and the digest of it, which BuildKit calls the cache map's."""

    json: str

    @property
    def digest(self) -> str:
        """The sha256 of the JSON."""
        return _sha256(self.json)

    @property
    def record(self) -> str:
        """Its record in an inline cache: that of its first output."""
        return record(self.digest)


def record(digest: str, output: int = 0) -> str:
    """The record of one output of an operation; -1 is that of a content digest."""
    return _sha256(f"{digest}@{output}")


def source_record(diff_ids: Sequence[str]) -> str:
    """The record of a FROM by its layers' diff ids, which is the same wherever the layers came from."""
    return record(_sha256(f"buildkit.source.v0:{chain_id(diff_ids)}"))


def pinned_record(manifest: str, os: str, arch: str) -> str:
    """The other record of a FROM, by the digest that its image's name led to: written where nothing was pulled."""
    pinned = _sha256(go_json({"Digest": manifest, "OS": os, "Arch": arch}))
    return record(_sha256(f"buildkit.source.v0:{pinned}"))


def chain_id(diff_ids: Sequence[str]) -> str:
    """The chain id of layers as the OCI image specification has it."""
    chain = diff_ids[0]
    for diff_id in diff_ids[1:]:
        chain = _sha256(f"{chain} {diff_id}")
    return chain


def copy_actions(copy: Copy, workdir: str, dialect: Dialect, *, scratch: bool = False) -> list[str] | str:
    """The JSON of each action of a COPY or ADD in their order, or why they are not known."""
    if copy.unclear:
        return copy.unclear
    owner = _owner(copy.chown, dialect, scratch=scratch)
    if isinstance(owner, str):
        return owner
    dest = destination(copy.dest, workdir)
    if dest is None:
        return f"engines differ in where {copy.dest} leads"
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
    """The definition of a COPY or ADD onto a base, or onto nothing; or why it is not known."""
    actions = copy_actions(copy, workdir, dialect, scratch=scratch)
    if isinstance(actions, str):
        return actions
    return file_definition(actions, _indexes(len(actions), dialect, scratch=scratch))


def workdir_definition(path: str, dialect: Dialect, *, user: str = "", scratch: bool = False) -> Definition | str:
    """The definition of the directory that WORKDIR makes for a user, onto nothing too; or why it is not known."""
    owner = _owner(user, dialect, scratch=scratch)
    if isinstance(owner, str):
        return owner.replace("--chown=", "USER ")
    if user and not dialect.workdir_user:
        return "whether this engine gives WORKDIR's folder to the user is not known"
    action = {"path": gopath.clean(path), "mode": 0o755, "makeParents": True, **owner, "timestamp": -1}
    return file_definition([go_json(action)], [[-1, -1, 0]] if scratch and dialect.indexes else None)


def file_definition(actions: Iterable[str], indexes: Sequence[Sequence[int]] | None) -> Definition:
    """The definition of a file operation from the JSON of its actions."""
    encoded = [base64.b64encode(action.encode()).decode() for action in actions]
    more = {"indexes": indexes} if indexes else {}
    return Definition(go_json({"Type": "buildkit.file.v0", "Actions": encoded, **more}))


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What enters every RUN beside its command: variables as NAME=value, folder, user, platform, network's number."""

    env: tuple[str, ...] = ()
    workdir: str = "/"
    user: str = ""
    os: str = "linux"
    arch: str = "amd64"
    network: int = 0


def run_definition(args: Sequence[str], around: Surroundings, dialect: Dialect) -> Definition:
    """The definition of a RUN without mounts."""
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
    """A COPY's destination, absolute and with its trailing slash; None where engines differ."""
    if dest.endswith("/.") or dest in ("..",) or dest.endswith("/.."):
        return None
    slash = dest in (".", "") or dest.endswith("/")
    path = gopath.join("/", dest if dest.startswith("/") else f"{workdir or '/'}/{dest}")
    return path + "/" if slash and path != "/" else path


def go_json(value: object) -> str:
    """JSON as Go's encoder writes it: no spaces, keys in the given order, < > & escaped."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return re.sub(r"\\[bf\\]|[<>&\u2028\u2029\udc80-\udcff]", lambda found: ESCAPES.get(found[0], "\\ufffd"), text)


def _owner(chown: str, dialect: Dialect, *, scratch: bool) -> Mapping[str, object] | str:
    """The owner of a COPY --chown, or why it is not known."""
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
    """A user or group, or why it is not known; 0 is left out, which root and a name that is empty are too."""
    number = 0 if name in ("root", "") else _uid(name)
    if number == 0:
        return {}
    if number is None:
        if scratch:
            return f"--chown={name} is looked up where there is nothing"
        if dialect.named_input is None:
            return "how this engine spells a --chown by name is not known"
        return {"byName": {"name": name, **({"input": 0} if dialect.named_input else {})}}
    if dialect.owner is None:
        return "how this engine spells a numeric --chown is not known"
    return {dialect.owner: number}


def _uid(name: str) -> int | None:
    """A number of 32 bits as the definition has it, a negative one from the other end; None for a name."""
    number = int(name) if re.fullmatch("[+-]?[0-9]+", name) else None
    return None if number is None or not -(2**31) <= number < 2**31 else number % 2**32


def _indexes(count: int, dialect: Dialect, *, scratch: bool) -> list[list[int]] | None:
    """How the actions depend on each other: inputs of the operation first, then the actions' results, -1 for none.

    Left out for one or two sources onto a base, so that such steps match those of older engines.
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
