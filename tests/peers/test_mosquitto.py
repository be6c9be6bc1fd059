"""Our copies on a real broker: heard by a witness, decoded by somebody else's Sparkplug."""

import asyncio
import json
import os
import socket
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from config.centre import shipped_centre
from config.loading import read_toml
from config.toml_text import toml_text
from controller.mqtt.payload import Metric, encode
from controller.mqtt.position import position_file
from tests.peers.mqtt_certificates import certificate, write_pair
from tests.peers.mqtt_copied import copied
from tests.peers.mqtt_peers import PASSWORD, USER, Broker, decode, decoder, until, values
from tests.peers.mqtt_peers import witness as listening
from tests.system.real_centre import RealCentre
from tests.system.warm import cardcentre
from tests.unit.controller.metered_centre import KINDS, START_US

pytestmark = [pytest.mark.peer, pytest.mark.real_time]

NODE = "spBv1.0/simulated/{}/line-1"
REBIRTH = encode([Metric("Node Control/Rebirth", True, 1)], 1, None)


@pytest.fixture
def broker(tmp_path: Path) -> Any:
    with Broker(tmp_path / "broker") as running:
        yield running


async def test_births_and_data_are_what_another_decoder_reads(
    tmp_path: Path, broker: Broker
) -> None:
    folder = decoder()
    async with listening(broker.port) as witness, copied(tmp_path, broker.port) as ours:
        await ours.centre.batch("2005-10-10", blanks=70)
        async with ours.copying():
            await until(lambda: len(witness.sparkplug()) == 4, "the node and its devices are born")
            await ours.centre.change_station("printer-1", "Execute")
            await ours.centre.issue(1)
            await ours.centre.work("print", "printer-1", 16, trigger="print")
            await ours.told(witness)
            await until(lambda: len(witness.sparkplug()) == 8, "data are told")
        await until(lambda: witness.sparkplug("NDEATH"), "a centre that stops says so")
    heard = witness.sparkplug()
    read = decode(heard, folder)
    assert [one.topic for one in heard] == [
        NODE.format("NBIRTH"),
        *(f"{NODE.format('DBIRTH')}/{station}" for station in KINDS),
        f"{NODE.format('DDATA')}/printer-1",
        NODE.format("NDATA"),
        *[f"{NODE.format('DDATA')}/printer-1"] * 2,
        NODE.format("NDEATH"),
    ]
    assert [one.get("seq") for one in read] == [0, 1, 2, 3, 4, 5, 6, 7, None]
    assert {one["timestamp"] for one in read} <= {START_US // 1_000, START_US // 1_000 + 16_000}
    birth = values(read[0])
    assert (birth["bdSeq"], birth["Node Control/Rebirth"]) == (0, False)
    assert (birth["Blanks/In Magazine"], birth["Line/Running"]) == (70, False)
    assert {one["type"] for one in read[0]["metrics"]} == {"Int64", "Boolean", "String"}
    assert (values(read[2])["Kind"], values(read[2])["State"]) == ("printer", "Stopped")
    assert values(read[4]) == {"State": "Execute"}
    assert values(read[5]) == {"Blanks/In Magazine": 69, "Cards/Issued": 1}
    assert values(read[6]) == {"Work/Act": "print", "Work/Card": "C-1"}
    assert values(read[7])["Since Start/Works Done"] == 1
    assert values(read[8]) == {"bdSeq": 0}
    (event,) = [one for one in witness.events if one["kind"] == "work_begun"]
    assert (event["work"], event["station"], event["data"]["act"]) == ("W-1", "printer-1", "print")
    assert [one.content for one in witness.heard if one.topic.endswith("/online")] == [
        b'{"online":true}',
        b'{"online":false}',
    ]


async def test_a_rebirth_is_the_only_command(tmp_path: Path, broker: Broker) -> None:
    folder = decoder()
    topic = NODE.format("NCMD")
    ignored = [
        encode([Metric("Line/Running", False, 1)], 1, None),
        encode([Metric("Node Control/Rebirth", False, 1)], 1, None),
        encode([Metric("Node Control/Reboot", True, 1)], 1, None),
        b"",
        b"\xff\xff",
        os.urandom(100_000),
    ]
    async with listening(broker.port) as witness, copied(tmp_path, broker.port) as ours:
        await witness.say(topic, REBIRTH, retain=True)
        async with ours.copying():
            await until(lambda: len(witness.sparkplug("DBIRTH")) == 3, "the devices are born")
            await ours.centre.change_station("printer-1", "Execute")
            await until(lambda: witness.sparkplug("DDATA"), "data are told")
            for content in ignored:
                await witness.say(topic, content)
            await witness.say(f"{NODE.format('DCMD')}/printer-1", REBIRTH)
            await witness.say(topic, REBIRTH)
            await until(lambda: len(witness.sparkplug("DBIRTH")) == 6, "the devices are reborn")
            await ours.centre.change_station("printer-1", "Held")
            await until(lambda: len(witness.sparkplug("DDATA")) == 2, "data are told again")
    births = decode(witness.sparkplug("NBIRTH"), folder)
    assert [values(one)["bdSeq"] for one in births] == [0, 0]
    again = decode(witness.sparkplug("DBIRTH"), folder)[3:]
    assert [one["seq"] for one in again] == [1, 2, 3]
    assert [values(one)["State"] for one in again] == ["Stopped", "Execute", "Stopped"]
    assert [one["seq"] for one in decode(witness.sparkplug("DDATA"), folder)] == [4, 4]
    assert [one["event"] for one in ours.log()] == ["mqtt.connected"]


@pytest.mark.parametrize(
    "outage_s", [3.0, pytest.param(30.0, marks=pytest.mark.soak)], ids=["short", "long"]
)
async def test_a_killed_broker_loses_no_event_and_no_order(
    tmp_path: Path, broker: Broker, outage_s: float
) -> None:
    folder = decoder()
    async with listening(broker.port) as witness, copied(tmp_path, broker.port) as ours:
        centre = ours.centre

        def behind() -> float:
            return ours.registry.get_sample_value("cardcentre_mqtt_events_behind") or 0

        async with ours.copying() as forwarder:
            await centre.change_station("printer-1", "Execute")
            await ours.told(witness)
            broker.save()
            broker.kill()
            back = asyncio.Event()

            async def work_on() -> None:
                while not back.is_set():
                    await ours.change_stations(2)
                    await asyncio.sleep(0.004)

            async with asyncio.TaskGroup() as group:
                group.create_task(work_on())
                await asyncio.sleep(outage_s)
                assert not forwarder.connected
                await until(lambda: behind() > 100, "events are behind")
                missed = behind()
                broker.start()
                await until(lambda: forwarder.connected, "the broker is found again")
                await asyncio.sleep(0.5)
                back.set()
            await ours.told(witness)
            assert ours.registry.get_sample_value("cardcentre_mqtt_connected") == 1
    print(f"away {outage_s:.0f} s: {missed:.0f} events behind, all told in order")
    births = decode(witness.sparkplug("NBIRTH"), folder)
    assert values(births[-1])["bdSeq"] > values(births[0])["bdSeq"]
    data = decode(witness.sparkplug("DDATA"), folder)
    past = [one for one in data if one["metrics"][0].get("isHistorical")]
    times = [one["metrics"][0]["timestamp"] for one in past]
    assert times == sorted(times)
    assert len(past) >= missed
    assert [one["event"] for one in ours.log()] == [
        "mqtt.connected",
        "mqtt.unavailable",
        *["mqtt.unavailable"] * (len(ours.log()) - 3),
        "mqtt.connected",
    ]
    assert len(ours.log()) <= 4  # lost, then unreachable: each told once


async def test_brokers_that_stop_in_the_middle_of_a_page_lose_nothing(
    tmp_path: Path, broker: Broker
) -> None:
    """What was acknowledged is not lost, and what was not is told again."""
    async with listening(broker.port) as witness, copied(tmp_path, broker.port) as ours:
        await ours.change_stations(2_000)
        async with ours.copying():
            for count in (300, 700, 1_100):
                await until(partial(witness.has_heard, count), f"{count} events are heard")
                await asyncio.to_thread(broker.stop)
                await asyncio.to_thread(broker.start)
            await ours.told(witness)
    repeated = len(witness.events) - len(witness.sequences())
    print(f"{len(witness.events)} events heard, {repeated} of them again")


async def test_a_centre_that_starts_again_goes_on_where_it_was(
    tmp_path: Path, broker: Broker
) -> None:
    folder = decoder()
    async with listening(broker.port) as witness, copied(tmp_path, broker.port) as ours:
        async with ours.copying():
            await ours.told(witness)
        await ours.centre.change_station("printer-1", "Aborted")
        before = len(witness.events)
        async with ours.copying():
            await ours.told(witness)
            await until(lambda: witness.sparkplug("DDATA"), "what was missed is told")
    assert len(witness.events) == before + 1
    (past,) = decode(witness.sparkplug("DDATA"), folder)
    assert [one["isHistorical"] for one in past["metrics"]] == [True] * 3
    births = decode(witness.sparkplug("NBIRTH"), folder)
    assert [values(one)["bdSeq"] for one in births] == [0, 1]


@pytest.mark.parametrize("kept", ["of another ledger", "", "[]", "nonsense"])
async def test_a_position_that_does_not_fit_tells_everything_again(
    tmp_path: Path, broker: Broker, kept: str
) -> None:
    async with listening(broker.port) as witness, copied(tmp_path, broker.port) as ours:
        if kept == "of another ledger":
            kept = json.dumps({"sequence": 1, "digest": "0" * 64, "birth": 254})
        position_file(ours.config.ledger.path).write_text(kept)
        async with ours.copying():
            await ours.told(witness)
        position = json.loads(position_file(ours.config.ledger.path).read_text())
    assert position["sequence"] == ours.centre.ledger.sequence
    assert position["digest"] == ours.centre.ledger.head


async def test_a_wrong_password_is_one_line_in_the_log(tmp_path: Path, broker: Broker) -> None:
    async with copied(tmp_path, broker.port, password="wrong") as ours, ours.copying() as made:  # noqa: S106  (it is wrong)
        await until(lambda: made.position.birth >= 2, "it is tried again")
        assert not made.connected
        assert ours.registry.get_sample_value("cardcentre_mqtt_connected") == 0
    (line,) = ours.log()
    assert (line["event"], line["code"]) == ("mqtt.unavailable", "mqtt.not_authorised")
    assert "wrong" not in ours.said.getvalue()


async def test_no_broker_is_one_line_in_the_log_and_then_quiet(tmp_path: Path) -> None:
    async with copied(tmp_path, 1) as ours, ours.copying() as made:
        await until(lambda: made.position.birth >= 2, "it is tried again")
    assert [line["code"] for line in ours.log()] == ["mqtt.unreachable"]


async def test_somebody_who_never_answers_is_given_up(tmp_path: Path) -> None:
    """A port that takes connections and says nothing, as a hung broker does."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        async with copied(tmp_path, port, mqtt={"reply_s": 0.2}) as ours, ours.copying() as made:
            await until(lambda: made.position.birth >= 2, "it is tried again")
    assert [line["code"] for line in ours.log()] == ["mqtt.unreachable"]


# The MQTT library leaves the socket of a failed handshake to the garbage collector.
@pytest.mark.filterwarnings("ignore:.*ssl.SSLSocket:pytest.PytestUnraisableExceptionWarning")
async def test_tls_with_certificates_on_both_sides(tmp_path: Path) -> None:
    authority, stranger = certificate("authority"), certificate("stranger")
    ca, _ = write_pair(tmp_path, "ca", authority)
    other_ca, _ = write_pair(tmp_path, "other", stranger)
    cert, key = write_pair(tmp_path, "server", certificate("server", authority))
    ours_cert, ours_key = write_pair(tmp_path, "client", certificate("centre", authority))
    more = f"cafile {ca}\ncertfile {cert}\nkeyfile {key}\nrequire_certificate true\n"
    both = {"ca_file": ca, "certificate_file": ours_cert, "key_file": ours_key}
    trials = [
        (both, "mqtt.connected", None),
        (both | {"ca_file": other_ca}, "mqtt.unavailable", "mqtt.tls"),
        (both | {"ca_file": f"{ca}-nowhere"}, "mqtt.unavailable", "mqtt.certificate_file"),
    ]
    with Broker(tmp_path / "broker", more=more) as broker:
        for number, (tls, told, code) in enumerate(trials):
            folder = tmp_path / str(number)
            folder.mkdir()
            async with copied(folder, broker.port, mqtt={"tls": tls}) as ours, ours.copying():
                await until(ours.log, "it is told how it went")
            assert (ours.log()[0]["event"], ours.log()[0].get("code")) == (told, code)


async def test_a_killed_centre_dies_on_the_broker_and_is_born_again(
    tmp_path: Path, broker: Broker
) -> None:
    folder = decoder()
    secret = tmp_path / "password"
    secret.write_text(f"{PASSWORD}\n")
    secret.chmod(0o600)
    mqtt = {"host": "127.0.0.1", "port": broker.port, "user": USER, "password_file": str(secret)}
    async with listening(broker.port) as witness:
        with RealCentre(tmp_path, changes={"mqtt": mqtt}) as centre:
            await asyncio.to_thread(centre.run_centre)
            await until(lambda: len(witness.sparkplug("DBIRTH")) == 11, "all are born")
            await asyncio.to_thread(centre.kill_centre)
            await until(lambda: witness.sparkplug("NDEATH"), "the will is delivered")
            await asyncio.to_thread(centre.run_centre)
            await until(lambda: len(witness.sparkplug("NBIRTH")) == 2, "it is born again")
            await until(lambda: len(witness.sparkplug("DBIRTH")) == 22, "all are born again")
            await asyncio.to_thread(centre.stop_centre)
            await until(lambda: len(witness.sparkplug("NDEATH")) == 2, "it says that it goes")
            kept = json.loads(position_file(centre.config.ledger.path).read_text())
    births, deaths = (decode(witness.sparkplug(kind), folder) for kind in ("NBIRTH", "NDEATH"))
    assert [values(one)["bdSeq"] for one in births] == [values(one)["bdSeq"] for one in deaths]
    assert values(births[1])["bdSeq"] == values(births[0])["bdSeq"] + 1
    heard = witness.sequences()
    assert heard == list(range(1, len(heard) + 1))
    assert len(heard) >= kept["sequence"]  # the rest is told when it starts again
    assert kept["birth"] == values(births[1])["bdSeq"]
    print(f"{len(heard)} events heard; {len(decode(witness.sparkplug(), folder))} payloads decoded")


def test_a_password_that_others_may_read_starts_nothing(tmp_path: Path) -> None:
    secret = tmp_path / "password"
    secret.write_text(PASSWORD)
    secret.chmod(0o644)
    raw = read_toml(shipped_centre("simulated"))
    raw["mqtt"] = {"host": "127.0.0.1", "user": USER, "password_file": "password"}
    (tmp_path / "centre.toml").write_text(toml_text(raw))
    refused = cardcentre("run", "--centre", tmp_path / "centre.toml")
    assert (refused.returncode, refused.stderr.count("\n")) == (1, 1)
    assert f"{secret} may be read by others" in refused.stderr
