"""A line as an edge node: births with everything, numbers that go round, data on change only."""

from collections.abc import Sequence
from typing import Any

import pytest

from controller.mqtt.edge_node import EdgeNode, NodeNames
from controller.mqtt.payload import Decoded, decode
from controller.mqtt.plain import Message
from controller.mqtt.starting import edges_of
from controller.telemetry import MeteredLine
from jobs.events import Draft, Event, Kind
from jobs.rows import Line
from tests.unit.controller.metered_centre import KINDS, Metered

GROUP = "jilin"
NAMES = NodeNames(GROUP, "line-1", {"line-1-transport": "transport", "printer-1": "printer"})
NOW_MS = 1_000
OTHERS = {"C-OTHER": "line-2"}


def node() -> EdgeNode:
    row = Line("line-1", running=True, loaded=100, taken=30)
    serials = {"printer-1": "PR-7", "printer-9": "PR-9"}
    return EdgeNode(NAMES, row, serials, lambda card: OTHERS.get(card, "line-1"), NOW_MS)


def event(kind: Kind, data: dict[str, Any], **names: str) -> Event:
    return Event(9, 5_000_000, 1, Draft(kind, "test", data, **names), "", "")


def state(station: str, name: str, reason: str = "", code: str = "") -> Event:
    data = {"state": name, "reason": reason, "code": code}
    return event(Kind.STATION_CHANGED, data, station=station)


def read(messages: Sequence[Message]) -> list[tuple[str, Decoded]]:
    return [
        (message.topic.removeprefix("spBv1.0/"), decode(message.content)) for message in messages
    ]


def test_a_birth_says_everything_and_begins_at_nought() -> None:
    births = node().births(7, NOW_MS)
    assert {(one.quality, one.retained) for one in births} == {(0, False)}
    (topic, nbirth), *devices = read(births)
    assert topic == "jilin/NBIRTH/line-1"
    assert (nbirth.sequence, nbirth.time_ms) == (0, NOW_MS)
    assert nbirth.metrics == {
        "bdSeq": 7,
        "Node Control/Rebirth": False,
        "Line/Running": True,
        "Line/Reason": "",
        "Blanks/In Magazine": 70,
        "Cards/Issued": 30,
        "Since Start/Cards Packed": 0,
        "Since Start/Cards Spoiled": 0,
    }
    assert [topic for topic, _ in devices] == [
        "jilin/DBIRTH/line-1/line-1-transport",
        "jilin/DBIRTH/line-1/printer-1",
    ]
    assert [birth.sequence for _, birth in devices] == [1, 2]
    assert devices[1][1].metrics == {
        "Kind": "printer",
        "State": "Stopped",
        "Reason": "",
        "Code": "",
        "Machine/Serial Number": "PR-7",
        "Work/Act": "",
        "Work/Card": "",
        "Since Start/Works Done": 0,
        "Since Start/Works Not Done": 0,
        "Since Start/Works Unknown": 0,
    }


def test_a_will_holds_the_number_of_the_births_and_nothing_else() -> None:
    will = node().death(7, NOW_MS)
    assert (will.topic, will.quality, will.retained) == ("spBv1.0/jilin/NDEATH/line-1", 1, False)
    death = decode(will.content)
    assert (death.metrics, death.sequence) == ({"bdSeq": 7}, None)


def test_only_what_changed_is_told_with_the_time_of_its_event() -> None:
    line = node()
    line.births(0, NOW_MS)
    ((topic, told),) = read(line.see(state("printer-1", "Held", "device.cover_open", "d.c"), 9))
    assert topic == "jilin/DDATA/line-1/printer-1"
    assert told.metrics == {"State": "Held", "Reason": "device.cover_open", "Code": "d.c"}
    assert (told.sequence, told.time_ms) == (3, 9)
    ((_, told),) = read(line.see(state("printer-1", "Execute"), 9))
    assert (told.metrics["State"], told.sequence) == ("Execute", 4)
    assert line.see(state("printer-1", "Execute"), 9) == []


def test_what_a_person_typed_is_told_as_a_label_only() -> None:
    ((_, told),) = read(node().see(state("printer-1", "Held", "ask Zhang San", "operator"), 9))
    assert told.metrics["Reason"] == "other"


def test_a_later_birth_says_what_is_true_then_and_begins_at_nought_again() -> None:
    line = node()
    line.births(0, NOW_MS)
    line.see(state("printer-1", "Execute"), 9)
    births = read(line.births(1, 9))
    assert births[0][1].metrics["bdSeq"] == 1
    assert births[2][1].metrics["State"] == "Execute"
    assert [birth.sequence for _, birth in births] == [0, 1, 2]


