"""Engine archives: only a complete one, for this machine and with safe names, is used."""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
from io import BytesIO
from pathlib import Path

import pytest
from elftools.elf.elffile import ELFFile
from hypothesis import given, settings
from hypothesis import strategies as st

from lab.engines.archive import open_archive, pack, place, read_contents
from lab.engines.elf import Elf, here, machine_of, read_elf
from lab.errors import EngineError, HostError
from tests.archives import engine, program, tgz

AARCH64, X86_64 = 0xB7, 0x3E  # ELF's numbers for them


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


# --- reading


def test_an_archive_says_what_it_holds(tmp_path: Path) -> None:
    files = {"docker/dockerd": program(), "docker/docker": b"client", "docker/lib/libx.so.1": b"library"}
    files["docker/cli-plugins/docker-buildx"] = b"plugin"
    path = tgz(tmp_path / "a.tgz", files)
    contents = read_contents(path)
    assert contents.programs == {
        "dockerd": sha256(program()),
        "docker": sha256(b"client"),
        "cli-plugins/docker-buildx": sha256(b"plugin"),
    }
    assert contents.libraries == ("libx.so.1",)
    assert contents.sha256 == sha256(path.read_bytes())
    assert contents.glibc is None


@pytest.mark.parametrize("part", [0.0, 0.001, 0.3, 0.9, 0.999])
def test_an_archive_cut_short_is_refused(tmp_path: Path, part: float) -> None:
    whole = engine(tmp_path / "a.tgz").read_bytes()
    path = tmp_path / "cut.tgz"
    path.write_bytes(whole[: int(len(whole) * part)])
    with pytest.raises(EngineError) as caught:
        read_contents(path)
    said = caught.value.message.removeprefix(f"cannot use {path}: ")
    assert said.startswith(("it is cut short", "it is not a complete .tgz archive: ", "it has no docker/dockerd"))


def test_an_archive_without_its_last_bytes_is_refused(tmp_path: Path) -> None:
    # tar's own end comes earlier: only gzip's sum at the very end tells
    whole = engine(tmp_path / "a.tgz").read_bytes()
    for lost in (1, 4, 8, 9):
        (tmp_path / "cut.tgz").write_bytes(whole[:-lost])
        with pytest.raises(EngineError, match="it is cut short"):
            read_contents(tmp_path / "cut.tgz")


def test_a_damaged_archive_is_refused(tmp_path: Path) -> None:
    whole = bytearray(engine(tmp_path / "a.tgz").read_bytes())
    whole[-6] ^= 1  # in gzip's sum of the content
    (tmp_path / "b.tgz").write_bytes(whole)
    with pytest.raises(EngineError, match="it is not a complete"):
        read_contents(tmp_path / "b.tgz")


@pytest.mark.parametrize("data", [b"<html>blocked</html>", b"PK\x03\x04", bytes(1000)])
def test_what_is_no_archive_is_refused(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "a.tgz").write_bytes(data)
    with pytest.raises(EngineError, match="it is not a complete"):
        read_contents(tmp_path / "a.tgz")


def test_a_file_that_is_not_there_is_this_machines_fault(tmp_path: Path) -> None:
    with pytest.raises(HostError, match="No such file"):
        read_contents(tmp_path / "none.tgz")


def test_an_archive_without_dockerd_is_refused(tmp_path: Path) -> None:
    path = tgz(tmp_path / "a.tgz", {"docker/docker": program()})
    with pytest.raises(EngineError, match=re.escape(f"cannot use {path}: it has no docker/dockerd")):
        read_contents(path)


def test_an_archive_for_another_processor_is_refused(tmp_path: Path) -> None:
    other, name = (AARCH64, "aarch64") if here() != "aarch64" else (X86_64, "x86_64")
    with pytest.raises(EngineError, match=f"its dockerd is for {name}, this machine is {here()}"):
        read_contents(engine(tmp_path / "a.tgz", program(other)))


def test_a_dockerd_that_is_no_program_is_refused(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="its dockerd is not a Linux program"):
        read_contents(engine(tmp_path / "a.tgz", b"#!/bin/sh\n"))


@pytest.mark.parametrize("name", ["docker/../../etc/cron.d/x", "/etc/passwd", "dockerd", "other/dockerd"])
def test_a_name_that_leads_out_is_refused(tmp_path: Path, name: str) -> None:
    path = tgz(tmp_path / "a.tgz", {"docker/dockerd": program(), name: b"x"})
    with pytest.raises(EngineError, match="lies outside its folder docker/"):
        read_contents(path)


@pytest.mark.parametrize("target", ["/etc/passwd", "../../x"])
def test_a_link_that_leads_out_is_refused(tmp_path: Path, target: str) -> None:
    path = tgz(tmp_path / "a.tgz", {"docker/dockerd": program()}, {"docker/runc": target})
    with pytest.raises(EngineError, match="docker/runc lies outside"):
        read_contents(path)


# --- packing and the cache


def tree(folder: Path) -> Path:
    (folder / "docker" / "lib").mkdir(parents=True)
    (folder / "docker" / "dockerd").write_bytes(program())
    (folder / "docker" / "dockerd").chmod(0o700)
    (folder / "docker" / "lib" / "libx.so.1").write_bytes(b"library")
    return folder


