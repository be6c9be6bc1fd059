"""The host's side of T=0 over a reader that takes whole transfers (ISO/IEC 7816-3 clause 12), pure.

The reader does the characters and procedure bytes on the contacts. What is left to us is what T=0
cannot carry in one transfer: an answer to data (GET RESPONSE), and a length that the chip corrects.
Sending, and what is done after silence, is not its business. One object lives for one command.
"""

from typing import Final

from drivers.apdu import OK, Command
from drivers.errors import ChipMute
from drivers.t1 import Done, Send, Step

#: Transfers that one command may take; a short answer needs three.
TRANSFERS_MAX: Final = 8

_GET_RESPONSE: Final = b"\x00\xc0\x00\x00"
_MORE: Final = 0x61
_OTHER_LENGTH: Final = 0x6C


class T0Exchange:
    """One command and its whole answer. Everything that waits in the chip is fetched.

    Le does not bound that: of a secured command it counts bytes without padding and MAC.
    """

    def __init__(self, command: Command) -> None:
        self._command = command
        self._answer = bytearray()
        self._header = command.header
        self._brings_data = bool(command.data)
        self._transfers = 0

    def begin(self) -> Send:
        """Return the first transfer; without data its last byte says how many are wanted."""
        command = self._command
        length = len(command.data) if command.data else command.expected_bytes or 0
        return self._send(command.header, length, command.data)

    def take(self, received: bytes) -> Step:
        """Take a transfer's answer and return what to do next; raises `ChipMute` at the end."""
        if len(received) < 2:
            raise ChipMute("The chip's answer has no status word.")
        data, status_word = received[:-2], received[-2:]
        self._answer += data
        kind, length = status_word
        if kind == _MORE:
            return self._fetch(length)
        if kind == _OTHER_LENGTH and not data and not self._brings_data:
            return self._send(self._header, length)
        owes_answer = self._brings_data and self._command.expected_bytes is not None
        if owes_answer and int.from_bytes(status_word, "big") == OK:
            return self._fetch(self._command.expected_bytes or 0)
        return Done(bytes(self._answer) + status_word)

    def _fetch(self, length: int) -> Send:
        self._brings_data = False
        return self._send(_GET_RESPONSE, length)

    def _send(self, header: bytes, length: int, data: bytes = b"") -> Send:
        self._transfers += 1
        if self._transfers > TRANSFERS_MAX:
            raise ChipMute("The chip's answer does not end.")
        self._header = header
        return Send(header + bytes((length & 0xFF,)) + data)


def as_asked(command: Command, answer: bytes) -> bytes:
    """Return of an unwrapped answer what was asked for.

    T=0 carries no Le beside data, and a secured command always has data, its MAC: the chip, not
    told how much, gives as much as fits, beginning where it was asked to.
    """
    if not command.expected_bytes:
        return answer
    return answer[:-2][: command.expected_bytes] + answer[-2:]
