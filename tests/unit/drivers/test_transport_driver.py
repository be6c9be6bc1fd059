"""The transport's driver against scripted slaves: what goes over the wire and what it concludes."""

import asyncio
from collections.abc import Mapping, Sequence

import pytest

from drivers.errors import (
    CommandRefused,
    DestinationTaken,
    DriverError,
    Garbled,
    HardwareFault,
    Jam,
    NothingAtSource,
    NotReady,
    ReplyTimeout,
    UnexpectedReply,
    WorkpieceLost,
    WrongDevice,
)
from drivers.outcome import Note, Outcome
from drivers.transport import Transport, TransportFault, TransportPhase, TransportState
from tests.unit.drivers.modbus_slave import (
    SILENCE,
    identification,
    registers,
    sealed,
    slave,
    vector,
)

STATE = "0A 04 00 00 00 06"
SERIAL = "0A 2B 0E 04 80"
BASIC = "0A 2B 0E 01 00"
LAMINATOR_BASIC = "03 2B 0E 01 00"
MOVE = "0A 10 00 00 00 04 08 00 01 00 00 00 01 00 08"  # from 0 to 1, number 8
ACCEPTED = vector("move-answer")
REFUSED = sealed("0A 90 06")
NOT_HOMED, READY, MOVING, FAULT = 0, 1, 2, 4
NAME = vector("read-serial-number-answer")
NOTE: Note = {"serial_number": "TRN00017", "started": 7, "finished": 7, "sequence": 8}

Script = Mapping[str, Sequence[bytes]]


def state(phase: int, started: int, finished: int, fault: int = 0) -> bytes:
    return registers(10, 4, phase, started, finished, fault, 0, 500)


async def test_identify_reads_product_code_serial_number_and_revision() -> None:
    objects = {0: b"Somebody", 1: b"TRN-2", 2: b"1.7"}
    async with slave({BASIC: [identification(10, 1, objects)], SERIAL: [NAME]}) as (wire, peer):
        identity = await Transport(wire).identify()
    assert (identity.kind, identity.model) == ("transport", "TRN-2")
    assert (identity.serial_number, identity.firmware) == ("TRN00017", "1.7")
    assert peer.requests == [vector("read-product-code"), vector("read-serial-number")]


@pytest.mark.parametrize(
    ("script", "says"),
    [
        ({BASIC: [identification(10, 1, {1: b"LAM-3"})]}, "a laminator answers where a transport"),
        (
            {BASIC: [SILENCE], LAMINATOR_BASIC: [identification(3, 1, {1: b"LAM-3"})]},
            "a laminator answers where a transport",
        ),
        ({BASIC: [identification(10, 1, {1: b"X9"})]}, "an unknown machine answers"),
        ({BASIC: [sealed("0A AB 01")]}, "does not name itself"),
    ],
)
async def test_another_machine_on_the_port_is_named(script: Script, says: str) -> None:
    async with slave(script) as (wire, _):
        with pytest.raises(WrongDevice) as caught:
            await Transport(wire).identify()
    assert says in str(caught.value)


async def test_identify_reports_silence_and_garbage() -> None:
    async with slave({BASIC: [SILENCE], LAMINATOR_BASIC: [SILENCE]}) as (wire, _):
        with pytest.raises(ReplyTimeout):
            await Transport(wire).identify()
    async with slave({BASIC: [b"ERROR CDE\0"], LAMINATOR_BASIC: [SILENCE]}) as (wire, _):
        with pytest.raises(Garbled):
            await Transport(wire).identify()


async def test_a_machine_without_a_serial_number_is_no_evidence() -> None:
    async with slave({SERIAL: [identification(10, 4, {0x80: b""})]}) as (wire, _):
        with pytest.raises(UnexpectedReply):
            await Transport(wire).move_outcome(NOTE)


async def test_state_is_read_in_one_answer() -> None:
    async with slave({STATE: [vector("transport-state-answer")]}) as (wire, peer):
        found = await Transport(wire).state()
    assert found == TransportState(TransportPhase.READY, 7, 7, TransportFault.NONE, 100_000)
    assert peer.requests == [vector("transport-state")]


@pytest.mark.parametrize("bad", [state(3, 7, 7), state(4, 7, 7, 9)])
async def test_values_outside_the_map_are_unexpected(bad: bytes) -> None:
    async with slave({STATE: [bad]}) as (wire, _):
        with pytest.raises(UnexpectedReply):
            await Transport(wire).state()


