"""Scenarios: the bug report's renders to its Dockerfile, and expectations follow engine and labels."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.buildkit.rulebook import Rulebook
from lab.errors import ConfigError, UsageError
from lab.model import Outcome
from lab.run.cases import cases
from lab.run.changes.kind import Shell
from lab.run.expectations import Expectation, Facts, facts_of
from lab.run.scenario_file import Variation
from lab.run.scenarios import Scenario, find, load_scenario
from tests import reporting
from tests.conftest import ROOT

OWN = ROOT / "templates" / "scenarios"
HIT, RAN = Outcome.HIT, Outcome.RAN
BOOK = Rulebook(ROOT / "boxes")
# https://github.com/moby/buildkit/issues/1330, of which the base is the only part that lab may change
GIST = "FROM alpine\nRUN echo foo\nCOPY bar bar\nRUN echo baz\n"
FILE = """\
name: tiny
summary: s
variables: {file: bar, loud: true, times: 2}
steps:
  - {instruction: "COPY {{ file }} .", expect: hit}
  - {instruction: "RUN x", expect: ran}
"""


DOCKERFILE = "FROM {{ base }}\nCOPY {{ file }} .\nRUN x\n"


def scenario(folder: Path, text: str = FILE, dockerfile: str = DOCKERFILE, **context: bytes) -> Scenario:
    (folder / "context").mkdir(exist_ok=True)
    (folder / "scenario.yaml").write_text(text, encoding="utf-8")
    (folder / "Dockerfile.j2").write_text(dockerfile, encoding="utf-8")
    for name, content in context.items():
        (folder / "context" / name).write_bytes(content)
    return load_scenario(folder, "alpine")


def refusal(folder: Path, text: str = FILE, dockerfile: str = DOCKERFILE, **context: bytes) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        scenario(folder, text, dockerfile, **context)
    return caught.value


@pytest.fixture(scope="module")
def bust() -> Scenario:
    return load_scenario(find("copy-bust", OWN), "alpine")


WRONG = [
    ("steps:\n  - {instruction: x}\n", "line 4: steps.0.expect is missing"),
    (
        "steps:\n  - instruction: x\n    expect: hitt\n",
        "line 5: steps.0.expect: Input should be 'hit', 'ran' or 'wrong-hit', not 'hitt' (did you mean \"hit\"?)",
    ),
    ("variatons: []\n", 'line 3: unknown key variatons (did you mean "variations"?)'),
    (
        "variations:\n  - name: v\n    summary: s\n    changes:\n      - mod: {a: '0644'}\n    expect: [hit]\n",
        'line 7: unknown key variations.0.changes.0.mod (did you mean "mode"?)',
    ),
    ("sequence:\n  - biuld: {side: producer}\n", 'line 4: unknown key sequence.0.biuld (did you mean "build"?)'),
    (
        "sequence:\n  - build: {side: producer}\n  - build: {side: consumr}\n",
        "line 5: sequence.1.build.side: Input should be 'producer' or 'consumer', "
        "not 'consumr' (did you mean \"consumer\"?)",
    ),
    (
        "sequence:\n  - build: {side: producer, name: base}\n  - push: {side: producer, image: bas}\n",
        'line 5: step 2 of the sequence (push): no build "bas" of the producer is before it (did you mean "base"?); '
        "there are: base",
    ),
    (
        "variations:\n  - name: v\n    summary: s\n    changes: [{umask: '0002'}]\n    expect:\n      [hit]\n",
        "line 7: variation v expects 1 outcome, there are 2 steps",
    ),
    (
        "variations:\n" + 2 * "  - {name: v, summary: s, changes: [{umask: '0002'}], expect: [hit, hit]}\n",
        'line 5: the variation\'s name "v" is that of another variation',
    ),
    ("variations:\n  - {name: none, summary: s, changes: [], commands: [], expect: [hit, hit]}\n", 'name "none" is'),
    ("exceptions:\n  - because: b\n    expect: [hit]\n", "line 5: exception 1 expects 1 outcome, there are 2 steps"),
]


@pytest.mark.parametrize(("more", "said"), WRONG)
def test_what_is_wrong_is_named_with_its_line_and_the_nearest_word(tmp_path: Path, more: str, said: str) -> None:
    error = refusal(tmp_path, f"name: tiny\nsummary: s\n{more}", "FROM {{ base }}\nCOPY bar .\nRUN x\n")
    assert error.message.startswith(f"cannot use {tmp_path / 'scenario.yaml'}: ")
    assert said in error.message


def test_two_scenarios_of_one_name_are_refused(tmp_path: Path) -> None:
    for folder, text in {"a": FILE, "b": f"# copied\n{FILE}", "c": FILE.replace("tiny", "other")}.items():
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "scenario.yaml").write_text(text)
    for ask in (lambda: find("a", tmp_path), lambda: cases(tmp_path)):
        with pytest.raises(ConfigError, match='cannot use the scenario "tiny": two have this name') as caught:
            ask()
        first, second = (tmp_path / name / "scenario.yaml" for name in "ab")
        assert f"in {first}, line 1, and in {second}, line 2" in caught.value.message
    assert find(str(tmp_path / "a"), tmp_path) == tmp_path / "a"  # by its path it is one


# --- the bug report's own


def test_copy_bust_is_the_gists_dockerfile(bust: Scenario) -> None:
    assert bust.dockerfile == GIST
    assert bust.instructions == ("RUN echo foo", "COPY bar bar", "RUN echo baz")
    assert bust.context == {"bar": (b"bar\n", False)}


def test_copy_bust_leads_to_the_report(bust: Scenario) -> None:
    assert (bust.name, bust.file.reference) == ("copy-bust", "https://github.com/moby/buildkit/issues/1330")


def ends(
    consumer: tuple[str, bool], producer: tuple[str, bool], *, rules: tuple[str | None, str | None] = (None, None)
) -> Facts:
    """What decides between two boxes, each an engine's version and whether its kernel labels its files."""
    boxes = [
        reporting.facts("box", version, server=version, rules=stated, selinux="enforcing" if labels else "off")
        for (version, labels), stated in zip((consumer, producer), rules, strict=True)
    ]
    return facts_of(BOOK, *boxes)


