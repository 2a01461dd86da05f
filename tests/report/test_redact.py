"""Redaction: what must not be seen is gone, and what a maintainer needs is still there."""

from __future__ import annotations

import base64
import gzip
from dataclasses import replace

import pytest

from lab.buildkit.contenthash.entry import file
from lab.report.evidence import Evidence, gathered
from lab.report.redact import redact, redactor_of
from lab.report.redactor import Redactor
from lab.results.contexts import unpacked
from tests import reporting
from tests.reporting import HIT, exchange, run, trial

# What the formats of these look like is their makers' own documentation; every value here is made up.
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl"
PEM = "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAAA\nQyNTUxOQAAACD\n-----END OPENSSH PRIVATE KEY-----"


# One token of each maker, in the form that its own documentation shows; in parts, so that no scanner finds one here.
TOKENS = (
    *(("npm_", "a1B2" * 9), ("pypi-", "AgEIcHlwaS5vcmc" + "a1B2" * 10), ("xoxb-", "1234-5678-" + "a1B2" * 6)),
    *(("AIza", "a1B2c" * 7), ("sk_live_", "a1B2" * 6), ("rk_test_", "a1B2" * 6), ("SG.", "a" * 22 + "." + "b" * 43)),
    *(("AGE-SECRET-KEY-1", "Q" * 58), ("hvs.", "a1B2" * 6), ("hvb.", "a1B2" * 6), ("sk-proj-", "a1B2" * 10)),
    *(("gho_", "a1B2" * 9), ("ghu_", "a1B2" * 9), ("ghs_", "a1B2" * 9), ("ghr_", "a1B2" * 9)),
    *(("ASIA", "A1B2C3D4E5F6G7H8"), ("xapp-", "1-A0B1-123-" + "a1b2" * 16), ("hf_", "aBcD" * 9)),
    *(("glptt-", "a1b2" * 10), ("gldt-", "a1b2" * 5), ("glrt-", "a1b2" * 5), ("glcbt-", "64_" + "a1b2" * 5)),
    *(("glsoat-", "a1b2" * 5), ("glft-", "a1b2" * 5), ("glimt-", "a1b2" * 6), ("glagent-", "a1b2" * 12)),
    *(("ya29.", "a0Af" * 10), ("GOCSPX-", "a1B2" * 7), ("dop_v1_", "0a1b" * 16), ("shippo_live_", "a1b2" * 10)),
    *(("Bearer ", "abcdefgh12345"), ("--token ", "abc12345"), ("--secret ", "abc12345")),
)


@pytest.mark.parametrize(("start", "rest"), TOKENS, ids=[start.strip(" =") for start, _ in TOKENS])
def test_the_tokens_of_many_makers_go(start: str, rest: str) -> None:
    redacted = Redactor().text(f"RUN login {start}{rest} now")
    assert rest not in redacted and redacted.startswith("RUN login ") and redacted.endswith(" now")


