"""The card's end of T=0 (ISO/IEC 7816-3 clause 10): headers, procedure bytes, data, status bytes.

Puts header and data together into commands, and cuts answers as T=0 can carry them: data in one
direction only, so that an answer to data waits for GET RESPONSE. It does not know what a command
means, and it never waits: whoever owns the card decides how long a command takes.
"""

from collections.abc import Callable
from dataclasses import dataclass

from simulators.card_commands import SECURED, RunCommand

#: Instructions whose data come from the host; secured ones always bring at least their MAC.
INCOMING = frozenset({0xA4, 0xD6, 0x50, 0x82})
#: Instructions whose data go to the host.
OUTGOING = frozenset({0xB0, 0xC0, 0x84})
GET_RESPONSE = 0xC0
NULL = 0x60


@dataclass(slots=True)
class T0Card:
    """The protocol state of one powered card; `hold` keeps an answer for GET RESPONSE."""

    hold: Callable[[bytes], bytes]
    #: Back doors: take and give each data byte by itself; ask for time; break the protocol.
    byte_by_byte: bool = False
    nulls_before_next: int = 0
    wrong_procedure_bytes: int = 0
    _header: bytes = b""
    _data: bytes = b""

    def receive(self, received: bytes) -> int | RunCommand:
        """Take a header or data, and return a procedure byte, or the whole command."""
        if not self._header:
            self._header, self._data = received, b""
        else:
            self._data += received
        if self._incoming and len(self._data) < self._header[4]:
            return self._acknowledgement()
        return RunCommand(self._command())

    def respond(self, answer: bytes) -> bytes:
        """Return the bytes that answer a command: procedure bytes, data, status bytes."""
        header, self._header = self._header, b""
        nulls, self.nulls_before_next = self.nulls_before_next, 0
        return bytes([NULL]) * nulls + self._answer(header, answer)

    def _answer(self, header: bytes, answer: bytes) -> bytes:
        data, status = answer[:-2], answer[-2:]
        if not data:
            return status
        if header[1] not in OUTGOING or header[0] & SECURED:
            return self.hold(answer)
        if len(data) != (header[4] or 256):
            if header[1] == GET_RESPONSE:
                self.hold(answer)
            return bytes([0x6C, len(data) % 256])
        if not self.byte_by_byte:
            return bytes([header[1]]) + data + status
        each = bytes([header[1] ^ 0xFF])
        return b"".join(each + bytes([byte]) for byte in data) + status

    @property
    def _incoming(self) -> bool:
        return self._header[1] in INCOMING or bool(self._header[0] & SECURED)

    def _command(self) -> bytes:
        if self._incoming:
            return self._header[: 5 if self._data else 4] + self._data
        return self._header[: 5 if self._header[1] in OUTGOING else 4]

    def _acknowledgement(self) -> int:
        instruction = self._header[1]
        if self.wrong_procedure_bytes:
            self.wrong_procedure_bytes -= 1
            self._header = b""
            return instruction ^ 0x01
        return instruction ^ 0xFF if self.byte_by_byte else instruction
