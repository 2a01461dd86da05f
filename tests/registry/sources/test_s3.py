"""Sources of `type=s3`: the addresses of objects, copies of a real export, and services that want a signature."""

from __future__ import annotations

import pytest

from lab.errors import ReadError, RegistryError
from lab.registry.found import FoundCache
from lab.registry.sources.s3 import S3Source
from lab.registry.sources.syntax import parse_source
from tests.registry.serving import AMD, RECORDED, Server

MANIFEST = RECORDED / "s3" / "team" / "manifests" / "app"


def read(text: str) -> FoundCache:
    [source] = parse_source(f"type=s3,{text}")
    return source.read(AMD, 5)


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("bucket=b,region=eu-west-1", "https://b.s3.eu-west-1.amazonaws.com/manifests/buildkit"),
        ("bucket=b.c,region=eu-west-1", "https://s3.eu-west-1.amazonaws.com/b.c/manifests/buildkit"),
        ("bucket=b,region=r,endpoint_url=https://s3.x/", "https://b.s3.x/manifests/buildkit"),
        ("bucket=b,region=r,endpoint_url=https://s3.x,use_path_style=true", "https://s3.x/b/manifests/buildkit"),
        ("bucket=b,region=r,endpoint_url=http://10.0.0.1:9000", "http://10.0.0.1:9000/b/manifests/buildkit"),
        (
            "bucket=b,region=r,prefix=p/,manifests_prefix=m/,name=a b",
            "https://b.s3.r.amazonaws.com/p/m/a%20b",
        ),
    ],
)
def test_addresses_of_objects(text: str, address: str) -> None:
    [source] = parse_source(f"type=s3,{text}")
    assert isinstance(source, S3Source) and source.address == address


@pytest.mark.parametrize(
    ("words", "path_style"), [("1 t T TRUE true True", True), ("0 f F FALSE false False tRUE yes on", False)]
)
def test_the_words_for_path_style_that_buildkit_takes(words: str, path_style: bool) -> None:
    """BuildKit ignores the error of strconv.ParseBool here, and keeps false."""
    for word in words.split():
        [source] = parse_source(f"type=s3,bucket=b,region=r,endpoint_url=https://s3.x,use_path_style={word}")
        assert isinstance(source, S3Source) and source.path_style is path_style, word


def test_the_bucket_and_region_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_BUCKET", "b")
    monkeypatch.setenv("AWS_REGION", "r")
    [source] = parse_source("type=s3,name=x")
    assert isinstance(source, S3Source) and source.address == "https://b.s3.r.amazonaws.com/manifests/x"


@pytest.mark.parametrize(
    "text",
    [
        f"src={RECORDED}/s3,prefix=team/,name=app",
        f"src={RECORDED}/s3/team,name=app",
        f"src={RECORDED}/s3/team/manifests,name=app",
        f"src={MANIFEST}",
    ],
)
def test_copies_of_what_a_real_build_exported(text: str) -> None:
    found = read(text)
    assert (found.kind, found.count, len(found.caches[0].layers)) == ("S3 cache", 11, 8)


def test_a_copy_that_has_another_name() -> None:
    with pytest.raises(ReadError, match=r"none of manifests/buildkit, buildkit; it has team/manifests/app$"):
        read(f"src={RECORDED}/s3")


def test_a_bucket_that_everyone_may_read(server: Server) -> None:
    server.answers["/b/manifests/app"] = (200, {}, MANIFEST.read_bytes())
    endpoint = f"bucket=b,region=r,endpoint_url=http://127.0.0.1:{server.port}"
    found = read(f"{endpoint},name=app")
    assert (found.count, found.name) == (11, "s3://b/manifests/app")
    with pytest.raises(RegistryError, match=r"there is no object at .*/b/manifests/other$"):
        read(f"{endpoint},name=other")


def test_a_signed_address_is_used_and_not_shown(server: Server) -> None:
    server.answers["/b/m"] = (200, {}, MANIFEST.read_bytes())
    url = f"http://127.0.0.1:{server.port}/b/m?X-Amz-Signature=SECRET"
    assert read(f"src={url}").count == 11
    assert server.seen[-1][0] == "/b/m?X-Amz-Signature=SECRET"
    server.answers["/b/m"] = (403, {}, b"<Error>")
    with pytest.raises(RegistryError) as error:
        read(f"src={url}")
    assert "SECRET" not in f"{error.value.message}{error.value.hint}"


def test_a_bucket_that_wants_a_signature_is_refused_with_a_way(server: Server) -> None:
    server.answers["/b/manifests/app"] = (403, {}, b"<Error>")
    with pytest.raises(RegistryError, match="requires a login, and lab signs no request") as error:
        read(f"bucket=b,region=r,name=app,endpoint_url=http://127.0.0.1:{server.port},secret_access_key=s")
    command = f"aws s3 cp s3://b/manifests/app FILE --region r --endpoint-url http://127.0.0.1:{server.port}"
    assert error.value.hint == f"`{command}`, and name type=s3,src=FILE"


def test_a_refused_signature_is_said_without_a_command_that_lab_cannot_complete(server: Server) -> None:
    server.answers["/b/m"] = (403, {}, b"<Error>")
    with pytest.raises(RegistryError) as error:
        read(f"src=http://127.0.0.1:{server.port}/b/m?X-Amz-Signature=x")
    assert (error.value.hint or "").startswith("a signature may have expired: sign the address anew")
