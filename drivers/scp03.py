"""Secure messaging with a chip: SCP03 (GlobalPlatform Amendment D, AES-128), pure.

Derives session keys, checks cryptograms, wraps commands and unwraps answers at security level 33:
everything encrypted and authenticated, both ways. Sends nothing, and keeps no static key: those
stay behind `drivers.chip_keys.ChipKeys`.
"""

from dataclasses import dataclass, field
from hmac import compare_digest
from typing import Final, Self

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC, ECB
from cryptography.hazmat.primitives.cmac import CMAC

from drivers.apdu import OK, Command
from drivers.errors import ChipRefused, Garbled

CHALLENGE_BYTES: Final = 8
CRYPTOGRAM_BYTES: Final = 8
MAC_BYTES: Final = 8
_BLOCK_BYTES: Final = 16
_KEY_BITS: Final = 128

#: C-DECRYPTION, C-MAC, R-ENCRYPTION and R-MAC.
_SECURITY_LEVEL: Final = 0x33
_SECURED_CLASS: Final = 0x04
_PROTOCOL: Final = 3
#: What the `i` of the chip may add without changing anything for us: a pseudo-random challenge,
#: and R-MAC and R-ENCRYPTION. Bit 1 would be MACs of 16 bytes.
_HARMLESS_OPTIONS: Final = 0x70
_COUNTER_IS_SENT: Final = 0x10

_CARD_CRYPTOGRAM: Final = 0x00
_HOST_CRYPTOGRAM: Final = 0x01
_S_ENC: Final = 0x04
_S_MAC: Final = 0x06
_S_RMAC: Final = 0x07


@dataclass(frozen=True, slots=True)
class SessionKeys:
    """The keys of one channel; worthless after it, and never shown."""

    encryption: bytes = field(repr=False)
    command_mac: bytes = field(repr=False)
    answer_mac: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class ChipHello:
    """What a chip answers to INITIALIZE UPDATE."""

    diversification: bytes
    key_version: int
    challenge: bytes
    cryptogram: bytes

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Take the answer apart; raises `ChipRefused` if the chip wants another channel."""
        if len(data) < 13 or data[11] != _PROTOCOL or data[12] & ~_HARMLESS_OPTIONS:
            raise ChipRefused("The chip wants another secure channel than SCP03 with AES-128.")
        if len(data) != 29 + (3 if data[12] & _COUNTER_IS_SENT else 0):
            raise ChipRefused("The chip's part of the secure channel has a wrong length.")
        return cls(data[:10], data[10], data[13:21], data[21:29])


def derive_session_keys(enc: bytes, mac: bytes, context: bytes) -> SessionKeys:
    """Derive a channel's keys from two static keys; `context` is both challenges, ours first."""
    return SessionKeys(
        _derive(enc, _S_ENC, _KEY_BITS, context),
        _derive(mac, _S_MAC, _KEY_BITS, context),
        _derive(mac, _S_RMAC, _KEY_BITS, context),
    )


def is_authentic(keys: SessionKeys, context: bytes, cryptogram: bytes) -> bool:
    """Tell whether a chip's cryptogram proves that it holds the same keys."""
    expected = _derive(keys.command_mac, _CARD_CRYPTOGRAM, 8 * CRYPTOGRAM_BYTES, context)
    return compare_digest(expected, cryptogram)


def initialize_update(key_version: int, host_challenge: bytes) -> Command:
    """Ask the chip for its challenge; asked twice it makes another, and the last one counts."""
    assert len(host_challenge) == CHALLENGE_BYTES
    header = bytes((0x80, 0x50, key_version, 0))
    return Command("INITIALIZE UPDATE", header, host_challenge, 0)


