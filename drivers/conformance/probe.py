"""Who is at the end of a wire that nobody knows, found out with questions that change nothing.

Each setting of the line is tried with every machine's question about itself, in an order that
disturbs least: first those whose frames carry a check sum, which everybody else ignores; last the
printer's, which is plain text. What is done about what was found is not decided here.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qsl, urlsplit

from drivers.conformance import (
    ccid_dialogue,
    modbus_dialogue,
    printer_dialogue,
    retransfer_dialogue,
    sdt_dialogue,
)
from drivers.conformance.bench import Bench, shown
from drivers.conformance.check import Failed
from drivers.errors import WireClosed, WireNotOpened
from drivers.identity import Identity
from drivers.plc import LAMINATOR_UNIT, TRANSPORT_UNIT
from drivers.sdt import sam_id_text
from drivers.serial_settings import LIKELY
from drivers.strangers import LANGUAGES, PATIENCE_S
from drivers.wire import Wire

LINES: Final = tuple(settings.query for settings in LIKELY)
HEAT_UNITS: Final = (1, 2)
_NOT_THESE_SETTINGS: Final = "the port does not take these line parameters"

OpenWire = Callable[[str], Awaitable[Wire]]
Facts = dict[str, str]


@dataclass(frozen=True, slots=True)
class Heard:
    """An answer that belongs to no machine of ours."""

    url: str
    question: str
    answer: str


@dataclass(frozen=True, slots=True)
class Found:
    """The machine that answered, on which settings, and what it says of its own."""

    url: str
    identity: Identity
    facts: Facts


@dataclass(frozen=True, slots=True)
class Probed:
    """What came of it: a machine, or what was heard instead; and which settings were tried."""

    found: Found | None
    heard: tuple[Heard, ...]
    tried: tuple[str, ...]


def urls_to_try(url: str) -> tuple[str, ...]:
    """Return the URL with each likely setting; settings that it gives are the only ones tried."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return (url,)  # opening it says what it should be
    if parts.scheme != "serial" or parse_qsl(parts.query):
        return (url,)
    return tuple(f"{url.rstrip('?')}?{line}" for line in LINES)


async def probe(url: str, open_wire: OpenWire) -> Probed:
    """Find out who answers; raises `WireNotOpened` when the port is held or is not there."""
    heard: list[Heard] = []
    tried: list[str] = []
    for candidate in urls_to_try(url):
        try:
            wire = await open_wire(candidate)
        except WireNotOpened as error:
            if error.facts.get("reason") == _NOT_THESE_SETTINGS and candidate != url:
                continue
            raise
        tried.append(candidate)
        try:
            found = await _ask_all(candidate, wire, heard)
        except WireClosed:
            heard.append(Heard(candidate, "", "the far end hung up"))
        else:
            if found is not None:
                return Probed(found, tuple(heard), tuple(tried))
        finally:
            await wire.aclose()
    return Probed(None, tuple(heard), tuple(tried))


async def tell(kind: str, wire: Wire) -> Found | None:
    """Ask a machine of a known kind who it is; None when it does not answer so."""
    bench = Bench(wire, _IS_WHOLE[kind])
    try:
        await bench.fall_silent()
        return Found("", *await _TELLS[kind](bench))
    except Failed:
        return None


async def _ask_all(url: str, wire: Wire, heard: list[Heard]) -> Found | None:
    for language in (*LANGUAGES, None):
        kind = language.kind if language else "heat controller"
        question = language.question if language else _HEAT_QUESTION
        whole = _IS_WHOLE[kind]
        bench = Bench(wire, whole)
        try:
            await bench.fall_silent()
            answer = await bench.ask(question, PATIENCE_S)
        except Failed as failed:
            heard.append(Heard(url, kind, str(failed)))
            continue
        rest = answer.removeprefix(question)
        if answer and not rest:
            heard.append(Heard(url, kind, "our own bytes: a loop, or a line that echoes"))
        elif language.answer.match(rest) if language else whole(rest):
            try:
                return Found(url, *await _TELLS[kind](bench))
            except Failed as failed:
                heard.append(Heard(url, kind, str(failed)))
        elif rest:
            heard.append(Heard(url, kind, shown(rest)))
    return None


async def _printer(bench: Bench) -> tuple[Identity, Facts]:
    model, serial, firmware = [
        await printer_dialogue.ask(bench, one) for one in ("Rtp", "Rsn", "Rfv")
    ]
    facts = {
        "ribbon": await printer_dialogue.ask(bench, "Rr"),
        "cards left": await printer_dialogue.ask(bench, "Rco;l"),
        "cards inserted": await printer_dialogue.ask(bench, "Rco;c"),
        "panels printed": await printer_dialogue.ask(bench, "Rco;p"),
    }
    return Identity("printer", model, serial, firmware), facts


