"""The parts of a step's cache key: the JSON of its operation as Go writes it, its digest, and its cache record."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256

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


def selector(paths: Sequence[str]) -> str:
    """Return the selector of a link that means the files at some paths, in the order in which they are written."""
    return _sha256("\0".join(paths))


def record(digest: str, output: int = 0) -> str:
    """Return the record of one output of an operation; the output of a content digest is -1."""
    return _sha256(f"{digest}@{output}")


def source_record(diff_ids: Sequence[str]) -> str:
    """Return the record of a FROM by its layers' diff ids; it does not depend on where the layers came from."""
    return record(_sha256(f"buildkit.source.v0:{chain_id(diff_ids)}"))


def pinned_record(manifest: str, os: str, arch: str, variant: str = "") -> str:
    """Return the other record of a FROM, by the digest of its manifest; BuildKit writes it if no layer was pulled."""
    more = {"Variant": variant} if variant else {}
    pinned = _sha256(go_json({"Digest": manifest, "OS": os, "Arch": arch, **more}))
    return record(_sha256(f"buildkit.source.v0:{pinned}"))


def chain_id(diff_ids: Sequence[str]) -> str:
    """Return the chain id of layers as the OCI image specification defines it."""
    chain = diff_ids[0]
    for diff_id in diff_ids[1:]:
        chain = _sha256(f"{chain} {diff_id}")
    return chain


def file_definition(actions: Iterable[str], indexes: Sequence[Sequence[int]] | None) -> Definition:
    """Return the definition of a file operation from the JSON of its actions."""
    encoded = [base64.b64encode(action.encode("utf-8", "surrogateescape")).decode() for action in actions]
    more = {"indexes": indexes} if indexes else {}
    return Definition(go_json({"Type": "buildkit.file.v0", "Actions": encoded, **more}))


def written_indexes(indexes: Sequence[Sequence[int]], dialect: Dialect) -> Sequence[Sequence[int]] | None:
    """Return how the actions depend on each other as the definition states it; None if it is left out.

    Each action has the number of its input, of its source and of its output: numbers of the operation's inputs, then of
    the results of its actions; -1 for none. The usual pattern is left out, so that such steps match those of older
    engines.
    """
    count = len(indexes)
    usual = all(
        index[0] == (count + number - 1 if number else 0)
        and index[1] in (-1, 1)
        and index[2] == (0 if number == count - 1 else -1)
        for number, index in enumerate(indexes)
    )
    return None if usual or not dialect.indexes else indexes


def copy_action(src: str, dest: str, flags: Mapping[str, object], owner: Mapping[str, object]) -> str:
    """Return the JSON of one COPY or ADD of one source.

    `flags` may hold mode, local (a path of the context, a stage or an image), unpack, include, exclude and modeStr.
    """
    local = bool(flags.get("local"))
    mode = flags.get("mode", -1)
    return go_json(
        {
            "src": src,
            "dest": dest,
            **owner,
            **({} if mode == 0 else {"mode": mode}),
            **({"followSymlink": True, "dirCopyContents": True} if local else {}),
            **({"attemptUnpackDockerCompatibility": True} if flags.get("unpack") else {}),
            "createDestPath": True,
            **({"allowWildcard": True, "allowEmptyWildcard": True} if local else {}),
            "timestamp": -1,
            **({"include_patterns": flags["include"]} if flags.get("include") else {}),
            **({"exclude_patterns": flags["exclude"]} if flags.get("exclude") else {}),
            **({"modeStr": flags["modeStr"]} if flags.get("modeStr") else {}),
        }
    )


def mkfile_action(path: str, mode: int, text: str) -> str:
    """Return the JSON of the creation of a file."""
    data = base64.b64encode(text.encode("utf-8", "surrogateescape")).decode()
    content = {"data": data} if data else {}
    return go_json({"path": gopath.join("/", path), "mode": mode, **content, "timestamp": -1})


