"""The states of stations, orders, cards and batches, each as one constant table and one pure step.

Stations follow PackML (ISA-TR88.00.02) by name. Nothing here does anything: it only says what may
follow what. The diagrams in ARCHITECTURE.md are drawn from these tables by `mermaid`.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import TypeVar


class IllegalTransition(AssertionError):
    """A trigger arrived in a state that has no answer to it: our own mistake."""


State = TypeVar("State", bound=StrEnum)
Trigger = TypeVar("Trigger", bound=StrEnum)


def step(table: Mapping[tuple[State, Trigger], State], state: State, trigger: Trigger) -> State:
    """Return the state that follows; raises `IllegalTransition` when there is none."""
    try:
        return table[state, trigger]
    except KeyError:
        raise IllegalTransition(f"{trigger.value} is impossible while {state.value}") from None


class StationState(StrEnum):
    """PackML's seventeen states."""

    STOPPED = "Stopped"
    RESETTING = "Resetting"
    IDLE = "Idle"
    STARTING = "Starting"
    EXECUTE = "Execute"
    COMPLETING = "Completing"
    COMPLETE = "Complete"
    HOLDING = "Holding"
    HELD = "Held"
    UNHOLDING = "Unholding"
    SUSPENDING = "Suspending"
    SUSPENDED = "Suspended"
    UNSUSPENDING = "Unsuspending"
    STOPPING = "Stopping"
    ABORTING = "Aborting"
    ABORTED = "Aborted"
    CLEARING = "Clearing"


class StationTrigger(StrEnum):
    """PackML's commands, and the end of an acting state."""

    RESET = "reset"
    START = "start"
    STOP = "stop"
    HOLD = "hold"
    UNHOLD = "unhold"
    SUSPEND = "suspend"
    UNSUSPEND = "unsuspend"
    COMPLETE = "complete"
    ABORT = "abort"
    CLEAR = "clear"
    STATE_COMPLETE = "state_complete"


_S, _T = StationState, StationTrigger

_STATION_ORDINARY: dict[tuple[StationState, StationTrigger], StationState] = {
    (_S.STOPPED, _T.RESET): _S.RESETTING,
    (_S.RESETTING, _T.STATE_COMPLETE): _S.IDLE,
    (_S.IDLE, _T.START): _S.STARTING,
    (_S.STARTING, _T.STATE_COMPLETE): _S.EXECUTE,
    (_S.EXECUTE, _T.COMPLETE): _S.COMPLETING,
    (_S.COMPLETING, _T.STATE_COMPLETE): _S.COMPLETE,
    (_S.COMPLETE, _T.RESET): _S.RESETTING,
    (_S.EXECUTE, _T.HOLD): _S.HOLDING,
    (_S.SUSPENDED, _T.HOLD): _S.HOLDING,
    (_S.HOLDING, _T.STATE_COMPLETE): _S.HELD,
    (_S.HELD, _T.UNHOLD): _S.UNHOLDING,
    (_S.UNHOLDING, _T.STATE_COMPLETE): _S.EXECUTE,
    (_S.EXECUTE, _T.SUSPEND): _S.SUSPENDING,
    (_S.SUSPENDING, _T.STATE_COMPLETE): _S.SUSPENDED,
    (_S.SUSPENDED, _T.UNSUSPEND): _S.UNSUSPENDING,
    (_S.UNSUSPENDING, _T.STATE_COMPLETE): _S.EXECUTE,
    (_S.STOPPING, _T.STATE_COMPLETE): _S.STOPPED,
    (_S.ABORTING, _T.STATE_COMPLETE): _S.ABORTED,
    (_S.ABORTED, _T.CLEAR): _S.CLEARING,
    (_S.CLEARING, _T.STATE_COMPLETE): _S.STOPPED,
}
_NO_STOP = {_S.STOPPED, _S.STOPPING, _S.ABORTING, _S.ABORTED, _S.CLEARING}
_NO_ABORT = {_S.ABORTING, _S.ABORTED}

STATION_TABLE: Mapping[tuple[StationState, StationTrigger], StationState] = {
    **_STATION_ORDINARY,
    **{(state, _T.STOP): _S.STOPPING for state in _S if state not in _NO_STOP},
    **{(state, _T.ABORT): _S.ABORTING for state in _S if state not in _NO_ABORT},
}


class OrderState(StrEnum):
    """What became of one promise of one card."""

    QUEUED = "queued"
    IN_PRODUCTION = "in production"
    HELD = "held"
    DONE = "done"
    CANCELLED = "cancelled"


class OrderTrigger(StrEnum):
    """What happens to an order."""

    BEGIN = "begin"
    REQUEUE = "requeue"
    HOLD = "hold"
    RELEASE = "release"
    COMPLETE = "complete"
    CANCEL = "cancel"


_O, _OT = OrderState, OrderTrigger

