"""One machine with one card behind wires that a seed spoils, and the judge of what is believed.

Acts and their evidence are the controller's own (`controller/acts.py`); what is done after a
failure is looked up where the controller looks it up. The machines themselves never err here.
Which acts are tried is not its business (`wire_fault_scenes.py`).
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from random import Random
from typing import Any

from config.centre import StationKind
from controller.acts import Act, LineView
from controller.failures import Reaction, reaction_to
from controller.places import Places
from controller.stations import Port, Station
from drivers.errors import DriverError
from drivers.outcome import Note, Outcome
from drivers.transport import Transport
from drivers.wire import Wire
from jobs import rows
from jobs.ledger.ledger import InlineWriter, Ledger, load_books
from jobs.ledger.store import Store
from simulators.encoder import EncoderSettings, SimulatedEncoder
from simulators.faults import Faulty, WireFaults
from simulators.floor import Floor, PhysicalCard
from simulators.lamination import LaminatorSettings
from simulators.laminator import SimulatedLaminator
from simulators.machine import Machine, Pace
from simulators.printer import PrinterSettings, SimulatedPrinter
from simulators.reader import ReaderSettings, SimulatedReader
from simulators.retransfer import RetransferSettings, SimulatedRetransferPrinter
from simulators.transport import SimulatedTransport, TransportSettings
from simulators.wire import memory_pair
from tests.contract.chips import made_for

#: The largest share of pieces of a stream that each fault hits.
WORST = {
    "loss": 0.05,
    "split": 0.2,
    "delay": 0.1,
    "repeat": 0.05,
    "corrupt": 0.05,
    "hang_up": 0.02,
}
#: A chip is written with a thousand frames.
WORST_OF_A_CHIP = {name: share / 4 for name, share in WORST.items()}
ON_SHARE = 0.5
SILENCES_SHARE = 0.4
#: Motions of one act, of which any may be the last that is told; 1 where not named.
STEPS = {"encoder": 300, "printer": 8, "retransfer": 4, "reader": 2}
ATTEMPTS_MAX = 60
QUESTIONS_MAX = 200
#: Longer than anything that is still on its way.
REST_S = 3.0

CHIP_SERIAL = bytes(range(0x41, 0x49))


@dataclass(slots=True)
class SilentAfter:
    """Our end of a wire on which, from some moment on, nothing comes any more."""

    wire: Wire
    is_due: Callable[[], bool]
    silent: bool = False

    async def send(self, data: bytes) -> None:
        await self.wire.send(data)

    async def receive(self) -> bytes:
        while True:
            data = await self.wire.receive()
            self.silent = self.silent or self.is_due()
            if not data or not self.silent:
                return data

    async def aclose(self) -> None:
        await self.wire.aclose()


class Blamed(Exception):
    """The evidence cannot be had: the card is to blame, it is said."""


@dataclass(slots=True)
class Trial:
    """An act, and how the floor tells what became of it."""

    act: Act
    times: Callable[[], int]  # how often it was ever begun
    complete: Callable[[], bool]
    untouched: Callable[[], bool]


@dataclass(slots=True)
class Bench:
    """A machine at station 0, the transport with its sensors, and how bad their wires are."""

    kind: str
    floor: Floor
    machine: Machine
    transport: SimulatedTransport
    random: Random
    faults: WireFaults
    goes_silent: bool
    group: asyncio.TaskGroup
    profile: str
    station: Station
    bad: bool = False
    silent_from: int | None = None
    told: Counter[str] = field(default_factory=Counter)
    ports: list[Port[Any]] = field(default_factory=list)
    tasks: list[asyncio.Task[None]] = field(default_factory=list)

    def card(self) -> PhysicalCard:
        [(_, card)] = self.floor.everything()
        return card

    def wire(self, machine: Machine) -> Wire:
        near, far = memory_pair()
        self.tasks.append(self.group.create_task(machine.serve(far)))
        heard = SilentAfter(
            near, self._silence_is_due if machine is self.machine else lambda: False
        )
        return Faulty(heard, self.random, self.faults if self.bad else WireFaults())

    def _silence_is_due(self) -> bool:
        return self.silent_from is not None and len(self.machine.drawn()) > self.silent_from

    def port(self, machine: Machine, make: Callable[[Wire], Any]) -> Port[Any]:
        """Return a port that opens wires as bad as the bench's at that moment."""

        async def opened() -> Any:
            return make(self.wire(machine))

        port: Port[Any] = Port(opened)
        self.ports.append(port)
        return port

    def line(self) -> LineView:
        name = self.station.name
        positions = {rows.MAGAZINE: 0, rows.infeed(name): 1, rows.outfeed(name): 2}
        return LineView(self.port(self.transport, Transport), positions | {rows.REJECT_BIN: 0x60})

    async def begin(self) -> None:
        """From here on the wires are bad."""
        await self.hang_up()
        self.bad = True

    async def hang_up(self) -> None:
        self.silent_from = None
        for port in self.ports:
            await port.drop()

    async def settle(self, trial: Trial) -> Outcome:
        """Have one act done as the controller does; hold what is believed of it to the floor."""
        before = trial.times()
        for _ in range(ATTEMPTS_MAX):
            note = await self.answer(trial.act.note)
            self.draw_silence()
            outcome = await self._believed(trial.act, note)
            self.silent_from = None
            await self._judge(trial, outcome, before)
            if outcome is not Outcome.NOT_DONE:
                return outcome
            await asyncio.sleep(1.0)
        raise AssertionError("the wire was never good enough")

    def draw_silence(self) -> None:
        """Perhaps let the machine fall silent after it has begun a step of the next act."""
        if self.goes_silent and self.random.random() < SILENCES_SHARE:
            steps = STEPS.get(self.kind, 1)
            self.silent_from = len(self.machine.drawn()) + self.random.randrange(steps)

    async def _judge(self, trial: Trial, outcome: Outcome, before: int) -> None:
        self.told[f"{trial.act.name} {outcome}"] += 1
        for rest_s in self.random.choice(((0.0,), (0.0, REST_S))):
            await asyncio.sleep(rest_s)
            times = trial.times() - before
            where = [(place, card.number) for place, card in self.floor.everything()]
            what = f"{trial.act.name} is believed {outcome}; done {times} times; {where}"
            assert times <= 1, what
            if outcome is Outcome.DONE:
                assert times == 1, what
                assert trial.complete(), what
            if outcome is Outcome.NOT_DONE:
                assert times == 0, what
                assert trial.untouched(), what

    async def _believed(self, act: Act, note: Note) -> Outcome:
        try:
            await act.perform(note)
        except DriverError as error:
            self.told[f"failed {error.code}"] += 1
            if reaction_to(error) is Reaction.REOPEN:
                await self.hang_up()
        else:
            return Outcome.DONE
        try:
            outcome: Outcome = await self.answer(lambda: act.outcome(dict(note)))
        except Blamed:
            return Outcome.UNKNOWN
        return outcome

    async def answer(self, ask: Callable[[], Awaitable[Any]]) -> Any:
        """Ask until there is an answer, over a new wire where the controller opens one."""
        for _ in range(QUESTIONS_MAX):
            try:
                return await ask()
            except DriverError as error:
                reaction = reaction_to(error)
                if reaction is Reaction.BLAME_CARD:
                    raise Blamed(error.code) from error
                await self.hang_up()
                await asyncio.sleep(1.0)
        raise AssertionError("the wire was never good enough")


