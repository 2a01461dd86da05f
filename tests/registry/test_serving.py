"""The settings of lab's own registry, and who it answers; the real program serves."""

from __future__ import annotations

import json
import stat
import urllib.error
import urllib.request
from pathlib import Path

import pytest
import yaml

from lab.registry.credentials import Credentials
from lab.registry.server import serve
from lab.registry.serving import settings, status


def test_the_settings_are_yaml_wherever_the_checkout_lies() -> None:
    place = "/a: 'b' # {c}\\\"d"
    read = yaml.safe_load(settings(place, 5003, f"{place}/users"))
    assert read["storage"]["filesystem"]["rootdirectory"] == place
    assert read["http"]["addr"] == "127.0.0.1:5003"
    assert read["auth"]["htpasswd"]["path"] == f"{place}/users"


def test_only_the_user_of_the_run_may_read_and_write(tmp_path: Path) -> None:
    with serve(None, None, lambda event: None, store=tmp_path) as registry:
        assert registry.port and registry.credentials and registry.problem() is None
        for credentials in (None, Credentials("lab", "wrong"), Credentials.random()):
            assert status(registry.port, credentials) == 401
        for method, path in (("GET", "_catalog"), ("POST", "x/blobs/uploads/"), ("GET", "lab-base/tags/list")):
            request = urllib.request.Request(f"http://{registry.prefix}/v2/{path}", method=method)
            with pytest.raises(urllib.error.HTTPError, match="401") as refused:
                urllib.request.urlopen(request, timeout=60)
            refused.value.close()
        kept = registry.credentials.password.encode()
        files = [path for path in tmp_path.rglob("*") if path.is_file()]
        assert files and not [path for path in files if kept in path.read_bytes()]
        private = [path for path in files if path.name in ("users", "config.yml")]
        assert len(private) == 2
        assert {stat.S_IMODE(path.stat().st_mode) for path in private} == {0o600}
        assert {stat.S_IMODE(path.parent.stat().st_mode) for path in private} == {0o700}
        assert stat.S_IMODE((tmp_path / "registry").stat().st_mode) == 0o700
    with serve(None, None, lambda event: None, store=tmp_path) as later:
        assert later.credentials and later.credentials.password.encode() != kept
        assert json.loads(later.client_config or b"")["auths"].keys() == {later.prefix}