@pytest.mark.parametrize(
    ("engine", "consumer", "producer", "outcomes"),
    [
        ("19.03.8", True, False, (HIT, RAN, RAN)),
        ("19.03.8", False, True, (HIT, RAN, RAN)),
        ("19.03.8", True, True, (HIT, HIT, HIT)),  # the same label on both ends is the same key
        ("19.03.8", False, False, (HIT, HIT, HIT)),
        ("19.03.12", True, False, (HIT, RAN, RAN)),
        ("19.03.13", True, False, (HIT, HIT, HIT)),
        ("19.03.13", False, True, (HIT, HIT, HIT)),
        ("20.10.24", True, False, (HIT, HIT, HIT)),
        ("20.10.24+dfsg1", True, False, (HIT, HIT, HIT)),
        ("19.03.8+azure", True, False, (HIT, RAN, RAN)),
        ("29.0.0", False, True, (HIT, HIT, HIT)),
        ("dev", True, False, (HIT, HIT, HIT)),  # a build without a number is not taken for an old one
        ("", True, False, (HIT, HIT, HIT)),
        ("master-3ab4256", True, False, (HIT, HIT, HIT)),
    ],
)
def test_what_is_expected_of_a_rebuild(
    bust: Scenario, engine: str, consumer: bool, producer: bool, outcomes: tuple[Outcome, ...]
) -> None:
    plan = bust.expectation(None, ends((engine, consumer), (engine, producer)))
    assert plan.outcomes == outcomes
    assert (plan.because is not None) == (RAN in outcomes)
    assert plan.because is None or "security.selinux" in plan.because


