"""Metrics say what the books say, in bounded labels."""

import asyncio
from datetime import date

import pytest

from controller.clock import MICROSECONDS
from controller.exposition import exposition, histogram
from controller.metric_families import due_label, families
from controller.reason_labels import REASON_LABELS, reason_label
from controller.tally import COUNTED_TOGETHER
from jobs.account import account
from jobs.events import Draft, Kind
from tests.unit.controller.metered_centre import Metered, samples


def scraped(centre: Metered) -> dict[str, float]:
    return samples(centre.scrape())


async def test_cards_are_counted_by_stage_and_verdict_and_spoils_by_reason(centre: Metered) -> None:
    centre.measure()
    await centre.batch("2005-10-10", "2005-10-10")
    await centre.open_box()
    await centre.make_good(1)
    await centre.issue(2)
    await centre.change_card(2, trigger="print")
    await centre.change_card(2, trigger="laminate")
    await centre.change_card(2, trigger="encode")
    await centre.work("read_back", "reader-1", 2, 2, reason="read-back differs: name, photo")
    await centre.work("move", "line-1-transport", 2, 2, trigger="spoil", place="reject bin")
    await centre.change_order(2, trigger="requeue")
    found = scraped(centre)
    assert found['cardcentre_cards_total{stage="issued"}'] == 2
    assert found['cardcentre_cards_total{stage="packed"}'] == 1
    assert found['cardcentre_cards_total{stage="verified"}'] == 1
    assert found['cardcentre_cards_total{stage="in_doubt"}'] == 0
    assert found['cardcentre_verdicts_total{act="read_back",verdict="accept"}'] == 1
    assert found['cardcentre_verdicts_total{act="read_back",verdict="reject"}'] == 1
    assert found['cardcentre_spoiled_cards_total{reason="read-back differs"}'] == 1
    assert found["cardcentre_remakes_total"] == 1


async def test_the_account_shown_is_the_account_of_the_books_at_every_step(centre: Metered) -> None:
    await centre.batch("2005-10-10", "2005-10-10", "2005-10-10")
    await centre.issue(3)
    centre.measure()  # takes up what was there before
    await centre.open_box()

    def agree() -> None:
        books, found = account(centre.ledger.books), scraped(centre)
        names = ("issued", "good", "spoiled", "in_process", "in_doubt", "in_magazine")
        shown = [found[f'cardcentre_blanks{{account="{name}"}}'] for name in names]
        assert shown == [getattr(books, name) for name in names]

    agree()
    await centre.make_good(1)
    agree()
    await centre.change_card(3, trigger="doubt", reason="link.garbled during print at printer-1")
    agree()
    await centre.change_card(3, trigger="settle")
    agree()
    await centre.change_card(3, trigger="spoil", reason="misprint")
    agree()
    await centre.dispatch(1)
    agree()
    assert scraped(centre)['cardcentre_cards_total{stage="dispatched"}'] == 1


async def test_stations_are_one_hot_and_their_time_adds_up(centre: Metered) -> None:
    centre.measure()
    began_us = centre.now_us
    for seconds, state in ((10, "Execute"), (100, "Held"), (30, "Execute"), (7, "Execute")):
        centre.now_us += seconds * MICROSECONDS
        await centre.change_station("printer-1", state)
    centre.now_us += 3 * MICROSECONDS
    found = scraped(centre)
    kind, station = 'kind="printer",line="line-1"', 'station="printer-1"'
    states = {k: v for k, v in found.items() if k.startswith("cardcentre_station_state{")}
    mine = {k: v for k, v in states.items() if station in k}
    assert len(mine) == 17
    assert [k for k, v in mine.items() if v] == [
        f'cardcentre_station_state{{{kind},state="Execute",{station}}}'
    ]
    name = f"cardcentre_station_state_seconds_total{{{kind},state="
    assert found[f'{name}"Held",{station}}}'] == 30
    assert found[f'{name}"Stopped",{station}}}'] == 10
    assert found[f'{name}"Execute",{station}}}'] == 110
    total = sum(v for k, v in found.items() if k.startswith(name))
    assert total == (centre.now_us - began_us) / MICROSECONDS


