"""A machine's cable is pulled in the middle of an act and put back: the act is judged by evidence.

Every port once for each kind of act that its machine does, over TCP, with the centre and its
machines in processes of their own. What is measured is how long it takes from putting the cable
back, the station being authorised in the same moment, until it does something again.
"""

import itertools
import sqlite3
import time
from collections.abc import Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest

from controller.api.client import RefusedByCentre
from jobs.events import Kind
from jobs.ledger.store import Store
from tests.system.books_and_floor import check_all, station_at_work
from tests.system.real_centre import LOOK_S, RealCentre, until
from tests.system.relay import Relay

pytestmark = [pytest.mark.real_time, pytest.mark.timeout(900)]

LINE = {
    "line-1-transport": ("move",),
    "printer-1": ("insert", "print"),
    "printer-2": ("insert", "print"),
    "laminator-1": ("laminate", "eject"),
    "laminator-2": ("laminate", "eject"),
    "encoder-1": ("encode",),
    "encoder-2": ("encode",),
    "encoder-3": ("encode",),
    "encoder-4": ("encode",),
    "reader-1": ("read_back",),
    "reader-2": ("read_back",),
}
ACTS = [(station, act) for station, acts in LINE.items() for act in acts]
#: Nothing else stops a station here, so that every stop is a cable's.
SOUND = {"chip_failure_share": 0.0, "misprint_share": 0.0, "jam_share": 0.0}
#: Short enough to be bridged by opening the wire again.
SHORT_S = 0.5
RESUMED_WITHIN_S = 5.0
#: Until the station is held, with the pauses between its attempts and a loaded machine.
HELD_WITHIN_S = 30.0
ORDERS_WAITING, ORDERS_A_PACKAGE = 15, 30
#: Every so many looks for an act there must be enough orders left.
LOOKS_A_PACKAGE = 100


def pull_during(made: RealCentre, relays: dict[str, Relay], station: str, act: str) -> None:
    """Wait for an act at a station, and pull its machine's cable."""
    looks = itertools.count()

    def under_way() -> bool:
        if next(looks) % LOOKS_A_PACKAGE == 0:
            keep_busy(made)
        return bool(station_at_work(made.config.ledger.path, act, station))

    until(under_way, f"{act} is under way at {station}", told=made.stuck, look_s=0.002)
    relays[station].cut()


def state_of(made: RealCentre, station: str) -> str:
    made.check_alive()
    stations = made.client.get("/stations")
    return next(str(one["state"]) for one in stations if one["name"] == station)


def wait_until_held(made: RealCentre, station: str) -> None:
    def is_held() -> bool:
        return state_of(made, station) == "Held"

    until(is_held, f"{station} is held", HELD_WITHIN_S, made.stuck)


def last_event(path: Path) -> int:
    return int(_ask(path, "SELECT MAX(sequence) FROM events"))


def has_resumed(path: Path, station: str, since: int) -> bool:
    """Tell whether since some event an act began at the station, or its card moved on."""
    begun = """SELECT COUNT(*) FROM events WHERE kind = 'work_begun' AND sequence > ?
        AND (station = ? OR json_extract(data, '$.source') LIKE '%' || ? || '%')"""
    return bool(_ask(path, begun, (since, station, station)))


def _ask(path: Path, sql: str, values: Sequence[object] = ()) -> int:
    with closing(sqlite3.connect(path.absolute().as_uri() + "?mode=ro", uri=True)) as connection:
        row = connection.execute(sql, values).fetchone()
    return int(row[0])


def put_back(made: RealCentre, relay: Relay, station: str) -> float:
    """Put a cable back and authorise; return how long it took until the station went on."""
    path = made.config.ledger.path
    since = last_event(path)
    relay.mend()
    mended_s = time.monotonic()

    def goes_on() -> bool:
        if state_of(made, station) == "Held":
            with suppress(RefusedByCentre):  # the simulated operator was faster
                made.client.act(f"/stations/{station}/unhold")
        return has_resumed(path, station, since)

    until(goes_on, f"{station} goes on", told=made.stuck, look_s=LOOK_S)
    return time.monotonic() - mended_s


def keep_busy(made: RealCentre) -> None:
    """Have enough orders that every station has work."""
    made.check_alive()
    if made.unfinished() < ORDERS_WAITING:
        made.new_package(ORDERS_A_PACKAGE)
        made.bring_packages()


def held(made: RealCentre) -> set[str]:
    """Return the stations that were ever held because their wire could not be opened again."""
    store = Store.open_for_reading(str(made.config.ledger.path))
    try:
        changes = [event.draft for event in store.events() if event.kind is Kind.STATION_CHANGED]
    finally:
        store.close()
    return {
        draft.station
        for draft in changes
        if draft.data["state"] == "Held" and "nothing listens there" in draft.data["reason"]
    }


@pytest.mark.soak
@pytest.mark.parametrize("until_held", [False, True], ids=["short", "until held"])
def test_every_port_pulled_during_every_act_goes_on_within_5_s(
    tmp_path: Path, until_held: bool
) -> None:
    changes: dict[str, dict[str, Any]] = {
        "limits": {"closing_delay_s": 1.0},
        "simulation": {"machines": SOUND},
    }
    with RealCentre(tmp_path, seed=41 + until_held, on="tcp", changes=changes) as made:
        relays = {name: Relay(url) for name, url in made.urls().items()}
        assert relays.keys() == LINE.keys()
        made.rewire({name: relay.url for name, relay in relays.items()})
        took_s: dict[str, float] = {}
        try:
            made.run_centre()
            for station, act in ACTS:
                pull_during(made, relays, station, act)
                time.sleep(SHORT_S)
                if until_held:
                    wait_until_held(made, station)
                took_s[f"{act} at {station}"] = put_back(made, relays[station], station)
            made.wait_until_made()
            made.stop_centre()
        finally:
            for relay in relays.values():
                relay.close()
        worst = max(took_s, key=took_s.__getitem__)
        print(f"cables: {len(took_s)} pulled; slowest to go on: {worst}, {took_s[worst]:.2f} s")
        check_all(made.config, made.stop_machines(), made.orders)
        assert "Traceback" not in made.last_words()
        assert held(made) == (relays.keys() if until_held else set())
        assert took_s[worst] < RESUMED_WITHIN_S, took_s
