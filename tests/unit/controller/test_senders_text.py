"""No event carries a word of what a sender wrote into a record: events are kept for good."""

import os
import re
from datetime import date
from pathlib import Path
from random import Random

import pytest

from config.centre import Centre
from controller.clock import start_of_day_us
from controller.intake import Intake
from jobs.events import canonical
from jobs.ledger.store import MEMORY
from jobs.package_maker import PackagePlan, make_package
from jobs.vault import KeyFolder
from tests.unit.controller.office import CENTRE, Ticking, open_books

DAY = date(2005, 9, 5)
WRITTEN = "虚构姓名"


def fields_of(package: str) -> list[str]:
    record = package[package.index("<jl>") : package.index("</jl>")]
    return re.findall(r"<(\w+)>", record)[1:]


async def events_after(package: str, name: str, folder: Path) -> str:
    clock = Ticking(start_of_day_us(DAY, 8))
    ledger = await open_books(MEMORY, clock)
    config = Centre.model_validate(CENTRE)
    keys = KeyFolder(folder / "keys")
    path = folder / name
    path.write_text(package, encoding="utf-8")
    intake = Intake(config, ledger, keys, clock, os.urandom, lambda _text: True)
    await intake.take(path, "test")
    said = "\n".join(
        f"{event.kind} {canonical(event.draft.data)}" for event in ledger.store.events()
    )
    ledger.close()
    return said


def made_package() -> tuple[str, str]:
    name, content = make_package(Random(1), PackagePlan(1, DAY))
    return name, content.decode()


@pytest.mark.parametrize("field", fields_of(made_package()[1]))
async def test_no_field_of_a_record_gets_into_an_event_as_text(field: str, tmp_path: Path) -> None:
    name, package = made_package()
    package = re.sub(f"<{field}>.*?</{field}>", f"<{field}>{WRITTEN}</{field}>", package)
    assert WRITTEN in package
    said = await events_after(package, name, tmp_path)
    assert ("order_created" in said) != ("application_refused" in said)
    assert WRITTEN not in said
