"""A sensor that was read while the card still moved is no evidence of where it stopped."""

import asyncio
from dataclasses import dataclass
from pathlib import Path

from drivers.modbus_frames import READ_DISCRETE
from drivers.wire import Wire
from jobs.package_maker import PackagePlan
from jobs.states import CardState
from simulators.printer import SimulatedPrinter
from tests.simulation.checkers import check_books, check_every_order_has_one_good_card, check_floor
from tests.simulation.scene import DAY, centre, scene

INSERT = b"Si\r"


@dataclass(slots=True)
class BreaksAfterInsert:
    """A printer's wire that breaks, once, when the printer has heard that it is to insert."""

    inner: Wire
    told: list[str]
    breaks: bool = False

    async def send(self, data: bytes) -> None:
        await self.inner.send(data)
        if INSERT in data:
            self.breaks = not self.told
            self.told.append("insert")

    async def receive(self) -> bytes:
        if self.breaks:
            raise ConnectionResetError
        return await self.inner.receive()

    async def aclose(self) -> None:
        await self.inner.aclose()


@dataclass(slots=True)
class SlowSensors:
    """A transport's wire that brings the word of the sensors late, though not too late."""

    inner: Wire
    late: bool = False

    async def send(self, data: bytes) -> None:
        self.late = data[1] == READ_DISCRETE
        await self.inner.send(data)

    async def receive(self) -> bytes:
        data = await self.inner.receive()
        if self.late:
            await asyncio.sleep(2.8)
        return data

    async def aclose(self) -> None:
        await self.inner.aclose()


async def test_a_card_that_jams_while_the_infeed_is_asked_is_not_taken_to_lie_there(
    tmp_path: Path,
) -> None:
    told: list[str] = []

    def around(url: str, wire: Wire) -> Wire:
        if "printer" in url:
            return BreaksAfterInsert(wire, told)
        return SlowSensors(wire) if "transport" in url else wire

    async with scene(tmp_path, centre(wear={"insert_s": 12.0}), around=around) as stage:
        await stage.until(lambda: stage.station_state("printer-2") == "Execute")
        for name in ("printer-1", "printer-2"):
            printer = stage.machine(name)
            assert isinstance(printer, SimulatedPrinter)
            printer.jam_next()
        await stage.takes(PackagePlan(1, DAY))
        await stage.until(lambda: any(w.act == "insert" for w in stage.books.works.values()))
        await stage.until(lambda: not any(w.act == "insert" for w in stage.books.works.values()))
        card = stage.books.cards["C-0000001"]
        assert card.state is CardState.IN_DOUBT
        assert told == ["insert"], "the act is not done again"
        await stage.ended()
        assert stage.books.cards[card.id].state is CardState.SPOILED
        check_every_order_has_one_good_card(stage.books)
        check_books(stage.service)
        await check_floor(stage.service, stage.line)