def test_the_same_files_give_the_same_archive(tmp_path: Path) -> None:
    first = pack(tree(tmp_path / "one"), tmp_path / "a" / "x.tgz", {"docker.io": "1.0-1"})
    os.utime(tree(tmp_path / "two") / "docker" / "dockerd", (1, 1))
    second = pack(tmp_path / "two", tmp_path / "b" / "y.tgz", {})
    assert first.path.read_bytes() == second.path.read_bytes()
    assert first.contents.packages == {"docker.io": "1.0-1"}
    listed = subprocess.run(["tar", "-tvzf", first.path], capture_output=True, text=True, check=True).stdout
    assert [(line.split()[0], line.split()[1], line.split()[-1]) for line in listed.splitlines()] == [
        ("drwxr-xr-x", "root/root", "docker/"),
        ("-rwxr-xr-x", "root/root", "docker/dockerd"),
        ("drwxr-xr-x", "root/root", "docker/lib/"),
        ("-rw-r--r--", "root/root", "docker/lib/libx.so.1"),
    ]


def test_a_full_disk_is_named_and_nothing_stays(tmp_path: Path) -> None:
    target = tmp_path / "cache" / "x.tgz"
    target.parent.mkdir()
    # where the archive is written before it gets its name: a device that is always full
    (target.parent / f".x.tgz.{os.getpid()}.part").symlink_to("/dev/full")
    with pytest.raises(HostError, match="No space left on device") as caught:
        pack(tree(tmp_path / "tree"), target, {})
    assert caught.value.hint == "free some space there, then run the command again"
    assert list(target.parent.iterdir()) == []


def test_an_archive_made_here_is_held_against_its_note(tmp_path: Path) -> None:
    made = pack(tree(tmp_path / "tree"), place(tmp_path, "1.0-x", "a" * 64), {"docker.io": "1.0"})
    assert made.path == tmp_path / "engines" / "1.0-x-aaaaaaaaaaaa.tgz"
    assert open_archive(made.path) == made
    made.path.write_bytes(made.path.read_bytes() + b"x")
    with pytest.raises(EngineError, match="its note states") as caught:
        open_archive(made.path)
    assert caught.value.hint == f"remove {made.path}; lab then makes it again"
    made.path.with_suffix(".json").unlink()
    with pytest.raises(EngineError, match="its note is missing or damaged"):
        open_archive(made.path)


def test_a_pinned_archive_needs_no_note(tmp_path: Path) -> None:
    path = engine(tmp_path / "a.tgz")
    total = sha256(path.read_bytes())
    assert open_archive(path, total).contents == read_contents(path)
    assert path.with_suffix(".json").exists()
    with pytest.raises(EngineError, match=f"its sha256 is {total}, the pinned one is {'0' * 64}"):
        open_archive(path, "0" * 64)
    path.with_suffix(".json").write_text('{"sha256": ')  # a note that a power cut left
    assert open_archive(path, total).contents == read_contents(path)


# --- programs


def test_a_processor_is_read_from_the_head_in_either_byte_order() -> None:
    assert machine_of(program(AARCH64)) == "aarch64"
    assert machine_of(program(0x16, ">")) == "s390x"
    assert machine_of(program(0x1234)) == "machine 0x1234"
    assert machine_of(b"#!/bin/sh\necho hello world") is None
    assert machine_of(b"\x7fELF") is None


@pytest.mark.parametrize("path", ["/bin/ls", "/bin/bash", "/usr/bin/env"])
def test_what_a_program_needs_is_what_the_loader_says(path: str) -> None:
    elf = read_elf(Path(path).read_bytes())
    assert elf is not None
    said = subprocess.run(["ldd", "-v", path], capture_output=True, text=True, check=True).stdout
    own = re.search(r"^\t\S+:\n((?:\t\t.*\n)*)", said, re.MULTILINE)  # the program itself comes first
    assert own is not None
    wanted = re.findall(r"(\S+) \(GLIBC_([\d.]+)\)", own[1])
    assert set(elf.needed) >= {name for name, _ in wanted}
    assert elf.glibc == max((version for _, version in wanted), key=lambda text: [int(x) for x in text.split(".")])
    assert all(name in said for name in elf.needed)


def test_a_program_without_section_headers_still_states_its_libraries() -> None:
    data = bytearray(Path("/bin/ls").read_bytes())
    whole = read_elf(bytes(data))
    data[40:48] = bytes(8)  # where the header of a 64 bit file states the place of its section headers
    data[60:64] = bytes(4)  # and how many there are
    assert whole is not None
    assert read_elf(bytes(data)) == Elf(whole.machine, whole.needed)


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(20, 4000), st.binary(min_size=1, max_size=8)), min_size=1, max_size=20))
def test_a_damaged_program_still_states_its_processor(changes: list[tuple[int, bytes]]) -> None:
    data = bytearray(Path("/bin/ls").read_bytes())
    for start, patch in changes:
        data[start : start + len(patch)] = patch
    elf = read_elf(bytes(data))
    assert elf is not None
    assert elf.machine == here()


def test_a_table_that_claims_endless_parts_is_not_read_to_its_end() -> None:
    data = bytearray(Path("/bin/ls").read_bytes())
    file = ELFFile(BytesIO(bytes(data)))
    index = next(n for n in range(file.num_sections()) if file.get_section(n)["sh_type"] == "SHT_GNU_verneed")
    section, header = file.get_section(index), file["e_shoff"] + index * file["e_shentsize"]
    data[header + 44 : header + 48] = b"\xff\xff\xff\xff"  # sh_info: how many entries there are
    data[section["sh_offset"] + 12 : section["sh_offset"] + 16] = bytes(4)  # vn_next: the next one is the same
    elf = read_elf(bytes(data))
    assert elf is not None
    assert (elf.machine, elf.needed) == (here(), (read_elf(Path("/bin/ls").read_bytes()) or elf).needed)


def test_half_a_program_is_read_as_far_as_it_goes() -> None:
    data = Path("/bin/ls").read_bytes()
    for length in (20, 64, 1000, len(data) // 2):
        elf = read_elf(data[:length])
        assert elf is not None
        assert elf.machine == here()
