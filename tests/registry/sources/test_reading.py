"""Several sources: all are read in order, and one that fails does not stop the others, as in BuildKit."""

from __future__ import annotations

import pytest

from lab.errors import ReadError, RegistryError, UsageError
from lab.notices import listening
from lab.registry.sources.reading import UNREAD, read_sources
from tests.registry.serving import AMD, RECORDED, Server


def test_all_are_read_in_order(server: Server) -> None:
    server.record()
    base = f"localhost:{server.port}/app"
    texts = [
        f"{base}:inline,{base}:docker-26.1.5",
        f"type=registry,ref={base}:max-oci-index",
        f"type=local,src={RECORDED}/local",
    ]
    found = read_sources(texts, AMD, 5)
    assert [(item.kind, item.count) for item in found] == [
        ("inline cache of an image", 11),
        ("inline cache of an image", 5),
        ("registry cache", 11),
        ("local cache", 11),
    ]
    assert found[0].name == f"{base}:inline"


def test_one_that_fails_is_a_problem_beside_others_and_an_error_alone(server: Server) -> None:
    server.record()
    branch, main = f"localhost:{server.port}/app:branch", f"localhost:{server.port}/app:min-oci-index"
    first, second = read_sources([branch, main], AMD, 5)
    assert (first.kind, first.name, first.caches) == (UNREAD, branch, ())
    assert first.problem == f"cannot read {branch}: the registry has no such image"
    assert (second.count, second.problem) == (11, "")
    with pytest.raises(RegistryError, match="no such image"):
        read_sources([branch], AMD, 5)
    with pytest.raises(RegistryError, match=r"app:branch: the registry has no such image"):
        read_sources([branch, f"localhost:{server.port}/app:plain"], AMD, 5)
    with pytest.raises(ReadError, match="an image without an inline cache"):
        read_sources([f"localhost:{server.port}/app:plain", branch], AMD, 5)


@pytest.mark.parametrize(
    "text",
    [
        "type=s3,bucket=b,region=r,endpoint_url=http://me:SECRET@H,access_key_id=SECRET,secret_access_key=SECRET",
        "type=azblob,account_url=http://me:SECRET@H/?sig=SECRET,secret_access_key=SECRET",
        "type=gha,src=http://me:SECRET@H/x?sig=SECRET,token=SECRET,ghtoken=SECRET",
        "type=gha,src=http://H/x?sig=SECRET SECRET",
        "type=s3,src=http://me:SECRET@H/x?X-Amz-Signature=SECRET",
    ],
)
@pytest.mark.parametrize("status", [None, 403, 404])
def test_no_source_that_cannot_be_read_shows_a_secret(server: Server, text: str, status: int | None) -> None:
    """Neither the name of the source nor its problem does: reports, JSON and Markdown show both."""
    server.record()
    good, host = f"localhost:{server.port}/app:inline", f"127.0.0.1:{server.port if status else 1}"
    for path in ("/b/manifests/buildkit", "/buildkit-cache/manifests/buildkit", "/x"):
        server.answers[path] = (status or 500, {}, b"")
    said: list[object] = []
    with listening(said.append):
        read, failed = read_sources([good, text.replace("H", host)], AMD, 5)
    assert (read.problem, failed.kind) == ("", UNREAD)
    assert "SECRET" not in f"{failed}{said}"


def test_a_wrong_command_line_is_an_error_in_any_company(server: Server) -> None:
    server.record()
    good = f"localhost:{server.port}/app:inline"
    for wrong in ("type=registry", "UPPER", f"type=local,src={RECORDED}/local,tag=none", "./gone.tar"):
        with pytest.raises(UsageError):
            read_sources([good, wrong], AMD, 5)


def test_nothing_named_is_nothing_read() -> None:
    assert read_sources([], AMD, 5) == []
