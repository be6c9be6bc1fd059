"""Who holds the chips' keys: the one small opening between a driver and a key store.

A file or a hardware security module can stand behind it. No static key comes through: the store
derives, and gives out keys that are worth nothing after one session.
"""

from typing import Protocol

from drivers.scp03 import SessionKeys


class ChipKeys(Protocol):
    """The static keys of our chips, out of reach."""

    def host_challenge(self) -> bytes:
        """Return 8 fresh random bytes."""

    async def session_keys(
        self, key_version: int, diversification: bytes, context: bytes
    ) -> SessionKeys:
        """Derive the keys of one channel with the chip that sent `diversification`.

        Raises `ChipKeysRefused` for a version that is not there. Bounds its own waits.
        """
