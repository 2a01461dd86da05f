"""The mounts of a RUN (--mount), as they enter its cache key."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal, cast

from lab.buildkit.cachekeys.copying import Expand
from lab.buildkit.cachekeys.dialect import Dialect
from lab.buildkit.cachekeys.frontend import NEW, OLD, Frontend
from lab.buildkit.cachekeys.words import FALSE, TRUE, Failing, WordError
from lab.buildkit.contenthash import gopath
from lab.errors import did_you_mean

Kind = Literal["bind", "cache", "tmpfs", "secret", "ssh"]
TYPES = {"bind": 0, "secret": 1, "ssh": 2, "cache": 3, "tmpfs": 4}
SHARING = {"shared": 0, "private": 1, "locked": 2}
NAMES = {"src": "source", "dst": "target", "destination": "target", "ro": "readonly", "rw": "readwrite"}
KEYS = {
    *("type", "from", "source", "target", "readonly", "readwrite", "required"),
    *("size", "id", "sharing", "mode", "uid", "gid", "env"),
}
SIZES = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40, "p": 1 << 50}


@dataclass(frozen=True, slots=True)
class Mount:
    """One --mount: its type and what is known of it; numbers that are not given are None."""

    kind: Kind
    origin: str = ""
    source: str = ""
    target: str = ""
    readonly: bool = True
    required: bool = False
    size: int = 0
    id: str = ""
    sharing: str = ""
    env: str | None = None
    mode: int | None = None
    uid: int | None = None
    gid: int | None = None
    namespace: str = ""

    @property
    def has_owner(self) -> bool:
        """True if it states a mode or an owner."""
        return (self.mode, self.uid, self.gid) != (None, None, None)


def read_mount(text: str, expand: Expand) -> Mount:
    """Read the value of one --mount; raises WordError if it is malformed."""
    try:
        fields = next(csv.reader([text], strict=True))
    except (csv.Error, StopIteration) as error:
        raise WordError(f"--mount={text} is malformed") from error
    found: dict[str, str] = {}
    for item in fields:
        key, equals, value = item.partition("=")
        key = NAMES.get(key.lower(), key.lower())
        if not equals and key not in ("readonly", "readwrite", "required", "env"):
            raise WordError(Failing(f"invalid field '{item}' must be a key=value pair"))
        if key not in KEYS:
            raise WordError(Failing(f"unexpected key '{key}' in '{item}'{did_you_mean(key, sorted(KEYS))}"))
        value = value if key == "from" else expand(value)
        if key == "readwrite":
            key, value = "readonly", "false" if _truth(value or "true", text) else "true"
        found[key] = value if equals else value or "true"
    return _mount(found, text)


def _mount(found: Mapping[str, str], text: str) -> Mount:
    kind = found.get("type", "bind").lower()
    if kind not in TYPES:
        raise WordError(Failing(f'unsupported mount type "{kind}"{did_you_mean(kind, sorted(TYPES))}'))
    if "$" in found.get("from", ""):
        raise WordError(Failing(f"frontends do not expand the variable in from={found['from']}"))
    usual = kind not in ("cache", "tmpfs")
    mount = Mount(
        cast(Kind, kind),
        found.get("from", ""),
        found.get("source", ""),
        found.get("target", ""),
        readonly=_truth(found["readonly"], text) if "readonly" in found else usual,
        required=_truth(found.get("required", "false"), text),
        size=_size(found.get("size", ""), text),
        id=found.get("id", ""),
        sharing=found.get("sharing", "").lower(),
        env=found.get("env"),
        mode=_number(found.get("mode"), 8, text),
        uid=_number(found.get("uid"), 10, text),
        gid=_number(found.get("gid"), 10, text),
    )
    if why := _contradiction(mount):
        raise WordError(Failing(why))
    return mount


def _contradiction(mount: Mount) -> str | None:
    """Return why frontends reject the options of a mount together; None if they do not."""
    if mount.sharing and mount.kind != "cache":
        return f"invalid cache sharing set for {mount.kind} mount"
    if mount.sharing and mount.sharing not in SHARING:
        return f'unsupported sharing value "{mount.sharing}"'
    if mount.kind == "secret" and not (mount.source or mount.target or mount.id):
        return "invalid secret mount. one of source, target required"
    if mount.has_owner and mount.kind in ("bind", "tmpfs"):
        return f'mode, uid and gid are not allowed for "{mount.kind}" type mounts'
    return None


def target_of(mount: Mount, workdir: str) -> str:
    """Return the absolute path at which a mount that is no secret appears."""
    if gopath.clean(mount.target).startswith("/"):
        return mount.target
    return gopath.join("/", workdir, mount.target)


def mount_json(mount: Mount, target: str, number: int, dialect: Dialect) -> dict[str, object]:
    """Return a bind, cache or tmpfs mount as the definition has it; `number` is that of its input, -1 for none.

    The selector itself is left out of the definition; it is part of the link.
    """
    found: dict[str, object] = {
        **({"input": number} if number or dialect.zeros else {}),
        "dest": target,
        "output": -1,
        **({"readonly": True} if mount.readonly else {}),
        **({"mountType": TYPES[mount.kind]} if TYPES[mount.kind] else {}),
    }
    if mount.kind == "tmpfs" and dialect.selector:
        found["TmpfsOpt"] = {"size": mount.size} if mount.size else {}
    if mount.kind == "cache":
        found["cacheOpt"] = _cache(mount, target, dialect)
    return found


def _cache(mount: Mount, target: str, dialect: Dialect) -> dict[str, object]:
    """Return the options of a cache mount; newer engines leave out an id that is not the target."""
    identity = f"{mount.namespace}/{mount.id or gopath.clean(mount.target)}"
    sharing = SHARING[mount.sharing or "shared"]
    if dialect.selector and not (not sharing and target in (identity, identity.partition("/")[2])):
        return {}
    return {"ID": identity, **({"sharing": sharing} if sharing else {})}


def secret_json(mount: Mount, dialect: Dialect) -> dict[str, object]:
    """Return a secret as the definition has it: a mount, or a variable if its only key is a name."""
    identity = mount.source or mount.id or gopath.base(mount.target)
    target = mount.target or f"/run/secrets/{gopath.base(identity)}"
    return _special(mount, target, identity, "secretOpt", 0o400, dialect)


def ssh_json(mount: Mount, target: str, dialect: Dialect) -> dict[str, object]:
    """Return an SSH socket as the definition has it."""
    return _special(mount, target, mount.id, "SSHOpt", 0o600, dialect)


def _special(mount: Mount, target: str, identity: str, key: str, usual: int, dialect: Dialect) -> dict[str, object]:
    mode = usual if not mount.has_owner or mount.mode is None else mount.mode
    option: dict[str, object] = {
        **({"ID": identity} if identity else {}),
        **({"uid": mount.uid} if mount.uid else {}),
        **({"gid": mount.gid} if mount.gid else {}),
        **({"mode": mode} if mode else {}),
        **({} if mount.required else {"optional": True}),
    }
    zeros = {"input": 0} if dialect.zeros else {"input": -1}
    output = {"output": 0} if dialect.zeros else {}
    return {**zeros, "dest": target, **output, "mountType": TYPES[mount.kind], key: option}


def check_mounts(mounts: Iterable[Mount], dialect: Dialect, frontend: Frontend) -> str | None:
    """Return the reason why the definition of a RUN with these mounts is not known; None if it is."""
    found = list(mounts)
    if not found:
        return None
    newest = frontend.generations == (NEW,) and dialect.frontend >= NEW
    compared = len(frontend.generations) == 1 and frontend.number > 1 and dialect.frontend == frontend.number
    if not newest and not compared:
        return "lab has not compared how this engine writes RUN --mount"
    for mount in found:
        if mount.kind in ("bind", "cache", "tmpfs") and mount.target == "/":
            return Failing('invalid mount target "/"')
        if mount.kind in ("bind", "cache", "tmpfs") and not mount.target:
            return "lab has not compared how engines write a mount without a target"
        if why := _unexpected(mount, frontend):
            return why
    return None


def _unexpected(mount: Mount, frontend: Frontend) -> Failing | None:
    """Return why a frontend rejects a key that newer ones have: checked with Docker 20.10.24, 26.1.5 and 28.5.2."""
    if mount.env is not None and frontend.generations != (NEW,):
        return Failing("unexpected key 'env'")
    return Failing("unexpected key 'size'") if mount.size and frontend.generations == (OLD,) else None


def _truth(text: str, mount: str) -> bool:
    if text in TRUE or text in FALSE:
        return text in TRUE
    raise WordError(Failing(f'--mount={mount} has "{text}" where true or false is needed'))


def _number(text: str | None, base: int, mount: str) -> int | None:
    if text is None:
        return None
    if not re.fullmatch(r"[0-7]{1,21}" if base == 8 else r"[0-9]{1,18}", text):
        raise WordError(Failing(f"--mount={mount} has {text} where a number is needed"))
    return int(text, base)


def _size(text: str, mount: str) -> int:
    found = re.fullmatch(r"([0-9]{1,18})(?:\.0*)? ?([kmgtp]?)i?b?", text.lower())
    if text and not found:
        raise WordError(f"lab does not know which size --mount={mount} means")
    return int(found[1]) * SIZES[found[2]] if found else 0