def mkdir_action(
    path: str, mode: int, owner: Mapping[str, object], *, parents: bool = True, timestamp: int = -1
) -> str:
    """Return the JSON of the creation of a folder; `timestamp` is in nanoseconds."""
    above = {"makeParents": True} if parents else {}
    times = {"timestamp": timestamp} if timestamp else {}
    return go_json({"path": gopath.clean(path), **({"mode": mode} if mode else {}), **above, **owner, **times})


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a RUN's key contains besides its command: variables (NAME=value), folder, user, platform, network number.

    `hosts` are the names of --add-host, `ulimits` have a name, a soft and a hard limit, and `cgroup` is the parent.
    """

    env: tuple[str, ...] = ()
    workdir: str = "/"
    user: str = ""
    os: str = "linux"
    arch: str = "amd64"
    network: int = 0
    variant: str = ""
    hosts: tuple[str, ...] = ()
    hostname: str = ""
    ulimits: tuple[tuple[str, int, int], ...] = ()
    cgroup: str = ""
    security: int = 0


def run_definition(
    args: Sequence[str],
    around: Surroundings,
    dialect: Dialect,
    *,
    mounts: Sequence[Mapping[str, object]] = (),
    secrets: Sequence[Mapping[str, object]] = (),
) -> Definition:
    """Return the definition of a RUN; `mounts` include that of the root if there is any other, else they are empty."""
    env = list(around.env)
    if not any(item.startswith("PATH=") for item in env):
        env.append(DEFAULT_PATH)
    meta: dict[str, object] = {
        "args": list(args),
        "env": env,
        "cwd": around.workdir or "/",
        **({"user": around.user} if around.user else {}),
        **({"extraHosts": [{"Host": host} for host in around.hosts]} if around.hosts else {}),
        **({"hostname": around.hostname} if around.hostname else {}),
        **({"ulimit": [_ulimit(*item) for item in around.ulimits]} if around.ulimits else {}),
        **({"cgroupParent": around.cgroup} if around.cgroup else {}),
        **({"removeMountStubsRecursive": True} if dialect.stubs else {}),
    }
    operation = {
        "meta": meta,
        **({"mounts": list(mounts)} if mounts else {}),
        **({"network": around.network} if around.network else {}),
        **({"security": around.security} if around.security else {}),
        **({"secretenv": list(secrets)} if secrets else {}),
    }
    variant = {"Variant": around.variant} if around.variant else {}
    return Definition(
        go_json({"Type": "buildkit.exec.v0", "Exec": operation, "OS": around.os, "Arch": around.arch, **variant})
    )


def merge_definition(count: int, dialect: Dialect) -> Definition:
    """Return the definition of the merge of the layers of several inputs, as COPY --link makes it."""
    inputs = [{"input": number} if number or dialect.zeros else {} for number in range(count)]
    return Definition(go_json({"Type": "buildkit.merge.v0", "Merge": {"inputs": inputs}}))


def _ulimit(name: str, soft: int, hard: int) -> dict[str, object]:
    return {"Name": name, **({"Soft": soft} if soft else {}), **({"Hard": hard} if hard else {})}


def go_json(value: object) -> str:
    """Return JSON as Go's encoder writes it: without spaces, keys in the given order, and < > & escaped."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return re.sub(r"\\[bf\\]|[<>&\u2028\u2029\udc80-\udcff]", lambda found: ESCAPES.get(found[0], "\\ufffd"), text)


def owner_of(chown: str, dialect: Dialect, *, base: int = 0) -> Mapping[str, object] | str:
    """Return the owner in a definition, or the reason why it is not known.

    `base` is the number of the input in which a name is looked up, -1 if the stage is empty.
    """
    if not chown:
        return {}
    user, colon, group = chown.partition(":")
    owner: dict[str, object] = {}
    for key, name in (("user", user), ("group", group)) if colon else (("user", user),):
        found = _user(name, dialect, base)
        if isinstance(found, str):
            return found
        owner[key] = {"User": found}
    return {"owner": owner}


def _user(name: str, dialect: Dialect, base: int) -> Mapping[str, object] | str:
    """Return a user or group, or the reason why it is not known; engines from 20.10 on omit the number 0."""
    number = 0 if name in ("root", "") else _uid(name)
    if number is not None:
        if number == 0 and dialect.owner != "ByID":
            return {}
        if dialect.owner is None:
            return "it is not known how this engine writes a numeric owner"
        return {dialect.owner: number}
    if dialect.zeros is None:
        return "it is not known how this engine writes an owner by name"
    key = "ByName" if dialect.owner == "ByID" else "byName"
    return {key: {"name": name, **({"input": base} if base or dialect.zeros else {})}}


def _uid(name: str) -> int | None:
    """Return a 32-bit number as the definition has it, a negative one modulo 2**32; None for a name."""
    number = int(name) if re.fullmatch("[+-]?[0-9]{1,18}", name) else None
    return None if number is None or not -(2**31) <= number < 2**31 else number % 2**32


def _sha256(text: str) -> str:
    return "sha256:" + sha256(text.encode("utf-8", "surrogateescape")).hexdigest()
