"""The retransfer printer's driver against scripted peers: what is sent, and what is made of it."""

import asyncio
import zlib
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from struct import pack

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
    NotReady,
    ReplyTimeout,
    UnexpectedReply,
    WireClosed,
    WrongDevice,
)
from drivers.outcome import Note, Outcome
from drivers.printing import FACE_BYTES, Panel, PrintJob
from drivers.retransfer import RetransferPrinter, RetransferTimeouts
from simulators.wire import MemoryWire, memory_pair

WHO, STATUS, FORGET, PLANE, FEED, PRINT, EJECT, RESET = 1, 2, 3, 4, 16, 17, 18, 19
READY, BUSY, HEATING, TROUBLE = range(4)
INK = Panel("K", 2, b"\x01" * FACE_BYTES)
OVERLAY = Panel("O", 2, b"\xff" * FACE_BYTES)
JOB = PrintJob(front=(INK, OVERLAY), back=(INK,))
NOTE: Note = {"serial_number": "RTP-1", "started": 6, "finished": 6, "sequence": 7}


@dataclass(frozen=True)
class State:
    """What the scripted printer says of itself."""

    phase: int = READY
    ending: int = 0
    card: int = 1
    flags: int = 0
    started: int = 6
    finished: int = 6
    printed: int = 3
    faces: int = 2
    serial: bytes = b"RTP-1"

    def told(self) -> bytes:
        numbers = (self.started, self.finished, self.printed, self.faces, 40, 39, 900, 800)
        head = pack(">4B3HB2I2H", self.phase, self.ending, self.card, self.flags, *numbers)
        return head + self.serial


def answer(kind: int, tag: bytes, payload: bytes) -> bytes:
    head = b"\x7e" + bytes((kind | 0x80,)) + tag + len(payload).to_bytes(3, "big")
    check = 0
    for byte in head:
        check ^= byte
    body = head + bytes((check,)) + payload
    return body + zlib.crc32(body).to_bytes(4, "big")


#: What comes instead of an answer: bytes made of it, or nothing.
Spoil = Callable[[bytes], bytes]


class Peer:
    """Answers STATUS from a list (the last one for ever) and commands with codes, DONE by default.

    `spoils` are applied to the answers to one type in turn, then no more.
    """

    def __init__(
        self,
        wire: MemoryWire,
        states: Sequence[State],
        codes: dict[int, int],
        spoils: dict[int, list[Spoil]],
    ) -> None:
        self.heard: list[tuple[int, bytes]] = []
        self._wire = wire
        self._states = list(states)
        self._codes = codes
        self._spoils = spoils
        self._buffer = b""

    def acts(self) -> list[int]:
        return [kind for kind, _ in self.heard if kind >= FEED]

    async def serve(self) -> None:
        while data := await self._wire.receive():
            self._buffer += data
            while len(self._buffer) >= 8:
                length = int.from_bytes(self._buffer[4:7], "big") + 12
                if len(self._buffer) < length:
                    break
                request, self._buffer = self._buffer[:length], self._buffer[length:]
                await self._answer(request[1], request[2:4], request[8:-4])

    async def _answer(self, kind: int, tag: bytes, payload: bytes) -> None:
        self.heard.append((kind, payload))
        if kind == WHO:
            said = b"RT-600\0RTP-1\x001.00"
        elif kind == STATUS:
            said = self._states[0].told()
            self._states = self._states[1:] or self._states
        else:
            said = bytes((self._codes.get(kind, 0),))
        whole = answer(kind, tag, said)
        if spoils := self._spoils.get(kind):
            whole = spoils.pop(0)(whole)
        with suppress(ConnectionError):
            if whole:
                await self._wire.send(whole)