@pytest.mark.parametrize(
    ("text", "secret", "kept"),
    [
        ("docker build --build-arg NPM_TOKEN=abc,d;e .", "abc,d;e", "docker build --build-arg NPM_TOKEN="),
        ("ENV DB_PASSWORD hunter2 and more", "hunter2", "ENV DB_PASSWORD "),
        ("ENV STRIPE_KEY=hunter2", "hunter2", "ENV STRIPE_KEY="),
        ("RUN x 'Server=db;Uid=app;Pwd=hunter2;'", "hunter2", "Uid=app;Pwd="),
        ("RUN curl https://x/f?X-Goog-Signature=hunter2hunter2hunter2", "hunter2", "https://x/f?X-Goog-Signature="),
        ("RUN curl 'https://x/f?key=hunter2hunter2hunter2&a=1'", "hunter2", "&a=1"),
        ("RUN curl -u :hunter2 https://x", "hunter2", "https://x"),
        ("RUN vault kv get -token hunter2 a", "hunter2", "vault kv get -token "),
        ("RUN mysql -uroot -phunter2 db", "hunter2", "mysql -uroot -p"),
        ("RUN redis-cli -h db -a hunter2 ping", "hunter2", " ping"),
        ("RUN twine upload -u __token__ -p hunter2 dist/a", "hunter2", " dist/a"),
        ("RUN cargo login hunter2hunter2", "hunter2", "cargo login "),
        ("RUN npm config set //npm.example/:_password hunter2", "hunter2", "//npm.example/:_password "),
        ("RUN yarn config set npmAuthToken hunter2", "hunter2", "config set npmAuthToken "),
        ("RUN aws configure set aws_secret_access_key hunter2", "hunter2", "configure set aws_secret_access_key "),
        ("RUN composer config http-basic.repo.example ci hunter2", "hunter2", "http-basic.repo.example ci "),
        ("RUN bundle config set gems.example ci:hunter2", "hunter2", "gems.example ci:"),
        ("RUN echo hunter2 | docker login -u ci --password-stdin ghcr.io", "hunter2", " ghcr.io"),
        ("RUN gh auth login --with-token <<< hunter2", "hunter2", "--with-token <<< "),
        ("RUN docker login -u ci --password-stdin <<<'hunter2' ghcr.io", "hunter2", " ghcr.io"),
        ("RUN printf '%s' hunter2 | gh auth login --with-token", "hunter2", "--with-token"),
        ("RUN curl -u alice:hunter2 https://x", "hunter2", "https://x"),
        ("docker login -u ci -p hunter2 ghcr.io", "hunter2", "docker login -u [user] -p "),
        ("docker login --password=hunter2 ghcr.io", "hunter2", "ghcr.io"),
        ("docker login --password hunter2 ghcr.io", "hunter2", "ghcr.io"),
        ("sshpass -p hunter2 ssh box", "hunter2", "ssh box"),
        ("Authorization: Bearer abcdefgh12345", "abcdefgh12345", "Authorization: "),
        ("authorization: Basic dXNlcjpwYXNz", "dXNlcjpwYXNz", "authorization: "),
        ("Set-Cookie: sid=abc12345; Path=/", "abc12345", "Set-Cookie: "),
        ("X-Registry-Auth: eyJhIjoxfQ==", "eyJhIjoxfQ", "X-Registry-Auth: "),
        ('{"auths":{"ghcr.io":{"auth":"dXNlcjpwYXNz"}}}', "dXNlcjpwYXNz", '{"auths":{"ghcr.io":{"auth":"'),
        ('"identitytoken": "abc def"', "abc def", '"identitytoken": '),
        ("client_secret: 'a b'", "a b", "client_secret: "),
        ("https://alice:hunter2@example.org/x.git", "hunter2", "@example.org/x.git"),
        ("https://alice:hunt@er2@example.org/x.git", "er2", "example.org/x.git"),
        ("key AKIAIOSFODNN7EXAMPLE.", "AKIAIOSFODNN7EXAMPLE", "key "),
        ("got ghp_" + "a1B2" * 9, "a1B2", "got "),
        ("got github_pat_" + "a1B2" * 9, "a1B2", "got "),
        ("dckr_pat_abcdefghij-KLMNOP", "KLMNOP", ""),
        ("glpat-abcdefghij0123456789", "abcdefghij", ""),
        (f"jwt {JWT} end", JWT, " end"),
        ("SWMTKN-1-abcdefabcdef-xyz", "abcdef", ""),
        (f"before\n{PEM}\nafter", "b3BlbnNzaC1rZXk", "before\n[private key]\nafter"),
        (PEM.replace("\n", "\\n"), "b3BlbnNzaC1rZXk", "[private key]"),
        (PEM[:80] + "\nwords after it", "b3BlbnNzaC1rZXk", "[private key]"),
        ("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIE alice@laptop", "AAAAC3", "[key]"),
        ("fingerprint SHA256:" + "a" * 43, "a" * 43, "fingerprint [key]"),
        (" ID: HUYD:4JBW:5DJH:RYLM:BI6O:3ADL:YKKC:7YVU:GUI3:ZWPJ:7QWV:BCXJ", "HUYD", " ID: [id]"),
        (" ID: 0a1b2c3d-0a1b-0a1b-0a1b-0a1b2c3d4e5f", "0a1b2c3d", " ID: [id]"),
        ("mail alice.b@example.org now", "alice", "mail [email] now"),
        ("dial tcp 203.0.113.9:443: refused", "203.0.113.9", "dial tcp [address]:443: refused"),
        ("from 192.168.121.7 and 10.0.2.15", "10.0.2.15", "from [address] and [address]"),
        ("https://203.0.113.9/v2/", "203.0.113.9", "https://[address]/v2/"),
        ("link 52:54:00:12:34:56 up", "52:54", "link [address] up"),
        ("inet6 fe80::5054:ff:fe12:3456", "5054", "inet6 [address]"),
        (" HTTP Proxy: http://proxy.corp:3128", "proxy.corp", " HTTP Proxy: [host]"),
        ("pass\x1b[0mword=hunter2", "hunter2", "password="),
        ("DB_PASS=hunter2 make", "hunter2", "DB_PASS="),
        ("export PGPASS='a b'", "a b", "PGPASS="),
        ("MYSQL_PWD: hunter2", "hunter2", "MYSQL_PWD: "),
        ("//npm.example.org/:_auth=aGVsbG8=", "aGVsbG8", "_auth="),
        ("AccountName=x;AccountKey=abcdef123==", "abcdef123", "AccountKey="),
        ("https://s3/x?X-Amz-Signature=0123456789abcdef&a=1", "0123456789abcdef", "https://s3/x?X-Amz-Signature="),
        ("https://blob/x?sv=1&sig=abc%2Fdef0123456789", "abc%2F", "?sv=1&sig="),
        ("inet6 2001:db8:7::1/64", "2001:db8", "inet6 [address]/64"),
        ("  NodeID: 2x8yk0p6gd0wpq2x1r5c8v", "2x8yk", "  NodeID: [id]"),
        ("machine git.corp login bob password hunter2", "hunter2", "machine git.corp login bob password "),
        ("machine git.corp\n  login bob\n\tpassword hunter2\n", "hunter2", "login bob\n\tpassword [secret]\n"),
        ('machine git.corp login bob account x password "a b" # c', "a b", "account x password [secret] # c"),
        ("machine git.corp password hunter2 login bob", "hunter2", " login bob"),
        ("default password hunter2", "hunter2", "default password "),
        ("default login anonymous password hunter2", "hunter2", "default login anonymous password "),
        ("bob:$2y$05$abcdefghijklmnopqrstuuABCDEFGHIJ./0123456789abcdefgh12", "ABCDEFGHIJ", "bob:[secret]"),
        ("bob:$apr1$abcdefgh$xxxxxxxxxxxxxxxxxxxxxx\n", "xxxxx", "bob:[secret]\n"),
        ("auth=bob:$$apr1$$abcdefgh$$xxxxxxxxxxxxxxxxxxxxxx,al:$$2b$$10$$abcdefghij", "xxxxx", "auth=bob:[secret]"),
        ("bob:{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=\n", "5en6G6", "bob:[secret]\n"),
        ("bob:{SSHA}5en6G6MezRroT3XKqkdPOmY/BfRzYWx0", "5en6G6", "bob:[secret]"),
        ("root:$6$rounds=5000$saltsalt$" + "aB./" * 21 + "aB:19000:0", "aB./", "root:[secret]:19000:0"),
        ("root:$y$j9T$saltsalt$0123456789abcdef:1", "01234", "root:[secret]:1"),
        ("docker login -u jane ghcr.io", "jane", "login -u [user] ghcr.io"),
        ("docker login --username=jane ghcr.io", "jane", "[user] ghcr.io"),
    ],
)
def test_a_secret_goes_and_what_stands_around_it_stays(text: str, secret: str, kept: str) -> None:
    redactor = Redactor()
    clean = redactor.text(text)
    assert secret not in clean
    assert kept in clean
    assert redactor.text(clean) == clean
    assert sum(redactor.found.values()) > 0


