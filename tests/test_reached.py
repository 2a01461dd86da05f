"""Every module has a test file of its own name, or stands in one of two tables with the test file that reaches it.

`lab/run/matrix.py` has `tests/run/test_matrix.py`. A module without such a file goes into IMPORTED, with a test file
that imports it, or that imports a module of the same package, or any one module, through which it is used. A module
that only a verb reaches goes into BY_VERB, with a test file and a verb that this file calls.
"""

from __future__ import annotations

import ast
from collections import Counter
from functools import cache
from pathlib import Path

import click
import pytest

from lab.cli.main import lab as program
from tests.conftest import ROOT

TESTS = ROOT / "tests"

IMPORTED = {
    "boxes/baking/test_bake.py": """
        boxes.baking.apt boxes.baking.diskimage boxes.baking.rootfs boxes.baking.workbench
    """,
    "boxes/test_kinds.py": "boxes.kinds.kind boxes.kinds.local boxes.kinds.ssh boxes.kinds.table boxes.kinds.vagrant",
    "boxes/test_process.py": "boxes.base",
    "boxes/test_ssh.py": "boxes.hostkeys",
    "boxes/test_vagrant.py": "boxes.boot boxes.specs boxes.states boxes.vagrant_spec",
    "buildkit/cachekeys/test_dockerfile.py": "buildkit.cachekeys.copying",
    "buildkit/cachekeys/test_recorded.py": "buildkit.cachekeys.state",
    "buildkit/cachekeys/test_solver.py": "buildkit.cachekeys.cache buildkit.cachekeys.definition",
    "buildkit/cachekeys/test_stages.py": "buildkit.cachekeys.needs",
    "buildkit/cachekeys/test_vectors.py": "buildkit.cachekeys.dialect buildkit.cachekeys.transfer",
    "buildkit/contenthash/test_compare.py": "buildkit.contenthash.entry buildkit.contenthash.header",
    "buildkit/contenthash/test_packages.py": """
        buildkit.contenthash.listing buildkit.contenthash.query buildkit.contenthash.rules
        buildkit.contenthash.tree
    """,
    "buildkit/contenthash/test_paths.py": """
        buildkit.contenthash.globs buildkit.contenthash.gopath buildkit.contenthash.goregexp
        buildkit.contenthash.links buildkit.contenthash.patterns
    """,
    "buildkit/contenthash/test_properties.py": "buildkit.contenthash.formula",
    "buildkit/progress/test_classic.py": "buildkit.progress.build buildkit.progress.objects buildkit.progress.reader",
    "buildkit/progress/test_document.py": "buildkit.progress.ledger",
    "buildkit/progress/test_logs.py": """
        buildkit.progress.buildah buildkit.progress.classic_lines buildkit.progress.clean
        buildkit.progress.doubt buildkit.progress.fields buildkit.progress.foreign buildkit.progress.form
        buildkit.progress.forms buildkit.progress.frame_names
        buildkit.progress.lanes buildkit.progress.ledger_form buildkit.progress.names
        buildkit.progress.runner buildkit.progress.stamps buildkit.progress.steps buildkit.progress.stream
        buildkit.progress.tangle buildkit.progress.texts buildkit.progress.vertex
    """,
    "buildkit/test_rulebook.py": "versions",
    "cli/test_completion.py": "cli.values cli.verbs",
    "cli/test_main.py": "cli.helping cli.version errors",
    "cli/test_manual.py": "cli.manpage",
    "cli/test_screen.py": "cli.board",
    "engines/test_archive.py": "engines.elf",
    "engines/test_attached.py": "engines.home",
    "engines/test_ensure.py": """
        engines.download engines.engine engines.kinds.distro engines.kinds.installed engines.kinds.static
        engines.stock
    """,
    "engines/test_kinds.py": "engines.kinds.kind engines.kinds.table engines.pins engines.spec",
    "engines/test_making.py": "engines.kinds.debian engines.kinds.reverted engines.packages",
    "engines/test_real.py": "engines.client engines.host engines.unit",
    "explain/search/test_search.py": """
        explain.search.case explain.search.stages explain.search.usual explain.search.variants
    """,
    "explain/test_kinds_of_miss.py": "explain.finder",
    "explain/test_side_by_side.py": "report.truth",
    "explain/test_steps.py": """
        cli.conduct cli.explaining cli.runs explain.advice explain.causes.base explain.causes.engines
        explain.causes.files explain.causes.no_cache explain.causes.rules explain.causes.text
        explain.causes.unread explain.copies explain.engines explain.explanation
        explain.predict explain.sent explain.subject explain.upstream
        report.explanation results.contexts
    """,
    "lessons/test_bench.py": "lessons.client",
    "machines/test_daemons.py": "machines.prerequisites",
    "machines/test_fleet.py": """
        machines.kinds.handler machines.kinds.local machines.kinds.table
        machines.kinds.vagrant machines.preparation machines.ready
    """,
    "registry/test_images.py": "registry.client registry.manifests",
    "report/page/test_document.py": """
        report.page.boxes report.page.commands report.page.dockerfile report.page.lead report.page.matrix
        report.page.packing report.page.records report.page.text report.page.timeline report.page.trial
        report.prediction
    """,
    "report/script/test_library.py": """
        report.script.host report.script.recorded report.script.steps.build report.script.steps.change
        report.script.steps.command report.script.steps.kind report.script.steps.restart
        report.script.steps.serve report.script.steps.wait
    """,
    "report/script/test_project.py": "report.script.clients",
    "report/script/test_steps.py": """
        report.script.judge report.script.steps.inspect report.script.steps.table report.script.words
    """,
    "report/test_comparison.py": "results.golden results.shelf",
    "report/test_formats.py": "report.document report.evidence report.junit report.spreadsheet report.trials",
    "report/test_markdown.py": """
        report.behavior report.cause report.excerpt report.findings report.markup report.reproduce
    """,
    "report/test_redact.py": "report.redactor",
    "report/test_script.py": """
        report.script.context report.script.heading report.script.parts report.script.script
        report.script.shell
    """,
    "report/test_table.py": "report.printable",
    "report/test_why_document.py": "report.shown",
    "results/test_run.py": "results.facts results.journal",
    "run/changes/test_table.py": """
        run.changes.acl run.changes.add run.changes.append run.changes.argument run.changes.attribute
        run.changes.capability run.changes.checkout run.changes.commands run.changes.flag
        run.changes.hard_link run.changes.kind run.changes.line_ends run.changes.link run.changes.mode
        run.changes.owner run.changes.remove run.changes.rename run.changes.replace run.changes.text
        run.changes.time run.changes.umask
    """,
    "run/gather/test_gather.py": "run.gather.door run.gather.script run.gather.stream",
    "run/minimise/test_model.py": "run.minimise.view",
    "run/random_trials/test_bench.py": """
        run.random_trials.alterations run.random_trials.case run.random_trials.contexts
        run.random_trials.copies run.random_trials.dice run.random_trials.dockerfiles run.random_trials.runs
        run.random_trials.scene run.random_trials.settings
    """,
    "run/random_trials/test_campaign.py": "run.random_trials.findings",
    "run/steps/test_inspect.py": "run.steps.kind run.steps.work",
    "run/steps/test_table.py": """
        run.builders.buildkit run.builders.classic run.builders.kind run.steps.build run.steps.change
        run.steps.load run.steps.prune run.steps.pull run.steps.push run.steps.save run.steps.tag
        run.steps.vary
    """,
    "run/test_cases.py": "run.rendering",
    "run/test_experiment.py": "run.context_files run.station run.wish",
    "run/test_judging.py": "run.expectations",
    "run/test_replay.py": "explain.predicted_trial run.crew",
    "run/test_scenarios.py": "run.scenario_file",
}

