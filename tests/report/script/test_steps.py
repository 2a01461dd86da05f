"""Each kind of step of a sequence in a script: its lines from recorded commands, and its functions in real shells."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from lab.model import CONTROL, Exchange
from lab.report.evidence import Evidence
from lab.report.script.script import script, scripts
from lab.report.script.sequence import by_hand, left_out, warning
from lab.report.script.steps.inspect import INSPECT
from lab.report.script.steps.table import STEPS
from lab.results.facts import BuildResult, CacheImport, Inspection, Round
from lab.results.run import Run
from lab.run.builders.kind import Scope
from lab.run.builders.docker import PRUNES
from lab.run.builders.kind import Order, common_words
from lab.run.builders import caching
from lab.run.steps.table import NamedStep, stored
from lab.yamlfile import check
from tests import reporting
from tests.report.test_script import LOG, SHELLS, asked, in_shell, perform, recorded
from tests.reporting import HIT, RAN, exchange
