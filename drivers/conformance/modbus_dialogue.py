"""Raw Modbus RTU for checks: one question, its one answer judged to the last byte.

What a unit's registers mean is said by the tables.
"""

import struct
from collections.abc import Callable, Sequence
from typing import Final

from drivers.conformance.bench import REPLY_S, Bench, Run, shown
from drivers.conformance.check import Check, Failed
from drivers.modbus_frames import (
    REFUSED,
    WRITE_REGISTER,
    WRITE_REGISTERS,
    crc16,
)

STANDARD: Final = "Modbus V1.1b3"
NO_SUCH_FUNCTION, NO_SUCH_ADDRESS, NO_SUCH_VALUE = 1, 2, 3
BASIC_OBJECTS: Final = (0, 1, 2)
SERIAL_NUMBER: Final = 0x80


def is_whole(heard: bytes) -> bool:
    """Tell whether a frame with a right CRC has come."""
    return len(heard) >= 5 and crc16(heard[:-2]) == heard[-2:]


async def answer(bench: Bench, body: bytes, reply_s: float = REPLY_S) -> bytes:
    """Ask, and return the answer without its CRC: undamaged, of this unit and function."""
    heard = await bench.ask(body + crc16(body), reply_s)
    if not heard:
        raise Failed("no answer")
    if not is_whole(heard):
        raise Failed(f"wrong CRC or length: {shown(heard)}")
    if heard[0] != body[0] or heard[1] & ~REFUSED != body[1]:
        raise Failed(f"another unit or function: {shown(heard)}")
    return heard[:-2]


async def registers(
    bench: Bench, unit: int, function: int, address: int, count: int
) -> tuple[int, ...]:
    """Read registers."""
    got = await answer(bench, struct.pack(">BBHH", unit, function, address, count))
    if got[1] & REFUSED or got[2] != 2 * count or len(got) != 3 + 2 * count:
        raise Failed(shown(got))
    return struct.unpack(f">{count}H", got[3:])


async def bits(bench: Bench, unit: int, count: int, address: int = 0) -> tuple[bool, ...]:
    """Read discrete inputs."""
    got = await answer(bench, struct.pack(">BBHH", unit, 2, address, count))
    if got[1] & REFUSED or got[2] != (count + 7) // 8 or len(got) != 3 + got[2]:
        raise Failed(shown(got))
    packed = int.from_bytes(got[3:], "little")
    return tuple(bool(packed >> index & 1) for index in range(count))


async def write_register(bench: Bench, unit: int, address: int, value: int) -> str:
    """Set one register; its echo must come back."""
    body = struct.pack(">BBHH", unit, WRITE_REGISTER, address, value)
    got = await answer(bench, body)
    if got != body:
        raise Failed(shown(got))
    return shown(got)


def command_body(unit: int, block: Sequence[int], address: int = 0) -> bytes:
    """Return a block of registers to write (function 16), without CRC."""
    head = struct.pack(">BBHHB", unit, WRITE_REGISTERS, address, len(block), 2 * len(block))
    return head + struct.pack(f">{len(block)}H", *block)


async def objects(bench: Bench, unit: int, access: int, first: int) -> dict[int, bytes]:
    """Read identification objects (function 43/14)."""
    got = await answer(bench, bytes((unit, 0x2B, 0x0E, access, first)))
    if got[1] & REFUSED or len(got) < 8:
        raise Failed(shown(got))
    found, at = {}, 8
    for _ in range(got[7]):
        if at + 2 > len(got) or at + 2 + got[at + 1] > len(got):
            raise Failed(f"its objects are cut off: {shown(got)}")
        found[got[at]] = got[at + 2 : at + 2 + got[at + 1]]
        at += 2 + got[at + 1]
    if at != len(got):
        raise Failed("more bytes than its objects have")
    return found


def reads(
    unit: int,
    function: int,
    address: int,
    count: int,
    is_right: Callable[[tuple[int, ...]], bool] = bool,
) -> Run:
    """Return a check's run: these registers can be read and hold what they may."""

    async def run(bench: Bench) -> str:
        values = await registers(bench, unit, function, address, count)
        text = " ".join(map(str, values))
        if not is_right(values):
            raise Failed(text)
        return text

    return run


def agree(unit: int, *readings: tuple[int, int, int]) -> Run:
    """Return a check's run: several ways (function, address, count) to read say the same."""

    async def run(bench: Bench) -> str:
        values = {await registers(bench, unit, *reading) for reading in readings}
        text = " / ".join(" ".join(map(str, value)) for value in sorted(values))
        if len(values) != 1:
            raise Failed(text)
        return text

    return run


def refuses(body_hex: str, *codes: int) -> Run:
    """Return a check's run: the request is answered with one of these exceptions."""

    async def run(bench: Bench) -> str:
        got = await answer(bench, bytes.fromhex(body_hex))
        if not (got[1] & REFUSED and len(got) == 3 and got[2] in codes):
            raise Failed(shown(got))
        return f"exception {got[2]}"

    return run


