"""The printer's driver against scripted peers: what goes over the wire, and what is made of it."""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress

import pytest

from drivers.errors import (
    CommandRefused,
    ConsumableEmpty,
    CoverOpen,
    DestinationTaken,
    DriverError,
    Garbled,
    HardwareFault,
    Jam,
    NothingAtSource,
    ReplyTimeout,
    UnexpectedReply,
    WireClosed,
    WrongDevice,
)
from drivers.outcome import Note, Outcome
from drivers.printer import CardPrinter, PrinterTimeouts
from drivers.printing import Panel, PrintJob
from simulators.wire import MemoryWire, memory_pair

FACE_BYTES = 82_296
WHITE = Panel("K", 2, bytes(FACE_BYTES))
BLACK = Panel("O", 2, b"\xff" * FACE_BYTES)
#: Every line ends in ink, so nothing is won by packing; it holds every framing byte there is.
DENSE = Panel("K", 2, (b"\x1bSe\r\0;" + bytes(74) + b"\x81") * 1016)
YELLOW = Panel("Y", 128, bytes(range(1, 253)) * 2286)

AT_REST = b"80102020000000000000000000000000\0"
UNDER_HEAD = b"80102020020000000000000000000000\0"
PRINTING = b"80102020020000810000000000000000\0"
JAMMED = b"80102020000000000000000001000000\0"

HANG_UP = b""
SILENCE = None
Reply = bytes | tuple[bytes | float, ...] | None

_BITMAP = re.compile(rb"\x1b(Dbc?);([ymcko]);(\d+);(?:(\d+);)?", re.DOTALL)


class Peer:
    """Answers from a script: each command's replies in turn, the last one again and again.

    A reply may be a sequence of its parts, with pauses in seconds.
    """

    def __init__(self, wire: MemoryWire, script: dict[str, Sequence[Reply]]) -> None:
        self.heard: list[str] = []
        self.bitmaps: list[bytes] = []
        self._wire = wire
        self._script = {name: list(replies) for name, replies in script.items()}
        self._buffer = b""

    async def serve(self) -> None:
        while data := await self._wire.receive():
            self._buffer += data
            while (text := self._take()) is not None:
                self.heard.append(text)
                await self._answer(text)

    def _take(self) -> str | None:
        if bitmap := _BITMAP.match(self._buffer):
            name, _, levels, count = bitmap.groups()
            size = int(count) if name == b"Dbc" else FACE_BYTES * (int(levels).bit_length() - 1)
            end = bitmap.end() + size
            if len(self._buffer) <= end:
                return None
            assert self._buffer[end : end + 1] == b"\r"
            self.bitmaps.append(self._buffer[bitmap.end() : end])
            text = self._buffer[1 : bitmap.end() - 1]
        elif self._buffer[:3] == b"\x1bDb"[: len(self._buffer)] or b"\r" not in self._buffer:
            return None
        else:
            end = self._buffer.index(b"\r")
            assert self._buffer[:1] == b"\x1b"
            text = self._buffer[1:end]
        self._buffer = self._buffer[end + 1 :]
        return text.decode("ascii")

    async def _answer(self, text: str) -> None:
        replies = self._script.get(text, [b"OK\0"])
        reply = replies[0]
        if len(replies) > 1:
            self._script[text] = replies[1:]
        for part in reply if isinstance(reply, tuple) else (reply,):
            if part == HANG_UP:
                await self._wire.aclose()
            elif isinstance(part, float):
                await asyncio.sleep(part)
            elif part is not None:
                with suppress(ConnectionError):
                    await self._wire.send(part)


class Clogged:
    """A wire that answers OK to the first commands and then takes no more bytes."""

    def __init__(self, commands: int) -> None:
        self.sent: list[bytes] = []
        self.closed = False
        self._commands = commands

    async def send(self, data: bytes) -> None:
        if self.closed:
            raise ConnectionAbortedError
        self.sent.append(data)
        if len(self.sent) >= self._commands:
            await asyncio.sleep(1_000)

    async def receive(self) -> bytes:
        return b"OK\0"

    async def aclose(self) -> None:
        self.closed = True


PRIMACY: dict[str, Sequence[Reply]] = {
    "Rtp": [b"Primacy\0"],
    "Rsn": [b"SN1001\0"],
    "Rfv": [b"2018\0"],
    "Rpst": [UNDER_HEAD],
    "Rco;c": [b"40\0"],
    "Rco;p": [b"200\0"],
    "Rco;l": [b"77\0"],
}


