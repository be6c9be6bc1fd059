"""Events as plain JSON, one topic a kind, for whoever has no Sparkplug. Pure.

What goes out is a closed list of ids, codes and counts, as in the logs: keys of persons and chips,
free text and whoever acted stay in the ledger. Anything that is not on the list is left out, so
that a new kind of event cannot carry out more than was thought about here.
"""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from controller.clock import MICROSECONDS
from controller.reason_labels import reason_label
from jobs.events import Event


@dataclass(frozen=True, slots=True)
class Message:
    """What is handed to a broker."""

    topic: str
    content: bytes
    quality: int  # MQTT's QoS
    retained: bool = False


IDS = ("batch", "order", "card", "work", "station", "box", "machine_serial")
#: Citizen numbers have 15 or 18 digits, acceptance numbers 22; no id of ours has so many.
_LONG_NUMBER = re.compile(r"\d{15}", re.ASCII)
_PLAIN = re.compile(r"[A-Za-z0-9 ._/:-]{0,60}", re.ASCII)
_COUNT_MAX = 10**10
_MOMENT_MAX_US = 10**16  # in the year 2286


def _code(value: Any) -> str | None:
    plain = isinstance(value, str) and _PLAIN.fullmatch(value) and not _LONG_NUMBER.search(value)
    return value if plain else None


def _count(value: Any) -> int | None:
    known = isinstance(value, int) and not isinstance(value, bool) and abs(value) < _COUNT_MAX
    return value if known else None


def _moment(value: Any) -> int | None:
    known = isinstance(value, int) and not isinstance(value, bool) and 0 <= value < _MOMENT_MAX_US
    return value if known else None


def _flag(value: Any) -> bool:
    return bool(value)


def _label(value: Any) -> str | None:
    return reason_label(value) if isinstance(value, str) else None


def _cards(value: Any) -> list[str] | None:
    return [card for card in value if _code(card)] if isinstance(value, list) else None


def _refusals(value: Any) -> list[dict[str, str | None]] | None:
    if not isinstance(value, list):
        return None
    told = [one for one in value if isinstance(one, dict)]
    return [{name: _code(one.get(name)) for name in ("code", "field")} for one in told]


#: What of an event's data goes out, and how it is made plain. `hold` is a text that may quote an
#: application: only whether there is one goes out.
DATA: dict[str, Callable[[Any], Any]] = {
    "act": _code,
    "applications": _count,
    "begins_us": _moment,
    "cards": _cards,
    "code": _code,
    "county": _code,
    "day": _code,
    "destination": _code,
    "ends_us": _moment,
    "error": _code,
    "express": _flag,
    "firmware": _code,
    "first": _flag,
    "hold": _flag,
    "kind": _code,
    "line": _code,
    "load": _code,
    "loaded": _count,
    "model": _code,
    "name": _code,
    "outcome": _code,
    "place": _code,
    "position": _count,
    "product": _code,
    "promise_date": _code,
    "reason": _label,
    "reasons": _refusals,
    "returned": _count,
    "running": _flag,
    "samples": _count,
    "source": _code,
    "state": _code,
    "stranger": _flag,
    "terminated": _flag,
    "told_by": _code,
    "tray": _code,
    "trigger": _code,
}


def plain(event: Event) -> dict[str, Any]:
    """Return what everybody may know of an event."""
    draft = event.draft
    told: dict[str, Any] = {
        "sequence": event.sequence,
        "generation": event.generation,
        "time": time_text(event.time_us),
        "kind": event.kind.value,
    }
    told |= {name: value for name in IDS if (value := _code(getattr(draft, name)))}
    told["data"] = {
        name: made
        for name, value in draft.data.items()
        if name in DATA and (made := DATA[name](value)) not in (None, "")
    }
    return told


def event_message(root: str, event: Event) -> Message:
    """Return an event's message; a receiver drops a sequence number that it has seen."""
    content = json.dumps(plain(event), ensure_ascii=True, separators=(",", ":"))
    return Message(f"{root}/{event.kind.value}", content.encode(), quality=1)


def time_text(time_us: int) -> str:
    """Return a moment in UTC as ISO 8601 writes it, to the microsecond."""
    seconds, microseconds = divmod(time_us, MICROSECONDS)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{microseconds:06d}Z"
