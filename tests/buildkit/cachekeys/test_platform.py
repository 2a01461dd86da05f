"""Ways to write a platform."""

from __future__ import annotations

from lab.buildkit.cachekeys.platform import read_platform


def test_platforms() -> None:
    assert [read_platform(name) for name in ("arm64", "linux/arm64/v8", "linux/arm", "linux/x86_64")] == [
        ("linux", "arm64", ""),
        ("linux", "arm64", ""),
        ("linux", "arm", "v7"),
        ("linux", "amd64", ""),
    ]
