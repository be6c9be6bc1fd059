"""Captures of each machine, replayed to its driver; and what is seen when a driver differs."""

import asyncio
from dataclasses import replace

import pytest

from drivers.printer import CardPrinter, PrinterTimeouts
from drivers.printing import Panel, PrintJob
from drivers.reader import ReadBackReader
from drivers.replay import (
    NoVector,
    Record,
    ReplayDiffers,
    ReplayWire,
    lives,
    read_vector,
    vector_head,
    vector_line,
)
from drivers.tap import Traffic
from tests.contract.captured_dialogues import CAPTURES, DIALOGUES, FACE, captured, free

SENT, RECEIVED = Traffic.SENT, Traffic.RECEIVED


def vector(name: str) -> list[Record]:
    return read_vector((CAPTURES / f"{name}.jsonl").read_text(encoding="utf-8"))


def wire_of(*traffic: tuple[Traffic, bytes]) -> ReplayWire:
    return ReplayWire(Record(at, 0, what, data) for at, (what, data) in enumerate(traffic, 1))


@pytest.mark.parametrize("name", DIALOGUES)
async def test_a_driver_puts_the_same_bytes_on_the_wire_as_when_it_was_captured(name: str) -> None:
    wire = ReplayWire(vector(name))
    dialogue, _ = DIALOGUES[name]
    await dialogue(wire)
    wire.check_ended()


@pytest.mark.parametrize("name", DIALOGUES)
async def test_every_change_of_what_a_driver_sends_is_seen(name: str) -> None:
    """One bit of each thing that was sent is turned: the driver then is the one that differs."""
    dialogue, _ = DIALOGUES[name]
    records = vector(name)
    sent = [index for index, record in enumerate(records) if record.what is SENT]
    for index in [*sent[:40], *sent[-5:]]:
        record = records[index]
        last = len(record.data) - 1
        data = record.data[:last] + bytes([record.data[last] ^ 1])
        wire = ReplayWire([*records[:index], replace(record, data=data), *records[index + 1 :]])
        with pytest.raises(ReplayDiffers) as caught:
            await dialogue(wire)
        assert (caught.value.number, caught.value.offset) == (record.number, last)
        assert record.data.hex() not in str(caught.value)


async def test_what_is_captured_today_is_replayed_today() -> None:
    records = await captured("reader")
    text = vector_head({"kind": "reader"}) + "".join(map(vector_line, records))
    assert read_vector(text) == records
    wire = ReplayWire(records)
    await DIALOGUES["reader"][0](wire)
    wire.check_ended()


async def test_a_driver_that_prints_something_else_is_told_where_and_not_what() -> None:
    wire = ReplayWire(vector("printer"))
    printer = CardPrinter(wire, PrinterTimeouts())
    await printer.identify()
    await printer.insert_note()
    await printer.insert()
    await printer.settle()
    note = await printer.print_note()
    other = bytearray(FACE)
    other[40_000] ^= 0xFF
    with pytest.raises(ReplayDiffers, match=r"record 5\d: \d+ bytes were sent here, the driver"):
        await printer.print_and_eject(PrintJob((Panel("K", 2, bytes(other)),), ()), note, free)
    with pytest.raises(ReplayDiffers, match="differ from byte"):
        wire.check_ended()


async def test_a_driver_that_keeps_a_difference_quiet_is_found_out_at_the_end() -> None:
    wire = wire_of((SENT, b"abc"), (RECEIVED, b"d"))
    with pytest.raises(ReplayDiffers):
        await wire.send(b"abX")
    with pytest.raises(ReplayDiffers) as caught:
        wire.check_ended()
    found = caught.value
    assert (found.number, found.expected_bytes, found.got_bytes, found.offset) == (1, 3, 3, 2)


async def test_how_the_bytes_were_cut_into_pieces_makes_no_difference() -> None:
    wire = wire_of((SENT, b"abc"), (SENT, b"def"), (RECEIVED, b"1"), (RECEIVED, b"2"))
    await wire.send(b"ab")
    await wire.send(b"cdef")
    assert [await wire.receive(), await wire.receive()] == [b"1", b"2"]
    wire.check_ended()


@pytest.mark.parametrize(
    ("traffic", "sends", "told"),
    [
        ([], b"a", "record 0: the driver sends 1 bytes more than was captured"),
        ([(SENT, b"ab")], b"abc", "record 1: the driver sends 1 bytes more than was captured"),
        ([(SENT, b"a"), (RECEIVED, b"xyz")], b"ab", "record 2: .* 3 bytes were received here"),
        ([(SENT, b"a"), (Traffic.CLOSED, b"")], b"ab", "record 2: .* 0 bytes were closed here"),
    ],
)
async def test_what_was_never_sent_is_a_difference(
    traffic: list[tuple[Traffic, bytes]], sends: bytes, told: str
) -> None:
    with pytest.raises(ReplayDiffers, match=told):
        await wire_of(*traffic).send(sends)


async def test_waiting_for_more_than_was_captured_is_a_difference() -> None:
    wire = wire_of((SENT, b"ab"), (RECEIVED, b"1"))
    await wire.send(b"a")
    with pytest.raises(ReplayDiffers, match="waits for an answer after 1 of 2 bytes"):
        await wire.receive()
    wire = wire_of((SENT, b"ab"), (RECEIVED, b"1"))
    await wire.send(b"ab")
    await wire.receive()
    wire.check_ended()
    with pytest.raises(ReplayDiffers, match="waits for more than was captured"):
        await wire.receive()


async def test_what_did_not_come_is_a_difference() -> None:
    wire = wire_of((SENT, b"ab"), (RECEIVED, b"1"))
    await wire.send(b"ab")
    with pytest.raises(ReplayDiffers, match="has ended; 1 bytes were received next"):
        wire.check_ended()


async def test_a_machine_that_was_silent_is_silent_again() -> None:
    wire = wire_of((SENT, b"a"), (SENT, b"a"), (RECEIVED, b"1"), (RECEIVED, b""))
    await wire.send(b"a")
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(30):
            await wire.receive()
    await wire.send(b"a")
    assert await wire.receive() == b"1"
    assert await wire.receive() == b"", "the machine hung up"
    wire.check_ended()


async def test_a_closed_wire_is_a_closed_wire() -> None:
    wire = wire_of((SENT, b"a"))
    async with asyncio.TaskGroup() as group:

        async def waits() -> None:
            with pytest.raises(ConnectionAbortedError):
                await wire.receive()

        group.create_task(waits())
        await asyncio.sleep(1)
        await ReadBackReader(wire).aclose()
    with pytest.raises(ConnectionAbortedError):
        await wire.send(b"a")


def test_a_capture_of_several_connections_is_taken_apart() -> None:
    traffic = [SENT, Traffic.CLOSED, Traffic.OPENED, SENT, RECEIVED, Traffic.OPENED]
    records = [Record(number, 0, what, b"") for number, what in enumerate(traffic, start=1)]
    assert [[one.number for one in life] for life in lives(records)] == [[1, 2], [3, 4, 5], [6]]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}\n",
        "[]\n",
        '{"cardcentre_vector":9}\n',
        '{"cardcentre_vector":1}\n{"at_us":0,"what":"sent","hex":"0"}\n',
        '{"cardcentre_vector":1}\n{"at_us":0,"what":"sent","deflated":"AAAA"}\n',
        '{"cardcentre_vector":1}\n{"at_us":0,"what":"said"}\n',
        '{"cardcentre_vector":1}\n{"at_us":0,',
    ],
)
def test_what_is_no_vector_is_refused(text: str) -> None:
    with pytest.raises(NoVector):
        read_vector(text)
