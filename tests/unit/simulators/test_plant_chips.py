"""The chips that a plant's blanks come with."""

import pytest

from config.centre import load_centre, shipped_centre
from config.simulation import Simulation
from simulators.floor import ChipKeys, ChipMemory
from simulators.plant import Plant


def two_chips(product: str) -> tuple[ChipMemory, ChipMemory]:
    centre = load_centre(shipped_centre("simulated")).model_copy(update={"products": (product,)})
    chips = Plant.of(centre, Simulation()).lines["line-1"].chips
    return next(chips), next(chips)


@pytest.mark.parametrize(
    ("product", "keys"),
    [("second-generation", ChipKeys.for_tests()), ("first-generation", None)],
)
def test_chips_have_test_keys_if_the_centre_makes_secured_ones(
    product: str, keys: ChipKeys | None
) -> None:
    first, second = two_chips(product)
    assert first.serial != second.serial
    assert first.keys == second.keys == keys


def test_each_chip_counts_tries_for_itself() -> None:
    first, second = two_chips("second-generation")
    assert first.keys is not None
    assert first.keys is not second.keys
