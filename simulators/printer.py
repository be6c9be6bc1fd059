"""A simulated card printer: physics and firmware put together and served on a wire.

Here is how a connection lives and dies, what a power cut takes with it, and what a person may do at
the machine. The language is in `printer_language.py`, the answers in `printer_firmware.py`.
"""

import asyncio
from dataclasses import dataclass
from typing import Final

from simulators.floor import Floor, PhysicalCard
from simulators.machine import Drawn, Pace
from simulators.printer_firmware import MOTIONS, PrinterFirmware, Reply
from simulators.printer_language import Command, CommandParser, Heard, Unreadable
from simulators.printer_physics import PrinterPhysics
from simulators.printer_settings import PrinterSettings
from simulators.wire import Wire

__all__ = ["PrinterSettings", "SimulatedPrinter"]

#: So long may a bitmap pause on the wire; then it is given up. A wire's time, never paced.
_BITMAP_PAUSE_S: Final = 3.0
_COMMANDS_WAITING_MAX: Final = 16


@dataclass(frozen=True, slots=True)
class _Received:
    """A command, and during which period of power it arrived."""

    heard: Heard
    power_period: int


class SimulatedPrinter:
    """A two-sided printer that takes cards from its infeed and leaves them at its outfeed."""

    def __init__(
        self,
        floor: Floor,
        station: int,
        pace: Pace,
        settings: PrinterSettings,
        serial_number: str,
    ) -> None:
        self.serial_number = serial_number
        self.mute = False  # acts, but swallows every reply
        self._physics = PrinterPhysics(floor, station, pace, settings)
        self._firmware = PrinterFirmware(self._physics, serial_number)
        self._powered = True
        self._power_period = 0

    # What a person may do at the machine, and what a test may let happen.

    @property
    def ribbon_left(self) -> int:
        """Cards left on the ribbon."""
        return self._physics.ribbon_left

    @ribbon_left.setter
    def ribbon_left(self, cards: int) -> None:
        self._physics.ribbon_left = cards

    def refill_ribbon(self) -> None:
        """Put a new ribbon in."""
        self._physics.ribbon_left = self._physics.settings.ribbon_capacity_cards

    def clear_jam(self) -> PhysicalCard | None:
        """Take whatever card is inside to the hand (`floor.HAND`); the host must clear status too.

        None if there is no card, or while the mechanism moves.
        """
        return self._physics.take_out_card()

    def open_cover(self) -> bool:
        """Open the cover; it is locked (False) while the mechanism moves."""
        self._physics.cover_open = self._physics.cover_open or not self._physics.motion.running
        return self._physics.cover_open

    def close_cover(self) -> None:
        """Close the cover."""
        self._physics.cover_open = False

    @property
    def wants_cleaning_card(self) -> bool:
        """Somebody who cleans would put a cleaning card in."""
        return self._physics.cleaning.wants_card

    def insert_cleaning_card(self) -> None:
        """Put a cleaning card into the slot that is for it; the host has it drawn through."""
        self._physics.cleaning.card_in_slot = True

    def empty_reject_box(self) -> None:
        """Empty the printer's own reject box, if it has one, into the line's reject bin."""
        self._physics.empty_reject_box()

    def jam_next(self) -> None:
        """Let the next insert or eject jam."""
        self._physics.jam_next = True

    def misprint_next(self) -> None:
        """Let the next card be misprinted."""
        self._physics.misprint_next = True

    # The machine.

    def cut_power(self) -> None:
        """Stop where it is; bitmaps, settings and last replies are lost."""
        self._powered = False
        self._power_period += 1
        self._physics.stop()

    def restore_power(self) -> None:
        """Start up again."""
        if not self._powered:
            self._powered = True
            self._firmware.start()
            self._physics.start()

    def drawn(self) -> list[Drawn]:
        """Every motion so far; one act is several (the panels of a face, the halves of a feed)."""
        return list(self._physics.motion.drawn)

    async def serve(self, wire: Wire) -> None:
        """Answer on this wire until it ends.

        What arrived before a hang-up is still begun, and a motion goes on without anybody waiting
        for it here; so the next connection can be served at once.
        """
        received: asyncio.Queue[_Received] = asyncio.Queue(_COMMANDS_WAITING_MAX)
        async with asyncio.TaskGroup() as group:
            answering = group.create_task(self._answer(wire, received))
            await self._listen(wire, received)
            await received.join()
            answering.cancel()

    async def _listen(self, wire: Wire, received: asyncio.Queue[_Received]) -> None:
        parser = CommandParser()
        power_period = self._power_period
        while True:
            try:
                async with asyncio.timeout(_BITMAP_PAUSE_S if parser.in_bitmap else None):
                    data = await wire.receive()
            except TimeoutError:
                parser.reset()
                await self._reply(wire, Reply.TIME_OUT, power_period)
                continue
            except OSError:
                return
            if not data:
                return
            if power_period != self._power_period:
                parser.reset()
                power_period = self._power_period
            if self._powered:
                for heard in parser.feed(data):
                    await received.put(_Received(heard, power_period))

    async def _answer(self, wire: Wire, received: asyncio.Queue[_Received]) -> None:
        while True:
            item = await received.get()
            try:
                answer = await self._begin(item)
            finally:
                received.task_done()
            if answer is None:
                await self._physics.settled()
                if item.power_period != self._power_period:
                    continue
                answer = self._firmware.motion_reply()
            await self._reply(wire, answer, item.power_period)

    async def _begin(self, item: _Received) -> str | None:
        """Do one command; None when it began a motion, whose end is its answer."""
        match item.heard:
            case Unreadable():
                return Reply.BAD_PARAMETERS
            case Command() as command:
                if command.name in MOTIONS:
                    await self._physics.settled()
                if item.power_period != self._power_period:
                    return Reply.OK  # the power went meanwhile: neither done nor answered
                return self._firmware.answer(command)

    async def _reply(self, wire: Wire, text: str, power_period: int) -> None:
        """Answer, unless the power went since the command came, or nobody is there any more."""
        if self.mute or power_period != self._power_period:
            return
        try:
            await wire.send(text.encode("ascii") + b"\x00" + self._firmware.trailer())
        except OSError:
            return  # the listener meets the end of the stream, too
