"""A project's files on a box: what is beside the context, what is compared, and what no record may hold."""

from __future__ import annotations

import base64
import gzip
import itertools
import os
import shutil
import socket
from collections.abc import Iterator
from dataclasses import replace
from hashlib import sha256
from pathlib import Path, PurePosixPath

import pytest

from lab.boxes.local import LocalBox
from lab.boxes.recording import RecordingBox
from lab.boxes.transcript import Transcript, exchanges
from lab.buildkit.contenthash.entry import Chunk, Entry, file
from lab.buildkit.rulebook import Rulebook
from lab.errors import CommandError
from lab.results.contexts import StoredContext, load_context, pack, unpacked
from lab.results.facts import ProjectFacts
from lab.run.gather.door import gather
from lab.run.gather.stream import Listing
from lab.run.own_project.delivery import ProjectDelivery
from lab.run.own_project.project import OwnProject, read_project
from lab.run.own_project.request import Request
from tests.conftest import ROOT
from tests.reporting import run
from tests.repositories import Repository

RULES = Rulebook(ROOT / "boxes").rule_sets
SECRET = "hunter2-and-more"


def project(folder: Path, **options: object) -> OwnProject:
    folder.mkdir(exist_ok=True)
    (folder / "Dockerfile").write_text("FROM alpine\nRUN x\nCOPY . .\n")
    (folder / ".dockerignore").write_text("secret\n.dockerignore\n")
    (folder / "a").write_text("a\n")
    (folder / "secret").write_text(SECRET + "\n")
    return read_project(Request(folder, **options))  # type: ignore[arg-type]


def delivered(
    tmp_path: Path, made: OwnProject, box: LocalBox | RecordingBox | None = None
) -> tuple[ProjectDelivery, Path]:
    """The project on this machine as a box, and the folder of its context there."""
    context = tmp_path / "run/context"
    context.mkdir(parents=True)
    delivery = ProjectDelivery(made, made.dockerfile("base@1"))
    delivery.deliver(box or LocalBox(), PurePosixPath(context), lambda what: None)
    return delivery, context


def listing(context: Path, delivery: ProjectDelivery) -> Listing:
    return gather(LocalBox(), None, PurePosixPath(context), largest=delivery.largest)


def test_the_context_alone(tmp_path: Path) -> None:
    delivery, context = delivered(tmp_path, project(tmp_path / "p"))
    assert sorted(path.name for path in context.iterdir()) == [".dockerignore", "Dockerfile", "a"]
    assert [path.name for path in context.parent.iterdir()] == ["context"]
    found = delivery.received(LocalBox(), listing(context, delivery), changed=False)
    assert {entry.path: entry.content for entry in found.entries if entry.path == "a"} == {"a": b"a\n"}