@pytest.mark.parametrize(
    "text",
    [
        "#6 [2/4] RUN echo foo\n#6 sha256:96e9334c30c7bda03ff7193fbd77971a6a02407fff78a7cd25f638f5c71d822a\n#6 CACHED",
        "alpine:3.11.6@sha256:9a839e63dad54c3a6d1834e29692c8492d93f90c59c978c1ed79109ea4fb9a54",
        "RUN --mount=type=secret,id=npm,target=/root/.npmrc npm ci",
        "docker build --secret id=npm,src=./npmrc .",
        "[auth] library/alpine:pull token for registry-1.docker.io",
        "RUN npm i left-pad@1.3.0",
        "ENV GPG_KEY=E3FF2839C048B25C084DEBE9B26995E310250568",
        "RUN npm config set registry https://npm.example.org && git config --global user.name ci",
        "RUN apt-get install -y mysql-client && mkdir -p /data && tar -pxf a.tar",
        'RUN echo "$TOKEN" | docker login --password-stdin && echo done | tee log',
        "RUN cargo login && cargo build && bundle config set path vendor",
        "git clone git@github.com:moby/moby.git",
        " Insecure Registries:\n  127.0.0.0/8\n",
        "containerd 1.6.20 runc 1.1.5 buildx 0.13.1 kernel 6.1.0-56-cloud-amd64",
        "unconfined_u:object_r:user_home_t:s0",
        "ENV PATH /usr/local/bin:/usr/bin",
        "http://localhost:5000/v2/ 127.0.0.1:5000 0.0.0.0:80",
        "PWD=/src compass: north, bypass=1, passed: 3, tokenizer: x",
        "ports 2375:2375 at 12:30:45, 2026:11:24",
        "the login of a machine needs a password; default is none, and by default password checks are on",
        "PATH=$PATH:$1/bin:$2/sbin:$HOME/$y a:$5$6 x:{SHA} sha:{sha256} image:$7ag",
        "author: x; https://example.org/?q=1&signal=0123456789abcdefgh",
    ],
)
def test_what_is_no_secret_stays_as_it_is(text: str) -> None:
    assert Redactor().text(text) == text