@asynccontextmanager
async def printer_that(
    *states: State,
    codes: dict[int, int] | None = None,
    spoils: dict[int, list[Spoil]] | None = None,
) -> AsyncIterator[tuple[RetransferPrinter, Peer]]:
    near, far = memory_pair()
    peer = Peer(far, states or (State(),), codes or {}, spoils or {})
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(peer.serve())
        printer = RetransferPrinter(near, RetransferTimeouts())
        try:
            yield printer, peer
        finally:
            await printer.aclose()
            await far.aclose()


async def free() -> None: ...


def lost(_: bytes) -> bytes:
    return b""


def damaged(whole: bytes) -> bytes:
    return whole[:-1] + bytes((whole[-1] ^ 1,))


def of_another_tag(whole: bytes) -> bytes:
    return answer(whole[1] & 0x7F, b"\xee\xee", whole[8:-4]) + whole


# --- questions


async def test_it_names_itself_and_its_evidence() -> None:
    async with printer_that(State(started=65535, finished=65535)) as (printer, _):
        who = await printer.identify()
        assert (who.kind, who.model, who.serial_number) == ("retransfer printer", "RT-600", "RTP-1")
        note = {"serial_number": "RTP-1", "started": 65535, "finished": 65535, "sequence": 1}
        assert await printer.insert_note() == await printer.print_note() == note


async def test_a_question_is_asked_again_and_an_act_is_not() -> None:
    async with printer_that(spoils={STATUS: [lost, damaged], FEED: [lost]}) as (printer, peer):
        assert (await printer.status()).started == 6
        assert len(peer.heard) == 3
        with pytest.raises(ReplyTimeout):
            await printer.insert()
    assert peer.acts() == [FEED]


async def test_a_question_that_is_never_answered_well_fails_by_how() -> None:
    async with printer_that(spoils={STATUS: [lost] * 3 + [damaged] * 3}) as (printer, _):
        with pytest.raises(ReplyTimeout):
            await printer.status()
        with pytest.raises(Garbled):
            await printer.status()


async def test_an_answer_to_another_question_is_passed_over() -> None:
    async with printer_that(spoils={STATUS: [of_another_tag]}) as (printer, peer):
        assert (await printer.status()).serial_number == "RTP-1"
    assert len(peer.heard) == 1


async def test_what_an_earlier_host_left_on_the_wire_answers_nothing() -> None:
    near, far = memory_pair()
    await far.send(answer(STATUS, b"\0\1", State(serial=b"OLD").told()))
    peer = Peer(far, [State()], {}, {})
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(peer.serve())
        printer = RetransferPrinter(near, RetransferTimeouts())
        assert (await printer.status()).serial_number == "RTP-1"
        await printer.aclose()


async def test_a_printer_of_the_other_make_is_named() -> None:
    near, far = memory_pair()

    async def other_make() -> None:
        while data := await far.receive():
            if data == b"\x1bRsn\r":
                await far.send(b"SN1001\0")

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(other_make())
        printer = RetransferPrinter(near, RetransferTimeouts())
        with pytest.raises(WrongDevice, match="a printer answers where a retransfer printer"):
            await printer.identify()
        await printer.aclose()


async def test_a_machine_that_takes_no_more_bytes_is_hung_up_on() -> None:
    class Clogged(MemoryWire):
        async def send(self, data: bytes) -> None:
            del data
            await asyncio.sleep(1_000)

    near, _ = memory_pair()
    clogged = Clogged(near._incoming, near._outgoing)
    printer = RetransferPrinter(clogged, RetransferTimeouts())
    for ask in (printer.status, printer.identify):
        with pytest.raises(WireClosed, match="takes no more bytes"):
            await ask()
    assert near._outgoing.closed


async def test_a_wire_that_is_slow_to_fall_silent_is_not_a_machine_that_takes_no_bytes() -> None:
    """What an earlier host was still to hear is waited out; that is not the machine's delay."""
    near, far = memory_pair()
    peer = Peer(far, [State()], {}, {})

    async def late_answers() -> None:
        for _ in range(50):
            await far.send(b"late")
            await asyncio.sleep(0.01)
        await peer.serve()

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(late_answers())
        printer = RetransferPrinter(near, RetransferTimeouts(reply_timeout_s=0.05))
        assert (await printer.identify()).serial_number == "RTP-1"
        await printer.aclose()


