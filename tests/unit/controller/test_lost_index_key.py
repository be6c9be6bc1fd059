"""The key of the keyed indexes: made once; lost or exchanged, nothing is taken in under another."""

import os
from datetime import date
from pathlib import Path
from random import Random

import pytest

from config.centre import Centre
from controller.clock import start_of_day_us
from controller.intake import Intake
from jobs.ledger.store import MEMORY
from jobs.package_maker import PackagePlan, make_package
from jobs.vault import KeyFolder, KeyMissing, KeyWrong
from tests.unit.controller.office import CENTRE, Ticking, office, open_books

DAY = date(2005, 9, 5)


async def test_a_centre_that_lost_its_index_key_knows_nobody_and_makes_no_other(
    tmp_path: Path,
) -> None:
    verbs = await office(tmp_path)
    key = verbs.intake.index_key()
    assert verbs.intake.index_key() == key
    (tmp_path / "keys" / "index.key").unlink()
    for _ in range(2):
        with pytest.raises(KeyMissing):
            verbs.intake.index_key()
    verbs.ledger.close()


async def test_a_centre_with_another_index_key_takes_nothing_in(tmp_path: Path) -> None:
    """Such a key comes from another centre's backup; under it nobody would be recognised."""
    clock, keys = Ticking(start_of_day_us(DAY, 8)), KeyFolder(tmp_path / "keys")
    ledger = await open_books(MEMORY, clock)
    config = Centre.model_validate(CENTRE)
    intake = Intake(config, ledger, keys, clock, os.urandom, lambda _text: True)
    first, second = (tmp_path / name for name in ("first", "second"))
    for folder, serial in ((first, 1), (second, 2)):
        folder.mkdir()
        name, content = make_package(Random(serial), PackagePlan(1, DAY, serial=serial))
        (folder / name).write_bytes(content)
    (package,) = first.iterdir()
    assert (await intake.take(package, "test")).accepted == 1
    key, file = intake.index_key(), tmp_path / "keys" / "index.key"
    file.write_bytes(os.urandom(32))
    before = ledger.sequence
    with pytest.raises(KeyWrong, match=r"index\.key"):
        intake.index_key()
    (package,) = second.iterdir()
    with pytest.raises(KeyWrong):
        await intake.take(package, "test")
    assert ledger.sequence == before
    file.write_bytes(key)
    assert (await intake.take(package, "test")).accepted == 1
    said = str([event.draft.data for event in ledger.store.events()])
    assert key.hex() not in said
    ledger.close()
