"""The kinds of step in a script, by their names in YAML: a new kind is one file here and one line in this table."""

from __future__ import annotations

from lab.report.script.steps.build import BuildLines
from lab.report.script.steps.change import ChangeLines
from lab.report.script.steps.command import CommandLines
from lab.report.script.steps.inspect import InspectLines
from lab.report.script.steps.kind import StepLines
from lab.report.script.steps.restart import RestartLines
from lab.report.script.steps.serve import ServeLines
from lab.report.script.steps.wait import WaitLines

STEPS: dict[str, StepLines] = {
    "build": BuildLines(),
    "push": CommandLines("push"),
    "pull": CommandLines("pull"),
    "tag": CommandLines("tag"),
    "prune": CommandLines("prune"),
    "save": CommandLines("save"),
    "load": CommandLines("load"),
    "change": ChangeLines(),
    "vary": ChangeLines(),
    "restart": RestartLines(),
    "serve": ServeLines(),
    "wait": WaitLines(),
    "inspect": InspectLines(),
}
