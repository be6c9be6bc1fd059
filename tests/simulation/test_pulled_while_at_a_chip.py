"""A wire that breaks in the middle of a chip's dialogue is never held against the card.

It breaks once, at one of the frames in which an encoder writes a chip and later ends it: before the
frame, in its middle, or after it, when the answer is lost. The chip goes on with what it has begun.
All chips are good here: no card may be called faulty, and no encoder held for faulty cards.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from drivers.wire import Wire
from jobs.package_maker import PackagePlan
from jobs.states import CardState
from simulators.floor import REJECT_BIN, LifeCycle
from tests.simulation.checkers import (
    check_books,
    check_every_order_has_one_good_card,
    check_floor,
)
from tests.simulation.scene import DAY, Scene, centre, scene

ONE_OF_EACH = centre(("printer", "laminator", "encoder", "reader"))
#: How much of its last frame goes out.
BEFORE, WITHIN, AFTER = 0.0, 0.5, 1.0
#: Coprime to the three ways of breaking, and to the frames of one file.
EVERY_SO_MANY_FRAMES = 23


@dataclass(slots=True)
class Cable:
    """The encoder's cable; its wire breaks at one frame from the host, counted from 1."""

    breaks_at_frame: int = 0
    share_sent: float = BEFORE
    frames: int = 0

    def around(self, url: str, wire: Wire) -> Wire:
        return Plug(self, wire) if url == "sim://encoder-1" else wire


@dataclass(slots=True)
class Plug:
    """One opening of it."""

    cable: Cable
    wire: Wire
    broken: bool = False

    async def send(self, data: bytes) -> None:
        self.cable.frames += 1
        if self.cable.frames != self.cable.breaks_at_frame:
            await self.wire.send(data)
            return
        self.broken = True
        await self.wire.send(data[: int(len(data) * self.cable.share_sent)])
        if self.cable.share_sent < AFTER:
            raise ConnectionResetError

    async def receive(self) -> bytes:
        return b"" if self.broken else await self.wire.receive()

    async def aclose(self) -> None:
        await self.wire.aclose()


async def frames_of_a_chip(folder: Path) -> range:
    """Return the frames, of a wire that does not break, in which chips are written and ended."""
    cable = Cable()
    async with scene(folder, ONE_OF_EACH, person=False, around=cable.around) as stage:
        await stage.until(lambda: stage.station_state("encoder-1") == "Execute")
        first = cable.frames + 1
        await make_one_and_condemn_it(stage)
        return range(first, cable.frames + 1)


async def make_one_and_condemn_it(stage: Scene) -> None:
    """Make one order, whose first card a person finds bad once its chip is written."""
    await stage.loads(10)
    await stage.takes(PackagePlan(1, DAY))
    works = stage.books.works
    await stage.until(lambda: any(work.act == "read_back" for work in works.values()))
    (card,) = stage.books.cards
    await stage.verbs.spoil_card(card, "scratched", "test")
    await stage.ended()


async def check_a_break(folder: Path, cable: Cable) -> None:
    async with scene(folder, ONE_OF_EACH, person=False, around=cable.around) as stage:
        await make_one_and_condemn_it(stage)
        assert cable.frames > cable.breaks_at_frame, "it was opened again"
        bad, good = stage.books.cards.values()
        assert (bad.state, bad.reason) == (CardState.SPOILED, "scratched"), cable
        assert (good.state, good.reason) == (CardState.PACKED, ""), cable
        assert stage.physical(bad).chip.life_cycle is LifeCycle.TERMINATED, cable
        assert stage.floor.store(REJECT_BIN) == [stage.physical(bad)]
        rows = stage.service.ledger.store.query(
            "SELECT station, data FROM events WHERE data LIKE '%chip.%' OR data LIKE '%faulty%'"
        )
        assert not list(map(dict, rows)), cable
        check_every_order_has_one_good_card(stage.books)
        check_books(stage.service)
        await check_floor(stage.service, stage.line)


def cables(frames: range, shares: tuple[float, ...]) -> Iterator[Cable]:
    """Return a cable for each frame, the ways of breaking taking turns."""
    for number, frame in enumerate(frames):
        yield Cable(frame, shares[number % len(shares)])


async def test_a_wire_that_breaks_in_a_chips_dialogue_blames_no_card(tmp_path: Path) -> None:
    frames = (await frames_of_a_chip(tmp_path / "whole"))[::EVERY_SO_MANY_FRAMES]
    for cable in cables(frames, (BEFORE, WITHIN, AFTER)):
        await check_a_break(tmp_path / str(cable.breaks_at_frame), cable)


@pytest.mark.soak
@pytest.mark.parametrize("share_sent", [BEFORE, WITHIN, AFTER])
async def test_a_wire_that_breaks_at_any_frame_of_a_chips_dialogue_blames_no_card(
    tmp_path: Path, share_sent: float
) -> None:
    frames = await frames_of_a_chip(tmp_path / "whole")
    for cable in cables(frames, (share_sent,)):
        await check_a_break(tmp_path / str(cable.breaks_at_frame), cable)
    print(
        f"chips and cables: {len(frames)} frames, {share_sent:.0%} of the last one sent: no blame"
    )