ORDER_TABLE: Mapping[tuple[OrderState, OrderTrigger], OrderState] = {
    (_O.QUEUED, _OT.BEGIN): _O.IN_PRODUCTION,
    (_O.IN_PRODUCTION, _OT.REQUEUE): _O.QUEUED,
    (_O.QUEUED, _OT.HOLD): _O.HELD,
    (_O.IN_PRODUCTION, _OT.HOLD): _O.HELD,
    (_O.HELD, _OT.RELEASE): _O.QUEUED,
    (_O.IN_PRODUCTION, _OT.COMPLETE): _O.DONE,
    (_O.QUEUED, _OT.CANCEL): _O.CANCELLED,
    (_O.HELD, _OT.CANCEL): _O.CANCELLED,
    (_O.IN_PRODUCTION, _OT.CANCEL): _O.CANCELLED,
    # A good, boxed card that is found bad before it leaves the building takes its promise back.
    (_O.DONE, _OT.REQUEUE): _O.QUEUED,
}


class CardState(StrEnum):
    """What one physical card is."""

    BLANK = "blank"
    PRINTED = "printed"
    LAMINATED = "laminated"
    ENCODED = "encoded"
    VERIFIED = "verified"
    ACCEPTED = "accepted"
    PACKED = "packed"
    DISPATCHED = "dispatched"
    SPOILED = "spoiled"
    DESTROYED = "destroyed"
    IN_DOUBT = "in doubt"


class CardTrigger(StrEnum):
    """What happens to a card."""

    PRINT = "print"
    LAMINATE = "laminate"
    ENCODE = "encode"
    VERIFY = "verify"
    ACCEPT = "accept"
    PACK = "pack"
    DISPATCH = "dispatch"
    SPOIL = "spoil"
    DESTROY = "destroy"
    DOUBT = "doubt"
    SETTLE = "settle"


_C, _CT = CardState, CardTrigger

LIVE_ON_THE_LINE = (
    _C.BLANK,
    _C.PRINTED,
    _C.LAMINATED,
    _C.ENCODED,
    _C.VERIFIED,
    _C.ACCEPTED,
)

#: `settle` without a spoil returns a card to the state that it had before the doubt; that state is
#: kept with the card, so the table names only the ways into and out of the doubt.
CARD_TABLE: Mapping[tuple[CardState, CardTrigger], CardState] = {
    (_C.BLANK, _CT.PRINT): _C.PRINTED,
    (_C.PRINTED, _CT.LAMINATE): _C.LAMINATED,
    (_C.LAMINATED, _CT.ENCODE): _C.ENCODED,
    (_C.ENCODED, _CT.VERIFY): _C.VERIFIED,
    (_C.VERIFIED, _CT.ACCEPT): _C.ACCEPTED,
    (_C.LAMINATED, _CT.ACCEPT): _C.ACCEPTED,
    (_C.ACCEPTED, _CT.PACK): _C.PACKED,
    (_C.PACKED, _CT.DISPATCH): _C.DISPATCHED,
    **{(state, _CT.SPOIL): _C.SPOILED for state in (*LIVE_ON_THE_LINE, _C.PACKED, _C.IN_DOUBT)},
    **{(state, _CT.DOUBT): _C.IN_DOUBT for state in (*LIVE_ON_THE_LINE, _C.PACKED)},
    (_C.SPOILED, _CT.DESTROY): _C.DESTROYED,
}


class BatchState(StrEnum):
    """A batch on its way from receipt to its own receipt."""

    RECEIVED = "received"
    RELEASED = "released"
    HELD = "held"
    CLOSED = "closed"
    CANCELLED = "cancelled"


class BatchTrigger(StrEnum):
    """What happens to a batch."""

    RELEASE = "release"
    HOLD = "hold"
    CLOSE = "close"
    CANCEL = "cancel"


_B, _BT = BatchState, BatchTrigger

BATCH_TABLE: Mapping[tuple[BatchState, BatchTrigger], BatchState] = {
    (_B.RECEIVED, _BT.RELEASE): _B.RELEASED,
    (_B.RECEIVED, _BT.HOLD): _B.HELD,
    (_B.RELEASED, _BT.HOLD): _B.HELD,
    (_B.HELD, _BT.RELEASE): _B.RELEASED,
    (_B.RELEASED, _BT.CLOSE): _B.CLOSED,
    (_B.RECEIVED, _BT.CANCEL): _B.CANCELLED,
    (_B.RELEASED, _BT.CANCEL): _B.CANCELLED,
    (_B.HELD, _BT.CANCEL): _B.CANCELLED,
    # Its good cards go out all the same, and its receipt says what was not made.
    (_B.CANCELLED, _BT.CLOSE): _B.CLOSED,
}


def mermaid(table: Mapping[tuple[State, Trigger], State]) -> str:
    """Draw a table as a Mermaid state diagram, in the table's order."""
    lines = ["stateDiagram-v2"]
    for (state, trigger), following in table.items():
        source = state.value.replace(" ", "_")
        lines.append(f"    {source} --> {following.value.replace(' ', '_')}: {trigger.value}")
    return "\n".join(lines)