def test_what_lies_beside_it(tmp_path: Path) -> None:
    other = tmp_path / "other"
    project(other)
    (tmp_path / "D").write_text("FROM alpine\nRUN x\nCOPY --from=more a a\n")
    (tmp_path / "D.dockerignore").write_text("a\n")
    made = project(
        tmp_path / "p",
        file=tmp_path / "D",
        build_contexts=(f"more={other}",),
        secrets=(f"id=t,src={tmp_path / 'p/secret'}",),
        stub_runs=True,
    )
    delivery, context = delivered(tmp_path, made)
    beside = context.parent
    assert (beside / "recipe/Dockerfile").read_text() == made.dockerfile("base@1")
    assert (beside / "recipe/Dockerfile.dockerignore").read_text() == "a\n"
    assert (beside / "contexts/0/a").read_text() == "a\n" and not (beside / "contexts/0/secret").exists()
    secret = beside / "secrets/0"
    assert secret.read_text() == SECRET + "\n"
    assert (secret.stat().st_mode & 0o777, secret.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    delivery.withdraw(LocalBox(), PurePosixPath(context), changed=True)
    assert not secret.parent.exists() and (beside / "recipe").exists()


def later(tmp_path: Path, delivery: ProjectDelivery, context: Path, *, changed: bool) -> tuple[list[str], Path]:
    """What a second side says while it gets the context that the first one has ended with, and its context."""
    delivery.withdraw(LocalBox(), PurePosixPath(context), changed=changed)
    said: list[str] = []
    second = tmp_path / "second/context"
    second.mkdir(parents=True)
    delivery.deliver(LocalBox(), PurePosixPath(second), said.append)
    return said, second


def test_an_unchanged_context_goes_to_the_next_side(tmp_path: Path) -> None:
    made = project(tmp_path / "p", secrets=(f"id=t,src={tmp_path / 'p/secret'}",), stub_runs=True)
    delivery, context = delivered(tmp_path, made)
    identity = (context / "a").stat().st_ino
    said, second = later(tmp_path, delivery, context, changed=False)
    assert said == [] and (second / "a").stat().st_ino == identity and not context.exists()
    assert (second.parent / "recipe/Dockerfile").read_text() == made.dockerfile("base@1")
    assert (second.parent / "secrets/0").read_text() == SECRET + "\n"
    found = delivery.received(LocalBox(), listing(second, delivery), changed=False)
    assert [entry.path for entry in found.entries] == [".dockerignore", "Dockerfile", "a"]


@pytest.mark.parametrize(("changed", "transfer"), [(True, "exact"), (False, "copy")])
def test_another_context_is_sent_again(tmp_path: Path, changed: bool, transfer: str) -> None:
    delivery, context = delivered(tmp_path, project(tmp_path / "p", transfer=transfer))
    said, second = later(tmp_path, delivery, context, changed=changed)
    assert said and (second / "a").read_text() == "a\n" and context.exists()


def test_a_context_that_is_gone_is_sent_again(tmp_path: Path) -> None:
    delivery, context = delivered(tmp_path, project(tmp_path / "p"))
    shutil.rmtree(context)
    said, second = later(tmp_path, delivery, context, changed=False)
    assert said and (second / "a").read_text() == "a\n"


def test_no_record_holds_a_secret(tmp_path: Path) -> None:
    made = project(tmp_path / "p", secrets=(f"id=t,src={tmp_path / 'p/secret'}",))
    (tmp_path / "p/b").write_text(f"password={SECRET}\n")  # a file of the context that holds it too
    made = read_project(made.request)
    transcript = Transcript(tmp_path / "transcript.jsonl", "run")
    box = RecordingBox(LocalBox(), transcript)
    delivery, context = delivered(tmp_path, made, box)
    printed = box.run(["sh", "-c", 'echo "got $(cat ../secrets/0)" >&2; cat ../secrets/0'], cwd=PurePosixPath(context))
    found = delivery.received(box, gather(box, None, PurePosixPath(context), largest=delivery.largest), changed=False)
    transcript.close()
    assert (printed.stdout, printed.stderr) == (b"[t]\n", b"got [t]\n")
    content = (tmp_path / "transcript.jsonl").read_bytes()
    assert SECRET.encode() not in content and len(exchanges(content, "t")) > 3
    kept = {entry.path: entry.content for entry in found.entries}
    assert kept["a"] == b"a\n" and not isinstance(kept["b"], bytes)  # the file is known by its digests alone


NETRC = b"machine git.corp login bob password hunter22secret\n"


def recorded(tmp_path: Path, made: OwnProject, change: str = "true") -> tuple[Listing, bytes]:
    """What is received of a project on a box after a command there, and the transcript of it."""
    transcript = Transcript(tmp_path / "transcript.jsonl", "run")
    box = RecordingBox(LocalBox(), transcript)
    delivery, context = delivered(tmp_path, made, box)
    LocalBox().check(["sh", "-c", change], cwd=PurePosixPath(context), doing="change it")
    found = gather(box, None, PurePosixPath(context), largest=delivery.largest)
    received = delivery.received(box, found, changed=change != "true")
    transcript.close()
    return received, (tmp_path / "transcript.jsonl").read_bytes()


def stored(found: Listing) -> tuple[StoredContext, list[bytes]]:
    """The context as a run stores it, and the contents that the run has."""
    packed = pack(found.entries, found.problem, list(RULES.values()))
    kept = load_context(run(contexts={packed.key: packed.context}, contents=packed.contents), packed.key)
    assert isinstance(kept, StoredContext)
    return kept, [unpacked(text) for text in packed.contents.values()]


def sent_contents(transcript: bytes) -> bytes:
    """All contents that a box has sent."""
    parts = []
    for exchange in exchanges(transcript, "t"):
        lines = exchange.stdout.split(b"\n")
        parts += [
            gzip.decompress(base64.b64decode(text)) for name, text in itertools.pairwise(lines) if name == b"contents"
        ]
    return b"".join(parts)


@pytest.mark.parametrize("name", [".netrc", "deep/.htpasswd", "deploy.pem", ".env"])
@pytest.mark.parametrize("way", ["exact", "copy"])
def test_no_run_stores_a_file_with_the_name_of_a_secret(tmp_path: Path, name: str, way: str) -> None:
    folder = tmp_path / "p"
    project(folder)
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).write_bytes(NETRC)
    (folder / "copy.txt").write_bytes(NETRC)
    (folder / "first").write_bytes(NETRC + b"# linked\n")
    (folder / "second.key").hardlink_to(folder / "first")
    (folder / "empty").touch()
    (folder / "secrets").mkdir()
    found, transcript = recorded(tmp_path, read_project(Request(folder, transfer=way)))
    assert sent_contents(transcript) == b"" and b"hunter22" not in transcript
    context, contents = stored(found)
    assert not [content for content in contents if b"hunter22" in content] and b"a\n" in contents
    rows = {entry.path: entry for entry in context.objects}
    assert (rows[name].size, rows[name].sha256) == (len(NETRC), sha256(NETRC).hexdigest())
    assert [path for path, entry in rows.items() if entry.chunks() is None] == sorted(
        [name, "copy.txt", "first"] + ([] if way == "exact" else ["second.key"]), key=lambda path: path.split("/")
    )
    # each rule set gives the digest that it gives of the files themselves
    for rules in RULES.values():
        whole = [replace(entry, content=_bytes(entry)) for entry in found.entries]
        assert context.tree(rules).own[name] == StoredContext(tuple(whole), {}).tree(rules).own[name]


