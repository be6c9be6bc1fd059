import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import pytest

from drivers.errors import WireNotOpened
from drivers.open_wire import open_wire
from drivers.wire import Wire as NearWire
from simulators.floor import Floor
from simulators.machine import Drawn, Pace
from simulators.reader import ReaderSettings, SimulatedReader
from simulators.serving import CannotServe, on_pseudo_terminals, on_tcp
from simulators.wire import Wire

pytestmark = pytest.mark.real_time


@dataclass
class Echo:
    """A machine that says back what it hears: any machine is served alike."""

    serial_number: str = "ECHO"
    heard: bytearray = field(default_factory=bytearray)

    async def serve(self, wire: Wire) -> None:
        while data := await wire.receive():
            self.heard += data
            await wire.send(data)

    def cut_power(self) -> None: ...

    def restore_power(self) -> None: ...

    def drawn(self) -> list[Drawn]:
        return []


@asynccontextmanager
async def client(url: str) -> AsyncIterator[NearWire]:
    wire = await open_wire(url, 2.0)
    try:
        yield wire
    finally:
        await wire.aclose()


def _names_in(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


async def receive(wire: NearWire, count: int) -> bytes:
    data = b""
    async with asyncio.timeout(5.0):
        while len(data) < count:
            piece = await wire.receive()
            assert piece, "the wire ended early"
            data += piece
    return data


async def test_every_byte_value_passes_a_pseudo_terminal_unchanged(tmp_path: Path) -> None:
    everything = bytes(range(256)) * 100
    async with (
        on_pseudo_terminals({"printer-1": Echo()}, tmp_path / "ports") as urls,
        client(urls["printer-1"]) as wire,
        asyncio.TaskGroup() as group,
    ):
        group.create_task(wire.send(everything))
        assert await receive(wire, len(everything)) == everything


async def test_a_machine_stays_on_its_terminal_when_clients_come_and_go(tmp_path: Path) -> None:
    machine = Echo()
    async with on_pseudo_terminals({"reader-1": machine}, tmp_path) as urls:
        for _ in range(3):
            async with client(urls["reader-1"]) as wire:
                await wire.send(b"who")
                assert await receive(wire, 3) == b"who"
    assert machine.heard == b"whowhowho"


async def test_a_real_simulated_machine_answers_its_golden_bytes() -> None:
    reader = SimulatedReader(
        Floor(), 0, Pace(Random(1)), ReaderSettings(), "05.01-20050101-0000000001-0000000001"
    )
    self_test = bytes.fromhex("AAAAAA9669 0003 11FF ED")
    async with on_tcp({"reader-1": reader}) as urls, client(urls["reader-1"]) as wire:
        await wire.send(self_test)
        assert await receive(wire, 11) == bytes.fromhex("AAAAAA9669 0004 000090 94")


async def test_links_are_removed_and_a_dead_process_s_link_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "printer-1").symlink_to("/dev/pts/nobody")
    async with on_pseudo_terminals({"printer-1": Echo()}, tmp_path):
        assert str((tmp_path / "printer-1").readlink()).startswith("/dev/")
        assert (tmp_path / "printer-1").exists()
    assert _names_in(tmp_path) == []


async def test_a_file_in_the_way_is_never_replaced(tmp_path: Path) -> None:
    (tmp_path / "printer-2").write_text("mine")
    machines = {"printer-1": Echo(), "printer-2": Echo()}
    with pytest.raises(CannotServe, match="printer-2: File exists"):
        async with on_pseudo_terminals(machines, tmp_path):
            pytest.fail("nothing may be served")
    assert _names_in(tmp_path) == ["printer-2"]
    assert (tmp_path / "printer-2").read_text() == "mine"


async def test_a_client_finds_the_terminal_taken_by_another(tmp_path: Path) -> None:
    async with on_pseudo_terminals({"printer-1": Echo()}, tmp_path) as urls:
        async with client(urls["printer-1"]):
            with pytest.raises(WireNotOpened) as refused:
                await open_wire(urls["printer-1"], 1.0)
        assert "in use by another process" in str(refused.value)


async def test_bytes_that_nobody_reads_are_lost_not_waited_for(tmp_path: Path) -> None:
    machine = Echo()
    flood = bytes(20_000)
    async with (
        on_pseudo_terminals({"printer-1": machine}, tmp_path) as urls,
        client(urls["printer-1"]) as wire,
        asyncio.timeout(20.0),
    ):
        await wire.send(flood)
        while len(machine.heard) < len(flood):  # noqa: ASYNC110  (the far end tells nobody)
            await asyncio.sleep(0.05)


async def test_a_tcp_port_takes_one_living_connection_and_the_next_after_it(
    tmp_path: Path,
) -> None:
    del tmp_path
    machine = Echo()
    async with on_tcp({"printer-1": machine}) as urls:
        async with client(urls["printer-1"]) as first:
            await first.send(b"first")
            assert await receive(first, 5) == b"first"
            async with client(urls["printer-1"]) as second, asyncio.timeout(5.0):
                try:
                    await second.send(b"second")
                    assert await second.receive() == b""
                except OSError:
                    pass  # the port hung up before or while we spoke: refused as well
            await first.send(b"still")
            assert await receive(first, 5) == b"still"
        async with asyncio.timeout(5.0):
            await _until_taken(urls["printer-1"])
    assert b"second" not in machine.heard


async def _until_taken(url: str) -> None:
    """Connect until the port has noticed that the last client is gone."""
    while True:
        async with client(url) as wire:
            try:
                await wire.send(b"third")
                if await wire.receive() == b"third":
                    return
            except OSError:
                continue


async def test_much_data_over_tcp_is_bounded_and_complete() -> None:
    machine = Echo()
    everything = bytes(range(256)) * 20_000
    async with (
        on_tcp({"printer-1": machine}) as urls,
        client(urls["printer-1"]) as wire,
        asyncio.TaskGroup() as group,
    ):
        group.create_task(wire.send(everything))
        assert await receive(wire, len(everything)) == everything
