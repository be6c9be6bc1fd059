"""What a card printer must do about its care: its thresholds, its cleaning, its own reject slot.

Nothing here cleans it or uses up a card: for that a person has to put something in.
"""

from typing import Final

from drivers.conformance.bench import Bench, Run
from drivers.conformance.check import Failed, Skipped
from drivers.conformance.printer_bitmaps import MOTION_S
from drivers.conformance.printer_dialogue import INSIDE, ask, count, settled, words

OPTION_WORDS: Final = ("OPT NOT AVAILABLE", "OPTION NOT AVAILABLE")
FEEDER_EMPTY: Final = 0x01000000
REJECT_SLOT: Final = 0x00000020


async def needs_an_empty_printer(bench: Bench) -> None:
    """Skip a check that would do something to a card which is there."""
    _, information, warning, _ = await words(bench)
    if information & INSIDE or not warning & FEEDER_EMPTY:
        raise Skipped("a card is in the printer or its feeder")


async def _cleans_without_a_card(bench: Bench) -> str:
    await needs_an_empty_printer(bench)
    return await refuses_to_clean(bench, "FEEDER EMPTY")


async def refuses_to_clean(bench: Bench, wanted: str) -> str:
    """Ask for a cleaning that cannot be; nothing may be counted."""
    names = ("Rco;n", "Rco;c", "Rco;p", "Rco;l")
    before = [await count(bench, name) for name in names]
    text = await ask(bench, "Scp", MOTION_S)
    if text in OPTION_WORDS:
        raise Skipped(f"this model does not have it: {text}")
    await settled(bench)
    after = [await count(bench, name) for name in names]
    if text != wanted or after != before:
        raise Failed(f"{text}, counters from {before} to {after}")
    return text


async def _rejects_without_a_slot(bench: Bench) -> str:
    await needs_an_empty_printer(bench)
    configuration, _, _, _ = await words(bench)
    if configuration & REJECT_SLOT:
        raise Skipped("this printer has a reject slot")
    text = await ask(bench, "Ser", MOTION_S)
    if text not in OPTION_WORDS:
        raise Failed(text)
    return text


CARE_ROWS: Final[list[tuple[str, str, str, Run]]] = [
    ("a cleaning without its card (Scp)", "devices 4.2", "FEEDER EMPTY, nothing counted",
     _cleans_without_a_card),
    ("a reject without a slot for it (Ser)", "devices 4.2", "OPT NOT AVAILABLE",
     _rejects_without_a_slot),
]  # fmt: skip