def _bytes(entry: Entry) -> bytes:
    return b"".join(bytes(chunk) for chunk in entry.chunks() or ())


def test_no_run_stores_a_secret_that_a_step_has_made(tmp_path: Path) -> None:
    made = project(tmp_path / "p")
    found, _ = recorded(tmp_path, made, f"printf %s {NETRC.decode().split()[-1]} > .env.local")
    context, contents = stored(found)
    assert not [content for content in contents if b"hunter22" in content]
    own = {entry.path: entry for entry in context.objects}[".env.local"]
    assert own.chunks() is None and context.tree(RULES["R1"]).own[".env.local"]


def test_a_checkout_may_have_secrets_that_docker_does_not_send(tmp_path: Path) -> None:
    repository = Repository(tmp_path / "p")
    repository.write("Dockerfile", b"FROM alpine\nRUN x\nCOPY . .\n")
    repository.write(".dockerignore", b".netrc\n.git\n")
    repository.write(".netrc", NETRC)
    repository.commit()
    made = read_project(Request(repository.folder, transfer="checkout"))
    assert ".netrc" not in {entry.path for entry in made.objects}
    found, transcript = recorded(tmp_path, made)
    assert sent_contents(transcript) == b"" and b"hunter22" not in transcript
    context, contents = stored(found)
    packs = [entry for entry in context.objects if entry.path.startswith(".git/objects/")]
    assert packs and not [entry for entry in packs if entry.size and isinstance(entry.content, bytes)]
    assert not [content for content in contents if b"hunter22" in content] and b".netrc\n.git\n" in contents


def test_an_ignore_file_is_stored_whatever_its_name(tmp_path: Path) -> None:
    folder = tmp_path / "p"
    project(folder)
    (folder / "secret.dockerignore").write_text("b\n")
    (folder / ".dockerignore").write_text("")
    _, contents = stored(recorded(tmp_path, read_project(Request(folder)))[0])
    assert b"b\n" in contents


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda context: (context / "a").chmod(0o600), "mode 0644 here, 0600 there"),
        (lambda context: (context / "a").unlink(), "it is missing"),
        (lambda context: (context / "a").write_text("b\n"), "content "),
        (lambda context: os.utime(context / "a", (5, 5)), "time "),
        (lambda context: os.setxattr(context / "a", "user.y", b"1"), "user.y"),
    ],
)
def test_a_difference_is_an_error_unless_a_step_made_it(tmp_path: Path, change: object, words: str) -> None:
    made = project(tmp_path / "p")
    (tmp_path / "p/a").chmod(0o644)
    made = read_project(made.request)
    delivery, context = delivered(tmp_path, made)
    change(context)  # type: ignore[operator]
    with pytest.raises(
        CommandError, match=r"cannot send the context exactly to local: it differs there: a \("
    ) as caught:
        delivery.received(LocalBox(), listing(context, delivery), changed=False)
    assert words in caught.value.message
    delivery.received(LocalBox(), listing(context, delivery), changed=True)


