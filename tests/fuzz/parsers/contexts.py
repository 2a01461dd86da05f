"""Build contexts: what a box sends of one, records, sides, and BuildKit's page of hashed texts."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Sequence
from functools import cache
from hashlib import sha256
from random import Random

from lab.buildkit import hashed, records
from lab.buildkit.contenthash.query import content_part
from lab.buildkit.contenthash.tree import Tree
from lab.results.sides import load_side
from lab.run.gather.stream import read
from lab.run.sides.scripted import is_scripted, read_scripted
from tests.fuzz.damage import as_bytes, as_json
from tests.fuzz.recorded import DATA, files
from tests.fuzz.target import Target
from tests.sides import RULE_SETS

LIST_FIELDS = ("-f", "644", "4", "1", "1:2", "1700000000.0000000000", "1700000000.0000000000", "0:0", "bar", "")
SECTIONS = {
    "list": "".join(f"{field}\0" for field in LIST_FIELDS).encode(),
    "devices": b"1 3 ./null\n",
    "attributes": b"# file: ./bar\nsecurity.selinux=0x6100\nuser.x=0x\nuser.empty\n\n",
    "problems": b"getfattr: ./bar: Permission denied\n",
    "sums": sha256(b"bar\n").hexdigest().encode() + b" *./bar\n\\" + b"0" * 64 + b" *./a\\nb\n",
    "sizes": b"4 bar\0",
    "contents": gzip.compress(b"bar\n", mtime=0),
    "again": "".join(f"{field}\0" for field in LIST_FIELDS).encode(),
}
SIDE = b"\n".join(
    [
        b"lab-side 1\tstat=gnu\tattributes=getfattr\tdigests=yes",
        b"o\t=./a.txt\t81a4\t1\t2\t1:5\t0:0\t0\t0\t-\t" + b"a" * 64 + b"\t" + b"b" * 64 + b"\t-",
        b"o\t%2e2f64\t41ed\t2\t0\t1:6\t0:0\t0\t0\t-\t-\t-\tit cannot be listed",
        b"o\t=./l\ta1ff\t1\t5\t1:7\t0:0\t0\t0\t=a.txt\t-\t-\t-",
        b"c\t=./.dockerignore\t2a2e6f",
        b"a\t# file: ./a.txt",
        b"a\tsecurity.selinux=0x6100",
        b"x\t=./a.txt\t757365722e78\t61",
        b"y\t=./l\tno such attribute",
        b"m\t=./a.txt",
        b"end\n",
    ]
)


def stream_bytes(sections: dict[str, bytes]) -> bytes:
    """The output of the script that lists a context, with these sections."""
    return b"".join(b"= " + name.encode() + b"\n" + base64.b64encode(data) + b"\n" for name, data in sections.items())


def as_stream(random: Random, seeds: Sequence[bytes], words: Sequence[bytes]) -> bytes:
    """A stream with one section changed, removed or empty; one input in four has its bytes changed instead."""
    if random.randint(0, 3) == 0:
        return as_bytes(random, seeds, words)
    sections = dict(SECTIONS)
    for _ in range(random.randint(1, 3)):
        name = random.choice(list(SECTIONS))
        data = sections.pop(name, b"")
        if random.randint(0, 5):
            packed = name == "contents" and random.randint(0, 1)
            changed = as_bytes(random, [gzip.decompress(data) if packed and data[:2] == b"\x1f\x8b" else data], words)
            sections[name] = gzip.compress(changed, 1, mtime=0) if packed else changed
    return stream_bytes(sections)


def read_stream(data: bytes) -> object:
    """Read what a box sent of a context, and build the tree of digests."""
    return Tree.read(read(data).entries, RULE_SETS[-1])


def read_records(data: bytes) -> object:
    """Read records, and compute the digests that they ask for."""
    found = records.loads(data, "it")
    tree = Tree.read(found.entries, RULE_SETS[-1])
    return [records.dump(entry) for entry in found.entries], [
        content_part(tree, [query], RULE_SETS[-1]) for query in found.queries
    ]


def read_side(data: bytes) -> object:
    """Read a file of records of a side, of either form."""
    return read_scripted(data, "it", RULE_SETS) if is_scripted(data) else load_side(data, "it", RULE_SETS)


def read_page(data: bytes) -> object:
    """Read BuildKit's page of hashed texts."""
    return [hashed.lines_of(text.kind, text.data) for text in hashed.read(data).values()]


def read_hashed_text(data: bytes) -> object:
    """Show one hashed text as lines, as each kind."""
    return [hashed.lines_of(kind, data) for kind in ("json", "file", "file-list", "string")]


@cache
def _vectors() -> tuple[bytes, ...]:
    vectors = json.loads((DATA / "contenthash" / "vectors.json").read_text(encoding="utf-8"))["vectors"]
    return tuple(json.dumps(vector).encode() for vector in vectors)


def _sides() -> list[bytes]:
    made = {"lab-side": 1, "lab": "1", "folder": "x", "entries": json.loads(_vectors()[0])["entries"], "digests": {}}
    return [SIDE, json.dumps(made).encode()]


RECORD_WORDS = (b"path", b"type", b"mode_octal", b"content_b64", b"content_repeat", b"size", b"symlink", b"xattrs_b64")
STREAM_WORDS = (b"\0", b"-f\0", b"xd\0", b"=0x", b"# file: ", b"getfattr: ", b" *./", b"\\", b"\\377", b"-")
TARGETS = (
    Target("gather-stream", read_stream, lambda: [stream_bytes(SECTIONS)], as_stream, STREAM_WORDS, examples=250),
    Target("records", read_records, _vectors, as_json, RECORD_WORDS, examples=120),
    Target("side", read_side, _sides, as_bytes, (b"\t", b"o\t", b"x\t", b"%", b"=", b"end\n"), examples=150),
    Target("hashed-page", read_page, files("hashed/page.json"), as_json, (b"data", b"type", b"digest"), examples=60),
    Target(
        "hashed-text",
        read_hashed_text,
        lambda: [b'{"Actions":["e30="]}', b"name" + b"mode33188uid0gid0size4typeflag0linknameunamegname"],
        as_bytes,
        (b"linkname", b"mode1", b"\0"),
        examples=40,
    ),
)