async def _retransfer(bench: Bench) -> tuple[Identity, Facts]:
    identity = Identity("retransfer printer", *await retransfer_dialogue.names(bench))
    now = await retransfer_dialogue.status(bench)
    facts = {
        "film left": f"{now.film_left_faces} faces",
        "ribbon left": f"{now.ribbon_left_faces} faces",
        "cards fed": str(now.cards_fed),
        "cards printed": str(now.cards_printed),
    }
    return identity, facts


async def _plc(bench: Bench, kind: str, unit: int) -> Identity:
    objects = await modbus_dialogue.objects(bench, unit, 1, 0)
    objects |= await modbus_dialogue.objects(bench, unit, 4, modbus_dialogue.SERIAL_NUMBER)
    texts = [
        objects.get(number, b"").decode("ascii", "replace").strip("\0 ")
        for number in (1, modbus_dialogue.SERIAL_NUMBER, 2)
    ]
    return Identity(kind, *texts)


async def _laminator(bench: Bench) -> tuple[Identity, Facts]:
    identity = await _plc(bench, "laminator", LAMINATOR_UNIT)
    values = await modbus_dialogue.registers(bench, LAMINATOR_UNIT, 4, 0, 13)
    facts = {
        "unit": str(LAMINATOR_UNIT),
        "state": str(values[0]),
        "cycles": str(values[10] << 16 | values[11]),
        "film left": f"{values[12] / 10:g} m",
    }
    for unit in HEAT_UNITS:
        facts |= await _zone(bench, unit)
    return identity, facts


async def _zone(bench: Bench, unit: int) -> Facts:
    try:
        present, _, set_point = await modbus_dialogue.registers(bench, unit, 3, 0x2000, 3)
    except Failed as failed:
        return {f"heat controller at unit {unit}": str(failed)}
    text = f"{present / 10:g} degrees C, set to {set_point / 10:g}"
    return {f"heat controller at unit {unit}": text}


async def _transport(bench: Bench) -> tuple[Identity, Facts]:
    identity = await _plc(bench, "transport", TRANSPORT_UNIT)
    values = await modbus_dialogue.registers(bench, TRANSPORT_UNIT, 4, 0, 6)
    moves = str(values[4] << 16 | values[5])
    return identity, {"unit": str(TRANSPORT_UNIT), "state": str(values[0]), "moves": moves}


async def _encoder(bench: Bench) -> tuple[Identity, Facts]:
    firmware_frame = ccid_dialogue.frame(ccid_dialogue.ESCAPE, b"\x02")
    echoes = (await bench.ask(firmware_frame)).startswith(firmware_frame)
    firmware = (await ccid_dialogue.done(bench, firmware_frame)).data
    serial = await ccid_dialogue.reply(bench, ccid_dialogue.frame(ccid_dialogue.ESCAPE, b"\x04"))
    status = await ccid_dialogue.reply(bench, ccid_dialogue.frame(ccid_dialogue.SLOT_STATUS))
    card = ("powered", "there", "none", "unknown")[status.card]
    identity = Identity(
        "encoder",
        "CCID serial reader",
        "" if serial.failed else serial.data.decode("ascii", "replace").strip("\0 "),
        firmware.decode("ascii", "replace").strip("\0 "),
    )
    return identity, {"echo": "true" if echoes else "false", "card": card}


async def _reader(bench: Bench) -> tuple[Identity, Facts]:
    request = sdt_dialogue.frame(sdt_dialogue.SAM_ID)
    answer = await sdt_dialogue.expect(bench, request, frozenset((sdt_dialogue.DONE,)), 16)
    identity = Identity("reader", "SDT read-back reader", sam_id_text(answer.data), "")
    return identity, {}


async def _heat_controller(bench: Bench) -> tuple[Identity, Facts]:
    facts: Facts = {}
    for unit in HEAT_UNITS:
        facts |= await _zone(bench, unit)
    return Identity("heat controller", "E5CC, or one that answers so", "", ""), facts


_HEAT_QUESTION: Final = bytes.fromhex("0103200000030E0B")
_TELLS: Final = {
    "printer": _printer,
    "retransfer printer": _retransfer,
    "laminator": _laminator,
    "transport": _transport,
    "encoder": _encoder,
    "reader": _reader,
    "heat controller": _heat_controller,
}
_IS_WHOLE: Final = {
    "printer": printer_dialogue.is_whole,
    "retransfer printer": retransfer_dialogue.is_whole,
    "laminator": modbus_dialogue.is_whole,
    "transport": modbus_dialogue.is_whole,
    "encoder": ccid_dialogue.is_whole,
    "reader": sdt_dialogue.is_whole,
    "heat controller": modbus_dialogue.is_whole,
}
