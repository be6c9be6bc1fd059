"""A whole centre whose encoders are behind PC/SC makes its cards, though pcscd dies meanwhile."""

import json
from pathlib import Path

import pytest

from tests.peers.pcsc_service import PcscService
from tests.system.books_and_floor import check_all, check_one_good_card_each, station_at_work
from tests.system.real_centre import RealCentre, until
from tests.system.warm import cardcentre

pytestmark = [pytest.mark.peer, pytest.mark.real_time, pytest.mark.timeout(300)]

#: Nothing stops a station here but what happens to pcscd.
SOUND = {"chip_failure_share": 0.0, "misprint_share": 0.0, "jam_share": 0.0}
ORDERS = 8


def test_cards_are_made_over_pc_sc(tmp_path: Path, pcsc_socket_folder: Path) -> None:
    service = PcscService(pcsc_socket_folder, tmp_path)
    changes = {"simulation": {"machines": SOUND}}
    with RealCentre(tmp_path, seed=3, changes=changes) as made:
        ports = {name: url for name, url in made.urls().items() if name.startswith("encoder")}
        made.rewire({name: service.add(name, url) for name, url in ports.items()})
        assert len(ports) == 4
        try:
            service.start()
            until(service.is_up, "pcscd is up")
            told = cardcentre("station", "exercise", made.urls()["encoder-1"], "--json")
            assert told.returncode == 0, told.stderr
            verbs = {row["verb"]: row["said"] for row in json.loads(told.stdout)["verbs"]}
            assert verbs["identify"].endswith("00, encoder-1")
            _make_cards(made, service)
            made.stop_centre()
        finally:
            service.kill()
        books = check_all(made.config, made.stop_machines(), ORDERS)
    check_one_good_card_each(books)
    seen = {name: one.machine_serial for name, one in books.stations.items()}
    assert {name: seen[name] for name in ports} == {name: name for name in ports}


def _make_cards(made: RealCentre, service: PcscService) -> None:
    made.run_centre()
    made.new_package(ORDERS, counties=1)
    made.bring_packages()
    ledger = made.config.ledger.path
    until(lambda: station_at_work(ledger, "encode"), "a chip is written", look_s=0.002)
    service.kill()
    service.start()
    made.wait_until_made()
