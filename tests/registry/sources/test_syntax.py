"""The text of `--cache-from`: what buildx accepts is a source, all else is refused with what was meant."""

from __future__ import annotations

import csv
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.errors import UsageError
from lab.registry.names import parse
from lab.registry.sources.azblob import AzureSource
from lab.registry.sources.files import FileSource
from lab.registry.sources.gha import GhaSource
from lab.registry.sources.kind import Source
from lab.registry.sources.local import LocalSource
from lab.registry.sources.registry import RegistrySource
from lab.registry.sources.s3 import S3Source
from lab.registry.sources.syntax import parse_source, split_fields
from tests.registry.serving import AMD

DIGEST = "sha256:" + "0" * 64


def registry(name: str, *, insecure: bool = False) -> RegistrySource:
    return RegistrySource(name, parse(name), insecure)


@pytest.mark.parametrize(
    ("text", "sources"),
    [
        ("user/app", [registry("user/app")]),
        ("user/app:1,ghcr.io/user/app", [registry("user/app:1"), registry("ghcr.io/user/app")]),
        ("type=registry,ref=user/app", [registry("user/app")]),
        ("ref=user/app,TYPE=registry", [registry("user/app")]),
        ("type=registry,ref=user/app,mode=max,image-manifest=true,oci-mediatypes=true", [registry("user/app")]),
        ("type=registry,ref=user/app,registry.insecure=true", [registry("user/app", insecure=True)]),
        *(
            (f"type=registry,ref=user/app,registry.insecure={word}", [registry("user/app", insecure=True)])
            for word in ("1", "t", "T", "TRUE", "True")
        ),
        *(
            (f"type=registry,ref=user/app,registry.insecure={word}", [registry("user/app")])
            for word in ("0", "f", "F", "FALSE", "false", "False")
        ),
        ('type=registry,"ref=user/app"', [registry("user/app")]),
        ("type=local,src=d", [LocalSource(Path("d"))]),
        ("type=local,src=d,tag=dev", [LocalSource(Path("d"), tag="dev")]),
        (f"type=local,src=d,digest={DIGEST}", [LocalSource(Path("d"), DIGEST)]),
        ('type=local,"src=a,b ""c"""', [LocalSource(Path('a,b "c"'))]),
        ("type=gha,src=d,scope=x,url=http://u/,token=t", [GhaSource("d", "x")]),
        ("type=s3,src=d,name=x", [S3Source("manifests/x", "x", "d")]),
        (
            "type=s3,bucket=b,region=r,prefix=p/,name=x;y,access_key_id=i",
            [S3Source("p/manifests/x", "x", "", "b", "r")],
        ),
        ("type=azblob,src=d,name=x;y", [AzureSource(("manifests/x", "manifests/y"), ("x", "y"), "d")]),
        ("./gone.tar", [FileSource(Path("gone.tar"))]),
        ("./gone.tar#app:1", [FileSource(Path("gone.tar"), "app:1")]),
        ("gone.tar.zst", [FileSource(Path("gone.tar.zst"))]),
    ],
)
def test_what_buildx_and_buildctl_accept(text: str, sources: list[Source]) -> None:
    assert list(parse_source(text)) == sources


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "a name is empty"),
        ("user/app,", "a name is empty"),
        ("UPPER", "as an image's name"),
        ("user/app,ref=x", '"user/app" is not KEY=VALUE'),
        ("ref=user/app", "it has no type="),
        ("type=,ref=x", "it has no type="),
        ("type=regsitry,ref=x", 'there is no type=regsitry (did you mean "registry"?)'),
        ("type=inline", "type=inline is no source"),
        ("type=registry", "it needs ref=NAME"),
        ("type=registry,ref=", "it needs ref=NAME"),
        ("type=registry,ref=x,registry.insecure=yes", 'registry.insecure="yes"'),
        ("type=registry,ref=x,registry.insecure=tRUE", "it is neither true nor false"),
        ("type=registry,ref=x,registry.insecure=", "it is neither true nor false"),
        ("type=registry,reff=x", 'it has no key "reff" (did you mean "ref"?)'),
        ("type=registry, ref=x", 'it has no key " ref" (did you mean "ref"?)'),
        ("type=local", "it needs src=DIR"),
        ("type=local,dest=d", 'it has no key "dest" (did you mean "src"?)'),
        ("type=local,src=d,digest=latest", 'the digest "latest"'),
        ("type=gha", "it answers only to the token of a running job"),
        ("type=gha,url=http://x,token=t", "it answers only to the token of a running job"),
        ("type=s3", "it needs bucket= and region="),
        ("type=s3,bucket=b,region=r,endpoint_url=minio:9000", 'the endpoint_url "minio:9000"'),
        ("type=azblob", "it needs account_url="),
        ("type=azblob,acount_url=x", '(did you mean "account_url"?)'),
        ('type=registry,ref="x"', "a quote stands in the wrong place"),
        ('type=registry,"ref=x', "a quote stands in the wrong place"),
        ('"a"b', "a quote stands in the wrong place"),
        ("git@github.com:user/app.git", "it names a git repository, not a cache"),
        ("https://github.com/user/app", "it names a git repository, not a cache"),
        ("github.com/user/app", "it names a git repository, not a cache"),
        ("https://ghcr.io/user/app", "an image is named without https:"),
        ("oci://ghcr.io/user/app", "an image is named without oci:"),
    ],
)
def test_all_else_is_refused_with_what_was_meant(text: str, said: str) -> None:
    with pytest.raises(UsageError) as error:
        parse_source(text)
    assert said in error.value.message


@pytest.mark.parametrize(
    "text",
    [
        "type=S3,bucket=b,secret_access_key=SECRET",
        "bucket=b,secret_access_key=SECRET",
        "type=inline,token=SECRET",
        "user/app,secret_access_key=SECRET",
        "type=s3,secret_access_key=SEC,SECRET",
        "type=s3;secret_access_key=SECRET",
        'type=s3,secret_access_key=SECRET"',
        "type=s3,bucket=b,region=r,endpoint_url=h?sig=SECRET",
        "http://user:SECRET@host/app",
        "user:SECRET@host/app",
        "type=registry,ref=user:SECRET@host/app",
        "https://user:SECRET@github.com/user/app.git",
    ],
)
def test_no_mistake_shows_a_secret(text: str) -> None:
    with pytest.raises(UsageError) as error:
        parse_source(text)
    assert "SECRET" not in f"{error.value.message}{error.value.hint}"


def test_a_missing_file_is_named_without_the_secrets_of_its_text() -> None:
    [source] = parse_source("http://user:SECRET@host/app.tar")
    with pytest.raises(UsageError) as error:
        source.read(AMD, 5)
    assert error.value.message == "cannot find the file http://[login]@host/app.tar"


@given(st.lists(st.text(alphabet='ab,"= ', max_size=6), min_size=1, max_size=4))
def test_fields_are_split_as_they_were_quoted(fields: list[str]) -> None:
    """Python's own writer of CSV quotes by the same rules as Go's reader takes them."""

    class Line:
        text = ""

        def write(self, text: str) -> None:
            self.text += text

    line = Line()
    csv.writer(line, lineterminator="").writerow(fields)
    assert split_fields(line.text) == fields


@given(st.text(alphabet='ab,"= \n', max_size=12))
def test_any_text_is_split_or_refused(text: str) -> None:
    if '"' not in text:
        assert split_fields(text) == text.split(",")
        return
    with suppress(UsageError):
        assert split_fields(text)
