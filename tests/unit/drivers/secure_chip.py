"""A chip of profile rid2 for the driver's tests: its own SCP03, written from the protocol page.

It grants nothing without a channel but what the profile says, and counts what it was asked.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC
from cryptography.hazmat.primitives.cmac import CMAC

from tests.unit.drivers.encoder_peer import Chip

OK, RIGHTS_MISSING = b"\x90\0", b"\x69\x82"
#: EXTERNAL AUTHENTICATE is refused so often; then the chip is blocked.
TRIES = 3


def cmac(key: bytes, message: bytes) -> bytes:
    made = CMAC(AES(key))
    made.update(message)
    return made.finalize()


def derived(key: bytes, constant: int, bits: int, context: bytes) -> bytes:
    block = cmac(key, bytes(11) + bytes((constant, 0, 0, bits, 1)) + context)
    return block[: bits // 8]


@dataclass
class SecureChip(Chip):
    """A chip that is written inside a channel only; `plain` are the commands it unwrapped."""

    enc: bytes = bytes(range(0x10, 0x20))
    mac: bytes = bytes(range(0x20, 0x30))
    key_version: int = 0x30
    challenge: bytes = bytes(range(0xC0, 0xC8))
    tries: int = TRIES
    plain: list[bytes] = field(default_factory=list)
    tamper: Callable[[bytes], bytes] = lambda answer: answer
    _context: bytes = b""
    _open: bool = False
    _chain: bytes = bytes(16)
    _counter: int = 0

    def apdu(self, command: bytes) -> bytes:
        if command[0] & 0x04:
            self.commands.append(command)
            return self.tamper(self._secured(command))
        if command[1] == 0x50:
            self.commands.append(command)
            return self._hello(command)
        if command[1] == 0xA4 and command[2] == 0x04:
            self._open = False
        elif not self._free(command):
            self.commands.append(command)
            return RIGHTS_MISSING
        return super().apdu(command)

    def _free(self, command: bytes) -> bool:
        reads_chip_serial = command[1] == 0xB0 and self.selected == 5
        reads_chip_serial = reads_chip_serial and command[2:4] == b"\0\0" and command[4] <= 8
        reads = command[1] == 0xB0 and (self.life_cycle == 5 or reads_chip_serial)
        return not self._open and (command[1] == 0xA4 or reads)

    def _hello(self, command: bytes) -> bytes:
        self._open = False
        if self.tries == 0:
            return b"\x69\x83"
        if command[2] != self.key_version:
            return b"\x6a\x88"
        self._context = command[5:13] + self.challenge
        s_mac = derived(self.mac, 6, 0x80, self._context)
        cryptogram = derived(s_mac, 0, 0x40, self._context)
        return bytes(10) + bytes((self.key_version, 3, 0)) + self.challenge + cryptogram + OK

    def _secured(self, command: bytes) -> bytes:
        size = command[4]
        data, mac = command[5 : 5 + size - 8], command[5 + size - 8 : 5 + size]
        if command[1] == 0x82:
            self._chain = bytes(16)
        elif not self._open:
            return RIGHTS_MISSING
        s_mac = derived(self.mac, 6, 0x80, self._context)
        self._chain = cmac(s_mac, self._chain + command[:5] + data)
        if self._chain[:8] != mac:
            self._open = False
            return RIGHTS_MISSING
        if command[1] == 0x82:
            return self._authenticate(command, s_mac, data)
        return self._inside(command, data)

    def _authenticate(self, command: bytes, s_mac: bytes, cryptogram: bytes) -> bytes:
        assert command[:5] == bytes.fromhex("8482330010"), "another security level"
        if derived(s_mac, 1, 0x40, self._context) != cryptogram:
            self.tries -= 1
            return b"\x63\0"
        self.tries, self._open, self._counter = TRIES, True, 0
        return OK

    def _inside(self, command: bytes, data: bytes) -> bytes:
        self._counter += 1
        plain = bytes((command[0] & ~0x04,)) + command[1:4]
        if data:
            padded = self._aes(0x00).decryptor().update(data).rstrip(b"\0")
            if not padded.endswith(b"\x80"):
                self._open = False
                return RIGHTS_MISSING
            plain += bytes((len(padded) - 1,)) + padded[:-1]
        else:
            plain += command[-1:]
        self.plain.append(plain)
        whole = super().apdu(plain)
        self.commands.pop()
        answer, status_word = whole[:-2], whole[-2:]
        if status_word != OK:
            return status_word
        if answer:
            padded = answer + b"\x80"
            padded += bytes(-len(padded) % 16)
            answer = self._aes(0x80).encryptor().update(padded)
        s_rmac = derived(self.mac, 7, 0x80, self._context)
        return answer + cmac(s_rmac, self._chain + answer + OK)[:8] + OK

    def _aes(self, direction: int) -> Cipher[CBC]:
        s_enc = derived(self.enc, 4, 0x80, self._context)
        counter = bytes((direction,)) + self._counter.to_bytes(15, "big")
        # CBC of one block with a zero vector is the block cipher itself.
        vector = Cipher(AES(s_enc), CBC(bytes(16))).encryptor().update(counter)
        return Cipher(AES(s_enc), CBC(vector))
