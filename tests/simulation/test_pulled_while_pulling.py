"""A wire that breaks before a doubtful card's eject is heard: the eject is made again, unasked."""

from dataclasses import dataclass
from pathlib import Path

from drivers.wire import Wire
from jobs.package_maker import PackagePlan
from jobs.states import CardState
from tests.simulation.checkers import (
    check_books,
    check_every_order_has_one_good_card,
    check_floor,
)
from tests.simulation.scene import DAY, centre, scene

ONE_OF_EACH = centre(("printer", "laminator", "encoder", "reader"))
EJECT = b"\x1bSe\r"


@dataclass(slots=True)
class Plug:
    """The printer's wire, which breaks in place of each of the first two ejects."""

    broken_before: list[bytes]
    wire: Wire
    broken: bool = False

    async def send(self, data: bytes) -> None:
        if EJECT in data and len(self.broken_before) < 2:
            self.broken_before.append(data)
            self.broken = True
        if self.broken:
            raise ConnectionResetError
        await self.wire.send(data)

    async def receive(self) -> bytes:
        return b"" if self.broken else await self.wire.receive()

    async def aclose(self) -> None:
        await self.wire.aclose()


async def test_a_doubtful_cards_eject_that_was_not_heard_is_made_again(tmp_path: Path) -> None:
    breaks = list[bytes]()

    def around(url: str, wire: Wire) -> Wire:
        return Plug(breaks, wire) if url == "sim://printer-1" else wire

    # Nobody is there who could settle the card.
    async with scene(tmp_path, ONE_OF_EACH, person=False, around=around) as stage:
        await stage.loads(10)
        await stage.takes(PackagePlan(1, DAY))
        await stage.ended()
        assert len(breaks) == 2, "once as its print ends, once as it is pulled off the line"
        bad, good = stage.books.cards.values()
        assert (bad.state, good.state) == (CardState.SPOILED, CardState.PACKED)
        check_every_order_has_one_good_card(stage.books)
        check_books(stage.service)
        await check_floor(stage.service, stage.line)