# --- acts


async def test_a_job_of_two_faces_is_one_command_and_its_way_out_comes_after_it() -> None:
    at_rest = State(started=7, finished=7, printed=7)
    states = [State(phase=HEATING, started=7), State(phase=BUSY, started=7), at_rest, at_rest]
    states += [State(phase=BUSY, started=8, finished=7, card=2)]
    states += [State(started=8, finished=8, card=0)]
    async with printer_that(*states) as (printer, peer):
        acts_before: list[int] = []

        async def way_out() -> None:
            acts_before.extend(peer.acts())

        await printer.print_and_eject(JOB, NOTE, way_out)
    assert acts_before == [PRINT]
    assert peer.acts() == [PRINT, EJECT]
    sent = dict(peer.heard)
    assert [kind for kind, _ in peer.heard][:4] == [FORGET, PLANE, PLANE, PRINT]
    dots = zlib.decompress(peer.heard[1][1][2:])
    crc = zlib.crc32(dots).to_bytes(4, "big")
    assert sent[PRINT] == b"\0\x07" + b"\x02" + b"\0K" + crc + b"\1K" + crc
    assert sent[EJECT] == b"\0\x08"


async def test_planes_are_sent_again_when_no_answer_comes() -> None:
    spoils: dict[int, list[Spoil]] = {PLANE: [lost], FORGET: [damaged]}
    states = [State(started=7, finished=7), State(started=7, finished=7)]
    states += [State(started=8, finished=8)]
    async with printer_that(*states, spoils=spoils) as (printer, peer):
        await printer.print_and_eject(JOB, NOTE, free)
    kinds = [kind for kind, _ in peer.heard]
    assert (kinds.count(FORGET), kinds.count(PLANE)) == (2, 3)
    assert peer.acts() == [PRINT, EJECT]


async def test_nothing_but_overlay_cannot_be_printed() -> None:
    async with printer_that() as (printer, peer):
        with pytest.raises(CommandRefused):
            await printer.print_and_eject(PrintJob((OVERLAY,), ()), NOTE, free)
    assert peer.heard == []


@pytest.mark.parametrize(
    ("code", "error"),
    [
        (1, UnexpectedReply),
        (2, NotReady),
        (4, CoverOpen),
        (5, NothingAtSource),
        (6, CommandRefused),
        (7, CommandRefused),
        (8, DestinationTaken),
        (9, ConsumableEmpty),
        (10, ConsumableEmpty),
        (11, UnexpectedReply),
        (12, CommandRefused),
        (77, UnexpectedReply),
    ],
)
async def test_every_refusal_has_its_error_and_nothing_is_repeated(
    code: int, error: type[DriverError]
) -> None:
    async with printer_that(codes={FEED: code, PRINT: code}) as (printer, peer):
        with pytest.raises(error) as refused:
            await printer.insert()
        with pytest.raises(error):
            await printer.print_and_eject(JOB, NOTE, free)
    assert type(refused.value) is error
    assert peer.acts() == [FEED, PRINT]


@pytest.mark.parametrize(
    ("ending", "error"),
    [
        (0, UnexpectedReply),
        (1, Jam),
        (2, ConsumableEmpty),
        (3, HardwareFault),
        (4, DestinationTaken),
        (5, NothingAtSource),
    ],
)
async def test_every_early_end_has_its_error(ending: int, error: type[DriverError]) -> None:
    phase = TROUBLE if ending in {1, 2, 3} else READY
    ended = State(phase=phase, ending=ending, started=7)
    async with printer_that(State(), State(phase=BUSY, started=7), ended) as (printer, _):
        with pytest.raises(error) as failed:
            await printer.insert()
        assert type(failed.value) is error
    async with printer_that(ended, codes={FEED: 3}) as (printer, _):
        with pytest.raises(error):
            await printer.insert()