def test_another_way_is_not_compared(tmp_path: Path) -> None:
    made = project(tmp_path / "p", transfer="copy")
    delivery, context = delivered(tmp_path, made)
    assert (context / "a").stat().st_mtime != (tmp_path / "p/a").stat().st_mtime
    assert delivery.received(LocalBox(), listing(context, delivery), changed=False).entries
    broken = replace(listing(context, delivery), problem="no find")
    assert delivery.received(LocalBox(), broken, changed=False) is broken


def test_a_file_that_is_not_stored_is_known_by_its_digests_and_read_once() -> None:
    read: list[str] = []

    def content() -> Iterator[Chunk]:
        read.append("a")
        yield b"abc"

    rules = list(Rulebook(ROOT / "boxes").rule_sets.values())
    entry = Entry("a", size=3, content=content, sha256=sha256(b"abc").hexdigest())
    known: dict[tuple[bytes, str], str] = {}
    packed = pack([entry], None, rules, known=known)
    assert packed.contents == {} and packed == pack([entry], None, rules, known=known)
    assert read == ["a"]
    stored = pack([replace(entry, content=b"abc")], None, rules)
    contexts = {item.key: item.context for item in (packed, stored)}
    made = run(contexts=contexts, contents=stored.contents)
    for item in rules:
        roots = [load_context(made, key) for key in contexts]
        digests = {root.tree(item).own["a"] for root in roots if isinstance(root, StoredContext)}
        assert len(digests) == 1


def test_an_ignore_file_beside_the_dockerfile_decides_what_was_sent() -> None:
    packed = pack([file("a", b"a"), file("b", b"b"), file(".dockerignore", b"b\n")], None, [])
    facts = ProjectFacts(folder="/p", dockerfile="/D", objects=1, bytes=1, way="exact", sent="exact")
    for ignore, sent in ((None, [".dockerignore", "a"]), ("a\n", [".dockerignore", "b"])):
        project_run = run(
            contexts={packed.key: packed.context},
            contents=packed.contents,
            project=facts.model_copy(update={"ignore": ignore}),
        )
        context = load_context(project_run, packed.key)
        assert isinstance(context, StoredContext) and [entry.path for entry in context.sent_objects] == sent


def test_a_file_is_read_once_for_its_bytes_and_its_sum(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "p"
    project(folder)
    (folder / "empty").write_bytes(b"")
    delivery, context = delivered(tmp_path, read_project(Request(folder)))
    found = listing(context, delivery)
    for path in folder.iterdir():
        path.unlink()  # what is compared and stored later comes from what was sent
    assert len(delivery.received(LocalBox(), found, changed=False).entries) == len(found.entries)


class NoForwarding(LocalBox):
    """A box that gives its commands no agent."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[bool] = []

    def forward_agent(self, on: bool) -> None:
        self.asked.append(on)


def test_the_agent_is_forwarded_while_a_side_builds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket(socket.AF_UNIX) as agent:
        monkeypatch.chdir(tmp_path)  # the address of a socket is short
        agent.bind("agent")
        monkeypatch.setenv("SSH_AUTH_SOCK", str(tmp_path / "agent"))
        box = NoForwarding()
        delivery, context = delivered(tmp_path, project(tmp_path / "p", ssh=("default",)), box)
        assert box.asked == [True]
        delivery.withdraw(box, PurePosixPath(context), changed=False)
        assert box.asked == [True, False]


def test_a_box_without_an_agent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSH_AUTH_SOCK", str(tmp_path / "none"))
    made = project(tmp_path / "p", ssh=("default",))
    with pytest.raises(CommandError, match="cannot forward your ssh agent to local") as caught:
        delivered(tmp_path, made, NoForwarding())
    assert "AllowAgentForwarding" in str(caught.value.hint)
