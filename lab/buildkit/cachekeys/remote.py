"""Sources of ADD that are on a server: what decides their keys."""

from __future__ import annotations

from hashlib import sha256
from urllib.parse import urlsplit

from lab.buildkit.cachekeys.copying import GIT, Copy
from lab.buildkit.cachekeys.definition import go_json, record
from lab.buildkit.contenthash import gopath

Source = tuple[list[str] | None, str, object]


def remote_source(url: str, copy: Copy) -> Source:
    """Return the records of a source on a server, the path in it, and what distinguishes it from other sources.

    The records are None if they are not known.
    """
    return git_source(url, copy) if not copy.urls_only and GIT.fullmatch(url) else http_source(url, copy)


def http_source(url: str, copy: Copy) -> Source:
    """Return the records of a download, the path of its file, and what distinguishes it from other sources.

    With --checksum the records are known. Without it, they depend on the file and on the headers that the server sends.
    """
    name = gopath.base(urlsplit(url).path) if urlsplit(url).path else "."
    name = "__unnamed__" if name in (".", "/") else name
    roots = None
    if copy.checksum:
        key = go_json({"Filename": name, "Perm": 0, "UID": 0, "GID": 0, "Checksum": copy.checksum})
        digest = "sha256:" + sha256(key.encode()).hexdigest()
        roots = [record("sha256:" + sha256(f"buildkit.source.v0:{digest}".encode()).hexdigest())]
    return roots, f"/{name}", ["http", url, name, copy.checksum]


def git_source(url: str, copy: Copy) -> Source:
    """Return the same of a repository; its record depends on the commit that its reference means on the server."""
    return None, "/", ["git", url, copy.checksum, copy.keep_git]
