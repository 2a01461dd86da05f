"""ADD of a URL or a repository: what is known of its record."""

from __future__ import annotations

from hashlib import sha256

from lab.buildkit.cachekeys.copying import Copy, read_copy
from lab.buildkit.cachekeys.frontend import Frontend
from lab.buildkit.cachekeys.instruction import instruction
from lab.buildkit.cachekeys.remote import remote_source

SUM = "sha256:" + "a" * 64


def copy(line: str, number: int = 19) -> Copy:
    found = read_copy(instruction(line), frontend=Frontend(number))
    assert found.unclear is None
    return found


def test_a_checksum_makes_the_record_of_a_download_known() -> None:
    url = "https://example.org/d/file.tgz?x=1"
    roots, path, _ = remote_source(url, copy(f"ADD --checksum={SUM} {url} /x"))
    key = f'{{"Filename":"file.tgz","Perm":0,"UID":0,"GID":0,"Checksum":"{SUM}"}}'
    inner = "sha256:" + sha256(key.encode()).hexdigest()  # the key that BuildKit's HTTP source states
    outer = "sha256:" + sha256(f"buildkit.source.v0:{inner}".encode()).hexdigest()
    assert (roots, path) == (["sha256:" + sha256(f"{outer}@0".encode()).hexdigest()], "/file.tgz")
    assert remote_source(url, copy(f"ADD {url} /x"))[:2] == (None, "/file.tgz")
    assert remote_source("https://example.org", copy("ADD https://example.org /x"))[1] == "/__unnamed__"


def test_a_repository_is_one_for_new_frontends_alone() -> None:
    url = "https://example.org/a.git?ref=v1"
    assert remote_source(url, copy(f"ADD {url} /x"))[1] == "/"
    assert remote_source(url, copy(f"ADD {url} /x", 2))[1] == "/a.git"
    assert copy("ADD git@example.org:a/b.git /x", 2).paths == ("git@example.org:a/b.git",)
    assert copy("ADD git@example.org:a/b.git /x").paths == ()
