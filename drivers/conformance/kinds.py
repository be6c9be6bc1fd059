"""Which table and which bench belong to each kind of machine, and the running of it on a wire.

A make with a language of its own has a suite of its own: "retransfer printer". The first make of a
kind has the kind's name.
"""

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
    retransfer,
    retransfer_dialogue,
    sdt_dialogue,
    transport,
)
from drivers.conformance.bench import Bench
from drivers.conformance.check import Result, run_checks
from drivers.wire import Wire

_TABLES: Final = {
    "printer": (printer.CHECKS, printer_dialogue.is_whole),
    "retransfer printer": (retransfer.CHECKS, retransfer_dialogue.is_whole),
    "laminator": (laminator.CHECKS, modbus_dialogue.is_whole),
    "transport": (transport.CHECKS, modbus_dialogue.is_whole),
    "encoder": (encoder.CHECKS, ccid_dialogue.is_whole),
}
SUITES: Final = (*_TABLES, "reader")
KINDS: Final = tuple(suite for suite in SUITES if " " not in suite)
MODELS: Final = tuple(suite.split()[0] for suite in SUITES if " " in suite)


def suite_of(kind: str, model: str) -> str:
    """Return the suite of a machine; one whose model has none of its own has its kind's."""
    named = f"{model} {kind}"
    return named if named in SUITES else kind


def count_of(suite: str) -> int:
    """Return how many checks there are in a suite."""
    return len(reader.CHECKS) if suite == "reader" else len(_TABLES[suite][0])


def conformance(suite: str, wire: Wire, baud: int | None, cards: int) -> AsyncIterator[Result]:
    """Run all checks of a suite; `baud` is the wire's rate where it is known."""
    if suite == "reader":
        bench = sdt_dialogue.ReaderBench(wire, sdt_dialogue.is_whole, baud)
        return run_checks(reader.CHECKS, bench, cards)
    checks, is_whole = _TABLES[suite]
    return run_checks(checks, Bench(wire, is_whole, baud), cards)
