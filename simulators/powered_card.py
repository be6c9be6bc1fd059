"""One card between power-on and power-off, as a reader sees it: protocols, parameters, transfers.

This is a reader's work at the level of transfers (TPDU): it moves T=1 blocks as they are, and does
the procedure bytes of T=0 itself. What the card makes of them is in `t1_card.py`, `t0_card.py` and
`smart_card.py`. It never waits.

Our own choices, where the protocol leaves them open: a transfer in a protocol that the card does
not offer is refused (bError F6); one in a protocol that the card offers and does not speak finds it
mute (FE), since no PPS chose it; a PPS is one only as the first transfer.
"""

from random import Random

from simulators.card_commands import RunCommand
from simulators.ccid_frames import DEFAULT_PARAMETERS, Error
from simulators.floor import ChipMemory, Contacts
from simulators.smart_card import SmartCard
from simulators.t0_card import NULL, T0Card
from simulators.t1_card import T1Card
from simulators.xor import xor_of

#: Answer to reset, the protocols in it, and how long a T=1 block the card takes.
_CONTACTS = {
    Contacts.T1: (bytes.fromhex("3B858131FE4D494453494DDC"), (1,), 254),
    Contacts.T0: (bytes.fromhex("3B05494453494D"), (0,), 0),
    Contacts.T0_OR_T1: (bytes.fromhex("3B858001494453494D5E"), (0, 1), 32),
}
PPS = 0xFF
HEADER_BYTES = 5  # of a command on the contacts in T=0: class, instruction, P1, P2, P3
#: The only rates that no answer to reset of ours needs to name: 372 clocks a bit.
DEFAULT_RATE = 0x11


class TransferFailed(Exception):
    """The reader reports this error and has nothing from the card."""

    def __init__(self, error: Error) -> None:
        self.error = error
        super().__init__(error.name)


class PoweredCard:
    """One powered card. It is lost with the power or when the card leaves the field."""

    def __init__(self, chip: ChipMemory, random: Random) -> None:
        self.chip = chip
        self.answer_to_reset, self._offered, block_bytes = _CONTACTS[chip.contacts]
        self.protocol = 0
        self.parameters = DEFAULT_PARAMETERS[0]
        self.software = SmartCard(chip, random)
        self.blocks = T1Card(own_field_bytes=block_bytes)
        self.characters = T0Card(self.software.hold)
        self._spoken = self._offered[0]
        self._begun = False
        self._asked_bytes = 0  # of the T=0 command that runs

    def choose(self, protocol: int, parameters: bytes) -> None:
        """Set what the reader uses from now on, not what the card speaks."""
        if protocol not in DEFAULT_PARAMETERS:
            raise TransferFailed(Error.BAD_BYTE_7)
        if len(parameters) != len(DEFAULT_PARAMETERS[protocol]):
            raise TransferFailed(Error.WRONG_LENGTH)
        self.protocol, self.parameters = protocol, parameters

    def take(self, data: bytes) -> bytes | RunCommand:
        """Move what the host sent to the card; returns what came back, or what is to be run."""
        if data[0] == PPS and not self._begun:
            return self._pps(data)
        if self.protocol not in self._offered:
            raise TransferFailed(Error.WRONG_PROTOCOL)
        if self.protocol != self._spoken:
            raise TransferFailed(Error.CARD_MUTE)
        self._begun = True
        if self.protocol == 0:
            return self._command_t0(data)
        step = self.blocks.receive(data)
        return step if isinstance(step, RunCommand) else step.block

    def respond(self, apdu: bytes) -> bytes:
        """Let the card do a command, and return what the reader hands to the host."""
        answer = self.software.answer(apdu)
        if self.protocol == 1:
            return self.blocks.respond(answer)
        return self._received_t0(self.characters.respond(answer), apdu[1])

    def _pps(self, data: bytes) -> bytes:
        """Answer a PPS as asked; the card stays mute at a protocol or rate that it has not."""
        named = data[1] >> 4 & 7 if len(data) > 1 else 0
        if len(data) != 3 + named.bit_count() or xor_of(data):
            raise TransferFailed(Error.CARD_MUTE)
        rate = data[2] if named & 1 else DEFAULT_RATE
        protocol = data[1] & 0x0F
        if protocol not in self._offered or rate != DEFAULT_RATE:
            raise TransferFailed(Error.CARD_MUTE)
        self._spoken = protocol
        return data

    def _command_t0(self, data: bytes) -> bytes | RunCommand:
        if len(data) == HEADER_BYTES - 1:  # case 1: a header has five bytes on the contacts
            data += b"\x00"
        header, rest = data[:HEADER_BYTES], data[HEADER_BYTES:]
        if len(header) < HEADER_BYTES or (rest and len(rest) != header[4]):
            raise TransferFailed(Error.WRONG_LENGTH)
        self._asked_bytes = header[4] or 256
        step = self.characters.receive(header)
        while not isinstance(step, RunCommand):
            count = self._wanted(step, header[1], len(rest))
            step, rest = self.characters.receive(rest[:count]), rest[count:]
        return step

    def _wanted(self, procedure: int, instruction: int, left: int) -> int:
        """Return how many data bytes a procedure byte asks for."""
        if procedure not in {instruction, instruction ^ 0xFF}:
            raise TransferFailed(Error.PROCEDURE_BYTE)
        if not left:  # the card waits for what the host did not send
            raise TransferFailed(Error.CARD_MUTE)
        return left if procedure == instruction else 1

    def _received_t0(self, received: bytes, instruction: int) -> bytes:
        """Return data and status bytes of an answer, its procedure bytes taken out."""
        data, at = b"", 0
        while received[at] == NULL or received[at] in {instruction, instruction ^ 0xFF}:
            if received[at] == NULL:
                at += 1
                continue
            size = self._asked_bytes - len(data) if received[at] == instruction else 1
            data += received[at + 1 : at + 1 + size]
            at += 1 + size
        return data + received[at : at + 2]
