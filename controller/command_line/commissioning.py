"""What is done before a machine works in a centre: `station probe|speed|exercise`, `conformance`.

They open the port themselves, beside no running centre. What is asked and checked is in
`drivers/conformance/` and `controller/exercise.py`; here it is started and shown.
"""

import asyncio
from collections import Counter
from collections.abc import Coroutine
from dataclasses import asdict
from typing import Any, TypeVar

import click

from controller.command_line.output import Column, Page, json_option, write_json
from controller.command_line.ports import baud_of, open_port, open_reader, refuse_if_held
from controller.command_line.problems import No, WrongUse
from controller.command_line.progress import progress, waiting
from controller.command_line.session import Session, pass_session
from controller.exercise import Exercised, exercise, exercise_encoder
from drivers.chip_reader import ChipReader
from drivers.conformance.check import Result, Verdict
from drivers.conformance.kinds import KINDS, MODELS, SUITES, conformance, count_of, suite_of
from drivers.conformance.probe import Found, Probed, probe, tell
from drivers.errors import DriverError, WrongSpeed
from drivers.open_wire import PC_SC
from drivers.reader import ReadBackReader, ReaderTimeouts
from drivers.sdt import RATES
from drivers.serial_settings import SerialSettings
from drivers.wire import SerialPort, Wire

RESULT = [
    Column("id", "check"),
    Column("verdict", "result"),
    Column("title", "what", wraps=True),
    Column("section", "document", wraps=True),
    Column("expected", "expected", wraps=True),
    Column("seen", "seen", wraps=True),
]
HEARD = [
    Column("url", "wire"),
    Column("question", "asked as"),
    Column("answer", "answered", wraps=True),
]
EXERCISED = [
    Column("verb", "verb"),
    Column("done", "done"),
    Column("took_s", "seconds", text=lambda took_s: f"{took_s:.2f}"),
    Column("said", "said", wraps=True),
]

#: A reader answers at once what it is asked about itself; where it is silent, a person waits.
ABOUT_ITSELF_S = 0.3

Value = TypeVar("Value")


def show_probe(session: Session, url: str, *, as_json: bool) -> None:
    """Find out what is on a port, and show it."""
    refuse_if_held(session, url)
    with waiting(f"asking who is on {url}"):
        probed = _at_the_port(probe(url, open_port))
    if as_json:
        write_json(asdict(probed))
    else:
        _write_probed(probed)
    if probed.found is None:
        raise No(f"no machine that we know answers on {url}")


def set_speed(session: Session, url: str, bit_rate: int) -> None:
    """Set the reader on a serial port to another speed, and show both."""
    if bit_rate not in RATES:
        rates = ", ".join(map(str, RATES))
        raise WrongUse(f"a reader can be set to {rates} bit/s, not to {bit_rate}")
    refuse_if_held(session, url)
    with waiting(f"setting the reader on {url}"):
        serial_number, before, now = _at_the_port(_set_speed(url, bit_rate))
    page = Page()
    path = url.partition("?")[0]
    page.facts([
        ("wire", f"{path}?{now.query}"),
        ("serial number", serial_number),
        ("speed before", str(before)),
        ("speed now", str(now)),
    ])  # fmt: skip
    page.write()


@click.command("conformance")
@click.argument("kind", type=click.Choice(KINDS))
@click.option("--wire", "url", required=True, metavar="URL", help="Where the machine is.")
@click.option(
    "--model",
    type=click.Choice(MODELS),
    metavar="MODEL",
    help=f"A make with a language of its own: {', '.join(MODELS)}.",
)
@click.option(
    "--consume", "cards", default=0, show_default=True, type=click.IntRange(0), metavar="N",
    help="Also run checks that use up a card, at most N of them.",
)  # fmt: skip
@json_option
@pass_session
def conformance_command(
    session: Session, kind: str, url: str, model: str | None, cards: int, *, as_json: bool
) -> None:
    """Check a machine against the documents of its kind.

    The machine must be idle: no card in it, or for an encoder and a reader one that may stay there.
    Registers that are changed are put right again; only --consume uses up cards.
    """
    suite = suite_of(kind, model or "")
    if model and suite == kind:
        raise WrongUse(f"there are no checks for a {kind} of model {model}")
    refuse_if_held(session, url)
    found, results = _at_the_port(_check(suite, url, cards))
    failed = sum(result.verdict is Verdict.FAIL for result in results)
    if as_json:
        machine = asdict(found.identity) if found else None
        rows = [asdict(result) for result in results]
        write_json({"kind": suite, "wire": url, "machine": machine, "checks": rows})
    else:
        _write_results(suite, url, found, results)
    if failed:
        raise No(f"{failed} of {len(results)} checks failed")


