"""Finding out what is on a port: each machine at each rate, strangers, silence, no harm done."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from random import Random

import pytest

from drivers.conformance.probe import LINES, Facts, Probed, probe, urls_to_try
from drivers.errors import WireNotOpened
from drivers.serial_settings import LIKELY, SerialSettings
from drivers.wire import Wire
from simulators.encoder import EncoderSettings, SimulatedEncoder
from simulators.floor import MAGAZINE, ChipMemory, Floor, infeed
from simulators.lamination import LaminatorSettings
from simulators.laminator import SimulatedLaminator
from simulators.machine import Machine, Pace
from simulators.printer import PrinterSettings, SimulatedPrinter
from simulators.reader import ReaderSettings, SimulatedReader
from simulators.retransfer import RetransferSettings, SimulatedRetransferPrinter
from simulators.transport import SimulatedTransport, TransportSettings
from simulators.wire import memory_pair
from tests.contract.uart_line import Uart

PORT = "serial:///dev/ttyUSB0"
SAM_ID = "05.01-20100823-0000123456-1234567890"
SERIAL_NUMBERS = {
    "printer": "PRN-1",
    "retransfer printer": "RTP-1",
    "laminator": "LAM-1",
    "transport": "TRN-1",
    "encoder": "ENC-1",
    "reader": SAM_ID,
}


def machine_of(kind: str, floor: Floor) -> Machine:
    pace, serial_number = Pace(Random(1)), SERIAL_NUMBERS[kind]
    match kind:
        case "printer":
            return SimulatedPrinter(floor, 0, pace, PrinterSettings(), serial_number)
        case "retransfer printer":
            return SimulatedRetransferPrinter(floor, 0, pace, RetransferSettings(), serial_number)
        case "laminator":
            return SimulatedLaminator(floor, 0, pace, LaminatorSettings(), serial_number)
        case "transport":
            return SimulatedTransport(floor, 1, 1, pace, TransportSettings(), serial_number)
        case "encoder":
            return SimulatedEncoder(floor, 0, pace, EncoderSettings(), serial_number)
        case _:
            return SimulatedReader(floor, 0, pace, ReaderSettings(), serial_number)


def settings_of(url: str) -> SerialSettings:
    """Return how a port is set by a URL; unset is what machines usually have."""
    return next((one for one in LIKELY if url.endswith(f"?{one.query}")), LIKELY[0])


class Port:
    """A port with a machine at it that has settings of its own; some ports refuse some."""

    def __init__(self, group: asyncio.TaskGroup, machine: Machine, rate: str, refused: str) -> None:
        self._group = group
        self._machine = machine
        self._rate = rate
        self._refused = refused
        self.tasks: list[asyncio.Task[None]] = []

    async def open(self, url: str) -> Wire:
        if self._refused and self._refused in url:
            reason = "the port does not take these line parameters"
            raise WireNotOpened(url=url, reason=reason)
        near, far = memory_pair()
        self.tasks.append(self._group.create_task(self._machine.serve(far)))
        return Uart(near, lambda: settings_of(url), lambda: settings_of(f"?{self._rate}"))


@asynccontextmanager
async def at_a_port(machine: Machine, rate: str = "", refused: str = "") -> AsyncIterator[Port]:
    async with asyncio.TaskGroup() as group:
        port = Port(group, machine, rate, refused)
        yield port
        for task in port.tasks:
            task.cancel()


@pytest.mark.parametrize("rate", [line for line in LINES if "stopbits" not in line])
@pytest.mark.parametrize("kind", SERIAL_NUMBERS)
async def test_each_machine_is_found_at_its_rate(kind: str, rate: str) -> None:
    async with at_a_port(machine_of(kind, Floor()), rate) as port:
        probed = await probe(PORT, port.open)
    assert probed.found is not None
    assert probed.found.identity.kind == kind
    assert probed.found.identity.serial_number == SERIAL_NUMBERS[kind]
    assert probed.found.url == f"{PORT}?{rate}"


@pytest.mark.parametrize("kind", SERIAL_NUMBERS)
async def test_settings_that_are_given_are_the_only_ones_tried(kind: str) -> None:
    url = f"{PORT}?baud=9600"
    async with at_a_port(machine_of(kind, Floor()), "baud=9600") as port:
        right = await probe(url, port.open)
        wrong = await probe(f"{PORT}?baud=19200", port.open)
    assert right.found is not None
    assert right.tried == (url,)
    assert wrong.found is None
    assert wrong.tried == (f"{PORT}?baud=19200",)


def test_a_port_server_sets_the_rate_itself() -> None:
    assert urls_to_try("tcp://10.0.0.7:4001") == ("tcp://10.0.0.7:4001",)
    assert urls_to_try(PORT) == tuple(f"{PORT}?{line}" for line in LINES)


def still(facts: Facts) -> Facts:
    """Leave out temperatures: heat never rests quite."""
    return {name: fact for name, fact in facts.items() if not name.startswith("heat")}


@pytest.mark.parametrize("kind", SERIAL_NUMBERS)
async def test_no_card_moves_and_nothing_is_counted(kind: str) -> None:
    """Each machine hears all questions, at the wrong rate and at its own."""
    floor = Floor()
    floor.load_blanks(2, (ChipMemory.new(bytes((n,)) * 8) for n in range(2)))
    floor.move(MAGAZINE, infeed(0))
    machine = machine_of(kind, floor)
    async with at_a_port(machine, "baud=38400") as port:
        first = await probe(PORT, port.open)
        again = await probe(PORT, port.open)
    assert first.found is not None
    assert again.found is not None
    assert still(first.found.facts) == still(again.found.facts)
    assert machine.drawn() == []
    assert floor.at(infeed(0)) is not None


async def test_settings_that_a_port_does_not_take_are_passed_over() -> None:
    async with at_a_port(machine_of("laminator", Floor()), "baud=9600", "parity=E") as port:
        probed = await probe(PORT, port.open)
    assert probed.found is not None
    assert not any("parity=E" in url for url in probed.tried)


async def test_a_port_that_is_held_is_left_alone() -> None:
    async def held(url: str) -> Wire:
        raise WireNotOpened(url=url, reason="in use by another process")

    with pytest.raises(WireNotOpened, match="in use by another process"):
        await probe(PORT, held)


class Answering:
    """A far end that is no machine of ours."""

    def __init__(self, answer: Callable[[bytes], bytes]) -> None:
        self._answer = answer
        self._said: asyncio.Queue[bytes] = asyncio.Queue(maxsize=64)

    async def send(self, data: bytes) -> None:
        if answer := self._answer(data):
            self._said.put_nowait(answer)

    async def receive(self) -> bytes:
        return await self._said.get()

    async def aclose(self) -> None:
        return


async def asked(answer: Callable[[bytes], bytes]) -> Probed:
    async def open_wire(_url: str) -> Wire:
        return Answering(answer)

    return await probe(f"{PORT}?baud=9600", open_wire)


async def test_silence_is_told_as_silence() -> None:
    assert await asked(lambda _: b"") == Probed(None, (), (f"{PORT}?baud=9600",))


async def test_a_stranger_s_answer_is_shown() -> None:
    probed = await asked(lambda data: b"login: " if data == b"\x1bRsn\r" else b"")
    assert probed.found is None
    assert [(one.question, one.answer) for one in probed.heard] == [
        ("printer", "6C 6F 67 69 6E 3A 20")
    ]


async def test_a_loop_is_told_from_a_machine() -> None:
    probed = await asked(lambda data: data)
    assert probed.found is None
    assert {one.answer for one in probed.heard} == {"our own bytes: a loop, or a line that echoes"}


async def test_a_far_end_that_hangs_up_is_told() -> None:
    async def open_wire(_url: str) -> Wire:
        near, far = memory_pair()
        await far.aclose()
        return near

    probed = await probe(f"{PORT}?baud=9600", open_wire)
    assert [one.answer for one in probed.heard] == ["the far end hung up"]


async def test_a_lone_heat_controller_is_found_too() -> None:
    """Without its mechanics a laminator's wire is not silent."""

    def zone(data: bytes) -> bytes:
        if data == bytes.fromhex("01 03 20 00 00 03 0E 0B"):
            return bytes.fromhex("01 03 06 00 C8 00 00 00 00 C0 A5")
        return b""

    probed = await asked(zone)
    assert probed.found is not None
    assert probed.found.identity.kind == "heat controller"
    assert probed.found.facts["heat controller at unit 1"] == "20 degrees C, set to 0"
