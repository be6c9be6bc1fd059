"""The chips' keys in a file: what stands behind `drivers.chip_keys` where there is no HSM.

Static keys are read once, when the centre starts, and never leave this module: not in a log, a
message, the ledger or a trace. A hardware security module would take this module's place.
"""

import os
import stat
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from config.centre import Centre, Purpose
from config.chip_keys import KeyFile
from config.loading import ConfigError, Problem, checked
from drivers.chip_keys import ChipKeys
from drivers.errors import ChipKeysRefused
from drivers.scp03 import CHALLENGE_BYTES, SessionKeys, derive_session_keys

FILE_BYTES_MAX: Final = 10_000
#: GlobalPlatform's test key, which anybody may know: simulated chips come with it.
_TEST_KEY: Final = bytes(range(0x40, 0x50))
_TEST_KEY_VERSION: Final = 0x30

Entropy = Callable[[int], bytes]


class ChipKeysNotUsable(Exception):
    """The file of the chips' keys cannot be used; the message names no key."""

    code = "config.chip_keys"


class StaticChipKeys:
    """Key sets in memory, the same for every chip (not diversified)."""

    __slots__ = ("_entropy", "_key_sets")

    def __init__(self, key_sets: Mapping[int, tuple[bytes, bytes]], entropy: Entropy) -> None:
        self._key_sets = dict(key_sets)
        self._entropy = entropy

    def host_challenge(self) -> bytes:
        """Return 8 fresh random bytes."""
        return self._entropy(CHALLENGE_BYTES)

    async def session_keys(
        self, key_version: int, diversification: bytes, context: bytes
    ) -> SessionKeys:
        """Derive a channel's keys; raises `ChipKeysRefused` for a version that is not there."""
        del diversification
        found = self._key_sets.get(key_version)
        if found is None:
            text = "The centre has no chip keys of this version."
            raise ChipKeysRefused(text, key_version=f"{key_version:02X}")
        return derive_session_keys(*found, context)


def chip_keys_of(config: Centre, entropy: Entropy) -> ChipKeys:
    """Return the keys of a centre's chips; raises `ChipKeysNotUsable`.

    Without a file they are the test keys. A production centre may not have these: without a file it
    has none, and its configuration does not let it make what needs them.
    """
    in_production = config.purpose is Purpose.PRODUCTION
    if config.chip_keys is None:
        test_keys = {_TEST_KEY_VERSION: (_TEST_KEY, _TEST_KEY)}
        return StaticChipKeys({} if in_production else test_keys, entropy)
    path = config.chip_keys.file
    key_sets = read_key_sets(path)
    if in_production and any(_TEST_KEY in keys for keys in key_sets.values()):
        raise ChipKeysNotUsable(f"{path} holds the test key, which anybody may know")
    return StaticChipKeys(key_sets, entropy)


def read_key_sets(path: Path) -> dict[int, tuple[bytes, bytes]]:
    """Read a file of mode 0600 in a folder of mode 0700: ENC and MAC key by key version."""
    content = _private_content(path)
    try:
        file = checked(path, tomllib.loads(content.decode()), KeyFile)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError):
        # No cause is kept: it would hold what is in the file.
        raise ChipKeysNotUsable(f"{path} is no TOML file") from None
    except ConfigError as error:
        raise ChipKeysNotUsable(f"{path}: {_told(error.problems)}") from None
    return {one.version: (bytes.fromhex(one.enc), bytes.fromhex(one.mac)) for one in file.key_sets}


def _private_content(path: Path) -> bytes:
    try:
        if stat.S_IMODE(path.parent.stat().st_mode) & 0o077:
            text = f"{path.parent} is open to others: chmod 700 {path.parent}"
            raise ChipKeysNotUsable(text)
        with open(path, "rb", opener=_itself) as file:
            mode = os.fstat(file.fileno()).st_mode
            if not stat.S_ISREG(mode):
                raise ChipKeysNotUsable(f"{path} is not a file")
            if stat.S_IMODE(mode) & 0o077:
                raise ChipKeysNotUsable(f"{path} is open to others: chmod 600 {path}")
            content = file.read(FILE_BYTES_MAX + 1)
    except OSError as error:
        raise ChipKeysNotUsable(f"{path} cannot be read: {error.strerror}") from error
    if len(content) > FILE_BYTES_MAX:
        raise ChipKeysNotUsable(f"{path} is larger than {FILE_BYTES_MAX} bytes")
    return content


def _itself(path: str, flags: int) -> int:
    """Open what is there, not what it points to, and without waiting for it."""
    return os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK)


def _told(problems: tuple[Problem, ...]) -> str:
    return "; ".join(str(problem) for problem in problems)
