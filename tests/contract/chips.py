"""Chips as they leave their maker, and the published test keys that simulated ones come with."""

from random import Random

from controller.chip_keys import StaticChipKeys
from simulators.floor import ChipKeys, ChipMemory

TEST_KEY = bytes(range(0x40, 0x50))


def keys_for_tests() -> StaticChipKeys:
    """Return a key store that holds them."""
    return StaticChipKeys({0x30: (TEST_KEY, TEST_KEY)}, Random("challenges").randbytes)


def made_for(profile: str, serial: bytes) -> ChipMemory:
    """Return an empty chip of profile `rid2` or `rid2-plain`."""
    return ChipMemory.new(serial, ChipKeys.for_tests() if profile == "rid2" else None)