def test_a_secret_that_travels_as_base64_is_seen() -> None:
    def sent(content: bytes) -> str:
        return f"printf %s {base64.b64encode(content).decode()} | base64 -d >> ./key"

    key = b"a\xff\0" + PEM.encode() + b"\x1b[0m\n"
    assert Redactor().text(sent(key)) == sent(b"a\xff\0[private key]\x1b[0m\n")
    nested = base64.b64encode(b"x" * 30 + key)
    assert Redactor().text(sent(nested)) == sent(base64.b64encode(b"x" * 30 + b"a\xff\0[private key]\x1b[0m\n"))
    home = Redactor(["/home/alice"], {"alice": "[user-1]"})
    assert home.text(sent(b"as alice in /home/alice\n" * 3)) == sent(b"as [user-1] in ~\n" * 3)
    harmless = base64.b64encode(bytes(range(256)) * 9).decode()
    assert Redactor().text(harmless) == harmless


def test_a_secret_that_travels_gzipped_is_seen() -> None:
    # as the contents of a context come from a box
    packed = base64.b64encode(gzip.compress(b"one file\nAPI_TOKEN=hunter2\n", mtime=0)).decode()
    clean = Redactor().text(f"contents\n{packed}\nagain")
    assert gzip.decompress(base64.b64decode(clean.split("\n")[1])) == b"one file\nAPI_TOKEN=[secret]\n"
    bomb = base64.b64encode(gzip.compress(bytes(50 << 20))).decode()
    assert Redactor().text(bomb) == "[secret]"


def test_output_that_is_no_utf8_keeps_its_other_bytes() -> None:
    assert Redactor().data(b"\xff\xfe TOKEN=abc \x80") == b"\xff\xfe TOKEN=[secret] \x80"


@pytest.mark.parametrize(
    "text",
    [
        "-----BEGIN PRIVATE KEY-----" * 20_000,
        "password" * 60_000,
        "a" * 500_000,
        "a.b@" * 100_000,
        "://" * 150_000,
        "docker login " * 30_000,
        "curl " * 80_000,
        "ENV " + "x" * 400_000,
        "eyJaaaaaaaa." * 40_000,
        "fe80:" * 90_000,
        "1." * 200_000,
        "A" * 400_000 + "!",
        '"' * 300_000,
        'secret="' * 50_000,
        "_pass" * 100_000,
        "a_pwd " * 80_000,
        "?sig=" * 100_000,
        "2001:" * 90_000,
        "docker login -u " * 30_000,
        "password login " * 30_000,
        "login x password " * 30_000,
        "password" + "login" + " " * 500_000,
        "password default\n" + " default\n" * 60_000,
        ":$2y$" * 90_000,
        ":$5$rounds=1$" * 40_000,
        ":{SHA}" * 80_000,
    ],
)
@pytest.mark.timeout(600)  # each is about half a megabyte: an expression that looks back at each of them takes hours
def test_no_text_makes_it_slow(text: str) -> None:
    assert isinstance(Redactor().text(text), str)


