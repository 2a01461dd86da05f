"""Sources of `type=azblob`: the addresses of blobs, and copies of a real export."""

from __future__ import annotations

import pytest

from lab.errors import RegistryError
from lab.registry.found import FoundCache
from lab.registry.sources import azblob
from lab.registry.sources.syntax import parse_source
from tests.registry.serving import AMD, RECORDED, Server

MANIFEST = RECORDED / "azblob" / "manifests" / "app"


def read(text: str) -> FoundCache:
    [source] = parse_source(f"type=azblob,{text}")
    return source.read(AMD, 5)


@pytest.mark.parametrize("text", [f"src={RECORDED}/azblob,name=app", f"src={MANIFEST}"])
def test_copies_of_what_a_real_build_exported(text: str) -> None:
    found = read(text)
    assert (found.kind, found.count, len(found.caches[0].layers)) == ("Azure blob cache", 11, 8)


def test_a_container_that_everyone_may_read_and_a_signature_that_stays(server: Server) -> None:
    server.answers["/account/cache/p/manifests/app"] = (200, {}, MANIFEST.read_bytes())
    account = f"account_url=http://127.0.0.1:{server.port}/account?sv=1&sig=SECRET"
    found = read(f"{account},container=cache,prefix=p,name=app")
    assert found.count == 11 and "SECRET" not in found.name
    assert server.seen[-1][0] == "/account/cache/p/manifests/app?sv=1&sig=SECRET"
    with pytest.raises(RegistryError, match="there is no object") as error:
        read(f"{account},name=app")
    assert "SECRET" not in f"{error.value.message}{error.value.hint}"
    assert server.seen[-1][0].startswith("/account/buildkit-cache/manifests/app?")


def test_the_names_of_one_source_are_combined(server: Server) -> None:
    server.answers["/buildkit-cache/manifests/a"] = (200, {}, MANIFEST.read_bytes())
    server.answers["/buildkit-cache/manifests/b"] = (200, {}, b'{"records": [{"digest": "x"}]}')
    found = read(f"account_url=http://127.0.0.1:{server.port},name=a;b")
    assert [len(cache.records) for cache in found.caches] == [11, 1]


def test_the_account_of_the_environment(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BUILDKIT_AZURE_STORAGE_ACCOUNT_URL", f"http://127.0.0.1:{server.port}")
    server.answers["/buildkit-cache/manifests/buildkit"] = (403, {}, b"")
    with pytest.raises(RegistryError, match="requires a login") as error:
        read("name=buildkit")
    assert "az storage blob download" in (error.value.hint or "")


@pytest.mark.parametrize(
    ("account", "options"),
    [
        ("account_url=https://me.blob.core.windows.net/?sig=SECRET", "--account-name me"),
        ("account_url=https://me.blob.core.windows.net,account_name=you", "--account-name you"),
        (
            "account_url=http://me:SECRET@127.0.0.1:10000/devstoreaccount1",
            "--account-name devstoreaccount1 --blob-endpoint http://127.0.0.1:10000/devstoreaccount1",
        ),
    ],
)
def test_the_command_that_copies_a_blob_is_complete(
    monkeypatch: pytest.MonkeyPatch, account: str, options: str
) -> None:
    def refused(url: str, what: str, seconds: float, *, copy: str) -> bytes:
        raise RegistryError(url, hint=copy)

    monkeypatch.setattr(azblob, "fetched", refused)  # patched: the account is not on this machine
    with pytest.raises(RegistryError) as error:
        read(f"{account},container=my cache,name=app")
    command = f"az storage blob download {options} --container-name 'my cache' --name manifests/app --file FILE"
    assert error.value.hint == f"`{command}`, and name type=azblob,src=FILE"
