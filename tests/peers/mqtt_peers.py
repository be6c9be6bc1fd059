"""A real broker, a witness that hears everything on it, and somebody else's Sparkplug decoder."""

import asyncio
import fcntl
import hashlib
import json
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import aiomqtt

from tests.peers.peer import missing, peer

ROOT = Path(__file__).resolve().parents[2]
PROJECT = Path(__file__).with_name("sparkplug")
USER, PASSWORD = "centre", "correct horse"  # of a broker that lives as long as a test
#: More than a loaded machine needs for anything that should happen at all.
PATIENCE_S = 30.0
LOOK_S = 0.02


async def until(true: Callable[[], object], what: str, timeout_s: float = PATIENCE_S) -> None:
    """Wait until something is true, or fail saying what it was."""
    try:
        async with asyncio.timeout(timeout_s):
            while not true():  # noqa: ASYNC110  (what is waited for is told by other programs)
                await asyncio.sleep(LOOK_S)
    except TimeoutError:
        raise AssertionError(f"never: {what}") from None


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port


@dataclass
class Broker:
    """Debian's mosquitto with a configuration of its own; what it must keep outlives a kill."""

    folder: Path
    port: int = field(default_factory=free_port)
    more: str = ""
    program: str = field(default_factory=lambda: peer("mosquitto", "mosquitto", "-h"))
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, and wait until it listens."""
        self.folder.mkdir(exist_ok=True)
        self._write_files()
        with (self.folder / "log").open("ab") as log:
            arguments = [self.program, "-c", str(self.folder / "mosquitto.conf")]
            self.process = subprocess.Popen(arguments, stdout=log, stderr=log)
        for _ in range(round(PATIENCE_S / LOOK_S)):
            assert self.process.poll() is None, (self.folder / "log").read_text()
            with socket.socket() as probe:
                probe.settimeout(LOOK_S)
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
        raise AssertionError("mosquitto does not listen")

    def _write_files(self) -> None:
        passwords = self.folder / "passwords"
        subprocess.run(
            ["mosquitto_passwd", "-b", "-c", passwords, USER, PASSWORD], check=True, timeout=10
        )
        (self.folder / "mosquitto.conf").write_text(
            f"listener {self.port} 127.0.0.1\nuser root\nallow_anonymous false\n"
            f"password_file {passwords}\npersistence true\npersistence_location {self.folder}/\n"
            "max_inflight_messages 0\nmax_queued_messages 0\nqueue_qos0_messages true\n"
            f"{self.more}\n"
        )

    def save(self) -> None:
        """Have it write to its disk who listens to what, so that a kill does not forget it."""
        assert self.process is not None
        database = self.folder / "mosquitto.db"
        self.process.send_signal(signal.SIGUSR1)
        for _ in range(round(PATIENCE_S / LOOK_S)):
            if database.exists():
                return
            time.sleep(LOOK_S)
        raise AssertionError("mosquitto does not save")

    def kill(self) -> None:
        """Kill it as no handler can hinder."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def stop(self) -> None:
        """Stop it in the middle of whatever it does; it keeps what it has acknowledged."""
        assert self.process is not None
        self.process.terminate()
        assert self.process.wait(PATIENCE_S) == 0

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()


@dataclass(frozen=True)
class Heard:
    """One message as it came."""

    topic: str
    content: bytes
    retained: bool


@dataclass
class Witness:
    """Hears everything that is ours, across losses of the broker."""

    port: int
    heard: list[Heard] = field(default_factory=list)
    #: The plain events in the order in which they came, repetitions included.
    events: list[dict[str, Any]] = field(default_factory=list)
    client: aiomqtt.Client | None = None

    def __post_init__(self) -> None:
        self.listening = asyncio.Event()

    async def listen(self) -> None:
        """Listen for ever; what is sent while it is away waits at the broker."""
        while True:
            client = aiomqtt.Client(
                "127.0.0.1", self.port, username=USER, password=PASSWORD,
                identifier="witness", clean_session=False, timeout=2,
            )  # fmt: skip
            try:
                async with client:
                    await client.subscribe([("cardcentre/#", 1), ("spBv1.0/#", 1)])
                    self.client = client
                    self.listening.set()
                    async for message in client.messages:
                        assert isinstance(message.payload, bytes)
                        topic = str(message.topic)
                        self._hear(Heard(topic, message.payload, message.retain))
            except aiomqtt.MqttError:
                self.listening.clear()
                await asyncio.sleep(LOOK_S)

    def _hear(self, one: Heard) -> None:
        self.heard.append(one)
        if "/events/" in one.topic and not one.topic.endswith("/online"):
            self.events.append(json.loads(one.content))

    def has_heard(self, count: int) -> bool:
        """Tell whether so many plain events have come."""
        return len(self.events) >= count

    def sequences(self) -> list[int]:
        """Return the sequence numbers of the plain events, each when it came first."""
        return list(dict.fromkeys(event["sequence"] for event in self.events))

    def sparkplug(self, kind: str = "") -> list[Heard]:
        """Return the Sparkplug messages, of one kind if it is named."""
        return [
            one
            for one in self.heard
            if one.topic.startswith("spBv1.0/") and kind in ("", one.topic.split("/")[2])
        ]

    async def say(self, topic: str, content: bytes, *, retain: bool = False) -> None:
        """Send something to somebody."""
        assert self.client is not None
        await self.client.publish(topic, content, qos=1, retain=retain)


@asynccontextmanager
async def witness(port: int) -> AsyncIterator[Witness]:
    """Listen in the background."""
    found = Witness(port)
    async with asyncio.TaskGroup() as group:
        task = group.create_task(found.listen())
        await until(found.listening.is_set, "the witness listens")
        try:
            yield found
        finally:
            task.cancel()


def decoder() -> Path:
    """Return the folder with the decoder, installed from the lock file when it is not there."""
    node, npm = peer("node", "nodejs", "--version"), peer("npm", "npm", "--version")
    del node
    files = ("package.json", "package-lock.json", "decode.js")
    mark = hashlib.sha256(b"".join((PROJECT / name).read_bytes() for name in files)).hexdigest()
    folder = ROOT / ".peers" / f"sparkplug-{mark[:12]}"
    with _only_one(ROOT / ".peers"):
        if not (folder / "installed").exists():
            folder.mkdir(exist_ok=True)
            for name in files:
                shutil.copy(PROJECT / name, folder)
            done = subprocess.run(
                [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"],
                cwd=folder, capture_output=True, text=True, timeout=100, check=False,
            )  # fmt: skip
            if done.returncode:
                missing(f"npm ci failed: {done.stderr[-500:]}")
            (folder / "installed").touch()
    package = json.loads((folder / "node_modules/sparkplug-payload/package.json").read_text())
    print(f"peer sparkplug-payload: {package['version']}")
    return folder


@contextmanager
def _only_one(folder: Path) -> Iterator[None]:
    folder.mkdir(exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def decode(messages: Sequence[Heard], folder: Path) -> list[dict[str, Any]]:
    """Let the decoder read payloads; returns what it says of each."""
    done = subprocess.run(
        ["node", folder / "decode.js"],
        input="".join(f"{one.content.hex()}\n" for one in messages),
        capture_output=True, text=True, timeout=PATIENCE_S, check=True,
        env=os.environ | {"NODE_NO_WARNINGS": "1"},
    )  # fmt: skip
    decoded = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(decoded) == len(messages)
    return decoded


def values(decoded: dict[str, Any]) -> dict[str, Any]:
    """Return a decoded payload's values by name."""
    return {metric["name"]: metric.get("value") for metric in decoded["metrics"]}
