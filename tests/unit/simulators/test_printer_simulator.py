"""The simulated card printer, told from outside: bytes on its wire and cards on its floor."""

import asyncio
import tomllib
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random

import pytest

from simulators.floor import (
    HAND,
    MAGAZINE,
    ChipMemory,
    Floor,
    PhysicalCard,
    infeed,
    inside,
    outfeed,
)
from simulators.machine import Machine, Pace
from simulators.printer import PrinterSettings, SimulatedPrinter
from simulators.wire import MemoryWire, memory_pair

VECTORS = {
    vector["name"]: bytes.fromhex(vector["hex"])
    for vector in tomllib.loads(
        (Path(__file__).parents[2] / "vectors" / "evolis.toml").read_text(encoding="utf-8")
    )["vector"]
}
FACE = 1016 * 81
FRONT_INK = (b"\x0d\x1b\x00front" * FACE)[:FACE]
BACK_INK = (b"\xffback\x1bSe\r" * FACE)[:FACE]
BUSY, PRINTING, AT_PRINT_POSITION, IN_FEEDER, AT_HOPPER = (
    0x00000001,
    0x00000080,
    0x02000000,
    0x20000000,
    0x40000000,
)


def chips() -> Iterator[ChipMemory]:
    number = 0
    while True:
        number += 1
        yield ChipMemory.new(number.to_bytes(8))


def printer_on(
    floor: Floor, cards: int = 3, seed: int = 1, **settings: float | str
) -> SimulatedPrinter:
    floor.load_blanks(cards, chips())
    feed(floor)
    pace = Pace(Random(seed), sigma=0.0)
    chosen: dict[str, object] = {"misprint_share": 0.0, "jam_share": 0.0, **settings}
    return SimulatedPrinter(floor, 0, pace, PrinterSettings(**chosen), "PR-0001")  # type: ignore[arg-type]  # keywords of mixed types


def feed(floor: Floor) -> PhysicalCard:
    return floor.move(MAGAZINE, infeed(0))


@dataclass(frozen=True)
class Host:
    wire: MemoryWire

    async def send(self, *commands: str) -> None:
        await self.wire.send(b"".join(b"\x1b" + command.encode() + b"\r" for command in commands))

    async def reply(self) -> str:
        got = b""
        async with asyncio.timeout(120):
            while not got.endswith(b"\x00"):
                data = await self.wire.receive()
                assert data, "hung up instead of answering"
                got += data
        assert got.count(b"\x00") == 1, "one reply at a time"
        return got[:-1].decode("ascii")

    async def ask(self, command: str) -> str:
        await self.send(command)
        return await self.reply()

    async def silent(self, seconds: float) -> bool:
        try:
            async with asyncio.timeout(seconds):
                return not await self.wire.receive()
        except TimeoutError:
            return True

    async def load(self, ink: bytes, panel: str = "k", levels: int = 2) -> str:
        await self.wire.send(f"\x1bDb;{panel};{levels};".encode() + ink + b"\r")
        return await self.reply()

    async def status(self) -> tuple[int, int, int, int]:
        words = await self.ask("Rpst")
        assert len(words) == 32
        config, information, warning, error = (int(words[at : at + 8], 16) for at in (0, 8, 16, 24))
        return config, information, warning, error

    async def ready_to_end(self) -> None:
        """Insert a card, print its front and load its back."""
        for command in ("Si", "Ss", "Sr"):
            assert await self.ask(command) == "OK"
        assert await self.load(FRONT_INK) == "OK"
        assert await self.ask("Sv") == "OK"
        assert await self.load(BACK_INK) == "OK"


@asynccontextmanager
async def connected(printer: SimulatedPrinter) -> AsyncIterator[Host]:
    """Connect; leaving hangs up, and a printer that would not notice fails the test."""
    host_end, machine_end = memory_pair()
    async with asyncio.timeout(3600), asyncio.TaskGroup() as group:
        serving = group.create_task(printer.serve(machine_end))
        yield Host(host_end)
        hung_up_s = asyncio.get_running_loop().time()
        await host_end.aclose()
        await serving
        assert asyncio.get_running_loop().time() == hung_up_s


def now_s() -> float:
    return asyncio.get_running_loop().time()


