"""The simulated chip encoder, held to the golden bytes and to a host written here, byte by byte."""

import asyncio
import tomllib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import reduce
from operator import xor
from pathlib import Path
from random import Random

import pytest

from simulators.encoder import EncoderSettings, SimulatedEncoder
from simulators.floor import (
    HAND,
    MAGAZINE,
    ChipHealth,
    ChipMemory,
    Contacts,
    Floor,
    LifeCycle,
    infeed,
    outfeed,
)
from simulators.machine import Pace
from simulators.wire import MemoryWire, memory_pair

VECTORS_FILE = Path(__file__).parents[2] / "vectors" / "ccid.toml"
VECTORS = {
    vector["name"]: bytes.fromhex(vector["hex"])
    for vector in tomllib.loads(VECTORS_FILE.read_text(encoding="utf-8"))["vector"]
}
CHIP_SERIAL = bytes.fromhex("0102030405060708")
SELECT_APPLICATION = "00 A4 04 00 05 F0 52 49 44 32"
SELECT_WITH_PARAMETERS = "00 A4 04 04 05 F0 52 49 44 32 00"
NAK = VECTORS["nak"]


def checked(data: bytes) -> bytes:
    return data + bytes([reduce(xor, data)])


def t1(pcb: int, information: bytes = b"") -> bytes:
    return checked(bytes([0, pcb, len(information)]) + information)


class Host:
    """What a driver's author would write in an hour: frames, echo, T=1 without recovery."""

    def __init__(self, wire: MemoryWire, *, echo: bool = True) -> None:
        self.wire = wire
        self.echo = echo
        self.sequence = 0x40
        self.send_number = 0

    async def silence(self, seconds: float = 5.0) -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(self.wire.receive(), seconds)

    async def take(self, count: int) -> bytes:
        data = b""
        async with asyncio.timeout(60.0):
            while len(data) < count:
                data += await self.wire.receive()
        assert len(data) == count, data.hex(" ")
        return data

    async def ask(self, frame: bytes, expected: bytes) -> None:
        """Send a frame and hold echo and answer to the exact bytes."""
        await self.wire.send(frame)
        wanted = frame * self.echo + expected
        assert (await self.take(len(wanted))).hex(" ") == wanted.hex(" ")

    async def command(
        self, kind: int, data: bytes = b"", special: str = "00 00 00", slot: int = 0
    ) -> tuple[int, int, int, bytes]:
        """Return type, bStatus, bError and data of the answer."""
        self.sequence = (self.sequence + 1) % 256
        header = bytes([3, 6, kind]) + len(data).to_bytes(4, "little")
        frame = checked(header + bytes([slot, self.sequence]) + bytes.fromhex(special) + data)
        await self.wire.send(frame)
        answer = b""
        async with asyncio.timeout(60.0):
            while len(answer) < 13 or len(answer) < 13 + int.from_bytes(answer[3:7], "little"):
                answer += await self.wire.receive()
                if self.echo and answer.startswith(frame):
                    answer = answer[len(frame) :]
        assert answer[:2] == b"\x03\x06"
        assert reduce(xor, answer) == 0
        assert answer[8] == self.sequence
        assert answer[7] == slot
        return answer[2], answer[9], answer[10], answer[12:-1]

    async def block(self, block: bytes) -> bytes:
        kind, status, error, data = await self.command(0x6F, block)
        assert (kind, status, error) == (0x80, 0, 0)
        return data

    async def open(self) -> None:
        await self.command(0x62, special="01 00 00")
        await self.command(0x6F, b"\xff\x01\xfe")
        await self.command(0x61, bytes.fromhex("1110004D00FE00"), "01 00 00")
        self.send_number = 0
        assert await self.block(VECTORS["t1-ifs-request"]) == VECTORS["t1-ifs-response"]

    async def apdu(self, text: str | bytes) -> bytes:
        """Send one command that fits a block and return data and status word."""
        apdu = bytes.fromhex(text) if isinstance(text, str) else text
        answer = await self.block(t1(self.send_number << 6, apdu))
        self.send_number ^= 1
        assert answer[1] & 0xBF == 0, answer.hex(" ")
        return answer[3:-1]


def bench(
    settings: EncoderSettings | None = None, *, card: bool = True, contacts: Contacts = Contacts.T1
) -> tuple[SimulatedEncoder, Floor]:
    floor = Floor()
    chip = ChipMemory.new(CHIP_SERIAL)
    chip.contacts = contacts
    floor.load_blanks(1, iter([chip]))
    if card:
        floor.move(MAGAZINE, infeed(3))
    settings = settings or EncoderSettings(chip_failure_share=0.0)
    return SimulatedEncoder(floor, 3, Pace(Random(7)), settings, "ENC-0003"), floor