# --- what became of an act


async def insert_outcome(*states: State, infeed: bool = True) -> Outcome:
    async with printer_that(*states) as (printer, peer):
        outcome = await printer.insert_outcome(NOTE, infeed)
    assert peer.acts() == []
    return outcome


async def print_outcome(*states: State, outfeed: bool = False, ejects: int = 0) -> Outcome:
    async with printer_that(*states) as (printer, peer):
        outcome = await printer.print_outcome(NOTE, JOB, outfeed)
    assert peer.acts() == [EJECT] * ejects
    return outcome


AT_INFEED, AT_OUTFEED = 2, 4
NOT_BEGUN = State(card=0, flags=AT_INFEED)
BEGUN = State(started=7)
PRINTED = State(started=7, finished=7, printed=7)


async def test_an_insert_is_judged_by_its_number_and_the_infeed() -> None:
    assert await insert_outcome(State(started=7, finished=7)) is Outcome.DONE
    assert await insert_outcome(NOT_BEGUN) is Outcome.NOT_DONE
    assert await insert_outcome(NOT_BEGUN, infeed=False) is Outcome.UNKNOWN
    assert await insert_outcome(replace(NOT_BEGUN, flags=0)) is Outcome.UNKNOWN
    assert await insert_outcome(BEGUN) is Outcome.UNKNOWN
    assert await insert_outcome(State(started=9, finished=9)) is Outcome.UNKNOWN


async def test_a_print_is_judged_by_its_number_its_faces_and_where_the_card_is() -> None:
    out = replace(PRINTED, card=0)
    assert await print_outcome(out, outfeed=True) is Outcome.DONE
    assert await print_outcome(replace(out, flags=AT_OUTFEED)) is Outcome.DONE
    assert await print_outcome(out) is Outcome.UNKNOWN
    assert await print_outcome(replace(PRINTED, card=2), outfeed=True) is Outcome.UNKNOWN
    assert await print_outcome(State()) is Outcome.NOT_DONE
    assert await print_outcome(State(card=0)) is Outcome.UNKNOWN
    assert await print_outcome(State(started=9, finished=9)) is Outcome.UNKNOWN


async def test_before_the_first_press_only_film_is_lost() -> None:
    assert await print_outcome(replace(BEGUN, faces=0)) is Outcome.NOT_DONE
    assert await print_outcome(replace(BEGUN, faces=0, card=2)) is Outcome.UNKNOWN
    assert await print_outcome(replace(BEGUN, faces=1)) is Outcome.UNKNOWN


async def test_a_printed_card_that_is_still_inside_is_brought_out() -> None:
    after = replace(PRINTED, started=8, finished=8, card=0)
    assert await print_outcome(PRINTED, PRINTED, after, ejects=1) is Outcome.DONE


async def test_an_act_under_way_is_waited_for_but_not_for_ever() -> None:
    moving = State(phase=BUSY, started=7, card=2)
    assert await insert_outcome(*[moving] * 9, State(started=7, finished=7)) is Outcome.DONE
    assert await insert_outcome(moving) is Outcome.UNKNOWN
    async with printer_that(moving) as (printer, _):
        start_s = asyncio.get_running_loop().time()
        assert not await printer.settle()
        assert 119 <= asyncio.get_running_loop().time() - start_s < 125


@pytest.mark.parametrize(
    "stranger",
    [
        State(serial=b"RTP-2", started=7, finished=7, printed=7),
        State(serial=b"RTP-2", flags=AT_INFEED),
        State(started=0, finished=0, flags=AT_INFEED),
        State(started=7, finished=0, printed=7),
    ],
)
async def test_another_machine_or_a_lost_memory_knows_nothing_of_our_act(stranger: State) -> None:
    assert await insert_outcome(stranger) is Outcome.UNKNOWN
    assert await print_outcome(stranger, outfeed=True) is Outcome.UNKNOWN
