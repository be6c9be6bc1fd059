"""The centre's log: one line an event on standard error, for people and for collectors of logs.

Everything that matters is in the ledger; the log only tells of it. A line has a stable name
(`station.held`) and fields out of a closed list, ids and codes only: another field is left out, a
value that does not look as its field's values do is withheld. Nothing here configures logging for
the whole process.
"""

import logging
import re
from collections.abc import Callable, MutableMapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, TextIO, cast

import structlog
from structlog.typing import FilteringBoundLogger, Processor

from controller.clock import MICROSECONDS
from controller.reason_labels import reason_label
from jobs.books import Books
from jobs.events import Event, Kind
from jobs.ledger.store import LedgerUnavailable
from jobs.states import CardTrigger, StationState

WITHHELD = "[withheld]"
_NAME = re.compile(r"[a-z_]+(\.[a-z_]+)+")
_OF_THE_FILE = r"[a-z][a-z0-9-]{0,49}"  # names that a centre's file gives
#: Fields that count; a text of digits in one of them is withheld.
COUNTS = frozenset({"generation", "sequence", "applications", "seed", "port"})
COUNT_MAX = 10**10
#: Every other field that a line may have, and what its value looks like; `reason` is a label.
FIELDS = {
    name: re.compile(pattern, re.ASCII)
    for name, pattern in {
        "time": r"[0-9T:.Z-]{24}",
        "level": r"[a-z]+",
        "centre": _OF_THE_FILE,
        "line": _OF_THE_FILE,
        "report": r"[a-z][a-z0-9-]{0,79}",
        "station": _OF_THE_FILE,
        "state": r"[A-Z][a-z]+",
        "code": r"[a-z_]+(\.[a-z_]+)*",
        "card": r"C-\d+",
        "order": r"O-\d+(-\d+)?",
        "batch": r"B-\d+",
        "box": r"X-\d+",
        "work": r"W-\d+",
        "refusal": r"R-\d+",
        "host": r"[A-Za-z0-9.:-]{1,100}",
        "machine_serial": r"[A-Za-z0-9._/-]{1,40}",
        "error": r"[A-Z][A-Za-z]{1,60}",  # the class of an exception, never its text
    }.items()
}
#: Citizen numbers have 15 or 18 digits, acceptance numbers 22; no id of ours has so many.
_LONG_NUMBER = re.compile(r"\d{15}", re.ASCII)

Fields = MutableMapping[str, Any]
_LOUD = {StationState.HELD, StationState.ABORTED}


def make_logger(
    stream: TextIO, now_us: Callable[[], int], level: int = logging.INFO
) -> FilteringBoundLogger:
    """Return a logger that writes for a person on a terminal, else one JSON object a line."""
    last: Processor = structlog.processors.JSONRenderer(ensure_ascii=True)
    if stream.isatty():
        last = structlog.dev.ConsoleRenderer(timestamp_key="time")
    processors: list[Processor] = [
        structlog.processors.add_log_level,
        _stamp(now_us),
        withhold_personal_data,
        last,
    ]
    logger = structlog.wrap_logger(
        structlog.WriteLogger(cast("TextIO", _PatientStream(stream))),
        processors=processors,
        wrapper_class=structlog.make_filtering_bound_logger(level),
    )
    return cast("FilteringBoundLogger", logger)


def withhold_personal_data(_logger: Any, _method: str, fields: Fields) -> Fields:
    """Let through only known fields, and of them only values that look like ids or codes."""
    kept: Fields = {
        name: value if _is_plain(name, value) else WITHHELD
        for name, value in fields.items()
        if name in FIELDS or name in COUNTS
    }
    if "reason" in fields:
        reason = fields["reason"]
        kept["reason"] = reason_label(reason) if isinstance(reason, str) else WITHHELD
    event = str(fields.get("event", ""))
    kept["event"] = event if _NAME.fullmatch(event) else "log.unnamed"
    return kept


def _is_plain(name: str, value: Any) -> bool:
    if name in COUNTS:
        return isinstance(value, int) and abs(value) < COUNT_MAX
    if not isinstance(value, str):
        return False
    return FIELDS[name].fullmatch(value) is not None and not _LONG_NUMBER.search(value)


def _stamp(now_us: Callable[[], int]) -> Processor:
    def stamp(_logger: Any, _method: str, fields: Fields) -> Fields:
        moment = datetime.fromtimestamp(now_us() / MICROSECONDS, UTC)
        fields["time"] = moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        return fields

    return stamp


class _PatientStream:
    """A log that cannot be written (a full disk, a closed pipe) never stops a card."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        with suppress(OSError, ValueError):
            return self._stream.write(text)
        return 0

    def flush(self) -> None:
        with suppress(OSError, ValueError):
            self._stream.flush()


class LedgerLog:
    """Tells of what happens: a listener of the ledger, and of whether it can be written."""

    def __init__(self, logger: FilteringBoundLogger, books: Books) -> None:
        self._logger = logger
        self._books = books
        self._faulty = False

    def ledger_state(self, error: LedgerUnavailable | None) -> None:
        """Tell once when the ledger cannot be written, and once when it can again."""
        faulty, self._faulty = self._faulty, error is not None
        if error is not None and not faulty:
            self._logger.error("ledger.unavailable", code=error.code)
        elif error is None and faulty:
            self._logger.warning("ledger.available")

    def see(self, event: Event) -> None:
        """Tell of one event, if it is one that people watch for: a listener of the ledger."""
        draft = event.draft
        match event.kind:
            case Kind.STATION_CHANGED:
                self._station(event)
            case Kind.CARD_CHANGED | Kind.WORK_FINISHED:
                self._card(event)
            case Kind.LINE_CHANGED:
                name = "line.started" if draft.data["running"] else "line.stopped"
                self._logger.info(name, line=draft.data["line"])
            case Kind.MACHINE_SEEN:
                serial = draft.machine_serial
                self._logger.info("machine.seen", station=draft.station, machine_serial=serial)
            case Kind.PACKAGE_REFUSED:
                # The file's name comes from outside; the refusal's own id leads to it.
                refusal, code = f"R-{event.sequence:08d}", draft.data["reasons"][0]["code"]
                self._logger.warning("package.refused", refusal=refusal, code=code)
            case Kind.BATCH_RECEIVED:
                count = draft.data["applications"]
                self._logger.info("batch.received", batch=draft.batch, applications=count)
            case Kind.LEDGER_OPENED:
                facts = {"generation": event.generation, "sequence": event.sequence}
                self._logger.info("ledger.opened", **facts)
            case _:
                pass

    def _station(self, event: Event) -> None:
        data = event.draft.data
        state = StationState(data["state"])
        tell = self._logger.warning if state in _LOUD else self._logger.info
        code = {"code": data["code"]} if data.get("code") else {}
        tell(f"station.{state.value.lower()}", station=event.draft.station, **code)

    def _card(self, event: Event) -> None:
        draft, trigger = event.draft, event.draft.data.get("trigger")
        names = {
            CardTrigger.SPOIL.value: "card.spoiled",
            CardTrigger.DOUBT.value: "card.in_doubt",
            CardTrigger.SETTLE.value: "card.settled",
        }
        if trigger not in names:
            return
        card = self._books.cards[draft.card]
        facts = {"card": card.id, "order": card.order}
        if draft.station:
            facts["station"] = draft.station
        if trigger == CardTrigger.SETTLE.value:
            self._logger.info(names[trigger], **facts)
            return
        reason = draft.data.get("reason") or card.reason
        self._logger.warning(names[trigger], reason=reason_label(reason), **facts)
