"""Shell commands that make a build context again: content, links, attributes, modes and times, exact to the byte."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from lab.buildkit.contenthash.entry import Entry, Kind
from lab.report.script import shell

# Set after chmod, which would change it: the mask of an ACL is the mode of the group.
_ACL = "system.posix_acl_"
_ROOTS = ("security.", "trusted.")


def whole(objects: Sequence[Entry]) -> bool:
    """True if the content of every file is known, so that these objects are enough to make the context."""
    return all(item.chunks() is not None for item in objects)


def recreate(objects: Sequence[Entry]) -> list[str]:
    """Shell commands that make these objects below the current folder.

    They use the functions `as_root`, `stamp` and `fail` of the script. A file without known content must exist already;
    it gets its mode, attributes and time.
    """
    named = sorted(objects, key=lambda item: item.path)
    real = [item for item in named if item.kind is not Kind.SYMLINK and not item.is_hardlink]
    lines = [f"mkdir -p {_at(item)}" for item in named if item.kind is Kind.DIR]
    lines += [line for item in named if item.kind is not Kind.DIR and not item.is_hardlink for line in _made(item)]
    lines += [f"ln -f {shell.word('./' + item.linkname)} {_at(item)}" for item in named if item.is_hardlink]
    lines += [_attribute(item, name) for item in named for name in sorted(item.xattrs) if not name.startswith(_ACL)]
    # innermost first: after chmod a folder may no longer be searchable
    lines += [f"chmod {item.mode:04o} {_at(item)}" for item in reversed(real)]
    lines += [_attribute(item, name) for item in named for name in sorted(item.xattrs) if name.startswith(_ACL)]
    lines += [_stamp(item) for item in reversed(named) if item.mtime_ns is not None and not item.is_hardlink]
    return lines


def _at(item: Entry) -> str:
    return shell.word(f"./{item.path}")


def _made(item: Entry) -> list[str]:
    if item.kind is Kind.FILE:
        chunks = item.chunks()
        if chunks is None:
            return []
        command = shell.printing(b"".join(bytes(chunk) for chunk in chunks))
        first, _, rest = command.partition("\n") if command.startswith("base64") else (command, "", "")
        return [f"{first} >{_at(item)}" + (f"\n{rest}" if rest else "")]
    if item.kind is Kind.SYMLINK:
        return [f"ln -s -f -- {shell.word(item.linkname)} {_at(item)}"]
    if item.kind is Kind.FIFO:
        return [f"mkfifo {_at(item)}"]
    if item.kind in (Kind.CHAR, Kind.BLOCK):
        return [f"as_root mknod {_at(item)} {item.kind.value[0]} {item.devmajor} {item.devminor}"]
    return [f"fail {shell.word(f'a script cannot make a {item.kind.value}: {item.path}')}"]


def _attribute(item: Entry, name: str) -> str:
    root = "as_root " if name.startswith(_ROOTS) else ""
    link = "-h " if item.kind is Kind.SYMLINK else ""
    value = item.xattrs[name].hex()
    return f"{root}setfattr {link}-n {shell.word(name)}{f' -v 0x{value}' if value else ''} {_at(item)}"


def _stamp(item: Entry) -> str:
    assert item.mtime_ns is not None
    seconds, nanoseconds = divmod(item.mtime_ns, 10**9)
    try:
        moment = datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):  # from another program, or from a file system with a larger range
        return f"fail {shell.word(f'a script cannot set this time: {item.path}')}"
    exact = f"{moment.year:04}-{moment:%m-%dT%H:%M:%S}.{nanoseconds:09d}Z"
    return f"stamp {exact} {moment.year:04}{moment:%m%d%H%M.%S} {_at(item)}"
