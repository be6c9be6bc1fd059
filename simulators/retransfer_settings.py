"""What kind of retransfer printer is simulated; nothing about how."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RetransferSettings:
    """What kind of printer it is. Times are typical ones; all are plausible, none measured."""

    model: str = "RT-600"
    insert_s: float = 2.0
    print_s: float = 16.0  # both faces; one face takes half
    eject_s: float = 1.0
    home_s: float = 1.0
    clean_s: float = 60.0
    warm_up_s: float = 45.0  # of the roller, after power came
    film_capacity_faces: int = 2000
    ribbon_capacity_faces: int = 2000
    cleaning_interval_cards: int = 1000
    misprint_share: float = 0.004
    jam_share: float = 0.0005
    film_tear_share: float = 0.0001
