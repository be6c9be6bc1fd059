"""A connection to an MQTT broker, bounded in every wait. The only file that knows aiomqtt.

What is sent, and what is done when the broker is lost, is `controller/mqtt/forward.py`.
"""

import asyncio
import logging
import math
import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import aiomqtt
from aiomqtt.exceptions import MqttConnectError

from config.mqtt import Mqtt, Tls
from controller.mqtt.plain import Message

COMMANDS_WAITING_MAX = 16
#: The broker's answers to CONNECT that speak of who we are (MQTT 3.1.1's 4 and 5).
_NOT_AUTHORISED = {134, 135}
#: How long a stopping centre tries to say that it goes.
LAST_WORD_S = 2.0
OTHERS_MAY_READ = 0o077
PASSWORD_BYTES_MAX = 1_000


class BrokerLost(Exception):
    """The broker cannot be had, or is gone; the code says which."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class PasswordNotUsable(Exception):
    """The file with the broker's password cannot be read, or everybody can read it."""

    code = "mqtt.password_file"


def read_password(path: Path) -> str:
    """Read a password that only its owner may read; raises `PasswordNotUsable`."""
    try:
        with path.open("rb") as file:
            if path.stat().st_mode & OTHERS_MAY_READ:
                raise PasswordNotUsable(f"{path} may be read by others: chmod 600 {path}")
            return file.read(PASSWORD_BYTES_MAX).decode().rstrip("\r\n")
    except OSError as error:
        raise PasswordNotUsable(f"{path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise PasswordNotUsable(f"{path} is not UTF-8") from error


@dataclass(frozen=True, slots=True)
class Connection:
    """One session with the broker; every method raises `BrokerLost`."""

    client: aiomqtt.Client
    reply_s: float

    async def publish(self, message: Message) -> None:
        """Hand a message over; one of quality 1 is acknowledged when this returns."""
        topic, content = message.topic, message.content
        with _lost():
            async with asyncio.timeout(self.reply_s):
                await self.client.publish(topic, content, message.quality, message.retained)

    async def subscribe(self, topic: str) -> None:
        """Ask for a topic's messages."""
        with _lost():
            async with asyncio.timeout(self.reply_s):
                await self.client.subscribe(topic, qos=1)

    async def received(self) -> AsyncIterator[bytes]:
        """Give what comes in, without what an earlier time has left on the broker."""
        with _lost():
            async for message in self.client.messages:
                if not message.retain and isinstance(message.payload, bytes):
                    yield message.payload


@contextmanager
def _lost() -> Iterator[None]:
    try:
        yield
    except (aiomqtt.MqttError, TimeoutError) as error:
        raise BrokerLost("mqtt.lost") from error


@asynccontextmanager
async def connected(config: Mqtt, name: str, will: Message) -> AsyncIterator[Connection]:
    """Hold a connection whose will is told however it ends; raises `BrokerLost`."""
    client = _client(config, name, will)
    await _enter(client, config.reply_s)
    try:
        connection = Connection(client, config.reply_s)
        try:
            yield connection
        finally:
            # Whoever disconnects on purpose takes the will back, so it is told first.
            await _last_word(connection, will)
    finally:
        await _leave(client)


def _client(config: Mqtt, name: str, will: Message) -> aiomqtt.Client:
    try:
        password = read_password(config.password_file) if config.password_file else None
        trust = _trust(config.tls) if config.tls else None
    except PasswordNotUsable as error:
        raise BrokerLost(error.code) from error
    except OSError as error:
        raise BrokerLost("mqtt.certificate_file") from error
    client = aiomqtt.Client(
        config.host,
        config.port,
        username=config.user or None,
        password=password,
        identifier=f"{config.client_id_prefix}-{name}",
        will=aiomqtt.Will(will.topic, will.content, will.quality, will.retained),
        clean_session=True,
        keepalive=config.keep_alive_s,
        # Its own time-outs may swallow a cancellation (`asyncio.wait_for` before Python 3.12).
        timeout=math.inf,
        max_queued_incoming_messages=COMMANDS_WAITING_MAX,
        max_inflight_messages=config.events_under_way_max,
        tls_context=trust,
        logger=_silent(),
    )
    client.pending_calls_threshold = config.events_under_way_max
    return client


def _silent() -> logging.Logger:
    """Return a logger that is nobody's: what the library would say, our own log says once."""
    return logging.Logger("mqtt", logging.CRITICAL + 1)  # noqa: LOG001  (in no hierarchy)


def _trust(tls: Tls) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=tls.ca_file)
    if tls.certificate_file is not None and tls.key_file is not None:
        context.load_cert_chain(tls.certificate_file, tls.key_file)
    return context


async def _enter(client: aiomqtt.Client, reply_s: float) -> None:
    below = client._client  # noqa: SLF001  (there is no public way)
    below.connect_timeout = reply_s
    try:
        async with asyncio.timeout(2 * reply_s):  # to be let in, and to be answered
            await client.__aenter__()
    except BaseException as error:
        # The library leaves a half-open connection open, and trips over hearing of its end.
        below.on_socket_open = below.on_disconnect = None
        below.disconnect()
        if isinstance(error, aiomqtt.MqttError):
            raise BrokerLost(_code(error)) from error
        if isinstance(error, TimeoutError):
            raise BrokerLost("mqtt.unreachable") from error
        raise


def _code(error: aiomqtt.MqttError) -> str:
    if isinstance(error, MqttConnectError):
        answer = getattr(error.rc, "value", error.rc)
        return "mqtt.not_authorised" if answer in _NOT_AUTHORISED else "mqtt.refused"
    if isinstance(error.__context__, ssl.SSLError):
        return "mqtt.tls"
    return "mqtt.unreachable"


async def _last_word(connection: Connection, will: Message) -> None:
    try:
        async with asyncio.timeout(LAST_WORD_S):
            await connection.publish(will)
    except (BrokerLost, TimeoutError):
        pass  # then the broker tells it


async def _leave(client: aiomqtt.Client) -> None:
    try:
        async with asyncio.timeout(LAST_WORD_S):
            await client.__aexit__(None, None, None)
    except (aiomqtt.MqttError, TimeoutError):
        pass  # it is gone already