@pytest.mark.parametrize(
    ("rules", "outcomes"),
    [
        ("R1", (HIT, RAN, RAN)),
        ("R5, all attributes", (HIT, RAN, RAN)),
        ("R5", (HIT, HIT, HIT)),
        ("R9", (HIT, HIT, HIT)),
    ],
)
def test_the_rules_of_an_engine_decide_and_not_its_number(
    bust: Scenario, rules: str, outcomes: tuple[Outcome, ...]
) -> None:
    version = "20.10.24+dfsg1-unfixed"
    labelled = ends((version, True), (version, False), rules=(rules, rules))
    assert bust.expectation(None, labelled).outcomes == outcomes
    [variation] = bust.variations(("selinux-label",))
    by_hand = ends((version, False), (version, False), rules=(rules, rules))
    assert bust.expectation(variation, by_hand).outcomes == outcomes


@pytest.mark.parametrize(
    ("consumer", "producer", "outcomes"),
    [
        # facts, "engine-skew": measured both ways between 19.03.8, 19.03.13, 20.10.24 and 26.1.5
        (("19.03.13", False), ("19.03.8", False), (HIT, HIT, HIT)),
        (("20.10.24", False), ("19.03.8", False), (HIT, HIT, HIT)),
        (("26.1.5", False), ("20.10.24", False), (RAN, RAN, RAN)),
        (("20.10.24", False), ("26.1.5", False), (RAN, RAN, RAN)),
        # contenthash facts 3.1: the groups whose RUN records match each other
        (("23.0.1", False), ("19.03.8", False), (HIT, HIT, HIT)),
        (("25.0.0", False), ("24.0.9", False), (HIT, HIT, HIT)),
        (("26.1.5", False), ("25.0.0", False), (RAN, RAN, RAN)),
        (("28.5.2", False), ("26.1.5", False), (HIT, HIT, HIT)),
        # the label counts at the end whose engine hashes it
        (("20.10.24", True), ("19.03.8", True), (HIT, RAN, RAN)),
        (("20.10.24", False), ("19.03.8", True), (HIT, RAN, RAN)),
        (("20.10.24", True), ("19.03.8", False), (HIT, HIT, HIT)),
        (("19.03.8", True), ("20.10.24", True), (HIT, RAN, RAN)),
        (("19.03.8", False), ("20.10.24", True), (HIT, HIT, HIT)),
    ],
)
def test_what_is_expected_where_one_engine_rebuilds_what_another_built(
    bust: Scenario, consumer: tuple[str, bool], producer: tuple[str, bool], outcomes: tuple[Outcome, ...]
) -> None:
    plan = bust.expectation(None, ends(consumer, producer))
    assert plan.outcomes == outcomes
    assert (plan.because is not None) == (RAN in outcomes)


def test_docker_18_09_has_no_inline_cache(bust: Scenario) -> None:
    for labels in (True, False):
        plan = bust.expectation(None, ends(("18.09.9", labels), ("18.09.9", False)))
        assert plan == Expectation((RAN, RAN, RAN), "Docker 18.09 neither writes an inline cache nor reads one")


def test_a_wildcards_names_count_from_20_10_7_on() -> None:
    wild = load_scenario(find("truth-wildcard", OWN), "alpine")
    seen = {
        (one, two): wild.expectation(None, ends((one, False), (two, False))).outcomes
        for one in ("20.10.5", "20.10.24", "26.1.5")
        for two in ("20.10.5", "20.10.24", "26.1.5")
    }
    assert seen == {
        ("20.10.5", "20.10.5"): (HIT, HIT),
        ("20.10.5", "20.10.24"): (RAN, RAN),
        ("20.10.5", "26.1.5"): (RAN, RAN),
        ("20.10.24", "20.10.5"): (RAN, RAN),
        ("20.10.24", "20.10.24"): (HIT, HIT),
        ("20.10.24", "26.1.5"): (HIT, RAN),  # "COPY wildcard hit only 20.10<->26"
        ("26.1.5", "20.10.5"): (RAN, RAN),
        ("26.1.5", "20.10.24"): (HIT, RAN),
        ("26.1.5", "26.1.5"): (HIT, HIT),
    }


