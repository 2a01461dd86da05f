"""Archives whose headers ask for too much, or lead back to themselves."""

from __future__ import annotations

import io
import tarfile

import pytest

from lab.archives import DAMAGED, LARGEST_HEADER, content_of, open_tar, pieces_of
from tests.fuzz.limits import call_in_time, peak_of


def header(name: str, kind: bytes = tarfile.REGTYPE, size: int = 0) -> bytes:
    made = tarfile.TarInfo(name)
    made.type, made.size = kind, size
    return made.tobuf(tarfile.GNU_FORMAT)


def with_size(block: bytes, field: bytes) -> bytes:
    """The header with another size, whose checksum is right."""
    changed = block[:124] + field.rjust(12, b"\xff" if field[:1] == b"\xff" else b"0") + block[136:]
    total = sum(changed[:148]) + sum(changed[156:512]) + 8 * 32
    return changed[:148] + b"%06o\0 " % total + changed[156:]


def record(text: bytes) -> bytes:
    """A record of the pax form, padded to a block."""
    size = len(text) + 3
    return (b"%d %s\n" % (size, text)).ljust(512, b"\0")


def listed(data: bytes, mode: str) -> list[str]:
    with open_tar(io.BytesIO(data), mode) as archive:
        return [member.name for member in archive]


@pytest.mark.parametrize("mode", ["r:", "r:*", "r|"])
@pytest.mark.parametrize(
    "data",
    [
        with_size(header("a"), b"\xff" * 11 + b"\x00") + bytes(1024),  # 256 bytes back
        header("a", tarfile.XHDTYPE, 512) + record(b"size=-1024") + header("a") + bytes(1024),
        header("././@LongLink", tarfile.GNUTYPE_LONGNAME, LARGEST_HEADER + 1) + bytes(2 << 20),
        header("././@LongLink", tarfile.GNUTYPE_LONGNAME, 1 << 40) + bytes(1024),
        header("p", tarfile.XGLTYPE, 1 << 62) + bytes(1024),
        (header("././@LongLink", tarfile.GNUTYPE_LONGNAME, 2) + b"a\0".ljust(512, b"\0")) * 2000,
        header("a", size=(1 << 62)) + bytes(1024) + header("b"),
    ],
)
def test_a_header_that_asks_for_too_much_is_an_error_of_a_damaged_archive(data: bytes, mode: str) -> None:
    def read() -> None:
        with pytest.raises(DAMAGED):
            listed(data, mode)

    assert peak_of(lambda: call_in_time(read)) < 8 << 20


@pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_long_names_and_contents_are_read(form: int) -> None:
    name, out = "/".join(["folder"] * 14), io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=form) as made:
        member = tarfile.TarInfo(name)
        member.size = 5
        made.addfile(member, io.BytesIO(b"bytes"))
    with open_tar(io.BytesIO(out.getvalue())) as archive:
        found = archive.next()
        assert found is not None
        assert (found.name, content_of(archive, found, 5)) == (name, b"bytes")
        with pytest.raises(tarfile.ReadError, match="has 5 bytes, more than 4"):
            content_of(archive, found, 4)


def test_a_sparse_file_is_not_filled_with_zeros() -> None:
    data = header("x", tarfile.XHDTYPE, 512 * 1) + record(b"GNU.sparse.size=99999999999999") + header("x") + bytes(1024)
    with open_tar(io.BytesIO(data)) as archive:
        found = archive.next()
        assert found is not None
        found.sparse = [(0, 0)]  # type: ignore[assignment]  # typeshed has another type than tarfile
        with pytest.raises(tarfile.ReadError, match="is a sparse file"):
            b"".join(pieces_of(archive, found))


def test_a_file_that_is_cut_is_an_error() -> None:
    with open_tar(io.BytesIO(header("x", size=600) + bytes(512))) as archive:
        found = archive.next()
        assert found is not None
        with pytest.raises(DAMAGED):
            content_of(archive, found, 1000)
