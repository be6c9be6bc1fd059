"""A reader behind PC/SC: what most desks have on USB, with the service that Debian calls pcscd.

PC/SC itself speaks T=1, and asks again for damaged blocks; over T=0 it carries single transfers.
No byte of the reader's own can be seen or faulted here, so its wire cannot be captured or checked.
"""

from functools import partial
from typing import Final, Self

from drivers.apdu import Command
from drivers.chip_reader import EncoderTimeouts
from drivers.errors import ReplyTimeout
from drivers.identity import Identity
from drivers.own_thread import OwnThread
from drivers.pcsc import PcscCard, load_pyscard
from drivers.t0 import T0Exchange
from drivers.t1 import Send, Step

#: Values of `SCardGetAttrib`, PC/SC part 3.
_VENDOR_IFD_VERSION: Final = 0x00010102
_VENDOR_IFD_SERIAL_NO: Final = 0x00010103


class PcscReader:
    """One reader, asked by a thread of its own."""

    def __init__(self, card: PcscCard, timeouts: EncoderTimeouts) -> None:
        self._card = card
        self._reply_timeout_s = timeouts.reply_timeout_s
        self._card_timeout_s = timeouts.card_timeout_s
        self._thread = OwnThread("pcsc")
        self._protocol = 1

    @classmethod
    async def open(cls, url: str, timeouts: EncoderTimeouts, connect_timeout_s: float) -> Self:
        """Find the reader that a `pcsc://` URL names, or raise `WireNotOpened` with the reason."""
        reader = cls(PcscCard(load_pyscard(url), url), timeouts)
        try:
            await reader._thread.run(reader._card.open, connect_timeout_s)
        except BaseException:
            await reader.aclose()
            raise
        return reader

    async def identify(self) -> Identity:
        """Tell the reader's name and, where it gives them, its serial number and version."""
        serial_number = await self.serial_number()
        version = await self._attribute(_VENDOR_IFD_VERSION)
        # A number 0xMMmmbbbb in the machine's own order: major, minor, build.
        firmware = f"{version[3]}.{version[2]:02}" if len(version) == 4 else ""
        return Identity("encoder", self._card.name, serial_number, firmware)

    async def serial_number(self) -> str:
        """Return the serial number, or what the URL calls the reader where it tells none."""
        text = (await self._attribute(_VENDOR_IFD_SERIAL_NO)).decode("ascii", "replace")
        return text.strip("\0 ") or self._card.called

    async def card_present(self) -> bool:
        """Tell whether a card is in the field."""
        return await self._thread.run(self._card.card_present, self._reply_timeout_s)

    async def power_on(self) -> int:
        """Reset the chip for us alone; PC/SC chooses the protocol. Raises `NoCard`, `ChipMute`."""
        self._protocol = await self._thread.run(self._card.power_on, self._card_timeout_s)
        return self._protocol

    async def transmit(self, command: Command) -> bytes:
        """Give the chip a command, once; returns its whole answer."""
        if self._protocol == 1:
            return await self._transfer(command.encode())
        exchange = T0Exchange(command)
        step: Step = exchange.begin()
        while isinstance(step, Send):
            step = exchange.take(await self._transfer(step.block))
        return step.answer

    async def power_off(self) -> None:
        """Take the power from the chip and let others have the reader."""
        await self._thread.run(self._card.power_off, self._reply_timeout_s)

    async def aclose(self) -> None:
        """Let the reader go; where a call hangs, once that returns."""
        try:
            await self._thread.end(self._card.release, self._reply_timeout_s)
        except ReplyTimeout:
            return

    async def _transfer(self, data: bytes) -> bytes:
        return await self._thread.run(partial(self._card.transmit, data), self._card_timeout_s)

    async def _attribute(self, tag: int) -> bytes:
        call = partial(self._card.attribute, tag)
        return await self._thread.run(call, self._reply_timeout_s) or b""
