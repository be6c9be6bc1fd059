"""A machine's cable is pulled in the middle of an act and put back: the act is judged by evidence.

Every port once for each kind of act that its machine does, over TCP, and one port of each kind of
machine as a pseudo-terminal that vanishes; the centre and its machines are processes of their own.
What is measured is how long it takes from putting the cable back, the station being authorised in
the same moment, until it does something again.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from controller.api.client import RefusedByCentre
from jobs.events import Kind
from jobs.ledger.store import Store
from tests.system.books_and_floor import check_all
from tests.system.pulled_cables import Cable, Pulls, StationAct
from tests.system.real_centre import RealCentre
from tests.system.relay import Relay
from tests.system.serial_cable import SerialCable

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
#: What is done to cards that are good for nothing any more.
TERMINATIONS = [(station, "terminate") for station in LINE if station.startswith("encoder")]
PLAIN_EJECTS = [(station, "eject") for station in LINE if station.startswith("printer")]
READINGS = [(station, "read_back") for station in LINE if station.startswith("reader")]
ONE_OF_EACH = [
    ("line-1-transport", "move"),
    ("printer-1", "print"),
    ("laminator-1", "laminate"),
    ("encoder-1", "encode"),
    ("reader-1", "read_back"),
]
#: Nothing else stops a station here, so that every stop is a cable's.
SOUND = {"chip_failure_share": 0.0, "misprint_share": 0.0, "jam_share": 0.0}
RESUMED_WITHIN_S = 5.0
NO_TCP, NO_DEVICE = "nothing listens there", "the port does not exist"
HOW_LONG = pytest.mark.parametrize("until_held", [False, True], ids=["short", "until held"])


@contextmanager
def running(
    folder: Path, on: str, *, until_held: bool, seed: int, machines: Mapping[str, float] = SOUND
) -> Iterator[Pulls]:
    """Give a centre at work whose every port has a cable; afterwards all must be true and made."""
    changes: dict[str, dict[str, Any]] = {
        "limits": {"closing_delay_s": 1.0},
        "simulation": {"machines": machines},
    }
    with RealCentre(folder, seed, on=on, changes=changes) as made:
        cables = cables_to(made)
        assert cables.keys() == LINE.keys()
        made.rewire({name: cable.url for name, cable in cables.items()})
        pulls = Pulls(made, cables, until_held)
        try:
            made.run_centre()
            yield pulls
            made.wait_until_made()
            made.stop_centre()
        finally:
            for cable in cables.values():
                cable.close()
        check_all(made.config, made.stop_machines(), made.orders)
        assert "Traceback" not in made.last_words()


def cables_to(made: RealCentre) -> dict[str, Cable]:
    if made.on == "tcp":
        return {name: Relay(url) for name, url in made.urls().items()}
    folder = made.folder / "ports"
    folder.mkdir()
    return {name: SerialCable(url, folder / name) for name, url in made.urls().items()}


def check_and_print(pulls: Pulls, what: str, because: str, acts: Iterable[StationAct]) -> None:
    """Every act was cut in two and went on in time; stations were held if that was the point."""
    took_s = pulls.took_s
    assert took_s.keys() == set(acts)
    worst = max(took_s, key=took_s.__getitem__)
    print(
        f"{what}: {len(took_s)} acts cut in two, {pulls.missed} missed; "
        f"slowest to go on: {' '.join(reversed(worst))}, {took_s[worst]:.2f} s"
    )
    pulled = {station for station, _ in took_s}
    assert held(pulls.path, because) == (pulled if pulls.until_held else set())
    assert took_s[worst] < RESUMED_WITHIN_S, took_s


def held(path: Path, because: str) -> set[str]:
    """Return the stations that were ever held because their wire could not be opened again."""
    store = Store.open_for_reading(str(path))
    try:
        changes = [event.draft for event in store.events() if event.kind is Kind.STATION_CHANGED]
    finally:
        store.close()
    return {
        draft.station
        for draft in changes
        if draft.data["state"] == "Held" and because in draft.data["reason"]
    }


def condemning_encoded_cards(pulls: Pulls) -> Callable[[], None]:
    """Return what has chips terminated: a person finds a card bad whose chip was written."""
    condemned: set[str] = set()

    def condemn() -> None:
        if (found := pulls.under_way(READINGS)) is not None and found.card not in condemned:
            condemned.add(found.card)
            spoil(pulls.made, found.card)

    return condemn


def condemning_cards_in(printer: str, pulls: Pulls) -> Callable[[], None]:
    """Return what has cards brought out that nobody wants: found bad as their print broke off."""
    prints: set[str] = set()

    def condemn() -> None:
        found = pulls.under_way([(printer, "print")])
        if found is not None and found.work not in prints:
            prints.add(found.work)
            spoil(pulls.made, found.card)
            pulls.pull_shortly(printer)

    return condemn


def spoil(made: RealCentre, card: str) -> None:
    with suppress(RefusedByCentre):  # it is on its way into its tray already
        made.client.act(f"/cards/{card}/spoil", {"reason": "scratched"})


@pytest.mark.soak
@HOW_LONG
def test_every_port_pulled_during_every_act_goes_on_within_5_s(
    tmp_path: Path, until_held: bool
) -> None:
    with running(tmp_path, "tcp", until_held=until_held, seed=41) as pulls:
        pulls.pull_during(ACTS)
    check_and_print(pulls, "cables", NO_TCP, ACTS)


@pytest.mark.soak
@HOW_LONG
def test_every_encoder_pulled_while_it_ends_a_chip_goes_on_within_5_s(
    tmp_path: Path, until_held: bool
) -> None:
    slow_chips = {**SOUND, "chip_s": 30.0}
    with running(tmp_path, "tcp", until_held=until_held, seed=43, machines=slow_chips) as pulls:
        pulls.pull_during(TERMINATIONS, condemning_encoded_cards(pulls))
    check_and_print(pulls, "cables of encoders", NO_TCP, TERMINATIONS)


@pytest.mark.soak
@HOW_LONG
def test_every_printer_pulled_while_it_ejects_a_bad_card_goes_on_within_5_s(
    tmp_path: Path, until_held: bool
) -> None:
    with running(tmp_path, "tcp", until_held=until_held, seed=45) as pulls:
        for printer, act in PLAIN_EJECTS:
            # One after the other: who breaks off a print here would miss an eject there.
            pulls.pull_during([(printer, act)], condemning_cards_in(printer, pulls))
    check_and_print(pulls, "cables of printers", NO_TCP, PLAIN_EJECTS)


@pytest.mark.soak
@HOW_LONG
def test_a_serial_port_that_vanishes_and_comes_back_goes_on_within_5_s(
    tmp_path: Path, until_held: bool
) -> None:
    with running(tmp_path, "pty", until_held=until_held, seed=47) as pulls:
        pulls.pull_during(ONE_OF_EACH)
    check_and_print(pulls, "serial ports", NO_DEVICE, ONE_OF_EACH)
