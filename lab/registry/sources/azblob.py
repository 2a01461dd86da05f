"""Caches in Azure's blob storage: `type=azblob,account_url=...`, or `type=azblob,src=` a copy or an address."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from posixpath import join, normpath
from urllib.parse import quote, urlsplit

from lab.errors import UsageError
from lab.registry.found import FoundCache
from lab.registry.manifests import Platform
from lab.registry.masking import shown
from lab.registry.sources.kind import OF_EXPORT, SourceKind
from lab.registry.sources.objects import SIGNED, copied, decoded, fetched, is_address

WORDS = "Azure blob cache"
ENVIRONMENT = "BUILDKIT_AZURE_STORAGE_"  # begins the variables that BuildKit reads


@dataclass(frozen=True, slots=True)
class AzureSource:
    """The manifests of some names in a container: copies, or objects that everyone or a signed address may read."""

    keys: tuple[str, ...]
    names: tuple[str, ...]
    src: str = ""
    account: str = ""
    container: str = ""
    account_name: str = ""

    def read(self, platform: Platform, seconds: float) -> FoundCache:
        """Read the manifests of all names, which BuildKit combines."""
        if self.src and not is_address(self.src):
            texts = [
                copied(self.src, list(dict.fromkeys([key, f"manifests/{name}", name])))
                for key, name in zip(self.keys, self.names, strict=True)
            ]
            return decoded(WORDS, f"{', '.join(self.names)} in {self.src}", texts)
        if self.src:
            what = shown(self.src)
            return decoded(WORDS, what, [fetched(self.src, what, seconds, copy=SIGNED)])
        what = f"{self.container}/{', '.join(self.keys)} at {urlsplit(self.account).hostname}"
        copies = [f"`{self._copying(key)}`, and name type=azblob,src=FILE" for key in self.keys]
        objects = zip(self.keys, copies, strict=True)
        return decoded(WORDS, what, [fetched(self._address(key), what, seconds, copy=copy) for key, copy in objects])

    def _copying(self, key: str) -> str:
        """The command that copies a blob to FILE."""
        parts = urlsplit(self.account)
        host, path = str(parts.hostname), parts.path.strip("/")  # an emulator has the name of the account in the path
        words = ["az", "storage", "blob", "download", "--account-name", self.account_name or path or host.split(".")[0]]
        if ".blob.core." not in host:
            words += ["--blob-endpoint", f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"]
        return shlex.join([*words, "--container-name", self.container, "--name", key, "--file", "FILE"])

    def _address(self, key: str) -> str:
        """The address of a blob; the query of the account's address (a shared access signature) stays."""
        parts = urlsplit(self.account)
        query = f"?{parts.query}" if parts.query else ""
        return f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}/{self.container}/{quote(key)}{query}"


def _make(given: Mapping[str, str]) -> AzureSource:
    names = tuple((given.get("name") or "buildkit").split(";"))
    prefix = given.get("prefix") or os.environ.get(f"{ENVIRONMENT}PREFIX", "")
    keys = tuple(normpath(join(prefix, given.get("manifests_prefix") or "manifests", name)) for name in names)
    if given.get("src"):
        return AzureSource(keys, names, given["src"])
    account = given.get("account_url") or os.environ.get(f"{ENVIRONMENT}ACCOUNT_URL", "")
    if not is_address(account):
        raise UsageError(
            "cannot use --cache-from type=azblob: it needs account_url=https://..., "
            "or src= with a copy of the cache's objects"
        )
    container = given.get("container") or os.environ.get(f"{ENVIRONMENT}CONTAINER") or "buildkit-cache"
    name = given.get("account_name") or os.environ.get(f"{ENVIRONMENT}ACCOUNT_NAME", "")
    return AzureSource(keys, names, "", account, container, name)


KIND = SourceKind(
    ("src", "account_url", "account_name", "container", "prefix", "manifests_prefix", "name"),
    _make,
    ignored=(*OF_EXPORT, "secret_access_key", "blobs_prefix"),
    wrong={"account": "account_url", "url": "account_url", "bucket": "container"},
)