@asynccontextmanager
async def host_of(encoder: SimulatedEncoder, *, echo: bool = True) -> AsyncIterator[Host]:
    near, far = memory_pair()
    async with asyncio.TaskGroup() as group:
        group.create_task(encoder.serve(far))
        yield Host(near, echo=echo)
        await near.aclose()


async def test_golden_dialogue() -> None:
    encoder, floor = bench()
    async with host_of(encoder) as host:
        await host.ask(VECTORS["escape-get-firmware"], VECTORS["escape-firmware-answer"])
        await host.ask(
            VECTORS["escape-sync-notify"],
            bytes.fromhex("03 06 83 00 00 00 00 00 01 01 00 00 86"),
        )
        await host.ask(VECTORS["get-slot-status"], VECTORS["slot-status-inactive"])
        await host.ask(VECTORS["power-on-5v"], VECTORS["power-on-answer"])
        await host.ask(
            VECTORS["transfer-pps-t1"],
            bytes.fromhex("03 06 80 03 00 00 00 00 05 00 00 00 FF 01 FE 83"),
        )
        await host.ask(
            VECTORS["set-parameters-t1"],
            bytes.fromhex("03 06 82 07 00 00 00 00 08 00 00 01 11 10 00 4D 00 FE 00 3B"),
        )
        await host.ask(
            VECTORS["transfer-ifs-254"],
            bytes.fromhex("03 06 80 05 00 00 00 00 06 00 00 00 00 E1 01 FE 1E 86"),
        )
        await host.ask(  # no application of that name
            VECTORS["transfer-select-t1"],
            bytes.fromhex("03 06 80 06 00 00 00 00 07 00 00 00 00 00 02 6A 82 EA 84"),
        )
        await host.ask(  # a T=0 command is no T=1 block: R(1), other error
            VECTORS["transfer-select-t0"],
            bytes.fromhex("03 06 80 04 00 00 00 00 15 00 00 00 00 92 00 92 94"),
        )
        await host.ask(
            VECTORS["power-off"], bytes.fromhex("03 06 81 00 00 00 00 00 04 01 00 00 81")
        )
        floor.move(infeed(3), HAND)
        await host.wire.send(VECTORS["power-on-5v"])
        wanted = (
            VECTORS["notice-card-absent"] + VECTORS["power-on-5v"] + VECTORS["power-on-no-card"]
        )
        assert await host.take(len(wanted)) == wanted


async def test_golden_dialogue_over_t0() -> None:
    encoder, _ = bench(contacts=Contacts.T0)
    async with host_of(encoder) as host:
        await host.ask(VECTORS["power-on-5v"], VECTORS["power-on-answer-t0"])
        for name in (
            "set-parameters-t0",
            "transfer-select-t0",
            "transfer-select-application-t0",
            "transfer-get-response-t0",
        ):
            await host.ask(VECTORS[name], VECTORS[f"{name}-answer"])


async def test_a_negotiable_card_speaks_what_was_agreed() -> None:
    encoder, _ = bench(contacts=Contacts.T0_OR_T1)
    async with host_of(encoder) as host:
        await host.ask(VECTORS["power-on-5v"], VECTORS["power-on-answer-negotiable"])
        await host.ask(VECTORS["transfer-pps-t1"], VECTORS["transfer-pps-t1-answer"])
        # The reader was not told yet: it sends what is no T=1 block to the card, which is mute.
        assert (await host.command(0x6F, t1(0xC0)))[1:3] == (0x40, 0xFE)
        await host.command(0x61, bytes.fromhex("1110004D002000"), "01 00 00")
        assert await host.block(VECTORS["t1-resynch-request"]) == VECTORS["t1-resynch-response"]
        # Powered anew, it begins with T=0 again.
        await host.ask(VECTORS["power-on-5v"], VECTORS["power-on-answer-negotiable"])
        await host.ask(VECTORS["transfer-select-t0"], VECTORS["transfer-select-t0-answer"])
        card = encoder.powered_card
        assert card is not None
        card.characters.wrong_procedure_bytes = 1
        select = VECTORS["transfer-select-t0"][12:-1]
        assert (await host.command(0x6F, select))[1:3] == (0x40, 0xF4)
        assert await host.command(0x6F, select) == (0x80, 0, 0, b"\x90\x00")


@pytest.mark.parametrize(
    "name", [name for name in VECTORS if name.startswith(("escape", "power", "transfer"))]
)
def test_golden_frames_hold_their_check_byte(name: str) -> None:
    assert reduce(xor, VECTORS[name]) == 0