def show_exercise(session: Session, where: str, *, as_json: bool) -> None:
    """Run the machine of a station, or at a URL, through its verbs."""
    if where.startswith(PC_SC):
        refuse_if_held(session, where)
        kind, url, echo = "encoder", where, True
    elif "://" in where:
        refuse_if_held(session, where)
        with waiting(f"asking who is on {where}"):
            found = _at_the_port(probe(where, open_port)).found
        if found is None or found.identity.kind not in SUITES:
            raise No(f"no machine that we know answers on {where}")
        kind, url, echo = found.identity.kind, found.url, found.facts.get("echo") != "false"
    else:
        kind, url, echo = _station(session, where)
        refuse_if_held(session, url)
    with waiting(f"exercising the {kind}"):
        rows = [asdict(one) for one in _at_the_port(_exercise(kind, url, echo=echo))]
    if as_json:
        write_json({"kind": kind, "wire": url, "verbs": rows})
    else:
        page = Page()
        page.facts([("wire", url), ("kind", kind)])
        page.table(EXERCISED, rows)
        page.write()
    if failed := [row["verb"] for row in rows if not row["done"]]:
        raise No(f"it did not do: {', '.join(failed)}")


def _station(session: Session, name: str) -> tuple[str, str, bool]:
    """Return the kind, the wire and the echo of a station of the centre's file."""
    for line in session.config().lines:
        if name == f"{line.name}-transport":
            return "transport", line.transport.url, True
        for station in line.stations:
            if station.name == name and station.url:
                return suite_of(station.kind.value, station.model), station.url, station.echo
    raise WrongUse(f"the centre has no machine named {name}")


async def _set_speed(url: str, bit_rate: int) -> tuple[str, SerialSettings, SerialSettings]:
    """Return the reader's serial number, how it was set and how it is."""
    port = await open_port(url)
    try:
        if not isinstance(port, SerialPort):
            raise No("over TCP the serial server sets the speed, which is not ours to change")
        reader = ReadBackReader(port, ReaderTimeouts(find_timeout_s=ABOUT_ITSELF_S))
        try:
            identity = await reader.identify()
        except WrongSpeed as wrong:
            port.set(wrong.settings)
            identity = await reader.identify()
        before = port.settings
        await reader.set_bit_rate(bit_rate)
        return identity.serial_number, before, port.settings
    finally:
        await port.aclose()


async def _exercise(kind: str, url: str, *, echo: bool) -> list[Exercised]:
    machine: ChipReader | Wire
    if kind == "encoder":
        machine = await open_reader(url, echo=echo)
        tried = exercise_encoder(machine)
    else:
        machine = await open_port(url)
        tried = exercise(kind, machine)
    try:
        return [one async for one in tried]
    finally:
        await machine.aclose()


async def _check(kind: str, url: str, cards: int) -> tuple[Found | None, list[Result]]:
    wire = await open_port(url)
    try:
        found = await tell(kind, wire)
        results = []
        with progress(f"checking the {kind}", count_of(kind)) as advance:
            async for result in conformance(kind, wire, baud_of(url), cards):
                results.append(result)
                advance(1)
        return found, results
    finally:
        await wire.aclose()


def _at_the_port(work: Coroutine[Any, Any, Value]) -> Value:
    try:
        return asyncio.run(work)
    except DriverError as error:
        raise No(str(error)) from error


def _write_probed(probed: Probed) -> None:
    page = Page()
    if probed.found is not None:
        page.facts([("wire", probed.found.url), *_who(probed.found), *probed.found.facts.items()])
    if probed.heard:
        page.table(HEARD, [asdict(one) for one in probed.heard], title="What else was heard")
    if probed.found is None:
        page.text(f"tried: {', '.join(probed.tried)}")
    page.write()


def _who(found: Found) -> list[tuple[str, str]]:
    who = found.identity
    return [
        ("kind", who.kind),
        ("model", who.model),
        ("serial number", who.serial_number),
        ("firmware", who.firmware),
    ]


def _write_results(kind: str, url: str, found: Found | None, results: list[Result]) -> None:
    counts = Counter(result.verdict for result in results)
    page = Page()
    page.facts([("wire", url), *(_who(found) if found else [("kind", f"{kind}, not identified")])])
    page.table(RESULT, [asdict(result) for result in results])
    page.text("")
    page.text(", ".join(f"{counts[verdict]} {verdict}" for verdict in Verdict))
    page.write()
