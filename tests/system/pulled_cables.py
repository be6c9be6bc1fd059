"""Pull a machine's cable in the middle of an act, put it back, and see that its station goes on.

Which cables, which acts and what else must be true then is said in `test_cables.py`.
"""

import itertools
import sqlite3
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from controller.api.client import RefusedByCentre
from tests.system.real_centre import LOOK_OFTEN_S, Never, RealCentre, until

#: Short enough to be bridged by opening the wire again.
SHORT_S = 0.5
#: Until the station is held, with the pauses between its attempts and a loaded machine.
HELD_WITHIN_S = 30.0
ORDERS_WAITING, ORDERS_A_PACKAGE = 15, 30
#: Every so many looks for an act there must be enough orders left.
LOOKS_A_PACKAGE = 100
#: An act of milliseconds may be over before its cable is out.
PULLS_AN_ACT_MAX = 6

StationAct = tuple[str, str]


class Cable(Protocol):
    """A relay to a port, or between pseudo-terminals."""

    @property
    def url(self) -> str:
        """Where a centre finds the port."""

    def cut(self) -> None:
        """Hang up; the port is gone until `mend`."""

    def mend(self) -> None:
        """Have the port there again, under its old name."""

    def close(self) -> None:
        """End it."""


@dataclass(frozen=True, slots=True)
class UnderWay:
    """An act that is being done at this moment."""

    work: str
    station: str
    act: str
    card: str


@dataclass(slots=True)
class Pulls:
    """Pulls the cables of a running centre, one after the other."""

    made: RealCentre
    cables: Mapping[str, Cable]
    until_held: bool
    #: Of each act at each station that was cut in two: how long until its station went on.
    took_s: dict[StationAct, float] = field(default_factory=dict)
    missed: int = 0

    @property
    def path(self) -> Path:
        return self.made.config.ledger.path

    def pull_during(
        self, acts: Iterable[StationAct], brings_about: Callable[[], None] = lambda: None
    ) -> None:
        """Pull and put back a cable in the middle of each of these acts, as they come.

        `brings_about` is called again and again while none of them is under way.
        """
        left = set(acts)
        pulls_max = PULLS_AN_ACT_MAX * len(left)
        for _ in range(pulls_max):
            found = self._wait_for(left, brings_about)
            self.cables[found.station].cut()
            time.sleep(SHORT_S)
            if self.until_held:
                self._wait_until_held(found.station)
            took_s = self._put_back(found.station)
            if self._was_cut_in_two(found.work):
                pair = (found.station, found.act)
                self.took_s[pair] = took_s
                left.discard(pair)
            else:
                self.missed += 1
            if not left:
                return
        raise Never(f"never cut in two: {left}\n{self.made.stuck()}")

    def pull_shortly(self, station: str) -> None:
        """Pull a cable and put it back, whatever its station is doing."""
        self.cables[station].cut()
        time.sleep(SHORT_S)
        self.cables[station].mend()

    def under_way(self, wanted: Iterable[StationAct]) -> UnderWay | None:
        """Return one of these acts that is being done now."""
        sql = "SELECT id, station, act, json_extract(cards, '$[0]') FROM works WHERE state = 'open'"
        found = (UnderWay(*row) for row in self._ask(sql))
        return next((one for one in found if (one.station, one.act) in wanted), None)

    def _wait_for(self, wanted: set[StationAct], brings_about: Callable[[], None]) -> UnderWay:
        looks, found = itertools.count(), list[UnderWay]()

        def is_under_way() -> bool:
            if next(looks) % LOOKS_A_PACKAGE == 0:
                self._keep_busy()
            if (one := self.under_way(wanted)) is not None:
                found.append(one)
            else:
                brings_about()
            return bool(found)

        until(is_under_way, f"one of {wanted} is under way", told=self.made.stuck, look_s=0.002)
        return found[0]

    def _keep_busy(self) -> None:
        """Have enough orders that every station has work."""
        self.made.check_alive()
        if self.made.unfinished() < ORDERS_WAITING:
            self.made.new_package(ORDERS_A_PACKAGE)
            self.made.bring_packages()

    def _state_of(self, station: str) -> str:
        self.made.check_alive()
        stations = self.made.client.get("/stations")
        return next(str(one["state"]) for one in stations if one["name"] == station)

    def _wait_until_held(self, station: str) -> None:
        def is_held() -> bool:
            return self._state_of(station) == "Held"

        until(is_held, f"{station} is held", HELD_WITHIN_S, self.made.stuck)

    def _put_back(self, station: str) -> float:
        """Put a cable back and authorise; return how long it took until the station went on."""
        ((since,),) = self._ask("SELECT MAX(sequence) FROM events")
        self.cables[station].mend()
        mended_s = time.monotonic()

        def goes_on() -> bool:
            if self._state_of(station) == "Held":
                with suppress(RefusedByCentre):  # the simulated operator was faster
                    self.made.client.act(f"/stations/{station}/unhold")
            return self._has_resumed(station, since)

        until(goes_on, f"{station} goes on", told=self.made.stuck, look_s=LOOK_OFTEN_S)
        return time.monotonic() - mended_s

    def _has_resumed(self, station: str, since: int) -> bool:
        """Tell whether since some event an act began at the station, or its card moved on."""
        begun = """SELECT COUNT(*) FROM events WHERE kind = 'work_begun' AND sequence > ?
            AND (station = ? OR json_extract(data, '$.source') LIKE '%' || ? || '%')"""
        ((count,),) = self._ask(begun, (since, station, station))
        return bool(count)

    def _was_cut_in_two(self, work: str) -> bool:
        """Tell whether evidence had to say what became of an act: no answer came any more."""
        sql = """SELECT json_extract(data, '$.told_by') FROM events
            WHERE kind = 'work_finished' AND work = ?"""
        until(lambda: self._ask(sql, (work,)), f"{work} is settled", told=self.made.stuck)
        ((told_by,),) = self._ask(sql, (work,))
        return bool(told_by == "evidence")

    def _ask(self, sql: str, values: Sequence[object] = ()) -> list[Any]:
        uri = self.path.absolute().as_uri() + "?mode=ro"
        with closing(sqlite3.connect(uri, uri=True)) as connection:
            return connection.execute(sql, values).fetchall()
