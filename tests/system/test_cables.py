"""A machine's cable is pulled in the middle of an act and put back: the act is judged by evidence.

Once for each kind of act, over TCP, with the centre and its machines in processes of their own.
"""

import time
from pathlib import Path

import pytest

from jobs.events import Kind
from jobs.ledger.store import Store
from tests.system.books_and_floor import check_all, station_at_work
from tests.system.real_centre import RealCentre, until
from tests.system.relay import Relay

pytestmark = [pytest.mark.real_time, pytest.mark.timeout(250)]

ACTS = ("move", "insert", "print", "laminate", "eject", "encode", "read_back")
#: Short enough to be bridged by opening the wire again, and long enough for the station to be held.
SHORT_S, LONG_S = 0.5, 6.0


def pull_during(made: RealCentre, relays: dict[str, Relay], act: str, pulled_s: float) -> str:
    """Wait for an act, pull its machine's cable, and put it back after a while."""
    found: list[str] = []

    def under_way() -> bool:
        made.check_alive()
        found[:] = [station_at_work(made.config.ledger.path, act)]
        return bool(found[0])

    until(under_way, f"{act} is under way", told=made.stuck, look_s=0.002)
    station = found[0]
    relays[station].cut()
    time.sleep(pulled_s)
    relays[station].mend()
    return station


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
@pytest.mark.parametrize(("pulled_s", "seed"), [(SHORT_S, 41), (LONG_S, 42)])
def test_a_cable_pulled_during_every_kind_of_act_loses_nothing(
    tmp_path: Path, pulled_s: float, seed: int
) -> None:
    quickly = {"limits": {"closing_delay_s": 1.0}}
    with RealCentre(tmp_path, seed=seed, on="tcp", changes=quickly) as made:
        relays = {name: Relay(url) for name, url in made.urls().items()}
        made.rewire({name: relay.url for name, relay in relays.items()})
        try:
            made.run_centre()
            made.new_package(18)
            made.bring_packages()
            pulled = [pull_during(made, relays, act, pulled_s) for act in ACTS]
            made.wait_until_made()
            made.stop_centre()
        finally:
            for relay in relays.values():
                relay.close()
        check_all(made.config, made.stop_machines(), made.orders)
        assert "Traceback" not in made.last_words()
        assert held(made) == (set(pulled) if pulled_s == LONG_S else set())
    assert len(set(pulled)) >= len({"transport", "printer", "laminator", "encoder", "reader"})
