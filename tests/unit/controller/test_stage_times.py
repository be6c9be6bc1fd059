"""Service times per card: what the bound of a makespan rests on."""

from controller.stage_times import Window, per_card_s
from simulators.machine import Drawn


def test_a_motion_that_begins_where_two_works_meet_belongs_to_the_second() -> None:
    works = [Window("printer-1", 0.0, 2.0, "C-1"), Window("printer-1", 2.0, 10.0, "C-2")]
    motions = {"printer-1": [Drawn(100.0, 2.0, "insert"), Drawn(102.0, 8.0, "print")]}
    assert per_card_s(works, motions, origin_s=100.0) == {"C-1": 2.0, "C-2": 8.0}


def test_times_of_the_ledger_are_whole_microseconds_and_still_find_their_motion() -> None:
    works = [Window("reader-1", 1.000001, 3.000001, "C-1")]
    motions = {"reader-1": [Drawn(1.0000004, 2.0, "read"), Drawn(3.0000009, 2.0, "read")]}
    assert per_card_s(works, motions, origin_s=0.0) == {"C-1": 2.0}
