"""The simulated retransfer printer, told from outside: bytes on its wire and cards on its floor."""

import asyncio
import struct
import tomllib
import zlib
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random

import pytest

from simulators.floor import HAND, MAGAZINE, ChipMemory, Floor, infeed, inside, outfeed
from simulators.machine import Pace
from simulators.retransfer import RetransferSettings, SimulatedRetransferPrinter
from simulators.wire import MemoryWire, memory_pair
from tests.contract.ways import until

VECTORS = {
    vector["name"]: bytes.fromhex(vector["hex"])
    for vector in tomllib.loads(
        (Path(__file__).parents[2] / "vectors" / "retransfer.toml").read_text(encoding="utf-8")
    )["vector"]
}
WHO, STATUS, FORGET, PLANE, FEED, PRINT, EJECT, RESET = 1, 2, 3, 4, 16, 17, 18, 19
READY, BUSY, HEATING, TROUBLE = range(4)
NOWHERE, PRINT_POSITION, ELSEWHERE = range(3)
JAM, FILM_TORN, ROLLER, OUTFEED_TAKEN, NOTHING_AT_INFEED = range(1, 6)
FIELDS = [
    *("phase", "ending", "card", "flags", "started", "finished", "printed", "faces"),
    *("fed", "cards_printed", "film", "ribbon"),
]


def film(mark: bytes) -> bytes:
    """Return a plane of K: a margin on all sides, and `mark` again and again on the card."""
    line = b"\0" + (mark * 81)[:81] + b"\0"
    return bytes(83 * 10) + line * 1016 + bytes(83 * 10)


def face(mark: bytes) -> bytes:
    return (mark * 81)[:81] * 1016


def question(kind: int, payload: bytes = b"", tag: int = 1) -> bytes:
    head = struct.pack(">BBH", 0x7E, kind, tag) + len(payload).to_bytes(3, "big")
    check = 0
    for byte in head:
        check ^= byte
    body = head + bytes((check,)) + payload
    return body + zlib.crc32(body).to_bytes(4, "big")


def printer_on(floor: Floor, **settings: float) -> SimulatedRetransferPrinter:
    floor.load_blanks(3, iter(_chips()))
    floor.move(MAGAZINE, infeed(0))
    chosen = {"misprint_share": 0.0, "jam_share": 0.0, "film_tear_share": 0.0, **settings}
    pace = Pace(Random(1), sigma=0.0)
    return SimulatedRetransferPrinter(
        floor,
        0,
        pace,
        RetransferSettings(**chosen),  # type: ignore[arg-type]  # keywords of mixed types
        "RTP-0002",
    )


def _chips() -> Iterator[ChipMemory]:
    for number in range(3):
        yield ChipMemory.new(number.to_bytes(8, "big"))


@dataclass
class Host:
    wire: MemoryWire
    number: int = 0

    async def ask(self, kind: int, payload: bytes = b"") -> bytes:
        await self.wire.send(question(kind, payload))
        async with asyncio.timeout(1.0):
            heard = await self.wire.receive()
        assert heard[1] == kind | 0x80
        return heard[8:-4]

    async def silent(self, seconds: float = 1.0) -> bool:
        try:
            async with asyncio.timeout(seconds):
                return not await self.wire.receive()
        except TimeoutError:
            return True

    async def status(self) -> dict[str, int]:
        told = await self.ask(STATUS)
        assert told[23:] == b"RTP-0002"
        return dict(zip(FIELDS, struct.unpack(">4B3HB2I2H", told[:23]), strict=True))

    async def command(self, kind: int, rest: bytes = b"") -> int:
        """Send a command with the next number; a number refused is used again."""
        (code,) = await self.ask(kind, struct.pack(">H", self.number + 1) + rest)
        self.number += code == 0
        return code

    async def settled(self) -> dict[str, int]:
        while True:
            if (now := await self.status())["phase"] not in {BUSY, HEATING}:
                return now
            await asyncio.sleep(0.25)

    async def done(self, kind: int, rest: bytes = b"") -> dict[str, int]:
        assert await self.command(kind, rest) == 0
        return await self.settled()

    async def loaded(self, *planes: tuple[bytes, bytes]) -> bytes:
        """Load planes and return what PRINT says of them."""
        named = b""
        for name, dots in planes:
            assert await self.ask(PLANE, name + zlib.compress(dots)) == b"\0"
            named += name + zlib.crc32(dots).to_bytes(4, "big")
        return bytes((len(planes),)) + named


@asynccontextmanager
async def connected(printer: SimulatedRetransferPrinter) -> AsyncIterator[Host]:
    host_end, machine_end = memory_pair()
    async with asyncio.timeout(3600), asyncio.TaskGroup() as group:
        serving = group.create_task(printer.serve(machine_end))
        yield Host(host_end)
        await host_end.aclose()
        await serving


