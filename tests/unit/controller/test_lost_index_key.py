"""The key of the keyed indexes: made once; lost, nothing is taken in under another."""

from pathlib import Path

import pytest

from jobs.vault import KeyMissing
from tests.unit.controller.office import office


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
