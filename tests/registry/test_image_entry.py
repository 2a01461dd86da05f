"""What is read of one object of an archive."""

from __future__ import annotations

import hashlib
import io
import tarfile

from lab.registry.image_entry import ImagePath, read_first


def archive(kind: bytes, content: bytes = b"") -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as made:
        member = tarfile.TarInfo("x")
        member.type, member.size, member.mode, member.uid, member.gid = kind, len(content), 0o4755, 7, 8
        made.addfile(member, io.BytesIO(content))
    return out.getvalue()


def test_a_file_has_a_sum_and_a_folder_has_none() -> None:
    assert read_first(archive(tarfile.REGTYPE, b"abc")) == ImagePath(0o4755, "7:8", hashlib.sha256(b"abc").hexdigest())
    assert read_first(archive(tarfile.DIRTYPE)) == ImagePath(0o4755, "7:8", None)


def test_what_is_no_archive_has_nothing() -> None:
    assert read_first(b"") is None
    assert read_first(b"Error: no such path") is None