async def test_every_golden_command_is_understood() -> None:
    machine: Machine = printer_on(Floor(), model="Primacy")
    assert isinstance(machine, SimulatedPrinter)
    async with connected(machine) as host:
        for name, expected in {
            "host-manages-errors": b"OK",
            "status-trailers-off": b"OK",
            "read-model": b"Primacy",
            "read-serial-number": b"PR-0001",
            "read-firmware": b"1.00",
            "read-cards-inserted": b"0",
            "read-panels-printed": b"0",
            "read-ribbon-left": b"1000",
            "insert": b"OK",
            "clear-bitmaps": b"OK",
            "start-sequence": b"OK",
            "front": b"OK",
            "compressed-black-face": b"OK",
            "back": b"OK",
            "end-and-eject": b"OK",
            "clear-status": b"OK",
            "read-status-words": b"80102000" + b"40000000" + b"05000000" + b"00000000",
        }.items():
            await host.wire.send(VECTORS[name])
            assert await host.reply() == expected.decode(), name


@pytest.mark.parametrize(
    ("command", "vector"),
    [
        ("Xyz", "unknown-command"),
        ("Pem;two", "parameters-wrong"),
        ("Ser", "option-not-available"),
        ("Se", "no-card-inside"),
    ],
)
async def test_refusals_are_byte_for_byte_the_golden_ones(command: str, vector: str) -> None:
    async with connected(printer_on(Floor())) as host:
        await host.send(command)
        assert await host.wire.receive() == VECTORS[vector]


async def test_mishaps_are_byte_for_byte_the_golden_ones() -> None:
    floor = Floor()
    printer = printer_on(floor)

    async def raw(host: Host, command: str) -> bytes:
        await host.send(command)
        return await host.wire.receive()

    async with connected(printer) as host:
        printer.open_cover()
        assert await raw(host, "Si") == VECTORS["cover-open"]
        printer.close_cover()
        await host.ask("Si")
        printer.ribbon_left = 0
        await host.load(FRONT_INK)
        assert await raw(host, "Se") == VECTORS["ribbon-ended"]
        floor.move(MAGAZINE, outfeed(0))
        assert await raw(host, "Sce") == VECTORS["hopper-full"]
        floor.move(outfeed(0), HAND)
        printer.jam_next()
        await host.wire.send(VECTORS["eject-only"])
        assert await host.wire.receive() == VECTORS["card-jam"]


async def test_a_card_is_printed_on_both_faces_in_its_time() -> None:
    floor = Floor()
    printer = printer_on(floor)
    card = floor.at(infeed(0))
    async with connected(printer) as host:
        assert await host.ask("Si") == "OK"
        assert now_s() == pytest.approx(2.0)
        assert (floor.at(infeed(0)), floor.at(inside(0))) == (None, card)
        assert (await host.ask("Rco;c"), await host.ask("Rco;p")) == ("1", "0")
        assert await host.ask("Sr") == "OK"
        assert await host.load(FRONT_INK) == "OK"
        assert await host.ask("Sv") == "OK"
        assert await host.ask("Rco;p") == "1"
        assert await host.load(BACK_INK) == "OK"
        assert await host.ask("Se") == "OK"
        assert now_s() == pytest.approx(18.0)
        assert (floor.at(inside(0)), floor.at(outfeed(0))) == (None, card)
        assert [await host.ask(f"Rco;{what}") for what in "pcl"] == ["2", "1", "999"]
    assert card is not None
    assert (card.front, card.back) == ({"K": FRONT_INK}, {"K": BACK_INK})
    assert (card.misprinted, card.damaged) == (False, False)
    assert sum(motion.duration_s for motion in printer.drawn()) == pytest.approx(18.0)


async def test_one_face_takes_half_the_time() -> None:
    floor = Floor()
    async with connected(printer_on(floor)) as host:
        await host.ask("Si")
        await host.load(FRONT_INK)
        assert await host.ask("Se") == "OK"
        assert now_s() == pytest.approx(10.0)
    card = floor.at(outfeed(0))
    assert card is not None
    assert (set(card.front), set(card.back)) == ({"K"}, set())


