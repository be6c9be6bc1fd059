"""A made-up shift, and every figure of it worked out by hand."""

from collections.abc import Sequence
from datetime import date

import pytest

from jobs.indicators import bottleneck_kind, of_line, of_station
from jobs.shifts import ShiftSpan
from jobs.states import StationState
from jobs.station_time import TimeAccount, time_account
from tests.unit.jobs.told_line import SECOND_US, STATIONS, ToldLine

PRINTER, READER, TRANSPORT = 0, 3, 4
#: What an item should take: 2 + 14 = 16 s at a printer, 2 s at a reader.
PLANNED_US = {
    ("printer", "insert"): 2 * SECOND_US,
    ("printer", "print"): 14 * SECOND_US,
    ("reader", "read_back"): 2 * SECOND_US,
}
HOUR = (ShiftSpan("early", date(2005, 9, 5), 0, 3_600 * SECOND_US),)


def printed(told: ToldLine, from_s: int, cards: Sequence[int], bad_from: int = 1_000) -> int:
    """Print cards one after the other, 20 s each; return when the last is out."""
    for number in cards:
        card = f"C-{number}"
        told.issued(from_s, card)
        told.changed(from_s, card, place="printer-1 infeed")
        told.does(from_s, from_s + 2, "printer-1", "insert", card, place="printer-1 inside")
        bad = {"outcome": "unknown", "trigger": "doubt", "reason": "?"}
        result = bad if number >= bad_from else {"trigger": "print"}
        told.does(from_s + 2, from_s + 20, "printer-1", "print", card, place="", **result)
        from_s += 20
    return from_s


def a_shift() -> ToldLine:
    """The printer's hour.

    | from | until | seconds | what |
    | --- | --- | --- | --- |
    | 0 | 100 | 100 | warms up |
    | 100 | 2,100 | 2,000 | prints 100 cards |
    | 2,100 | 2,400 | 300 | held: no ribbon |
    | 2,400 | 3,000 | 600 | prints 30 cards |
    | 3,000 | 3,190 | 190 | has no card; the reader reads 40, of which 36 are good |
    | 3,190 | 3,290 | 100 | jammed |
    | 3,290 | 3,390 | 100 | warms up |
    | 3,390 | 3,590 | 200 | prints 10 cards, 7 of which come out doubtful |
    | 3,590 | 3,600 | 10 | has no card; 120 of the 140 cards are packed, 20 are spoiled |
    """
    told = ToldLine()
    told.station(0, "printer-1", StationState.RESETTING)
    told.station(100, "printer-1", StationState.EXECUTE)
    assert printed(told, 100, range(100)) == 2_100
    told.station(2_100, "printer-1", StationState.HELD, "device.consumable_empty")
    told.station(2_400, "printer-1", StationState.EXECUTE)
    assert printed(told, 2_400, range(100, 130)) == 3_000
    for number in range(40):
        verdict = {"trigger": "verify"} if number < 36 else {"reason": "read-back differs: photo"}
        begins_s = 3_000 + 2 * number
        told.does(begins_s, begins_s + 2, "reader-1", "read_back", f"C-{number}", **verdict)
    told.station(3_190, "printer-1", StationState.ABORTED, "device.jam")
    told.station(3_290, "printer-1", StationState.RESETTING)
    told.station(3_390, "printer-1", StationState.EXECUTE)
    assert printed(told, 3_390, range(130, 140), bad_from=133) == 3_590
    for number in range(140):
        end = {"trigger": "pack"} if number < 120 else {"trigger": "spoil", "reason": "?"}
        told.changed(3_595, f"C-{number}", **end)
    return told


def account_of(told: ToldLine, until_s: int = 3_600) -> TimeAccount:
    return time_account(told.events, STATIONS, HOUR, 0, until_s * SECOND_US)


