"""The card printer's status words, worked out from what its sensors see.

The words tell conditions as they are, never history: a condition that has gone has no bit.
"""

from enum import IntFlag

from simulators.printer_motions import Activity, Mishap
from simulators.printer_physics import PrinterPhysics


class Config(IntFlag):
    """First status word."""

    PRIMACY = 0x80000000
    FLIP = 0x00100000
    FEEDER = 0x00002000
    REJECT_SLOT = 0x00000020


class Information(IntFlag):
    """Second status word."""

    CARD_AT_HOPPER = 0x40000000
    CARD_IN_FEEDER = 0x20000000
    CARD_AT_PRINT_POSITION = 0x02000000
    PRINTER_MANAGES_ERRORS = 0x00800000
    RIBBON_LOW = 0x00080000
    CLEANING_MANDATORY = 0x00040000
    CLEANING_ADVISED = 0x00020000
    RESET = 0x00010000
    CLEANING_REQUIRED = 0x00000100
    PRINTING = 0x00000080
    CLEANING = 0x00000020
    BUSY = 0x00000001


class Warnings(IntFlag):
    """Third status word."""

    SUPPLY_LOW = 0x80000000
    REJECT_BOX_FULL = 0x08000000
    CARD_ON_EJECT = 0x04000000
    FEEDER_EMPTY = 0x01000000
    HOPPER_FULL = 0x00100000
    RIBBON_ENDED = 0x00080000
    COVER_OPEN = 0x00020000


class Errors(IntFlag):
    """Fourth status word."""

    COVER = 0x02000000
    MECHANICAL = 0x01000000
    RIBBON_ENDED = 0x00200000
    HOPPER_FULL = 0x00100000


def status_words(physics: PrinterPhysics, *, was_reset: bool, host_manages_errors: bool) -> str:
    """Return the four words as 32 hexadecimal digits."""
    information = _information(physics)
    if was_reset:
        information |= Information.RESET
    if not host_manages_errors:
        information |= Information.PRINTER_MANAGES_ERRORS
    config = Config.PRIMACY | Config.FLIP | Config.FEEDER
    if physics.settings.reject_capacity_cards:
        config |= Config.REJECT_SLOT
    words = (config, information, _warnings(physics), _errors(physics))
    return "".join(f"{word:08X}" for word in words)


def status_trailer(words: str) -> bytes:
    """Return what stands behind an answer's NUL when the host wants the words with every answer.

    What the first two bytes mean nobody outside the maker's house knows. The last two are a
    session, of which this printer has none.
    """
    return b"\x00\x00\x10" + bytes.fromhex(words) + b"\x02\x00\x00"


def _information(physics: PrinterPhysics) -> Information:
    conditions = {
        Information.CARD_AT_HOPPER: physics.card_at_outfeed,
        Information.CARD_IN_FEEDER: physics.card_at_infeed,
        Information.CARD_AT_PRINT_POSITION: physics.card_at_print_position,
        Information.RIBBON_LOW: physics.ribbon_low,
        Information.CLEANING_MANDATORY: physics.cleaning.overdue,
        Information.CLEANING_ADVISED: physics.cleaning.due,
        Information.CLEANING_REQUIRED: physics.cleaning.overdue,
        Information.PRINTING: physics.activity is Activity.PRINT,
        Information.CLEANING: physics.activity is Activity.CLEAN,
        Information.BUSY: physics.motion.running,
    }
    return Information(sum(bit for bit, holds in conditions.items() if holds))


def _warnings(physics: PrinterPhysics) -> Warnings:
    conditions = {
        Warnings.SUPPLY_LOW: physics.ribbon_low,
        Warnings.REJECT_BOX_FULL: physics.reject_box_full,
        Warnings.CARD_ON_EJECT: physics.card_at_outfeed,
        Warnings.FEEDER_EMPTY: not physics.card_at_infeed,
        Warnings.HOPPER_FULL: _hopper_full(physics),
        Warnings.RIBBON_ENDED: physics.ribbon_ended,
        Warnings.COVER_OPEN: physics.cover_open,
    }
    return Warnings(sum(bit for bit, holds in conditions.items() if holds))


def _errors(physics: PrinterPhysics) -> Errors:
    conditions = {
        Errors.COVER: physics.cover_open,
        Errors.MECHANICAL: physics.jammed,
        Errors.RIBBON_ENDED: physics.ribbon_ended,
        Errors.HOPPER_FULL: _hopper_full(physics),
    }
    return Errors(sum(bit for bit, holds in conditions.items() if holds))


def _hopper_full(physics: PrinterPhysics) -> bool:
    """Tell whether a card waits inside for the last one to be taken away."""
    return physics.card_at_outfeed and physics.last_mishap is Mishap.OUTFEED_TAKEN