async def test_colour_panels_rise_one_by_one_and_a_second_connection_sees_them() -> None:
    floor = Floor()
    printer = printer_on(floor, ribbon="ymcko", ribbon_capacity_cards=200)
    async with connected(printer) as host:
        await host.ask("Si")
        for panel, levels, size in (("k", 2, FACE), ("y", 128, 576_072), ("m", 256, 658_368)):
            assert await host.load(bytes(size), panel, levels) == "OK"
        await host.send("Se")
        await asyncio.sleep(2.0)
    async with connected(printer) as host:
        seen = []
        while (await host.status())[1] & BUSY:
            seen.append((await host.ask("Rco;p"), (await host.status())[1] & PRINTING))
            await asyncio.sleep(2.5)
        assert seen == [("0", PRINTING), ("1", PRINTING), ("3", 0)]  # the last of them ejects
    card = floor.at(outfeed(0))
    assert card is not None
    assert [(letter, len(ink)) for letter, ink in card.front.items()] == [
        ("Y", 576_072),  # in the ribbon's order, whatever order they were sent in
        ("M", 658_368),
        ("K", FACE),
    ]


async def test_a_hang_up_does_not_stop_the_card() -> None:
    floor = Floor()
    printer = printer_on(floor)
    async with connected(printer) as host:
        await host.ready_to_end()
        await host.send("Se")  # and hang up before the printer has even read it
    async with connected(printer) as host:
        _, information, _, error = await host.status()
        assert information & (BUSY | PRINTING | AT_PRINT_POSITION) == (
            BUSY | PRINTING | AT_PRINT_POSITION
        )
        assert error == 0
        assert await host.ask("Rco;p") == "1"
        assert await host.ask("Sce") == "ERROR CARD"  # waits for the motion, then finds no card
        _, information, _, _ = await host.status()
        assert information & (BUSY | PRINTING | AT_HOPPER) == AT_HOPPER
        assert await host.ask("Rco;p") == "2"
    card = floor.at(outfeed(0))
    assert card is not None
    assert card.back == {"K": BACK_INK}


async def test_queries_queue_behind_a_motion_of_their_own_connection() -> None:
    async with connected(printer_on(Floor())) as host:
        await host.send("Si")
        await host.send("Rco;c")
        assert await host.silent(1.9)
        async with asyncio.timeout(0.2):
            assert (await host.wire.receive()).startswith(b"OK\x00")


async def test_silence_after_the_act() -> None:
    floor = Floor()
    printer = printer_on(floor)
    async with connected(printer) as host:
        await host.ready_to_end()
        printer.mute = True
        await host.send("Se")
        assert await host.silent(30)
        printer.mute = False
        assert await host.ask("Rco;p") == "2"
    assert floor.at(outfeed(0)) is not None


@pytest.mark.parametrize(("after_s", "panels"), [(1.0, 1), (7.5, 2)])
async def test_power_cut_in_the_middle_of_a_print(after_s: float, panels: int) -> None:
    floor = Floor()
    printer = printer_on(floor)
    async with connected(printer) as host:
        await host.ask("Pem;2")
        await host.ready_to_end()
        await host.send("Se", "Rco;p")  # what waits behind the motion is lost with it
        await asyncio.sleep(after_s)
        printer.cut_power()
        assert await host.silent(60)
        await host.send("Rsn")
        assert await host.silent(60)
        printer.restore_power()
        assert await host.silent(60)  # nothing is answered late
        _, information, _, error = await host.status()
        assert information == AT_PRINT_POSITION | 0x00810000  # was reset, manages errors itself
        assert error == 0
        assert [await host.ask(f"Rco;{what}") for what in "pcl"] == [str(panels), "1", "999"]
        card = floor.at(inside(0))
        assert card is not None
        assert len(card.front) + len(card.back) == panels
        assert await host.ask("Se") == "OK"  # the bitmaps are forgotten: it only ejects
        assert await host.ask("Rco;p") == str(panels)
        assert floor.at(outfeed(0)) is card


async def test_power_cut_before_the_card_has_left_the_infeed() -> None:
    floor = Floor()
    printer = printer_on(floor)
    async with connected(printer) as host:
        await host.send("Si")
        await asyncio.sleep(0.5)
        printer.cut_power()
        printer.restore_power()
        assert await host.ask("Rco;c") == "0"
        _, information, _, error = await host.status()
        assert (information & IN_FEEDER, error) == (IN_FEEDER, 0)
        assert await host.ask("Si") == "OK"


async def test_power_cut_with_the_card_half_way_in_is_a_jam_without_damage() -> None:
    floor = Floor()
    printer = printer_on(floor)
    async with connected(printer) as host:
        await host.send("Si")
        await asyncio.sleep(1.5)
        printer.cut_power()
        printer.restore_power()
        assert await host.ask("Rco;c") == "0"
        _, information, _, error = await host.status()
        assert (information & (IN_FEEDER | AT_PRINT_POSITION), error) == (0, 0x01000000)
        assert await host.ask("Sce") == "CARD JAM"
        card = printer.clear_jam()
        assert card is not None
        assert card is floor.at(HAND)
        assert not card.damaged
        assert await host.ask("Scs") == "OK"
        feed(floor)
        assert await host.ask("Si") == "OK"