@asynccontextmanager
async def printer_that(
    timeouts: PrinterTimeouts | None = None, /, **script: Sequence[Reply]
) -> AsyncIterator[tuple[CardPrinter, Peer]]:
    """Give a driver and a peer; `Rco_c=` stands for `Rco;c`."""
    near, far = memory_pair()
    answers = PRIMACY | {name.replace("_", ";"): replies for name, replies in script.items()}
    peer = Peer(far, answers)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(peer.serve())
        printer = CardPrinter(near, timeouts or PrinterTimeouts())
        try:
            yield printer, peer
        finally:
            await printer.aclose()
            await far.aclose()


def job(*letters: str) -> PrintJob:
    panels = {"W": WHITE, "O": BLACK, "D": DENSE, "Y": YELLOW}
    front, back = ((panels[letter] for letter in face) for face in letters)
    return PrintJob(tuple(front), tuple(back))


async def free() -> None: ...


async def print_card(printer: CardPrinter, what: PrintJob) -> None:
    """Print with the note of a printer that will have counted 200 panels afterwards."""
    note: Note = {"serial_number": "SN1001", "panels_printed": 200 - what.panels}
    await printer.print_and_eject(what, note, free)


# --- questions


async def test_it_takes_the_printer_over_before_it_asks_who_it_is() -> None:
    async with printer_that() as (printer, peer):
        identity = await printer.identify()
    assert (identity.kind, identity.model) == ("printer", "Primacy")
    assert (identity.serial_number, identity.firmware) == ("SN1001", "2018")
    assert peer.heard == ["Pem;2", "Pps;0", "Rsn", "Rtp", "Rfv", "Rsn"]


async def test_counters_and_status_are_read() -> None:
    async with printer_that() as (printer, _):
        assert await printer.cards_inserted() == 40
        assert await printer.panels_printed() == 200
        assert await printer.ribbon_left_cards() == 77
        assert (await printer.status()).card_at_print_position


async def test_a_question_is_asked_three_times_at_most() -> None:
    async with printer_that(Rpst=[SILENCE, SILENCE, AT_REST]) as (printer, peer):
        assert not (await printer.status()).card_inside
        assert peer.heard == ["Rpst"] * 3
    async with printer_that(Rpst=[SILENCE]) as (printer, peer):
        with pytest.raises(ReplyTimeout):
            await printer.status()
        assert peer.heard == ["Rpst"] * 3


async def test_silence_garbage_and_strangers_are_told_apart() -> None:
    async with printer_that(Pem_2=[SILENCE]) as (printer, _):
        with pytest.raises(ReplyTimeout):
            await printer.identify()
    async with printer_that(Pem_2=[b"\x03\x15\x16"]) as (printer, _):
        with pytest.raises(Garbled):
            await printer.identify()
    async with printer_that(Pem_2=[b"\x0a\x83\x01\0\x80\x92\0"]) as (printer, _):
        with pytest.raises(Garbled):
            await printer.identify()
    async with printer_that(Pem_2=[b"hello\0"]) as (printer, _):
        with pytest.raises(WrongDevice):
            await printer.identify()
    async with printer_that(Pem_2=[b"ERROR CDE\0"]) as (printer, _):
        with pytest.raises(WrongDevice):
            await printer.identify()


async def test_a_machine_that_says_ok_to_everything_is_no_printer() -> None:
    async with printer_that(Rsn=[b"OK\0"], Rtp=[b"OK\0"], Rfv=[b"OK\0"]) as (printer, _):
        with pytest.raises(WrongDevice):
            await printer.identify()


async def test_what_a_stranger_says_is_not_quoted() -> None:
    async with printer_that(Si=[b"a person's name\0"]) as (printer, _):
        with pytest.raises(UnexpectedReply) as caught:
            await printer.insert()
    assert "person" not in str(caught.value)


async def test_a_late_answer_is_not_taken_for_the_next_one() -> None:
    """The first act's OK comes while the note is being read; the note is right all the same."""
    async with printer_that(Si=[(20.1, b"OK\0")]) as (printer, _):
        with pytest.raises(ReplyTimeout):
            await printer.insert()
        assert await printer.print_note() == {"serial_number": "SN1001", "panels_printed": 200}


