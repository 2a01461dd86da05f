from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from lab.errors import HostError
from lab.machines.pack.parts import base
from tests.machines.pack.requests import request


@pytest.mark.parametrize("program", [None, "/bin/sh"])
def test_only_a_static_busybox_becomes_a_base_image(
    program: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shutil.which", lambda name, path: program)
    with pytest.raises(HostError, match="needs libraries" if program else "not installed"):
        base.gather(request(tmp_path))


@pytest.mark.skipif(shutil.which("busybox") is None, reason="`lab setup` installs busybox-static")
def test_the_machines_busybox_is_packed(tmp_path: Path) -> None:
    [item] = base.gather(request(tmp_path))
    assert item.path == "base/busybox"
    assert item.source == Path(shutil.which("busybox") or "").resolve()