class SecureChannel:
    """One open channel: its keys, the chain of its MACs and the counter of its commands."""

    __slots__ = ("_chain", "_counter", "_keys")

    def __init__(self, keys: SessionKeys) -> None:
        self._keys = keys
        self._chain = bytes(_BLOCK_BYTES)
        self._counter = 0

    def external_authenticate(self, context: bytes) -> Command:
        """Return the command that proves our keys to the chip and opens the channel."""
        cryptogram = _derive(
            self._keys.command_mac, _HOST_CRYPTOGRAM, 8 * CRYPTOGRAM_BYTES, context
        )
        header = bytes((0x80 | _SECURED_CLASS, 0x82, _SECURITY_LEVEL, 0))
        data = cryptogram + self._next_mac(header, cryptogram)
        return Command("EXTERNAL AUTHENTICATE", header, data, repeatable=False)

    def wrap(self, command: Command) -> Command:
        """Encrypt and authenticate the next command; it must be sent, and once only.

        The counter rises for commands without data too. An R-MAC always comes back, so that there
        is always an answer to expect.
        """
        self._counter += 1
        header = bytes((command.header[0] | _SECURED_CLASS,)) + command.header[1:]
        data = self._encrypted(command.data) if command.data else b""
        return Command(
            command.name,
            header,
            data + self._next_mac(header, data),
            command.expected_bytes or 0,
            repeatable=False,
        )

    def unwrap(self, answer: bytes) -> bytes:
        """Return an answer as it would have come in the clear, status word included.

        An error comes without protection. Raises `Garbled` when the answer was changed on its way.
        """
        data, status_word = answer[:-2], answer[-2:]
        if status_word != OK.to_bytes(2, "big"):
            return status_word
        data, mac = data[:-MAC_BYTES], data[-MAC_BYTES:]
        expected = _cmac(self._keys.answer_mac, self._chain + data + status_word)[:MAC_BYTES]
        if not compare_digest(expected, mac):
            raise Garbled("The chip's answer fails its authentication code.")
        return (self._decrypted(data) if data else b"") + status_word

    def _next_mac(self, header: bytes, data: bytes) -> bytes:
        length = bytes((len(data) + MAC_BYTES,))
        self._chain = _cmac(self._keys.command_mac, self._chain + header + length + data)
        return self._chain[:MAC_BYTES]

    def _encrypted(self, data: bytes) -> bytes:
        padded = data + b"\x80"
        padded += bytes(-len(padded) % _BLOCK_BYTES)
        encryptor = self._cipher(0x00).encryptor()
        return encryptor.update(padded) + encryptor.finalize()

    def _decrypted(self, data: bytes) -> bytes:
        if len(data) % _BLOCK_BYTES:
            raise Garbled("The chip's answer is not encrypted in whole blocks.")
        decryptor = self._cipher(0x80).decryptor()
        padded = (decryptor.update(data) + decryptor.finalize()).rstrip(b"\0")
        if not padded.endswith(b"\x80"):
            raise Garbled("The chip's answer does not decrypt.")
        return padded[:-1]

    def _cipher(self, direction: int) -> Cipher[CBC]:
        """Return the cipher for the present command (00) or its answer (80)."""
        counter = bytes((direction,)) + self._counter.to_bytes(_BLOCK_BYTES - 1, "big")
        aes = AES(self._keys.encryption)
        # One block, to make a starting vector that nobody can foresee: what ECB is for here.
        encryptor = Cipher(aes, ECB()).encryptor()  # noqa: S305 - Amendment D, 6.2.6
        return Cipher(aes, CBC(encryptor.update(counter) + encryptor.finalize()))


def _derive(key: bytes, constant: int, bits: int, context: bytes) -> bytes:
    """Return derived bits (SP 800-108, counter mode with CMAC); one block is always enough."""
    label = bytes(11) + bytes((constant,))
    return _cmac(key, label + b"\0" + bits.to_bytes(2, "big") + b"\x01" + context)[: bits // 8]


def _cmac(key: bytes, message: bytes) -> bytes:
    cmac = CMAC(AES(key))
    cmac.update(message)
    return cmac.finalize()
