"""Whatever is wrong with a port, its station says so in one line, with what to do, and waits."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.system.real_centre import RealCentre, until
from tests.system.relay import Cable, Relay
from tests.system.warm import cardcentre

pytestmark = [pytest.mark.real_time, pytest.mark.timeout(120)]

#: A machine that says nothing is not waited for long here.
TIMEOUTS = {"timeouts": {"reply_s": 0.5, "connect_s": 2.0}}
LINE_MAX = 250
#: Nothing is made here: machines only come up.
PACE = 400.0
#: Which stations a person then sets right: one of each kind, over the three runs.
SET_RIGHT = {
    Cable.SILENT: ("line-1-transport", "reader-1"),
    Cable.HALF: ("printer-1",),
    Cable.GARBAGE: ("laminator-1", "encoder-1"),
}


def aborted(made: RealCentre) -> set[str]:
    made.check_alive()
    return {one["name"] for one in made.client.get("/stations") if one["state"] == "Aborted"}


def told(made: RealCentre) -> dict[str, dict[str, Any]]:
    """Return what waits, by station; each is one clear line that names a command."""
    found = {one["subject"]: one for one in made.client.get("/todo")}
    for name, one in found.items():
        if one["need"] == "station aborted":
            commands = [f"cardcentre station {verb} {name}" for verb in ("clear", "start")]
            assert one["command"] == "; ".join(commands)
            assert one["reason"].isprintable()
            assert 20 < len(one["reason"]) < LINE_MAX, one["reason"]
            assert " - " in one["reason"], f"no advice: {one['reason']}"
    return found


def set_right(made: RealCentre, command: str) -> None:
    """Do what a line of `todo` says, word for word."""
    for one in command.split("; "):
        words = one.removeprefix("cardcentre ").split()
        done = cardcentre("--centre", made.file, *words)
        assert done.returncode == 0, done.stdout + done.stderr


def at_work(made: RealCentre) -> set[str]:
    made.check_alive()
    working = {"Execute", "Suspended"}  # suspended: it waits for the transport
    return {one["name"] for one in made.client.get("/stations") if one["state"] in working}


@pytest.mark.parametrize("cable", [Cable.SILENT, Cable.HALF, Cable.GARBAGE])
def test_nonsense_on_every_wire_aborts_every_station_until_the_wire_is_good(
    tmp_path: Path, cable: Cable
) -> None:
    with RealCentre(tmp_path, on="tcp", operator=False, pace=PACE) as made:
        relays = {name: Relay(url, cable) for name, url in made.urls().items()}
        made.rewire({name: relay.url for name, relay in relays.items()}, **TIMEOUTS)
        made.run_centre()
        until(lambda: aborted(made) == set(relays), "all aborted", told=made.last_words)

        waiting = told(made)
        codes = {waiting[name]["code"] for name in relays}
        if cable is Cable.SILENT:
            assert codes == {"link.reply_timeout"}
        else:
            assert codes <= {"link.garbled", "link.unexpected_reply", "device.wrong"}
        listing = cardcentre("--centre", made.file, "station", "list", "--json")
        assert listing.stdout.count('"Aborted"') == len(relays)

        for relay in relays.values():
            relay.cable = Cable.GOOD
        for name in SET_RIGHT[cable]:
            set_right(made, waiting[name]["command"])
        right = set(SET_RIGHT[cable])
        until(lambda: at_work(made) >= right, f"{right} work", told=made.last_words)
        made.stop_centre()
        for relay in relays.values():
            relay.close()
        assert "Traceback" not in made.last_words()


@contextmanager
def taken(url: str) -> Iterator[None]:
    """Use a serial port as another process does: with the lock that serial programs agree on."""
    port = os.open(url.removeprefix("serial://").partition("?")[0], os.O_RDWR | os.O_NOCTTY)
    try:
        fcntl.flock(port, fcntl.LOCK_EX)
        yield
    finally:
        os.close(port)


def test_missing_taken_and_exchanged_ports_are_told_apart(tmp_path: Path) -> None:
    with RealCentre(tmp_path, operator=False, pace=PACE) as made:
        urls = made.urls()
        exchanged = {
            "printer-1": urls["laminator-1"],
            "laminator-1": f"serial://{tmp_path}/nowhere",
            "encoder-1": urls["reader-1"],
            "reader-1": urls["encoder-1"],
            "laminator-2": urls["line-1-transport"],
            "line-1-transport": urls["laminator-2"],
        }
        made.rewire(exchanged, **TIMEOUTS)
        with taken(urls["printer-2"]):
            made.run_centre()
            bad = {*exchanged, "printer-2"}
            until(lambda: aborted(made) == bad, "the bad ones are aborted", told=made.last_words)
            waiting = told(made)
        until(lambda: "reader-2" in at_work(made), "the others work", told=made.last_words)

        assert "the port does not exist" in waiting["laminator-1"]["reason"]
        assert "nowhere" in waiting["laminator-1"]["reason"]
        assert "in use by another process" in waiting["printer-2"]["reason"]
        for name in set(exchanged) - {"laminator-1"}:
            assert waiting[name]["code"] in {"device.wrong", "link.reply_timeout"}, waiting[name]
            assert "this port" in waiting[name]["reason"]
        shown = cardcentre("--centre", made.file, "todo", "--json").stdout
        assert all(waiting[name]["reason"] in shown for name in bad)

        set_right(made, waiting["printer-2"]["command"])
        until(lambda: "printer-2" in at_work(made), "the free port works", told=made.last_words)
        assert "Traceback" not in made.last_words()


def test_another_unit_than_the_file_names_is_refused_with_both_numbers(tmp_path: Path) -> None:
    with RealCentre(tmp_path, operator=False, pace=PACE) as made:
        url = made.urls()["encoder-1"]
        made.rewire({"encoder-1": url}, serial_number="ENC-0999")
        made.run_centre()
        until(lambda: aborted(made) == {"encoder-1"}, "it is aborted", told=made.last_words)
        reason = told(made)["encoder-1"]["reason"]
    assert "ENC-0999" in reason
    assert "ENC-0005" in reason
