"""One line's events told by hand, in seconds: what the account of station time is made from."""

from typing import Any

from jobs.events import Draft, Event, Kind
from jobs.states import StationState
from jobs.timed_stations import TRANSPORT, TimedStation

SECOND_US = 1_000_000
#: The simplest line that makes a card with a chip.
STATIONS = (
    TimedStation("printer-1", "printer", "line-1"),
    TimedStation("laminator-1", "laminator", "line-1"),
    TimedStation("encoder-1", "encoder", "line-1"),
    TimedStation("reader-1", "reader", "line-1"),
    TimedStation("line-1-transport", TRANSPORT, "line-1"),
)


class ToldLine:
    """Tells events in their order; the line runs and its stations work unless told otherwise."""

    def __init__(self, *, at_work: bool = True) -> None:
        self.events: list[Event] = []
        self._works = 0
        self._open: dict[str, str] = {}
        if at_work:
            self.line(0, running=True)
            for station in STATIONS:
                self.station(0, station.name, StationState.EXECUTE)

    def event(self, at_s: float, kind: Kind, data: dict[str, Any], **about: str) -> None:
        at_us = round(at_s * SECOND_US)
        assert not self.events or self.events[-1].time_us <= at_us, "events are told in order"
        draft = Draft(kind, "test", data, **about)
        self.events.append(Event(len(self.events) + 1, at_us, 1, draft, "", ""))

    def opened(self, at_s: float, *, first: bool = False) -> None:
        self.event(at_s, Kind.LEDGER_OPENED, {"first": first})

    def line(self, at_s: float, *, running: bool, reason: str = "") -> None:
        data = {"line": "line-1", "running": running, "reason": reason}
        self.event(at_s, Kind.LINE_CHANGED, data)

    def station(
        self, at_s: float, name: str, state: StationState, code: str = "", reason: str = ""
    ) -> None:
        data = {"state": state.value, "reason": reason, "code": code}
        self.event(at_s, Kind.STATION_CHANGED, data, station=name)

    def issued(self, at_s: float, card: str) -> None:
        self.event(at_s, Kind.CARD_ISSUED, {"line": "line-1"}, card=card, order=f"O-{card}")

    def changed(self, at_s: float, card: str, **data: str) -> None:
        self.event(at_s, Kind.CARD_CHANGED, data, card=card)

    def begun(self, at_s: float, station: str, act: str, card: str, source: str = "") -> None:
        self._works += 1
        work = self._open[station] = f"W-{self._works}"
        data = {"act": act, "cards": [card], "note": {}, "source": source, "destination": ""}
        self.event(at_s, Kind.WORK_BEGUN, data, card=card, work=work, station=station)

    def ended(self, at_s: float, station: str, card: str, **data: str) -> None:
        told = {"outcome": "done", "told_by": "reply"} | data
        work = self._open.pop(station)
        self.event(at_s, Kind.WORK_FINISHED, told, card=card, work=work, station=station)

    def does(
        self, from_s: float, until_s: float, station: str, act: str, card: str, **data: str
    ) -> None:
        """A whole work during which nothing else is told."""
        self.begun(from_s, station, act, card)
        self.ended(until_s, station, card, **data)

    def moves(self, from_s: float, until_s: float, card: str, place: str) -> None:
        self.does(from_s, until_s, "line-1-transport", "move", card, place=place)
