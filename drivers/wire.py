"""What a driver needs of a byte stream; nothing about what travels on it."""

from typing import Protocol, runtime_checkable

from drivers.serial_settings import SerialSettings


class Wire(Protocol):
    """One open, ordered, full-duplex byte stream to one machine.

    `send` and `receive` raise `OSError` (usually `ConnectionError`) when the far end has gone.
    """

    async def send(self, data: bytes) -> None:
        """Queue all of `data`; returns once the stream has taken it."""

    async def receive(self) -> bytes:
        """Wait for at least one byte and return what there is; `b""` is the end of the stream."""

    async def aclose(self) -> None:
        """Close; afterwards both methods raise `ConnectionError`."""


@runtime_checkable
class SerialPort(Wire, Protocol):
    """A wire whose speed is ours to set. Over TCP it is the serial server's, in memory nobody's."""

    @property
    def path(self) -> str:
        """Which port it is."""

    @property
    def settings(self) -> SerialSettings:
        """How it is set."""

    def set(self, settings: SerialSettings) -> None:
        """Send and hear so from now on.

        Raises `WireNotOpened` when the port cannot be set so, which leaves it as it was, and
        `OSError` when it has gone.
        """
