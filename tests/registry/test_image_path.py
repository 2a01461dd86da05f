"""What an image of layers has at one path: the highest layer counts, whiteouts hide, links lead on."""

from __future__ import annotations

import gzip
import hashlib
import io
import tarfile
from collections.abc import Callable

import pytest
import zstandard

from lab.errors import ReadError
from lab.registry.image_entry import ImagePath
from lab.registry.image_path import Layers

Item = tuple[str, bytes | None] | tuple[str, bytes, str]  # a folder has no bytes; a link has its target, too
PLAIN, HARD, SYMBOLIC = b"", b"hard", b"symbolic"


def layer(*items: Item, pack: Callable[[bytes], bytes] = gzip.compress) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as made:
        for name, content, *target in items:
            member = tarfile.TarInfo(name)
            member.mode, member.uid, member.gid = 0o640, 1, 2
            if target:
                member.type = tarfile.LNKTYPE if content == HARD else tarfile.SYMTYPE
                member.linkname, content = target[0], b""
            elif content is None:
                member.type = tarfile.DIRTYPE
            member.size = len(content or b"")
            made.addfile(member, io.BytesIO(content or b""))
    return pack(buffer.getvalue())


class Store:
    """Blobs by names, which counts what is read."""

    def __init__(self, *blobs: bytes) -> None:
        self.blobs = blobs
        self.read: list[str] = []

    def blob(self, digest: str, largest: int) -> bytes:
        self.read.append(digest)
        assert len(self.blobs[int(digest)]) <= largest
        return self.blobs[int(digest)]


def at(path: str, *blobs: bytes) -> ImagePath | None:
    return Layers(Store(*blobs), [str(number) for number in range(len(blobs))]).at(path)


def file(content: bytes) -> ImagePath:
    return ImagePath(0o640, "1:2", hashlib.sha256(content).hexdigest())


FOLDER = ImagePath(0o640, "1:2", None)


@pytest.mark.parametrize(
    ("path", "layers", "found"),
    [
        ("/a", [layer(("a", b"old")), layer(("a", b"new"))], file(b"new")),
        ("/a", [layer(("./a", b"old")), layer(("b", b"x"))], file(b"old")),
        ("/a", [layer(("b", b"x"))], None),
        ("/a", [layer(("a", b"old")), layer((".wh.a", PLAIN))], None),
        ("/a", [layer(("a", b"old")), layer((".wh.a", PLAIN)), layer(("a", b"new"))], file(b"new")),
        ("/d/a", [layer(("d/a", b"old")), layer((".wh.d", PLAIN))], None),
        ("/d/a", [layer(("d/a", b"old")), layer(("d/.wh..wh..opq", PLAIN), ("d/b", b"x"))], None),
        ("/d/b", [layer(("d/a", b"old")), layer(("d/.wh..wh..opq", PLAIN), ("d/b", b"x"))], file(b"x")),
        ("/d", [layer(("d", None)), layer(("d/.wh.a", PLAIN))], FOLDER),
        ("/d/a", [layer(("d/a", b"old")), layer(("d", b"a file"))], None),
        ("/d/a", [layer(("d", None), ("d/a", b"old")), layer(("d/", None))], file(b"old")),
        ("/d", [layer(("d/a", b"x"))], ImagePath(0o755, "0:0", None)),
        ("/", [layer(("a", b"x"))], ImagePath(0o755, "0:0", None)),
        ("/z", [layer(("a", b"x"), ("z", HARD, "a"))], file(b"x")),
        ("/z", [layer(("a", b"x"), ("z", HARD, "a")), layer(("a", b"new"))], file(b"x")),
        ("/z", [layer(("z", HARD, "z"))], None),
        ("/s", [layer(("a", b"x"), ("s", SYMBOLIC, "a"))], FOLDER),
        ("/bin/sh", [layer(("usr/bin/sh", b"x"), ("bin", SYMBOLIC, "usr/bin"))], file(b"x")),
        ("/l/bin/sh", [layer(("usr/bin/sh", b"x"), ("l/bin", SYMBOLIC, "../usr/bin"))], file(b"x")),
        ("/l/bin/sh", [layer(("usr/bin/sh", b"x"), ("l/bin", SYMBOLIC, "/usr/bin"))], file(b"x")),
        ("/l/a", [layer(("l", SYMBOLIC, "l"))], None),
    ],
)
def test_a_path_of_layers(path: str, layers: list[bytes], found: ImagePath | None) -> None:
    assert at(path, *layers) == found


@pytest.mark.parametrize("pack", [bytes, gzip.compress, zstandard.compress])
def test_a_layer_may_be_compressed_or_not(pack: Callable[[bytes], bytes]) -> None:
    assert at("/a", layer(("b", b"y"), ("a", b"x"), pack=pack)) == file(b"x")


def test_only_the_layers_that_the_path_needs_are_read() -> None:
    store = Store(b"a base that is not read", layer(("a", b"x")))
    assert Layers(store, ["0", "1"]).at("/a") == file(b"x")
    assert store.read == ["1"]


def test_a_layer_that_is_no_archive_is_refused() -> None:
    with pytest.raises(ReadError, match="cannot read a layer of the image"):
        at("/a", b"no archive at all")
