"""What the card printer's board reads out when it is asked: counters, sensors, ribbon.

Each reading has one name as its parameter; an unknown one reads nothing. No command here changes
anything; what a command does is `printer_firmware.py`'s business.
"""

from collections.abc import Callable, Mapping
from typing import Final

from simulators.printer_bitmap import COLOUR_PANELS
from simulators.printer_physics import PrinterPhysics
from simulators.printer_ribbon import ribbon_memory

#: What a sensor tells when it sees something, when not, and where the board draws the line.
_SEEN_V, _NOT_SEEN_V, _THRESHOLD_V = "4.50", "0.50", "2.50"

Reading = Callable[[PrinterPhysics, str], str | None]


def _counter(physics: PrinterPhysics, name: str) -> str | None:
    cleaning = physics.cleaning
    counters = {
        "p": physics.panels_printed,
        "c": physics.cards_inserted,
        "card": physics.cards_inserted,
        "l": physics.ribbon_left,
        "a": cleaning.interval_cards,
        "m": cleaning.interval_cards,
        "n": cleaning.times,
        "clean": cleaning.cards_since,
    }
    return str(counters[name]) if name in counters else None


def _sensors(physics: PrinterPhysics) -> Mapping[str, bool]:
    return {
        "c": physics.settings.ribbon[0] in COLOUR_PANELS,
        "m": physics.card_at_infeed,
        "o": physics.cover_open,
        "p": physics.card_at_print_position,
        "r": physics.motion.running,
    }


def _sensor(physics: PrinterPhysics, name: str) -> str | None:
    sees = _sensors(physics).get(name)
    return None if sees is None else _SEEN_V if sees else _NOT_SEEN_V


def _threshold(physics: PrinterPhysics, name: str) -> str | None:
    return _THRESHOLD_V if name in _sensors(physics) else None


def _ribbon(physics: PrinterPhysics, name: str) -> str | None:
    settings = physics.settings
    memory = ribbon_memory(settings.ribbon, physics.ribbon_left, settings.ribbon_capacity_cards)
    return memory.get(name)


def _feeder_level(physics: PrinterPhysics, name: str) -> str | None:
    if name not in {"f", "w"}:
        return None
    return "0" if physics.card_at_infeed else "3"


#: By the command that asks.
READINGS: Final[Mapping[str, Reading]] = {
    "Rco": _counter,
    "Rps": _threshold,
    "Rrt": _ribbon,
    "Rse": _sensor,
    "Sk": _feeder_level,
}