async def test_half_a_command_before_a_power_cut_is_forgotten() -> None:
    printer = printer_on(Floor())
    async with connected(printer) as host:
        await host.wire.send(b"\x1bDb;k;2;" + bytes(1000))
        await asyncio.sleep(0)
        printer.cut_power()
        printer.restore_power()
        assert await host.ask("Rco;c") == "0"


async def test_the_ribbon_ends_before_anything_is_printed() -> None:
    floor = Floor()
    printer = printer_on(floor)
    async with connected(printer) as host:
        printer.ribbon_left = 1
        await host.ready_to_end()
        assert await host.ask("Rco;l") == "0"
        assert (await host.status())[3] == 0  # this card still has its share
        assert await host.ask("Se") == "OK"
        floor.move(outfeed(0), HAND)
        second = feed(floor)
        assert await host.ask("Si") == "OK"
        await host.load(FRONT_INK)
        for command in ("Sv", "Se"):
            assert await host.ask(command) == "ERROR RIBBON"
        _, _, warning, error = await host.status()
        assert (warning & 0x00080000, error) == (0x00080000, 0x00200000)
        assert (second.front, await host.ask("Rco;p")) == ({}, "2")
        assert floor.at(inside(0)) is second
        printer.refill_ribbon()
        assert (await host.status())[3] == 0
        assert await host.ask("Se") == "OK"
        assert (second.front, await host.ask("Rco;l")) == ({"K": FRONT_INK}, "999")


async def test_a_panel_that_the_ribbon_lacks_is_refused_before_anything_is_printed() -> None:
    floor = Floor()
    async with connected(printer_on(floor)) as host:
        await host.ask("Si")
        await host.load(FRONT_INK)
        await host.load(bytes(576_072), "y", 128)
        assert await host.ask("Se") == "ERROR RIBBON"
        assert await host.ask("Rco;p") == "0"
        assert await host.ask("Wcb;y") == "OK"
        assert await host.ask("Se") == "OK"


@pytest.mark.parametrize("act", ["Si", "Se"])
async def test_a_jam_stays_until_a_person_and_the_host_have_cleared_it(act: str) -> None:
    floor = Floor()
    printer = printer_on(floor)
    async with connected(printer) as host:
        if act == "Se":
            await host.ready_to_end()
        printer.jam_next()
        assert await host.ask(act) == "CARD JAM"
        stuck = floor.at(inside(0))
        assert stuck is not None
        assert stuck.damaged
        assert await host.ask("Rco;c") == ("1" if act == "Se" else "0")
        assert await host.ask("Rlr;p") == "ERR CARD"
        assert await host.ask("Scs") == "OK"  # the sensor finds the card again
        assert (await host.status())[3] == 0x01000000
        assert [await host.ask(motion) for motion in ("Si", "Se", "Sce")] == ["CARD JAM"] * 3
        printer.cut_power()
        printer.restore_power()
        assert (await host.status())[3] == 0x01000000
        assert printer.clear_jam() is stuck is floor.at(HAND)
        assert printer.clear_jam() is None
        if floor.at(infeed(0)) is None:
            feed(floor)
        assert await host.ask("Si") == "CARD JAM"
        assert await host.ask("Scs") == "OK"
        assert await host.ask("Si") == "OK"


async def test_an_open_cover_refuses_motion_and_is_locked_during_it() -> None:
    floor = Floor()
    printer = printer_on(floor)
    async with connected(printer) as host:
        assert printer.open_cover()
        assert await host.ask("Si") == "COVER OPEN"
        _, _, warning, error = await host.status()
        assert (warning & 0x00020000, error) == (0x00020000, 0x02000000)
        assert floor.at(infeed(0)) is not None
        printer.close_cover()
        await host.send("Si")
        await asyncio.sleep(1.5)
        assert not printer.open_cover()
        assert printer.clear_jam() is None
        assert await host.reply() == "OK"
        assert (await host.status())[3] == 0


