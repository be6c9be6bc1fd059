"""The card's end of the T=1 block protocol (ISO/IEC 7816-3 clause 11), with the LRC check byte.

Puts blocks together into commands and cuts responses into blocks. It does not know what a command
means, and it never waits: whoever owns the card decides how long a command takes.
"""

from dataclasses import dataclass, field

from simulators.card_commands import RunCommand
from simulators.xor import xor_of

#: What the host takes in one block until S(IFS) says more.
INITIAL_HOST_FIELD_BYTES = 32
#: Longer than any short command APDU; a chain beyond it is a fault of the host.
LONGEST_COMMAND_BYTES = 600

RESYNCH, FIELD_SIZE, ABORT, WAIT = 0xC0, 0xC1, 0xC2, 0xC3
RESPONSE = 0x20
#: How many block waiting times the card asks for; the host grants that number and no other.
WAIT_ONCE = b"\x01"
DAMAGED, OTHER_ERROR = 0x01, 0x02


@dataclass(frozen=True, slots=True)
class SendBlock:
    """The card answers with this block at once."""

    block: bytes


def block(pcb: int, information: bytes = b"") -> bytes:
    """Return a block with node address 0 and its check byte."""
    body = bytes([0x00, pcb, len(information)]) + information
    return body + bytes([xor_of(body)])


@dataclass(slots=True)
class T1Card:
    """The protocol state of one powered card."""

    host_field_bytes: int = INITIAL_HOST_FIELD_BYTES
    #: What the card takes in one block, as its answer to reset says.
    own_field_bytes: int = 254
    #: Back door: how many times the card asks for more time before its next command.
    waits_before_next: int = 0
    _next_to_send: int = 0
    _next_expected: int = 0
    _command: bytearray = field(default_factory=bytearray)
    _postponed: bytes | None = None
    _response: bytes = b""
    _last: bytes = b""  # the last I-block sent

    def receive(self, received: bytes) -> SendBlock | RunCommand:
        """Take one block and say what follows from it."""
        if (
            len(received) < 4
            or received[2] != len(received) - 4
            or received[2] > self.own_field_bytes
        ):
            return self._complain(OTHER_ERROR)
        if xor_of(received):
            return self._complain(DAMAGED)
        pcb, information = received[1], received[3:-1]
        if received[0] != 0x00:
            return self._complain(OTHER_ERROR)
        if pcb & 0x80 == 0:
            return self._information(pcb, information)
        if pcb & 0x40 == 0:
            return self._receipt(pcb, information)
        return self._supervision(pcb, information)

    def respond(self, response: bytes) -> bytes:
        """Return the first block of a response; the rest follows as the host acknowledges."""
        self._response = response
        return self._send_next()

    def _information(self, pcb: int, information: bytes) -> SendBlock | RunCommand:
        # An I-block also acknowledges our last one, so an unfinished response is given up.
        if pcb & 0x1F or pcb >> 6 & 1 != self._next_expected:
            return self._complain(OTHER_ERROR)
        if len(self._command) + len(information) > LONGEST_COMMAND_BYTES:
            self._command.clear()
            return self._complain(OTHER_ERROR)
        self._response = b""
        self._postponed = None
        self._next_expected ^= 1
        self._command += information
        if pcb & 0x20:
            return SendBlock(block(0x80 | self._next_expected << 4))
        apdu = bytes(self._command)
        self._command.clear()
        if self.waits_before_next:
            self._postponed = apdu
            return self._ask_for_time()
        return RunCommand(apdu)

    def _ask_for_time(self) -> SendBlock:
        self.waits_before_next -= 1
        return SendBlock(block(WAIT, WAIT_ONCE))

    def _receipt(self, pcb: int, information: bytes) -> SendBlock:
        if pcb & 0x2C or information:
            return self._complain(OTHER_ERROR)
        if self._postponed is not None:
            return SendBlock(block(WAIT, WAIT_ONCE))  # asked to repeat: our last was this request
        acknowledged = pcb >> 4 & 1 == self._next_to_send
        if acknowledged and self._response:
            return SendBlock(self._send_next())
        if acknowledged or not self._last:
            return SendBlock(block(0x80 | self._next_expected << 4))
        return SendBlock(self._last)

    def _supervision(self, pcb: int, information: bytes) -> SendBlock | RunCommand:
        match pcb:
            case 0xC0 if not information:
                self._forget()
            case 0xC1 if len(information) == 1 and 1 <= information[0] <= 254:
                self.host_field_bytes = information[0]
            case 0xC2 if not information:
                self._command.clear()
                self._response = b""
            case 0xE3 if self._postponed is not None and information == WAIT_ONCE:
                return self._resume(self._postponed)
            case _:
                return self._complain(OTHER_ERROR)
        return SendBlock(block(pcb | RESPONSE, information))

    def _resume(self, apdu: bytes) -> SendBlock | RunCommand:
        if self.waits_before_next:
            return self._ask_for_time()
        self._postponed = None
        return RunCommand(apdu)

    def _forget(self) -> None:
        """Begin numbering again, as S(RESYNCH) asks."""
        self._next_to_send = self._next_expected = 0
        self._command.clear()
        self._postponed = None
        self._response = self._last = b""

    def _send_next(self) -> bytes:
        part = self._response[: self.host_field_bytes]
        self._response = self._response[self.host_field_bytes :]
        more = 0x20 if self._response else 0x00
        self._last = block(self._next_to_send << 6 | more, part)
        self._next_to_send ^= 1
        return self._last

    def _complain(self, error: int) -> SendBlock:
        return SendBlock(block(0x80 | self._next_expected << 4 | error))
