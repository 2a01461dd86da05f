"""What the script of `lab record --script` printed, as the objects of a context; pure."""

from __future__ import annotations

import re
import stat
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256

from lab.buildkit.contenthash.entry import Entry, Kind, shown, walk_key
from lab.buildkit.contenthash.rules import Rules
from lab.buildkit.context import KINDS, name_problem
from lab.errors import ReadError
from lab.run.gather.stream import attributes_of, number_of
from lab.run.sides.script import FIRST_LINE

FIELDS = 13  # of the line of one object
CHANGED = "it changed while it was recorded"


@dataclass(frozen=True, slots=True)
class Recorded:
    """All objects of the folder in the order of a walk, those included that an ignore file excludes.

    `digests` has for a file the digests that BuildKit computes, by the attributes that it hashes, where the script knew
    them. `attributes_known` is false if the machine could not read extended attributes; digests are then those of files
    that have none.
    """

    entries: tuple[Entry, ...]
    digests: dict[str, dict[str, str]]
    attributes_known: bool


@dataclass(slots=True)
class _Lines:
    """The lines of the output by their kind; `values` and `refusals` are attributes and why they are not known."""

    objects: list[list[str]] = field(default_factory=list)
    contents: dict[str, bytes] = field(default_factory=dict)
    listed: dict[str, list[str]] = field(default_factory=lambda: {"a": [], "p": []})
    values: dict[str, dict[str, bytes]] = field(default_factory=dict)
    refusals: dict[str, str] = field(default_factory=dict)
    changed: set[str] = field(default_factory=set)


def is_scripted(data: bytes) -> bool:
    """True if the bytes are the output of the script."""
    return _text(data[:200]).startswith(FIRST_LINE)


def read_scripted(data: bytes, where: str, rule_sets: Sequence[Rules]) -> Recorded:
    """Read the output of the script; ReadError names `where` and describes the fault."""
    first, *lines = _text(data).replace("\r\n", "\n").rstrip("\n").split("\n")
    told = dict(item.partition("=")[::2] for item in first.split("\t")[1:])
    if not lines or lines[-1] != "end":
        raise ReadError(
            f"cannot read {where}: its end is missing",
            hint="run the script again, and send the whole file: its last line is `end`",
        )
    try:
        found = _sorted_lines(lines[:-1])
        objects = [_object(fields, told.get("stat") == "bsd") for fields in found.objects]
    except (ValueError, KeyError, IndexError, OverflowError) as error:
        raise ReadError(f"cannot read {where}: a line of it is damaged ({error})") from error
    known = told.get("attributes") != "none"
    values, refusals = _attributes(found)
    entries: list[tuple[Entry, str, int]] = []
    own: dict[str, str] = {}
    for entry, identity, links, header in objects:
        path = entry.path
        xattrs = values.get(path, {})
        why = CHANGED if path in found.changed else entry.problem or name_problem(path, entry.linkname, xattrs)
        why = why or refusals.get(path)
        content = found.contents.get(path, entry.content)
        entries.append((replace(entry, xattrs=xattrs, problem=why, content=_fitting(entry, content)), identity, links))
        if header and not why:
            own[path] = header
    listed = _linked(sorted(entries, key=lambda item: walk_key(item[0])))
    return Recorded(tuple(listed), _digests(listed, own, rule_sets), known)


def _text(data: bytes) -> str:
    """The bytes as text; PowerShell redirects output in UTF-16."""
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        data = data.decode("utf-16", "replace").encode("utf-8", "replace")
    return data.removeprefix(b"\xef\xbb\xbf").decode("utf-8", "surrogateescape")


def _sorted_lines(lines: list[str]) -> _Lines:
    found = _Lines()
    for line in lines:
        kind, _, rest = line.partition("\t")
        fields = rest.split("\t")
        if kind == "o":
            if len(fields) != FIELDS - 1:
                raise ValueError("an object has another number of fields")
            found.objects.append(fields)
        elif kind == "c":
            found.contents[_path(fields[0])] = bytes.fromhex(fields[1])
        elif kind in found.listed:
            found.listed[kind].append(rest)
        elif kind == "x":
            name = bytes.fromhex(fields[1]).decode("utf-8", "surrogateescape")
            found.values.setdefault(_path(fields[0]), {})[name] = bytes.fromhex(fields[2])
        elif kind == "y":
            found.refusals[_path(fields[0])] = f"its attributes cannot be listed: {fields[1]}"
        elif kind == "m":
            found.changed.add(_path(fields[0]))
        else:
            raise ValueError(f"unknown kind {shown(kind[:20])}")
    return found