async def test_cards_that_are_not_where_they_should_be() -> None:
    floor = Floor()
    async with connected(printer_on(floor)) as host:
        assert [await host.ask(act) for act in ("Sv", "Se", "Sce")] == ["ERROR CARD"] * 3
        assert await host.ask("Si") == "OK"
        feed(floor)
        assert await host.ask("Si") == "ERROR CARD"
        floor.move(infeed(0), HAND)
        assert (await host.status())[2] & 0x01000000
        assert await host.ask("Sce") == "OK"
        await host.send("Si")
        assert await host.wire.receive() == VECTORS["feeder-empty"]
        assert await host.ask("Rlr") == "FEEDER EMPTY"
        assert await host.ask("Rlr;p") == "NO CARD"
        assert await host.ask("Rco;c") == "1"


async def test_a_card_taken_away_from_the_infeed_during_the_feed() -> None:
    floor = Floor()
    async with connected(printer_on(floor)) as host:
        await host.send("Si")
        await asyncio.sleep(0.5)
        floor.move(infeed(0), HAND)
        assert await host.reply() == "FEEDER EMPTY"
        assert await host.ask("Rco;c") == "0"


async def test_a_taken_outfeed_keeps_the_printed_card_inside() -> None:
    floor = Floor()
    async with connected(printer_on(floor)) as host:
        await host.ready_to_end()
        assert await host.ask("Se") == "OK"
        feed(floor)
        await host.ready_to_end()
        assert await host.ask("Se") == "HOPPER FULL"
        card = floor.at(inside(0))
        assert card is not None
        assert (card.front, card.back) == ({"K": FRONT_INK}, {"K": BACK_INK})
        assert await host.ask("Rco;p") == "4"
        _, information, _, error = await host.status()
        assert (information & AT_PRINT_POSITION, error) == (AT_PRINT_POSITION, 0x00100000)
        assert await host.ask("Se") == "HOPPER FULL"
        floor.move(outfeed(0), HAND)
        start_s = now_s()
        assert await host.ask("Se") == "OK"
        assert now_s() - start_s == pytest.approx(1.0)
        assert floor.at(outfeed(0)) is card
        assert await host.ask("Rco;p") == "4"


async def test_nothing_on_the_wire_tells_of_a_misprint() -> None:
    floor = Floor()
    printer = printer_on(floor)
    async with connected(printer) as host:
        printer.misprint_next()
        await host.ready_to_end()
        assert await host.ask("Se") == "OK"
        card = floor.at(outfeed(0))
        assert card is not None
        assert card.misprinted
        assert card.front["K"] != FRONT_INK
        assert len(card.front["K"]) == FACE
        assert card.back == {"K": BACK_INK}
        assert (await host.status())[3] == 0
        floor.move(outfeed(0), HAND)
        feed(floor)
        await host.ready_to_end()
        assert await host.ask("Se") == "OK"
        after = floor.at(outfeed(0))
        assert after is not None
        assert not after.misprinted


async def test_ink_over_ink_shows_both() -> None:
    floor = Floor()
    async with connected(printer_on(floor)) as host:
        await host.ready_to_end()
        assert await host.ask("Sr") == "OK"
        await host.load(BACK_INK)
        assert await host.ask("Se") == "OK"
    card = floor.at(outfeed(0))
    assert card is not None
    both = bytes(below | above for below, above in zip(FRONT_INK, BACK_INK, strict=True))
    assert card.front == {"K": both}


async def test_a_bitmap_that_stops_half_way_is_given_up() -> None:
    async with connected(printer_on(Floor())) as host:
        await host.wire.send(b"\x1bDb;k;2;" + bytes(1000))
        assert await host.reply() == "ERROR TIME OUT"
        assert await host.ask("Rsn") == "PR-0001"


async def test_a_bad_bitmap_is_refused_and_leaves_nothing_in_memory() -> None:
    floor = Floor()
    async with connected(printer_on(floor)) as host:
        await host.ask("Si")
        for bitmap in (
            b"Dbc;k;2;3;\x00\x00\x00",
            b"Dbc;k;2;-1;",
            b"Db;z;2;" + bytes(FACE),
            b"Db;k;3;" + bytes(200),
            b"Db",
        ):
            await host.wire.send(b"\x1b" + bitmap + b"\r")
            assert await host.reply() == "ERROR PARAMETRES"
        assert await host.ask("Se") == "OK"
        assert await host.ask("Rco;p") == "0"


async def test_line_noise_is_not_answered_and_does_not_deafen() -> None:
    random = Random(99)
    async with connected(printer_on(Floor())) as host:
        for _ in range(200):
            noise = bytes(random.randrange(128, 256) for _ in range(random.randrange(1, 60)))
            await host.wire.send(noise + random.choice([b"", b"\r", b"\x00"]))
            assert await host.ask("Rsn") == "PR-0001"


