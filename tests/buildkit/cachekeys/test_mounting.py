"""The options of --mount, and how the mounts of a RUN are read or refused."""

from __future__ import annotations

import pytest

from lab.buildkit.cachekeys.dialect import Dialect
from lab.buildkit.cachekeys.frontend import Frontend
from lab.buildkit.cachekeys.mounting import Mount, check_mounts, mount_json, read_mount, target_of
from lab.buildkit.cachekeys.words import Failing, WordError
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
    ("text", "why"),
    [
        ("type=bnd,target=/a", 'unsupported mount type "bnd" (did you mean "bind"?)'),
        ("target", "invalid field 'target' must be a key=value pair"),
        ("color=red", "unexpected key 'color' in 'color=red'"),
        ("from=$A,target=/a", "frontends do not expand the variable in from=$A"),
        ("uid=x", "--mount=uid=x has x where a number is needed"),
        ("ro=maybe", '--mount=ro=maybe has "maybe" where true or false is needed'),
        ("target=/a,sharing=shared", "invalid cache sharing set for bind mount"),
        ("type=cache,target=/a,sharing=bad", 'unsupported sharing value "bad"'),
        ("type=secret", "invalid secret mount. one of source, target required"),
        ("target=/a,mode=0755", 'mode, uid and gid are not allowed for "bind" type mounts'),
        ("type=tmpfs,target=/a,uid=5", 'mode, uid and gid are not allowed for "tmpfs" type mounts'),
    ],
)
def test_mounts_that_frontends_reject(text: str, why: str) -> None:
    with pytest.raises(WordError) as found:
        read_mount(text, str)
    assert found.value.why == why and isinstance(found.value.why, Failing)


@pytest.mark.parametrize("text", ["type=tmpfs,target=/a,size=1.5g", '"target=/a'])
def test_mounts_that_a_frontend_may_accept(text: str) -> None:
    """A size of 1.5g is a valid one for Docker, which lab does not read."""
    with pytest.raises(WordError) as found:
        read_mount(text, str)
    assert not isinstance(found.value.why, Failing)


def test_targets() -> None:
    assert target_of(Mount("bind", target="/a/"), "/w") == "/a/"
    assert target_of(Mount("bind", target="b"), "/w") == "/w/b"


# The numbers are those of CacheSharingOpt in BuildKit's ops.proto; a zero is left out.
@pytest.mark.parametrize(
    ("sharing", "number"), [("", {}), ("shared", {}), ("private", {"sharing": 1}), ("locked", {"sharing": 2})]
)
def test_how_a_cache_is_shared(sharing: str, number: dict[str, int]) -> None:
    found = mount_json(Mount("cache", target="/c", sharing=sharing), "/c", -1, dialect("20.10.24"))
    assert found["cacheOpt"] == {"ID": "//c", **number}


def test_engines_whose_mounts_were_compared() -> None:
    mount = [Mount("cache", target="/c")]
    compared = {engine: check_mounts(mount, dialect(engine), Frontend(dialect(engine).frontend)) for engine in ENGINES}
    assert [engine for engine, why in compared.items() if why is None] == ["20.10.24", "26.1.5", "28.5.2", "29.7.2"]
    assert check_mounts([], dialect("19.03.8"), Frontend(1)) is None
    assert check_mounts([Mount("bind")], dialect("26.1.5"), Frontend(7)) == NO_TARGET
    assert check_mounts([Mount("bind", target="/")], dialect("26.1.5"), Frontend(7)) == 'invalid mount target "/"'


@pytest.mark.parametrize(
    ("mount", "engine", "why"),
    [
        (Mount("tmpfs", target="/t", size=1 << 20), "20.10.24", "unexpected key 'size'"),
        (Mount("tmpfs", target="/t", size=1 << 20), "26.1.5", None),
        (Mount("secret", id="s", env="FOO"), "20.10.24", "unexpected key 'env'"),
        (Mount("secret", id="s", env="FOO"), "26.1.5", "unexpected key 'env'"),
        (Mount("secret", id="s", env="FOO"), "28.5.2", None),
    ],
)
def test_keys_that_only_newer_frontends_have(mount: Mount, engine: str, why: str | None) -> None:
    """What each of these engines printed as the error of the build."""
    known = dialect(engine)
    found = check_mounts([mount], known, Frontend(known.frontend))
    assert found == why and (why is None or isinstance(found, Failing))


NO_TARGET = "lab has not compared how engines write a mount without a target"  # the folder of WORKDIR
ENGINES = ("19.03.8", "20.10.24", "23.0.1", "25.0.3", "26.1.5", "27.5.1", "28.5.2", "29.7.2")
