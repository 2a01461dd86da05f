"""The options of --mount, and how the mounts of a RUN are read or refused."""

from __future__ import annotations

import pytest

from lab.buildkit.cachekeys.dialect import Dialect
from lab.buildkit.cachekeys.frontend import Frontend
from lab.buildkit.cachekeys.mounting import Mount, check_mounts, read_mount, target_of
from lab.buildkit.cachekeys.words import WordError
from tests.vectors import BOOK


def dialect(engine: str) -> Dialect:
    known = BOOK.need(engine).dialect
    assert known is not None
    return known


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("target=/a", Mount("bind", target="/a")),
        ("type=bind,from=b,src=/s,dst=/d,rw", Mount("bind", "b", "/s", "/d", readonly=False)),
        ("type=cache,target=/c,ro,sharing=LOCKED", Mount("cache", target="/c", sharing="locked")),
        ("type=cache,target=/c,uid=5,mode=0700", Mount("cache", target="/c", readonly=False, uid=5, mode=0o700)),
        ("type=tmpfs,target=/t,size=1m", Mount("tmpfs", target="/t", readonly=False, size=1 << 20)),
        ("type=secret,id=s,required", Mount("secret", id="s", required=True)),
        ('"type=bind","target=/a,b"', Mount("bind", target="/a,b")),
    ],
)
def test_mounts(text: str, found: Mount) -> None:
    assert read_mount(text, str) == found


@pytest.mark.parametrize(
    "text", ["type=other,target=/a", "target", "color=red", "from=$A,target=/a", "uid=x", "ro=maybe"]
)
def test_malformed_mounts(text: str) -> None:
    with pytest.raises(WordError, match="malformed, so the build fails"):
        read_mount(text, str)


def test_targets() -> None:
    assert target_of(Mount("bind", target="/a/"), "/w") == "/a/"
    assert target_of(Mount("bind", target="b"), "/w") == "/w/b"


def test_engines_whose_mounts_were_compared() -> None:
    mount = [Mount("cache", target="/c")]
    compared = {engine: check_mounts(mount, dialect(engine), Frontend(dialect(engine).frontend)) for engine in ENGINES}
    assert [engine for engine, why in compared.items() if why is None] == ["20.10.24", "26.1.5", "28.5.2", "29.7.2"]
    assert check_mounts([], dialect("19.03.8"), Frontend(1)) is None
    assert check_mounts([Mount("bind")], dialect("26.1.5"), Frontend(7)) == "a mount has no target, so the build fails"


ENGINES = ("19.03.8", "20.10.24", "23.0.1", "25.0.3", "26.1.5", "27.5.1", "28.5.2", "29.7.2")
