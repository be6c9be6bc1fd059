"""What two UARTs make of each other's bytes when they are not set alike; a serial line for tests.

The sender's bits are a waveform. The receiver takes the falling edge for a start bit, looks at the
middle of each of ITS bit times, and waits for the next falling edge. So it is with real ports, and
as Linux does it where a program asks for no parity check: a byte whose parity or stop bit is wrong
is handed over as it was heard, a break as one 00. After a stop bit that was none, a receiver waits
until the wire is high again; some chips take it for the next start bit instead. Time between
bytes is not modelled: a whole `send` is one burst, with silence around it.
"""

import os
import termios
from collections.abc import Callable, Iterator, Sequence

from drivers.serial_settings import SerialSettings
from simulators.machine import Drawn, Machine
from simulators.wire import Wire

Settings = Callable[[], SerialSettings]

_BAUDS = {getattr(termios, f"B{baud}"): baud for baud in (9_600, 19_200, 38_400, 57_600, 115_200)}


def waveform(data: bytes, settings: SerialSettings) -> list[int]:
    """Return the level of each bit time, with a quiet one before."""
    levels = [1]
    for byte in data:
        bits = [byte >> place & 1 for place in range(settings.databits)]
        parity = {"N": [], "E": [sum(bits) % 2], "O": [1 - sum(bits) % 2]}[settings.parity]
        levels += [0, *bits, *parity, *[1] * settings.stopbits]
    return levels


def received(data: bytes, sent: SerialSettings, heard: SerialSettings) -> bytes:
    """Return what a receiver makes of one burst of a sender."""
    return bytes(_bytes_in(waveform(data, sent), sent.baud, heard))


def _bytes_in(levels: Sequence[int], baud: int, heard: SerialSettings) -> Iterator[int]:
    # In units of which a bit of the sender and half a bit of the receiver have whole numbers.
    sent_bit, half_bit = 2 * heard.baud, baud

    def level(at: int) -> int:
        bit = at // sent_bit
        return levels[bit] if bit < len(levels) else 1

    bits = heard.databits + (heard.parity != "N")
    bit = 0
    while (edge := _falling_edge(levels, bit)) is not None:
        start = edge * sent_bit
        if level(start + half_bit):
            bit = (start + half_bit) // sent_bit  # too short for a start bit
            continue
        samples = [level(start + (3 + 2 * place) * half_bit) for place in range(bits)]
        yield sum(value << place for place, value in enumerate(samples[: heard.databits]))
        # Only the first stop bit is looked at, by whichever receiver.
        bit = (start + (3 + 2 * bits) * half_bit) // sent_bit


def _falling_edge(levels: Sequence[int], bit: int) -> int | None:
    """Return the next bit time that begins with a fall; while the wire is low there is none."""
    for place in range(bit + 1, len(levels)):
        if levels[place - 1] and not levels[place]:
            return place
    return None


class Uart:
    """A wire between two ends that are each set to something: put around either end."""

    def __init__(self, wire: Wire, mine: Settings, theirs: Settings) -> None:
        self._wire = wire
        self._mine = mine
        self._theirs = theirs

    async def send(self, data: bytes) -> None:
        if arrives := received(data, self._mine(), self._theirs()):
            await self._wire.send(arrives)

    async def receive(self) -> bytes:
        while data := await self._wire.receive():
            if heard := received(data, self._theirs(), self._mine()):
                return heard
        return b""

    async def aclose(self) -> None:
        await self._wire.aclose()


class MemoryPort:
    """A host's serial port without a kernel: it takes any settings."""

    path = "/dev/ttyTEST"

    def __init__(self, wire: Wire, settings: SerialSettings) -> None:
        self._wire = wire
        self.settings = settings
        #: All settings that it ever had.
        self.history = [settings]
        self._pulled = False

    def set(self, settings: SerialSettings) -> None:
        if self._pulled:
            raise ConnectionResetError
        self.settings = settings
        self.history.append(settings)

    def pull(self) -> None:
        """Take the port away as an unplugged adapter does."""
        self._pulled = True

    async def send(self, data: bytes) -> None:
        await self._wire.send(data)

    async def receive(self) -> bytes:
        return await self._wire.receive()

    async def aclose(self) -> None:
        await self._wire.aclose()


def settings_of_terminal(descriptor: int) -> SerialSettings:
    """Return how a pseudo-terminal is set by whoever has it open, as its other end sees it."""
    _, _, flags, _, _, baud, _ = termios.tcgetattr(descriptor)
    parity = "N" if not flags & termios.PARENB else "O" if flags & termios.PARODD else "E"
    return SerialSettings(_BAUDS[baud], parity, 2 if flags & termios.CSTOPB else 1)


class AtItsSpeed:
    """A machine at a pseudo-terminal that is heard as its own settings and the host's have it."""

    def __init__(self, machine: Machine, settings: Settings) -> None:
        self.machine = machine
        self.serial_number = machine.serial_number
        self._settings = settings

    async def serve(self, wire: Wire) -> None:
        terminal = os.open(wire.path, os.O_RDWR | os.O_NOCTTY)  # type: ignore[attr-defined]  # on_pseudo_terminals gives one
        try:
            await self.machine.serve(
                Uart(wire, self._settings, lambda: settings_of_terminal(terminal))
            )
        finally:
            os.close(terminal)

    def cut_power(self) -> None:
        self.machine.cut_power()

    def restore_power(self) -> None:
        self.machine.restore_power()

    def drawn(self) -> list[Drawn]:
        return self.machine.drawn()
