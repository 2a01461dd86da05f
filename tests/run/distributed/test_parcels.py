"""What travels: failures keep whose fault they are, and an order shows no password."""

from __future__ import annotations

import pickle

import pytest

from lab.errors import BoxError, CommandError, ConfigError, EngineError, Fault, LabError, RegistryError
from lab.registry.credentials import Credentials
from lab.registry.server import Registry
from lab.run.distributed.parcels import Failure, Order
from tests import reporting


@pytest.mark.parametrize(
    ("error", "fault"),
    [
        (BoxError("m"), Fault.BOX),
        (EngineError("m"), Fault.ENGINE),
        (RegistryError("m"), Fault.REGISTRY),
        (CommandError("m"), Fault.COMMAND),
        (ConfigError("m"), Fault.BOX),  # no part of a trial, so the place where it happened is named
    ],
)
def test_a_failure_keeps_whose_fault_it_is(error: LabError, fault: Fault) -> None:
    assert Failure.of(error).fault is fault


def test_a_failure_becomes_the_error_that_it_was() -> None:
    error = pickle.loads(pickle.dumps(Failure.of(CommandError("cannot do it", output="first\nlast\n")))).error()
    assert (type(error), error.message, error.tail()) == (CommandError, "cannot do it", ["first", "last"])


def test_the_text_of_an_order_shows_no_password() -> None:
    store = Registry("localhost:5000", "registry", 5000, credentials=Credentials("lab", "hunter2"))
    order = Order("1", "t", reporting.run(), store, None, None, ())
    assert "hunter2" not in repr(order)
    again = pickle.loads(pickle.dumps(order))
    assert again.store.credentials.password == "hunter2"
