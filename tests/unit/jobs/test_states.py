"""The tables of states: everything can be reached, nothing ends in the middle."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

import pytest

from jobs.states import (
    BATCH_TABLE,
    CARD_TABLE,
    LIVE_ON_THE_LINE,
    ORDER_TABLE,
    STATION_TABLE,
    BatchState,
    CardState,
    CardTrigger,
    IllegalTransition,
    OrderState,
    OrderTrigger,
    StationState,
    StationTrigger,
    mermaid,
    step,
)

#: Any of the tables: what follows a state and a trigger.
Table = Mapping[Any, Any]

TABLES: tuple[tuple[Table, StrEnum, set[Any], type[StrEnum]], ...] = (
    (STATION_TABLE, StationState.STOPPED, set(), StationState),
    (ORDER_TABLE, OrderState.QUEUED, {OrderState.CANCELLED}, OrderState),
    (CARD_TABLE, CardState.BLANK, {CardState.DISPATCHED, CardState.DESTROYED}, CardState),
    (BATCH_TABLE, BatchState.RECEIVED, {BatchState.CLOSED}, BatchState),
)


def reachable(table: Table, start: StrEnum) -> set[StrEnum]:
    found, fresh = {start}, [start]
    while fresh:
        state = fresh.pop()
        for (source, _), following in table.items():
            if source == state and following not in found:
                found.add(following)
                fresh.append(following)
    return found


@pytest.mark.parametrize(("table", "start", "ends", "states"), TABLES)
def test_every_state_is_reached_and_only_the_named_ones_are_ends(
    table: Table, start: StrEnum, ends: set[Any], states: type[StrEnum]
) -> None:
    assert reachable(table, start) == set(states)
    assert {state for state in states if not any(s == state for s, _ in table)} == ends


def test_a_station_comes_back_to_work_from_every_state() -> None:
    for state in StationState:
        assert StationState.EXECUTE in reachable(STATION_TABLE, state), state


def test_a_station_can_be_aborted_from_everywhere_but_an_abort() -> None:
    for state in StationState:
        aborting = STATION_TABLE.get((state, StationTrigger.ABORT))
        if state in {StationState.ABORTING, StationState.ABORTED}:
            assert aborting is None
        else:
            assert aborting is StationState.ABORTING


def test_a_card_on_the_line_can_be_spoiled_and_doubted_but_never_unmade() -> None:
    order = list(LIVE_ON_THE_LINE)
    for place, state in enumerate(order):
        assert step(CARD_TABLE, state, CardTrigger.SPOIL) is CardState.SPOILED
        assert step(CARD_TABLE, state, CardTrigger.DOUBT) is CardState.IN_DOUBT
        assert not set(order[:place]) & reachable(CARD_TABLE, state), state


@pytest.mark.parametrize(
    ("state", "trigger"),
    [
        (CardState.SPOILED, CardTrigger.PACK),
        (CardState.SPOILED, CardTrigger.DOUBT),
        (CardState.IN_DOUBT, CardTrigger.PACK),
        (CardState.DISPATCHED, CardTrigger.SPOIL),
        (CardState.DISPATCHED, CardTrigger.DOUBT),
        (CardState.BLANK, CardTrigger.ACCEPT),
        (CardState.ENCODED, CardTrigger.ACCEPT),
    ],
)
def test_what_may_never_happen_to_a_card_is_refused(state: CardState, trigger: CardTrigger) -> None:
    with pytest.raises(IllegalTransition, match=f"{trigger.value} is impossible"):
        step(CARD_TABLE, state, trigger)


def test_a_cancelled_order_stays_so_and_a_done_one_is_only_made_again() -> None:
    for trigger in OrderTrigger:
        with pytest.raises(IllegalTransition):
            step(ORDER_TABLE, OrderState.CANCELLED, trigger)
    from_done = {trigger for state, trigger in ORDER_TABLE if state is OrderState.DONE}
    assert from_done == {OrderTrigger.REQUEUE}


def test_a_drawing_has_a_line_for_every_transition() -> None:
    drawn = mermaid(CARD_TABLE).splitlines()
    assert drawn[0] == "stateDiagram-v2"
    assert len(drawn) == 1 + len(CARD_TABLE)
    assert "    in_doubt --> spoiled: spoil" in drawn
