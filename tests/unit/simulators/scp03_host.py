"""A host of SCP03 as short as can be, for what golden bytes do not try. Test keys, no recovery."""

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC
from cryptography.hazmat.primitives.cmac import CMAC

from simulators.smart_card import SmartCard

TEST_KEY = bytes.fromhex("404142434445464748494A4B4C4D4E4F")
HOST_CHALLENGE = bytes(range(8))


def cmac(key: bytes, data: bytes) -> bytes:
    calculation = CMAC(AES(key))
    calculation.update(data)
    return calculation.finalize()


class Host:
    """One session at a level; the application must be selected."""

    def __init__(self, card: SmartCard, level: int) -> None:
        self._card, self._level = card, level
        begun = card.answer(bytes.fromhex("80503000 08") + HOST_CHALLENGE + b"\x00")
        context = HOST_CHALLENGE + begun[13:21]
        self._enc, self._mac, self._rmac = (self._derived(t, 128, context) for t in (4, 6, 7))
        self._chain = bytes(16)
        self._commands = 0
        cryptogram = cmac(self._mac, bytes(11) + b"\x01\x00\x00\x40\x01" + context)[:8]
        assert card.answer(self._signed(0x84, 0x82, level << 8, cryptogram)) == b"\x90\x00"

    @staticmethod
    def _derived(constant: int, bits: int, context: bytes) -> bytes:
        return cmac(TEST_KEY, bytes(11) + bytes([constant, 0, 0, bits, 1]) + context)

    def _signed(self, cla: int, ins: int, offset: int, data: bytes) -> bytes:
        header = bytes([cla, ins]) + offset.to_bytes(2, "big") + bytes([len(data) + 8])
        self._chain = cmac(self._mac, self._chain + header + data)
        return header + data + self._chain[:8]

    def _cipher(self, first: int) -> Cipher[CBC]:
        counter = bytes([first]) + self._commands.to_bytes(15, "big")
        # CBC with no initial vector is one block of ECB.
        vector = Cipher(AES(self._enc), CBC(bytes(16))).encryptor().update(counter)
        return Cipher(AES(self._enc), CBC(vector))

    def select(self, file: int) -> str:
        return self.send(0xA4, file.to_bytes(2, "big"), offset=0x020C)

    def send(self, ins: int, data: bytes = b"", offset: int = 0, le: bytes = b"") -> str:
        """Send a command and return its data and status word, protection taken off."""
        padded = b""
        if data:
            padded = data + b"\x80" + bytes(-(len(data) + 1) % 16)
        return self.send_block(ins, padded if self._level & 2 else data, offset, le)

    def send_block(self, ins: int, padded: bytes, offset: int = 0, le: bytes = b"") -> str:
        """Send data whose padding is the caller's."""
        self._commands += 1
        if padded and self._level & 2 and len(padded) % 16 == 0:
            padded = self._cipher(0x00).encryptor().update(padded)
        answer = self._card.answer(self._signed(0x04, ins, offset, padded) + le)
        data, status = answer[:-2], answer[-2:]
        if self._level & 0x10 and status[0] in {0x90, 0x62}:
            data, found = data[:-8], data[-8:]
            assert found == cmac(self._rmac, self._chain + data + status)[:8]
            if data and self._level & 0x20:
                data = self._cipher(0x80).decryptor().update(data).rpartition(b"\x80")[0]
        return (data + status).hex().upper()
