"""Every line of the causes' table, the shifts over it, and what is counted, told by hand."""

from datetime import date
from itertools import pairwise

import pytest

from config.centre import load_centre, shipped_centre
from controller.failures import FAILURES, Reaction
from jobs.shifts import ShiftSpan
from jobs.states import StationState
from jobs.station_causes import DOWN_CODES
from jobs.station_time import station_spans, time_account
from jobs.station_works import CARD_FAULTS
from jobs.timed_stations import stations_of
from tests.unit.jobs.told_line import SECOND_US, STATIONS, ToldLine

S = StationState
Told = list[tuple[str, str, float, float]]


def shift(begins_s: float, ends_s: float) -> ShiftSpan:
    return ShiftSpan(
        "day", date(2005, 9, 5), round(begins_s * SECOND_US), round(ends_s * SECOND_US)
    )


ALWAYS = (shift(-1_000, 1_000_000),)


def spans_of(
    station: str,
    told: ToldLine,
    until_s: float,
    from_s: float = 0,
    shifts: tuple[ShiftSpan, ...] = ALWAYS,
) -> Told:
    """Return (cause, reason, begin, end) of a station, and see that they tile the stretch."""
    spans = [
        span
        for span in station_spans(
            told.events, STATIONS, shifts, round(from_s * SECOND_US), round(until_s * SECOND_US)
        )
        if span.station == station
    ]
    assert spans[0].begins_us == from_s * SECOND_US
    assert spans[-1].ends_us == until_s * SECOND_US
    assert all(one.ends_us == two.begins_us for one, two in pairwise(spans))
    return [
        (one.cause.value, one.reason, one.begins_us / SECOND_US, one.ends_us / SECOND_US)
        for one in spans
    ]


def test_a_printer_produces_from_the_cards_arrival_until_it_is_out() -> None:
    told = ToldLine()
    told.issued(5, "C-1")
    told.moves(5, 7, "C-1", "printer-1 infeed")
    told.does(7.5, 9, "printer-1", "insert", "C-1", place="printer-1 inside")
    told.does(9.25, 25, "printer-1", "print", "C-1", place="printer-1 outfeed", trigger="print")
    # From 7 to 7.5 and from 9 to 9.25 it reads its counters: the machine's part between works.
    assert spans_of("printer-1", told, 30) == [
        ("starved", "", 0, 7),
        ("producing", "", 7, 25),
        ("starved", "", 25, 30),  # the card at its outfeed hinders nobody
    ]
    assert spans_of("line-1-transport", told, 30) == [
        ("starved", "", 0, 5),
        ("producing", "", 5, 7),
        ("starved", "", 7, 30),
    ]


def laminated(told: ToldLine, card: str, from_s: float) -> None:
    """Bring a printed card into the laminator and press it for 10 s."""
    told.issued(from_s, card)
    told.changed(from_s, card, trigger="print", place="laminator-1 infeed")
    told.does(
        from_s, from_s + 10, "laminator-1", "laminate", card,
        place="laminator-1 inside", trigger="laminate",
    )  # fmt: skip


def test_a_laminator_is_blocked_while_its_outfeed_is_taken() -> None:
    told = ToldLine()
    laminated(told, "C-1", 0)
    told.does(10, 12, "laminator-1", "eject", "C-1", place="laminator-1 outfeed")
    laminated(told, "C-2", 15)
    told.moves(38, 40, "C-1", "encoder-1 infeed")
    told.does(41, 43, "laminator-1", "eject", "C-2", place="laminator-1 outfeed")
    assert spans_of("laminator-1", told, 50) == [
        ("producing", "", 0, 12),
        ("starved", "", 12, 15),
        ("producing", "", 15, 25),
        ("blocked", "", 25, 40),  # C-2 cannot get out before C-1 has been taken away
        ("producing", "", 40, 43),
        ("starved", "", 43, 50),
    ]