def _drawn_faults(random: Random, kind: str) -> tuple[WireFaults, bool]:
    worst = WORST_OF_A_CHIP if kind == "encoder" else WORST
    shares = {
        name: random.uniform(0.1, 1.0) * share
        for name, share in worst.items()
        if random.random() < ON_SHARE
    }
    return WireFaults(**shares), random.random() < ON_SHARE


def _machine(kind: str, floor: Floor, pace: Pace, transport: SimulatedTransport) -> Machine:
    match kind:
        case "printer" | "cleaning":
            sound = PrinterSettings(misprint_share=0.0, jam_share=0.0)
            return SimulatedPrinter(floor, 0, pace, sound, "PRN-1")
        case "retransfer" | "retransfer-cleaning":
            sure = RetransferSettings(misprint_share=0.0, jam_share=0.0, film_tear_share=0.0)
            return SimulatedRetransferPrinter(floor, 0, pace, sure, "RTP-1")
        case "laminator":
            steady = LaminatorSettings(jam_share=0.0, film_break_share=0.0, bad_cycle_share=0.0)
            return SimulatedLaminator(floor, 0, pace, steady, "LAM-1")
        case "encoder":
            able = EncoderSettings(chip_failure_share=0.0)
            return SimulatedEncoder(floor, 0, pace, able, "ENC-1")
        case "reader":
            sam_id = "05.01-20100823-0000123456-1234567890"
            return SimulatedReader(floor, 0, pace, ReaderSettings(), sam_id)
        case _:
            return transport


@asynccontextmanager
async def bench(kind: str, seed: int) -> AsyncIterator[Bench]:
    """Put up one machine with one card."""
    random = Random(f"{kind}:{seed}")
    faults, goes_silent = _drawn_faults(random, kind)
    floor, pace = Floor(), Pace(Random(f"{seed}:pace"))
    profile = random.choice(("rid2", "rid2-plain"))
    floor.load_blanks(1, iter([made_for(profile, CHIP_SERIAL)]))
    still = TransportSettings(jam_share=0.0, lost_share=0.0)
    transport = SimulatedTransport(floor, 1, 1, pace, still, "TRN-1")
    machine = _machine(kind, floor, pace, transport)
    store = Store.open(":memory:")
    ledger = Ledger(store, load_books(store), InlineWriter(store, 1.0, lambda _: None), lambda: 0)
    station = Station(f"{kind}-1", StationKind.PRINTER, 0, None, ledger, Places())
    try:
        async with asyncio.TaskGroup() as group:
            here = Bench(
                kind,
                floor,
                machine,
                transport,
                random,
                faults,
                goes_silent,
                group,
                profile,
                station,
            )
            yield here
            await here.hang_up()
            await asyncio.sleep(REST_S)
            for task in here.tasks:
                task.cancel()
    finally:
        ledger.close()
