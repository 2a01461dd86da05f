"""A text of `--cache-from` is shown without its secrets, whatever mistake it has, and else as it was given."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.registry.masking import shown

DIGEST = "sha256:" + "0" * 64


@pytest.mark.parametrize(
    "text",
    [
        "",
        "user/app:1,ghcr.io/user/app,",
        f"user/app:1@{DIGEST}",
        f"https://ghcr.io/user/app@{DIGEST}",
        "type=registry,ref=user/app,registry.insecure=true",
        'type=local,"src=a,b ""c"""',
        "type=s3,bucket=b,region=r,name=a;b,endpoint_url=http://127.0.0.1:9000,use_path_style=true",
        "type=azblob,account_url=https://me.blob.core.windows.net,account_name=me",
        "git@github.com:user/app.git",
        "/home/me@work/app.tar",
        "type=local,src=me@work",
        "app@2.tar#user/app",
    ],
)
def test_a_text_without_a_secret_is_shown_as_it_is(text: str) -> None:
    assert shown(text) == text


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        (
            "type=s3,bucket=b,access_key_id=SECRET,secret_access_key=SECRET,session_token=SECRET,name=n",
            "type=s3,bucket=b,access_key_id=[secret],secret_access_key=[secret],session_token=[secret],name=n",
        ),
        ("type=gha,token=SECRET,ghtoken=SECRET,scope=x", "type=gha,token=[secret],ghtoken=[secret],scope=x"),
        (
            "type=azblob,account_url=https://a.net/?sv=1&sig=SECRET,secret_access_key=SECRET",
            "type=azblob,account_url=https://a.net/?[secret],secret_access_key=[secret]",
        ),
        ("type=gha,src=http://h/p?sig=SECRET", "type=gha,src=http://h/p?[secret]"),
        ("type=gha,src=h/p?sig=SECRET", "type=gha,src=h/p?[secret]"),
        ("type=s3,endpoint_url=https://me:SECRET@h:1/,name=n", "type=s3,endpoint_url=https://[login]@h:1/,name=n"),
        ("https://h/p?SECRET", "https://h/p?[secret]"),
        ("http://me:SECRET@h/app", "http://[login]@h/app"),
        ("http://me:SECRET@h/app.tar", "http://[login]@h/app.tar"),
        ("http://me:SEC@SECRET/SECRET@h/app", "http://[login]@h/app"),
        ("http://me:SECRET,SECRET@h/app", "http://[login]@h/app"),
        ("me:SECRET@h/app", "[login]@h/app"),
        (f"me:SECRET=SECRET@h/app@{DIGEST}", f"[login]@h/app@{DIGEST}"),
        ("type=registry,ref=me:SECRET@h/app", "type=registry,ref=[login]@h/app"),
    ],
)
def test_secrets_are_masked(text: str, safe: str) -> None:
    assert shown(text) == safe


@pytest.mark.parametrize(
    "text",
    [
        "type=s3,TOKEN = SECRET",
        "type=s3,secret_acces_key=SECRET",
        "type=s3,password=SECRET",
        "type=s3;secret_access_key=SECRET",
        "type=s3,secret_access_key=SECRET,SECRET,name=x",
        'type=s3,"secret_access_key=SECRET,SECRET",name=x',
        'type=s3,"secret_access_key=SECRET',
        'type=s3,secret_access_key="SECRET,SECRET"SECRET',
        'type=s3,secret_access_key=SECRET"',
        'type=s3,"secret_access_key"=SECRET',
        "secret_access_key=SECRET,src=m.tar",
        "./x,secret_access_key=SECRET",
    ],
)
def test_secrets_are_masked_in_a_text_with_a_mistake(text: str) -> None:
    assert "SECRET" not in shown(text)


@given(st.text(alphabet='ab,"=@?:/\n', max_size=12))
def test_any_text_is_shown(text: str) -> None:
    assert "SECRET" not in shown(f"secret_access_key=SECRET,{text}")