def test_an_encoder_is_blocked_until_its_card_is_taken_away() -> None:
    told = ToldLine()
    told.issued(0, "C-1")
    told.changed(0, "C-1", trigger="print")
    told.changed(0, "C-1", trigger="laminate")
    told.moves(0, 2, "C-1", "encoder-1 infeed")
    told.does(2, 8, "encoder-1", "encode", "C-1", trigger="encode")
    told.moves(11, 13, "C-1", "reader-1 infeed")
    assert spans_of("encoder-1", told, 20) == [
        ("starved", "", 0, 2),
        ("producing", "", 2, 8),
        ("blocked", "", 8, 13),
        ("starved", "", 13, 20),
    ]
    assert spans_of("reader-1", told, 20) == [("starved", "", 0, 13), ("producing", "", 13, 20)]


@pytest.mark.parametrize("why", [{"reason": "misprint"}, {"trigger": "doubt", "reason": "?"}])
def test_a_card_that_is_not_to_be_worked_on_blocks_the_station_that_it_lies_in(
    why: dict[str, str],
) -> None:
    told = ToldLine()
    told.issued(0, "C-1")
    told.changed(0, "C-1", place="printer-1 inside")
    told.changed(3, "C-1", **why)
    told.changed(8, "C-1", trigger="spoil", place="reject bin")
    assert spans_of("printer-1", told, 10) == [
        ("producing", "", 0, 3),
        ("blocked", "", 3, 8),
        ("starved", "", 8, 10),
    ]


def test_a_doubt_that_is_settled_leaves_the_card_as_it_was() -> None:
    told = ToldLine()
    told.issued(0, "C-1")
    told.changed(0, "C-1", place="printer-1 inside")
    told.changed(3, "C-1", trigger="doubt", reason="link.reply_timeout during print")
    told.changed(5, "C-1", trigger="settle", place="printer-1 infeed")
    assert spans_of("printer-1", told, 10) == [
        ("producing", "", 0, 3),
        ("blocked", "", 3, 5),
        ("producing", "", 5, 10),
    ]


def test_the_way_out_of_a_hold_belongs_to_the_hold_and_that_of_an_abort_to_the_fault() -> None:
    told = ToldLine()
    told.station(10, "printer-1", S.HELD, "device.consumable_empty", "The ribbon is used up.")
    told.station(20, "printer-1", S.UNHOLDING)
    told.station(25, "printer-1", S.EXECUTE)
    told.station(30, "printer-1", S.ABORTED, "device.jam", "A card is stuck.")
    told.station(40, "printer-1", S.STOPPED)  # cleared
    told.station(45, "printer-1", S.RESETTING)
    told.station(50, "printer-1", S.EXECUTE)
    assert spans_of("printer-1", told, 60) == [
        ("starved", "", 0, 10),
        ("held", "device.consumable_empty", 10, 25),
        ("starved", "", 25, 30),
        ("down", "device.jam", 30, 45),
        ("changeover", "", 45, 50),
        ("starved", "", 50, 60),
    ]


def test_a_technician_at_a_machine_that_was_down_mends_it_and_at_a_sound_one_stops_it() -> None:
    told = ToldLine()
    told.station(10, "printer-1", S.EXECUTE)
    told.station(20, "printer-1", S.STOPPED, "maintenance", "new head")
    told.station(30, "printer-1", S.STOPPED, "operator", "maintenance ended")
    told.station(40, "printer-1", S.RESETTING)
    told.station(50, "printer-1", S.ABORTED, "device.jam", "A card is stuck.")
    told.station(60, "printer-1", S.STOPPED, "maintenance", "a stuck card")
    told.station(70, "printer-1", S.STOPPED, "operator", "maintenance ended")
    told.station(80, "printer-1", S.RESETTING)
    told.station(85, "printer-1", S.EXECUTE)
    told.station(90, "printer-1", S.HELD, "wire.closed", "The wire hung up.")
    told.station(95, "printer-1", S.STOPPED, "maintenance", "new cable")
    assert spans_of("printer-1", told, 100, from_s=10) == [
        ("starved", "", 10, 20),
        ("stopped", "maintenance", 20, 30),
        ("stopped", "operator", 30, 40),
        ("changeover", "", 40, 50),
        ("down", "device.jam", 50, 80),
        ("changeover", "", 80, 85),
        ("starved", "", 85, 90),
        ("down", "wire.closed", 90, 100),
    ]


