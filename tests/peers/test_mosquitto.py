"""Our copies on a real broker: heard by a witness, decoded by somebody else's Sparkplug."""

import asyncio
import io
import ipaddress
import json
import os
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from prometheus_client import CollectorRegistry

from config.centre import load_centre, shipped_centre
from config.loading import read_toml
from config.toml_text import toml_text
from controller.logs import make_logger
from controller.mqtt.forward import Forwarder
from controller.mqtt.payload import Metric, encode
from controller.mqtt.position import position_file
from controller.mqtt.starting import forwarder_of
from controller.telemetry import MeteredLine
from jobs.ledger.ledger import InlineWriter, open_ledger
from jobs.ledger.store import Store
from tests.peers.mqtt_peers import PASSWORD, USER, Broker, Witness, decode, decoder, until, values
from tests.peers.mqtt_peers import witness as listening
from tests.system.real_centre import RealCentre, cardcentre
from tests.unit.controller.metered_centre import KINDS, START_US, Metered

pytestmark = [pytest.mark.peer, pytest.mark.real_time]

NODE = "spBv1.0/simulated/{}/line-1"
REBIRTH = encode([Metric("Node Control/Rebirth", True, 1)], 1, None)


@dataclass
class Copied:
    """A ledger with events, and what copies it to a broker."""

    folder: Path
    port: int
    password: str = PASSWORD
    mqtt: dict[str, Any] = field(default_factory=dict)
    said: io.StringIO = field(default_factory=io.StringIO)
    registry: CollectorRegistry = field(default_factory=CollectorRegistry)

    async def open(self) -> "Copied":
        self.folder.mkdir(exist_ok=True)
        secret = self.folder / "password"
        secret.write_text(self.password)
        secret.chmod(0o600)
        raw = read_toml(shipped_centre("simulated"))
        raw["mqtt"] = {
            "host": "127.0.0.1", "port": self.port, "user": USER, "password_file": str(secret),
            "reconnect_max_s": 0.5, "events_under_way_max": 40, **self.mqtt,
        }  # fmt: skip
        (self.folder / "centre.toml").write_text(toml_text(raw))
        self.config = load_centre(self.folder / "centre.toml")
        self.centre = Metered()
        self.store = Store.open(str(self.config.ledger.path))
        writer = InlineWriter(self.store, 1.0, lambda _error: None)
        self.centre.ledger = await open_ledger(self.store, writer, lambda: self.centre.now_us)
        return self

    def close(self) -> None:
        self.store.close()

    @asynccontextmanager
    async def copying(self) -> AsyncIterator[Forwarder]:
        """Copy in the background, as a running centre does."""
        line = MeteredLine("line-1", KINDS, lambda: 0, 24)
        self.registry = CollectorRegistry()
        logger = make_logger(self.said, lambda: START_US)
        now_us = lambda: self.centre.now_us  # noqa: E731
        made = forwarder_of(self.config, self.centre.ledger, [line], now_us, logger, self.registry)
        assert made is not None
        async with asyncio.TaskGroup() as group:
            task = group.create_task(made.run())
            try:
                yield made
            finally:
                task.cancel()

    def log(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.said.getvalue().splitlines()]

    async def told(self, witness: Witness) -> None:
        """Wait until the witness has heard of every event that there is."""
        everything = range(1, self.centre.ledger.sequence + 1)
        await until(lambda: witness.sequences() == list(everything), "everything is told in order")


@asynccontextmanager
async def copied(folder: Path, port: int, **settings: Any) -> AsyncIterator[Copied]:
    """Have a ledger to copy, and close it."""
    found = await Copied(folder / "centre", port, **settings).open()
    try:
        yield found
    finally:
        found.close()


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
    (event,) = [one for one in witness.events() if one["kind"] == "work_begun"]
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
        async with ours.copying() as forwarder:
            await centre.change_station("printer-1", "Execute")
            await ours.told(witness)
            broker.save()
            busy = asyncio.Event()

            async def work_on() -> None:
                state = False
                while not busy.is_set():
                    state = not state
                    await centre.change_station("printer-1", "Held" if state else "Execute")
                    centre.now_us += 1_000
                    await asyncio.sleep(0.002)

            async with asyncio.TaskGroup() as group:
                group.create_task(work_on())
                await asyncio.sleep(0.5)
                broker.kill()
                killed_at = centre.ledger.sequence
                await asyncio.sleep(outage_s)
                assert not forwarder.connected
                behind = ours.registry.get_sample_value("cardcentre_mqtt_events_behind")
                broker.start()
                await until(lambda: forwarder.connected, "the broker is found again")
                await asyncio.sleep(0.5)
                busy.set()
            await ours.told(witness)
            assert ours.registry.get_sample_value("cardcentre_mqtt_connected") == 1
    missed = behind or 0
    assert missed > 100
    print(f"away {outage_s:.0f} s: {missed:.0f} events behind, all told; killed at {killed_at}")
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


async def test_a_centre_that_starts_again_goes_on_where_it_was(
    tmp_path: Path, broker: Broker
) -> None:
    folder = decoder()
    async with listening(broker.port) as witness, copied(tmp_path, broker.port) as ours:
        async with ours.copying():
            await ours.told(witness)
        await ours.centre.change_station("printer-1", "Aborted")
        before = len(witness.events())
        async with ours.copying():
            await ours.told(witness)
            await until(lambda: witness.sparkplug("DDATA"), "what was missed is told")
    assert len(witness.events()) == before + 1
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


def certificate(name: str, signer: Any = None) -> tuple[Any, Any]:
    """Make a key and its certificate for a day: an authority, or a server that one vouches for."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)  # noqa: TID251  (TLS compares with the machine's own clock)
    address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(signer[1].subject if signer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=signer is None, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([address]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(signer[0] if signer else key, hashes.SHA256())
    )
    return key, made


def write_pair(folder: Path, name: str, pair: tuple[Any, Any]) -> tuple[str, str]:
    """Write a certificate and its key; return both paths."""
    paths = folder / f"{name}.pem", folder / f"{name}.key"
    paths[0].write_bytes(pair[1].public_bytes(serialization.Encoding.PEM))
    paths[1].write_bytes(
        pair[0].private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return str(paths[0]), str(paths[1])


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
