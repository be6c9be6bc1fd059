"""From a URL to a chip reader: behind PC/SC, or serial CCID on a wire.

What the reader is then told to do with a chip is the encoder's business.
"""

from collections.abc import Awaitable, Callable

from drivers.ccid_reader import CcidReader
from drivers.chip_reader import ChipReader, EncoderTimeouts
from drivers.open_wire import PC_SC
from drivers.pcsc_reader import PcscReader
from drivers.wire import Wire


async def open_chip_reader(
    url: str,
    timeouts: EncoderTimeouts,
    connect_timeout_s: float,
    open_wire: Callable[[str, float], Awaitable[Wire]],
    *,
    echo: bool = True,
) -> ChipReader:
    """Open the reader that `url` names, or raise `WireNotOpened`; `echo` is of serial ones."""
    if url.startswith(PC_SC):
        return await PcscReader.open(url, timeouts, connect_timeout_s)
    return CcidReader(await open_wire(url, connect_timeout_s), timeouts, echo=echo)
