"""What a retransfer printer does to the cards on the floor: how long, with what wear and mishaps.

Ink goes onto the film first; a card is touched when a face is pressed. Knows nothing of frames.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import IntEnum
from functools import partial
from typing import Final

from simulators.cleaning import Cleaning
from simulators.floor import HAND, Floor, PhysicalCard, infeed, inside, outfeed
from simulators.machine import Motion, Pace
from simulators.printer_bitmap import printed_over, with_failed_band
from simulators.retransfer_frames import on_the_card
from simulators.retransfer_settings import RetransferSettings

#: Of the time of a face: the rest is pressing.
_INKING_SHARE: Final = 0.6
FRONT, BACK = 0, 1

#: The planes of a job by face and colour.
Planes = Mapping[tuple[int, str], bytes]


class Ending(IntEnum):
    """Why a motion ended early."""

    AS_MEANT = 0
    JAM = 1
    FILM_TORN = 2
    ROLLER = 3
    OUTFEED_TAKEN = 4
    NOTHING_AT_INFEED = 5


class Activity(IntEnum):
    """What the mechanism is doing."""

    FEED = 0
    HEAT = 1
    INK = 2
    PRESS = 3
    EJECT = 4
    HOME = 5
    CLEAN = 6


@dataclass(frozen=True, slots=True)
class _Step:
    """One motion, and what is true of the floor after it."""

    activity: Activity
    duration_s: float
    finish: Callable[[], Ending]


class RetransferPhysics:
    """The mechanism, its sensors and its wear. Where cards lie and what is worn outlives power."""

    def __init__(
        self, floor: Floor, station: int, pace: Pace, settings: RetransferSettings
    ) -> None:
        self.motion = Motion()
        self.settings = settings
        self.film_left = settings.film_capacity_faces
        self.ribbon_left = settings.ribbon_capacity_faces
        self.cards_fed = 0
        self.cards_printed = 0
        self.cleaning = Cleaning(settings.cleaning_interval_cards)
        self.faces_pressed = 0  # of the last print begun
        self.cover_open = False
        self.ending = Ending.AS_MEANT
        self.film_torn = False
        self.roller_broken = False
        self.activity: Activity | None = None
        self.jam_next = False
        self.misprint_next = False
        self.tear_next = False
        self._floor = floor
        self._pace = pace
        self._infeed, self._inside = infeed(station), inside(station)
        self._outfeed = outfeed(station)
        self._astray = False  # a card lies inside, and not at the print position
        self._misprints = False
        self._warm_at_s = 0.0

    # What the sensors see.

    @property
    def card_at_infeed(self) -> bool:
        """A card lies at the infeed."""
        return self._floor.at(self._infeed) is not None

    @property
    def card_at_outfeed(self) -> bool:
        """The last card has not been taken away."""
        return self._floor.at(self._outfeed) is not None

    @property
    def card_inside(self) -> bool:
        """A card lies somewhere inside."""
        return self._floor.at(self._inside) is not None

    @property
    def card_at_print_position(self) -> bool:
        """A card lies where it can be printed or brought out."""
        return self.card_inside and not self._astray

    @property
    def in_trouble(self) -> bool:
        """Nothing but a reset is begun before a person has been here."""
        return self.ending in {Ending.JAM, Ending.FILM_TORN, Ending.ROLLER}

    # What the firmware may begin; it has seen to it that nothing stands in the way.

    def feed(self, done: Callable[[], None]) -> None:
        """Take the card at the infeed to the print position."""
        half_s = self._pace.draw_s(self.settings.insert_s) / 2
        steps = [
            _Step(Activity.FEED, half_s, self._leave_infeed),
            _Step(Activity.FEED, half_s, self._reach_print_position),
        ]
        self._run(self._with_jam(steps), done)

    def print_job(self, planes: Planes, done: Callable[[], None]) -> None:
        """Print every face that has planes, front first; the card stays inside."""
        self.faces_pressed = 0
        drawn = self._pace.random.random() < self.settings.misprint_share
        self._misprints = drawn or self.misprint_next
        self.misprint_next = False
        steps = []
        cold_s = self._warm_at_s - asyncio.get_running_loop().time()
        if cold_s > 0:
            steps.append(_Step(Activity.HEAT, cold_s, lambda: Ending.AS_MEANT))
        for face in sorted({face for face, _ in planes}):
            face_s = self._pace.draw_s(self.settings.print_s / 2)
            ink = {colour: dots for (of, colour), dots in planes.items() if of == face}
            press = partial(self._press, face, ink)
            steps.append(_Step(Activity.INK, face_s * _INKING_SHARE, self._ink))
            steps.append(_Step(Activity.PRESS, face_s * (1 - _INKING_SHARE), press))

        def printed() -> None:
            self.cards_printed += 1
            done()

        self._run(steps, printed)

    def eject(self, done: Callable[[], None]) -> None:
        """Bring the card to the outfeed."""
        step = _Step(Activity.EJECT, self._pace.draw_s(self.settings.eject_s), self._reach_outfeed)
        self._run(self._with_jam([step]), done)

    def home(self, done: Callable[[], None]) -> None:
        """Forget what is over; what is not is found again."""
        home_s = self._pace.draw_s(self.settings.home_s)
        self._run([_Step(Activity.HOME, home_s, self._trouble_found)], done)

    def clean(self, done: Callable[[], None]) -> None:
        """Draw the cleaning card through, past the rollers."""

        def cleaned() -> Ending:
            self.cleaning.finish()
            return Ending.AS_MEANT

        clean_s = self._pace.draw_s(self.settings.clean_s)
        self._run([_Step(Activity.CLEAN, clean_s, cleaned)], done)

    # What a person may do.

    def take_out_card(self) -> PhysicalCard | None:
        """Take the card out by hand (to the hand); nothing can be taken out while it moves."""
        if self.motion.running or not self.card_inside:
            return None
        self._astray = False
        return self._floor.move(self._inside, HAND)

    def refill(self) -> None:
        """Put new film and a new ribbon in."""
        self.film_left = self.settings.film_capacity_faces
        self.ribbon_left = self.settings.ribbon_capacity_faces
        self.film_torn = False

    # Power.

    def stop(self) -> None:
        """Power is lost: everything stays where it is."""
        self.motion.stop()
        self.activity = None

    def start(self) -> None:
        """Power is back: the roller is cold, and a card half-way in is taken for a jam."""
        warm_up_s = self.settings.warm_up_s / self._pace.factor
        self._warm_at_s = asyncio.get_running_loop().time() + warm_up_s
        self.ending = self._trouble_found()

    # The mechanism.

    def _trouble_found(self) -> Ending:
        if self.card_inside and self._astray:
            return Ending.JAM
        if self.film_torn:
            return Ending.FILM_TORN
        return Ending.ROLLER if self.roller_broken else Ending.AS_MEANT

    def _with_jam(self, steps: list[_Step]) -> list[_Step]:
        """Draw a jam: every card meets two chances, its way in and its way out."""
        drawn = self._pace.random.random() < self.settings.jam_share / 2
        if not (drawn or self.jam_next):
            return steps
        self.jam_next = False
        place = self._pace.random.randrange(len(steps))
        stuck = _Step(steps[place].activity, steps[place].duration_s / 2, self._jam)
        return [*steps[:place], stuck]

    def _run(self, steps: list[_Step], done: Callable[[], None]) -> None:
        step, *rest = steps
        self.activity = step.activity
        self.ending = Ending.AS_MEANT
        self.motion.start(
            step.activity.name.lower(), step.duration_s, lambda: self._after(step, rest, done)
        )

    def _after(self, step: _Step, rest: list[_Step], done: Callable[[], None]) -> None:
        self.activity = None
        self.ending = step.finish()
        if self.ending is Ending.AS_MEANT and rest:
            self._run(rest, done)
        elif self.ending is Ending.AS_MEANT or step.activity is Activity.HOME:
            done()

    def _leave_infeed(self) -> Ending:
        if not self.card_at_infeed:
            return Ending.NOTHING_AT_INFEED  # somebody has taken it away meanwhile
        self._floor.move(self._infeed, self._inside)
        self._astray = True
        return Ending.AS_MEANT

    def _reach_print_position(self) -> Ending:
        self._astray = False
        self.cards_fed += 1
        self.cleaning.cards_since += 1
        return Ending.AS_MEANT

    def _reach_outfeed(self) -> Ending:
        if self.card_at_outfeed:
            return Ending.OUTFEED_TAKEN
        self._floor.move(self._inside, self._outfeed)
        return Ending.AS_MEANT

    def _jam(self) -> Ending:
        if not self.card_inside:
            if not self.card_at_infeed:
                return Ending.NOTHING_AT_INFEED
            self._floor.move(self._infeed, self._inside)
        card = self._floor.at(self._inside)
        assert card is not None, "it was there, or has just been taken in"
        card.damaged = True
        self._astray = True
        return Ending.JAM

    def _ink(self) -> Ending:
        """Use up film and ribbon for a face; the card is not touched."""
        self.film_left -= 1
        self.ribbon_left -= 1
        torn = self.tear_next or self._pace.random.random() < self.settings.film_tear_share
        if not torn:
            return Ending.AS_MEANT
        self.tear_next = False
        self.film_torn = True
        return Ending.FILM_TORN

    def _press(self, face: int, planes: Mapping[str, bytes]) -> Ending:
        if self.roller_broken:
            return Ending.ROLLER
        card = self._floor.at(self._inside)
        assert card is not None, "only a person takes a card out, and not while it moves"
        inks = card.front if face == FRONT else card.back
        for colour, dots in planes.items():
            ink = on_the_card(colour, dots)
            if self._misprints:
                self._misprints = False
                card.misprinted = True
                ink = with_failed_band(ink)
            inks[colour] = printed_over(inks[colour], ink) if colour in inks else ink
        self.faces_pressed += 1
        return Ending.AS_MEANT
