"""Two real machines from nothing: they come up and run. The tests of this folder run in the order they stand in."""

from __future__ import annotations

import hashlib
import json
import shutil
import signal
import subprocess
import time
from contextlib import ExitStack
from pathlib import Path, PurePosixPath

import pytest

from lab.boxes.base import Box, Result
from lab.boxes.kinds.table import open_box
from lab.boxes.local import LocalBox
from lab.engines.ensure import ensure
from lab.engines.kinds.static import StaticSpec
from lab.engines.stock import Stock
from lab.errors import BoxError, EngineError
from lab.machines.catalog import Catalog
from lab.project import find
from lab.registry import inside, server
from lab.registry.credentials import Credentials
from lab.registry.server import Registry
from lab.results.run import find as newest
from lab.results.run import load
from lab.run.client_login import logged_in
from lab.workers import wait_for
from tests.conftest import HANGS, Lab
from tests.repositories import Repository

pytestmark = [pytest.mark.vm, pytest.mark.machines, pytest.mark.story, pytest.mark.timeout(2 * HANGS)]
BOXES = ("debian12-apparmor", "debian12-selinux")
HIT, RAN = "hit", "ran"


def test_up_brings_both_boxes_up_and_proves_their_engine(checkout: Lab) -> None:
    said = checkout.ok("up", "--lineup", "debian")
    both = "Docker 20.10.24+dfsg1, Docker 20.10.24+dfsg1-unfixed"
    assert said.out.splitlines() == [f"{name}: up, {both}" for name in BOXES]
    rows = {row["box"]: row for row in checkout.ok("status", "--json").json["boxes"]}
    assert {name: rows[name]["state"] for name in BOXES} == dict.fromkeys(BOXES, "running")


def test_up_again_asks_no_vagrant(checkout: Lab) -> None:
    start = time.time()
    checkout.ok("up", "--lineup", "debian")
    logs = [checkout.root / ".lab" / "logs" / f"{name}.log" for name in BOXES]
    assert all(log.stat().st_mtime < start for log in logs)


def test_host_keys_are_per_box_and_checked(checkout: Lab, selinux_box: Box) -> None:
    known = {name: checkout.root / ".lab" / "machines" / f"{name}.known_hosts" for name in BOXES}
    keys = {name: path.read_text().split()[2] for name, path in known.items()}
    assert keys[BOXES[0]] != keys[BOXES[1]]
    mine = known["debian12-selinux"]
    before = mine.read_text()
    mine.write_text(before.replace(keys["debian12-selinux"], keys["debian12-apparmor"]))
    try:
        with pytest.raises(BoxError, match="cannot trust debian12-selinux"):
            selinux_box.run(["true"])
    finally:
        mine.write_text(before)
    assert selinux_box.run(["true"]).ok


def test_the_boxes_are_what_their_files_say(selinux_box: Box) -> None:
    label = selinux_box.check(["sh", "-c", "echo bar > bar && ls -Z bar && rm bar"], doing="look at a label").text
    assert label.split()[0] == "unconfined_u:object_r:user_home_t:s0"
    assert selinux_box.run(["cat", "/sys/fs/selinux/enforce"]).text == "0"
    assert selinux_box.run(["test", "-d", "/sys/fs/cgroup/memory"]).ok, "cgroup v1 is wanted"
    authorized = selinux_box.run(["cat", ".ssh/authorized_keys"]).text
    assert "vagrant insecure public key" not in authorized


def test_exec_gives_the_commands_output_and_status(checkout: Lab) -> None:
    assert checkout.run("exec", "debian12-selinux", "--", "sh", "-c", "echo out; exit 7").code == 7
    said = checkout.ok("exec", "all", "--json", "--", "hostname")
    assert [row["stdout"] for row in said.json["results"]] == list(BOXES)