@pytest.mark.parametrize("engine", ["19.03.8", "20.10.24"])
@pytest.mark.parametrize("consumer", [True, False])
def test_an_attribute_of_the_users_busts_every_engine(bust: Scenario, engine: str, consumer: bool) -> None:
    [change] = bust.variations(("user-xattr",))
    plan = bust.expectation(change, ends((engine, consumer), (engine, False)))
    assert plan.outcomes == (HIT, RAN, RAN)
    assert plan.because


def test_the_default_run_varies_nothing(bust: Scenario) -> None:
    def names(asked: tuple[str, ...]) -> list[str]:
        return [change.name if change else "-" for change in bust.variations(asked)]

    assert names(()) == ["-"]
    assert names(("user-xattr",)) == ["user-xattr"]
    assert names(("none",)) == ["-"]
    assert names(("user-xattr", "none", "user-xattr")) == ["user-xattr", "-"]


def test_an_unknown_variation_is_guessed(bust: Scenario) -> None:
    with pytest.raises(UsageError) as caught:
        bust.variations(("user-xatr",))
    message = 'cannot find the variation "user-xatr" of scenario copy-bust (did you mean "user-xattr"?)'
    assert caught.value.message == message
    assert caught.value.hint == "known variations: none, user-xattr, selinux-label"


def test_the_variations_command_names_the_file(bust: Scenario) -> None:
    [change] = bust.variations(("user-xattr",))
    assert isinstance(change, Variation)
    [made] = bust.changes(change)
    assert made.commands() == [Shell(("setfattr", "-n", "user.lab", "-v", "1", "bar"))]


# --- where scenarios lie


def test_a_scenario_is_found_by_name_or_by_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scenario(tmp_path)
    assert find("copy-bust", OWN) == OWN / "copy-bust"
    assert find(str(tmp_path), OWN) == tmp_path
    monkeypatch.chdir(tmp_path.parent)
    assert find(f"./{tmp_path.name}", OWN) == Path(tmp_path.name)
    assert find(tmp_path.name, OWN) == Path(tmp_path.name)


def test_an_unknown_scenario_is_guessed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError) as caught:
        find("copybust", OWN)
    assert caught.value.message == 'cannot find the scenario "copybust" (did you mean "copy-bust"?)'
    count = len(list(OWN.glob("*/scenario.yaml")))
    way = "a folder elsewhere is named by its path"
    assert caught.value.hint == f"`python -m lab cases` lists the {count} scenario names; {way}"
    with pytest.raises(UsageError, match=r"no scenario\.yaml in it") as caught:
        find(f"{tmp_path}/none", OWN)
    assert caught.value.hint and "--context DIR" in caught.value.hint


# --- rendering


def test_values_fill_every_text(tmp_path: Path) -> None:
    text = "FROM {{ base }}\n{% for n in range(times) %}RUN {{ n }}\n{% endfor %}{% if loud %}RUN yes\n{% endif %}"
    steps = ("RUN {{ 0 }}", "RUN {{ times - 1 }}", "RUN yes")
    listed = "".join(f'  - {{instruction: "{step}", expect: hit}}\n' for step in steps)
    made = scenario(tmp_path, FILE.partition("  - ")[0] + listed, dockerfile=text)
    assert made.dockerfile == "FROM alpine\nRUN 0\nRUN 1\nRUN yes\n"
    assert made.instructions == ("RUN 0", "RUN 1", "RUN yes")


