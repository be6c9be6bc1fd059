"""What a card printer does to the cards on the floor: how long, with what wear, what goes wrong.

Knows nothing of commands and replies; it speaks of mishaps, not of error texts. One simplification:
a panel's ink is on the card all at once, in the moment in which the panel counter rises.
"""

from collections.abc import Sequence
from functools import partial

from simulators.cleaning import Cleaning
from simulators.floor import (
    HAND,
    REJECT_BIN,
    Floor,
    PhysicalCard,
    infeed,
    inside,
    outfeed,
    reject_box,
)
from simulators.machine import Motion, Pace
from simulators.printer_bitmap import printed_over, with_failed_band
from simulators.printer_motions import Activity, Face, Mishap, Step
from simulators.printer_settings import PrinterSettings


class PrinterPhysics:
    """The mechanism, its counters and its sensors. Counters and card positions outlive power."""

    def __init__(self, floor: Floor, station: int, pace: Pace, settings: PrinterSettings) -> None:
        self.motion = Motion()
        self.settings = settings
        self.panels_printed = 0
        self.cards_inserted = 0
        self.cleaning = Cleaning(settings.cleaning_interval_cards)
        self.ribbon_left = settings.ribbon_capacity_cards
        self.cover_open = False
        self.activity: Activity | None = None
        self.jammed = False  # stays after the card was taken out, until the host clears it
        self.last_mishap: Mishap | None = None  # of the last motion that was begun
        self.jam_next = False
        self.misprint_next = False
        self._floor = floor
        self._pace = pace
        self._infeed, self._inside, self._outfeed = (
            infeed(station),
            inside(station),
            outfeed(station),
        )
        self._reject_box = reject_box(station)
        self._stuck = False  # a card lies where no motion can move it
        self._half_in = False  # between feeder and print position
        self._card_begun = False  # this card has its share of the ribbon
        self._misprints = False  # the next panel of this card fails

    # What the sensors see.

    @property
    def card_at_infeed(self) -> bool:
        """A card lies in the feeder."""
        return self._floor.at(self._infeed) is not None

    @property
    def card_at_print_position(self) -> bool:
        """A card lies under the head."""
        return self._card() is not None and not self._half_in and not self._stuck

    @property
    def card_at_outfeed(self) -> bool:
        """The last card has not been taken away."""
        return self._floor.at(self._outfeed) is not None

    @property
    def ribbon_low(self) -> bool:
        """The ribbon should be changed soon."""
        return self.ribbon_left <= self.settings.ribbon_low_cards

    @property
    def ribbon_ended(self) -> bool:
        """There is no ribbon for a card that has not begun its share yet."""
        return self.ribbon_left <= 0 and not self._card_begun

    @property
    def reject_box_full(self) -> bool:
        """There is a reject box, and it takes no more cards."""
        capacity = self.settings.reject_capacity_cards
        return 0 < capacity <= len(self._floor.store(self._reject_box))

    # What the firmware may ask for: each answers at once, with a mishap if nothing moves.

    def insert(self) -> Mishap | None:
        """Begin to take the card at the infeed to the print position."""
        mishap = self._hindrance()
        if mishap is None and self._card() is not None:
            mishap = Mishap.CARD_INSIDE
        if mishap is None and not self.card_at_infeed:
            mishap = Mishap.NO_CARD_AT_INFEED
        if mishap is None:
            half_s = self._pace.draw_s(self.settings.insert_s) / 2
            steps = [
                Step(Activity.INSERT, half_s, self._leave_infeed),
                Step(Activity.INSERT, half_s, self._reach_print_position),
            ]
            self._run(self._with_jam(steps))
        return mishap

    def print_face(
        self, face: Face, panels: Sequence[tuple[str, bytes]], *, eject: bool
    ) -> Mishap | None:
        """Begin to print panels one by one, then to eject the card or to turn it over."""
        mishap = self._hindrance()
        if mishap is None and self._card() is None:
            mishap = Mishap.NO_CARD_INSIDE
        if mishap is None and panels:
            mishap = self._ribbon_mishap(panels)
        if mishap is None and not panels and eject and self.card_at_outfeed:
            mishap = Mishap.OUTFEED_TAKEN
        if mishap is None:
            steps = self._steps(face, panels, eject=eject)
            if panels:
                self._begin_card()
            self._run(self._with_jam(steps) if eject else steps)
        return mishap

    def reject(self) -> Mishap | None:
        """Begin to bring the card into the reject box without printing on it."""
        mishap = self._hindrance()
        if mishap is None and self._card() is None:
            mishap = Mishap.NO_CARD_INSIDE
        if mishap is None and self.reject_box_full:
            mishap = Mishap.REJECT_BOX_FULL
        if mishap is None:
            eject_s = self._pace.draw_s(self.settings.eject_s)
            self._run(self._with_jam([Step(Activity.EJECT, eject_s, self._reach_reject_box)]))
        return mishap

    def clean(self) -> Mishap | None:
        """Begin to draw the cleaning card through, past head and rollers."""
        mishap = self._hindrance()
        if mishap is None and self._card() is not None:
            mishap = Mishap.CARD_INSIDE
        if mishap is None and not self.cleaning.card_in_slot:
            mishap = Mishap.NO_CLEANING_CARD
        if mishap is None:
            clean_s = self._pace.draw_s(self.settings.clean_s)
            self._run([Step(Activity.CLEAN, clean_s, self.cleaning.finish)])
        return mishap

    def clear_fault(self) -> None:
        """The host says that the fault is over; a card that is still stuck is found again."""
        self.jammed = self._stuck

    async def settled(self) -> None:
        """Wait until the mechanism rests."""
        while self.motion.running:
            await self.motion.wait()

    # What a person may do.

    def take_out_card(self) -> PhysicalCard | None:
        """Take the card out by hand (to the hand); nothing can be taken out while it moves."""
        if self.motion.running or self._card() is None:
            return None
        card = self._floor.move(self._inside, HAND)
        self._stuck = self._half_in = self._card_begun = self._misprints = False
        return card

    def empty_reject_box(self) -> None:
        """Empty the printer's own reject box into the line's bin."""
        while self._floor.store(self._reject_box):
            self._floor.move(self._reject_box, REJECT_BIN, into_store=True)

    # Power.

    def stop(self) -> None:
        """Power is lost: everything stays where it is."""
        self.motion.stop()
        self.activity = None

    def start(self) -> None:
        """Power is back: a card that the sensors find half-way in is taken for a jam."""
        self._stuck = self._stuck or self._half_in
        self.jammed = self._stuck

    # The mechanism.

    def _card(self) -> PhysicalCard | None:
        return self._floor.at(self._inside)

    def _hindrance(self) -> Mishap | None:
        assert not self.motion.running, "the firmware waits for a motion to end"
        if self.jammed:
            return Mishap.JAM
        return Mishap.COVER_OPEN if self.cover_open else None

    def _ribbon_mishap(self, panels: Sequence[tuple[str, bytes]]) -> Mishap | None:
        if any(panel not in self.settings.ribbon for panel, _ in panels):
            return Mishap.WRONG_RIBBON
        return Mishap.RIBBON_ENDED if self.ribbon_ended else None

    def _steps(self, face: Face, panels: Sequence[tuple[str, bytes]], *, eject: bool) -> list[Step]:
        end = (Activity.EJECT, self._reach_outfeed) if eject else (Activity.TURN, lambda: None)
        if not panels:
            return [Step(end[0], self._pace.draw_s(self.settings.eject_s), end[1])]
        face_s = self.settings.print_s / 2
        drawn_s = self._pace.draw_s(face_s)
        end_s = drawn_s * min(0.5, self.settings.eject_s / face_s)
        panel_s = (drawn_s - end_s) / len(panels)
        steps = [
            Step(Activity.PRINT, panel_s, partial(self._ink, face, panel, data))
            for panel, data in panels
        ]
        return [*steps, Step(end[0], end_s, end[1])]

    def _begin_card(self) -> None:
        """Count the ribbon and draw a misprint, once for each card."""
        if self._card_begun:
            return
        self._card_begun = True
        self.ribbon_left -= 1
        drawn = self._pace.random.random() < self.settings.misprint_share
        self._misprints = drawn or self.misprint_next
        self.misprint_next = False

    def _with_jam(self, steps: list[Step]) -> list[Step]:
        """Draw a jam: every card meets two chances, its way in and its way out."""
        drawn = self._pace.random.random() < self.settings.jam_share / 2
        if not (drawn or self.jam_next):
            return steps
        self.jam_next = False
        place = self._pace.random.randrange(len(steps))
        stuck = Step(Activity.JAM, steps[place].duration_s / 2, self._jam)
        return [*steps[:place], stuck]

    def _run(self, steps: list[Step]) -> None:
        step, *rest = steps
        self.activity = step.activity
        self.last_mishap = None
        self.motion.start(step.activity, step.duration_s, lambda: self._after(step, rest))

    def _after(self, step: Step, rest: list[Step]) -> None:
        self.activity = None
        mishap = step.finish()
        if mishap is None and rest:
            self._run(rest)
        else:
            self.last_mishap = mishap

    def _leave_infeed(self) -> Mishap | None:
        if not self.card_at_infeed:
            return Mishap.NO_CARD_AT_INFEED  # somebody has taken it away meanwhile
        self._floor.move(self._infeed, self._inside)
        self._half_in = True
        return None

    def _reach_print_position(self) -> None:
        self._half_in = False
        self.cards_inserted += 1
        self.cleaning.cards_since += 1

    def _reach_outfeed(self) -> Mishap | None:
        if self.card_at_outfeed:
            return Mishap.OUTFEED_TAKEN
        self._floor.move(self._inside, self._outfeed)
        self._card_begun = self._misprints = False
        return None

    def _reach_reject_box(self) -> None:
        self._floor.move(self._inside, self._reject_box, into_store=True)
        self._card_begun = self._misprints = False

    def _jam(self) -> Mishap:
        card = self._card()
        if card is None:
            if not self.card_at_infeed:
                return Mishap.NO_CARD_AT_INFEED
            card = self._floor.move(self._infeed, self._inside)
        card.damaged = True
        self._stuck = self.jammed = True
        return Mishap.JAM

    def _ink(self, face: Face, panel: str, data: bytes) -> None:
        card = self._card()
        assert card is not None, "only a person takes a card out, and not while it moves"
        if self._misprints:
            self._misprints = False
            card.misprinted = True
            data = with_failed_band(data)
        inks = card.front if face is Face.FRONT else card.back
        letter = panel.upper()
        inks[letter] = printed_over(inks[letter], data) if letter in inks else data
        self.panels_printed += 1