BOTH = ((b"\0K", film(b"\x81\x42")), (b"\1K", film(b"\x18")))


async def test_golden_questions_get_golden_answers() -> None:
    floor = Floor()
    async with connected(printer_on(floor)) as host:
        for asked, told in (("who", "who-answer"), ("forget", "done")):
            await host.wire.send(VECTORS[asked])
            assert await host.wire.receive() == VECTORS[told]
        for name in ("black-plane", "reset", "feed", "print", "eject"):
            await host.wire.send(VECTORS[name])
            assert (await host.wire.receive())[8:-4] == b"\0", name
            await host.settled()


async def test_the_golden_refusal() -> None:
    floor = Floor()
    async with connected(printer_on(floor)) as host:
        floor.move(infeed(0), HAND)
        await host.wire.send(VECTORS["feed"])
        assert await host.wire.receive() == VECTORS["feed-refused"]


async def test_a_card_is_printed_on_both_faces_and_keeps_what_lies_on_it() -> None:
    floor = Floor()
    async with connected(printer_on(floor)) as host:
        fed = await host.done(FEED)
        assert (fed["card"], fed["fed"], fed["finished"]) == (PRINT_POSITION, 1, 1)
        printed = await host.done(PRINT, await host.loaded(*BOTH))
        assert (printed["printed"], printed["faces"], printed["cards_printed"]) == (2, 2, 1)
        assert (printed["film"], printed["ribbon"]) == (1998, 1998)
        out = await host.done(EJECT)
        assert (out["card"], out["finished"], out["flags"]) == (NOWHERE, 3, 4)
    card = floor.at(outfeed(0))
    assert card is not None
    assert card.front == {"K": face(b"\x81\x42")}
    assert card.back == {"K": face(b"\x18")}


async def test_each_step_takes_its_time_and_the_roller_warms_up_after_power() -> None:
    floor = Floor()
    printer = printer_on(floor)
    printer.cut_power()
    printer.restore_power()
    async with connected(printer) as host:
        await host.done(FEED)
        assert await host.command(PRINT, await host.loaded(*BOTH)) == 0
        assert (await host.status())["phase"] == HEATING
        await host.settled()
        await host.done(EJECT)
    told = [(motion.what, round(motion.duration_s, 1)) for motion in printer.drawn()]
    assert told[:2] == [("feed", 1.0), ("feed", 1.0)]
    assert told[2][0] == "heat"
    assert 40 < told[2][1] < 45
    assert told[3:] == [("ink", 4.8), ("press", 3.2)] * 2 + [("eject", 1.0)]


async def test_a_number_starts_nothing_again_and_one_refused_is_not_used_up() -> None:
    floor = Floor()
    async with connected(printer_on(floor)) as host:
        assert await host.command(EJECT) == 7
        await host.done(FEED)
        assert await host.ask(FEED, b"\0\1") == b"\1"
        assert await host.command(FEED) == 6
        planes = await host.loaded(*BOTH)
        assert await host.command(PRINT, planes) == 0
        assert await host.command(EJECT) == 2
        assert (await host.settled())["finished"] == 2
        assert await host.ask(PRINT, b"\0\2" + planes) == b"\1"
        assert await host.command(PRINT, planes) == 11, "planes are used up by their print"


async def test_nothing_is_begun_while_something_is_missing() -> None:
    floor = Floor()
    printer = printer_on(floor, film_capacity_faces=3, ribbon_capacity_faces=5)
    async with connected(printer) as host:
        assert printer.open_cover()
        assert await host.command(FEED) == 4
        printer.close_cover()
        await host.done(FEED)
        assert not await _printed_and_out(host)
        floor.move(outfeed(0), HAND)
        floor.move(MAGAZINE, infeed(0))
        await host.done(FEED)
        assert await host.command(PRINT, await host.loaded(*BOTH)) == 9
        printer._physics.film_left = 9
        printer._physics.ribbon_left = 1
        assert await host.command(PRINT, await host.loaded(*BOTH)) == 10
        printer.refill()
        assert not await _printed_and_out(host)


async def _printed_and_out(host: Host) -> int:
    code = await host.command(PRINT, await host.loaded(*BOTH))
    await host.settled()
    await host.done(EJECT)
    return code


async def test_an_outfeed_that_is_taken_keeps_the_card_inside_and_is_no_trouble() -> None:
    floor = Floor()
    async with connected(printer_on(floor)) as host:
        await host.done(FEED)
        floor.move(MAGAZINE, outfeed(0))
        assert await host.command(EJECT) == 8
        floor.move(outfeed(0), HAND)
        assert await host.command(EJECT) == 0
        floor.move(HAND, outfeed(0))
        ended = await host.settled()
        assert (ended["phase"], ended["ending"]) == (READY, OUTFEED_TAKEN)
        assert (ended["started"], ended["finished"], ended["card"]) == (2, 1, PRINT_POSITION)
        floor.move(outfeed(0), HAND)
        assert (await host.done(EJECT))["finished"] == 3


