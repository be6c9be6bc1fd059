"""Cleaning and rejecting, by the drivers of both makes against scripted peers."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from drivers.errors import (
    CommandRefused,
    DestinationTaken,
    DriverError,
    HardwareFault,
    NothingAtSource,
    UnexpectedReply,
)
from drivers.outcome import Note, Outcome
from tests.unit.drivers.test_printer_driver import (
    AT_REST,
    UNDER_HEAD,
    Reply,
    printer_that,
)
from tests.unit.drivers.test_retransfer_driver import BEGUN, BUSY, NOTE, State
from tests.unit.drivers.test_retransfer_driver import printer_that as retransfer_that

CLEANING = b"80102020000000210000000000000000\0"
CLEANED_TWICE: Note = {"serial_number": "SN1001", "cleanings": 2}
CLEAN = 0x14

# The first make: its counter tells.


async def test_a_cleaning_is_one_command_that_the_counter_must_confirm() -> None:
    cleaned: Sequence[Reply] = [(75.0, b"OK\0")]
    counts = [b"2\0", b"3\0"]
    async with printer_that(Scp=cleaned, Rpst=[AT_REST], Rco_n=counts) as (printer, peer):
        note = await printer.clean_note()
        assert note == CLEANED_TWICE
        await printer.clean(note)
    asked = ["Rsn", "Rco;n", "Rsn"]
    assert peer.heard == [*asked, "Scp", "Rpst", *asked]


@pytest.mark.parametrize(("seen", "count"), [(AT_REST, b"2\0"), (CLEANING, b"3\0")])
async def test_an_ok_to_a_cleaning_is_not_believed_alone(seen: bytes, count: bytes) -> None:
    async with printer_that(Rpst=[seen], Rco_n=[count]) as (printer, peer):
        with pytest.raises(UnexpectedReply):
            await printer.clean(CLEANED_TWICE)
    assert peer.heard.count("Scp") == 1


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (b"FEEDER EMPTY\0", NothingAtSource),
        (b"ERROR CARD\0", HardwareFault),
        (b"OPT NOT AVAILABLE\0", CommandRefused),
    ],
)
async def test_a_refused_cleaning_is_not_sent_again(
    answer: bytes, error: type[DriverError]
) -> None:
    async with printer_that(Scp=[answer]) as (printer, peer):
        with pytest.raises(error):
            await printer.clean(CLEANED_TWICE)
    assert peer.heard == ["Scp"]


async def clean_outcome(**script: Sequence[Reply]) -> Outcome:
    async with printer_that(**{"Rpst": [AT_REST], **script}) as (printer, peer):
        outcome = await printer.clean_outcome(CLEANED_TWICE)
    assert "Scp" not in peer.heard
    return outcome


async def test_a_cleaning_is_judged_by_the_counter_once_nothing_moves() -> None:
    assert await clean_outcome(Rco_n=[b"3\0"]) is Outcome.DONE
    assert await clean_outcome(Rco_n=[b"2\0"]) is Outcome.NOT_DONE
    assert await clean_outcome(Rco_n=[b"4\0"]) is Outcome.UNKNOWN
    assert await clean_outcome(Rco_n=[b"0\0"]) is Outcome.UNKNOWN
    under_way = [*[CLEANING] * 9, AT_REST]
    assert await clean_outcome(Rpst=under_way, Rco_n=[b"3\0"]) is Outcome.DONE
    assert await clean_outcome(Rpst=[CLEANING], Rco_n=[b"3\0"]) is Outcome.UNKNOWN
    assert await clean_outcome(Rsn=[b"SN2002\0"], Rco_n=[b"3\0"]) is Outcome.UNKNOWN
    assert await clean_outcome(Rsn=[b"SN2002\0"], Rco_n=[b"2\0"]) is Outcome.UNKNOWN


async def test_a_count_of_cleanings_out_of_step_is_read_again() -> None:
    """A late answer came first: what looks like the counter is another question's."""
    counts = [b"7\02\0", b"2\0"]
    async with printer_that(Rco_n=counts) as (printer, peer):
        assert await printer.clean_note() == CLEANED_TWICE
    assert peer.heard.count("Rco;n") == 2


async def test_a_card_is_rejected_without_ink_and_the_sensors_must_confirm_it() -> None:
    async with printer_that(Rpst=[AT_REST]) as (printer, peer):
        await printer.reject()
    assert peer.heard == ["Wcb;a", "Ser", "Rpst"]
    async with printer_that(Rpst=[UNDER_HEAD]) as (printer, _):
        with pytest.raises(UnexpectedReply):
            await printer.reject()
    for answer, error in (
        (b"OPT NOT AVAILABLE\0", CommandRefused),
        (b"HOPPER FULL\0", DestinationTaken),
    ):
        async with printer_that(Ser=[answer]) as (printer, peer):
            with pytest.raises(error):
                await printer.reject()
        assert peer.heard.count("Ser") == 1


# The second make: its numbers tell.


async def test_a_cleaning_of_the_second_make_is_a_numbered_command() -> None:
    cleaned = State(card=0, started=7, finished=7)
    states = [State(card=0), State(card=0, phase=BUSY, started=7), cleaned]
    async with retransfer_that(*states) as (printer, peer):
        note = await printer.clean_note()
        assert note == NOTE
        await printer.clean(note)
    assert [one for one in peer.heard if one[0] == CLEAN] == [(CLEAN, b"\0\7")]
    for code, error in ((13, NothingAtSource), (6, CommandRefused)):
        async with retransfer_that(codes={CLEAN: code}) as (printer, peer):
            with pytest.raises(error):
                await printer.clean(NOTE)
        assert peer.acts() == [CLEAN]


async def test_a_cleaning_of_the_second_make_is_judged_by_its_number() -> None:
    async def outcome(*states: State) -> Outcome:
        async with retransfer_that(*states) as (printer, peer):
            found = await printer.clean_outcome(NOTE)
        assert peer.acts() == []
        return found

    done = State(started=7, finished=7)
    assert await outcome(done) is Outcome.DONE
    assert await outcome(State(phase=BUSY, started=7), done) is Outcome.DONE
    assert await outcome(State()) is Outcome.NOT_DONE
    assert await outcome(BEGUN) is Outcome.NOT_DONE, "begun, and cut short"
    assert await outcome(State(phase=BUSY, started=7)) is Outcome.UNKNOWN
    assert await outcome(State(started=9, finished=9)) is Outcome.UNKNOWN
    assert await outcome(replace(done, serial=b"RTP-2")) is Outcome.UNKNOWN
    assert await outcome(State(started=0, finished=0)) is Outcome.UNKNOWN
