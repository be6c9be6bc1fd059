"""Logs are stable names with ids and codes; nobody's data gets into them, whatever is handed in."""

import io
import json
from dataclasses import fields
from datetime import date, datetime
from typing import Any

import pytest

from controller.logs import WITHHELD, LedgerLog, make_logger
from jobs.application import CHINA_TIME, Application
from jobs.events import Draft, Kind
from jobs.ledger.store import LedgerUnavailable
from jobs.reasons import NAME, Reason
from tests.unit.controller.metered_centre import START_US, Metered

APPLICATION = Application(
    acceptance_number="2299012005090800001234",
    citizen_number="229901198001010012",
    name="王小明",
    sex_code="1",
    birth_date=date(1980, 1, 1),
    nation_code="01",
    address="某某县某某街一号",
    issuer="某某县公安局",
    valid_from=date(2005, 9, 1),
    valid_until=date(2025, 9, 1),
    county_code="229901",
    county_text="某某省某某县",
    reason_code="12",
    kind_code="1",
    delivery_code="1",
    product_code="2",
    resend_code="0",
    accepted_at=datetime(2005, 9, 8, 9, 0, tzinfo=CHINA_TIME),
    photo=b"\xff\xd8photo",
    recipient_name="王大明",
    recipient_phone="02999900112",
    recipient_postcode="229900",
    recipient_address="某某县某某街二号",
    accepted_by="某某人",
    issue_day="20050908",
    issuer_unit_code="229901000000",
    issued_by="某某员",
    county_office="某某县公安局",
    county_office_code="229901000000",
    police_station="某某派出所",
    police_station_code="229901010000",
    extracted_at="20050909120000",
    fee_type="1",
    fee_yuan="20.00",
)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class FullDisk(io.StringIO):
    def write(self, _text: str) -> int:
        raise OSError(28, "No space left on device")


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_line_is_json_with_a_stable_name_and_the_clocks_time() -> None:
    stream = io.StringIO()
    make_logger(stream, lambda: START_US).warning("station.held", station="printer-1", code="a.b")
    assert lines(stream) == [
        {
            "event": "station.held",
            "station": "printer-1",
            "code": "a.b",
            "level": "warning",
            "time": "2005-09-10T00:00:00.000Z",
        }
    ]


def test_a_person_at_a_terminal_reads_text() -> None:
    stream = Terminal()
    make_logger(stream, lambda: START_US).info("station.execute", station="printer-1")
    text = stream.getvalue()
    assert "station.execute" in text
    assert "printer-1" in text
    with pytest.raises(json.JSONDecodeError):
        json.loads(text)


@pytest.mark.parametrize(
    "field", ["card", "name", "citizen_number", "reason", "error", "gmsfhm", "line", "seed"]
)
@pytest.mark.parametrize("terminal", [False, True])
def test_an_application_or_a_reason_never_leaks(field: str, *, terminal: bool) -> None:
    stream = Terminal() if terminal else io.StringIO()
    logger = make_logger(stream, lambda: START_US)
    reason = Reason(NAME, "xm", "王小明 does not fit", "姓名王小明")
    values = [getattr(APPLICATION, one.name) for one in fields(Application)]
    for value in [APPLICATION, reason, reason.text, reason.description, values, *values]:
        logger.info("test.line", **{field: value})
        logger.info("test.bound", **{field: str(value)})
        logger.info(str(value))
        logger.error("test.failed", exc_info=ValueError(value), **{field: value})
    written = stream.getvalue()
    assert "test.line" in written
    nevers = ["王", "某", "姓名", "photo", "1980-01-01", "02999900112", "2299"]
    for never in nevers:
        assert never not in written
        assert json.dumps(never)[1:-1] not in written


def test_what_looks_like_an_id_goes_through_and_the_rest_is_withheld() -> None:
    stream = io.StringIO()
    logger = make_logger(stream, lambda: START_US)
    logger.info("test.line", card="C-0000001", order="O-00001-00001", sequence=7)
    logger.info("test.line", card="C-229901198001010012", sequence=229901198001010012)
    logger.info("Not a name", card=["C-1"])
    first, second, third = lines(stream)
    assert first["card"] == "C-0000001"
    assert (first["order"], first["sequence"]) == ("O-00001-00001", 7)
    assert (second["card"], second["sequence"]) == (WITHHELD, WITHHELD)
    assert (third["event"], third["card"]) == ("log.unnamed", WITHHELD)


def test_a_log_that_cannot_be_written_stops_nothing() -> None:
    make_logger(FullDisk(), lambda: START_US).info("station.held", station="printer-1")
    closed = io.StringIO()
    logger = make_logger(closed, lambda: START_US)
    closed.close()
    logger.info("station.held", station="printer-1")


async def test_one_line_for_each_thing_that_people_watch_for(centre: Metered) -> None:
    stream = io.StringIO()
    log = LedgerLog(make_logger(stream, lambda: centre.now_us), centre.ledger.books)
    centre.ledger.listeners.append(log.see)
    await centre.batch("2005-10-10", "2005-10-10")
    await centre.change_station("printer-1", "Execute")
    await centre.change_station("printer-1", "Held", code="device.consumable_empty")
    await centre.issue(1)
    await centre.issue(2)
    await centre.work("print", "printer-1", 16, trigger="print")
    reason = "device.jam during move at line-1-transport"
    await centre.work(
        "move", "line-1-transport", 2, outcome="unknown", trigger="doubt", reason=reason
    )
    await centre.change_card(1, trigger="settle")
    await centre.change_card(2, trigger="spoil", reason="王小明 spilt his tea")
    refused = {
        "package_number": "ZAGL_ZZJH_王小明.XML",
        "reasons": [{"code": "package.cut_off", "field": "", "text": "cut off"}],
    }
    await centre.ledger.append(Draft(Kind.PACKAGE_REFUSED, "test", refused))
    stopped = {"line": "line-1", "running": False, "reason": "王小明 went home"}
    await centre.ledger.append(Draft(Kind.LINE_CHANGED, "user:wang", stopped))
    told = [{k: v for k, v in line.items() if k not in {"time", "level"}} for line in lines(stream)]
    assert told == [
        {"event": "batch.received", "batch": "B-1", "applications": 9},
        {"event": "station.execute", "station": "printer-1"},
        {"event": "station.held", "station": "printer-1", "code": "device.consumable_empty"},
        {
            "event": "card.in_doubt",
            "card": "C-1",
            "order": "O-1",
            "station": "line-1-transport",
            "reason": "device.jam",
        },
        {"event": "card.settled", "card": "C-1", "order": "O-1"},
        {"event": "card.spoiled", "card": "C-2", "order": "O-2", "reason": "other"},
        {
            "event": "package.refused",
            "refusal": next(iter(centre.ledger.books.refusals)),
            "code": "package.cut_off",
        },
        {"event": "line.stopped", "line": "line-1"},
    ]
    assert "王" not in stream.getvalue()


async def test_a_ledger_fault_is_told_once_and_its_end_once(centre: Metered) -> None:
    stream = io.StringIO()
    log = LedgerLog(make_logger(stream, lambda: centre.now_us), centre.ledger.books)
    fault = LedgerUnavailable("disk full")
    for error in (None, fault, fault, None, None, fault):
        log.ledger_state(error)
    assert [line["event"] for line in lines(stream)] == [
        "ledger.unavailable",
        "ledger.available",
        "ledger.unavailable",
    ]
