"""Boxes, lineups and engines: those of the repository match the bug report, and wrong files are refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.boxes.kinds.local import LocalSpec
from lab.boxes.kinds.ssh import SshSpec
from lab.boxes.specs import BoxSpec
from lab.boxes.vagrant_spec import Image, VagrantSpec
from lab.engines.kinds.static import StaticSpec
from lab.errors import ConfigError, UsageError
from lab.machines.catalog import Catalog, Lineup
from tests.conftest import ROOT

OWN = ROOT / "boxes"
SUM = "0" * 64
ENGINES = f"""\
engines:
  - {{name: "1.0", version: "1.0", kind: static, url: "http://localhost/d.tgz", sha256: "{SUM}"}}
  - {{name: installed, kind: installed}}
"""
LOCAL = "name: here\nsummary: this machine\nkind: local\nengines: [installed]\n"
GUEST = "name: guest\nsummary: a guest\nkind: vagrant\nengines: ['1.0']\nproviders: {libvirt: {box: a/b}}\n"


def catalog(folder: Path, **files: str) -> Catalog:
    """A folder of box files; a name that begins with `lineup_` goes to lineups/."""
    (folder / "lineups").mkdir()
    for name, text in {"engines": ENGINES, **files}.items():
        place = folder / "lineups" if name.startswith("lineup_") else folder
        (place / f"{name.removeprefix('lineup_')}.yaml").write_text(text, encoding="utf-8")
    return Catalog(folder)


def spec(boxes: Catalog, name: str) -> VagrantSpec:
    found = boxes.box(name)
    assert isinstance(found, VagrantSpec)
    return found


# --- the repository's own


def test_centos_is_the_bug_reports() -> None:
    box = spec(Catalog(OWN), "centos7")
    assert (box.memory, box.cpus, box.engines, box.optional) == (512, 1, ("19.03.8",), False)
    image = Image(box="centos/7", version="2004.01")
    assert box.providers == {"virtualbox": image, "libvirt": image}
    assert box.recipe is None


def test_ubuntu_is_the_bug_reports() -> None:
    box = spec(Catalog(OWN), "ubuntu1804")
    assert (box.memory, box.cpus, box.engines) == (1024, 1, ("19.03.8",))
    assert box.providers["virtualbox"] == Image(box="bento/ubuntu-18.04", version="201910.21.0")
    assert box.providers["libvirt"] == Image(box="generic/ubuntu1804")


def test_the_engine_is_the_bug_reports_and_pinned() -> None:
    engine = Catalog(OWN).engines["19.03.8"]
    assert isinstance(engine, StaticSpec)
    assert engine.version == "19.03.8"
    assert engine.url == "https://download.docker.com/linux/static/stable/x86_64/docker-19.03.8.tgz"
    assert engine.sha256 == "7f4115dc6a3c19c917f8b9664d7b51c904def1c984e082c4600097433323cf6f"


def test_the_embedded_boxes_take_the_same_docker_and_one_labels_its_files() -> None:
    boxes = Catalog(OWN)
    selinux, apparmor = spec(boxes, "debian12-selinux"), spec(boxes, "debian12-apparmor")
    assert selinux.recipe == apparmor.recipe == "debian12"
    assert selinux.engines == apparmor.engines == ("20.10.24", "20.10.24-unfixed")
    assert selinux.at_hand == apparmor.at_hand == ("19.03.8",)
    assert boxes.engines["20.10.24"].kind == "distro"
    assert boxes.engines["20.10.24"].version == "20.10.24"


def test_the_lineups_hold_what_their_names_say() -> None:
    lineups = Catalog(OWN).lineups
    assert {name: lineup.boxes for name, lineup in lineups.items()} == {
        "gist": ("centos7", "ubuntu1804", "local-docker"),
        "debian": ("debian12-apparmor", "debian12-selinux"),
        "local": ("local",),
        "releases": ("debian11", "debian12-apparmor", "debian13", "debian-forky"),
    }
    assert {lineup.scenario for lineup in lineups.values()} == {"copy-bust"}


def test_this_machine_is_an_optional_row_with_the_docker_it_has() -> None:
    box = Catalog(OWN).box("local-docker")
    assert isinstance(box, LocalSpec)
    assert (box.optional, box.engines, box.private) == (True, ("installed",), ())


def test_this_machine_alone_runs_engines_of_labs_own() -> None:
    box = Catalog(OWN).box("local")
    assert isinstance(box, LocalSpec)
    assert (box.optional, box.private) == (False, ("20.10.24", "20.10.24-unfixed"))


# --- kinds


def test_a_host_that_exists_already(tmp_path: Path) -> None:
    text = "name: farm\nsummary: s\nkind: ssh\nengines: [installed]\nhost: farm.lan\nuser: me\nkey: ~/.ssh/farm\n"
    box = catalog(tmp_path, farm=text).box("farm")
    assert isinstance(box, SshSpec)
    assert (box.host, box.user, box.port, box.key) == ("farm.lan", "me", 22, Path("~/.ssh/farm"))


def test_defaults_of_a_machine(tmp_path: Path) -> None:
    box = spec(catalog(tmp_path, guest=GUEST), "guest")
    assert (box.memory, box.cpus, box.boot_timeout, box.recipe, box.optional) == (1024, 1, 300, None, False)


# --- what is wrong


def boxes_refused(folder: Path, **files: str) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        _ = catalog(folder, **files).boxes
    return caught.value


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (LOCAL.replace("local", "locl"), "cannot use F/here.yaml: kind is 'locl' (did you mean \"local\"?)"),
        (LOCAL.replace("kind: local", "kind: 7"), "cannot use F/here.yaml: kind is 7"),
        (LOCAL.replace("kind: local", "sort: local"), "cannot use F/here.yaml: kind is None"),
        (
            LOCAL.replace("name: here", "name: there"),
            'cannot use F/here.yaml: its name is "there", but the file is named "here"',
        ),
        (
            LOCAL + "host: x\n",
            "cannot use F/here.yaml: line 5: unknown key host"
            " (known keys: name, summary, kind, engines, at_hand, optional, private)",
        ),
        (LOCAL + "option: true\n", 'cannot use F/here.yaml: line 5: unknown key option (did you mean "optional"?)'),
        (LOCAL.replace("summary: this machine\n", ""), "cannot use F/here.yaml: summary is missing"),
        (
            LOCAL.replace("[installed]", "[instaled]"),
            'cannot find the engine "instaled" of box here (did you mean "installed"?)',
        ),
    ],
)
def test_a_wrong_box_file_is_refused(tmp_path: Path, text: str, message: str) -> None:
    assert boxes_refused(tmp_path, here=text).message.replace(str(tmp_path), "F") == message


def test_the_known_kinds_and_engines_are_the_hint(tmp_path: Path) -> None:
    assert boxes_refused(tmp_path, here=LOCAL.replace("local", "vm")).hint == "known kind names: vagrant, ssh, local"
    (tmp_path / "here.yaml").write_text(LOCAL.replace("installed", "x"), encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        _ = Catalog(tmp_path).boxes
    assert caught.value.hint == "known engine names: 1.0, installed"


def test_a_list_is_no_box(tmp_path: Path) -> None:
    message = boxes_refused(tmp_path, here="- name: here\n").message
    assert message == f"cannot read {tmp_path / 'here.yaml'}: expected a mapping, got a list"


@pytest.mark.parametrize(
    ("old", "new", "part"),
    [
        ("{box: a/b}", "{bx: a/b}", 'unknown key providers.libvirt.bx (did you mean "box"?)'),
        ("{box: a/b}", "{}", "providers.libvirt.box is missing"),
        ("{box: a/b}", "{box: a/b, version: 2004.01}", "providers.libvirt.version: Input should be a valid string"),
        ("libvirt:", "vmware:", "providers.vmware"),
        ("{libvirt: {box: a/b}}", "{}", "providers: "),
        ("['1.0']", "[]", "engines: "),
        ("kind: vagrant", "kind: vagrant\nmemory: 128", "memory: "),
        ("kind: vagrant", "kind: vagrant\ncpus: 0", "cpus: "),
        ("kind: vagrant", "kind: vagrant\nmemory: '1024'", "memory: Input should be a valid integer, not '1024'"),
    ],
)
def test_a_wrong_machine_is_refused(tmp_path: Path, old: str, new: str, part: str) -> None:
    assert part in boxes_refused(tmp_path, guest=GUEST.replace(old, new)).message


@pytest.mark.parametrize("name", ["Guest", "-guest", "a/b", "../guest", "guest box", ""])
def test_a_name_that_no_file_or_domain_could_bear_is_refused(tmp_path: Path, name: str) -> None:
    message = boxes_refused(tmp_path, guest=GUEST.replace("name: guest", f"name: '{name}'")).message
    assert message.startswith(f"cannot use {tmp_path / 'guest.yaml'}: line 1: name: ")


LINEUP = "name: all\nsummary: s\nboxes: [here]\nscenario: copy-bust\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (LINEUP.replace("[here]", "[her]"), 'cannot find the box "her" of lineup all (did you mean "here"?)'),
        (LINEUP.replace("[here]", "[xyz]"), 'cannot find the box "xyz" of lineup all'),
        (
            LINEUP.replace("name: all", "name: none"),
            'cannot use F/lineups/all.yaml: its name is "none", but the file is named "all"',
        ),
        (
            LINEUP.replace("boxes:", "box:"),
            'cannot use F/lineups/all.yaml: boxes is missing; line 3: unknown key box (did you mean "boxes"?)',
        ),
        (LINEUP.replace("scenario: copy-bust\n", ""), "cannot use F/lineups/all.yaml: scenario is missing"),
        ("[all]\n", "cannot read F/lineups/all.yaml: expected a mapping, got a list"),
    ],
)
def test_a_wrong_lineup_is_refused(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        _ = catalog(tmp_path, here=LOCAL, lineup_all=text).lineups
    assert caught.value.message.replace(str(tmp_path), "F") == message


@pytest.mark.parametrize("key", ["url", "sha256", "version"])
def test_a_static_engine_without_its_pin_is_refused(tmp_path: Path, key: str) -> None:
    fields = {"version": '"1.0"', "url": "http://x", "sha256": f'"{SUM}"'}
    text = ", ".join(f"{name}: {value}" for name, value in fields.items() if name != key)
    with pytest.raises(ConfigError) as caught:
        _ = catalog(tmp_path, engines=f'engines: [{{name: "1.0", kind: static, {text}}}]\n').engines
    place = tmp_path / "engines.yaml"
    assert caught.value.message == f"cannot use {place}: static engine 1.0: {key} is missing"
    assert (caught.value.hint is not None) == (key == "sha256")


@pytest.mark.parametrize("wrong", ["", "0" * 63, "0" * 65, "G" * 64, "0" * 63 + "A"])
def test_a_sum_that_is_none_is_refused(tmp_path: Path, wrong: str) -> None:
    with pytest.raises(ConfigError, match=r"static engine 1\.0: sha256: "):
        _ = catalog(tmp_path, engines=ENGINES.replace(SUM, wrong)).engines


def test_an_engine_that_is_listed_twice_is_refused(tmp_path: Path) -> None:
    text = "engines: [{name: a, kind: installed}, {name: a, kind: distro}]\n"
    with pytest.raises(ConfigError, match="the engine a is listed twice"):
        _ = catalog(tmp_path, engines=text).engines


# --- names asked for


def test_a_box_brought_up_by_name_belongs_to_a_lineup_that_holds_it() -> None:
    own = Catalog(OWN)
    assert own.lineup_of("centos7", "debian") == "gist"
    assert own.lineup_of("centos7", "gist") == "gist"
    assert own.lineup_of("local", "local") == "local"  # though gist holds it too
    assert own.lineup_of("nowhere", "debian") == "debian"


def test_a_box_or_lineup_asked_for_is_guessed(tmp_path: Path) -> None:
    boxes = catalog(tmp_path, here=LOCAL, lineup_all=LINEUP)
    assert isinstance(boxes.box("here"), BoxSpec)
    assert isinstance(boxes.lineup("all"), Lineup)
    with pytest.raises(UsageError) as caught:
        boxes.box("hre")
    assert caught.value.message == 'cannot find the box "hre" (did you mean "here"?)'
    assert caught.value.hint == "known box names: here"
    with pytest.raises(UsageError) as caught:
        boxes.lineup("al")
    assert caught.value.message == 'cannot find the lineup "al" (did you mean "all"?)'


def test_an_empty_folder_has_no_box(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        catalog(tmp_path).box("here")
    assert caught.value.hint == "known box names: none"