def test_numbers_go_from_255_to_nought() -> None:
    line = node()
    line.births(0, NOW_MS)
    numbers = [
        told.sequence
        for turn in range(300)
        for _, told in read(line.see(state("printer-1", "Held" if turn % 2 else "Execute"), 9))
    ]
    assert numbers == [number % 256 for number in range(3, 303)]


def test_the_past_is_marked_and_changes_nothing() -> None:
    line = node()
    line.births(0, NOW_MS)
    ((topic, told),) = read(line.history(state("printer-1", "Aborted"), 9))
    assert (topic, told.metrics["State"]) == ("jilin/DDATA/line-1/printer-1", "Aborted")
    # 5 is_historical: field 5, varint, 1; once for each of the three values.
    (message,) = line.history(state("printer-1", "Aborted"), 9)
    assert message.content.count(bytes.fromhex("2801")) == 3
    assert read(line.births(0, 9))[2][1].metrics["State"] == "Stopped"


def test_works_are_told_and_counted() -> None:
    line = node()
    names = {"station": "printer-1", "card": "C-1", "work": "W-1"}
    begun = event(Kind.WORK_BEGUN, {"act": "print", "cards": ["C-1"], "note": {}}, **names)
    ((_, told),) = read(line.see(begun, 9))
    assert told.metrics == {"Work/Act": "print", "Work/Card": "C-1"}
    finished = event(Kind.WORK_FINISHED, {"outcome": "done"}, **names)
    ((_, told),) = read(line.see(finished, 9))
    assert told.metrics == {"Work/Act": "", "Work/Card": "", "Since Start/Works Done": 1}


def test_blanks_and_cards_of_the_line_are_told_of_the_node() -> None:
    line = node()
    line.births(0, NOW_MS)
    told = read(line.see(event(Kind.STOCK_CHANGED, {"line": "line-1", "loaded": 50}), 9))
    assert told[0][0] == "jilin/NDATA/line-1"
    assert told[0][1].metrics == {"Blanks/In Magazine": 120}
    told = read(line.see(event(Kind.CARD_ISSUED, {"line": "line-1"}, card="C-1"), 9))
    assert told[0][1].metrics == {"Blanks/In Magazine": 119, "Cards/Issued": 31}
    spoil = {"trigger": "spoil", "reason": "misprint"}
    told = read(line.see(event(Kind.CARD_CHANGED, spoil, card="C-1"), 9))
    assert told[0][1].metrics == {"Since Start/Cards Spoiled": 1}


@pytest.mark.parametrize(
    "other",
    [
        state("printer-9", "Held"),
        event(Kind.STOCK_CHANGED, {"line": "line-2", "loaded": 50}),
        event(Kind.LINE_CHANGED, {"line": "line-2", "running": False}),
        event(Kind.CARD_CHANGED, {"trigger": "spoil"}, card="C-OTHER"),
        event(Kind.ORDER_CHANGED, {"trigger": "hold"}, order="O-1"),
        event(Kind.LEDGER_OPENED, {"first": True}),
    ],
)
def test_what_belongs_elsewhere_is_not_told(other: Event) -> None:
    assert node().see(other, 9) == []
    assert node().history(other, 9) == []


async def test_nodes_follow_the_books_whatever_happens(centre: Metered) -> None:
    """What a node says at the end is what one that begins there says."""
    line = MeteredLine("line-1", KINDS, lambda: 0, 24, dict)
    await centre.batch("2005-10-10", "2005-09-01", blanks=10)
    (early,) = edges_of(GROUP, centre.ledger, [line], NOW_MS)
    seen: list[Event] = []
    centre.ledger.listeners.append(seen.append)
    await centre.issue(1)
    await centre.issue(2)
    await centre.work("print", "printer-1", 16, trigger="print")
    await centre.change_card(1, trigger="spoil", reason="misprint")
    await centre.ledger.append(Draft(Kind.STOCK_CHANGED, "t", {"line": "line-1", "returned": 3}))
    await centre.ledger.append(Draft(Kind.LINE_CHANGED, "t", {"line": "line-1", "running": True}))
    for one in seen:
        early.see(one, 9)
    (late,) = edges_of(GROUP, centre.ledger, [line], NOW_MS)

    def of_the_line(births: Sequence[Message]) -> dict[str, Any]:
        metrics = read(births)[0][1].metrics
        return {name: value for name, value in metrics.items() if "Since" not in name}

    told = of_the_line(early.births(0, 9))
    assert told == of_the_line(late.births(0, 9))
    assert told["Blanks/In Magazine"] == 5
    assert told["Line/Running"] is True
