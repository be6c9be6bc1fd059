"""Real wires: pseudo-terminals and TCP, and every way in which a port is not to be had."""

import asyncio
import os
import pty
import socket
import subprocess
import sys
import termios
import tty
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress

import pytest

from drivers.errors import WireNotOpened
from drivers.open_wire import open_wire
from drivers.serial_settings import SerialSettings
from drivers.serial_wire import open_serial
from drivers.wire import Wire

pytestmark = pytest.mark.real_time

TWO_MEGABYTES = bytes(range(256)) * 8192
PATIENCE_S = 10.0


class Pair:
    """A pseudo-terminal: the machine's end as a descriptor, ours as a path."""

    def __init__(self) -> None:
        self.machine, self._ours = pty.openpty()
        tty.setraw(self._ours)
        os.set_blocking(self.machine, False)
        self.path = os.ttyname(self._ours)
        self.url = f"serial://{self.path}?baud=115200&parity=N&stopbits=2"

    def hang_up(self) -> None:
        for descriptor in (self.machine, self._ours):
            if descriptor >= 0:
                os.close(descriptor)
        self.machine = self._ours = -1


@pytest.fixture
def pair() -> Iterator[Pair]:
    pair = Pair()
    yield pair
    pair.hang_up()


async def read_all(descriptor: int, count: int) -> bytes:
    """Read `count` bytes at the machine's end without ever blocking the loop."""
    loop = asyncio.get_running_loop()
    received, done = bytearray(), loop.create_future()

    def readable() -> None:
        received.extend(os.read(descriptor, 1 << 16))
        if len(received) >= count and not done.done():
            done.set_result(None)

    loop.add_reader(descriptor, readable)
    try:
        async with asyncio.timeout(PATIENCE_S):
            await done
    finally:
        loop.remove_reader(descriptor)
    return bytes(received)


async def receive_all(wire: Wire, count: int) -> bytes:
    received = bytearray()
    async with asyncio.timeout(PATIENCE_S):
        while len(received) < count:
            data = await wire.receive()
            assert data
            received += data
    return bytes(received)


async def reason(url: str, connect_timeout_s: float = 5.0) -> str:
    with pytest.raises(WireNotOpened) as caught:
        await open_wire(url, connect_timeout_s)
    assert caught.value.facts["url"] == url
    assert "\n" not in str(caught.value)
    return str(caught.value.facts["reason"])


# --- serial


async def test_bytes_go_both_ways_over_a_pseudo_terminal_untouched(pair: Pair) -> None:
    wire = await open_wire(pair.url, 1.0)
    every_byte = bytes(range(256))
    await wire.send(every_byte)
    assert await read_all(pair.machine, 256) == every_byte
    os.write(pair.machine, every_byte)
    assert await receive_all(wire, 256) == every_byte
    await wire.aclose()


async def test_waiting_for_bytes_leaves_the_loop_free(pair: Pair) -> None:
    wire = await open_wire(pair.url, 1.0)
    asyncio.get_running_loop().call_later(0.02, os.write, pair.machine, b"late")
    async with asyncio.timeout(PATIENCE_S):
        assert await wire.receive() == b"late"
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.02):
            await wire.receive()
    os.write(pair.machine, b"next")
    assert await receive_all(wire, 4) == b"next"
    await wire.aclose()


async def test_two_megabytes_pass_a_pseudo_terminal_whole(pair: Pair) -> None:
    wire = await open_wire(pair.url, 1.0)
    async with asyncio.TaskGroup() as tasks:
        arrived = tasks.create_task(read_all(pair.machine, len(TWO_MEGABYTES)))
        async with asyncio.timeout(PATIENCE_S):
            await wire.send(TWO_MEGABYTES)
    assert arrived.result() == TWO_MEGABYTES
    await wire.aclose()


async def test_a_machine_that_reads_nothing_holds_the_sender_up(pair: Pair) -> None:
    wire = await open_wire(pair.url, 1.0)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await wire.send(TWO_MEGABYTES)
    await wire.aclose()


async def test_a_hung_up_serial_line_ends_the_stream(pair: Pair) -> None:
    wire = await open_wire(pair.url, 1.0)
    asyncio.get_running_loop().call_later(0.02, pair.hang_up)
    async with asyncio.timeout(PATIENCE_S):
        assert await wire.receive() == b""
    with pytest.raises(OSError, match="output error"):
        await wire.send(b"anybody there?")
    await wire.aclose()