@pytest.mark.parametrize("question", ["Rsn", "Rpst", "Rco;c", "Rco;p"])
@pytest.mark.parametrize("stray", [b"OK\0", b"39\0", b"SN1001\0", b"CARD JAM\0", AT_REST])
async def test_evidence_out_of_step_is_found_out(question: str, stray: bytes) -> None:
    """One answer too many shifts all that follow: each then belongs to the question before."""
    right = PRIMACY[question][0]
    assert isinstance(right, bytes)
    script: dict[str, Sequence[Reply]] = {question.replace(";", "_"): [(stray, 0.01, right), right]}
    async with printer_that(**script) as (printer, _):
        assert await printer.insert_note() == {"serial_number": "SN1001", "cards_inserted": 40}
    async with printer_that(**script) as (printer, _):
        assert await printer.print_note() == {"serial_number": "SN1001", "panels_printed": 200}


async def test_an_identity_out_of_step_is_found_out() -> None:
    for question in ("Pem_2", "Pps_0", "Rsn", "Rtp", "Rfv"):
        right = PRIMACY.get(question, [b"OK\0"])[0]
        assert isinstance(right, bytes)
        script: dict[str, Sequence[Reply]] = {question: [(b"OK\0", 0.01, right), right]}
        async with printer_that(**script) as (printer, _):
            identity = await printer.identify()
        assert (identity.serial_number, identity.model) == ("SN1001", "Primacy")
        assert identity.firmware == "2018"


# --- acts


async def test_insert_is_one_command() -> None:
    async with printer_that(Si=[(15.0, b"OK\0")]) as (printer, peer):
        await printer.insert()
    assert peer.heard == ["Si", "Rpst"]


@pytest.mark.parametrize("seen", [UNDER_HEAD, PRINTING, JAMMED])
async def test_an_ok_alone_is_not_believed(seen: bytes) -> None:
    """It may be an earlier command's that came twice, or another command's than was sent."""
    async with printer_that(Rpst=[seen]) as (printer, _):
        with pytest.raises(UnexpectedReply):
            await printer.eject()
        with pytest.raises(UnexpectedReply):
            await print_card(printer, job("W", ""))
    for elsewhere in (AT_REST, PRINTING, JAMMED):
        async with printer_that(Rpst=[elsewhere]) as (printer, _):
            with pytest.raises(UnexpectedReply):
                await printer.insert()


async def test_a_job_of_two_faces_goes_over_the_wire_in_order() -> None:
    slowly: Sequence[Reply] = [(60.0, b"OK\0")]
    async with printer_that(Sv=slowly, Se=slowly, Rpst=[AT_REST]) as (printer, peer):
        await print_card(printer, job("YDO", "W"))
    assert peer.heard == [
        *("Wcb;a", "Ss", "Sr", "Db;y;128", "Db;k;2", "Dbc;o;2;1016"),
        *("Sv", "Dbc;k;2;1016", "Se", "Rpst", "Rco;p"),
    ]
    assert peer.bitmaps == [YELLOW.data, DENSE.data, b"\xff" * 1016, bytes(1016)]


async def test_a_job_of_one_face_does_not_turn_the_card() -> None:
    async with printer_that(Rpst=[AT_REST]) as (printer, peer):
        await print_card(printer, job("W", ""))
    assert peer.heard == ["Wcb;a", "Ss", "Sr", "Dbc;k;2;1016", "Se", "Rpst", "Rco;p"]


async def test_a_print_that_left_panels_out_is_not_believed() -> None:
    """A printer whose power failed meanwhile forgets a face, and brings the card out."""
    async with printer_that(Rpst=[AT_REST], Rco_p=[b"199\0"]) as (printer, _):
        with pytest.raises(UnexpectedReply):
            await print_card(printer, job("W", "W"))


