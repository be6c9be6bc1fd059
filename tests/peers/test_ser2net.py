"""ser2net, Debian's serial server, between our drivers and simulated machines.

The driver speaks TCP; ser2net has the machine on a serial port. A port that is unplugged is socat's
null modem, killed: the terminal that ser2net has open vanishes as a USB adapter's does.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path
from random import Random
from urllib.parse import urlsplit

import pytest

from drivers.errors import WireClosed
from drivers.open_wire import open_wire
from drivers.outcome import Note, Outcome
from drivers.printer import CardPrinter, PrinterTimeouts
from drivers.printing import Panel, PrintJob
from drivers.transport import Transport
from simulators.floor import MAGAZINE, ChipMemory, Floor, infeed, outfeed
from simulators.machine import Pace
from simulators.printer import PrinterSettings, SimulatedPrinter
from simulators.serving import on_pseudo_terminals
from simulators.transport import SimulatedTransport, TransportSettings
from tests.contract.ways import until
from tests.peers.mqtt_peers import free_port
from tests.peers.peer import peer, started
from tests.peers.socat import joined, port
from tests.peers.test_socat import read_back, reader_with_a_card

pytestmark = [pytest.mark.peer, pytest.mark.real_time]

#: Every byte value, so that a server that takes one for its own shows (telnet's 255, XON, XOFF).
FACE = (bytes(range(256)) * 322)[: 81 * 1016]


def blanks(floor: Floor, count: int) -> None:
    floor.load_blanks(count, (ChipMemory.new(bytes((n,)) * 8) for n in range(count)))


def pace(factor: float) -> Pace:
    return Pace(Random(1), factor)


@asynccontextmanager
async def server(serial_port: Path, folder: Path) -> AsyncIterator[str]:
    """Let ser2net serve a serial port as it is; gives the driver's URL."""
    program = peer("ser2net", "ser2net", "-v")
    tcp_port = free_port()
    configuration = folder / "ser2net.yaml"
    configuration.write_text(
        "%YAML 1.1\n---\n"
        "connection: &machine\n"
        f"  accepter: tcp,127.0.0.1,{tcp_port}\n"
        f"  connector: serialdev,{serial_port},115200n81,local\n"
    )
    # -u: locks for modems under /var/lock; our ports are terminals of this test.
    async with started(program, "-n", "-u", "-c", configuration):
        await until(lambda: listens(tcp_port))
        yield f"tcp://127.0.0.1:{tcp_port}"


def listens(tcp_port: int) -> bool:
    """Tell without calling: ser2net would be busy with the caller."""
    rows = Path("/proc/net/tcp").read_text().splitlines()
    return any(f":{tcp_port:04X} 00000000:0000 0A" in row for row in rows)


@asynccontextmanager
async def cable(plug: Path, machine: Path) -> AsyncIterator[None]:
    """Plug a machine in at `plug`; leaving unplugs it."""
    with ExitStack() as unplugged:
        # A killed socat leaves its name behind, soon that of another test's terminal.
        unplugged.callback(plug.unlink)
        async with joined(port(plug), f"{machine},raw,echo=0"):
            yield


async def test_every_byte_of_a_reading_passes(tmp_path: Path) -> None:
    async with (
        on_pseudo_terminals({"reader": reader_with_a_card()}, tmp_path) as urls,
        server(Path(urlsplit(urls["reader"]).path), tmp_path) as url,
    ):
        await read_back(url)


async def free() -> None: ...


async def test_a_printer_s_bitmaps_pass(tmp_path: Path) -> None:
    floor = Floor()
    blanks(floor, 1)
    floor.move(MAGAZINE, infeed(0))
    settings = PrinterSettings(misprint_share=0.0, jam_share=0.0)
    machine = SimulatedPrinter(floor, 0, pace(50.0), settings, "PRN-1")
    async with (
        on_pseudo_terminals({"printer": machine}, tmp_path) as urls,
        server(Path(urlsplit(urls["printer"]).path), tmp_path) as url,
    ):
        printer = CardPrinter(await open_wire(url, 2.0), PrinterTimeouts())
        assert (await printer.identify()).serial_number == "PRN-1"
        await printer.insert()
        note = await printer.print_note()
        job = PrintJob(front=(Panel("K", 2, FACE),), back=())
        await printer.print_and_eject(job, note, free)
        await printer.aclose()
    card = floor.at(outfeed(0))
    assert card is not None
    assert card.front["K"] == FACE


async def test_unplugged_in_a_move_and_plugged_in_again(tmp_path: Path) -> None:
    floor = Floor()
    blanks(floor, 1)
    settings = TransportSettings(jam_share=0.0, lost_share=0.0)
    machine = SimulatedTransport(floor, 1, 1, pace(2.0), settings, "TRN-1")
    plug = tmp_path / "plug"
    async with on_pseudo_terminals({"transport": machine}, tmp_path) as urls:
        machines_port = Path(urlsplit(urls["transport"]).path)
        async with server(plug, tmp_path) as url:
            async with asyncio.TaskGroup() as group, cable(plug, machines_port):
                transport = Transport(await open_wire(url, 2.0))
                await transport.home()
                note = await transport.move_note()
                group.create_task(given_up(transport, note))
                await until(lambda: not floor.store(MAGAZINE))
            with pytest.raises(WireClosed):
                await identified(url)
            async with cable(plug, machines_port):
                transport = Transport(await open_wire(url, 2.0))
                assert await transport.move_outcome(note) is Outcome.DONE
                await transport.aclose()
    assert floor.at(infeed(0)) is not None
    assert [each.what for each in machine.drawn()] == ["home", "move"]


async def given_up(transport: Transport, note: Note) -> None:
    with pytest.raises(WireClosed):
        await transport.move(0, 1, note)
    await transport.aclose()


async def identified(url: str) -> None:
    transport = Transport(await open_wire(url, 2.0))
    try:
        await transport.identify()
    finally:
        await transport.aclose()
