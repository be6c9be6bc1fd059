"""Questions and commands to a card printer that speaks escape commands, one at a time.

The language numbers nothing, so a late answer could be taken for the next question's. Evidence is
therefore read between two readings of the serial number: answers out of step, or one too many,
cannot pass, and the whole reading is done again after the wire has fallen silent. Which commands
make up an act, and what evidence proves, is the driver's business.
"""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import TypeVar

from drivers.errors import DriverError, Garbled, ReplyTimeout, UnexpectedReply, WireClosed
from drivers.identity import Identity
from drivers.link import Link
from drivers.printer_frames import (
    AnswerDecoder,
    PrinterStatus,
    answer_text,
    check_ok,
    command,
    complaint,
    parse_count,
    parse_name,
    parse_status,
)
from drivers.wire import Wire

QUERY_REPEATS = 2
#: How long a wire must be quiet before a question is asked again.
QUIET_S = 0.25
#: A machine that has not fallen silent after so many late answers is not answering us.
LATE_ANSWERS_MAX = 64

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the printer says of itself at one moment."""

    serial_number: str
    status: PrinterStatus
    cards_inserted: int
    panels_printed: int


class PrinterDialogue:
    """The dialogue on one wire; whoever sends an act holds `link` for the whole of it."""

    def __init__(self, wire: Wire, reply_timeout_s: float, download_bytes_per_s: float) -> None:
        self.link = Link(wire, AnswerDecoder())
        self._reply_timeout_s = reply_timeout_s
        self._download_bytes_per_s = download_bytes_per_s

    async def read(self, question: str, parse: Callable[[str], Answer]) -> Answer:
        """Ask one question, and again if its answer fails."""
        return await self._repeated(lambda: self._query(question, parse))

    async def evidence(self) -> Evidence:
        """Read everything that evidence is made of, as of one moment."""
        return await self._repeated(self._read_evidence)

    async def cleanings(self) -> tuple[str, int]:
        """Read whose printer it is and how often it was ever cleaned, as of one moment."""
        return await self._repeated(self._read_cleanings)

    async def identity(self) -> Identity:
        """Take over the errors, keep status words out of other answers, and ask who is there."""
        return await self._repeated(self._read_identity)

    async def command(self, request: bytes, longest_s: float | None = None) -> None:
        """Send a command that must be answered with OK, once. The caller holds the link."""
        check_ok(await self._ask(request, longest_s or self._reply_timeout_s))

    async def aclose(self) -> None:
        """Hang up."""
        await self.link.aclose()

    async def _read_evidence(self) -> Evidence:
        unasked_frames = self.link.unasked_frames
        serial_number = await self._query("Rsn", parse_name)
        # First, so that the counters of a machine at rest are those it came to rest with.
        status = await self._query("Rpst", parse_status)
        cards_inserted = await self._query("Rco;c", parse_count)
        panels_printed = await self._query("Rco;p", parse_count)
        await self._check_in_step(serial_number, unasked_frames)
        return Evidence(serial_number, status, cards_inserted, panels_printed)

    async def _read_cleanings(self) -> tuple[str, int]:
        unasked_frames = self.link.unasked_frames
        serial_number = await self._query("Rsn", parse_name)
        cleanings = await self._query("Rco;n", parse_count)
        await self._check_in_step(serial_number, unasked_frames)
        return serial_number, cleanings

    async def _read_identity(self) -> Identity:
        unasked_frames = self.link.unasked_frames
        # An earlier host may have left the printer adding its status words to every answer.
        for setting in ("Pem;2", "Pps;0"):
            await self.command(command(setting))
        serial_number = await self._query("Rsn", parse_name)
        model = await self._query("Rtp", parse_name)
        firmware = await self._query("Rfv", parse_name)
        await self._check_in_step(serial_number, unasked_frames)
        return Identity("printer", model, serial_number, firmware)

    async def _check_in_step(self, serial_number: str, unasked_frames: int) -> None:
        again = await self._query("Rsn", parse_name)
        if again != serial_number or self.link.unasked_frames != unasked_frames:
            raise UnexpectedReply("The answers are out of step with the questions.")

    async def _repeated(self, read: Callable[[], Awaitable[Answer]]) -> Answer:
        """Read, and read again (twice at most) when answers fail, damage or fall out of step."""
        async with self.link:
            for _ in range(QUERY_REPEATS):
                try:
                    return await read()
                except WireClosed:
                    raise
                except DriverError:
                    await self._fall_silent()
            return await read()

    async def _fall_silent(self) -> None:
        """Read late answers away until none comes."""
        with suppress(ReplyTimeout):
            for _ in range(LATE_ANSWERS_MAX):
                await self.link.next_frame(QUIET_S)

    async def _query(self, question: str, parse: Callable[[str], Answer]) -> Answer:
        text = await self._ask(command(question), self._reply_timeout_s)
        if error := complaint(text):
            raise error
        return parse(text)

    async def _ask(self, request: bytes, longest_s: float) -> str:
        """Send once and wait for the answer; both bounded, with time for the request's bytes."""
        longest_s += len(request) / self._download_bytes_per_s
        garbage_bytes = self.link.garbage_bytes
        await self.link.send(request, longest_s)
        try:
            return answer_text(await self.link.next_frame(longest_s))
        except ReplyTimeout as error:
            if self.link.garbage_bytes > garbage_bytes:
                raise Garbled(waited_s=longest_s) from error
            raise
