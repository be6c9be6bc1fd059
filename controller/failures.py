"""What is done about each class of failure: one table, decided here and nowhere else. Pure.

Whatever the reaction, an act that was under way is first settled by evidence (its outcome); the
reaction says what becomes of the station, and whether the fault is the card's own.
"""

from collections.abc import Mapping
from enum import StrEnum

from drivers.errors import (
    ChipKeysRefused,
    ChipMute,
    ChipRefused,
    CommandRefused,
    ConsumableEmpty,
    CoverOpen,
    DestinationTaken,
    DriverError,
    Garbled,
    HardwareFault,
    Jam,
    NoCard,
    NothingAtSource,
    NotReady,
    ReadFailed,
    ReplyTimeout,
    UnexpectedReply,
    WireClosed,
    WireNotOpened,
    WorkpieceLost,
    WrongDevice,
    WrongSpeed,
)


class Reaction(StrEnum):
    """What happens to the station, or to the card."""

    REOPEN = "open the wire again, hold the station if that does not help"
    RETRY = "try again shortly, hold the station if it persists"
    HOLD = "hold the station until a person has seen to it"
    ABORT = "abort the station until a person has cleared it"
    BLAME_CARD = "the card is at fault: spoil it"


FAILURES: Mapping[type[DriverError], Reaction] = {
    WireNotOpened: Reaction.REOPEN,
    WireClosed: Reaction.REOPEN,
    WrongSpeed: Reaction.REOPEN,
    ReplyTimeout: Reaction.REOPEN,
    Garbled: Reaction.REOPEN,
    UnexpectedReply: Reaction.REOPEN,
    NotReady: Reaction.RETRY,
    CommandRefused: Reaction.HOLD,
    ConsumableEmpty: Reaction.HOLD,
    CoverOpen: Reaction.HOLD,
    NothingAtSource: Reaction.HOLD,
    DestinationTaken: Reaction.HOLD,
    ChipKeysRefused: Reaction.HOLD,
    WrongDevice: Reaction.ABORT,
    Jam: Reaction.ABORT,
    WorkpieceLost: Reaction.ABORT,
    HardwareFault: Reaction.ABORT,
    NoCard: Reaction.BLAME_CARD,
    ChipMute: Reaction.BLAME_CARD,
    ChipRefused: Reaction.BLAME_CARD,
    ReadFailed: Reaction.BLAME_CARD,
}

_CABLE = "look whether the machine is on and its cable in place"
#: What a person looks at when the wire or what answers on it is at fault; elsewhere the fault says.
ADVICE: Mapping[str, str] = {
    WireNotOpened.code: "look at the cable, and at the port in the centre's file",
    WireClosed.code: _CABLE,
    WrongSpeed.code: "set its wire in the centre's file as the machine is, or the machine so",
    ReplyTimeout.code: f"{_CABLE}, and whether it belongs on this port",
    Garbled.code: f"{_CABLE}, and whether it belongs on this port",
    UnexpectedReply.code: "look whether the machine belongs on this port",
    NothingAtSource.code: (
        "put back what is missing there, or say what became of it: `cardcentre card settle` if it "
        "is in doubt, else `cardcentre card spoil`"
    ),
    DestinationTaken.code: "take out what lies there and has no business there",
    ChipKeysRefused.code: (
        "compare the key set in the centre's file with the one that these blanks came with"
    ),
    WrongDevice.code: "put the right machine on this port, or name it in the centre's file",
}

#: So many cards in a row that one station calls faulty are a fault of the station.
BLAMED_CARDS_MAX = 3


def reaction_to(error: DriverError) -> Reaction:
    """Look up what is done about a failure; its class, or the nearest base that is listed."""
    for kind in type(error).__mro__:
        if kind in FAILURES:
            return FAILURES[kind]
    return Reaction.ABORT