async def expect_refusal(bench: Bench, body: bytes, code: int) -> str:
    """Ask for what must be refused with this exception."""
    return await refuses(body.hex(), code)(bench)


def of_every_slave(prefix: str, unit: int, function: int, address: int) -> list[Check[Bench]]:
    """Return what every unit on a wire must do; the register given is one that it has."""
    good = struct.pack(">BBHH", unit, function, address, 1)
    whole = good + crc16(good)

    def silent(request: bytes) -> Run:
        return lambda bench: bench.expect_silence(request)

    def answers_after(noise: bytes) -> Run:
        async def run(bench: Bench) -> str:
            await bench.expect_silence(noise)
            return shown(await answer(bench, good))

        return run

    async def keeps_step(bench: Bench) -> str:
        for _ in range(20):
            await registers(bench, unit, function, address, 1)
        return "20 of 20 answers"

    def row(number: int, title: str, expected: str, run: Run) -> Check[Bench]:
        return Check(f"{prefix}-{number:02}", title, STANDARD, expected, run)

    address_hex = f"{unit:02x}{function:02x}{address:04x}"
    other = bytes((unit + 64,)) + good[1:]
    broadcast = bytes((0,)) + good[1:]
    return [
        row(1, "one register is read", "its value", reads(unit, function, address, 1)),
        row(2, "a wrong CRC", "silence", silent(good + bytes((whole[-2] ^ 1, whole[-1])))),
        row(3, "a CRC with its bytes exchanged", "silence", silent(good + whole[:-3:-1])),
        row(4, "a question to another unit", "silence", silent(other + crc16(other))),
        row(5, "a broadcast question", "silence", silent(broadcast + crc16(broadcast))),
        row(6, "a frame cut off, then a whole one", "one answer", answers_after(whole[:4])),
        row(7, "noise, then a whole frame", "one answer", answers_after(b"\xff\x00\xaa\x55\x1b\r")),
        row(8, "the printer's question", "silence, then an answer", answers_after(b"\x1bRsn\r")),
        row(9, "twenty questions in turn", "twenty answers", keeps_step),
        row(10, "a function that nobody has (65)", "exception 1",
            refuses(f"{unit:02x}4100000001", NO_SUCH_FUNCTION)),
        row(11, "reading coils", "exception 1", refuses(f"{unit:02x}0100000001", NO_SUCH_FUNCTION)),
        row(12, "a register past the map", "exception 2",
            refuses(f"{unit:02x}{function:02x}f0000001", NO_SUCH_ADDRESS)),
        row(13, "no registers at all", "exception 3", refuses(f"{address_hex}0000", NO_SUCH_VALUE)),
        row(14, "more registers than fit", "exception 3",
            refuses(f"{address_hex}007e", NO_SUCH_VALUE)),
    ]  # fmt: skip


def names_itself(prefix: str, unit: int, product_code: str) -> list[Check[Bench]]:
    """Return how one of our PLCs says who it is."""

    async def code(bench: Bench) -> str:
        found = (await objects(bench, unit, 1, 0)).get(1, b"").decode("ascii", "replace")
        if not found.startswith(product_code):
            raise Failed(found or "no product code")
        return found

    async def basic(bench: Bench) -> str:
        found = await objects(bench, unit, 1, 0)
        missing = [number for number in BASIC_OBJECTS if not found.get(number)]
        if missing:
            raise Failed(f"without object {missing[0]}")
        return f"objects {', '.join(map(str, found))}"

    async def serial(bench: Bench) -> str:
        texts = {(await objects(bench, unit, 4, SERIAL_NUMBER)).get(SERIAL_NUMBER) for _ in "123"}
        text = texts.pop()
        if texts or not text:
            raise Failed("none, or another each time")
        return text.decode("ascii", "replace")

    async def one_object(bench: Bench) -> str:
        whole, alone = await objects(bench, unit, 1, 0), await objects(bench, unit, 4, 1)
        if alone != {1: whole.get(1)}:
            raise Failed("another product code than in the stream")
        return "the same"

    rows: list[tuple[str, str, Run]] = [
        ("its product code", f"{product_code}...", code),
        ("maker, product code and revision", "objects 0, 1, 2", basic),
        ("its serial number, three times", "the same, not empty", serial),
        ("the product code by individual access", "as in the stream", one_object),
        (
            "an object that nobody has",
            "exception 2",
            refuses(f"{unit:02x}2b0e0477", NO_SUCH_ADDRESS),
        ),
    ]  # fmt: skip
    return [
        Check(f"{prefix}-{number}", title, "Modbus 6.21, devices 9", expected, run)
        for number, (title, expected, run) in enumerate(rows, 21)
    ]
