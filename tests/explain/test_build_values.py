"""Values of a build's options, as docker's own parsers take them."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from lab.buildkit.cachekeys.state import Options
from lab.errors import UsageError
from lab.explain.build_values import build_args, build_contexts, host_names, names, size, ulimits, with_flags


def test_a_build_argument_without_value_is_that_of_the_environment() -> None:
    given = ["A=1", "B=", "C=x=y", "D", "E"]
    assert build_args(given, {"D": "from here"}) == {"A": "1", "B": "", "C": "x=y", "D": "from here"}


def test_named_contexts() -> None:
    assert build_contexts(["a=../dir", "b=docker-image://x:1"]) == {"a": "../dir", "b": "docker-image://x:1"}


def test_only_the_name_of_a_host_enters_a_key() -> None:
    assert host_names(["a:1.2.3.4", "b=::1", "c:host-gateway"]) == ("a", "b", "c")


@pytest.mark.parametrize(
    ("text", "bytes_"),
    [
        (None, 0),
        ("64m", 64 << 20),
        ("1g", 1 << 30),
        ("100", 100),
        ("1.5k", 1536),
        ("64MB", 64 << 20),
        ("2GiB", 2 << 30),
    ],
)
def test_sizes_are_powers_of_1024(text: str | None, bytes_: int) -> None:
    assert size(text) == bytes_


def test_limits_and_lists() -> None:
    assert ulimits(["nofile=1024", "nproc=1:2", "memlock=-1:-1"]) == ("nofile=1024", "nproc=1:2", "memlock=-1:-1")
    assert names(["a,b", "c", ""]) == ("a", "b", "c")


@pytest.mark.parametrize(
    ("read", "text"),
    [
        (build_args, "=x"),
        (build_args, ""),
        (build_contexts, "a"),
        (build_contexts, "a="),
        (build_contexts, "=b"),
        (host_names, "a"),
        (host_names, ":1.2.3.4"),
        (host_names, "a:"),
        (ulimits, "nofile"),
        (ulimits, "nofile=many"),
        (ulimits, "nofile=1:2:3"),
    ],
)
def test_what_docker_refuses_is_refused_with_its_form(read: Callable[[list[str]], object], text: str) -> None:
    with pytest.raises(UsageError, match="it is not"):
        read([text])


@pytest.mark.parametrize("text", ["", "many", "1x", "-1"])
def test_what_is_no_size(text: str) -> None:
    if text:
        with pytest.raises(UsageError, match="it is not a size such as 64m"):
            size(text)
    else:
        assert size(text) == 0


def test_flags_of_a_sequence_become_options() -> None:
    flags = [
        "--network=host",
        "--add-host=db:10.0.0.1",
        "--ulimit=nofile=1:2",
        "--shm-size=64m",
        "--no-cache-filter=a,b",
    ]
    options = with_flags(Options(build_args={"A": "1"}), [*flags, "--platform=linux/arm64", "--label=x=y"])
    assert options == Options(
        network="host",
        build_args={"A": "1"},
        hosts=("db",),
        ulimits=("nofile=1:2",),
        shm_size=64 << 20,
        no_cache=("a", "b"),
        platform="linux/arm64",
    )
    assert with_flags(Options(), ["--no-cache"]).no_cache == ("",)


def test_a_flag_whose_effect_is_not_known_is_kept() -> None:
    assert with_flags(Options(), ["--squash"]).other == "--squash"
