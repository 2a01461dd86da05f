from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.registry.serving import Server, serving

VARIABLES = [
    *("DOCKER_CONFIG", "DOCKER_AUTH_CONFIG", "REGISTRY_AUTH_FILE", "XDG_RUNTIME_DIR", "XDG_CONFIG_HOME"),
    *("http_proxy", "https_proxy", "all_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"),
    *("AWS_BUCKET", "AWS_REGION", "BUILDKIT_AZURE_STORAGE_ACCOUNT_URL"),
]


@pytest.fixture(autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home folder without logins, and an environment without proxies: what this machine has plays no part."""
    folder = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("HOME", str(folder))
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    return folder


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as made:
        yield made
