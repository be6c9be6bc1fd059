"""A machine refuses to say where a doubtful card is: the card waits, and the centre goes on."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from drivers.modbus_frames import READ_DISCRETE, REFUSED, crc16
from drivers.wire import Wire
from jobs.package_maker import PackagePlan
from jobs.states import CardState
from simulators.floor import inside, outfeed
from tests.simulation.checkers import (
    check_books,
    check_every_order_has_one_good_card,
    check_floor,
)
from tests.simulation.scene import DAY, Scene, scene

DEVICE_FAILURE = 0x04


@dataclass(slots=True)
class Refusing:
    """The wire of a transport that answers questions for its sensors with an exception."""

    inner: Wire
    refuses: Callable[[], bool]
    answers: list[bytes] = field(default_factory=list)

    async def send(self, data: bytes) -> None:
        if data[1] == READ_DISCRETE and self.refuses():
            answer = bytes((data[0], data[1] | REFUSED, DEVICE_FAILURE))
            self.answers.append(answer + crc16(answer))
        else:
            await self.inner.send(data)

    async def receive(self) -> bytes:
        return self.answers.pop() if self.answers else await self.inner.receive()

    async def aclose(self) -> None:
        await self.inner.aclose()


async def test_a_doubtful_card_whose_sensor_cannot_be_read_waits_until_it_can(
    tmp_path: Path,
) -> None:
    stages: list[Scene] = []
    refused, mended = 0, False

    def refuses() -> bool:
        nonlocal refused
        cards = stages[0].books.cards.values() if stages else ()
        if mended or not any(card.state is CardState.IN_DOUBT for card in cards):
            return False
        refused += 1
        return True

    def around(url: str, wire: Wire) -> Wire:
        return Refusing(wire, refuses) if url == "sim://line-1-transport" else wire

    async with scene(tmp_path, person=False, around=around) as stage:
        stages.append(stage)
        await stage.loads(20)
        await stage.takes(PackagePlan(1, DAY))
        await stage.until(lambda: any(w.act == "print" for w in stage.books.works.values()))
        work = next(iter(stage.books.works.values()))
        card = stage.books.cards[work.cards[0]]
        await asyncio.sleep(10.0)  # a face is on the card
        await stage.verbs.hold_station("line-1-transport", "test")
        stage.machine(work.station).cut_power()
        stage.machine(work.station).restore_power()
        await stage.until(lambda: card.state is CardState.IN_DOUBT)
        index = list(stage.line.kinds).index(work.station)
        stage.floor.move(inside(index), outfeed(index))
        await stage.verbs.unhold_station("line-1-transport", "test")
        await stage.until(lambda: refused > 0)
        await asyncio.sleep(60.0)
        assert stage.waits("card in doubt", card.id)
        mended = True
        # Whatever is done at a station that could help makes the line look again.
        await stage.verbs.hold_station("line-1-transport", "test")
        await stage.verbs.unhold_station("line-1-transport", "test")
        await stage.ended()
        assert card.state is CardState.SPOILED
        check_every_order_has_one_good_card(stage.books)
        check_books(stage.service)
        await check_floor(stage.service, stage.line)
