"""A build context made again by shell commands: content, links, attributes, modes and times, to the byte."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Protocol

from lab.report import shell

# Set by its owner alone, and chmod afterwards would change it: the mask of an ACL is the group's mode.
_ACL = "system.posix_acl_"
_ROOTS = ("security.", "trusted.")


class ContextObject(Protocol):
    """One object of a context as a box has it: what lstat, readlink and getxattr say, and its content where known.

    `path` is relative, names that are no UTF-8 as os.fsdecode gives them; `kind` is file, dir, symlink, fifo, char,
    block or socket; `mode` is permission bits with 07000; `linkname` is a symbolic link's text, or of a hard link the
    earlier path; attributes are raw, a final NUL included; `chunks` is None where the content is not at hand.
    """

    @property
    def path(self) -> str: ...  # noqa: D102
    @property
    def kind(self) -> str: ...  # noqa: D102
    @property
    def mode(self) -> int: ...  # noqa: D102
    @property
    def linkname(self) -> str: ...  # noqa: D102
    @property
    def devmajor(self) -> int: ...  # noqa: D102
    @property
    def devminor(self) -> int: ...  # noqa: D102
    @property
    def xattrs(self) -> Mapping[str, bytes]: ...  # noqa: D102
    @property
    def mtime_ns(self) -> int | None: ...  # noqa: D102
    def chunks(self) -> Iterable[bytes | memoryview] | None: ...  # noqa: D102


def whole(objects: Sequence[ContextObject]) -> bool:
    """True if every file's content is at hand, so that the context can be made from these objects alone."""
    return all(item.kind != "file" or item.linkname or item.chunks() is not None for item in objects)


def recreate(objects: Sequence[ContextObject]) -> list[str]:
    """Shell commands that make these objects below the current folder.

    They use the functions `as_root`, `stamp` and `fail` of the script. A file whose content is not at hand must be
    there already: it gets its mode, attributes and time.
    """
    named = [item for item in sorted(objects, key=lambda item: item.path) if item.path not in ("", ".")]
    real = [item for item in named if item.kind != "symlink" and not _hard(item)]
    lines = [line for item in named if item.kind == "dir" for line in [f"mkdir -p {_at(item)}"]]
    lines += [line for item in named if item.kind != "dir" and not _hard(item) for line in _made(item)]
    lines += [f"ln -f {shell.word('./' + item.linkname)} {_at(item)}" for item in named if _hard(item)]
    lines += [_attribute(item, name) for item in named for name in sorted(item.xattrs) if not name.startswith(_ACL)]
    # an object without the right to search a folder above it can no longer be reached: innermost first
    lines += [f"chmod {item.mode:04o} {_at(item)}" for item in reversed(real)]
    lines += [_attribute(item, name) for item in named for name in sorted(item.xattrs) if name.startswith(_ACL)]
    lines += [_stamp(item) for item in reversed(named) if item.mtime_ns is not None and not _hard(item)]
    return lines


def _hard(item: ContextObject) -> bool:
    return bool(item.linkname) and item.kind != "symlink"


def _at(item: ContextObject) -> str:
    return shell.word(f"./{item.path}")


def _made(item: ContextObject) -> list[str]:
    if item.kind == "file":
        chunks = item.chunks()
        if chunks is None:
            return []
        command = shell.printing(b"".join(bytes(chunk) for chunk in chunks))
        first, _, rest = command.partition("\n") if command.startswith("base64") else (command, "", "")
        return [f"{first} >{_at(item)}" + (f"\n{rest}" if rest else "")]
    if item.kind == "symlink":
        return [f"ln -s -f -- {shell.word(item.linkname)} {_at(item)}"]
    if item.kind == "fifo":
        return [f"mkfifo {_at(item)}"]
    if item.kind in ("char", "block"):
        return [f"as_root mknod {_at(item)} {item.kind[0]} {item.devmajor} {item.devminor}"]
    return [f"fail {shell.word(f'a {item.kind} cannot be made by a script: {item.path}')}"]


def _attribute(item: ContextObject, name: str) -> str:
    root = "as_root " if name.startswith(_ROOTS) else ""
    link = "-h " if item.kind == "symlink" else ""
    value = item.xattrs[name].hex()
    return f"{root}setfattr {link}-n {shell.word(name)}{f' -v 0x{value}' if value else ''} {_at(item)}"


def _stamp(item: ContextObject) -> str:
    assert item.mtime_ns is not None
    seconds, nanoseconds = divmod(item.mtime_ns, 10**9)
    moment = datetime.fromtimestamp(seconds, UTC)
    exact = f"{moment:%Y-%m-%dT%H:%M:%S}.{nanoseconds:09d}Z"
    return f"stamp {exact} {moment:%Y%m%d%H%M.%S} {_at(item)}"