# --- what a run knows of its own


def private() -> Evidence:
    info = (
        "Server:\n Server Version: 19.03.8\n Insecure Registries:\n  registry.corp.example:5000\n  127.0.0.0/8\n"
        " Name: build7.corp.example\n Username: asmith\n Registry: https://index.docker.io/v1/"
    )
    made = trial("a", "b", (HIT, HIT, HIT), problem="open /home/alice/.docker/config.json: asmith@build7 said no")
    made_run = run(made, registry="registry.corp.example:5000/asmith")
    boxes = tuple(box.model_copy(update={"info": info}) for box in made_run.boxes)
    about = made.name
    return Evidence(
        made_run.model_copy(update={"boxes": boxes}),
        {made.name: reporting.explained(made)},
        (
            exchange("b", about, "printenv", "HOME", stdout="/home/alice\n"),
            exchange(
                "b",
                about,
                *("docker", "build", "--tag", "registry.corp.example:5000/asmith/x", "."),
                cwd="/home/alice/lab-runs/x",
                env={"DOCKER_CONFIG": "/home/alice/lab-runs/config", "NPM_TOKEN": "hunter2"},
                stderr="alice@build7:~$ ls /Users/bob/src C:\\Users\\carol\\x\nwelcome to build7, Alice\n",
            ),
        ),
    )


def everything(evidence: Evidence) -> str:
    return evidence.run.to_json() + repr(evidence.exchanges) + repr(evidence.explanations)


def test_names_of_users_hosts_and_homes_go_everywhere() -> None:
    clean = redact(private())
    text = everything(clean)
    for word in ("alice", "asmith", "build7", "corp.example", "bob", "carol", "hunter2", "/home/"):
        assert word not in text, word
    [_, build] = clean.exchanges
    assert build.cwd == "~/lab-runs/x"
    assert build.argv == ("docker", "build", "--tag", "[registry]/[user-2]/x", ".")
    assert build.env == {"DOCKER_CONFIG": "~/lab-runs/config", "NPM_TOKEN": "[secret]"}
    assert clean.run.registry == "[registry]/[user-2]"
    assert clean.run.trials[0].problem == "open ~/.docker/config.json: [user-2]@[host-1] said no"
    assert set(clean.redacted) >= {"user", "host", "secret", "home path", "registry"}


def test_the_same_run_gives_the_same_words_and_twice_changes_nothing() -> None:
    once = redact(private())
    assert everything(redact(private())) == everything(once)
    assert everything(redact(once)) == everything(once)


def test_outcomes_boxes_steps_and_versions_stay() -> None:
    before, after = private().run, redact(private()).run
    assert [trial.name for trial in after.trials] == [trial.name for trial in before.trials]
    assert after.instructions == before.instructions
    assert [box.server for box in after.boxes] == ["19.03.8", "19.03.8"]
    assert after.trials[0].build == before.trials[0].build
    assert after.started == before.started


def test_a_user_whose_name_is_a_word_of_the_run_blots_nothing_out() -> None:
    # called as the step's file, as a box, as an outcome
    for name in ("bar", "b", "hit", "docker", "echo", "root"):
        said = exchange("b", "x", "ls", cwd=f"/home/{name}/lab-runs", stdout=f"{name} /home/{name}/x\n")
        clean = redact(Evidence(run(trial("a", "b", (HIT, HIT, HIT))), {}, (said,)))
        assert clean.run.instructions == reporting.STEPS
        assert clean.run.trials[0].build == trial("a", "b", (HIT, HIT, HIT)).build
        assert clean.exchanges[0].cwd == "~/lab-runs"
        assert b"/home/" not in clean.exchanges[0].stdout


def test_a_home_of_the_image_is_not_the_users() -> None:
    steps = ("RUN echo foo", "COPY bar /home/node/app", "RUN echo baz")
    said = exchange("b", "x", "ls", stdout="COPY bar /home/node/app; /home/eve/y")
    clean = redact(Evidence(run(trial("a", "b", (HIT, HIT, HIT), steps=steps), steps=steps), {}, (said,)))
    assert clean.run.instructions == steps
    assert clean.exchanges[0].stdout == b"COPY bar /home/node/app; ~/y"