def test_an_undefined_name_is_guessed(tmp_path: Path) -> None:
    error = refusal(tmp_path, dockerfile="FROM {{ bas }}\n")
    path = tmp_path / "Dockerfile.j2"
    assert error.message == f"cannot render {path}: 'bas' is undefined (did you mean \"base\"?)"
    assert error.hint == "known variables: base, file, loud, times, web"
    assert "'fil' is undefined (did you mean \"file\"?)" in refusal(tmp_path, FILE.replace("{{ file", "{{ fil")).message


@pytest.mark.parametrize(
    "text",
    [
        "{{ ''.__class__.__mro__ }}",
        "{{ base.__class__ }}",
        "{{ ''['__class__'] }}",
        "{{ base|attr('__class__') }}",
        "{{ self.__init__.__globals__ }}",
        "{{ cycler.__init__.__globals__.os.system('true') }}",
        "{% include '/etc/passwd' %}",
        "{{ range(10 ** 9)|list }}",
        "{{ 1 / 0 }}",
        "{{ '%(a)s' % {} }}",
        "{{ '{}'.format() }}",
        "{{ '{a}'.format() }}",
        "{{ [1]|map('nope')|list }}",
        "{{ base + 1 }}",
        "{{ base() }}",
        "{{ 10 ** 10 ** 2 ** 'a' }}",
    ],
)
def test_a_template_reaches_nothing_but_its_variables(tmp_path: Path, text: str) -> None:
    assert refusal(tmp_path, dockerfile=text).message.startswith(f"cannot render {tmp_path / 'Dockerfile.j2'}: ")


def test_a_template_that_is_none_is_shown_by_line(tmp_path: Path) -> None:
    message = refusal(tmp_path, dockerfile="FROM {{ base }}\nRUN {{ file\n").message
    assert message.startswith(f"cannot render {tmp_path / 'Dockerfile.j2'}: line 2: ")


def test_a_dockerfile_must_be_there_and_text(tmp_path: Path) -> None:
    scenario(tmp_path)
    (tmp_path / "Dockerfile.j2").write_bytes(b"\xff")
    with pytest.raises(ConfigError, match=r"cannot read .*Dockerfile\.j2"):
        load_scenario(tmp_path, "alpine")
    (tmp_path / "Dockerfile.j2").unlink()
    with pytest.raises(ConfigError, match=r"cannot read .*Dockerfile\.j2"):
        load_scenario(tmp_path, "alpine")


# --- scenario.yaml


@pytest.mark.parametrize(
    ("more", "part"),
    [
        ("exceptions: [{engines: '<1', because: b, expect: [hit]}]", "exception 1 expects 1 outcome, there are 2"),
        (
            "variations: [{name: v, summary: s, commands: [], expect: [hit, ran, ran]}]",
            "variation v expects 3 outcomes, there are 2 steps",
        ),
        ("variations: [{name: v, summary: s, commands: [], expect: [hit, run]}]", "variations.0.expect.1: "),
        ("exceptions: [{engines: '~1', because: b, expect: [hit, hit]}]", "exceptions.0.engines: "),
        ("exceptions: [{engines: '<1', when: {consumer: x}, because: b, expect: [hit, hit]}]", "0.when.consumer: "),
        ("exceptions: [{engine: '<1', because: b, expect: [hit, hit]}]", '0.engine (did you mean "engines"?)'),
        ("step: []", 'unknown key step (did you mean "steps"?)'),
    ],
)
def test_a_wrong_scenario_is_refused(tmp_path: Path, more: str, part: str) -> None:
    message = refusal(tmp_path, f"{FILE}{more}\n").message
    assert message.startswith(f"cannot use {tmp_path / 'scenario.yaml'}: ")
    assert part in message


