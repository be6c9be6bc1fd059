"""Each kind of machine once, and our driver for it: what tests ask of all of them alike.

Nothing is asserted here, and no wire is chosen.
"""

from collections.abc import Callable
from typing import Protocol

from drivers.ccid_reader import CcidReader
from drivers.chip_profile import profile_named
from drivers.chip_reader import EncoderTimeouts
from drivers.encoder import ChipEncoder
from drivers.identity import Identity
from drivers.laminator import Laminator, LaminatorTimeouts
from drivers.printer import CardPrinter, PrinterTimeouts
from drivers.reader import ReadBackReader, ReaderTimeouts
from drivers.retransfer import RetransferPrinter, RetransferTimeouts
from drivers.transport import Transport, TransportTimeouts
from drivers.wire import Wire
from simulators.encoder import EncoderSettings, SimulatedEncoder
from simulators.floor import Floor
from simulators.lamination import LaminatorSettings
from simulators.laminator import SimulatedLaminator
from simulators.machine import Machine, Pace
from simulators.printer import PrinterSettings, SimulatedPrinter
from simulators.reader import ReaderSettings, SimulatedReader
from simulators.retransfer import RetransferSettings, SimulatedRetransferPrinter
from simulators.transport import SimulatedTransport, TransportSettings

SAM_ID = "05.01-20100823-0000123456-1234567890"


class Driver(Protocol):
    async def identify(self) -> Identity: ...
    async def aclose(self) -> None: ...


#: By a wire, and how long the machine may take to answer.
DRIVERS: dict[str, Callable[[Wire, float], Driver]] = {
    "printer": lambda wire, s: CardPrinter(wire, PrinterTimeouts(s)),
    "retransfer printer": lambda wire, s: RetransferPrinter(wire, RetransferTimeouts(s)),
    "laminator": lambda wire, s: Laminator(wire, LaminatorTimeouts(s)),
    "transport": lambda wire, s: Transport(wire, timeouts=TransportTimeouts(s)),
    "encoder": lambda wire, s: ChipEncoder(
        CcidReader(wire, EncoderTimeouts(s, s)), profile_named("rid2-plain")
    ),
    "reader": lambda wire, s: ReadBackReader(wire, ReaderTimeouts(s, s, s)),
}
MACHINES: dict[str, Callable[[Floor, Pace], Machine]] = {
    "printer": lambda f, p: SimulatedPrinter(f, 0, p, PrinterSettings(), "PRN-1"),
    "retransfer printer": lambda f, p: SimulatedRetransferPrinter(
        f, 0, p, RetransferSettings(), "RTP-1"
    ),
    "laminator": lambda f, p: SimulatedLaminator(f, 0, p, LaminatorSettings(), "LAM-1"),
    "transport": lambda f, p: SimulatedTransport(f, 1, 1, p, TransportSettings(), "TRN-1"),
    "encoder": lambda f, p: SimulatedEncoder(f, 0, p, EncoderSettings(), "ENC-1"),
    "reader": lambda f, p: SimulatedReader(f, 0, p, ReaderSettings(), SAM_ID),
}
