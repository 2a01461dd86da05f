"""Caches in S3 and services like it: `type=s3,bucket=...,region=...`, or `type=s3,src=` a copy or an address."""

from __future__ import annotations

import ipaddress
import os
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

from lab.errors import UsageError
from lab.registry.found import FoundCache
from lab.registry.manifests import Platform
from lab.registry.masking import shown
from lab.registry.sources.kind import BOOLEANS, OF_EXPORT, SourceKind
from lab.registry.sources.objects import SIGNED, copied, decoded, fetched, is_address

WORDS = "S3 cache"
SECRETS = ("access_key_id", "secret_access_key", "session_token")


@dataclass(frozen=True, slots=True)
class S3Source:
    """One manifest in a bucket: a copy of it, or the object that a bucket serves to everyone."""

    key: str
    name: str
    src: str = ""
    bucket: str = ""
    region: str = ""
    endpoint: str = ""
    path_style: bool = False

    def read(self, platform: Platform, seconds: float) -> FoundCache:
        """Read the manifest; a bucket that wants a signature is a RegistryError that says how to copy it."""
        if self.src and not is_address(self.src):
            wanted = list(dict.fromkeys([self.key, f"manifests/{self.name}", self.name]))
            return decoded(WORDS, f"{self.name} in {self.src}", [copied(self.src, wanted)])
        if self.src:
            what = shown(self.src)
            return decoded(WORDS, what, [fetched(self.src, what, seconds, copy=SIGNED)])
        what = f"s3://{self.bucket}/{self.key}"
        copy = f"`{self._copying()}`, and name type=s3,src=FILE"
        return decoded(WORDS, what, [fetched(self.address, what, seconds, copy=copy)])

    def _copying(self) -> str:
        """The command that copies the object to FILE."""
        parts = urlsplit(self.endpoint)
        place = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}" if self.endpoint else ""
        options = [("--region", self.region), ("--endpoint-url", place)]
        words = ["aws", "s3", "cp", f"s3://{self.bucket}/{self.key}", "FILE"]
        return shlex.join([*words, *(word for option in options if option[1] for word in option)])

    @property
    def address(self) -> str:
        """The address of the object, as the AWS library of BuildKit forms it."""
        key = quote(self.key)
        if not self.endpoint:
            if "." in self.bucket:
                return f"https://s3.{self.region}.amazonaws.com/{self.bucket}/{key}"
            return f"https://{self.bucket}.s3.{self.region}.amazonaws.com/{key}"
        parts = urlsplit(self.endpoint)
        host, path = parts.netloc.rpartition("@")[2], parts.path.rstrip("/")
        if self.path_style or _is_number(str(parts.hostname)):
            return f"{parts.scheme}://{host}{path}/{self.bucket}/{key}"
        return f"{parts.scheme}://{self.bucket}.{host}{path}/{key}"


def _is_number(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _make(given: Mapping[str, str]) -> S3Source:
    name = (given.get("name") or "buildkit").split(";")[0]  # BuildKit reads the first name
    key = given.get("prefix", "") + given.get("manifests_prefix", "manifests/") + name
    if given.get("src"):
        return S3Source(key, name, given["src"])
    bucket, region = given.get("bucket") or os.environ.get("AWS_BUCKET"), given.get("region")
    region = region or os.environ.get("AWS_REGION")
    endpoint = given.get("endpoint_url", "")
    if not bucket or not (region or endpoint):
        raise UsageError(
            "cannot use --cache-from type=s3: it needs bucket= and region=, or src= with a copy of the cache's objects"
        )
    if endpoint and not is_address(endpoint):
        raise UsageError(f'cannot use the endpoint_url "{shown(endpoint)}": it does not begin with http:// or https://')
    style = BOOLEANS.get(given.get("use_path_style", ""), False)  # BuildKit takes any other word for false
    return S3Source(key, name, "", bucket, region or "", endpoint, style)


KIND = SourceKind(
    ("src", "bucket", "region", "prefix", "manifests_prefix", "name", "endpoint_url", "use_path_style"),
    _make,
    ignored=(
        *OF_EXPORT,
        *SECRETS,
        "blobs_prefix",
        "touch_refresh",
        "upload_parallelism",
        "disable_accept_encoding",
        "retry_mode",
        "retry_max_attempts",
    ),
    wrong={"endpoint": "endpoint_url", "key": "name"},
)
