"""What keeps every station busy or idle, from one event of the ledger to the next. Pure.

At any moment a station's time has one cause: the first line of this table that holds.

| cause | when |
| --- | --- |
| producing | a work of its own goes on (the transport: a move) |
| down | Aborting to Clearing, and the stop after it until it is started again; or a hold whose |
|      | code is a fault of the machine's wire or answers (`DOWN_CODES`); and a technician's work |
|      | that mends either |
| held | Holding to Unholding for another reason: stock, a cover, faulty cards in a row, a person |
| stopped | Stopping, Stopped: by a person, not yet started, or since a restart; in a |
|         | technician's hands (reason `maintenance`) |
| changeover | Resetting to Starting, Completing, Complete: homing, warming up |
| blocked | Suspending to Unsuspending for the transport's sake (reason `suspended`) |
| blocked | ready, and the next card cannot begin, because one that is done, condemned or in doubt |
|         | lies at the infeed or cannot leave the inside |
| producing | ready, and a card lies there for it: the machine's part between two works, such as |
|           | insert and print, or reading a chip's serial before encoding |
| stopped | ready and nothing to do, while its line is not running (reason `line`) |
| starved | ready and nothing to do |

A work goes on until it is finished, also while the station is suspended, or a person holds or stops
it. A station that is aborted, held for another reason or in a technician's hands has a silent
machine: its open work does not go on. From the last event before the ledger was opened again no
centre ran: all its stations were stopped, reason `restart`.

Two things the ledger does not tell. A printer that waits for its own outfeed does so within its
work, and counts as producing. So does a machine that fell silent, until its station is stopped.
Shifts are laid over this in `jobs/station_time.py`. Reasons are codes and words of this page, never
text that a person typed.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from jobs.books import OFF_THE_LINE
from jobs.events import Event, Kind
from jobs.rows import MAGAZINE
from jobs.states import CARD_TABLE, CardState, CardTrigger, StationState
from jobs.timed_stations import AWAITED, TimedStation

#: The codes of what a person did to a station, and of its time in a technician's hands.
OPERATOR, MAINTENANCE = "operator", "maintenance"
RESTART, SUSPENDED, LINE = "restart", "suspended", "line"

#: Holds that are no wish of anybody: the wire is dead, or what comes over it is no answer.
DOWN_CODES = frozenset(
    {
        "wire.not_opened",
        "wire.closed",
        "wire.wrong_speed",
        "link.reply_timeout",
        "link.garbled",
        "link.unexpected_reply",
        "device.not_ready",
    }
)

#: Every trigger leads to one state, from wherever.
_AFTER = {trigger: state for (_, trigger), state in CARD_TABLE.items()}
_SPOTS = frozenset({"infeed", "inside", "outfeed"})

_S = StationState
_ABORTED = frozenset({_S.ABORTING, _S.ABORTED, _S.CLEARING})
_HELD = frozenset({_S.HOLDING, _S.HELD})
_STOPPED = frozenset({_S.STOPPING, _S.STOPPED})
_SUSPENDED = frozenset({_S.SUSPENDING, _S.SUSPENDED, _S.UNSUSPENDING})


class Cause(StrEnum):
    """What a station's time is spent on."""

    PRODUCING = "producing"
    STARVED = "starved"
    BLOCKED = "blocked"
    HELD = "held"
    DOWN = "down"
    CHANGEOVER = "changeover"
    OFF_SHIFT = "off shift"
    STOPPED = "stopped"


class Change(NamedTuple):
    """From a moment on a station's time has another cause."""

    station: str
    cause: Cause
    reason: str
    at_us: int


@dataclass(slots=True)
class _Card:
    state: CardState = CardState.BLANK
    condemned: bool = False
    before_doubt: tuple[CardState, bool] = (CardState.BLANK, False)
    station: "_Station | None" = None
    spot: str = ""


@dataclass(slots=True)
class _Station:
    about: TimedStation
    state: StationState = StationState.STOPPED
    stop: tuple[Cause, str] | None = (Cause.STOPPED, "")  # None: it may be given work
    work: str = ""
    work_goes_on: bool = False
    cards: dict[str, _Card] = field(default_factory=dict)
    told: tuple[Cause, str] = (Cause.STOPPED, "")