async def test_closing_wakes_who_waits_and_frees_the_port(pair: Pair) -> None:
    wire = await open_wire(pair.url, 1.0)
    async with asyncio.TaskGroup() as tasks:
        waiting = tasks.create_task(outcome_of_receive(wire))
        await asyncio.sleep(0.02)
        await wire.aclose()
        async with asyncio.timeout(1.0):
            assert isinstance(await waiting, ConnectionError)
    again = await open_wire(pair.url, 1.0)
    await again.send(b"back")
    assert await read_all(pair.machine, 4) == b"back"
    await again.aclose()


async def outcome_of_receive(wire: Wire) -> bytes | OSError:
    try:
        return await wire.receive()
    except OSError as error:
        return error


async def test_a_closed_wire_says_so(pair: Pair) -> None:
    wire = await open_wire(pair.url, 1.0)
    await wire.aclose()
    await wire.aclose()
    with pytest.raises(ConnectionError):
        await wire.send(b"x")
    with pytest.raises(ConnectionError):
        await wire.receive()


async def test_what_the_last_user_left_unread_is_not_ours(pair: Pair) -> None:
    os.write(pair.machine, b"stale answer")
    wire = await open_wire(pair.url, 1.0)
    os.write(pair.machine, b"fresh")
    assert await receive_all(wire, 5) == b"fresh"
    await wire.aclose()


async def test_a_port_that_does_not_exist_says_so() -> None:
    assert await reason("serial:///dev/ttyNOSUCH7") == "the port does not exist"


@pytest.fixture
def holder(pair: Pair) -> Iterator[None]:
    """Another process that has the port open for as long as the test runs."""
    hold = f"import serial; p = serial.Serial({pair.path!r}, exclusive=True); print(1); input()"
    with subprocess.Popen(
        [sys.executable, "-u", "-c", hold], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        assert process.stdout.readline() == b"1\n"
        yield
        process.stdin.write(b"\n")


@pytest.mark.usefixtures("holder")
async def test_a_port_taken_by_another_process_says_so(pair: Pair) -> None:
    assert await reason(pair.url) == "in use by another process"


async def test_what_is_no_serial_port_says_so() -> None:
    assert await reason("serial:///dev/null") == "not a serial port"
    assert await reason("serial:///tmp") == "not a serial port"


async def test_a_line_that_the_port_cannot_have_says_so(pair: Pair) -> None:
    """A pseudo-terminal has no parity."""
    expected = "the port does not take these line parameters"
    assert await reason(f"serial://{pair.path}?parity=E") == expected


def speed_at(descriptor: int) -> int:
    return int(termios.tcgetattr(descriptor)[4])


async def test_an_open_port_is_set_to_another_speed_and_goes_on(pair: Pair) -> None:
    wire = open_serial(pair.url)
    assert wire.settings == SerialSettings(stopbits=2)
    assert speed_at(pair.machine) == termios.B115200
    wire.set(SerialSettings(9_600))
    assert (speed_at(pair.machine), wire.settings.query) == (termios.B9600, "baud=9600")
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.02):
            await wire.receive()
    os.write(pair.machine, b"slow")
    assert await receive_all(wire, 4) == b"slow"
    await wire.aclose()
    with pytest.raises(ConnectionError):
        wire.set(SerialSettings())


async def test_a_port_that_cannot_be_set_so_stays_as_it_was(pair: Pair) -> None:
    wire = open_serial(pair.url)
    with pytest.raises(WireNotOpened, match="does not take these line parameters"):
        wire.set(SerialSettings(9_600, "E"))
    assert (speed_at(pair.machine), wire.settings.baud) == (termios.B115200, 115_200)
    await wire.send(b"still here")
    assert await read_all(pair.machine, 10) == b"still here"
    os.write(pair.machine, b"and heard")
    assert await receive_all(wire, 9) == b"and heard"
    await wire.aclose()


