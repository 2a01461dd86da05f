"""Secrets and keys: read here, hidden by whole and by line, refused with a message that does not show them."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.errors import ContextError, HostError, LabError, UsageError
from lab.run.own_project.secrets import keys_of, secrets_of


def test_a_secret_is_a_file_or_a_variable(tmp_path: Path) -> None:
    (tmp_path / "t").write_bytes(b"token\n")
    first, second, third = secrets_of(
        [f"id=a,src={tmp_path / 't'}", "type=env,id=b,env=V", "id=HOME_TOKEN"], {"V": "v", "HOME_TOKEN": "h"}
    )
    assert (first.id, first.content) == ("a", b"token\n")
    assert first.word.format(path="../secrets/0") == "--secret=id=a,src=../secrets/0"
    assert (second.content, third.content) == (b"v", b"h")


def test_what_no_output_may_show() -> None:
    [item] = secrets_of(["id=a,env=V"], {"V": "first line\nx\n  second line\n"})
    assert set(item.hidden) == {
        b"first line\nx\n  second line",
        b"first line",
        b"second line",
    }
    assert "first line" not in repr(item)


@pytest.mark.parametrize("word", ["src=/x", "id=a,src=/x,env=Y", "id=a,mode=0400", "hunter2"])
def test_a_malformed_secret(word: str) -> None:
    with pytest.raises(UsageError, match="cannot use --secret"):
        secrets_of([word], {})


def test_a_secret_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(ContextError, match=r"cannot use --secret id=a: cannot read .*: No such file or directory"):
        secrets_of([f"id=a,src={tmp_path / 'none'}"], {})
    (tmp_path / "big").write_bytes(bytes(600_000))
    with pytest.raises(ContextError, match="more than 512 kB"):
        secrets_of([f"id=a,src={tmp_path / 'big'}"], {})
    with pytest.raises(LabError, match="NONE is not set"):
        secrets_of(["id=NONE"], {})


def test_a_key_is_a_file_and_default_is_the_agent(tmp_path: Path) -> None:
    (tmp_path / "k").write_text("key")
    agent, key = keys_of(["default", f"git={tmp_path / 'k'}"], {"SSH_AUTH_SOCK": "/s"})
    assert (agent.content, agent.word) == (b"", "--ssh=default")
    assert (key.content, key.word.format(path="p")) == (b"key", "--ssh=git=p")
    assert (agent.is_agent, key.is_agent) == (True, False)
    with pytest.raises(HostError, match="cannot use --ssh default: no ssh agent is known here"):
        keys_of(["default"], {})
    with pytest.raises(UsageError, match="it is not default, ID or ID=FILE"):
        keys_of(["git="])
