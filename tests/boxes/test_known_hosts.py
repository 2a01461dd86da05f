"""The lines of a file of known hosts that stand for a host: lab's own search finds what the real ssh-keygen finds."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from paramiko import ECDSAKey

from lab.boxes.known_hosts import Keys, Line, asked, keys_of, name_of, searched

ONE, TWO = (ECDSAKey.generate() for _ in range(2))
HOST = "[127.0.0.1]:2222"


def text_of(key: ECDSAKey) -> bytes:
    return f"{key.get_name()} {key.get_base64()}".encode()


def found(path: Path, name: str) -> list[Line]:
    """The lines by lab's own search, which are those that ssh-keygen finds."""
    lines = searched(path, name)
    assert asked(path, name) == lines
    return lines


@pytest.mark.parametrize(
    "above",
    [
        b"",
        "# Büro\n".encode("latin-1"),
        "büro ".encode("latin-1") + text_of(TWO) + b"\n",
        b"other ssh-rsa AAAA_not_base64!!!\n",
        b"other ssh-rsa \xe9\xe9\xe9\xe9\n",
        b"other ssh-rsa\n\n   \nother 1024 35 1234567890\n@unknown\n",
        HOST.encode() + b" " + text_of(TWO).replace(b"ecdsa-sha2-nistp256", b"ssh-ed25519") + b"\n",
    ],
)
def test_no_line_hides_a_later_one(tmp_path: Path, above: bytes) -> None:
    path = tmp_path / "known_hosts"
    path.write_bytes(above + HOST.encode() + b" \t " + text_of(ONE) + b" a comment\r\n")
    assert [line.key for line in found(path, HOST)] == [ONE.asbytes()]
    assert keys_of(path, HOST) == Keys(((ONE.get_name(), ONE.asbytes()),))


@pytest.mark.parametrize(
    ("hosts", "name", "matches"),
    [
        ("10.0.*", "10.0.3.4", True),
        ("10.0.*", "10.1.3.4", False),
        ("[127.0.0.*]:2222", HOST, True),
        ("127.0.0.1", HOST, False),
        ("a,*.corp", "build.corp", True),
        ("*.corp", "BUILD.Corp", True),
        ("*.CORP", "build.corp", True),
        ("*.corp,!bad.corp", "bad.corp", False),
        ("!bad.corp,*.corp", "bad.corp", False),
        ("*.corp,!bad*", "build.corp", True),
        ("!bad.corp", "good.corp", False),
        ("b?ild.corp", "build.corp", True),
        ("b?ild.corp", "bild.corp", False),
        ("b[u]ild.corp", "build.corp", False),
        ("*", "[::1]:22", True),
        ("********************a", "b" * 200, False),
    ],
)
def test_patterns(tmp_path: Path, hosts: str, name: str, matches: bool) -> None:
    path = tmp_path / "known_hosts"
    path.write_bytes(hosts.encode() + b" " + text_of(ONE) + b"\n")
    assert [line.hosts for line in found(path, name)] == ([hosts] if matches else [])


def test_hashed_names(tmp_path: Path) -> None:
    path = tmp_path / "known_hosts"
    path.write_bytes(HOST.encode() + b" " + text_of(ONE) + b"\nbuild.corp " + text_of(TWO) + b"\n")
    subprocess.run(["ssh-keygen", "-q", "-H", "-f", str(path)], check=True, capture_output=True)
    path.write_bytes(b"|1|x\n|1|!|! " + text_of(TWO) + b"\n" + path.read_bytes())
    assert b"corp" not in path.read_bytes()
    for name, key in ((HOST, ONE), ("build.corp", TWO), ("Build.corp", TWO)):
        assert [line.key for line in found(path, name)] == [key.asbytes()]
    assert found(path, "127.0.0.1") == []


def test_a_line_with_a_marker_gives_the_host_no_key(tmp_path: Path) -> None:
    path = tmp_path / "known_hosts"
    path.write_bytes(b"@cert-authority * " + text_of(ONE) + b"\n@revoked * " + text_of(TWO) + b"\n")
    assert [line.marker for line in found(path, "a")] == ["@cert-authority", "@revoked"]
    assert keys_of(path, "a") == Keys((), frozenset([TWO.asbytes()]))


def test_without_ssh_keygen_lab_searches_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "known_hosts"
    path.write_bytes(b"\xff\n10.* " + text_of(ONE) + b"\n")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert asked(path, "10.0.0.1") is None
    assert keys_of(path, "10.0.0.1").known == ((ONE.get_name(), ONE.asbytes()),)


@pytest.mark.parametrize("name", ["none", "."])
def test_a_file_that_cannot_be_read_knows_no_host(tmp_path: Path, name: str) -> None:
    assert keys_of(tmp_path / name, "a") == Keys()
    assert keys_of(None, "a") == Keys()


def test_the_name_of_a_host() -> None:
    assert (name_of("a", 22), name_of("a", 2222)) == ("a", HOST.replace("127.0.0.1", "a"))