def test_every_comparison_of_versions(tmp_path: Path) -> None:
    for condition, fitting in {
        "<19.03.13": ["9.9", "19.03", "19.03.12"],
        "<=19.03.13": ["9.9", "19.03", "19.03.12", "19.03.13"],
        "==19.03.13": ["19.03.13"],
        ">=19.03.13": ["19.03.13", "19.10", "100.0"],
        ">19.03.13": ["19.10", "100.0"],
    }.items():
        more = f"exceptions: [{{engines: '{condition}', because: b, expect: [ran, ran]}}]\n"
        made = scenario(tmp_path, FILE + more)
        for version in ("9.9", "19.03", "19.03.12", "19.03.13", "19.10", "100.0"):
            found = made.expectation(None, Facts(version))
            assert (found.because == "b") == (version in fitting), (condition, version)


def test_an_exception_for_rule_sets(tmp_path: Path) -> None:
    more = "exceptions: [{when: {rules: [R2, R9]}, because: b, expect: [ran, ran]}]\n"
    made = scenario(tmp_path, FILE + more)
    found = [made.expectation(None, Facts(None, consumer_rules=rules)).because for rules in ("R1", "R2", "R9", None)]
    assert [because == "b" for because in found] == [False, True, True, False]


def test_a_step_runs_if_variation_or_exception_makes_it_run(tmp_path: Path) -> None:
    text = FILE.replace("expect: ran", "expect: hit") + (
        "exceptions: [{engines: '<2', because: old, expect: [ran, hit]}]\n"
        "variations: [{name: v, summary: change, commands: [], expect: [hit, ran]}]\n"
    )
    made = scenario(tmp_path, text)
    [change] = made.variations(("v",))
    old = Facts("1.0")
    new = Facts("2.0")
    assert made.expectation(change, old).outcomes == (RAN, RAN)
    assert made.expectation(change, new).outcomes == (HIT, RAN)
    assert made.expectation(change, new).because == "change"
    assert made.expectation(None, old).outcomes == (RAN, HIT)
    assert made.variations() == [None]  # this variation is not a default one


def test_an_exception_may_name_the_image_store_of_the_consumer(tmp_path: Path) -> None:
    made = scenario(tmp_path, FILE + "exceptions: [{when: {store: containerd}, because: b, expect: [ran, ran]}]\n")
    graph = reporting.facts("box", "26.1.5")
    containerd = graph.model_copy(
        update={"info": " Storage Driver: overlayfs\n  driver-type: io.containerd.snapshotter.v1\n"}
    )
    standalone = containerd.model_copy(update={"builder": "buildx-remote"})
    found = {
        name: made.expectation(None, facts_of(BOOK, consumer, producer)).because == "b"
        for name, consumer, producer in (
            ("containerd", containerd, graph),
            ("graph", graph, containerd),
            ("no Docker", standalone, containerd),
        )
    }
    assert found == {"containerd": True, "graph": False, "no Docker": False}


# --- context


def test_a_context_of_many_kinds(tmp_path: Path) -> None:
    folder = tmp_path / "context"
    (folder / "sub" / "deep").mkdir(parents=True)
    (folder / "sub" / "deep" / "data.bin").write_bytes(bytes(range(256)))
    (folder / "run.sh.j2").write_text("echo {{ file }}\n", encoding="utf-8")
    (folder / "run.sh.j2").chmod(0o755)
    (folder / "{{ file }}").write_text("{{ file }}\n", encoding="utf-8")
    (folder / "empty").mkdir()
    assert scenario(tmp_path).context == {
        "bar": (b"{{ file }}\n", False),  # only its name is a template
        "run.sh": (b"echo bar\n", True),
        "sub/deep/data.bin": (bytes(range(256)), False),
    }


def test_a_scenario_needs_no_context(tmp_path: Path) -> None:
    scenario(tmp_path)
    (tmp_path / "context").rmdir()
    assert load_scenario(tmp_path, "alpine").context == {}


def test_a_template_in_the_context_must_be_text(tmp_path: Path) -> None:
    template = tmp_path / "context" / "x.j2"
    template.parent.mkdir()
    template.write_bytes(b"ab\xff")
    assert refusal(tmp_path).message == f"cannot read {template}: not UTF-8 at byte 2"