async def test_a_port_that_has_gone_cannot_be_set(pair: Pair) -> None:
    wire = open_serial(pair.url)
    pair.hang_up()
    with pytest.raises(ConnectionError):
        wire.set(SerialSettings(9_600))
    await wire.aclose()


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("serial:///dev/null?baud=fast", "'fast' is no value for baud"),
        ("serial:///dev/null?baud=0", "'0' is no value for baud"),
        ("serial:///dev/null?baud=" + "9" * 5000, "'" + "9" * 5000 + "' is no value for baud"),
        ("serial:///dev/null?parity=X", "'X' is no value for parity"),
        ("serial:///dev/null?stopbits=3", "'3' is no value for stopbits"),
        ("serial:///dev/null?baud=9600&baud=19200", "'19200' is no value for baud"),
        ("serial:///dev/null?bauds=9600", "unknown parameter 'bauds'"),
        ("serial://", "not of the form serial:///dev/...?baud=..."),
        ("serial://dev/ttyUSB0", "not of the form serial:///dev/...?baud=..."),
        ("tcp://127.0.0.1", "not of the form tcp://host:port"),
        ("tcp://127.0.0.1:port", "not of the form tcp://host:port"),
        ("tcp://127.0.0.1:99999", "not of the form tcp://host:port"),
        ("tcp://:9100", "not of the form tcp://host:port"),
        ("tcp://[::1", "not a URL"),
        ("sim://printer-1", "unknown scheme 'sim', use serial or tcp"),
        ("/dev/ttyUSB0", "unknown scheme '', use serial or tcp"),
    ],
)
async def test_a_url_that_says_nothing_sensible_is_refused(url: str, expected: str) -> None:
    assert await reason(url) == expected


# --- TCP


class Server:
    """A machine on TCP: everything it gets, and the connection to answer on."""

    def __init__(self) -> None:
        self.url = ""
        self.received = bytearray()
        self.writer: asyncio.StreamWriter | None = None
        self.reads = asyncio.Event()
        self.reads.set()
        self.gone = asyncio.Event()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.writer = writer
        with suppress(ConnectionError):
            await self.reads.wait()
            while data := await reader.read(1 << 16):
                self.received += data
                if data.endswith(b"?"):
                    writer.write(b"answer\0")
        writer.close()
        self.gone.set()


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    """Serve one connection, and see it end."""
    server = Server()
    async with await asyncio.start_server(server.serve, "127.0.0.1", 0) as listening:
        server.url = f"tcp://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
        yield server
        async with asyncio.timeout(PATIENCE_S):
            await server.gone.wait()


async def test_bytes_go_both_ways_over_tcp(server: Server) -> None:
    wire = await open_wire(server.url, 5.0)
    await wire.send(b"question?")
    assert await receive_all(wire, 7) == b"answer\0"
    await wire.send(TWO_MEGABYTES + b"?")
    assert await receive_all(wire, 7) == b"answer\0"
    assert server.received == b"question?" + TWO_MEGABYTES + b"?"
    await wire.aclose()
    with pytest.raises(ConnectionError):
        await wire.send(b"x")
    with pytest.raises(ConnectionError):
        await wire.receive()


async def test_a_tcp_peer_that_hangs_up_ends_the_stream(server: Server) -> None:
    wire = await open_wire(server.url, 5.0)
    await wire.send(b"question?")
    await receive_all(wire, 7)
    assert server.writer is not None
    server.writer.close()
    async with asyncio.timeout(PATIENCE_S):
        assert await wire.receive() == b""
    await wire.aclose()


async def test_a_tcp_machine_that_reads_nothing_holds_the_sender_up(server: Server) -> None:
    server.reads.clear()
    wire = await open_wire(server.url, 5.0)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.1):
            await wire.send(TWO_MEGABYTES * 16)
    async with asyncio.TaskGroup() as tasks:
        waiting = tasks.create_task(outcome_of_receive(wire))
        await asyncio.sleep(0.02)
        await wire.aclose()
    assert isinstance(waiting.result(), ConnectionError)
    server.reads.set()


async def test_a_port_where_nothing_listens_says_so() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"tcp://127.0.0.1:{unused.getsockname()[1]}"
        assert await reason(url) == "nothing listens there"


async def test_a_host_that_does_not_answer_is_given_up() -> None:
    """A listener whose queue is full: the connection is neither taken nor refused."""
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        address = full.getsockname()
        fillers = [socket.socket() for _ in range(4)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(address)
        url = f"tcp://127.0.0.1:{address[1]}"
        assert await reason(url, 0.1) == "no connection within 0.1 s"
        for filler in fillers:
            filler.close()