def test_the_default_run_is_the_bug_reports_table(checkout: Lab, tmp_path: Path) -> None:
    said = checkout.ok("repro", "--lineup", "debian", "--json")
    run = said.json
    assert run["complete"] is True
    seen = {
        (trial["engine"], trial["producer"], trial["consumer"], trial["variation"]): (
            trial["build"]["context_bytes"],
            [step["outcome"] for step in trial["build"]["steps"]],
            trial["verdict"],
        )
        for trial in run["trials"]
    }
    fixed, unfixed = "20.10.24", "20.10.24-unfixed"
    # 34 bytes for `bar` alone, 59 more for a 37-byte security.selinux (the facts' arithmetic)
    sent = {BOXES[0]: 34, BOXES[1]: 93}
    everything = {
        (engine, producer, consumer, "none") for engine in (fixed, unfixed) for producer in BOXES for consumer in BOXES
    }
    # the bug report: only without the fix, and only where one end labels its files
    missed = {(unfixed, BOXES[0], BOXES[1], "none"), (unfixed, BOXES[1], BOXES[0], "none")}
    assert seen == {
        key: (
            sent[key[2]],
            [HIT, RAN, RAN] if key in missed else [HIT, HIT, HIT],
            "as expected",
        )
        for key in everything
    }
    sums = {(box["name"], box["engine"]): box["sums"] for box in run["boxes"]}
    assert sums[BOXES[0], unfixed]["docker"] == sums[BOXES[0], fixed]["docker"]  # one client serves both
    assert sums[BOXES[0], unfixed]["dockerd"] != sums[BOXES[0], fixed]["dockerd"]
    assert sums[BOXES[0], unfixed] == sums[BOXES[1], unfixed]
    folder = checkout.root / "results" / run["name"]
    assert max(len(line) for line in (folder / "table.txt").read_text().splitlines()) <= 100
    assert load(folder).as_expected
    entries = [json.loads(line) for line in (folder / "transcript.jsonl").read_text().splitlines()]
    asked = {(entry["box"], tuple(entry["argv"][1:])) for entry in entries[1:] if entry["argv"][0] == "docker"}
    for name in BOXES:
        assert {(name, ("version",)), (name, ("info",)), (name, ("system", "prune", "-a", "-f"))} <= asked
    left = checkout.ok("exec", "all", "--json", "--", "sh", "-c", "test ! -e lab-runs").json["results"]
    assert [row["exit"] for row in left] == [0, 0]


def test_the_script_of_a_run_does_it_again_with_docker_alone(checkout: Lab, selinux_box: Box, tmp_path: Path) -> None:
    """What a maintainer without Vagrant runs: the bug report's miss, by a script on either box and nothing of lab."""
    project = find()
    maker, maker_box = BOXES[0], open_box(Catalog(project.boxes).box(BOXES[0]), project)
    unfixed, scripts = "20.10.24-unfixed", tmp_path / "scripts"
    one_bust(newest(project.results, None), tmp_path / "one", maker, BOXES[1], unfixed)
    checkout.ok("report", str(tmp_path / "one"), "--format", "sh", "--output", f"{scripts}/")
    env = {"LAB_PRUNE": "yes", "DOCKER_HOST": f"unix:///run/lab-docker-{unfixed}/docker.sock"}
    boxes = [maker_box, selinux_box]
    with ExitStack() as stack:
        store = stack.enter_context(server.serve(None, None, lambda event: None))
        stack.enter_context(server.doors(store, boxes))
        logins = {box.name: stack.enter_context(logged_in(box, store)) for box in boxes}
        for box in boxes:
            [script] = scripts.glob(f"*-{box.name}.sh")
            box.put(script, PurePosixPath("/tmp/repro.sh"))
        pushed = maker_box.run(["sh", "/tmp/repro.sh", store.prefix], env={**env, **logins[maker]})
        assert (pushed.exit, last(pushed)) == (0, "pushed; now run the parts of the hosts that rebuild"), pushed.output
        login = logins[selinux_box.name]
        again = selinux_box.run(["sh", "/tmp/repro.sh", store.prefix], env={**env, **login})
        assert (again.exit, last(again)) == (0, "reproduced: all 3 steps have the outcome of the run"), again.output
        assert "  context sent: 93B in the run, 93B here" in again.text.splitlines()
        # the box's own Docker has the fix, and the script says what became of the bug there
        fixed = selinux_box.run(["sh", "/tmp/repro.sh", store.prefix], env={"LAB_PRUNE": "yes", **login})
        assert (fixed.exit, last(fixed)) == (1, "NOT reproduced: 2 of 3 steps have another outcome"), fixed.output
        assert "  DIFFERS  in the run ran      here hit      COPY bar bar" in fixed.text.splitlines()
    left = selinux_box.run(["sh", "-c", "rm /tmp/repro.sh; ls -d ~/lab-repro.*"])
    assert left.stdout == b"", left.text
    maker_box.run(["rm", "/tmp/repro.sh"])
    maker_box.close()


