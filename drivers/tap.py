"""A place at a station's wire where somebody may listen to what goes over it.

It passes every byte on as it is. It keeps nothing and knows no protocol: what is made of what it
tells is the listener's business. While nobody listens, it costs one test a call.
"""

from collections.abc import Callable
from enum import StrEnum

from drivers.serial_settings import SerialSettings
from drivers.wire import SerialPort, Wire


class Traffic(StrEnum):
    """What happens on a wire; to receive nothing means that the far end hung up."""

    OPENED = "opened"
    SENT = "sent"
    RECEIVED = "received"
    CLOSED = "closed"


#: Is called in the middle of the dialogue: it must neither wait nor raise.
Listener = Callable[[Traffic, bytes], None]


class Tap:
    """Listens, if it is told to whom to tell it, to whichever wire a station has open."""

    def __init__(self) -> None:
        self.listener: Listener | None = None

    def around(self, wire: Wire) -> Wire:
        """Return a wire that was just opened, so that it can be listened to."""
        self.tell(Traffic.OPENED, b"")
        if isinstance(wire, SerialPort):
            return _TappedPort(wire, self)
        return _TappedWire(wire, self)

    def tell(self, what: Traffic, data: bytes) -> None:
        """Tell the listener, if there is one."""
        if self.listener is not None:
            self.listener(what, data)


class _TappedWire:
    """A wire with a tap."""

    def __init__(self, wire: Wire, tap: Tap) -> None:
        self._wire = wire
        self._tap = tap

    async def send(self, data: bytes) -> None:
        # Told first: what could be sent only in part was meant whole.
        if self._tap.listener is not None:
            self._tap.listener(Traffic.SENT, data)
        await self._wire.send(data)

    async def receive(self) -> bytes:
        data = await self._wire.receive()
        if self._tap.listener is not None:
            self._tap.listener(Traffic.RECEIVED, data)
        return data

    async def aclose(self) -> None:
        self._tap.tell(Traffic.CLOSED, b"")
        await self._wire.aclose()


class _TappedPort(_TappedWire):
    """A serial port with a tap; how it is set can be changed through it."""

    def __init__(self, port: SerialPort, tap: Tap) -> None:
        super().__init__(port, tap)
        self._port = port
        self.path = port.path

    @property
    def settings(self) -> SerialSettings:
        return self._port.settings

    def set(self, settings: SerialSettings) -> None:
        self._port.set(settings)
