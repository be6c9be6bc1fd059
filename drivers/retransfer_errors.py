"""What a retransfer printer's refusals and early ends are called here, by what happens next.

Nothing is raised here: which command was refused is the driver's to know.
"""

from typing import Final

from drivers.errors import (
    ConsumableEmpty,
    CoverOpen,
    DestinationTaken,
    DriverError,
    HardwareFault,
    Jam,
    NothingAtSource,
    NotReady,
    UnexpectedReply,
)
from drivers.retransfer_frames import Code, Ending

#: Why a command was refused. Trouble has its own words: they are in the status.
REFUSALS: Final[dict[Code, type[DriverError]]] = {
    Code.BUSY: NotReady,
    Code.COVER_OPEN: CoverOpen,
    Code.NO_CARD_AT_INFEED: NothingAtSource,
    Code.NO_CLEANING_CARD: NothingAtSource,
    Code.OUTFEED_TAKEN: DestinationTaken,
    Code.FILM_OUT: ConsumableEmpty,
    Code.RIBBON_OUT: ConsumableEmpty,
    # It had taken every plane: its power failed meanwhile. All of it is sent again.
    Code.OTHER_PLANES: UnexpectedReply,
}
ENDINGS: Final[dict[Ending, type[DriverError]]] = {
    # Nothing says why: its power failed meanwhile.
    Ending.AS_MEANT: UnexpectedReply,
    Ending.JAM: Jam,
    Ending.FILM_TORN: ConsumableEmpty,
    Ending.ROLLER: HardwareFault,
    Ending.OUTFEED_TAKEN: DestinationTaken,
    Ending.NOTHING_AT_INFEED: NothingAtSource,
}