def one_bust(run: Path, folder: Path, producer: str, consumer: str, engine: str) -> None:
    """A stored run of one trial out of a larger one: the rest of it would take minutes more."""
    folder.mkdir()
    shutil.copy(run / "transcript.jsonl", folder)
    data = json.loads((run / "run.json").read_text())
    for field, wanted in (
        ("productions", {"producer": producer, "engine": engine}),
        ("trials", {"producer": producer, "consumer": consumer, "engine": engine, "variation": "none"}),
    ):
        data[field] = [item for item in data[field] if wanted.items() <= item.items()]
        assert len(data[field]) == 1
    (folder / "run.json").write_text(json.dumps(data))


def last(result: Result) -> str:
    """The last line that a command printed on its standard output."""
    return result.stdout.decode().rstrip().rpartition("\n")[2]


def test_a_trial_that_starts_from_a_snapshot_has_the_outcome_of_one_after_a_prune(checkout: Lab) -> None:
    """The trial with the miss of the run above, which starts clean by a prune."""
    words = ["--engine", "20.10.24-unfixed", "--producer", BOXES[0], "--consumer", BOXES[1], "--variation", "none"]
    pruned = {trial.name: trial for trial in load(newest(find().results, None)).trials}
    said = checkout.ok("repro", "--lineup", "debian", *words, "--fresh", "snapshot", "--keep")
    folder = newest(find().results, None)
    [trial] = load(folder).trials
    assert load(folder).fresh == "snapshot"
    before = pruned[trial.name]
    assert trial.build and before.build
    assert [step.outcome for step in trial.build.steps] == [step.outcome for step in before.build.steps]
    assert (trial.build.context_bytes, trial.verdict) == (before.build.context_bytes, before.verdict)
    entries = [json.loads(line) for line in (folder / "transcript.jsonl").read_text().splitlines()][1:]
    pruning = [entry["box"] for entry in entries if "prune" in entry["argv"]]
    assert pruning == [BOXES[0]]  # the sequence has one, which is the producer's
    # --keep: the consumer has its folder until it is removed; the producer went back to a state without it
    assert "down --leftovers" in said.out
    assert f"{BOXES[1]}:/home/vagrant/lab-runs/{folder.name}" in checkout.ok("down", "--leftovers").out


# What a student does to a box, and what then no longer works.
BREAKING = {
    "no Docker": ("rm -rf /usr/bin/docker /var/lib/docker", "! command -v docker"),
    "a full disk": (  # dd takes what fallocate leaves, which is root's own share
        "fallocate -l $(df --output=avail -B1 / | tail -n 1) /full; dd if=/dev/zero of=/more bs=1M; sync",
        "test $(df --output=avail / | tail -n 1) -lt 1024",
    ),
    "a wrong clock": ("date -s @1000000000", "test $(date +%s) -lt 1100000000"),
}


@pytest.mark.parametrize("breaking", BREAKING)
def test_reset_repairs_a_box_that_was_broken(breaking: str, checkout: Lab, selinux_box: Box) -> None:
    script, broken = BREAKING[breaking]
    selinux_box.run(["sudo", "-n", "sh", "-c", script])
    assert selinux_box.run(["sh", "-c", broken]).ok
    reset(checkout, selinux_box)
    assert selinux_box.check(["docker", "version"], doing="ask its Docker")
    selinux_box.check(["sudo", "-n", "sh", "-c", "test ! -e /full && echo x > /more"], doing="write to the disk")
    assert_the_time_is_right(selinux_box)


def assert_the_time_is_right(box: Box) -> None:
    """The box was asked between two looks at this machine's clock, and may differ from it by 10 s."""
    before = time.time()
    found = int(box.check(["date", "+%s"], doing="ask for the time").text)
    assert before - 10 < found < time.time() + 10


def test_reset_repairs_a_box_whose_ssh_was_stopped(checkout: Lab, selinux_box: Box) -> None:
    breaking = "sleep 1; systemctl stop ssh.socket ssh"
    checkout.run("exec", "debian12-selinux", "--", "sudo", "-n", "systemd-run", "sh", "-c", breaking)
    wait_for("ssh to end", lambda: not answers(selinux_box) or "it answers", timeout=120, every=1)
    reset(checkout, selinux_box)
    assert answers(selinux_box)


def reset(checkout: Lab, box: Box) -> None:
    """Set the box back to its first state, which knows nothing of a connection that was open before."""
    [row] = checkout.ok("reset", "debian12-selinux", "--json").json["boxes"]
    assert row["snapshot"] == "lab-pristine"
    box.close()


