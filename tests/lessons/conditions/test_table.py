from __future__ import annotations

from typing import get_args

import pytest

from lab.errors import ConfigError
from lab.lessons.conditions.kind import Condition, matching
from lab.lessons.conditions.table import NamedCondition
from lab.yamlfile import check

KINDS = {name: get_args(field.annotation)[0] for name, field in NamedCondition.model_fields.items()}


@pytest.mark.parametrize("name", KINDS)
def test_every_kind_states_what_it_finds(name: str) -> None:
    kind = KINDS[name]
    assert issubclass(kind, Condition)
    assert len(set(kind.findings)) == len(kind.findings) > 1


def test_an_unknown_kind_is_refused_with_the_nearest_one() -> None:
    with pytest.raises(ConfigError, match='did you mean "step"'):
        check({"steps": {}}, NamedCondition, "test")


def test_a_pattern_of_an_instruction_ignores_blanks_and_the_case_of_its_word() -> None:
    assert matching([("run  a   b", 1), ("RUN a c", 2)], "RUN a *") == 1
    assert matching([("COPY [x] /", 1)], "COPY [x] /") == 1