def test_explanations_keep_belonging_to_their_trials() -> None:
    made = trial("alice-laptop", "b", (HIT, reporting.RAN, reporting.RAN))
    said = exchange("b", made.name, "ls", cwd="/home/alice/x")
    explanation = reporting.explained(made)
    [cause] = [step for step in explanation.steps if step.differences]
    steps = tuple(
        replace(step, evidence=("in /home/alice/x",)) if step is cause else step for step in explanation.steps
    )
    clean = redact(Evidence(run(made), {made.name: replace(explanation, steps=steps)}, (said,)))
    found = clean.cause(clean.run.trials[0])
    assert found and found.evidence == ("in ~/x",)


def test_the_sample_loses_only_its_home_and_its_ids() -> None:
    clean = redact(reporting.sample())
    assert set(clean.redacted) == {"home path", "id"}
    assert [trial.build for trial in clean.run.trials] == [trial.build for trial in reporting.sample().run.trials]


def test_a_hostile_run_loses_only_its_terminal_escapes() -> None:
    escapes = "\x1b[2J\x1b]0;pwned\x07"
    wanted = tuple(step.replace(escapes, "") for step in reporting.hostile().run.instructions)
    assert redact(reporting.hostile()).run.instructions == wanted


def test_what_is_known_of_a_run_is_applied_to_any_text() -> None:
    assert redactor_of(private()).text("ssh alice@build7") == "ssh [user-1]@[host-1]"


# --- what a run keeps of contexts


def test_contents_that_a_run_keeps_lose_their_secrets_and_stay_readable() -> None:
    before = reporting.with_contexts()
    clean = redact(before)
    assert "hunter2" not in everything(clean) + repr(clean.contexts) + str(
        [*map(unpacked, clean.run.contents.values())]
    )
    assert len(clean.run.contents) == len(before.run.contents)
    # the run's own form and what reports take from it say the same
    assert gathered(clean.run) == clean.contexts
    name = before.run.trials[1].name
    files = {entry.path: entry for entry in clean.contexts[name]}
    assert files["env"].content == b"API_TOKEN=[secret]\n"
    assert files["env"].xattrs == {"user.from": b"https://[login]@example.org/env"}
    assert files["bar"] == {entry.path: entry for entry in before.contexts[name]}["bar"]


def test_a_record_of_a_foreign_run_may_have_a_checksum_of_any_type() -> None:
    made = reporting.with_contexts()
    key, context = next((key, context) for key, context in made.run.contexts.items() if context.entries)
    rows = tuple({**row, "content_sha256": ["x"]} for row in context.entries)
    odd = context.model_copy(update={"entries": rows})
    evil = made.run.model_copy(update={"contexts": {**made.run.contexts, key: odd}})
    assert redact(replace(made, run=evil)).run.contexts[key].entries == rows


def test_contexts_without_a_secret_stay_as_they_are() -> None:
    before = reporting.with_contexts()
    keep = {key: text for key, text in before.run.contents.items() if b"hunter2" not in unpacked(text)}
    clean = redact(before)
    assert keep.items() <= clean.run.contents.items()


@pytest.mark.parametrize(
    "content",
    [b"", b"not base64!", base64.b64encode(b"no gzip"), base64.b64encode(gzip.compress(bytes(50 << 20), mtime=0))],
)
def test_contents_that_cannot_be_read_are_left_out(content: bytes) -> None:
    made = reporting.with_contexts()
    evil = made.run.model_copy(update={"contents": {**made.run.contents, "0" * 64: content.decode()}})
    assert "0" * 64 not in redact(replace(made, run=evil)).run.contents


def test_a_scripts_contexts_lose_secrets_alone() -> None:
    made = reporting.with_contexts()
    assert redact(made, secrets_only=True).contexts == redact(made).contexts
    evil = replace(
        made, contexts={"x": (file("home", b"/home/alice and me@example.org", xattrs={"user.x": b"alice"}),)}
    )
    [entry] = redact(evil, secrets_only=True).contexts["x"]
    assert entry.content == b"/home/alice and me@example.org"
    [entry] = redact(evil).contexts["x"]
    assert entry.content == b"/home/alice and [email]"