async def test_work_durations_are_measured_from_intent_to_result_of_works_done(
    centre: Metered,
) -> None:
    await centre.batch("2005-10-10", "2005-10-10")
    await centre.issue(1)
    await centre.issue(2)
    begun = {"act": "print", "cards": ["C-2"], "note": {}}
    open_before = Draft(Kind.WORK_BEGUN, "test", begun, work="W-old", card="C-2", station="old")
    await centre.ledger.append(open_before)
    centre.measure()
    await centre.work("print", "printer-1", 16, trigger="print")
    await centre.work("move", "line-1-transport", 400, outcome="not_done")
    centre.now_us += 3600 * MICROSECONDS
    finished = {"outcome": "done", "trigger": "print"}
    await centre.ledger.append(Draft(Kind.WORK_FINISHED, "test", finished, work="W-old"))
    found = scraped(centre)
    name = 'cardcentre_work_duration_seconds_bucket{act="print",kind="printer",le='
    assert found[f'{name}"15.0"}}'] == 0
    assert found[f'{name}"20.0"}}'] == 1
    assert found['cardcentre_work_duration_seconds_sum{act="print",kind="printer"}'] == 16
    durations = [key for key in found if "duration_seconds_count" in key]
    assert durations == ['cardcentre_work_duration_seconds_count{act="print",kind="printer"}']
    assert found['cardcentre_works_total{act="move",kind="transport",outcome="not_done"}'] == 1
    assert found['cardcentre_works_total{act="print",kind="unknown",outcome="done"}'] == 1


async def test_queues_promises_lines_and_the_ledger_are_shown(centre: Metered) -> None:
    centre.measure()
    await centre.batch("2005-09-09", "2005-09-10", "2005-09-13", "2005-09-17", "2005-09-18")
    await centre.change_order(2, trigger="hold")
    await centre.change_order(5, trigger="cancel")
    await centre.issue(3)
    await centre.ledger.append(
        Draft(Kind.LINE_CHANGED, "test", {"line": "line-1", "running": True})
    )
    centre.in_process, centre.fault, centre.dirty = 1, "disk full", True
    await asyncio.sleep(0)  # the ledger tells of its writes on the loop's next turn
    found = scraped(centre)
    assert found['cardcentre_orders{express="yes",product="2",state="queued"}'] == 1
    assert found['cardcentre_orders{express="no",product="2",state="held"}'] == 1
    assert found['cardcentre_orders{express="no",product="2",state="in_production"}'] == 1
    due = {k.split('"')[1]: v for k, v in found.items() if k.startswith("cardcentre_orders_due")}
    assert due == {
        "overdue": 1,
        "within_1_day": 1,
        "within_3_days": 1,
        "within_7_days": 1,
        "later": 0,
    }
    assert found['cardcentre_line_running{line="line-1"}'] == 1
    assert found['cardcentre_work_in_process{line="line-1"}'] == 1
    assert found['cardcentre_work_in_process_limit{line="line-1"}'] == 24
    assert found['cardcentre_magazine_blanks{line="line-1"}'] == 9
    assert found['cardcentre_printer_cleaning_due{line="line-1",station="printer-1"}'] == 1
    assert found["cardcentre_ledger_fault"] == 1
    assert found["cardcentre_ledger_write_seconds_count"] >= 5
    assert found['cardcentre_ledger_events_total{kind="order_created"}'] == 5


@pytest.mark.parametrize(
    ("promised", "label"),
    [
        ("2005-09-09", "overdue"),
        ("2005-09-10", "within_1_day"),
        ("2005-09-11", "within_1_day"),
        ("2005-09-12", "within_3_days"),
        ("2005-09-17", "within_7_days"),
        ("2005-09-18", "later"),
    ],
)
def test_a_promise_date_falls_into_one_bucket(promised: str, label: str) -> None:
    assert due_label(promised, date(2005, 9, 10)) == label


