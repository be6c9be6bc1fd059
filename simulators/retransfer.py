"""A simulated retransfer printer: its firmware, served on a wire.

It keeps the numbers and the memory of planes, refuses what cannot be done and answers every frame
at once; motions are the physics', and go on whoever listens.
"""

import asyncio
import struct
import zlib
from collections.abc import Callable
from typing import Final

from simulators.floor import Floor, PhysicalCard
from simulators.machine import Drawn, Pace
from simulators.retransfer_frames import (
    DEPTHS,
    Asked,
    BadPlane,
    Code,
    FrameHearer,
    Kind,
    answer,
    unpacked_plane,
)
from simulators.retransfer_physics import (
    BACK,
    FRONT,
    Activity,
    Ending,
    RetransferPhysics,
)
from simulators.retransfer_settings import RetransferSettings
from simulators.wire import Wire

__all__ = ["Ending", "RetransferSettings", "SimulatedRetransferPrinter"]

#: So long may a frame pause on the wire; then it is dropped. A wire's time, never paced.
_PAUSE_S: Final = 0.5
_LAST_NUMBER: Final = 0xFFFF
_STATUS: Final = struct.Struct(">4B3HB2I2H")
_FIRMWARE: Final = "1.00"


class SimulatedRetransferPrinter:
    """A two-sided printer that takes cards from its infeed and leaves them at its outfeed."""

    def __init__(
        self,
        floor: Floor,
        station: int,
        pace: Pace,
        settings: RetransferSettings,
        serial_number: str,
    ) -> None:
        self.serial_number = serial_number
        self._physics = RetransferPhysics(floor, station, pace, settings)
        self._planes: dict[tuple[int, str], bytes] = {}
        self._started = self._finished = self._printed = 0
        self._powered = True
        self._power_period = 0

    # What a person may do at the machine, and what a test may let happen.

    @property
    def faces_left(self) -> int:
        """For how many faces film and ribbon last."""
        return min(self._physics.film_left, self._physics.ribbon_left)

    def refill(self) -> None:
        """Put new film and a new ribbon in."""
        self._physics.refill()

    def repair_roller(self) -> None:
        """Put a new roller in."""
        self._physics.roller_broken = False

    def clear_jam(self) -> PhysicalCard | None:
        """Take whatever card is inside to the hand (`floor.HAND`); None while it moves."""
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

    # The machine.

    def cut_power(self) -> None:
        """Stop where it is; planes are lost, and heat."""
        self._powered = False
        self._power_period += 1
        self._physics.stop()
        self._planes.clear()

    def restore_power(self) -> None:
        """Start up again."""
        if not self._powered:
            self._powered = True
            self._physics.start()

    def drawn(self) -> list[Drawn]:
        """Every motion so far; a print is several."""
        return list(self._physics.motion.drawn)

    async def serve(self, wire: Wire) -> None:
        """Answer on this wire until it ends."""
        hearer, power_period = FrameHearer(), self._power_period
        while True:
            try:
                async with asyncio.timeout(_PAUSE_S if hearer.in_frame else None):
                    data = await wire.receive()
            except TimeoutError:
                hearer.reset()
                continue
            except OSError:
                return
            if not data:
                return
            if power_period != self._power_period:
                hearer.reset()
                power_period = self._power_period
            for asked in hearer.feed(data) if self._powered else ():
                try:
                    await wire.send(answer(asked, self._answer(asked)))
                except OSError:
                    return

    # The firmware.

    def _answer(self, asked: Asked) -> bytes:
        match asked.kind:
            case Kind.WHO:
                names = (self._physics.settings.model, self.serial_number, _FIRMWARE)
                return "\0".join(names).encode("ascii")
            case Kind.STATUS:
                return self._status()
            case Kind.FORGET:
                self._planes.clear()
                return bytes((Code.DONE,))
            case Kind.PLANE:
                return bytes((self._take_plane(asked.payload),))
            case Kind.FEED | Kind.PRINT | Kind.EJECT | Kind.RESET | Kind.CLEAN:
                return bytes((self._begin(Kind(asked.kind), asked.payload),))
            case _:
                return bytes((Code.CANNOT,))

    def _status(self) -> bytes:
        physics = self._physics
        sensors = (physics.cover_open, physics.card_at_infeed, physics.card_at_outfeed)
        flags = (*sensors, physics.cleaning.due)
        card = 0 if not physics.card_inside else 1 if physics.card_at_print_position else 2
        return _STATUS.pack(
            self._phase(),
            physics.ending,
            card,
            sum(1 << bit for bit, flag in enumerate(flags) if flag),
            self._started,
            self._finished,
            self._printed,
            physics.faces_pressed,
            physics.cards_fed,
            physics.cards_printed,
            physics.film_left,
            physics.ribbon_left,
        ) + self.serial_number.encode("ascii")

    def _phase(self) -> int:
        if self._physics.motion.running:
            return 2 if self._physics.activity is Activity.HEAT else 1
        return 3 if self._physics.in_trouble else 0

    def _take_plane(self, payload: bytes) -> Code:
        face, colour = payload[0:1], payload[1:2].decode("latin-1")
        if face not in {bytes((FRONT,)), bytes((BACK,))} or colour not in DEPTHS:
            return Code.CANNOT
        try:
            self._planes[face[0], colour] = unpacked_plane(colour, payload[2:])
        except BadPlane:
            return Code.CANNOT
        return Code.DONE

    def _begin(self, kind: Kind, payload: bytes) -> Code:
        """Begin a numbered command, or say why not; a number refused is not used up."""
        if len(payload) < 2 or (kind is not Kind.PRINT and len(payload) != 2):
            return Code.CANNOT
        number = int.from_bytes(payload[:2])
        if not 1 <= number <= _LAST_NUMBER:
            return Code.CANNOT
        if number == self._started:
            return Code.KNOWN_NUMBER
        code = self._hindrance(kind) or self._hindrance_of(kind, payload)
        if code is Code.DONE:
            self._started = number
            self._motion_of(kind, number)()
        return code

    def _hindrance(self, kind: Kind) -> Code:
        if self._physics.motion.running:
            return Code.BUSY
        if self._physics.cover_open:
            return Code.COVER_OPEN
        trouble = self._physics.in_trouble and kind is not Kind.RESET
        return Code.IN_TROUBLE if trouble else Code.DONE

    def _hindrance_of(self, kind: Kind, payload: bytes) -> Code:
        physics = self._physics
        code = Code.DONE
        if kind is Kind.FEED:
            if physics.card_inside:
                code = Code.CARD_INSIDE
            elif not physics.card_at_infeed:
                code = Code.NO_CARD_AT_INFEED
        elif kind is Kind.PRINT:
            code = self._print_hindrance(payload[2:])
        elif kind is Kind.EJECT:
            if not physics.card_at_print_position:
                code = Code.NO_CARD_INSIDE
            elif physics.card_at_outfeed:
                code = Code.OUTFEED_TAKEN
        elif kind is Kind.CLEAN:
            if physics.card_inside:
                code = Code.CARD_INSIDE
            elif not physics.cleaning.card_in_slot:
                code = Code.NO_CLEANING_CARD
        return code

    def _print_hindrance(self, names: bytes) -> Code:
        faces = len({face for face, _ in self._planes})
        here = {
            bytes((face, ord(colour))) + struct.pack(">I", zlib.crc32(dots))
            for (face, colour), dots in self._planes.items()
        }
        named = [names[at : at + 6] for at in range(1, len(names), 6)]
        code = Code.DONE
        if not named or len(named) != names[0]:
            code = Code.CANNOT
        elif set(named) != here or len(named) != len(here):
            code = Code.OTHER_PLANES
        elif not self._physics.card_at_print_position:
            code = Code.NO_CARD_INSIDE
        elif self._physics.film_left < faces:
            code = Code.FILM_OUT
        elif self._physics.ribbon_left < faces:
            code = Code.RIBBON_OUT
        return code

    def _motion_of(self, kind: Kind, number: int) -> Callable[[], None]:
        def finished() -> None:
            self._finished = number

        def printed() -> None:
            self._finished = self._printed = number

        physics = self._physics
        match kind:
            case Kind.FEED:
                return lambda: physics.feed(finished)
            case Kind.PRINT:
                planes, self._planes = self._planes, {}
                return lambda: physics.print_job(planes, printed)
            case Kind.EJECT:
                return lambda: physics.eject(finished)
            case Kind.CLEAN:
                return lambda: physics.clean(finished)
            case _:
                return lambda: physics.home(finished)