async def test_a_damaged_frame_is_refused_and_the_next_one_answered() -> None:
    encoder, _ = bench()
    async with host_of(encoder) as host:
        good = VECTORS["get-slot-status"]
        damaged = good[:-1] + b"\x63"
        await host.wire.send(damaged + good)
        wanted = damaged + NAK + good + VECTORS["slot-status-inactive"]
        assert await host.take(len(wanted)) == wanted


async def test_a_damaged_length_costs_no_good_frame() -> None:
    encoder, _ = bench()
    async with host_of(encoder) as host:
        good = VECTORS["get-slot-status"]
        await host.wire.send(good[:3] + b"\x00\xff" + good[5:] + good)
        wanted = good + VECTORS["slot-status-inactive"]
        assert await host.take(len(wanted)) == wanted


async def test_garbage_halves_and_single_bytes() -> None:
    encoder, _ = bench()
    async with host_of(encoder) as host:
        await host.wire.send(bytes.fromhex("00 FF 03 03 07 42"))
        for byte in VECTORS["get-slot-status"]:
            await host.wire.send(bytes([byte]))
            await asyncio.sleep(0.001)
        wanted = VECTORS["get-slot-status"] + VECTORS["slot-status-inactive"]
        assert await host.take(len(wanted)) == wanted
        await host.wire.send(VECTORS["get-slot-status"][:9])
        await host.silence(0.6)  # the half frame is forgotten, so that this is a whole one:
        await host.ask(VECTORS["get-slot-status"], VECTORS["slot-status-inactive"])


async def test_the_last_answer_comes_again_when_the_host_refuses_it() -> None:
    encoder, _ = bench()
    async with host_of(encoder) as host:
        encoder.answers_to_garble = 1
        right = VECTORS["slot-status-inactive"]
        await host.ask(VECTORS["get-slot-status"], right[:-1] + bytes([right[-1] ^ 0xFF]))
        await host.ask(NAK, right)
        encoder.answers_to_swallow = 1
        await host.ask(VECTORS["get-slot-status"], b"")
        await host.silence()
        await host.ask(NAK, right)


async def test_serial_number_slots_and_refusals() -> None:
    encoder, _ = bench()
    async with host_of(encoder) as host:
        assert await host.command(0x6B, b"\x04") == (0x83, 1, 0, b"ENC-0003")
        assert await host.command(0x6B, b"\x77") == (0x83, 0x41, 0, b"")
        assert await host.command(0x99) == (0x81, 0x41, 0, b"")
        assert await host.command(0x65, slot=1) == (0x81, 0x42, 0x05, b"")
        assert await host.command(0x62, special="00 00 00") == (0x80, 0x41, 0x07, b"")
        assert await host.command(0x6F, t1(0x00, b"\0\0\0\0")) == (0x80, 0x41, 0xFE, b"")


async def test_a_sec1210_is_opened_as_hosts_open_it() -> None:
    encoder, _ = bench(EncoderSettings(reader_name="SEC1210", firmware="SEC1210-SIM"))
    async with host_of(encoder, echo=False) as host:
        opening = VECTORS["escape-open-sec1210"]
        assert await host.command(opening[2], opening[12:-1]) == (0x83, 1, 0, b"SEC1210-SIM")


async def test_a_reader_of_five_slots_echoes_nothing_and_answers_on_each() -> None:
    encoder, _ = bench(EncoderSettings(reader_name="GemCorePOSPro"))
    async with host_of(encoder, echo=False) as host:
        states = [(await host.command(0x65, slot=slot))[1:3] for slot in range(6)]
        assert states == [(1, 0), (2, 0), (2, 0), (2, 0), (2, 0), (0x42, 5)]
    with pytest.raises(ValueError, match="GemPCTwin"):
        EncoderSettings(reader_name="GemPCTwins")


async def test_parameters_and_the_protocol_they_choose() -> None:
    encoder, _ = bench()
    async with host_of(encoder) as host:
        assert (await host.command(0x6C))[1:3] == (0x41, 0xFE)
        await host.command(0x62, special="01 00 00")
        assert (await host.command(0x6F, t1(0xC0)))[1:3] == (0x40, 0xF6)
        assert (await host.command(0x6F, b"\xff\x10\xef"))[1:3] == (0x40, 0xFE)
        assert (await host.command(0x61, b"\0" * 5, "01 00 00"))[1:3] == (0x40, 0x01)
        assert (await host.command(0x61, b"\0" * 7, "02 00 00"))[1:3] == (0x40, 0x07)
        wanted = bytes.fromhex("1811004D00FE00")
        assert await host.command(0x61, wanted, "01 00 00") == (0x82, 0, 0, wanted)
        assert await host.command(0x6C) == (0x82, 0, 0, wanted)
        assert await host.block(t1(0xC0)) == VECTORS["t1-resynch-response"]
        assert len((await host.command(0x6D))[3]) == 5
        assert (await host.command(0x6F, t1(0xC0)))[1:3] == (0x40, 0xF6)


