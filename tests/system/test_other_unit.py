"""While a print is under way another unit is put on its port: what became of the card is unknown.

The books doubt the card, a sensor finds it, it is thrown away and made again. Where the file names
the unit's serial number, the station waits for that unit, and asks it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from config.loading import read_toml
from config.toml_text import toml_text
from jobs.books import Books
from jobs.events import Event, Kind
from jobs.ledger.store import Store
from jobs.rows import Card
from jobs.states import CardState
from tests.system.books_and_floor import check_all, station_at_work
from tests.system.real_centre import RealCentre, start, until
from tests.system.relay import Relay

pytestmark = [pytest.mark.real_time, pytest.mark.timeout(200)]

STATION = "printer-1"
CALM: dict[str, dict[str, object]] = {
    "simulation": {"machines": {}},
}


@contextmanager
def other_machines(made: RealCentre) -> Iterator[str]:
    """Serve machines like those of a centre, but others; gives where their printer is."""
    raw = read_toml(made.folder / "source.toml")
    # A printer's serial number comes from its place on the line.
    raw["lines"][0]["stations"].reverse()
    source = made.folder / "others.toml"
    source.write_text(toml_text(raw), encoding="utf-8")
    folder = made.folder / "others"
    served = start(
        made.folder / "others.log",
        *("simulators", "serve", "--centre", source, "--on", "tcp", "--folder", folder),
    )
    try:
        file = folder / "centre.toml"
        until(file.exists, "the other machines are served")
        stations = read_toml(file)["lines"][0]["stations"]
        yield next(one["url"] for one in stations if one["name"] == STATION)
    finally:
        served.kill()
        served.wait()


def exchange_during_print(made: RealCentre, relay: Relay, url: str) -> None:
    path = made.config.ledger.path

    def printing() -> bool:
        made.check_alive()
        return station_at_work(path, "print", STATION) == STATION

    until(printing, "a print is under way", told=made.stuck, look_s=0.002)
    put_on(relay, url)


def put_on(relay: Relay, url: str) -> None:
    relay.cut()
    relay.machine_url = url
    relay.mend()


def events_of(made: RealCentre) -> list[Event]:
    store = Store.open_for_reading(str(made.config.ledger.path))
    try:
        return list(store.events())
    finally:
        store.close()


def lost_prints(made: RealCentre) -> list[Event]:
    """Return the ends of prints whose outcome nobody could tell."""
    return [
        event
        for event in events_of(made)
        if event.kind is Kind.WORK_FINISHED
        and event.draft.station == STATION
        and event.draft.data["outcome"] == "unknown"
    ]


def serials_seen(made: RealCentre) -> list[str]:
    return [
        event.draft.machine_serial
        for event in events_of(made)
        if event.kind is Kind.MACHINE_SEEN and event.draft.station == STATION
    ]


def card_of(books: Books, event: Event) -> Card:
    return books.cards[event.draft.card]


def test_an_unknown_unit_makes_the_open_print_unknown_and_the_card_is_made_again(
    tmp_path: Path,
) -> None:
    with (
        RealCentre(tmp_path, seed=51, on="tcp", changes=CALM, pace=100.0) as made,
        other_machines(made) as other,
    ):
        own = made.urls()[STATION]
        relay = Relay(own)
        made.rewire({STATION: relay.url})
        made.run_centre()
        made.new_package(4)
        made.bring_packages()
        exchange_during_print(made, relay, other)
        until(lambda: lost_prints(made), "the print is of unknown outcome", told=made.stuck)
        put_on(relay, own)
        made.wait_until_made()
        made.stop_centre()
        relay.close()
        books = check_all(made.config, made.stop_machines(), made.orders)
        lost = lost_prints(made)
        serials = serials_seen(made)
        assert "Traceback" not in made.last_words()
    assert len(serials) == 3
    assert serials[0] == serials[2] != serials[1]
    assert [card_of(books, event).state for event in lost[:1]] == [CardState.SPOILED]
    assert books.orders[card_of(books, lost[0]).order].attempts >= 2


@pytest.mark.soak
def test_where_the_file_names_the_unit_only_that_one_is_asked(tmp_path: Path) -> None:
    with (
        RealCentre(tmp_path, seed=52, on="tcp", changes=CALM) as made,
        other_machines(made) as other,
    ):
        own = made.urls()[STATION]
        relay = Relay(own)
        made.rewire({STATION: relay.url}, serial_number="PRN-0001")
        made.run_centre()
        made.new_package(12)
        made.bring_packages()
        exchange_during_print(made, relay, other)

        def refused() -> bool:
            made.check_alive()
            changes = [e.draft for e in events_of(made) if e.kind is Kind.STATION_CHANGED]
            return any(draft.data["code"] == "device.wrong" for draft in changes)

        until(refused, "the wrong unit is refused", told=made.stuck)
        assert station_at_work(made.config.ledger.path, "print", STATION) == STATION
        put_on(relay, own)
        made.wait_until_made()
        made.stop_centre()
        relay.close()
        check_all(made.config, made.stop_machines(), made.orders)
        assert serials_seen(made) == ["PRN-0001"]
        assert "Traceback" not in made.last_words()