async def test_sensors_and_bin_counts() -> None:
    script = {
        "0A 02 00 00 00 0B": [sealed("0A 02 02 05 04")],
        "0A 04 00 11 00 01": [registers(10, 4, 12)],
        "0A 04 00 22 00 01": [registers(10, 4, 65535)],
    }
    async with slave(script) as (wire, _):
        transport = Transport(wire)
        sensors = await transport.presence(11)
        assert [position for position, on in enumerate(sensors) if on] == [0, 2, 10]
        assert await transport.bin_count(0x61) == 12
        assert await transport.bin_count(0x72) == 65535


@pytest.mark.parametrize(("started", "sequence"), [(7, 8), (65534, 65535), (65535, 1), (0, 1)])
async def test_the_next_number_never_is_zero(started: int, sequence: int) -> None:
    script = {STATE: [state(READY, started, 6)], SERIAL: [NAME]}
    async with slave(script) as (wire, _):
        assert await Transport(wire).move_note() == {
            "serial_number": "TRN00017",
            "started": started,
            "finished": 6,
            "sequence": sequence,
        }


async def test_a_move_is_one_block_and_ends_when_its_number_is_finished() -> None:
    script = {MOVE: [ACCEPTED], STATE: [state(MOVING, 8, 7), state(READY, 8, 8)]}
    async with slave(script, byte_by_byte=True) as (wire, peer):
        await Transport(wire).move(0, 1, NOTE)
    assert peer.requests[0] == vector("move-magazine-to-infeed-0")
    assert peer.count(MOVE) == 1
    assert peer.count(STATE) == 2


async def test_a_machine_slow_to_begin_is_waited_for() -> None:
    script = {MOVE: [ACCEPTED], STATE: [state(READY, 7, 7), state(READY, 8, 8)]}
    async with slave(script) as (wire, peer):
        await Transport(wire).move(0, 1, NOTE)
        assert peer.count(STATE) == 2


@pytest.mark.parametrize(
    ("fault", "error"),
    [(1, NothingAtSource), (2, DestinationTaken), (3, Jam), (4, WorkpieceLost), (0, HardwareFault)],
)
async def test_faults_of_a_move_name_source_and_destination(
    fault: int, error: type[DriverError]
) -> None:
    script = {MOVE: [ACCEPTED], STATE: [state(MOVING, 8, 7), state(FAULT, 8, 7, fault)]}
    async with slave(script) as (wire, peer):
        with pytest.raises(error) as caught:
            await Transport(wire).move(0, 1, NOTE)
        assert type(caught.value) is error
        assert caught.value.facts == {"source": 0, "destination": 1}
        assert peer.count(MOVE) == 1


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (SILENCE, ReplyTimeout),
        (ACCEPTED[:-1] + b"\0", Garbled),
        (sealed("0B 10 00 00 00 04"), Garbled),
        (sealed("0A 90 03"), CommandRefused),
    ],
)
async def test_a_move_is_never_sent_again(answer: bytes, error: type[DriverError]) -> None:
    async with slave({MOVE: [answer]}) as (wire, peer):
        with pytest.raises(error):
            await Transport(wire).move(0, 1, NOTE)
        assert peer.requests == [vector("move-magazine-to-infeed-0")]


async def test_a_transport_that_is_not_ready_says_what_it_does() -> None:
    async with slave({MOVE: [REFUSED], STATE: [state(NOT_HOMED, 7, 7)]}) as (wire, peer):
        with pytest.raises(NotReady) as caught:
            await Transport(wire).move(0, 1, NOTE)
        assert caught.value.facts == {"state": "not_homed", "fault": "none"}
        assert peer.count(MOVE) == 1


@pytest.mark.parametrize("after", [state(NOT_HOMED, 8, 7), state(NOT_HOMED, 0, 0)])
async def test_a_restart_during_a_move_is_a_fault(after: bytes) -> None:
    async with slave({MOVE: [ACCEPTED], STATE: [state(MOVING, 8, 7), after]}) as (wire, _):
        with pytest.raises(HardwareFault):
            await Transport(wire).move(0, 1, NOTE)


async def test_a_move_that_never_ends_is_given_up_at_its_time_out() -> None:
    async with slave({MOVE: [ACCEPTED], STATE: [state(MOVING, 8, 7)]}) as (wire, peer):
        with pytest.raises(ReplyTimeout):
            await Transport(wire).move(0, 1, NOTE)
        assert 30.0 <= asyncio.get_running_loop().time() < 30.1
        assert peer.count(STATE) < 140


