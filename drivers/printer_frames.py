"""The card printer's language as bytes: commands, bitmaps, answers and status words.

Pure: nothing here waits, sends, repeats or knows which command an answer belongs to. The optional
ACK/NACK mode of the serial port is not spoken; answers are texts ending in NUL.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from drivers.errors import (
    CommandRefused,
    ConsumableEmpty,
    CoverOpen,
    DestinationTaken,
    DriverError,
    Garbled,
    HardwareFault,
    Jam,
    NothingAtSource,
    UnexpectedReply,
)
from drivers.printing import LINE_BYTES, Panel

#: Longer than any answer of the language; what exceeds it is another machine or noise.
ANSWER_BYTES_MAX = 256

OK = "OK"
_BLACK_LINE = b"\xff" * LINE_BYTES
_WHITE = b"\x00"
_BLACK = b"\xff"
#: How many bytes come before a line of N bytes of ink, made once because a face has 1,016 lines.
_COUNTS = [bytes((count,)) for count in range(LINE_BYTES + 1)]

_REFUSALS = {"ERROR CDE", "ERROR PARAMETRES", "OPT NOT AVAILABLE", "OPTION NOT AVAILABLE"}
_JAMS = {"CARD JAM", "ERROR MECHANICAL", "ERROR MECA"}
_COVERS = {"COVER OPEN", "HOPPER DOOR"}
#: Complaints of the language that do not begin with ERROR and have no class of their own.
_OTHER_COMPLAINTS = {"NEED CLEANING", "NO CARD", "ERR CARD", "ERR NEED CLEANING"}


@dataclass(frozen=True, slots=True)
class PrinterStatus:
    """The printer's four status words; a property is true if any of its bits is set."""

    configuration: int
    information: int
    warning: int
    error: int

    @property
    def printing(self) -> bool:
        """A print is under way."""
        return bool(self.information & 0x00000080)

    @property
    def busy(self) -> bool:
        """Any command is under way."""
        return bool(self.information & 0x00000001)

    @property
    def moving(self) -> bool:
        """Printing, encoding, cleaning or busy: what is known of the card may yet change."""
        return bool(self.information & 0x000000E1)

    @property
    def card_at_print_position(self) -> bool:
        """A card lies under the head."""
        return bool(self.information & 0x02000000)

    @property
    def card_at_eject(self) -> bool:
        """A card lies in the exit."""
        return bool(self.information & 0x01000000 or self.warning & 0x04000000)

    @property
    def card_inside(self) -> bool:
        """A card lies between feeder and exit: at the flip, a chip station or under the head."""
        return bool(self.information & 0x1E000000)

    @property
    def feeder_empty(self) -> bool:
        """The feeder, for us the transport's infeed, has no card."""
        return bool(self.warning & 0x01000000)

    @property
    def ribbon_low(self) -> bool:
        """The ribbon will end soon."""
        return bool(self.information & 0x00080000)

    @property
    def ribbon_ended(self) -> bool:
        """The ribbon has ended."""
        return bool(self.warning & 0x00080000 or self.error & 0x00200000)

    @property
    def cover_open(self) -> bool:
        """The cover is open."""
        return bool(self.warning & 0x00020000 or self.error & 0x02000000)

    @property
    def jam(self) -> bool:
        """The mechanism reports an error: a card is stuck."""
        return bool(self.error & 0x01000000)

    @property
    def hopper_full(self) -> bool:
        """The exit, for us the transport's outfeed, is taken."""
        return bool(self.warning & 0x00100000 or self.error & 0x00100000)

    @property
    def cleaning_due(self) -> bool:
        """Head and rollers should be cleaned."""
        return bool(self.information & 0x00060100)

    @property
    def cleaning_required(self) -> bool:
        """Head and rollers should have been cleaned long ago."""
        return bool(self.information & 0x00040100)

    @property
    def reject_slot(self) -> bool:
        """The printer has a reject box of its own."""
        return bool(self.configuration & 0x00000020)

    @property
    def reject_box_full(self) -> bool:
        """The printer's own reject box takes no more cards."""
        return bool(self.warning & 0x08000000 or self.error & 0x00800000)

    @property
    def reset(self) -> bool:
        """The printer has started up anew."""
        return bool(self.information & 0x00010000)