BY_VERB = {
    ("test_docs.py", "-m"): "__main__",
    ("cli/test_why.py", "why"): "explain.why report.why",
    ("cli/test_main.py", "engines"): "cli.engines",
    ("explain/test_side_by_side.py", "truth"): "cli.truth",
    ("report/test_bundle.py", "bundle"): "cli.bundles",
    ("cli/test_minimise.py", "minimise"): "cli.minimise_start",
    ("test_random_vm.py", "truth"): "run.random_trials.opening",
    ("test_local_vm.py", "bisect"): "cli.bisect",
    ("two_boxes/conftest.py", "doctor"): "cli.host machines.doctor",
}


@cache
def modules() -> dict[str, Path]:
    """Every module by its name below lab."""
    found = [path for path in (ROOT / "lab").rglob("*.py") if path.name != "__init__.py"]
    return {".".join(path.relative_to(ROOT / "lab").with_suffix("").parts): path for path in found}


@cache
def imports(path: Path) -> frozenset[str]:
    """The modules of lab that a file imports, also within a function."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{item.name}" for item in node.names)}
        elif isinstance(node, ast.Import):
            names |= {item.name for item in node.names}
    return frozenset(name.removeprefix("lab.") for name in names) & modules().keys()


def namesake(module: str) -> Path:
    *packages, name = module.split(".")
    return TESTS.joinpath(*packages, f"test_{name.lstrip('_')}.py")


def reaches(start: frozenset[str], module: str, *, inside: str | None) -> bool:
    """True if imports lead from one of the modules to another; `inside` is the only package they may lead through."""
    seen: set[str] = set()
    ahead = set(start)
    while ahead:
        name = ahead.pop()
        if name == module:
            return True
        if name not in seen and (inside is None or name.startswith(f"{inside}.")):
            ahead |= imports(modules()[name])
        seen.add(name)
    return False


def test_every_module_is_in_one_place() -> None:
    listed = Counter(" ".join([*IMPORTED.values(), *BY_VERB.values()]).split())
    alone = {module for module in modules() if not namesake(module).exists()}
    missing, surplus = (" ".join(sorted(names)) for names in (alone - listed.keys(), listed.keys() - alone))
    assert not missing, f"add these modules to a table, or give them a test file: {missing}"
    assert not surplus, f"remove these: they have a test file of their own, or do not exist: {surplus}"
    assert [module for module, count in listed.items() if count > 1] == []


@pytest.mark.parametrize("test", IMPORTED)
def test_the_test_file_imports_what_it_is_said_to_reach(test: str) -> None:
    used = imports(TESTS / test)
    next_to_it = frozenset(name for first in used for name in imports(modules()[first]))
    missing = [
        module
        for module in IMPORTED[test].split()
        if module not in used | next_to_it and not reaches(used, module, inside=module.partition(".")[0])
    ]
    assert missing == []


@pytest.mark.parametrize(("test", "verb"), BY_VERB)
def test_the_test_file_calls_the_verb_that_reaches_the_module(test: str, verb: str) -> None:
    tree = ast.parse((TESTS / test).read_text(encoding="utf-8"))
    assert verb in {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)}
    if verb == "-m":  # python -m lab
        return
    command = program.get_command(click.Context(program), verb)
    assert command and command.callback
    start = frozenset({command.callback.__module__.removeprefix("lab.")})
    assert [module for module in BY_VERB[test, verb].split() if not reaches(start, module, inside=None)] == []
