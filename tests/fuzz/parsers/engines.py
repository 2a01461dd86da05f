"""Programs in ELF files, archives of engines, lists of sums, and pins."""

from __future__ import annotations

import gzip
import io
import struct
import tarfile
from functools import cache

from lab.engines.archive import read_contents
from lab.engines.debian_files import DebianFiles, sums_of
from lab.engines.elf import here, read_elf
from lab.engines.pins import read_engines
from lab.registry.image_path import Layer, Layers
from lab.run.builders.docker import _first
from tests.archives import program
from tests.conftest import ROOT
from tests.fuzz.archives import as_archive, as_gzipped_archive
from tests.fuzz.damage import as_bytes
from tests.fuzz.recorded import files, in_file
from tests.fuzz.target import Target

VERSION = "20.10.24"
RECIPE = DebianFiles(name="a", suite="bookworm", snapshot="20240101T000000Z", machine=here(), files="input")


def elf_with_tables() -> bytes:
    """A small program that needs libc.so.6, and a symbol of GLIBC_2.34, with all tables that state it."""
    names = b"\0libc.so.6\0GLIBC_2.34\0"
    sections = b"\0.dynstr\0.gnu.version_r\0.dynamic\0.shstrtab\0"
    needs = struct.pack("<HHIII", 1, 1, 1, 16, 0) + struct.pack("<IHHII", 0, 0, 2, 11, 0)
    dynamic = struct.pack("<QQQQQQ", 1, 1, 5, 0x1000, 0, 0)
    start = 64 + 2 * 56
    places = [start, start + len(names), start + len(names) + len(needs)]
    shstr = places[2] + len(dynamic)
    table = shstr + len(sections)
    head = bytearray(program())
    head[16:64] = struct.pack("<HHIQQQIHHHHHH", 3, 62, 1, 0, 64, table, 0, 64, 56, 2, 64, 5, 4)
    load = struct.pack("<IIQQQQQQ", 1, 5, start, 0x1000, 0x1000, 4096, 4096, 4096)
    dyn = struct.pack("<IIQQQQQQ", 2, 6, places[2], 0, 0, len(dynamic), len(dynamic), 8)
    rows = [
        struct.pack("<IIQQQQIIQQ", *row)
        for row in (
            (0, 0, 0, 0, 0, 0, 0, 0, 0, 0),
            (1, 3, 2, 0x1000, places[0], len(names), 0, 0, 1, 0),
            (9, 0x6FFFFFFE, 2, 0, places[1], len(needs), 1, 1, 8, 0),
            (24, 6, 3, 0, places[2], len(dynamic), 1, 0, 8, 16),
            (33, 3, 0, 0, shstr, len(sections), 0, 0, 1, 0),
        )
    ]
    return bytes(head) + load + dyn + names + needs + dynamic + sections + b"".join(rows)


@cache
def _programs() -> tuple[bytes, ...]:
    return (program(), program(order=">"), elf_with_tables())


@cache
def _archives() -> tuple[bytes, ...]:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for name, data in {"docker/dockerd": program() + VERSION.encode(), "docker/docker": elf_with_tables()}.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data))
    return (gzip.compress(out.getvalue(), mtime=0),)


@cache
def _layers() -> tuple[bytes, ...]:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for name, kind, target in (
            ("a/b", tarfile.REGTYPE, ""),
            ("a/l", tarfile.SYMTYPE, "../x/./b"),
            ("a/h", tarfile.LNKTYPE, "a/b"),
            ("x", tarfile.SYMTYPE, "/a"),
            ("a/.wh.c", tarfile.REGTYPE, ""),
            ("d/.wh..wh..opq", tarfile.REGTYPE, ""),
        ):
            entry = tarfile.TarInfo(name)
            entry.type, entry.linkname = kind, target
            tar.addfile(entry)
    return (out.getvalue(),)


class _Blobs:
    def __init__(self, data: bytes) -> None:
        self.data = data

    def blob(self, digest: str, largest: int) -> bytes:
        return self.data if digest == "top" else _layers()[0]


def read_layers(data: bytes) -> object:
    """Find paths of an image whose top layer is this."""
    layers = Layers(_Blobs(data), ["below", "top"])
    members = list(Layer(data).members)[:5]
    return [layers.at(f"/{path}") for path in ("a/b", "a/h", "a/l", "x/b", "x/../a", "d/e", "", *members)], _first(data)


TARGETS = (
    Target("elf", read_elf, _programs, as_bytes, (b"\x7fELF", b"\xff" * 8, b"\0" * 8), examples=250),
    Target(
        "engine-archive",
        in_file(lambda path: read_contents(path, version=VERSION), "docker-20.10.24.tgz"),
        _archives,
        as_gzipped_archive,
        (b"docker/", b"docker/lib/x"),
        examples=60,
    ),
    Target("image-layer", read_layers, _layers, as_archive, (b".wh.x", b"a/b"), examples=80),
    Target(
        "debian-sums",
        in_file(lambda path: sums_of(RECIPE, path.parent)),
        files("*.sha256", ROOT / "boxes" / "engines"),
        as_bytes,
        (b"  pool/", b"/"),
        examples=30,
    ),
    Target(
        "engine-pins",
        in_file(read_engines, "engines.yaml"),
        files("engines.yaml", ROOT / "boxes"),
        as_bytes,
        (b"kind: ", b"engines:", b"- name: ", b"sha256: ", b"null", b"&a ", b"*a"),
        examples=25,
    ),
)
