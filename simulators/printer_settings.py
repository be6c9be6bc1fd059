"""What kind of card printer is simulated; nothing about how."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PrinterSettings:
    """What kind of printer it is. Times are typical ones; all are plausible, none measured."""

    model: str = "Primacy-like"
    insert_s: float = 2.0
    print_s: float = 16.0  # both faces with turning over and ejecting; one face takes half
    eject_s: float = 1.0  # turning over without printing takes as long
    clean_s: float = 60.0
    ribbon: str = "ko"  # its panels, in order
    ribbon_capacity_cards: int = 1000  # about 200 for a colour ribbon
    ribbon_low_cards: int = 50
    cleaning_interval_cards: int = 1000
    reject_capacity_cards: int = 0  # of a reject box of its own; 0: there is none
    misprint_share: float = 0.004
    jam_share: float = 0.0005