async def test_any_bytes_at_all_end_in_a_printer_that_answers() -> None:
    random = Random(4)
    floor = Floor()
    printer = printer_on(floor)
    words = [b"Si", b"Se", b"Sv", b"Ss", b"Db;k;2;", b"Dbc;k;2;9;", b"Rco;p", b"\x1b", b"\r", b";"]
    async with connected(printer) as host:
        for _ in range(400):
            junk = random.choice(words) if random.random() < 0.7 else random.randbytes(9)
            await host.wire.send(junk)
            await asyncio.sleep(random.choice([0, 0.01, 4.0]))
        await asyncio.sleep(600)
    async with connected(printer) as host:
        assert await host.ask("Rsn") == "PR-0001"
    assert len(floor.everything()) == 3


async def test_settings_are_accepted_and_queries_answered() -> None:
    async with connected(printer_on(Floor())) as host:
        for command, expected in {
            "Pem;2": "OK",
            "Rem": "2",
            "Pem;18": "OPT NOT AVAILABLE",
            "Pem;64": "ERROR PARAMETRES",
            "Pr;ymcko": "OK",
            "Pr;0;2": "OK",
            "Pr;gold": "ERROR PARAMETRES",
            "Rr": "ko",
            "Rrt;type": "1",
            "Rrt;count": "1000",
            "Rrt;all": "label:ko\nzone:0\ntype:1\nqty:1000\ncount:1000\n",
            "Rrt;zone": "0",
            "Rrt;gold": "ERROR PARAMETRES",
            "Rkn": "KIT-PR-0001",
            "Rzp": "0",
            "Rcim": "F",
            "Rcem": "D",
            "Rcrm": "D",
            "Pps;2": "ERROR PARAMETRES",
            "Rco;a": "1000",
            "Rco;m": "1000",
            "Rco;n": "0",
            "Rco": "ERROR PARAMETRES",
            "Rco;zz": "ERROR PARAMETRES",
            "Pc;k;=;10": "OK",
            "Pwres;300;300;0": "OK",
            "Psk;10": "OK",
            "Rse;o": "0.50",
            "Sk;f": "0",
            "Sds;?i": "OK",
            "Wcb;x": "ERROR PARAMETRES",
            "Rlr;r": "OK",
            "Srs": "OK",
        }.items():
            assert await host.ask(command) == expected, command
        assert await host.ask("Rem") == "0"  # the soft reset forgot


async def test_a_host_may_have_the_status_words_behind_every_answer() -> None:
    printer = printer_on(Floor())
    trailed = VECTORS["answer-with-status-trailer"]
    async with connected(printer) as host:

        async def told(command: bytes) -> bytes:
            await host.wire.send(command)
            return await host.wire.receive()

        assert await told(VECTORS["status-trailers-on"]) == trailed
        assert await told(b"\x1bRsn\r") == b"PR-0001" + trailed[2:]
        assert await told(VECTORS["status-trailers-off"]) == b"OK\0"
        assert await told(VECTORS["status-trailers-on"]) == trailed
        printer.cut_power()
        printer.restore_power()
        assert await told(b"\x1bRsn\r") == b"PR-0001\0"


async def test_wear_and_chance_come_from_the_seed_alone() -> None:
    async def run(seed: int) -> list[tuple[bool, bool, str]]:
        floor = Floor()
        printer = printer_on(floor, 40, seed, misprint_share=0.3, jam_share=0.3)
        story = []
        async with connected(printer) as host:
            for _ in range(39):
                reply = await host.ask("Si")
                if reply == "OK":
                    await host.load(FRONT_INK)
                    reply = await host.ask("Se")
                if floor.at(inside(0)) is not None:
                    printer.clear_jam()
                    await host.ask("Scs")
                else:
                    floor.move(outfeed(0), HAND)
                card = floor.at(HAND)
                assert card is not None
                story.append((card.misprinted, card.damaged, reply))
                floor.move(HAND, MAGAZINE)
                feed(floor)
        return story

    first = await run(5)
    assert first == await run(5) != await run(6)
    assert 5 <= sum(damaged for _, damaged, _ in first) <= 20
    assert 3 <= sum(misprinted for misprinted, _, _ in first) <= 20
    assert {reply for _, damaged, reply in first if damaged} == {"CARD JAM"}