def test_a_context_of_more_than_8_mib_is_refused(tmp_path: Path) -> None:
    scenario(tmp_path, a=bytes(8 << 20))
    assert refusal(tmp_path, b=b"1").message == f"cannot use {tmp_path / 'context'}: more than 8 MiB of context"


def test_a_huge_context_file_is_refused_before_it_is_read(tmp_path: Path) -> None:
    (tmp_path / "context").mkdir()
    with (tmp_path / "context" / "disk").open("wb") as file:
        file.truncate(1 << 40)  # sparse: it would not fit into memory
    assert refusal(tmp_path).message == f"cannot use {tmp_path / 'context'}: more than 8 MiB of context"


def test_a_link_in_a_context_is_refused_because_it_would_become_a_file(tmp_path: Path) -> None:
    (tmp_path / "context").mkdir()
    (tmp_path / "context" / "bar").symlink_to("real")
    refused = refusal(tmp_path)
    link = tmp_path / "context" / "bar"
    assert (
        refused.message == f"cannot use {link}: it is a symbolic link, and the context of a scenario holds files only"
    )
    assert "prepare: [{link: {NAME: TARGET}}]" in str(refused.hint)


@pytest.mark.parametrize(
    "text", ["{% macro a() %}{{ a() }}{% endmacro %}{{ a() }}", "{{ ''.format_map(1) }}{{ base.nothing() }}"]
)
def test_a_template_that_goes_wrong_in_its_own_way_is_named(tmp_path: Path, text: str) -> None:
    message = refusal(tmp_path, dockerfile=text).message
    assert message.startswith(f"cannot render {tmp_path / 'Dockerfile.j2'}: ")


def test_a_variation_with_an_empty_command_is_refused(tmp_path: Path) -> None:
    text = FILE + "variations: [{name: v, summary: s, commands: [[]], expect: [ran, ran]}]\n"
    assert "variations.0.commands.0: " in refusal(tmp_path, text).message


# --- links


@pytest.mark.parametrize("part", ["context", "Dockerfile.j2", "scenario.yaml"])
def test_a_part_that_is_a_link_is_refused_because_it_may_lead_to_private_files(tmp_path: Path, part: str) -> None:
    folder, private = tmp_path / "theirs", tmp_path / "private"
    folder.mkdir()
    scenario(folder, bar=b"x")
    (folder / part).rename(private)
    (folder / part).symlink_to(private)
    with pytest.raises(ConfigError, match=rf"cannot use .*{part}: it is a symbolic link"):
        load_scenario(folder, "alpine")


@pytest.mark.parametrize("link", ["shared", "shared/web"])
def test_a_shared_template_that_is_a_link_is_refused(tmp_path: Path, link: str) -> None:
    folder, private = tmp_path / "theirs", tmp_path / "private"
    folder.mkdir()
    (tmp_path / "shared" / "web").mkdir(parents=True)
    scenario(folder, f"{FILE}template: web\n")
    (folder / "Dockerfile.j2").rename(tmp_path / "shared" / "web" / "Dockerfile.j2")
    (folder / "context").rmdir()
    assert load_scenario(folder, "alpine").context == {}
    (tmp_path / link).rename(private)
    (tmp_path / link).symlink_to(private)
    with pytest.raises(ConfigError, match="it is a symbolic link"):
        load_scenario(folder, "alpine")


def test_a_template_that_never_ends_is_read_no_further_than_it_may_be_filled_in(tmp_path: Path) -> None:
    scenario(tmp_path)
    with (tmp_path / "Dockerfile.j2").open("r+b") as file:
        file.truncate(1 << 40)  # it takes no disk
    with pytest.raises(ConfigError, match="more than 8 MiB"):
        load_scenario(tmp_path, "alpine")