async def test_a_card_that_is_taken_away_from_the_infeed_is_not_fed() -> None:
    floor = Floor()
    async with connected(printer_on(floor)) as host:
        assert await host.command(FEED) == 0
        floor.move(infeed(0), HAND)
        ended = await host.settled()
        assert (ended["phase"], ended["ending"]) == (READY, NOTHING_AT_INFEED)
        assert (ended["finished"], ended["fed"]) == (0, 0)


@pytest.mark.parametrize("act", [FEED, EJECT])
async def test_a_jam_stays_until_the_card_is_out_and_the_host_has_reset(act: int) -> None:
    floor = Floor()
    printer = printer_on(floor)
    async with connected(printer) as host:
        if act == EJECT:
            await host.done(FEED)
        printer._physics.jam_next = True
        ended = await host.done(act)
        assert (ended["phase"], ended["ending"], ended["card"]) == (TROUBLE, JAM, ELSEWHERE)
        assert ended["finished"] == ended["started"] - 1
        assert await host.command(FEED) == 3
        assert (await host.done(RESET))["phase"] == TROUBLE
        card = printer.clear_jam()
        assert card is not None
        assert card.damaged
        assert await host.command(FEED) == 3
        after = await host.done(RESET)
        assert (after["phase"], after["card"]) == (READY, NOWHERE)


async def test_torn_film_and_a_broken_roller_leave_the_card_untouched() -> None:
    floor = Floor()
    printer = printer_on(floor)
    async with connected(printer) as host:
        await host.done(FEED)
        for ending in (FILM_TORN, ROLLER):
            printer._physics.tear_next = ending == FILM_TORN
            printer._physics.roller_broken = ending == ROLLER
            ended = await host.done(PRINT, await host.loaded(*BOTH))
            assert (ended["phase"], ended["ending"], ended["faces"]) == (TROUBLE, ending, 0)
            assert (await host.done(RESET))["ending"] == ending
            printer.refill()
            printer.repair_roller()
            assert (await host.done(RESET))["phase"] == READY
        card = floor.at(inside(0))
        assert card is not None
        assert not card.front
        assert not await _printed_and_out(host)
        assert card.front


async def test_a_misprint_shows_on_the_card_alone() -> None:
    floor = Floor()
    printer = printer_on(floor)
    printer._physics.misprint_next = True
    async with connected(printer) as host:
        await host.done(FEED)
        assert not await _printed_and_out(host)
    card = floor.at(outfeed(0))
    assert card is not None
    assert card.misprinted
    assert card.front["K"] != face(b"\x81\x42")
    assert card.back == {"K": face(b"\x18")}


async def test_power_takes_planes_and_motion_and_leaves_numbers_and_counters() -> None:
    floor = Floor()
    printer = printer_on(floor)
    async with connected(printer) as host:
        await host.done(FEED)
        planes = await host.loaded(*BOTH)
        assert await host.command(PRINT, planes) == 0
        await until(lambda: printer._physics.faces_pressed == 1)
        printer.cut_power()
        await host.wire.send(question(WHO))
        assert await host.silent()
        printer.restore_power()
        now = await host.status()
        assert (now["phase"], now["started"], now["finished"], now["printed"]) == (READY, 2, 1, 0)
        assert (now["faces"], now["card"], now["fed"]) == (1, PRINT_POSITION, 1)
        assert await host.command(PRINT, planes) == 11
    card = floor.at(inside(0))
    assert card is not None
    assert (bool(card.front), bool(card.back)) == (True, False)


async def test_a_card_half_way_in_when_the_power_fails_is_a_jam() -> None:
    floor = Floor()
    printer = printer_on(floor)
    async with connected(printer) as host:
        assert await host.command(FEED) == 0
        await until(lambda: floor.at(inside(0)) is not None)
        printer.cut_power()
        printer.restore_power()
        now = await host.status()
        assert (now["phase"], now["ending"], now["fed"]) == (TROUBLE, JAM, 0)


async def test_a_plane_that_would_unpack_without_end_is_refused() -> None:
    async with connected(printer_on(Floor())) as host:
        assert await host.ask(PLANE, b"\0K" + zlib.compress(bytes(50_000_000))) == b"\x0c"
        assert await host.ask(PLANE, b"\0K" + zlib.compress(BOTH[0][1]) + b"x") == b"\x0c"
        assert await host.ask(PLANE, b"") == b"\x0c"


async def test_half_a_frame_is_forgotten_after_half_a_second() -> None:
    async with connected(printer_on(Floor())) as host:
        await host.wire.send(VECTORS["black-plane"][:40])
        await asyncio.sleep(0.6)
        assert (await host.status())["phase"] == READY
