"""First-generation cards: inspected by a person, made until the cut-off, returned after it."""

import json
from datetime import date, timedelta
from pathlib import Path

from config.centre import Centre
from controller.outputs import Outputs
from jobs.application import EXPRESS, ORDINARY
from jobs.package_maker import PackagePlan
from jobs.states import BatchState, CardState, OrderState
from simulators.floor import REJECT_BIN, infeed
from tests.simulation.checkers import check_books
from tests.simulation.scene import FIRST, SECOND, Fields, centre, scene

CUT_OFF = date(2005, 1, 1)
AUTUMN = date(2004, 10, 11)
DESK = infeed(FIRST.index("inspection"))


def first_only(day: date = AUTUMN) -> Centre:
    programme = {"first_generation_cut_off": CUT_OFF}
    return centre(FIRST, day=day, products=("first-generation",), programme=programme)


async def test_a_card_that_the_inspector_rejects_is_remade(tmp_path: Path) -> None:
    async with scene(tmp_path, first_only()) as stage:
        result = await stage.takes(PackagePlan(6, AUTUMN, product="1"))
        assert (result.accepted, result.refused) == (6, 0)
        await stage.until(lambda: stage.floor.at(DESK) is not None)
        shown = stage.floor.at(DESK)
        assert shown is not None
        shown.misprinted = True
        await stage.ended()
        check_books(stage.service)
        spoiled = [c for c in stage.books.cards.values() if c.state is CardState.SPOILED]
        assert [card.reason for card in spoiled] == ["misprint"]
        assert stage.books.orders[spoiled[0].order].attempts == 2
        assert all(order.state is OrderState.DONE for order in stage.orders())
        in_trays = [card for place, card in stage.floor.everything() if place.startswith("tray")]
        assert len(in_trays) == 6
        assert all(c.front and c.back and c.laminations == [True] for c in in_trays)
        assert not any(card.misprinted for card in in_trays)
        assert stage.floor.store(REJECT_BIN) == [shown]
        inspectors = stage.service.ledger.store.query(
            "SELECT COUNT(*) AS n FROM events WHERE kind = 'work_finished'"
            ' AND data LIKE \'%"inspector":"simulated operator"%\''
        )
        assert inspectors[0]["n"] == 7


async def test_packages_from_the_cut_off_on_are_refused_record_by_record(tmp_path: Path) -> None:
    async with scene(tmp_path, first_only(day=CUT_OFF)) as stage:
        result = await stage.takes(PackagePlan(3, CUT_OFF, product="1"))
        assert (result.accepted, result.held, result.refused) == (0, 0, 3)
        reasons = [reason for row in stage.books.refusals.values() for reason in row.reasons]
        assert {(reason["field"], reason["text"]) for reason in reasons} == {
            ("zjlbdm", "first generation ended on 2005-01-01")
        }


async def test_orders_not_made_by_the_cut_off_are_returned_and_the_receipt_says_so(
    tmp_path: Path,
) -> None:
    last_day = CUT_OFF - timedelta(days=1)
    config = first_only(day=last_day)
    async with scene(tmp_path, config, outputs=Outputs, hour=23) as stage:
        await stage.until(lambda: stage.station_state("printer-1") == "Execute")
        loop_s = 59 * 60.0 - 100.0
        await stage.until(lambda: stage.service.clock.now_us() % 3_600_000_000 > loop_s * 1e6, 4e3)
        result = await stage.takes(PackagePlan(12, last_day, product="1"))
        assert result.accepted == 12
        await stage.ended()
        done, returned = stage.orders(OrderState.DONE), stage.orders(OrderState.CANCELLED)
        assert done
        assert returned
        assert len(done) + len(returned) == 12
        assert {order.reason for order in returned} == {
            "first-generation cards ended on 2005-01-01"
        }
        on_the_line = [card for order in returned for card in stage.cards_of(order)]
        assert on_the_line, "some cards were in process"
        assert {card.state for card in on_the_line} == {CardState.SPOILED}
        assert len(stage.floor.store(REJECT_BIN)) == len(on_the_line)
        batch = stage.books.batches[result.batch]
        await stage.until(lambda: batch.state is BatchState.CLOSED)
        receipt = tmp_path / "out" / "receipts" / f"{batch.package_number}.json"
        await stage.until(receipt.exists)
        told = json.loads(receipt.read_text())
        assert len(told["zzhk"]) == len(done)
        assert {message["cwms"] for message in told["zlkzhk"]} == {
            "first-generation cards ended on 2005-01-01"
        }
        assert len(told["zlkzhk"]) == len(returned)
        check_books(stage.service)


async def test_both_generations_are_made_side_by_side_on_one_line(tmp_path: Path) -> None:
    config = centre(
        (*SECOND, "inspection"),
        day=AUTUMN,
        products=("first-generation", "second-generation"),
        programme={"first_generation_cut_off": CUT_OFF},
    )

    def half_express(index: int, fields: Fields) -> None:
        fields["zzlxdm"] = EXPRESS if index <= 3 else ORDINARY

    async with scene(tmp_path, config) as stage:
        await stage.takes(PackagePlan(6, AUTUMN, product="1"), half_express)
        await stage.takes(PackagePlan(6, AUTUMN, product="2", serial=2), half_express)
        await stage.ended()
        assert len(stage.orders(OrderState.DONE)) == 12
        written = [bool(card.chip_serial) for card in stage.books.cards.values()]
        assert sorted(written) == [False] * 6 + [True] * 6
        first = [card.id for card in stage.books.cards.values() if not card.chip_serial]
        last = [card.id for card in stage.books.cards.values() if card.chip_serial]
        assert min(last) < max(first), "they were made at the same time"
        check_books(stage.service)