async def test_a_plain_eject_prints_nothing_that_was_left_in_memory() -> None:
    async with printer_that(Rpst=[AT_REST]) as (printer, peer):
        await printer.eject()
        await printer.clear_errors()
    assert peer.heard == ["Wcb;a", "Se", "Rpst", "Scs"]


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ("FEEDER EMPTY", NothingAtSource),
        ("ERROR RIBBON", ConsumableEmpty),
        ("COVER OPEN", CoverOpen),
        ("HOPPER DOOR", CoverOpen),
        ("CARD JAM", Jam),
        ("ERROR MECHANICAL", Jam),
        ("ERROR MECA", Jam),
        ("HOPPER FULL", DestinationTaken),
        ("ERROR CDE", CommandRefused),
        ("ERROR PARAMETRES", CommandRefused),
        ("OPT NOT AVAILABLE", CommandRefused),
        ("OPTION NOT AVAILABLE", CommandRefused),
        ("ERROR HEAD", HardwareFault),
        ("ERROR TIME OUT", HardwareFault),
        ("ERROR UNKNOW", HardwareFault),
        ("NEED CLEANING", HardwareFault),
        ("1234", UnexpectedReply),
        ("O\x00K", UnexpectedReply),
        ("O\x80", Garbled),
    ],
)
async def test_every_complaint_has_its_error_and_no_act_is_repeated(
    answer: str, error: type[DriverError]
) -> None:
    reply = answer.encode("latin-1") + b"\0"
    async with printer_that(Si=[reply], Se=[reply]) as (printer, peer):
        with pytest.raises(error) as insert_error:
            await printer.insert()
        with pytest.raises(error):
            await print_card(printer, job("W", ""))
    assert type(insert_error.value) is error
    assert (peer.heard.count("Si"), peer.heard.count("Se")) == (1, 1)


async def test_a_complaint_about_a_bitmap_stops_the_job() -> None:
    script: dict[str, Sequence[Reply]] = {"Dbc_k_2_1016": [b"ERROR PARAMETRES\0"]}
    async with printer_that(**script) as (printer, peer):
        with pytest.raises(CommandRefused):
            await print_card(printer, job("WO", ""))
    assert peer.heard[-1] == "Dbc;k;2;1016"


@pytest.mark.parametrize("reply", [HANG_UP, SILENCE])
async def test_a_print_that_is_not_answered_is_not_sent_again(reply: bytes | None) -> None:
    async with printer_that(Sv=[reply]) as (printer, peer):
        with pytest.raises(WireClosed if reply == HANG_UP else ReplyTimeout):
            await print_card(printer, job("W", "W"))
    assert peer.heard == ["Wcb;a", "Ss", "Sr", "Dbc;k;2;1016", "Sv"]


async def test_a_printer_that_stops_taking_bytes_is_hung_up_on() -> None:
    """Half a bitmap was sent: whatever came next would be taken for its rest."""
    wire = Clogged(6)
    printer = CardPrinter(wire, PrinterTimeouts())
    with pytest.raises(WireClosed, match="takes no more bytes"):
        await print_card(printer, job("WWWW", "W"))
    assert wire.sent[-1] == b"\x1bDbc;k;2;1016;" + bytes(1016) + b"\r"
    with pytest.raises(WireClosed):
        await printer.insert()


async def test_a_printer_that_takes_no_question_is_told_as_such() -> None:
    wire = Clogged(1)
    with pytest.raises(WireClosed, match="takes no more bytes"):
        await CardPrinter(wire, PrinterTimeouts()).identify()
    assert len(wire.sent) == 1, "a wire that was hung up is not asked again"


async def test_half_a_bitmap_ends_the_wire_when_the_print_is_called_off() -> None:
    wire = Clogged(4)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(1.0):
            await print_card(CardPrinter(wire, PrinterTimeouts()), job("W", ""))
    assert wire.closed


async def test_a_slow_line_is_given_the_time_that_its_bytes_take() -> None:
    raw = "Db;k;2"
    script: dict[str, Sequence[Reply]] = {raw: [(15.0, b"OK\0")], "Rpst": [AT_REST]}
    async with printer_that(**script) as (printer, peer):
        await print_card(printer, job("D", ""))
        assert raw in peer.heard
    impatient = PrinterTimeouts(download_bytes_per_s=100_000.0)
    async with printer_that(impatient, **script) as (printer, _):
        with pytest.raises(ReplyTimeout):
            await print_card(printer, job("D", ""))


# --- what became of an act

Judge = Callable[[CardPrinter, Note], Awaitable[Outcome]]


async def insert_outcome(*, infeed: bool, **script: Sequence[Reply]) -> Outcome:
    note: Note = {"serial_number": "SN1001", "cards_inserted": 40}
    async with printer_that(**script) as (printer, peer):
        outcome = await printer.insert_outcome(note, infeed)
    assert not {"Si", "Se", "Ss"} & set(peer.heard)
    return outcome


async def test_an_insert_is_judged_by_the_counter_and_the_infeed() -> None:
    assert await insert_outcome(infeed=False, Rco_c=[b"41\0"]) is Outcome.DONE
    assert await insert_outcome(infeed=True, Rco_c=[b"40\0"]) is Outcome.NOT_DONE
    assert await insert_outcome(infeed=False, Rco_c=[b"40\0"]) is Outcome.UNKNOWN
    assert await insert_outcome(infeed=True, Rco_c=[b"42\0"]) is Outcome.UNKNOWN
    assert await insert_outcome(infeed=True, Rco_c=[b"7\0"]) is Outcome.UNKNOWN