def test_an_act_that_a_technician_interrupts_is_not_produced_on() -> None:
    told = ToldLine()
    told.issued(0, "C-1")
    told.moves(0, 2, "C-1", "encoder-1 infeed")
    told.begun(2, "encoder-1", "encode", "C-1")
    told.station(10, "encoder-1", S.STOPPED, "maintenance", "new contacts")
    assert ("stopped", "maintenance", 10, 50) in spans_of("encoder-1", told, 50)


def test_a_restart_ends_an_abort_without_anybody_having_cleared_it() -> None:
    told = ToldLine()
    told.station(10, "printer-1", S.ABORTED, "device.jam", "A card is stuck.")
    told.station(20, "printer-1", S.STOPPED, "", "restart")
    assert spans_of("printer-1", told, 30)[1:] == [
        ("down", "device.jam", 10, 20),
        ("stopped", "restart", 20, 30),
    ]


def test_a_hold_for_a_dead_wire_is_down_and_its_open_work_does_not_go_on() -> None:
    told = ToldLine()
    told.issued(0, "C-1")
    told.changed(0, "C-1", place="printer-1 inside")
    told.begun(0, "printer-1", "print", "C-1")
    told.station(15, "printer-1", S.HELD, "wire.closed", "The wire was closed.")
    told.station(30, "printer-1", S.UNHOLDING)
    told.ended(31, "printer-1", "C-1", outcome="unknown", trigger="doubt", told_by="evidence")
    told.station(32, "printer-1", S.EXECUTE)
    assert spans_of("printer-1", told, 40) == [
        ("producing", "", 0, 15),
        ("down", "wire.closed", 15, 32),
        ("blocked", "", 32, 40),
    ]


def test_what_goes_on_is_finished_when_a_person_holds_or_stops_or_the_transport_rests() -> None:
    told = ToldLine()
    told.issued(0, "C-1")
    for begin_s, state, code, after in (
        (0, S.HELD, "operator", ("held", "operator")),
        (20, S.STOPPED, "operator", ("stopped", "operator")),
        (40, S.SUSPENDED, "", ("blocked", "suspended")),
    ):
        told.begun(begin_s, "printer-1", "print", "C-1")
        told.station(begin_s + 5, "printer-1", state, code, "line-1-transport is Held")
        told.ended(begin_s + 10, "printer-1", "C-1", place="reject bin")
        told.station(begin_s + 15, "printer-1", S.EXECUTE)
        found = spans_of("printer-1", told, begin_s + 20, begin_s)
        assert found == [
            ("producing", "", begin_s, begin_s + 10),
            (*after, begin_s + 10, begin_s + 15),
            ("starved", "", begin_s + 15, begin_s + 20),
        ]


def test_a_line_that_does_not_run_has_stopped_stations_where_they_would_starve() -> None:
    told = ToldLine()
    told.issued(0, "C-1")
    told.changed(0, "C-1", trigger="print")
    told.changed(0, "C-1", trigger="laminate", place="encoder-1 infeed")
    told.line(4, running=False, reason="Li Ming wants to go home")
    told.does(5, 10, "encoder-1", "encode", "C-1", trigger="encode")
    assert spans_of("encoder-1", told, 20) == [
        ("producing", "", 0, 10),
        ("blocked", "", 10, 20),
    ]
    # The reason is a word of ours: a person may type anything, a name included.
    assert spans_of("printer-1", told, 20) == [("starved", "", 0, 4), ("stopped", "line", 4, 20)]


