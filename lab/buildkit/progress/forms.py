"""The forms that are made of lines, and which of them a line may belong to."""

from __future__ import annotations

import re

from lab.buildkit.progress.buildah import Buildah
from lab.buildkit.progress.classic import Classic
from lab.buildkit.progress.kaniko import Kaniko
from lab.buildkit.progress.objects import starts_object
from lab.buildkit.progress.plain import Plain
from lab.buildkit.progress.terminal import Terminal

AnyForm = Plain | Terminal | Buildah | Kaniko | Classic
# The classic builder's lines are the vaguest, so they come last.
LINE_FORMS: tuple[type[AnyForm], ...] = (Plain, Terminal, Buildah, Kaniko, Classic)
# What a line of any of them begins with: all other lines are decided at once.
SHAPED = re.compile(
    r"[ \t>]*(?:#\d|=> |\[\+\] |\[\d{1,4}/\d{1,4}\] (?:STEP|COMMIT)|STEP \d|Step \d|[-–—]{1,3}>|Sending build|Success|"
    r"Remov|Running in|Using cache|The command|(?:COPY|ADD) failed|COMMIT|# Exec|[Ee]rror:? b|"
    r"(?:TRAC|DEBU|INFO|WARN|ERRO|FATA)[A-Z]*[ \t]?\[|[0-9a-f]{12}\s*$)"
)
# Loggers begin lines as kaniko does.
LEVELED = re.compile(r"[ \t>]*(?:TRAC|DEBU|INFO|WARN|ERRO|FATA)")


def is_bare(text: str) -> bool:
    """Whether a line stands without a prefix, as far as its own beginning shows."""
    return SHAPED.match(text) is not None and (LEVELED.match(text) is None or Kaniko.opens(text))


def opens(text: str) -> bool:
    """Whether a build may begin with this line."""
    if SHAPED.match(text):
        return any(form.opens(text) for form in LINE_FORMS)
    return starts_object(text)