async def test_an_insert_under_way_is_waited_for() -> None:
    moving = [PRINTING, PRINTING, UNDER_HEAD]
    counts = [b"40\0", b"40\0", b"41\0"]
    assert await insert_outcome(infeed=True, Rpst=moving, Rco_c=counts) is Outcome.DONE


async def test_a_sensor_read_during_the_motion_is_no_evidence() -> None:
    moving = [PRINTING, AT_REST]
    assert await insert_outcome(infeed=True, Rpst=moving) is Outcome.UNKNOWN


async def print_outcome(
    *, outfeed: bool = False, ejects: int = 0, **script: Sequence[Reply]
) -> Outcome:
    note: Note = {"serial_number": "SN1001", "panels_printed": 200}
    async with printer_that(**script) as (printer, peer):
        outcome = await printer.print_outcome(note, job("WO", "WO"), outfeed)
    assert peer.heard.count("Se") == ejects
    assert not {"Si", "Ss", "Sr", "Sv"} & set(peer.heard)
    return outcome


async def test_a_print_is_judged_by_its_panels_and_where_the_card_is() -> None:
    done = await print_outcome(outfeed=True, Rco_p=[b"204\0"], Rpst=[AT_REST])
    assert done is Outcome.DONE
    assert await print_outcome(Rpst=[UNDER_HEAD]) is Outcome.NOT_DONE
    partly = await print_outcome(Rco_p=[b"202\0"], Rpst=[UNDER_HEAD])
    assert partly is Outcome.UNKNOWN
    assert await print_outcome(outfeed=True, Rpst=[AT_REST]) is Outcome.UNKNOWN
    gone = await print_outcome(Rco_p=[b"204\0"], Rpst=[AT_REST])
    assert gone is Outcome.UNKNOWN


async def test_a_printed_card_under_the_head_is_brought_out() -> None:
    outcome = await print_outcome(ejects=1, Rco_p=[b"204\0"], Rpst=[UNDER_HEAD, AT_REST])
    assert outcome is Outcome.DONE


async def test_a_print_under_way_is_waited_for_and_its_exit_seen() -> None:
    panels = [b"200\0"] * 15 + [b"202\0"] * 15 + [b"204\0"]
    out = await print_outcome(Rpst=[PRINTING] * 30 + [AT_REST], Rco_p=panels)
    assert out is Outcome.DONE
    stuck = await print_outcome(Rpst=[PRINTING] * 30 + [JAMMED], Rco_p=panels)
    assert stuck is Outcome.UNKNOWN


async def test_waiting_for_a_machine_that_never_rests_has_an_end() -> None:
    assert await print_outcome(Rpst=[PRINTING], Rco_p=[b"204\0"]) is Outcome.UNKNOWN
    assert await insert_outcome(infeed=False, Rpst=[PRINTING], Rco_c=[b"41\0"]) is Outcome.UNKNOWN
    async with printer_that(Rpst=[PRINTING]) as (printer, _):
        start_s = asyncio.get_running_loop().time()
        assert not await printer.settle()
        assert 90 <= asyncio.get_running_loop().time() - start_s < 91


async def test_another_machine_on_the_wire_knows_nothing_of_our_act() -> None:
    other = [b"SN2002\0"]
    assert await insert_outcome(infeed=True, Rsn=other, Rco_c=[b"41\0"]) is Outcome.UNKNOWN
    assert await insert_outcome(infeed=True, Rsn=other) is Outcome.UNKNOWN
    outcome = await print_outcome(outfeed=True, Rsn=other, Rco_p=[b"204\0"])
    assert outcome is Outcome.UNKNOWN


async def test_a_note_and_an_outcome_across_a_hang_up_fit_together() -> None:
    async with printer_that(Se=[HANG_UP]) as (printer, _):
        note = await printer.print_note()
        with pytest.raises(WireClosed):
            await print_card(printer, job("WO", "WO"))
    async with printer_that(Rco_p=[b"204\0"], Rpst=[AT_REST]) as (printer, _):
        assert (
            await printer.print_outcome(note, job("WO", "WO"), outfeed_occupied=True)
            is Outcome.DONE
        )
