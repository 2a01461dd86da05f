from __future__ import annotations

from typing import get_args

import pytest

from lab.errors import ConfigError
from lab.lessons.conditions.kind import Condition
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
