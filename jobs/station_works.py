"""What every station made in a stretch of time: works by act, rejects, first passes. Pure.

A work that was not done is no product, unless the card was to blame and was condemned for it. A
reject counts at the station that found it, whoever caused it. Where the time went is
`jobs/station_causes.py`.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median_low
from typing import Any

from jobs.events import Event, Kind
from jobs.rows import WorkState
from jobs.states import CardTrigger
from jobs.timed_stations import INSPECTING, PRODUCT_ACT, TimedStation

#: What a machine says when the card is to blame.
CARD_FAULTS = frozenset({"chip.no_card", "chip.refused", "chip.mute", "reader.read_failed"})


@dataclass(slots=True)
class StationWorks:
    """What one station did."""

    kind: str
    acts: Counter[str] = field(default_factory=Counter)  # cards worked on, by act
    rejected: int = 0
    inspected: int = 0  # cards at their first inspection
    passed_first: int = 0  # and good at it

    @property
    def produced(self) -> int:
        """Cards on which it did what it is there for, good or bad."""
        return self.acts[PRODUCT_ACT[self.kind]]


@dataclass(slots=True)
class Ended:
    """Cards of a line whose making ended; one found bad later is no longer among the packed."""

    packed: int = 0
    spoiled: int = 0


@dataclass(frozen=True, slots=True)
class _Open:
    act: str
    cards: tuple[str, ...]
    begun_us: int


class WorkCounts:
    """Sees the ledger's events in their order and counts what happened within the stretch."""

    def __init__(self, stations: Sequence[TimedStation], from_us: int, until_us: int) -> None:
        self._about = {one.name: one for one in stations}
        self._from_us, self._until_us = from_us, until_us
        self._works = {one.name: StationWorks(one.kind) for one in stations}
        self._ended = {one.line: Ended() for one in stations}
        self._durations_us: dict[tuple[str, str], list[int]] = defaultdict(list)
        self._open: dict[str, _Open] = {}
        self._line_of: dict[str, str] = {}  # cards on a line, as far as seen
        self._packed: dict[str, str] = {}  # cards packed in the stretch, and on which line
        self._inspected: set[str] = set()  # of the cards on a line
        self._blamed: dict[str, str] = {}  # card -> the station that last called it faulty

    def watching(self, events: Iterable[Event]) -> Iterator[Event]:
        """Pass events on, and count them."""
        for event in events:
            self.see(event)
            yield event

    def of(self, station: str) -> StationWorks:
        """Return what a station did."""
        return self._works[station]

    def lines(self) -> Mapping[str, Ended]:
        """Return how many cards of each line ended how."""
        return self._ended

    def median_us(self) -> Mapping[tuple[str, str], int]:
        """Return the median time of a done work, by kind of station and act."""
        return {key: median_low(found) for key, found in sorted(self._durations_us.items())}

    def see(self, event: Event) -> None:
        """Count one event."""
        draft, data = event.draft, event.draft.data
        within = self._from_us <= event.time_us < self._until_us
        match event.kind:
            case Kind.CARD_ISSUED:
                self._line_of[draft.card] = data["line"]
            case Kind.WORK_BEGUN:
                work = _Open(data["act"], tuple(data["cards"]), event.time_us)
                self._open[draft.work] = work
                for card in work.cards:
                    self._blamed.pop(card, None)
                    if draft.station in self._about:
                        self._line_of.setdefault(card, self._about[draft.station].line)
            case Kind.WORK_FINISHED:
                found = self._open.pop(draft.work, None)
                if found is not None and draft.station in self._works:
                    self._finish(found, event, within)
                for card in found.cards if found is not None else (draft.card,):
                    self._end(card, data, within)
            case Kind.CARD_CHANGED:
                self._condemn(draft.card, data, within)
                self._end(draft.card, data, within)
            case _:
                pass

    def _finish(self, work: _Open, event: Event, within: bool) -> None:
        data, station = event.draft.data, event.draft.station
        works, outcome = self._works[station], data["outcome"]
        is_product = work.act == PRODUCT_ACT[works.kind]
        not_done = outcome == WorkState.NOT_DONE.value
        blamed = not_done and data.get("error", "") in CARD_FAULTS
        bad = not_done or outcome == WorkState.UNKNOWN.value or _is_condemned_by(data)
        if is_product and blamed:
            self._blamed.update(dict.fromkeys(work.cards, station))
        if is_product and works.kind in INSPECTING and (blamed or not not_done):
            new = set(work.cards) - self._inspected
            self._inspected |= new
            works.inspected += len(new) * within
            works.passed_first += len(new) * (within and not bad)
        if not within or not_done:
            return
        works.acts[work.act] += len(work.cards)
        works.rejected += len(work.cards) * (is_product and bad)
        if outcome == WorkState.DONE.value and data.get("told_by") == "reply":
            self._durations_us[works.kind, work.act].append(event.time_us - work.begun_us)

    def _condemn(self, card: str, data: Mapping[str, Any], within: bool) -> None:
        """A card that a station called faulty was given up for it: that was the station's work."""
        if "trigger" in data or not data.get("reason") or card not in self._blamed:
            return
        works = self._works[self._blamed.pop(card)]
        works.acts[PRODUCT_ACT[works.kind]] += within
        works.rejected += within

    def _end(self, card: str, data: Mapping[str, Any], within: bool) -> None:
        trigger = data.get("trigger")
        if trigger not in {CardTrigger.PACK.value, CardTrigger.SPOIL.value}:
            return
        line = self._leave(card)
        if not within:
            return
        if trigger == CardTrigger.SPOIL.value and line is None and card in self._packed:
            line = self._packed.pop(card)
            self._ended[line].packed -= 1
        if line is None:
            return  # packed before this stretch
        if trigger == CardTrigger.PACK.value:
            self._ended[line].packed += 1
            self._packed[card] = line
        else:
            self._ended[line].spoiled += 1

    def _leave(self, card: str) -> str | None:
        self._inspected.discard(card)
        self._blamed.pop(card, None)
        line = self._line_of.pop(card, None)
        return line if line in self._ended else None


def _is_condemned_by(data: Mapping[str, Any]) -> bool:
    """Tell whether a done work's result says that the card is bad, or nobody knows whose it is."""
    trigger = data.get("trigger")
    if trigger == CardTrigger.DOUBT.value:
        return True
    # The move into the reject bin carries the reason that an earlier station gave.
    return bool(data.get("reason")) and trigger != CardTrigger.SPOIL.value