async def test_a_card_that_goes_out_and_back_is_told_and_loses_its_session() -> None:
    encoder, floor = bench(card=False)
    async with host_of(encoder) as host:
        await host.command(0x6B, b"\x01\x01\x01")
        assert (await host.command(0x65))[1] == 2
        floor.move(MAGAZINE, infeed(3))
        await host.wire.send(VECTORS["power-on-5v"])
        wanted = (
            VECTORS["notice-card-present"] + VECTORS["power-on-5v"] + VECTORS["power-on-answer"]
        )
        assert await host.take(len(wanted)) == wanted
        floor.move(infeed(3), outfeed(3))
        floor.move(outfeed(3), infeed(3))
        status = VECTORS["get-slot-status"]
        await host.wire.send(status)
        wanted = bytes.fromhex("50 02 50 03") + status + VECTORS["slot-status-inactive"]
        assert await host.take(len(wanted)) == wanted


async def personalise(host: Host, files: dict[int, bytes], card_serial: bytes) -> None:
    """Write every file, read everything back, write the card serial last, and lock."""
    await host.apdu(SELECT_APPLICATION)
    for number, content in files.items():
        assert await host.apdu(f"00 A4 02 0C 02 {number:04X}") == b"\x90\x00"
        for start in range(0, len(content), 240):
            part = content[start : start + 240]
            header = b"\x00\xd6" + start.to_bytes(2, "big") + bytes([len(part)])
            assert await host.apdu(header + part) == b"\x90\x00"
    for number, content in files.items():
        await host.apdu(f"00 A4 02 0C 02 {number:04X}")
        back = b""
        while len(back) < len(content):
            size = min(240, len(content) - len(back))
            header = b"\x00\xb0" + len(back).to_bytes(2, "big") + bytes([size])
            answer = await host.apdu(header)
            assert answer[-2:] == b"\x90\x00"
            back += answer[:-2]
        assert back == content
    await host.apdu("00 A4 02 0C 02 00 05")
    assert await host.apdu(b"\x00\xd6\x00\x08\x10" + card_serial) == b"\x90\x00"
    assert await host.apdu("00 B0 00 00 18") == CHIP_SERIAL + card_serial + b"\x90\x00"
    assert await host.apdu("00 44 00 00") == b"\x90\x00"


async def test_a_whole_personalisation_takes_its_time_and_locks_the_chip() -> None:
    encoder, floor = bench()
    random = Random(1)
    sizes = {1: 256, 2: 1024, 3: 1024, 4: 280}
    files = {number: random.randbytes(size) for number, size in sizes.items()}
    serial = random.randbytes(16)
    async with host_of(encoder) as host:
        await host.open()
        await personalise(host, files, serial)
        spent_s = sum(motion.duration_s for motion in encoder.drawn())
        assert spent_s == pytest.approx(6.0, rel=0.08)
        assert asyncio.get_running_loop().time() == pytest.approx(spent_s, abs=0.01)
        assert await host.apdu("00 D6 00 08 01 00") == bytes.fromhex("6985")
        parameters = await host.apdu(SELECT_WITH_PARAMETERS)
        assert parameters == bytes.fromhex("62 0D 82 01 38 84 05 F0 52 49 44 32 8A 01 05 90 00")
        await host.apdu("00 A4 02 0C 02 00 01")
        assert await host.apdu("00 B0 00 00 10") == files[1][:16] + b"\x90\x00"
    card = floor.at(infeed(3))
    assert card is not None
    assert {n: bytes(content) for n, content in card.chip.files.items() if n < 5} == files
    assert bytes(card.chip.files[5]) == CHIP_SERIAL + serial
    assert card.chip.life_cycle is LifeCycle.OPERATIONAL