def test_from_the_last_event_until_the_ledger_is_opened_again_nothing_ran() -> None:
    told = ToldLine()
    told.issued(5, "C-1")
    told.begun(10, "printer-1", "print", "C-1")  # then the power fails
    told.opened(3_000)
    told.station(3_000, "printer-1", S.STOPPED, "", "restart")
    told.station(3_001, "printer-1", S.RESETTING)
    told.ended(3_002, "printer-1", "C-1", place="printer-1 outfeed", told_by="evidence")
    told.station(3_003, "printer-1", S.EXECUTE)
    assert spans_of("printer-1", told, 3_010) == [
        ("starved", "", 0, 10),
        ("stopped", "restart", 10, 3_001),  # what the printer did by itself nobody knows
        ("changeover", "", 3_001, 3_003),
        ("starved", "", 3_003, 3_010),
    ]
    assert spans_of("laminator-1", told, 3_010, 1_000) == [("stopped", "restart", 1_000, 3_010)]


def test_before_a_station_was_ever_started_it_is_stopped() -> None:
    told = ToldLine(at_work=False)
    told.opened(0, first=True)
    told.line(0, running=True)
    told.station(4, "printer-1", S.RESETTING)
    assert spans_of("printer-1", told, 10) == [("stopped", "", 0, 4), ("changeover", "", 4, 10)]


def test_outside_the_shifts_only_what_is_produced_counts_as_overtime() -> None:
    told = ToldLine()
    told.issued(0, "C-1")
    told.changed(0, "C-1", place="printer-1 inside")
    told.does(15, 25, "printer-1", "print", "C-1", place="printer-1 outfeed", trigger="print")
    told.station(28, "printer-1", S.ABORTED, "device.jam")
    shifts = (shift(-100, 5), shift(5, 20), shift(30, 40), shift(50, 60))
    assert spans_of("printer-1", told, 45, 0, shifts) == [
        ("producing", "", 0, 20),
        ("producing", "overtime", 20, 25),
        ("off shift", "", 25, 30),
        ("down", "device.jam", 30, 40),
        ("off shift", "", 40, 45),
    ]
    assert spans_of("reader-1", told, 45, 0, ()) == [("off shift", "", 0, 45)]


def test_a_card_that_was_issued_before_the_events_is_known_from_its_first_work() -> None:
    told = ToldLine()
    told.does(3, 9, "encoder-1", "encode", "C-1", trigger="encode")
    told.begun(12, "line-1-transport", "move", "C-1", source="encoder-1 infeed")
    told.ended(14, "line-1-transport", "C-1", place="tray 0", trigger="pack")
    told.changed(15, "C-9", trigger="spoil", place="reject bin", reason="misprint")
    assert spans_of("encoder-1", told, 20)[:2] == [("starved", "", 0, 3), ("producing", "", 3, 9)]
    assert spans_of("line-1-transport", told, 20)[-1] == ("starved", "", 14, 20)


def test_codes_are_sorted_as_the_table_of_failures_sorts_them() -> None:
    down = {Reaction.REOPEN, Reaction.RETRY}
    assert {error.code for error, why in FAILURES.items() if why in down} == DOWN_CODES
    blamed = {error.code for error, why in FAILURES.items() if why is Reaction.BLAME_CARD}
    assert blamed == CARD_FAULTS


def test_a_centres_stations_are_those_of_its_file_with_the_transport_last() -> None:
    stations = stations_of(load_centre(shipped_centre("simulated")))
    assert len(stations) == 11
    assert (stations[0].name, stations[0].kind) == ("printer-1", "printer")
    assert (stations[-1].name, stations[-1].kind) == ("line-1-transport", "transport")
    assert {station.line for station in stations} == {"line-1"}


# What is counted


def test_works_count_by_act_when_they_end_within_the_stretch() -> None:
    told = ToldLine()
    for number, begin_s in enumerate((0, 20, 40, 60), start=1):
        card = f"C-{number}"
        told.issued(begin_s, card)
        told.does(begin_s, begin_s + 1, "printer-1", "insert", card, place="printer-1 inside")
        told.does(
            begin_s + 1, begin_s + 10 + number, "printer-1", "print", card,
            place="printer-1 outfeed", trigger="print",
        )  # fmt: skip
    account = time_account(told.events, STATIONS, ALWAYS, 11 * SECOND_US, 74 * SECOND_US)
    printer = account.stations[0]
    # The first print ends at 11.0, the first moment of the stretch; the last at 74.0, after it.
    assert (printer.works_done, printer.works_rejected) == (3, 0)
    assert dict(printer.works.acts) == {"insert": 3, "print": 3}
    assert account.median_us == {
        ("printer", "insert"): 1 * SECOND_US,
        ("printer", "print"): 11 * SECOND_US,  # of 10, 11 and 12 s
    }


