"""From a URL to an open wire; the scheme chooses how.

Simulated wires (`sim://`) are opened by the assembly and never come here.
"""

from typing import Final
from urllib.parse import urlsplit

from drivers.errors import WireNotOpened
from drivers.serial_wire import open_serial
from drivers.tcp_wire import open_tcp
from drivers.wire import Wire

#: Of a chip reader that is no wire: `drivers/open_chip_reader.py`.
PC_SC: Final = "pcsc://"
_NO_BYTES: Final = "no bytes can be seen through PC/SC, only a chip: this needs a serial reader"


async def open_wire(url: str, connect_timeout_s: float) -> Wire:
    """Open the wire that `url` names, or raise `WireNotOpened` with the reason."""
    if url.startswith(PC_SC):
        raise WireNotOpened(url=url, reason=_NO_BYTES)
    try:
        scheme = urlsplit(url).scheme
    except ValueError as error:
        raise WireNotOpened(url=url, reason="not a URL") from error
    match scheme:
        case "serial":
            return open_serial(url)
        case "tcp":
            return await open_tcp(url, connect_timeout_s)
        case _:
            raise WireNotOpened(url=url, reason=f"unknown scheme {scheme!r}, use serial or tcp")
