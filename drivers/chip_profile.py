"""Chip profiles: which files a product's chip has and how they are written. Data, no dialogue.

Another profile is added here (or handed in) without touching the driver.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Final


@dataclass(frozen=True, slots=True)
class ChipFile:
    """One elementary file under the application."""

    id: int
    size_bytes: int


@dataclass(frozen=True, slots=True)
class ChipProfile:
    """What the encoder must know of a chip; files are written in their order here."""

    name: str
    application: bytes
    files: Mapping[str, ChipFile]
    management_file_id: int
    chip_serial_bytes: int
    card_serial_bytes: int
    #: Data bytes of one APDU: so many that one T=1 block of 254 carries it with its header.
    data_bytes_max: int
    #: The static keys of its secure channel (SCP03); None writes in the clear.
    key_version: int | None


@dataclass(frozen=True, slots=True)
class ChipContents:
    """What is to be on one chip: files by id, and the card serial. Personal data: never shown."""

    files: Mapping[int, bytes] = field(repr=False)
    card_serial: bytes = field(repr=False)


_RID2: Final = ChipProfile(
    name="rid2",
    application=bytes.fromhex("F052494432"),
    files=MappingProxyType(
        {
            "text": ChipFile(1, 256),
            "photo": ChipFile(2, 1024),
            "fingerprints": ChipFile(3, 1024),
            "added addresses": ChipFile(4, 280),
        }
    ),
    management_file_id=5,
    chip_serial_bytes=8,
    card_serial_bytes=16,
    data_bytes_max=239,
    key_version=0x30,
)
_RID2_PLAIN: Final = replace(_RID2, name="rid2-plain", data_bytes_max=248, key_version=None)

_PROFILES: Final = (_RID2, _RID2_PLAIN)


def profile_named(name: str) -> ChipProfile:
    """Return a shipped profile; raises `ValueError` with the known names."""
    for profile in _PROFILES:
        if profile.name == name:
            return profile
    known = ", ".join(profile.name for profile in _PROFILES)
    raise ValueError(f"no chip profile {name!r}; known: {known}")