class AnswerDecoder:
    """Cuts the byte stream at its NULs; a damaged answer is counted and passed on as it is."""

    def __init__(self) -> None:
        self.garbage_bytes = 0
        self._partial = b""
        self._overlong = False

    def feed(self, data: bytes) -> list[bytes]:
        """Take bytes and return the answers that they end, without their NUL."""
        *ended, self._partial = (self._partial + data).split(b"\0")
        answers = list(self._whole(ended))
        if len(self._partial) > ANSWER_BYTES_MAX:
            self.garbage_bytes += len(self._partial)
            self._partial = b""
            self._overlong = True
        return answers

    def reset(self) -> None:
        """Forget a half-received answer."""
        self.garbage_bytes += len(self._partial)
        self._partial = b""
        self._overlong = False

    def _whole(self, ended: list[bytes]) -> Iterator[bytes]:
        for answer in ended:
            if self._overlong or len(answer) > ANSWER_BYTES_MAX:
                # The rest of something too long is no answer, however well it ends.
                self._overlong = False
                self.garbage_bytes += len(answer)
            elif answer:
                if not _printable(answer):
                    self.garbage_bytes += len(answer)
                yield answer


def command(text: str) -> bytes:
    """Return the bytes of one command without a bitmap."""
    return b"\x1b%s\r" % text.encode("ascii")


def bitmap_command(panel: Panel) -> bytes:
    """Return the download of one panel, compressed where the language can and it is shorter."""
    letter = panel.letter.lower().encode("ascii")
    if panel.levels == 2:
        packed = compress(panel.data)
        if len(packed) < len(panel.data):
            return b"\x1bDbc;%s;2;%d;%s\r" % (letter, len(packed), packed)
    return b"\x1bDb;%s;%d;%s\r" % (letter, panel.levels, panel.data)


def compress(face: bytes) -> bytes:
    """Pack a face of one bit a dot: a line is 00 white, FF black, or N and its first N bytes."""
    parts: list[bytes] = []
    for start in range(0, len(face), LINE_BYTES):
        line = face[start : start + LINE_BYTES]
        ink = line.rstrip(_WHITE)
        if not ink:
            parts.append(_WHITE)
        elif line == _BLACK_LINE:
            parts.append(_BLACK)
        else:
            parts.append(_COUNTS[len(ink)])
            parts.append(ink)
    return b"".join(parts)


def answer_text(answer: bytes) -> str:
    """Return an answer as text; raises `Garbled` if it is none."""
    if not _printable(answer):
        raise Garbled(length_bytes=len(answer))
    return answer.decode("ascii")


def check_ok(text: str) -> None:
    """Raise what the printer complains of, unless it said OK."""
    if text != OK:
        raise complaint(text) or UnexpectedReply(length_bytes=len(text))


def complaint(text: str) -> DriverError | None:
    """Return the error that a text answer stands for; None if it is no complaint.

    A text outside the language is never quoted: another machine may be speaking of a person.
    """
    error: DriverError | None = None
    if text == "FEEDER EMPTY":
        error = NothingAtSource(answer=text)
    elif text == "ERROR RIBBON":
        error = ConsumableEmpty(what="ribbon")
    elif text == "HOPPER FULL":
        error = DestinationTaken(answer=text)
    elif text in _COVERS:
        error = CoverOpen(answer=text)
    elif text in _JAMS:
        error = Jam(answer=text)
    elif text in _REFUSALS:
        error = CommandRefused(answer=text)
    elif text in _OTHER_COMPLAINTS or text.startswith("ERROR"):
        error = HardwareFault(answer=text[:32])
    return error


def parse_name(text: str) -> str:
    """Read an answer that names something: a model, a serial number, a version."""
    if text == OK:
        raise UnexpectedReply(length_bytes=len(text))
    return text


def parse_count(text: str) -> int:
    """Read a counter."""
    if not text.isdecimal() or len(text) > 10:
        raise UnexpectedReply(length_bytes=len(text))
    return int(text)


def parse_status(text: str) -> PrinterStatus:
    """Read the four status words; the four further words that some models add are not used."""
    if len(text) not in {32, 64}:
        raise UnexpectedReply(length_bytes=len(text))
    try:
        words = [int.from_bytes(bytes.fromhex(text[at : at + 8])) for at in range(0, 32, 8)]
    except ValueError as error:
        raise UnexpectedReply(length_bytes=len(text)) from error
    return PrinterStatus(*words)


def _printable(answer: bytes) -> bool:
    return answer.isascii() and answer.decode("ascii").isprintable()
