"""A printer's model in a centre's file is one that there is a driver and a simulator for."""

import pytest
from pydantic import ValidationError

from config.centre import Station
from config.printer_models import PrinterModel
from controller.printers import PRINTERS


def station(kind: str, model: str) -> Station:
    return Station.model_validate({"name": "one", "kind": kind, "url": "sim://one", "model": model})


def test_every_model_has_a_driver_and_may_be_named() -> None:
    assert set(PRINTERS) == set(PrinterModel)
    for model in PrinterModel:
        assert station("printer", model.value).model == model


def test_a_printer_that_nobody_drives_is_refused_with_those_that_are_driven() -> None:
    with pytest.raises(ValidationError, match=r"one: .*'dot-matrix' \(known: retransfer\)"):
        station("printer", "dot-matrix")


def test_what_other_machines_are_is_a_remark() -> None:
    assert station("laminator", "LAM of any make").model == "LAM of any make"