async def test_a_power_cut_loses_the_running_command_and_the_session_only() -> None:
    encoder, _ = bench()
    async with host_of(encoder) as host:
        await host.open()
        await host.apdu(SELECT_APPLICATION)
        await host.apdu("00 A4 02 0C 02 00 01")
        await host.apdu("00 D6 00 00 02 AB CD")
        header = b"\x00\xd6\x00\x02\x02\x12\x34"
        await host.wire.send(
            checked(bytes.fromhex("03 06 6F 0B 00 00 00 00 01 00 00 00") + t1(0x40, header))
        )
        await asyncio.sleep(0.005)
        encoder.cut_power()
        await host.take(24)  # the echo had left before
        await host.wire.send(VECTORS["get-slot-status"])
        await host.silence()
        encoder.restore_power()
        await host.ask(VECTORS["get-slot-status"], VECTORS["slot-status-inactive"])
        await host.open()
        await host.apdu(SELECT_APPLICATION)
        await host.apdu("00 A4 02 0C 02 00 01")
        assert await host.apdu("00 B0 00 00 04") == bytes.fromhex("AB CD 00 00 90 00")
    assert [motion.what for motion in encoder.drawn()].count("chip command d6") == 2


async def test_a_command_goes_on_when_the_host_hangs_up() -> None:
    encoder, _ = bench()
    async with host_of(encoder) as host:
        await host.open()
        await host.apdu(SELECT_APPLICATION)
        await host.apdu("00 A4 02 0C 02 00 01")
        write = t1(0x00, b"\x00\xd6\x00\x00\x02\x12\x34")
        await host.wire.send(checked(bytes.fromhex("03 06 6F 0B 00 00 00 00 01 00 00 00") + write))
        await asyncio.sleep(0.001)
    async with host_of(encoder) as host:
        host.send_number = 1
        assert (await host.command(0x65))[1] == 0  # answered after the command, card still powered
        assert await host.apdu("00 B0 00 00 02") == bytes.fromhex("12 34 90 00")


async def test_a_card_that_leaves_while_it_works_is_not_written() -> None:
    encoder, floor = bench()
    async with host_of(encoder) as host:
        await host.open()
        await host.apdu(SELECT_APPLICATION)
        await host.apdu("00 A4 02 0C 02 00 01")
        loop = asyncio.get_running_loop()
        loop.call_later(0.01, floor.move, infeed(3), HAND)
        answer = await host.command(0x6F, t1(0x00, b"\x00\xd6\x00\x00\x02\x12\x34"))
        assert answer == (0x80, 0x42, 0xFE, b"")
    card = floor.at(HAND)
    assert card is not None
    assert not any(card.chip.files[1])


async def test_a_slow_command_asks_for_time() -> None:
    encoder, _ = bench(EncoderSettings(chip_s=600.0, chip_failure_share=0.0))
    async with host_of(encoder) as host:
        await host.open()
        select = t1(0x00, bytes.fromhex(SELECT_APPLICATION + "00"))
        frame = checked(b"\x03\x06\x6f" + bytes([len(select)]) + bytes(8) + select)
        await host.wire.send(frame)
        answer = await host.take(len(frame) + 1)
        assert answer == frame + b"\x80"
        assert await host.take(1) in {b"\x80", b"\x03"}


async def test_bad_chips_are_mute_or_fail_on_write_by_seed() -> None:
    async def first_health() -> list[ChipHealth]:
        floor = Floor()
        serials = [number.to_bytes(8, "big") for number in range(20)]
        floor.load_blanks(20, iter([ChipMemory.new(serial) for serial in serials]))
        settings = EncoderSettings(chip_failure_share=0.5)
        encoder = SimulatedEncoder(floor, 0, Pace(Random(5)), settings, "E")
        found = []
        async with host_of(encoder) as host:
            for _ in range(20):
                card = floor.move(MAGAZINE, infeed(0))
                status = (await host.command(0x62, special="01 00 00"))[1:3]
                if card.chip.health is ChipHealth.MUTE:
                    assert status == (0x41, 0xFE)
                else:
                    assert status == (0, 0)
                found.append(card.chip.health)
                await host.command(0x62, special="01 00 00")  # drawn once only
                assert card.chip.health is found[-1]
                floor.move(infeed(0), HAND, into_store=True)
        return found

    first = await first_health()
    assert set(first) == set(ChipHealth)
    assert await first_health() == first


async def test_a_worn_chip_refuses_to_be_written_locked_or_terminated() -> None:
    encoder, floor = bench()
    card = floor.at(infeed(3))
    assert card is not None
    card.chip.health = ChipHealth.FAILS_ON_WRITE
    async with host_of(encoder) as host:
        await host.open()
        await host.apdu(SELECT_APPLICATION)
        await host.apdu("00 A4 02 0C 02 00 01")
        for apdu in ("00 D6 00 00 01 55", "00 44 00 00", "00 E6 00 00"):
            assert await host.apdu(apdu) == bytes.fromhex("6581")
    assert not any(card.chip.files[1])
    assert card.chip.life_cycle is LifeCycle.PERSONALISATION
