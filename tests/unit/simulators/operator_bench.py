"""The operator's outer edge for tests: a list of what waits, and a record of what was told."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from random import Random
from typing import Any

from simulators.floor import (
    MAGAZINE,
    REJECT_BIN,
    ChipMemory,
    Floor,
    LifeCycle,
    PhysicalCard,
    Place,
)
from simulators.hands import Hands, Stand
from simulators.laminator import LaminatorSettings, SimulatedLaminator
from simulators.machine import Pace
from simulators.operator import SimulatedOperator
from simulators.printer import PrinterSettings, SimulatedPrinter
from simulators.transport import SimulatedTransport, TransportSettings

PRINTER, LAMINATOR, DESK = 0, 1, 2
DELAY_S, INSPECTION_S = 60.0, 5.0
LOAD = 20


class Refusal(Exception):
    """The centre says no."""


class Away(Exception):
    """The centre does not answer."""


@dataclass(frozen=True)
class Item:
    need: str
    subject: str
    reason: str = ""
    code: str = ""
    may_be_at: tuple[str, ...] = ()


@dataclass(frozen=True)
class Told:
    at_s: float
    words: tuple[Any, ...]
    rejected: tuple[int, ...]  # what lay in the reject bin at that moment


@dataclass
class Centre:
    """Hears verbs and crosses off its list what they answer, as a centre does."""

    floor: Floor
    items: list[Item] = field(default_factory=list)
    told: list[Told] = field(default_factory=list)
    by_serial: dict[str, str] = field(default_factory=dict)
    #: Called with each verb's words before it is heard, and after: either may raise.
    before: Callable[[tuple[Any, ...]], None] = lambda _words: None
    after: Callable[[tuple[Any, ...]], None] = lambda _words: None
    silent: bool = False

    def words(self) -> list[tuple[Any, ...]]:
        return [told.words for told in self.told]

    def _hear(self, need: str, *words: Any) -> None:
        """Hear one telling; `need` is what it answers, if anything on the list."""
        self.before(words)
        rejected = tuple(card.number for card in self.floor.store(REJECT_BIN))
        self.told.append(Told(asyncio.get_running_loop().time(), words, rejected))
        self.items = [i for i in self.items if (i.need, i.subject) != (need, words[1])]
        self.after(words)

    async def todo(self) -> Sequence[Item]:
        if self.silent:
            await asyncio.Event().wait()
        self.before(("todo",))
        return list(self.items)

    async def find_card(self, card_serial: str) -> str | None:
        self.before(("find", card_serial))
        return self.by_serial.get(card_serial)

    async def unhold_station(self, name: str) -> None:
        self._hear("station held", "unhold", name)

    async def clear_station(self, name: str) -> None:
        self._hear("station aborted", "clear", name)

    async def start_station(self, name: str) -> None:
        self._hear("", "start", name)

    async def start_line(self, name: str) -> None:
        self._hear("line stopped", "start line", name)

    async def settle_card(self, card: str) -> None:
        self._hear("card in doubt", "settle", card)

    async def spoil_card(self, card: str, reason: str) -> None:
        self._hear("card in quarantine", "spoil", card, reason)

    async def judge_card(self, card: str, reason: str) -> None:
        self._hear("inspection", "judge", card, reason)

    async def load_stock(self, line: str, blanks: int) -> None:
        self._hear("magazine low", "load", line, blanks)

    async def release_order(self, order: str) -> None:
        self._hear("", "release", order)


@dataclass
class Room:
    """One line (printer, laminator, desk, transport) with its operator at work."""

    floor: Floor
    printer: SimulatedPrinter
    laminator: SimulatedLaminator
    transport: SimulatedTransport
    hands: Hands
    centre: Centre

    def blank_to(self, place: Place, *, into_store: bool = False) -> PhysicalCard:
        return self.floor.move(MAGAZINE, place, into_store=into_store)

    def printed_to(self, place: Place, name: str = "", *, into_store: bool = False) -> PhysicalCard:
        """Lay a printed card somewhere; with a name its chip tells who it is."""
        card = self.blank_to(place, into_store=into_store)
        card.front["K"] = b"ink"
        card.laminations.append(True)
        if name:
            serial = card.number.to_bytes(16, "big")
            card.chip.files[5][8:24] = serial
            card.chip.life_cycle = LifeCycle.OPERATIONAL
            self.centre.by_serial[serial.hex()] = name
        return card

    def rejected(self) -> list[PhysicalCard]:
        return list(self.floor.store(REJECT_BIN))


def _chips() -> Iterator[ChipMemory]:
    return (ChipMemory.new(number.to_bytes(8, "big")) for number in count(1))


def new_room(blanks: int = 6) -> Room:
    floor, chips = Floor(), _chips()
    floor.load_blanks(blanks, chips)
    pace = Pace(Random(3), sigma=0.0)
    printer = SimulatedPrinter(
        floor, PRINTER, pace, PrinterSettings(misprint_share=0.0, jam_share=0.0), "PR-1"
    )
    never = LaminatorSettings(jam_share=0.0, film_break_share=0.0, bad_cycle_share=0.0)
    laminator = SimulatedLaminator(floor, LAMINATOR, pace, never, "LM-1")
    settings = TransportSettings(jam_share=0.0, lost_share=0.0)
    transport = SimulatedTransport(floor, 3, 2, pace, settings, "TR-1")
    stations = {
        "printer-1": Stand(PRINTER, printer),
        "laminator-1": Stand(LAMINATOR, laminator),
        "desk-1": Stand(DESK, None),
    }
    hands = Hands(floor, "line-1", stations, transport, "line-1-transport", 2, chips)
    return Room(floor, printer, laminator, transport, hands, Centre(floor))


@asynccontextmanager
async def at_work(room: Room, *, seed: int = 1, **settings: Any) -> AsyncIterator[Room]:
    """Let an operator work in the room; it must still be at work at the end."""
    chosen = {"delay_s": DELAY_S, "pace": 1.0, "away": (Away,), **settings}
    operator = SimulatedOperator(
        verbs=room.centre,
        hands=room.hands,
        random=Random(seed),
        inspection_s=INSPECTION_S,
        magazine_load=LOAD,
        refusals=(Refusal,),
        **chosen,
    )
    async with asyncio.TaskGroup() as group:
        working = group.create_task(operator.run())
        yield room
        assert not working.done()
        working.cancel()


def refuse_first(room: Room, count: int, verb: str, error: type[Exception]) -> None:
    """Let the first tellings of one verb fail before they are heard."""
    left = [count]

    def before(words: tuple[Any, ...]) -> None:
        if words[0] == verb and left[0]:
            left[0] -= 1
            raise error

    room.centre.before = before


def lose_first_answer(room: Room, verb: str) -> None:
    """Let one telling be heard and its answer be lost."""
    left = [1]

    def after(words: tuple[Any, ...]) -> None:
        if words[0] == verb and left[0]:
            left[0] = 0
            raise Away

    room.centre.after = after