def answers(box: Box) -> bool:
    """True if a command runs on the box over a new connection."""
    box.close()
    try:
        return box.run(["true"], timeout=20).ok
    except BoxError:
        return False


def test_an_outcome_that_differs_ends_with_4(checkout: Lab, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong"
    shutil.copytree(checkout.root / "templates" / "scenarios" / "copy-bust", wrong)
    text = (wrong / "scenario.yaml").read_text()
    (wrong / "scenario.yaml").write_text(text.replace("expect: [hit, ran, ran]\n", "expect: [hit, hit, hit]\n"))
    words = ["--producer", "debian12-apparmor", "--consumer", "debian12-apparmor", "--variation", "user-xattr"]
    said = checkout.run("repro", str(wrong), "--lineup", "debian", "--engine", "20.10.24", *words)
    assert said.code == 4, said.err
    assert "missed at COPY bar bar, not expected" in " ".join(said.out.split())


OWN = """\
FROM busybox AS build
COPY src src
RUN mkdir -p out && cat src/* > out/all
FROM busybox
COPY --from=build /out/all /all
COPY . /app
"""


def test_a_project_of_ones_own_goes_to_both_boxes(checkout: Lab, tmp_path: Path) -> None:
    """A project with a RUN and two stages; the boxes have no git, which `checkout` needs."""
    repository = Repository(tmp_path / "app")
    repository.write("Dockerfile", OWN.encode())
    repository.write(".dockerignore", b".git\n")
    repository.write("src/a", b"a\n", 0o666)
    repository.commit()
    words = ["--context", str(repository.folder), "--base", "*=busybox", "--lineup", "debian", "--engine", "20.10.24"]
    words += ["--producer", BOXES[0], "--consumer", BOXES[1], "--json"]
    names = []
    for way in ("exact", "copy"):
        run = checkout.run("repro", *words, "--transfer", way).json
        names.append(run["name"])
        assert {trial["verdict"] for trial in run["trials"]} == {"as expected"}, run["trials"]
        assert {trial["consumer"] for trial in run["trials"]} == set(BOXES)  # the control is on the producer
        modes = {entry["path"]: entry["mode_octal"] for item in run["contexts"].values() for entry in item["entries"]}
        assert modes["src/a"] == ("0666" if way == "exact" else "0644")
    said = checkout.run("repro", *words, "--transfer", "checkout")
    assert said.code == 6, said.err
    problems = {trial["problem"] for trial in said.json["trials"]}
    assert any("git is not installed there" in problem for problem in problems), problems
    gone = " && ".join(f"test ! -e lab-runs/{name}" for name in [*names, said.json["name"]])
    left = checkout.ok("exec", "all", "--json", "--", "sh", "-c", gone).json["results"]
    assert [row["exit"] for row in left] == [0, 0]


def test_ctrl_c_during_a_run_keeps_what_it_has(checkout: Lab) -> None:
    before = set((checkout.root / "results").iterdir())
    process = checkout.start("repro", "--lineup", "debian", "--verbose")
    assert process.stderr
    for line in process.stderr:
        if line.endswith(": build\n"):
            break
    process.send_signal(signal.SIGINT)
    _, rest = process.communicate(timeout=HANGS)
    assert process.returncode == 130, rest
    [folder] = set((checkout.root / "results").iterdir()) - before
    run = load(folder)
    assert not run.complete
    assert run.boxes
    assert "incomplete" in (folder / "table.txt").read_text()
    checkout.ok("up", "--lineup", "debian")


def test_a_static_engine_runs_beside_the_boxes_own(selinux_box: Box, tmp_path: Path) -> None:
    # the archive's layout is Docker's; its programs are Debian's, since Docker's site is out of reach here
    archive = docker_archive(tmp_path)
    sha256 = hashlib.sha256(archive.read_bytes()).hexdigest()
    spec = StaticSpec(name="static-test", version="20.10.24", url=archive.as_uri(), sha256=sha256)
    heard: list[str] = []
    stock = Stock({}, tmp_path, tmp_path / "cache", LocalBox())
    engine = ensure(selinux_box, spec, stock, lambda event: heard.append(event.what))
    assert engine.server == "20.10.24+dfsg1"
    assert engine.docker[-1] == "unix:///run/lab-docker-static-test/docker.sock"
    roots = {
        selinux_box.check([*docker, "info", "--format", "{{.DockerRootDir}}"], doing="ask for the data-root").text
        for docker in (engine.docker, ("docker",))
    }
    assert roots == {"/var/lib/lab/static-test/docker", "/var/lib/docker"}
    show = ["systemctl", "show", "--property=MainPID", "--value", "lab-docker-static-test"]
    before = selinux_box.check(show, doing="ask for the daemon").text
    selinux_box.check(engine.restart, doing="restart the daemon")  # as the step `restart` does
    wait_for("the engine", lambda: selinux_box.run(engine.ping).ok or "no answer", timeout=60, every=0.5)
    assert selinux_box.check(show, doing="ask for the daemon").text != before
    wrong = StaticSpec(name="static-test", version="19.03.8", url=archive.as_uri(), sha256=sha256)
    with pytest.raises(EngineError, match=r"its Docker is 20\.10\.24\+dfsg1, the pinned engine is static-test"):
        ensure(selinux_box, wrong, stock, lambda event: None)
    selinux_box.run(["sudo", "-n", "systemctl", "stop", "lab-docker-static-test"])


def test_a_registry_can_run_inside_a_box(selinux_box: Box) -> None:
    """For a host with neither a registry program nor Docker; the host and the other boxes reach it on loopback."""
    project = find()
    other = open_box(Catalog(project.boxes).box("debian12-apparmor"), project)
    program = inside.program_of(selinux_box, server.PROGRAMS)
    assert program == "docker-registry"
    ask = ["bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/5017; printf 'GET /v2/ HTTP/1.0\\r\\n\\r\\n' >&3; head -1 <&3"]
    credentials = Credentials.random()
    with inside.inside(selinux_box, program, 5017, credentials):
        store = Registry("localhost:5017", "in debian12-selinux", 5017, "debian12-selinux", credentials)
        with server.doors(store, [selinux_box, other]):
            assert store.problem() is None
            for box in (selinux_box, other):  # who does not know the password may not come in
                assert box.run(ask).text.strip().endswith("401 Unauthorized")
    assert not selinux_box.run(ask).ok
    other.close()


def test_an_engine_that_dies_leaves_its_last_words(checkout: Lab, selinux_box: Box) -> None:
    process = checkout.start(
        *("repro", "--lineup", "debian", "--verbose", "--engine", "20.10.24-unfixed", "--variation", "none"),
        *("--producer", "debian12-selinux", "--consumer", "debian12-selinux"),
    )
    assert process.stderr
    for line in process.stderr:
        if line.endswith(": build\n"):
            break
    selinux_box.check(["sudo", "-n", "systemctl", "kill", "-s", "KILL", "lab-docker-20.10.24-unfixed"], doing="kill it")
    out, rest = process.communicate(timeout=HANGS)
    assert process.returncode == 7, rest  # the engine's fault, and no outcome
    shown = " ".join(out.split())
    assert "debian12-selinux (20.10.24-unfixed) pushed no image: cannot build the image" in shown
    assert "the end of its log:" in shown
    assert checkout.ok("up", "--lineup", "debian").out.count("20.10.24+dfsg1-unfixed") == 2


def test_suspended_boxes_wake_with_the_right_time(checkout: Lab, selinux_box: Box) -> None:
    checkout.ok("suspend", "--lineup", "debian")
    states = {row["box"]: row["state"] for row in checkout.ok("status", "--json").json["boxes"]}
    assert states == dict.fromkeys(BOXES, "suspended")
    start = time.time()
    checkout.ok("up", "--lineup", "debian")
    logs = [checkout.root / ".lab" / "logs" / f"{name}.log" for name in BOXES]
    assert all(log.stat().st_mtime < start for log in logs)  # libvirt resumes them without Vagrant
    assert_the_time_is_right(selinux_box)


def docker_archive(folder: Path) -> Path:
    """An archive as Docker's static ones, made of the programs in Debian's packages."""

    def run(*argv: str) -> None:
        subprocess.run(argv, cwd=folder, check=True, capture_output=True)

    run("apt-get", "update")
    run("apt-get", "download", "docker.io", "containerd", "runc")
    for package in folder.glob("*.deb"):
        run("dpkg-deb", "-x", package.name, "tree")
    (folder / "docker").mkdir()
    for name in ("docker", "dockerd", "docker-proxy", "containerd", "containerd-shim-runc-v2", "runc"):
        program = next(path for path in folder.glob(f"tree/usr/*bin/{name}") if path.is_file())
        shutil.copy(program, folder / "docker" / name)
    run("tar", "-czf", "docker.tgz", "docker")
    return folder / "docker.tgz"