@pytest.mark.parametrize(
    ("noted", "found", "outcome"),
    [
        pytest.param((7, 7, 8), state(READY, 8, 8), Outcome.DONE, id="finished is ours"),
        pytest.param((7, 7, 8), state(FAULT, 9, 8, 3), Outcome.DONE, id="the next one jammed"),
        pytest.param((7, 7, 8), state(READY, 7, 7), Outcome.NOT_DONE, id="never started"),
        pytest.param((7, 6, 8), state(FAULT, 7, 6, 3), Outcome.NOT_DONE, id="old jam stands"),
        pytest.param((7, 7, 8), state(FAULT, 8, 7, 1), Outcome.NOT_DONE, id="nothing at source"),
        pytest.param((7, 7, 8), state(FAULT, 8, 7, 2), Outcome.NOT_DONE, id="destination taken"),
        pytest.param((7, 7, 8), state(FAULT, 8, 7, 3), Outcome.UNKNOWN, id="jam"),
        pytest.param((7, 7, 8), state(FAULT, 8, 7, 4), Outcome.UNKNOWN, id="lost"),
        pytest.param((7, 7, 8), state(NOT_HOMED, 8, 7), Outcome.UNKNOWN, id="restarted"),
        pytest.param((7, 7, 8), state(READY, 8, 7, 1), Outcome.UNKNOWN, id="fault cleared"),
        pytest.param((7, 7, 8), state(FAULT, 9, 7, 1), Outcome.UNKNOWN, id="another's fault"),
        pytest.param((7, 7, 8), state(READY, 9, 9), Outcome.UNKNOWN, id="others came after"),
        pytest.param((7, 7, 8), state(READY, 0, 0), Outcome.UNKNOWN, id="memory lost"),
        pytest.param((7, 7, 8), state(READY, 0, 8), Outcome.UNKNOWN, id="half the memory lost"),
        pytest.param((7, 7, 8), state(READY, 7, 0), Outcome.UNKNOWN, id="the other half lost"),
        pytest.param((0, 0, 1), state(READY, 0, 0), Outcome.UNKNOWN, id="0 noted"),
        pytest.param((65535, 65535, 1), state(READY, 1, 1), Outcome.DONE, id="after the turn"),
        pytest.param((7, 7, 8), state(MOVING, 7, 6), Outcome.NOT_DONE, id="an older one moves"),
    ],
)
async def test_outcome_of_a_move(
    noted: tuple[int, int, int], found: bytes, outcome: Outcome
) -> None:
    started, finished, sequence = noted
    note: Note = {**NOTE, "started": started, "finished": finished, "sequence": sequence}
    async with slave({SERIAL: [NAME], STATE: [found]}) as (wire, peer):
        assert await Transport(wire).move_outcome(note) is outcome
        assert peer.count(STATE) == 1


async def test_outcome_waits_while_our_move_still_runs() -> None:
    moving = state(MOVING, 8, 7)
    async with slave({SERIAL: [NAME], STATE: [moving] * 5 + [state(READY, 8, 8)]}) as (wire, _):
        assert await Transport(wire).move_outcome(NOTE) is Outcome.DONE
    async with slave({SERIAL: [NAME], STATE: [moving]}) as (wire, _):
        assert await Transport(wire).move_outcome(NOTE) is Outcome.UNKNOWN


async def test_another_machine_of_the_same_kind_makes_the_outcome_unknown() -> None:
    """The serial number is read afresh, though the same driver has read it before."""
    other = identification(10, 4, {0x80: b"TRN00018"})
    script = {SERIAL: [NAME, other], STATE: [state(READY, 7, 7)]}
    async with slave(script) as (wire, _):
        transport = Transport(wire)
        note = await transport.move_note()
        assert await transport.move_outcome(note) is Outcome.UNKNOWN
        assert (await transport.move_note())["serial_number"] == "TRN00018"


async def test_homing_and_clearing_are_numbered_commands() -> None:
    home = "0A 10 00 00 00 04 08 00 02 00 00 00 00 00 09"
    clear = "0A 10 00 00 00 04 08 00 03 00 00 00 00 00 08"
    states = [
        state(FAULT, 7, 6, 3),
        state(FAULT, 8, 6, 3),  # still being cleared
        state(NOT_HOMED, 8, 8),
        state(NOT_HOMED, 8, 8),
        state(MOVING, 9, 8),
        state(READY, 9, 9),
        state(READY, 9, 9),
    ]
    script = {home: [ACCEPTED], clear: [ACCEPTED], SERIAL: [NAME], STATE: states}
    async with slave(script) as (wire, peer):
        transport = Transport(wire)
        await transport.clear_fault()
        await transport.home()
        await transport.clear_fault()
    assert (peer.count(clear), peer.count(home)) == (1, 1), "no fault, nothing to clear"


async def test_homing_reports_a_jam() -> None:
    home = "0A 10 00 00 00 04 08 00 02 00 00 00 00 00 08"
    states = [state(NOT_HOMED, 7, 7), state(FAULT, 8, 7, 3)]
    async with slave({home: [ACCEPTED], SERIAL: [NAME], STATE: states}) as (wire, _):
        with pytest.raises(Jam):
            await Transport(wire).home()
