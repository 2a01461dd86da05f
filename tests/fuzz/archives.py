"""Makes bad tar archives of good ones: other contents, names, types, sizes and headers, and every compression."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import tarfile
from collections.abc import Sequence
from contextlib import suppress
from random import Random
from typing import Literal

import zstandard

from tests.fuzz.damage import as_bytes, as_json

BOMB = 96 << 20  # bytes of zeros, which compress to a thousandth
FORMS: tuple[Literal[0, 1, 2], ...] = (tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT)
Member = tuple[tarfile.TarInfo, bytes]
TYPES = (b"0", b"1", b"2", b"3", b"4", b"5", b"6", b"7", b"D", b"K", b"L", b"S", b"V", b"g", b"x", b"X", b"\0", b"?")
NAMES = ("", ".", "..", "/", "../x", "/etc/passwd", "a/../b", "x" * 300, "\udcff", "a\nb", "./manifest.json", "a/")
SIZES = (0, 1, 1 << 20, (1 << 33) - 1, 1 << 40, 1 << 62, 1 << 70)


def members_of(data: bytes) -> list[Member]:
    """The members of a good archive with their contents."""
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        opened = ((member, archive.extractfile(member) if member.isfile() else None) for member in archive)
        return [(member, stream.read() if stream else b"") for member, stream in opened]


def tar_bytes(members: Sequence[Member], form: Literal[0, 1, 2] = tarfile.GNU_FORMAT) -> bytes:
    """An archive of these members; a header states what its member states, whatever the content is."""
    out = bytearray()
    for member, content in members:
        try:
            out += member.tobuf(form, "utf-8", "surrogateescape")
        except (ValueError, OverflowError):  # this form has no field for it
            out += member.tobuf(tarfile.PAX_FORMAT, "utf-8", "replace")
        out += content + b"\0" * (-len(content) % 512)
    return bytes(out) + b"\0" * 1024


def as_archive(random: Random, seeds: Sequence[bytes], words: Sequence[bytes]) -> bytes:
    """An archive with a few of its members changed, compressed in any way, or with its bytes changed."""
    seed = random.choice(list(seeds))
    if random.randint(0, 3) == 0:
        return as_bytes(random, [seed], words)
    members = members_of(seed)
    for _ in range(random.randint(1, 3)):
        members = _changed(random, members, words)
    made = tar_bytes(members, random.choice(FORMS))
    if random.randint(0, 9) == 0:
        made = made[: random.randint(0, len(made))]
    return compressed(random, made)


def as_gzipped_archive(random: Random, seeds: Sequence[bytes], words: Sequence[bytes]) -> bytes:
    """An archive as `as_archive` makes it, compressed by gzip unless its bytes were changed."""
    made = as_archive(random, seeds, words)
    return gzip.compress(made, 1, mtime=0) if made[257:262] == b"ustar" else made


def compressed(random: Random, data: bytes) -> bytes:
    """The data in any form of compression, or as they are; the compressed data may have damaged bytes."""
    way = random.randint(0, 5)
    if way <= 1:
        return data
    done = (
        gzip.compress(data, 1, mtime=0)
        if way <= 2
        else bz2.compress(data, 1)
        if way == 3
        else lzma.compress(data, preset=0)
        if way == 4
        else zstandard.compress(data)
    )
    return as_bytes(random, [done], ()) if random.randint(0, 4) == 0 else done


def _changed(random: Random, members: list[Member], words: Sequence[bytes]) -> list[Member]:
    if not members:
        return [(tarfile.TarInfo("x"), b"")]
    place = random.randrange(len(members))
    member, content = members[place]
    # a copy by the header itself: TarInfo has no public one
    made = tarfile.TarInfo(member.name)
    made.size, made.mode, made.type, made.linkname = member.size, member.mode, member.type, member.linkname
    kind = random.randint(0, 8)
    if kind <= 2:
        content = _content(random, content, words)
        made.size = len(content)
    elif kind == 3:
        made.name = random.choice(NAMES)
    elif kind == 4:
        made.type = random.choice(TYPES)
        made.linkname = random.choice((*NAMES, member.name))
    elif kind == 5:
        made.size = random.choice(SIZES)
    elif kind == 6:
        made.mode, made.uid, made.mtime = random.choice(SIZES), random.choice(SIZES), random.choice(SIZES)
    elif kind == 7:
        return [*members[: place + 1], *_headers(random, member.name), *members[place:]]
    else:
        return [*members[:place], *members[place + 1 :] * random.choice((1, 2))]
    return [*members[:place], (made, content), *members[place + 1 :]]


def _content(random: Random, content: bytes, words: Sequence[bytes]) -> bytes:
    if content[:1] in (b"{", b"["):
        # a transcript has an object in each line, and an earlier change may have nested one too deeply
        with suppress(ValueError, RecursionError):
            return as_json(random, [content], words)
    return as_bytes(random, [content], words)


def _headers(random: Random, name: str) -> list[Member]:
    """Headers that describe the next member: a long name, many of them, or fields of the pax form."""
    header = tarfile.TarInfo("././@LongLink" if random.randint(0, 1) else "PaxHeaders/x")
    header.type = random.choice((b"L", b"K", b"x", b"g", b"X"))
    fields = (
        b"12 path=ab\n",
        b"19 size=99999999999\n",
        b"16 mtime=1e99999\n",
        b"22 GNU.sparse.major=1\n22 GNU.sparse.minor=0\n28 GNU.sparse.realsize=99999\n",
        b"26 GNU.sparse.map=0,1,2,3\n24 GNU.sparse.size=999\n",
        b"9" * 30 + b" path=a\n",
        b"0 path=a\n",
        b"-5 path=a\n",
        name.encode("utf-8", "surrogateescape") + b"\0",
        b"a" * 5000,
        b"\xff\xfe\0",
    )
    content = random.choice(fields)
    header.size = random.choice((len(content), len(content), 1 << 33, 0))
    return [(header, content)] * random.choice((1, 1, 3, 1200))


def zeros_in(form: str) -> bytes:
    """A compressed archive with one file of BOMB zeros; `form` is gz or bz2, as tarfile names them."""
    member = tarfile.TarInfo("manifest.json")
    member.size = BOMB
    data = member.tobuf(tarfile.GNU_FORMAT) + b"\0" * (BOMB + 1024)
    return gzip.compress(data, 1, mtime=0) if form == "gz" else bz2.compress(data, 1)
