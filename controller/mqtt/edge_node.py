"""A line as a Sparkplug B edge node, its stations as devices: which messages follow what. Pure.

The rules are Eclipse Sparkplug 3.0.0's, chapters 4 to 6; numbers in comments are its chapters. It
keeps what was last said of each value and sends nothing itself (`controller/mqtt/forward.py`).
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from controller.mqtt.payload import Metric, PayloadBroken, Value, decode, encode
from controller.mqtt.plain import Message
from controller.reason_labels import reason_label
from jobs.events import Event, Kind
from jobs.rows import Line, WorkState
from jobs.states import CardTrigger, StationState

NAMESPACE = "spBv1.0"
REBIRTH = "Node Control/Rebirth"
BIRTH_NUMBER = "bdSeq"
#: Every message but a death is numbered, from 0 to 255 and then from 0 again.
NUMBERS = 256
COMMAND_BYTES_MAX = 4_096

NODE = ""
BLANKS, ISSUED = "Blanks/In Magazine", "Cards/Issued"
PACKED, SPOILED = "Since Start/Cards Packed", "Since Start/Cards Spoiled"
_WORKS = {
    WorkState.DONE.value: "Since Start/Works Done",
    WorkState.NOT_DONE.value: "Since Start/Works Not Done",
    WorkState.UNKNOWN.value: "Since Start/Works Unknown",
}
_COUNTED = {CardTrigger.PACK.value: PACKED, CardTrigger.SPOIL.value: SPOILED}

#: A device (or the node itself), the name of a value, and the value.
Fact = tuple[str, str, Value]


@dataclass(frozen=True, slots=True)
class NodeNames:
    """Where an edge node stands on the broker, and what is below it."""

    group: str
    line: str
    stations: Mapping[str, str]  # name -> kind, the transport included

    def topic(self, kind: str, device: str = NODE) -> str:
        """Return the topic of a kind of message (4.1)."""
        return "/".join((NAMESPACE, self.group, kind, self.line, *((device,) if device else ())))


class EdgeNode:
    """What a broker knows of one line."""

    def __init__(
        self,
        names: NodeNames,
        row: Line,
        machine_serials: Mapping[str, str],
        line_of: Callable[[str], str],
        now_ms: int,
    ) -> None:
        self.names = names
        self._line_of = line_of  # card -> line
        self._number = 0
        self._values: dict[str, dict[str, tuple[Value, int]]] = {}
        for device, name, value in self._first(row, machine_serials):
            self._values.setdefault(device, {})[name] = (value, now_ms)

    def _first(self, row: Line, machine_serials: Mapping[str, str]) -> Iterator[Fact]:
        yield NODE, "Line/Running", row.running
        yield NODE, "Line/Reason", _reason(row.reason)
        yield NODE, BLANKS, row.in_magazine
        yield NODE, ISSUED, row.taken
        yield NODE, PACKED, 0
        yield NODE, SPOILED, 0
        for station, kind in self.names.stations.items():
            yield station, "Kind", kind
            # A station is stopped until it says otherwise, whatever the books say of yesterday.
            yield station, "State", StationState.STOPPED.value
            yield station, "Reason", ""
            yield station, "Code", ""
            yield station, "Machine/Serial Number", machine_serials.get(station, "")
            yield station, "Work/Act", ""
            yield station, "Work/Card", ""
            for name in _WORKS.values():
                yield station, name, 0

    @property
    def command_topic(self) -> str:
        """Return where a command for this node would come."""
        return self.names.topic("NCMD")

    def death(self, birth: int, now_ms: int) -> Message:
        """Return the will of a connection: the number of its births, and no sequence (6.4.25)."""
        content = encode([Metric(BIRTH_NUMBER, birth, now_ms)], now_ms, None)
        return Message(self.names.topic("NDEATH"), content, quality=1)

    def births(self, birth: int, now_ms: int) -> list[Message]:
        """Return the births of the node and of every device, with every value as it is now."""
        self._number = 0
        control = [Metric(BIRTH_NUMBER, birth, now_ms), Metric(REBIRTH, False, now_ms)]
        found = [self._message("NBIRTH", NODE, [*control, *self._all(NODE)], now_ms)]
        found.extend(
            self._message("DBIRTH", station, self._all(station), now_ms)
            for station in self.names.stations
        )
        return found

    def _all(self, device: str) -> list[Metric]:
        values = self._values[device]
        return [Metric(name, value, since_ms) for name, (value, since_ms) in values.items()]

    def see(self, event: Event, now_ms: int) -> list[Message]:
        """Take an event in; return the messages that tell of what it changed."""
        time_ms = event.time_us // 1_000
        changed: dict[str, list[Metric]] = {}
        for device, name, value in (*self._facts(event), *self._counts(event)):
            known = self._values[device]
            if known[name][0] != value:
                known[name] = (value, time_ms)
                changed.setdefault(device, []).append(Metric(name, value, time_ms))
        return self._data(changed, now_ms)

    def history(self, event: Event, now_ms: int) -> list[Message]:
        """Return the messages about an event that happened before the last birth (6.4.22)."""
        time_ms = event.time_us // 1_000
        told: dict[str, list[Metric]] = {}
        for device, name, value in self._facts(event):
            told.setdefault(device, []).append(Metric(name, value, time_ms, historical=True))
        return self._data(told, now_ms)

    def _data(self, metrics: Mapping[str, Iterable[Metric]], now_ms: int) -> list[Message]:
        return [
            self._message("DDATA" if device else "NDATA", device, values, now_ms)
            for device, values in metrics.items()
        ]

    def _message(self, kind: str, device: str, metrics: Iterable[Metric], now_ms: int) -> Message:
        content = encode(metrics, now_ms, self._number)
        self._number = (self._number + 1) % NUMBERS
        return Message(self.names.topic(kind, device), content, quality=0)

    def _facts(self, event: Event) -> Iterator[Fact]:
        """Return what an event alone says about this line and its stations."""
        draft, data = event.draft, event.draft.data
        if event.kind is Kind.LINE_CHANGED and data["line"] == self.names.line:
            yield NODE, "Line/Running", data["running"]
            yield NODE, "Line/Reason", _reason(data.get("reason", ""))
        if draft.station not in self.names.stations:
            return
        match event.kind:
            case Kind.STATION_CHANGED:
                yield draft.station, "State", data["state"]
                yield draft.station, "Reason", _reason(data.get("reason", ""))
                yield draft.station, "Code", data.get("code", "")
            case Kind.MACHINE_SEEN:
                yield draft.station, "Machine/Serial Number", draft.machine_serial
            case Kind.WORK_BEGUN:
                yield draft.station, "Work/Act", data["act"]
                yield draft.station, "Work/Card", draft.card
            case Kind.WORK_FINISHED:
                yield draft.station, "Work/Act", ""
                yield draft.station, "Work/Card", ""

    def _counts(self, event: Event) -> Iterator[Fact]:
        """Return what an event adds to what was counted."""
        draft, data, line = event.draft, event.draft.data, self.names.line
        if event.kind is Kind.STOCK_CHANGED and data["line"] == line:
            out = data.get("returned", 0) + data.get("samples", 0)
            yield self._added(NODE, BLANKS, data.get("loaded", 0) - out)
        if event.kind is Kind.CARD_ISSUED and data["line"] == line:
            yield self._added(NODE, BLANKS, -1)
            yield self._added(NODE, ISSUED, 1)
        if event.kind is Kind.WORK_FINISHED and draft.station in self.names.stations:
            yield self._added(draft.station, _WORKS[data["outcome"]], 1)
        counter = _COUNTED.get(data.get("trigger", ""))
        if draft.card and counter and self._line_of(draft.card) == line:
            yield self._added(NODE, counter, 1)

    def _added(self, device: str, name: str, more: int) -> Fact:
        value = self._values[device][name][0]
        assert isinstance(value, int)
        return device, name, max(0, value + more)


def asks_for_rebirth(content: bytes) -> bool:
    """Tell whether a command is the one that is obeyed; every other one is ignored (6.4.23)."""
    if len(content) > COMMAND_BYTES_MAX:
        return False
    try:
        return decode(content).metrics.get(REBIRTH) is True
    except PayloadBroken:
        return False


def _reason(text: str) -> str:
    """Return a reason's label: a person may have typed anything."""
    return reason_label(text) if text else ""