def test_a_printers_shift() -> None:
    printer = of_station(account_of(a_shift()).stations[PRINTER], PLANNED_US)
    # APT 2,000 + 600 + 200; AUST 100 + 100; ADET 300 + 100; ADOT 190 + 10.
    assert printer.apt_us == 2_800 * SECOND_US
    assert printer.aust_us == 200 * SECOND_US
    assert printer.adet_us == 400 * SECOND_US
    assert printer.adot_us == 200 * SECOND_US
    assert printer.aubt_us == 3_400 * SECOND_US  # 2,800 + 200 + 400
    assert printer.pbt_us == 3_600 * SECOND_US  # the shift
    assert (printer.produced, printer.good) == (140, 133)
    assert printer.availability == pytest.approx(7 / 9)  # 2,800 / 3,600
    assert printer.effectiveness == pytest.approx(0.8)  # 140 x 16 = 2,240; / 2,800
    assert printer.quality_ratio == pytest.approx(0.95)  # 133 / 140
    # 7/9 x 0.8 x 0.95 = 0.5911; the same as the good cards' planned time: 133 x 16 / 3,600.
    assert printer.oee_index == pytest.approx(133 * 16 / 3_600)
    assert printer.first_pass_yield is None  # a printer inspects nothing


def test_a_readers_shift() -> None:
    reader = of_station(account_of(a_shift()).stations[READER], PLANNED_US)
    assert reader.apt_us == 80 * SECOND_US  # 40 cards, 2 s each
    assert reader.adot_us == 3_520 * SECOND_US
    assert reader.effectiveness == pytest.approx(1.0)  # 40 x 2 / 80
    assert reader.first_pass_yield == pytest.approx(0.9)  # 36 / 40
    assert reader.quality_ratio == pytest.approx(0.9)


def test_a_lines_shift() -> None:
    line = of_line(account_of(a_shift()), "line-1", PLANNED_US)
    assert line.bottleneck_kind == "printer"
    assert line.bottleneck is not None
    assert line.bottleneck.availability == pytest.approx(7 / 9)
    # The line's quality: 120 of the 140 cards that ended. 7/9 x 0.8 x 6/7 = 0.5333.
    assert line.bottleneck.quality_ratio == pytest.approx(6 / 7)
    assert line.bottleneck.oee_index == pytest.approx(120 * 16 / 3_600)
    assert line.bottleneck.first_pass_yield == pytest.approx(0.9)
    # Four stations with 3,600 s each; printer and reader produced 2,800 + 80 = 2,880 of 14,400 s.
    assert line.stations.pbt_us == 14_400 * SECOND_US
    assert line.stations.availability == pytest.approx(0.2)
    # Planned: 140 x 16 + 40 x 2 = 2,320 of those 2,880 s.
    assert line.stations.effectiveness == pytest.approx(2_320 / 2_880)
    assert line.stations.first_pass_yield == pytest.approx(0.9)


def test_a_ratio_without_a_denominator_is_none() -> None:
    told = ToldLine()
    idle = account_of(told)
    printer = of_station(idle.stations[PRINTER], PLANNED_US)
    assert (printer.availability, printer.effectiveness) == (0.0, None)
    assert (printer.quality_ratio, printer.oee_index) == (None, None)
    holiday = time_account(told.events, STATIONS, (), 0, 3_600 * SECOND_US)
    assert of_station(holiday.stations[PRINTER], PLANNED_US).availability is None
    line = of_line(holiday, "line-1", PLANNED_US)
    assert (line.bottleneck_kind, line.bottleneck) == ("", None)
    assert line.stations.oee_index is None


def test_overtime_counts_as_planned_once_it_is_worked() -> None:
    told = ToldLine()
    printed(told, 3_500, range(10))
    account = account_of(told, 7_200)
    printer = of_station(account.stations[PRINTER], PLANNED_US)
    # 200 s of production, 100 s of them after the shift; what was left of the hour it starved.
    assert account.stations[PRINTER].overtime_us == 100 * SECOND_US
    assert printer.apt_us == 200 * SECOND_US
    assert printer.pbt_us == 3_700 * SECOND_US


def test_the_bottleneck_is_the_kind_that_waits_least_even_while_it_is_down() -> None:
    told = ToldLine()
    printed(told, 0, range(10))
    told.station(200, "encoder-1", StationState.ABORTED, "device.fault")
    # The printer waits 3,400 s; the encoder is down for as long and waited only 200 s.
    assert bottleneck_kind(account_of(told).stations) == "encoder"


def test_an_act_without_a_planned_time_is_a_mistake_of_the_caller() -> None:
    told = ToldLine()
    told.issued(0, "C-1")
    told.moves(0, 2, "C-1", "printer-1 infeed")
    with pytest.raises(KeyError):
        of_station(account_of(told).stations[TRANSPORT], PLANNED_US)