def test_a_work_that_was_not_done_is_no_product_unless_its_card_is_given_up_for_it() -> None:
    told = ToldLine()
    told.issued(0, "C-1")
    told.issued(0, "C-2")
    fault = {"outcome": "not_done", "told_by": "evidence", "error": "chip.mute"}
    told.does(0, 5, "encoder-1", "encode", "C-1", **fault)  # a second chance, and it is good
    told.does(5, 10, "encoder-1", "encode", "C-1", trigger="encode")
    told.changed(10, "C-1", reason="misprint")  # is given up later, and not for its chip
    told.does(10, 15, "encoder-1", "encode", "C-2", **fault)
    told.changed(15, "C-2", reason="chip.mute")
    told.does(16, 17, "encoder-1", "encode", "C-3", outcome="not_done", error="wire.closed")
    account = time_account(told.events, STATIONS, ALWAYS, 0, 20 * SECOND_US)
    encoder = account.stations[2]
    assert (encoder.works_done, encoder.works_rejected) == (2, 1)
    assert account.median_us == {("encoder", "encode"): 5 * SECOND_US}


def test_only_a_cards_first_inspection_is_a_first_pass() -> None:
    told = ToldLine()
    for card in ("C-1", "C-2", "C-3", "C-4"):
        told.issued(0, card)
    told.does(0, 2, "reader-1", "read_back", "C-1", trigger="verify")
    failed = {"outcome": "not_done", "told_by": "evidence", "error": "reader.read_failed"}
    told.does(2, 4, "reader-1", "read_back", "C-2", **failed)
    told.does(4, 6, "reader-1", "read_back", "C-2", trigger="verify")  # good, but not at first
    told.does(6, 8, "reader-1", "read_back", "C-3", reason="read-back differs: photo")
    told.does(8, 9, "reader-1", "read_back", "C-4", outcome="not_done", error="wire.closed")
    told.does(9, 11, "reader-1", "read_back", "C-4", trigger="doubt", reason="stranger's data: xm")
    reader = time_account(told.events, STATIONS, ALWAYS, 0, 20 * SECOND_US).stations[3]
    assert (reader.works.inspected, reader.works.passed_first) == (4, 1)
    assert (reader.works_done, reader.works_rejected) == (4, 2)


def test_a_card_ends_packed_or_spoiled_and_a_late_spoil_takes_a_packed_one_back() -> None:
    told = ToldLine()
    for number, begin_s in enumerate((0, 10, 20, 30), start=1):
        told.issued(begin_s, f"C-{number}")
        told.does(
            begin_s, begin_s + 2, "line-1-transport", "move", f"C-{number}",
            place="tray 0", trigger="pack",
        )  # fmt: skip
    told.issued(40, "C-5")
    told.does(
        40, 42, "line-1-transport", "move", "C-5",
        place="reject bin", trigger="spoil", reason="chip.mute",
    )  # fmt: skip
    told.changed(50, "C-1", trigger="spoil", place="reject bin", reason="misprint")
    told.changed(51, "C-2", trigger="spoil", place="reject bin", reason="misprint")
    account = time_account(told.events, STATIONS, ALWAYS, 5 * SECOND_US, 60 * SECOND_US)
    # C-1 was packed before the stretch: its spoil changes nothing of what was made in it.
    assert account.lines["line-1"].packed == 2
    assert account.lines["line-1"].spoiled == 2
    assert account.stations[-1].works_rejected == 0  # the transport only carried the bad card
    # A spoil after the end of the stretch is of no concern to it either.
    until_spoil = time_account(told.events, STATIONS, ALWAYS, 5 * SECOND_US, 51 * SECOND_US)
    assert until_spoil.lines["line-1"].packed == 3
