"""A machine run through its verbs by its driver, without a centre and without using up a card.

For a technician: it shows that machine, wire and driver work together, and how long each verb
takes. It prints, laminates and writes nothing; `controller/acts.py` does that.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Final, TypeAlias

from drivers.chip_profile import profile_named
from drivers.chip_reader import ChipReader
from drivers.encoder import ChipEncoder
from drivers.errors import DriverError, NoCard, WireClosed
from drivers.identity import Identity
from drivers.laminator import Laminator
from drivers.printer import CardPrinter, PrinterTimeouts
from drivers.reader import ReadBackReader, ReaderTimeouts, WholeCard
from drivers.retransfer import RetransferPrinter, RetransferTimeouts
from drivers.transport import Transport
from drivers.wire import Wire

#: Station 0's places and the magazine; a longer line has them too.
POSITIONS: Final = 3
REJECT_BIN, QUARANTINE_BIN = 0x60, 0x61
#: A reader cannot be asked for its limit. This is a vendor's setting; the checks leave it so, too.
RADIO_FRAME_BYTES: Final = 88
#: At 9600 bit/s a card with its fingerprints takes 2.4 s on the wire alone.
WHOLE_CARD_S: Final = 10.0

Verb: TypeAlias = tuple[str, Callable[[], Awaitable[object]]]


@dataclass(frozen=True, slots=True)
class Exercised:
    """One verb: what the machine said or why it failed, and how long it took."""

    verb: str
    done: bool
    said: str
    took_s: float


def exercise(kind: str, wire: Wire) -> AsyncIterator[Exercised]:
    """Try the verbs of a machine on a wire, one by one."""
    return _tried(_VERBS[kind](wire))


def exercise_encoder(reader: ChipReader) -> AsyncIterator[Exercised]:
    """Try the verbs of an encoder, whatever reader it has."""
    return _tried(_encoder(reader))


async def _tried(verbs: list[Verb]) -> AsyncIterator[Exercised]:
    """Try verbs in turn; none on a closed wire or on a machine not known."""
    loop = asyncio.get_running_loop()
    for name, verb in verbs:
        begun_s = loop.time()
        gone = False
        try:
            said, done = _text(await verb()), True
        except DriverError as error:
            said, done = str(error), False
            gone = isinstance(error, WireClosed) or name == "identify"
        yield Exercised(name, done, said, loop.time() - begun_s)
        if gone:
            return


def _printer(wire: Wire) -> list[Verb]:
    printer = CardPrinter(wire, PrinterTimeouts())

    async def status() -> str:
        words = await printer.status()
        due = "required" if words.cleaning_required else "due" if words.cleaning_due else "not due"
        told = f"information {words.information:08X}, error {words.error:08X}, cleaning {due}"
        box = "full" if words.reject_box_full else "not full"
        return f"{told}, reject box {box}" if words.reject_slot else told

    return [
        ("identify", printer.identify),
        ("clear errors", printer.clear_errors),
        ("settle", printer.settle),
        ("status", status),
        ("cards inserted", printer.cards_inserted),
        ("panels printed", printer.panels_printed),
        ("cards left on the ribbon", printer.ribbon_left_cards),
        ("evidence before an insert", printer.insert_note),
        ("evidence before a print", printer.print_note),
        ("evidence before a cleaning", printer.clean_note),
    ]


def _retransfer(wire: Wire) -> list[Verb]:
    printer = RetransferPrinter(wire, RetransferTimeouts())

    async def status() -> str:
        now = await printer.status()
        left = f"film for {now.film_left_faces} faces, ribbon for {now.ribbon_left_faces}"
        due = "due" if now.cleaning_due else "not due"
        return f"{now.phase.name.lower()}, {left}, {now.cards_fed} cards fed, cleaning {due}"

    return [
        ("identify", printer.identify),
        ("clear errors", printer.clear_errors),
        ("settle", printer.settle),
        ("status", status),
        ("evidence before an insert", printer.insert_note),
        ("evidence before a print", printer.print_note),
    ]


def _laminator(wire: Wire) -> list[Verb]:
    laminator = Laminator(wire)

    async def state() -> str:
        now = await laminator.state()
        upper_c, lower_c = now.temperatures
        heat = f"{upper_c:g} and {lower_c:g} degrees C"
        return f"{now.state.name.lower()}, {heat}, film {now.film_left_m:g} m, {now.cycles} cycles"

    return [
        ("identify", laminator.identify),
        ("clear a fault", laminator.clear_fault),
        ("home", laminator.home),
        ("state", state),
        ("evidence before an act", laminator.act_note),
    ]


def _transport(wire: Wire) -> list[Verb]:
    transport = Transport(wire)

    async def state() -> str:
        now = await transport.state()
        return f"{now.state.name.lower()}, {now.moves} moves"

    async def bins() -> str:
        rejected, quarantined = [
            await transport.bin_count(position) for position in (REJECT_BIN, QUARANTINE_BIN)
        ]
        return f"{rejected} rejected, {quarantined} in quarantine"

    return [
        ("identify", transport.identify),
        ("clear a fault", transport.clear_fault),
        ("home", transport.home),
        ("state", state),
        ("sensors", lambda: transport.presence(POSITIONS)),
        ("bins", bins),
        ("evidence before a move", transport.move_note),
    ]


def _encoder(reader: ChipReader) -> list[Verb]:
    # A chip's own serial number can be read under every profile, and needs no keys.
    encoder = ChipEncoder(reader, profile_named("rid2-plain"))

    async def chip() -> str:
        if not await encoder.card_present():
            return "no card in the field"
        return f"its serial number has {len(await encoder.chip_serial())} bytes"

    return [
        ("identify", encoder.identify),
        ("card present", encoder.card_present),
        ("chip", chip),
    ]


def _reader(wire: Wire) -> list[Verb]:
    reader = ReadBackReader(wire, ReaderTimeouts(read_timeout_s=WHOLE_CARD_S))

    async def card() -> str:
        """Read all of the card, and say nothing of what it says of a person."""
        try:
            return _sizes(await reader.read_whole_card())
        except NoCard:
            return "no card in the field"

    return [
        ("identify", reader.identify),
        ("reset the module", reader.reset),
        ("limit radio frames", lambda: reader.limit_radio_frames(RADIO_FRAME_BYTES)),
        ("read back", card),
    ]


def _sizes(card: WholeCard) -> str:
    if not card.base.is_a_citizens:
        return "refused: its text is not laid out as a citizen's"
    said = [("text", len(card.base.text)), ("photo", len(card.base.photo))]
    if card.fingerprints is not None:
        said.append(("fingerprints", sum(map(len, card.fingerprints))))
    said.append(("added addresses", sum(map(len, card.addresses))))
    return ", ".join(f"{what} of {size} bytes" for what, size in said)


def _text(said: object) -> str:
    match said:
        case None:
            return "done"
        case Identity():
            return f"{said.model}, {said.serial_number}"
        case dict():
            return ", ".join(f"{name} {value}" for name, value in said.items())
        case tuple():
            return " ".join("on" if one else "off" for one in said)
        case bool():
            return "yes" if said else "no"
        case _:
            return str(said)


_VERBS: Final[dict[str, Callable[[Wire], list[Verb]]]] = {
    "printer": _printer,
    "retransfer printer": _retransfer,
    "laminator": _laminator,
    "transport": _transport,
    "reader": _reader,
}
