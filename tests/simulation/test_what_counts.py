"""What the ledger counts of a real run: from the fields of a package to the figures of a day."""

from collections import Counter
from pathlib import Path

from jobs.citizen_number import check_digit
from jobs.package_maker import PackagePlan
from jobs.states import BatchState
from tests.simulation.checkers import check_books
from tests.simulation.scene import DAY, Fields, scene

PERSON = f"{DAY}|229901|2|person"


def born(fields: Fields, day: str) -> None:
    """Make somebody of 15 at the issue: five years of validity."""
    first_17 = fields["gmsfhm"][:6] + day + fields["gmsfhm"][14:17]
    start = fields["yxqqsrq"]
    fields.update(
        csrq=day,
        gmsfhm=first_17 + check_digit(first_17),
        slyydm="11",
        yxqjzrq=f"{int(start[:4]) + 5}{start[4:]}",
    )


def edit(index: int, fields: Fields) -> None:
    """Six applications: each is another thing to the programme."""
    match index:
        case 1:
            born(fields, "19890905")  # sixteen on the day of receipt
        case 2:
            born(fields, "19890906")  # on the morrow
        case 3:
            fields.update(slyydm="31", sflx="2", sfje="40.00")
        case 4:
            fields.update(sflx="9", sfje="0.00")
        case 5:
            del fields["sflx"], fields["sfje"]
        case 6:
            fields.update(xbdm="7")  # refused


async def test_a_run_s_counts_are_what_its_package_said(tmp_path: Path) -> None:
    async with scene(tmp_path) as stage:
        await stage.loads(20)
        result = await stage.takes(PackagePlan(6, DAY), edit)
        assert (result.accepted, result.refused) == (5, 1)
        loads = [order.load.value for order in stage.orders()]
        assert loads == ["person", "under_16", "replacement", "person", "person"]
        fees = [(order.fee_type, order.fee_cents) for order in stage.orders()]
        assert fees == [("1", 2_000), ("1", 2_000), ("2", 4_000), ("9", 0), ("", 0)]
        await stage.until(
            lambda: all(one.state is BatchState.CLOSED for one in stage.books.batches.values())
        )
        check_books(stage.service)
        rows = stage.books.day_counts
        assert sorted(rows) == [
            f"{DAY}|229901|2|",
            PERSON,
            f"{DAY}|229901|2|replacement",
            f"{DAY}|229901|2|under_16",
        ]
        sums: Counter[str] = Counter()
        for row in rows.values():
            for name in ("received", "refused", "made", "dispatched", "counted", "relieved"):
                sums[name] += getattr(row, name)
        assert sums == {
            "received": 5, "refused": 1, "made": 5, "dispatched": 5, "counted": 3, "relieved": 1,
        }  # fmt: skip
        assert rows[PERSON].fees_cents == 2_000
        counted = [order.load.value for order in stage.orders() if order.counted]
        assert counted == ["person"] * 3


async def test_no_event_says_when_anybody_was_born(tmp_path: Path) -> None:
    async with scene(tmp_path, person=False) as stage:
        await stage.takes(PackagePlan(6, DAY), edit)
        texts = [str(event.draft.data) for event in stage.service.ledger.store.events()]
        assert not any("1989" in text for text in texts)


async def test_the_second_card_of_a_person_is_no_progress(tmp_path: Path) -> None:
    async with scene(tmp_path) as stage:
        await stage.loads(20)
        numbers: dict[int, Fields] = {}
        await stage.takes(PackagePlan(2, DAY), lambda index, one: numbers.update({index: one}))
        await stage.until(
            lambda: all(one.state is BatchState.CLOSED for one in stage.books.batches.values())
        )

        def exchange(index: int, fields: Fields) -> None:
            fields.update(numbers[index], slh=fields["slh"], slyydm="21")

        again = await stage.takes(PackagePlan(2, DAY, serial=2), exchange)
        assert again.accepted == 2
        await stage.until(
            lambda: all(one.state is BatchState.CLOSED for one in stage.books.batches.values())
        )
        check_books(stage.service)
        row = stage.books.day_counts[PERSON]
        assert (row.received, row.dispatched, row.counted) == (4, 4, 2)
