"""Ways to write a platform."""

from __future__ import annotations

from lab.buildkit.cachekeys.platform import read_platform


def test_variants_that_are_left_out() -> None:
    """Docker 20.10.24, 26.1.5 and 28.5.2 take linux/amd64/v1 for linux/amd64."""
    assert read_platform("linux/amd64/v1") == read_platform("linux/x86-64") == ("linux", "amd64", "")
    assert read_platform("linux/amd64/v2") == ("linux", "amd64", "v2")
    assert [read_platform(f"linux/{name}")[1:] for name in ("armhf", "armel", "arm/6", "i386")] == [
        ("arm", "v7"),
        ("arm", "v6"),
        ("arm", "v6"),
        ("386", ""),
    ]


def test_platforms() -> None:
    assert [read_platform(name) for name in ("arm64", "linux/arm64/v8", "linux/arm", "linux/x86_64")] == [
        ("linux", "arm64", ""),
        ("linux", "arm64", ""),
        ("linux", "arm", "v7"),
        ("linux", "amd64", ""),
    ]
