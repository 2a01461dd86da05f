"""What an archive of an engine may not hold, and how large it may be; what a download may not be."""

from __future__ import annotations

import gzip
import http.server
import io
import tarfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.engines import archive, download
from lab.engines.archive import read_contents
from lab.errors import EngineError, HostError
from tests.archives import engine, program


def with_entry(path: Path, entry: tarfile.TarInfo, data: bytes = b"") -> Path:
    """The archive of an engine, with one more entry."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        dockerd = tarfile.TarInfo("docker/dockerd")
        dockerd.size = len(program())
        tar.addfile(dockerd, io.BytesIO(program()))
        entry.size = len(data)
        tar.addfile(entry, io.BytesIO(data))
    path.write_bytes(gzip.compress(out.getvalue()))
    return path


@pytest.mark.parametrize("kind", [tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE])
def test_a_device_is_refused(tmp_path: Path, kind: bytes) -> None:
    entry = tarfile.TarInfo("docker/disk")
    entry.type, entry.devmajor, entry.devminor = kind, 8, 0
    with pytest.raises(EngineError, match=r"docker/disk is neither a file, a folder nor a link"):
        read_contents(with_entry(tmp_path / "a.tgz", entry))


@pytest.mark.parametrize(("limit", "value"), [("LARGEST", 99), ("LARGEST_WHOLE", 120), ("MEMBERS", 1)])
def test_an_archive_that_is_too_large_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: str, value: int
) -> None:
    path = with_entry(tmp_path / "a.tgz", tarfile.TarInfo("docker/x"), b"x" * 100)
    assert read_contents(path).programs.keys() == {"dockerd", "x"}
    monkeypatch.setattr(archive, limit, value)  # the real limits are gigabytes
    with pytest.raises(EngineError, match="larger than the archive of an engine"):
        read_contents(path)


def test_what_follows_the_files_counts_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = engine(tmp_path / "a.tgz")
    size = len(gzip.decompress(path.read_bytes()))
    monkeypatch.setattr(archive, "LARGEST_WHOLE", 2 * size)
    assert "dockerd" in read_contents(path).programs
    path.write_bytes(path.read_bytes() + gzip.compress(bytes(4 * size)))
    with pytest.raises(EngineError, match="larger than the archive of an engine"):
        read_contents(path)


# --- downloads


@pytest.fixture
def site() -> Iterator[str]:
    """A server of this machine that sends everybody elsewhere."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path.startswith("/to/"):
                self.send_response(302)
                self.send_header("Location", self.path.removeprefix("/to/"))
                self.end_headers()
            else:
                self.send_response(200)
                self.end_headers()
                self.wfile.write(b"x" * 100)

        def log_message(self, format: str, *args: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as made:
        thread = threading.Thread(target=made.serve_forever, args=(0.02,))
        thread.start()
        yield f"http://127.0.0.1:{made.server_port}"
        made.shutdown()
        thread.join()


@pytest.mark.parametrize("url", ["http://download.example/docker.tgz", "ftp://download.example/x", "HTTP://10.1.2.3/x"])
def test_nothing_is_downloaded_without_https(tmp_path: Path, url: str) -> None:
    with pytest.raises(HostError, match="lab downloads by https alone"):
        download.download(url, tmp_path / "x.tgz", lambda event: None)


@pytest.mark.parametrize("target", ["http://download.example/x", "ftp://download.example/x", "file:///etc/passwd"])
def test_a_redirection_may_not_leave_https(tmp_path: Path, site: str, target: str) -> None:
    with pytest.raises(HostError, match="cannot download"):
        download.download(f"{site}/to/{target}", tmp_path / "x.tgz", lambda event: None)
    assert list(tmp_path.iterdir()) == []


def test_a_redirection_on_this_machine_is_followed(tmp_path: Path, site: str) -> None:
    part = download.download(f"{site}/to/{site}/x", tmp_path / "x.tgz", lambda event: None)
    assert part.read_bytes() == b"x" * 100


def test_an_endless_download_ends(tmp_path: Path, site: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download, "LARGEST", 99)  # the real limit is two gigabytes
    with pytest.raises(HostError, match="it has more than"):
        download.download(f"{site}/x", tmp_path / "x.tgz", lambda event: None)
    assert list(tmp_path.iterdir()) == []