class StationCauses:
    """Sees the ledger's events in their order and tells whose time has got another cause.

    Before anything is seen all stations are stopped and all lines run. A card that was issued
    before the first event that is seen is known from the first work on it that is seen.
    """

    def __init__(self, stations: Iterable[TimedStation]) -> None:
        self._stations = {one.name: _Station(one) for one in stations}
        self._cards: dict[str, _Card] = {}
        self._works: dict[str, tuple[str, ...]] = {}  # open works: their cards
        self._running: dict[str, bool] = {}
        self._last_us = 0

    def see(self, event: Event) -> list[Change]:
        """Fold one event; return the stations whose cause it changed."""
        at_us = event.time_us
        match event.kind:
            case Kind.WORK_BEGUN:
                touched = self._begin(event)
            case Kind.WORK_FINISHED:
                touched = self._finish(event)
            case Kind.CARD_ISSUED:
                self._cards[event.draft.card] = _Card()
                touched = ()
            case Kind.CARD_CHANGED:
                touched = self._change_cards((event.draft.card,), event)
            case Kind.STATION_CHANGED:
                touched = self._change_station(event)
            case Kind.LINE_CHANGED:
                line = event.draft.data["line"]
                self._running[line] = event.draft.data["running"]
                touched = tuple(one for one in self._stations.values() if one.about.line == line)
            case Kind.LEDGER_OPENED if not event.draft.data["first"]:
                touched, at_us = self._come_back(), self._last_us
            case _:
                touched = ()
        self._last_us = event.time_us
        return self._changes(touched, at_us)

    def _changes(self, touched: Sequence[_Station], at_us: int) -> list[Change]:
        changes = []
        for station in touched:
            now = self._cause(station)
            if now != station.told:
                station.told = now
                changes.append(Change(station.about.name, *now, at_us))
        return changes

    def _begin(self, event: Event) -> tuple[_Station, ...]:
        draft = event.draft
        cards = tuple(draft.data["cards"])
        for name in cards:
            if name not in self._cards:
                self._cards[name] = _Card()
                self._put(name, draft.data.get("source") or MAGAZINE)
        self._works[draft.work] = cards
        station = self._stations.get(draft.station)
        if station is None:
            return ()
        station.work, station.work_goes_on = draft.work, True
        return (station,)

    def _finish(self, event: Event) -> tuple[_Station, ...]:
        draft = event.draft
        touched = self._change_cards(self._works.pop(draft.work, (draft.card,)), event)
        station = self._stations.get(draft.station)
        if station is None or station.work != draft.work:
            return touched
        station.work = ""
        return (*touched, station)

    def _change_cards(self, names: Iterable[str], event: Event) -> tuple[_Station, ...]:
        data = event.draft.data
        touched: list[_Station] = []
        for name in names:
            card = self._cards.get(name)
            if card is None:
                continue  # long since packed
            if card.station is not None:
                touched.append(card.station)
            if "trigger" in data:
                _step(card, CardTrigger(data["trigger"]))
            if "reason" in data:
                card.condemned = bool(data["reason"])
            if card.state in OFF_THE_LINE:
                self._put(name, "")
                del self._cards[name]
            elif "place" in data:
                self._put(name, data["place"])
            if card.station is not None:
                touched.append(card.station)
        return tuple(touched)

    def _put(self, name: str, place: str) -> None:
        card = self._cards[name]
        if card.station is not None:
            del card.station.cards[name]
        station, _, card.spot = place.rpartition(" ")
        card.station = self._stations.get(station) if card.spot in _SPOTS else None
        if card.station is not None:
            card.station.cards[name] = card

    def _change_station(self, event: Event) -> tuple[_Station, ...]:
        station = self._stations.get(event.draft.station)
        if station is None:
            return ()
        data = event.draft.data
        state, code = StationState(data["state"]), data.get("code", "")
        station.stop = _stop(station, state, code, data.get("reason", ""))
        if state is StationState.EXECUTE:
            station.work_goes_on = True
        elif state in _HELD | _STOPPED | _ABORTED and code != OPERATOR:
            station.work_goes_on = False
        station.state = state
        return (station,)

    def _come_back(self) -> tuple[_Station, ...]:
        """The ledger was opened again: from its last event until now no centre ran."""
        for station in self._stations.values():
            station.state, station.stop = StationState.STOPPED, (Cause.STOPPED, RESTART)
            station.work_goes_on = False
        return tuple(self._stations.values())

    def _cause(self, station: _Station) -> tuple[Cause, str]:
        if station.work and station.work_goes_on:
            return Cause.PRODUCING, ""
        if station.stop is not None:
            return station.stop
        cause = _of_its_cards(station)
        if cause is Cause.STARVED and not self._running.get(station.about.line, True):
            return Cause.STOPPED, LINE
        return cause, ""


def _step(card: _Card, trigger: CardTrigger) -> None:
    if trigger is CardTrigger.SETTLE:
        card.state, card.condemned = card.before_doubt
        return
    if trigger is CardTrigger.DOUBT:
        card.before_doubt = (card.state, card.condemned)
    card.state = _AFTER[trigger]


def _stop(
    station: _Station, state: StationState, code: str, reason: str
) -> tuple[Cause, str] | None:
    """Return why a station in a state cannot work; its way out of a stop belongs to the stop."""
    if state is StationState.EXECUTE:
        return None
    if state in _SUSPENDED:
        return Cause.BLOCKED, SUSPENDED
    if state in _HELD:
        return (Cause.DOWN if code in DOWN_CODES else Cause.HELD), code
    if state is StationState.UNHOLDING:
        return station.stop if station.state in _HELD else (Cause.HELD, "")
    if state in _STOPPED and _is_still_down(station, code, reason):
        return station.stop
    if state in _ABORTED:
        return Cause.DOWN, code
    if state in _STOPPED:
        return Cause.STOPPED, code or (RESTART if reason == RESTART else "")
    return Cause.CHANGEOVER, ""


def _is_still_down(station: _Station, code: str, reason: str) -> bool:
    """Tell whether a stop goes on with what the station was down for."""
    if station.stop is None or station.stop[0] is not Cause.DOWN:
        return False
    if code == MAINTENANCE:
        return True
    cleared = station.state in _ABORTED and not (code or reason)
    mended = station.state in _STOPPED and code == OPERATOR
    return cleared or mended


def _of_its_cards(station: _Station) -> Cause:
    """Tell what the cards at a station that may be given work mean for it."""
    awaited = AWAITED.get(station.about.kind)
    spots = {card.spot for card in station.cards.values()}
    begins = False
    for card in station.cards.values():
        if card.spot == "outfeed":
            continue
        if card.condemned or card.state is CardState.IN_DOUBT:
            return Cause.BLOCKED
        if card.state is awaited:
            begins = True
        elif card.spot == "infeed" or "outfeed" in spots:
            return Cause.BLOCKED
        else:
            begins = True  # done and about to be brought out
    return Cause.PRODUCING if begins else Cause.STARVED
