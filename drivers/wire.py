"""What a driver needs of a byte stream; nothing about what travels on it."""

from typing import Protocol


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
