"""Which table and which bench belong to each kind of machine, and the running of it on a wire."""

from collections.abc import AsyncIterator
from typing import Final

from drivers.conformance import (
    ccid_dialogue,
    encoder,
    laminator,
    modbus_dialogue,
    printer,
    printer_dialogue,
    reader,
    sdt_dialogue,
    transport,
)
from drivers.conformance.bench import Bench
from drivers.conformance.check import Result, run_checks
from drivers.wire import Wire

_TABLES: Final = {
    "printer": (printer.CHECKS, printer_dialogue.is_whole),
    "laminator": (laminator.CHECKS, modbus_dialogue.is_whole),
    "transport": (transport.CHECKS, modbus_dialogue.is_whole),
    "encoder": (encoder.CHECKS, ccid_dialogue.is_whole),
}
KINDS: Final = (*_TABLES, "reader")


def count_of(kind: str) -> int:
    """Return how many checks there are for a kind."""
    return len(reader.CHECKS) if kind == "reader" else len(_TABLES[kind][0])


def conformance(kind: str, wire: Wire, baud: int | None, cards: int) -> AsyncIterator[Result]:
    """Run all checks of a kind; `baud` is the wire's rate where it is known."""
    if kind == "reader":
        bench = sdt_dialogue.ReaderBench(wire, sdt_dialogue.is_whole, baud)
        return run_checks(reader.CHECKS, bench, cards)
    checks, is_whole = _TABLES[kind]
    return run_checks(checks, Bench(wire, is_whole, baud), cards)
