"""What was done to a card or an order: its events, each with one line for a person.

Read from the ledger's file, since the books keep only what is true at this moment.
"""

import json
from collections.abc import Mapping
from typing import Any

from controller.views import Plain, iso
from jobs.events import Kind
from jobs.ledger.store import Store
from jobs.states import CardTrigger, OrderTrigger

EVENTS_MAX = 1_000

#: What a card or an order is after a trigger.
_AFTER: Mapping[str, str] = {
    CardTrigger.PRINT: "printed",
    CardTrigger.LAMINATE: "laminated",
    CardTrigger.ENCODE: "encoded",
    CardTrigger.VERIFY: "verified",
    CardTrigger.ACCEPT: "accepted",
    CardTrigger.PACK: "packed",
    CardTrigger.DISPATCH: "dispatched",
    CardTrigger.SPOIL: "spoiled",
    CardTrigger.DESTROY: "destroyed",
    CardTrigger.DOUBT: "in doubt",
    CardTrigger.SETTLE: "settled",
    OrderTrigger.BEGIN: "begun",
    OrderTrigger.REQUEUE: "queued again",
    OrderTrigger.HOLD: "held",
    OrderTrigger.RELEASE: "released to be made",
    OrderTrigger.COMPLETE: "done",
    OrderTrigger.CANCEL: "cancelled",
}

_COLUMNS = "sequence, time_us, kind, actor, card, work, station, box, data"
_OF_CARD = f"SELECT {_COLUMNS} FROM events WHERE card = ? ORDER BY sequence LIMIT {EVENTS_MAX}"  # noqa: S608  (our own names)
_OF_ORDER = f'SELECT {_COLUMNS} FROM events WHERE "order" = ? ORDER BY sequence LIMIT {EVENTS_MAX}'  # noqa: S608  (our own names)


def card_history(store: Store, card: str) -> list[Plain]:
    """Return the events of a card, oldest first."""
    return _events(store, _OF_CARD, card)


def order_history(store: Store, order: str) -> list[Plain]:
    """Return the events of an order and of all its cards, oldest first."""
    return _events(store, _OF_ORDER, order)


def _events(store: Store, sql: str, value: str) -> list[Plain]:
    acts: dict[str, str] = {}
    found = []
    for row in store.query(sql, (value,)):
        kind, data = Kind(row["kind"]), json.loads(row["data"])
        if kind is Kind.WORK_BEGUN:
            acts[row["work"]] = data["act"].replace("_", " ")
        found.append(
            {
                "sequence": row["sequence"],
                "at": iso(row["time_us"]),
                "actor": row["actor"],
                "kind": kind.value,
                "card": row["card"],
                "station": row["station"],
                "work": row["work"],
                "box": row["box"],
                "text": event_text(kind, data, acts.get(row["work"], "work")),
            }
        )
    return found


def event_text(kind: Kind, data: Mapping[str, Any], act: str = "work") -> str:
    """Return one line about an event of a card or an order."""
    match kind:
        case Kind.ORDER_CREATED:
            return _joined(f"ordered, promised by {data['promise_date']}", hold=data.get("hold"))
        case Kind.ORDER_CHANGED:
            return _joined(_AFTER[data["trigger"]], because=data.get("reason"))
        case Kind.CARD_ISSUED:
            return f"blank issued on {data['line']}"
        case Kind.CARD_CHANGED:
            known = "found" if "place" in data else "noted"
            now = _AFTER[data["trigger"]] if data.get("trigger") else known
            return _joined(now, at=data.get("place"), because=data.get("reason"))
        case Kind.WORK_BEGUN:
            way = data.get("destination")
            return _joined(f"{act} begun", to=way if way != data.get("source") else "")
        case Kind.WORK_FINISHED:
            return _joined(
                f"{act} {str(data['outcome']).replace('_', ' ')}",
                told_by=data.get("told_by") if data.get("told_by") != "reply" else "",
                now=_AFTER.get(data.get("trigger", "")),
                error=data.get("error"),
                because=data.get("reason"),
            )
        case _:
            return kind.value.replace("_", " ")


def _joined(head: str, **facts: str | None) -> str:
    parts = [f"{name.replace('_', ' ')} {value}" for name, value in facts.items() if value]
    return ", ".join([head, *parts])
