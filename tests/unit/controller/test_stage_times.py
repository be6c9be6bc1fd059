"""Service times per card: what the bound of a makespan rests on."""

from controller.stage_times import StageTimes, Window, per_card_s
from jobs.events import Draft, Event, Kind
from jobs.states import StationState
from simulators.machine import Drawn


def test_a_motion_that_begins_where_two_works_meet_belongs_to_the_second() -> None:
    works = [Window("printer-1", 0.0, 2.0, "C-1"), Window("printer-1", 2.0, 10.0, "C-2")]
    motions = {"printer-1": [Drawn(100.0, 2.0, "insert"), Drawn(102.0, 8.0, "print")]}
    assert per_card_s(works, motions, origin_s=100.0) == {"C-1": 2.0, "C-2": 8.0}


def test_times_of_the_ledger_are_whole_microseconds_and_still_find_their_motion() -> None:
    works = [Window("reader-1", 1.000001, 3.000001, "C-1")]
    motions = {"reader-1": [Drawn(1.0000004, 2.0, "read"), Drawn(3.0000009, 2.0, "read")]}
    assert per_card_s(works, motions, origin_s=0.0) == {"C-1": 2.0}


def changed(at_s: float, state: StationState) -> Event:
    draft = Draft(Kind.STATION_CHANGED, "centre", {"state": state.value}, station="printer-1")
    return Event(1, round(at_s * 1e6), 1, draft, previous="", digest="")


def test_a_stop_is_split_where_a_neighbours_reason_becomes_an_own_one() -> None:
    stages = StageTimes(lambda: 0)
    for at_s, state in (
        (10.0, StationState.SUSPENDED),
        (15.0, StationState.HELD),
        (18.0, StationState.UNHOLDING),
        (20.0, StationState.EXECUTE),
        (30.0, StationState.EXECUTE),
        (40.0, StationState.ABORTED),
    ):
        stages.see(changed(at_s, state))
    assert stages.stops_within(0.0, 50.0) == [
        Window("printer-1", 10.0, 15.0, suspended=True),
        Window("printer-1", 15.0, 20.0),
        Window("printer-1", 40.0, 50.0),  # lasts still
    ]
    assert stages.stops_within(12.0, 16.0) == [
        Window("printer-1", 12.0, 15.0, suspended=True),
        Window("printer-1", 15.0, 16.0),
    ]