@pytest.mark.parametrize(
    ("reason", "label"),
    [
        ("read-back differs: name, photo", "read-back differs"),
        ("stranger's data: name, citizen_number", "stranger's data"),
        ("lamination: temperature", "lamination temperature"),
        ("chip.mute", "chip.mute"),
        ("link.reply_timeout during print at printer-1", "link.reply_timeout"),
        ("its chip already belongs to C-0000007", "chip of another card"),
        ("rejected", "cancelled"),
        ("misprint near the photo of 王小明", "misprint"),
        ("王小明 229901198001010012 looks wrong", "other"),
        ("", "other"),
    ],
)
def test_a_reason_becomes_one_of_few_labels(reason: str, label: str) -> None:
    assert reason_label(reason) == label
    assert label in REASON_LABELS


async def test_a_snapshot_is_of_its_moment_whatever_happens_afterwards(centre: Metered) -> None:
    telemetry = centre.measure()
    await centre.batch("2005-10-10", "2005-10-10")
    await centre.issue(1)
    await centre.work("print", "printer-1", 16, trigger="print")
    await centre.change_station("printer-1", "Execute")
    before = telemetry.snapshot()
    page = exposition(families(before))
    centre.now_us += 60 * MICROSECONDS
    await centre.issue(2)
    await centre.work("print", "printer-1", 16, 2, trigger="print")
    await centre.change_station("printer-1", "Held")
    await centre.change_card(2, trigger="spoil", reason="misprint")
    assert exposition(families(before)) == page
    assert exposition(families(telemetry.snapshot())) != page


async def test_little_is_kept_for_counting_when_nobody_looks_and_nothing_is_lost(
    centre: Metered,
) -> None:
    await asyncio.sleep(0)  # the ledger tells of its writes on the loop's next turn
    telemetry = centre.measure()
    for _ in range(COUNTED_TOGETHER + 1):
        await centre.change_station("printer-1", "Held")
        await centre.change_station("printer-1", "Execute")
        await asyncio.sleep(0)
        assert len(telemetry.tally.waits_s) <= COUNTED_TOGETHER
    found, events = scraped(centre), 2 * (COUNTED_TOGETHER + 1)
    assert found['cardcentre_ledger_events_total{kind="station_changed"}'] == events
    assert found["cardcentre_ledger_write_seconds_count"] == events


async def test_a_state_left_and_entered_in_one_moment_is_shown_at_once(centre: Metered) -> None:
    centre.measure()
    station = 'kind="printer",line="line-1",state="Held",station="printer-1"'
    name = f"cardcentre_station_state_seconds_total{{{station}}}"
    assert name not in scraped(centre)
    await centre.change_station("printer-1", "Held")
    await centre.change_station("printer-1", "Stopped")
    assert scraped(centre)[name] == 0


def test_a_percent_sign_in_a_label_stays_one() -> None:
    told = histogram("wet", "Wet.", ("air",), [(("100%d",), (1.0,), (2, 3), 4.5)])
    assert [line.partition(" ")[::2] for line in told.lines[0].split("\n")] == [
        ('cardcentre_wet_bucket{air="100%d",le="1.0"}', "2"),
        ('cardcentre_wet_bucket{air="100%d",le="+Inf"}', "3"),
        ('cardcentre_wet_sum{air="100%d"}', "4.5"),
        ('cardcentre_wet_count{air="100%d"}', "3"),
    ]


async def test_no_card_order_or_person_is_ever_in_a_scrape(centre: Metered) -> None:
    centre.measure()
    await centre.batch("2005-10-10")
    await centre.issue(1)
    await centre.change_card(1, trigger="spoil", reason="王小明 229901198001010012")
    await centre.change_order(1, trigger="hold", reason="王小明")
    found = scraped(centre)
    assert found['cardcentre_spoiled_cards_total{reason="other"}'] == 1
    text = "\n".join(found)  # names and labels; values are numbers
    for never in ("C-1", "O-1", "B-1", "王", "229901", f"{1:032x}"):
        assert never not in text