def _name(field_: str) -> str:
    """The text of a name: `=` before plain text, `%` before its bytes in hex."""
    if field_.startswith("%"):
        return bytes.fromhex(field_[1:]).decode("utf-8", "surrogateescape")
    if not field_.startswith("="):
        raise ValueError("a name is neither text nor hex")
    return field_[1:]


def _path(field_: str) -> str:
    path = _name(field_).removeprefix("./")
    if re.search(r"^$|^/|/$|//|(^|/)\.\.?(/|$)|\0", path):
        raise ValueError(f"{shown(path)} is not a path inside a folder")
    return path


def _object(fields: list[str], bsd: bool) -> tuple[Entry, str, int, str | None]:
    """One object, its identity, the number of its names, and the digest of its header without attributes."""
    name, raw, links, size, identity, owner, major, minor, target, content_sum, own, why = fields
    mode = int(raw, 8 if bsd else 16)
    kind = KINDS[stat.S_IFMT(mode)]
    is_file = stat.S_ISREG(mode)
    is_device = kind in (Kind.CHAR, Kind.BLOCK)
    readable = is_file and re.fullmatch("[0-9a-f]{64}", content_sum) is not None
    problem = None if why == "-" else why
    if is_file and not readable:
        problem = problem or "it cannot be read"
    base = 10 if bsd else 16
    entry = Entry(
        _path(name),
        kind,
        stat.S_IMODE(mode),
        size=number_of(size) if is_file else 0,
        linkname=_name(target) if kind is Kind.SYMLINK else "",
        devmajor=int(major, base) if is_device else 0,
        devminor=int(minor, base) if is_device else 0,
        content=b"" if kind is Kind.FILE and not is_file else None,
        sha256=content_sum if readable else None,
        problem=problem,
        disk_owner=owner,
    )
    return entry, identity, number_of(links), f"sha256:{own}" if re.fullmatch("[0-9a-f]{64}", own) else None


def _fitting(entry: Entry, content: object) -> bytes | None:
    """The content of an ignore file, if it has the stated sha256 as it is or without the final line feed."""
    if not isinstance(content, bytes) or entry.sha256 is None:
        return content if isinstance(content, bytes) else None
    for candidate in (content, content.removesuffix(b"\n")):
        if sha256(candidate).hexdigest() == entry.sha256:
            return candidate
    return None


def _attributes(found: _Lines) -> tuple[dict[str, dict[str, bytes]], dict[str, str]]:
    """Attributes by path, and why those of a path are not known."""
    sections = {
        name: "\n".join(found.listed[kind]).encode("utf-8", "surrogateescape")
        for kind, name in (("a", "attributes"), ("p", "problems"))
    }
    read = attributes_of({**sections, "attributes": sections["attributes"] + b"\n"})
    return {**read.values, **found.values}, {**read.problems, **found.refusals}


def _linked(found: list[tuple[Entry, str, int]]) -> list[Entry]:
    """Second names of one file as hard links to the first."""
    first: dict[str, str] = {}
    listed = []
    for entry, identity, links in found:
        if entry.kind is Kind.FILE and links > 1:
            name = first.setdefault(identity, entry.path)
            entry = entry if name == entry.path else replace(entry, linkname=name, content=None, sha256=None)
        listed.append(entry)
    return listed


def _digests(entries: Sequence[Entry], own: Mapping[str, str], rule_sets: Sequence[Rules]) -> dict[str, dict[str, str]]:
    """The digests of the files for those ways of hashing attributes by which a file has none."""
    variants = {rules.xattrs: rules for rules in rule_sets}.values()
    found: dict[str, dict[str, str]] = {}
    for entry in entries:
        if entry.path in own and not entry.is_hardlink:
            fits = [rules for rules in variants if not any(map(rules.keeps, entry.xattrs))]
            found[shown(entry.path)] = {rules.xattrs.value: own[entry.path] for rules in fits}
    return found
