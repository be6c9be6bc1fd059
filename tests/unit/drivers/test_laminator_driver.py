"""The laminator's driver against scripted slaves: heat zones, cycles, faults and outcomes."""

import asyncio

import pytest

from drivers.errors import (
    CommandRefused,
    ConsumableEmpty,
    CoverOpen,
    DriverError,
    Garbled,
    HardwareFault,
    Jam,
    NotReady,
    ReplyTimeout,
    UnexpectedReply,
    WrongDevice,
)
from drivers.laminator import (
    LaminateResult,
    Laminator,
    LaminatorFault,
    LaminatorPhase,
    LaminatorState,
    LaminatorTimeouts,
    ResultCode,
)
from drivers.outcome import Note, Outcome
from tests.unit.drivers.modbus_slave import (
    SILENCE,
    identification,
    registers,
    sealed,
    slave,
    vector,
)

STATE = "03 04 00 00 00 0D"
SENSORS = "03 02 00 00 00 02"
SERIAL = "03 2B 0E 04 80"
UPPER, LOWER = "01 03 20 00 00 03", "02 03 20 00 00 03"
LAMINATE = "03 10 00 00 00 04 08 00 01 2E E0 01 2C 00 2A"  # 12,000 ms, 300 kPa, number 42
EJECT = "03 10 00 00 00 04 08 00 02 00 00 00 00 00 2B"  # number 43
ACCEPTED = vector("laminate-answer")
REFUSED = vector("command-while-not-ready")
NAME = identification(3, 4, {0x80: b"LAM00004"})
NOT_HOMED, READY, BUSY, HEATING, FAULT, DOOR_OPEN = range(6)
NOTE: Note = {"serial_number": "LAM00004", "started": 41, "finished": 41, "sequence": 42}
EJECT_NOTE: Note = {"serial_number": "LAM00004", "started": 42, "finished": 42, "sequence": 43}


def state(phase: int, started: int, finished: int, fault: int = 0, result: int = 0) -> bytes:
    """Low and high 119.8 and 121.1 (zone 1), -0.5 and 120.9 (zone 2); 65,537 cycles; 48.1 m."""
    zones = (1198, 1211, 0xFFFB, 1209)
    return registers(3, 4, phase, started, finished, result, fault, *zones, 297, 1, 1, 481)


def zone(unit: int, temperature: int, status: int = 0) -> bytes:
    return registers(unit, 3, temperature, status, 1250)


MEASURED = LaminateResult(ResultCode.GOOD, (119.8, -0.5), (121.1, 120.9), 297)


async def test_identify() -> None:
    objects = {0: b"Somebody", 1: b"LAM-200", 2: b"2.0"}
    script = {"03 2B 0E 01 00": [identification(3, 1, objects)], SERIAL: [NAME]}
    async with slave(script) as (wire, _):
        identity = await Laminator(wire).identify()
    assert (identity.kind, identity.model) == ("laminator", "LAM-200")
    assert (identity.serial_number, identity.firmware) == ("LAM00004", "2.0")


async def test_a_transport_on_the_port_is_named() -> None:
    script = {
        "03 2B 0E 01 00": [SILENCE],
        "0A 2B 0E 01 00": [identification(10, 1, {1: b"TRN-2"})],
    }
    async with slave(script) as (wire, _):
        with pytest.raises(WrongDevice, match="a transport answers where a laminator should be"):
            await Laminator(wire).identify()


async def test_state_gathers_mechanics_sensors_and_zones() -> None:
    script = {
        STATE: [state(READY, 42, 41, 0, 2)],
        SENSORS: [vector("laminator-sensors-answer")],
        UPPER: [zone(1, 1203)],
        LOWER: [zone(2, 0xFFF6)],
    }
    async with slave(script) as (wire, peer):
        found = await Laminator(wire).state()
    assert found == LaminatorState(
        state=LaminatorPhase.READY,
        started=42,
        finished=41,
        result=ResultCode.PRESSURE,
        fault=LaminatorFault.NONE,
        film_left_m=48.1,
        cycles=65537,
        card_inside=True,
        door_closed=True,
        temperatures=(120.3, -1.0),
    )
    assert peer.requests[2] == vector("read-pv-status-sp")


@pytest.mark.parametrize("bad", [state(6, 1, 1), state(1, 1, 1, 7), state(1, 1, 1, 0, 4)])
async def test_values_outside_the_map_are_unexpected(bad: bytes) -> None:
    async with slave({STATE: [bad]}) as (wire, _):
        with pytest.raises(UnexpectedReply):
            await Laminator(wire).last_result()


def heat_script(set_point: str = "04 E2") -> dict[str, list[bytes]]:
    bodies = [
        f"0{unit} 06 {rest}" for unit in (1, 2) for rest in ("00 00 00 01", f"21 03 {set_point}")
    ] + ["01 06 00 00 01 00", "02 06 00 00 01 00"]
    return {body: [sealed(body)] for body in bodies}


async def test_prepare_starts_both_zones_and_homes_what_is_not_homed() -> None:
    home = "03 10 00 00 00 04 08 00 03 00 00 00 00 00 2A"
    states = [state(NOT_HOMED, 41, 41), state(NOT_HOMED, 41, 41), state(NOT_HOMED, 42, 41)]
    script = {
        **heat_script(),
        home: [ACCEPTED],
        SERIAL: [NAME],
        STATE: [*states, state(READY, 42, 42)],
    }
    async with slave(script) as (wire, peer):
        await Laminator(wire).prepare(125.0)
    upper = ["communications-writing-on", "write-set-point-125", "run"]
    assert peer.requests[:3] == [vector(name) for name in upper]
    assert [request[0] for request in peer.requests[3:6]] == [2, 2, 2]
    assert peer.count(home) == 1


async def test_prepare_leaves_homed_mechanics_alone_and_reports_a_fault() -> None:
    async with slave({**heat_script(), STATE: [state(READY, 41, 41)]}) as (wire, peer):
        await Laminator(wire).prepare(125.0)
        assert len(peer.requests) == 7
    async with slave({**heat_script(), STATE: [state(FAULT, 41, 40, 3)]}) as (wire, _):
        with pytest.raises(Jam):
            await Laminator(wire).prepare(125.0)


async def test_a_zone_that_refuses_writing_is_reported() -> None:
    async with slave({"01 06 00 00 00 01": [sealed("01 86 04")]}) as (wire, _):
        with pytest.raises(CommandRefused) as caught:
            await Laminator(wire).prepare(125.0)
        assert caught.value.facts == {"unit": 1, "modbus_exception": 4}


async def test_a_set_point_is_written_again_when_its_echo_is_lost() -> None:
    script = {**heat_script(), STATE: [state(READY, 41, 41)]}
    script["01 06 21 03 04 E2"] = [SILENCE, sealed("01 06 21 03 04 E2")]
    async with slave(script) as (wire, peer):
        await Laminator(wire).prepare(125.0)
        assert peer.count("01 06 21 03 04 E2") == 2


async def test_warm_is_both_zones_within_the_window() -> None:
    script = {
        UPPER: [zone(1, 300), zone(1, 1199), zone(1, 1200), zone(1, 1301), zone(1, 1300)],
        LOWER: [zone(2, 1250)],
    }
    async with slave(script) as (wire, peer):
        await Laminator(wire).wait_until_warm(125.0)
        assert peer.count(UPPER) == 3
        await Laminator(wire).wait_until_warm(125.0)
        assert peer.count(UPPER) == 5


async def test_a_cold_machine_is_polled_seldom_and_given_up() -> None:
    timeouts = LaminatorTimeouts(warm_up_timeout_s=100.0)
    async with slave({UPPER: [zone(1, 300)], LOWER: [zone(2, 1250)]}) as (wire, peer):
        with pytest.raises(HardwareFault):
            await Laminator(wire, timeouts).wait_until_warm(125.0)
        assert 100.0 <= asyncio.get_running_loop().time() < 100.1
        assert peer.count(UPPER) < 60


async def test_a_broken_zone_is_a_fault() -> None:
    async with slave({UPPER: [zone(1, 300, 1 << 6)], LOWER: [zone(2, 1250)]}) as (wire, _):
        with pytest.raises(HardwareFault) as caught:
            await Laminator(wire).wait_until_warm(125.0)
        assert caught.value.facts == {"unit": 1, "status": 64}


async def test_laminating_is_one_block_and_returns_what_was_measured() -> None:
    states = [state(BUSY, 42, 41), state(BUSY, 42, 41), state(READY, 42, 42)]
    async with slave({LAMINATE: [ACCEPTED], STATE: states}, byte_by_byte=True) as (wire, peer):
        assert await Laminator(wire).laminate(NOTE, 12_000, 300) == MEASURED
    assert peer.requests[0] == vector("laminate-12s-300kPa")
    assert peer.count(LAMINATE) == 1


@pytest.mark.parametrize("code", [1, 2, 3])
async def test_a_bad_lamination_is_a_value(code: int) -> None:
    script = {LAMINATE: [ACCEPTED], STATE: [state(READY, 42, 42, 0, code)]}
    async with slave(script) as (wire, _):
        result = await Laminator(wire).laminate(NOTE, 12_000, 300)
    assert result.code is ResultCode(code)


async def test_waiting_for_heat_does_not_count_as_laminating() -> None:
    """Heat takes longer than a lamination may, and is not learnt as a lamination's time."""
    timeouts = LaminatorTimeouts(laminate_timeout_s=5.0)
    states = [state(HEATING, 42, 41)] * 30 + [state(BUSY, 42, 41), state(READY, 42, 42)]
    async with slave({LAMINATE: [ACCEPTED], STATE: states}) as (wire, _):
        assert await Laminator(wire, timeouts).laminate(NOTE, 12_000, 300) == MEASURED
        assert asyncio.get_running_loop().time() > 30


async def test_time_outs_of_an_act() -> None:
    timeouts = LaminatorTimeouts(1.0, 60.0, 20.0, 300.0)
    script = {LAMINATE: [ACCEPTED], EJECT: [ACCEPTED], STATE: [state(HEATING, 42, 41)]}
    loop = asyncio.get_running_loop()
    async with slave(script) as (wire, _):
        with pytest.raises(ReplyTimeout):
            await Laminator(wire, timeouts).laminate(NOTE, 12_000, 300)
        assert 300 <= loop.time() < 301
    async with slave({**script, STATE: [state(BUSY, 42, 41)]}) as (wire, _):
        before_s = loop.time()
        with pytest.raises(ReplyTimeout):
            await Laminator(wire, timeouts).laminate(NOTE, 12_000, 300)
        assert 60 <= loop.time() - before_s < 61
    async with slave({**script, STATE: [state(BUSY, 43, 42)]}) as (wire, _):
        before_s = loop.time()
        with pytest.raises(ReplyTimeout):
            await Laminator(wire, timeouts).eject(EJECT_NOTE)
        assert 20 <= loop.time() - before_s < 21


async def test_ejecting() -> None:
    states = [state(BUSY, 43, 42), state(READY, 43, 43)]
    async with slave({EJECT: [ACCEPTED], STATE: states}) as (wire, peer):
        await Laminator(wire).eject(EJECT_NOTE)
    assert peer.requests[0] == vector("eject")


FAULTS: list[tuple[bytes, type[DriverError], dict[str, str | float]]] = [
    (state(FAULT, 42, 41, 1), ConsumableEmpty, {"what": "film", "fault": "film_out"}),
    (state(FAULT, 42, 41, 2), ConsumableEmpty, {"what": "film", "fault": "film_broken"}),
    (state(FAULT, 42, 41, 3), Jam, {"fault": "jam_at_infeed"}),
    (state(FAULT, 42, 41, 4), Jam, {"fault": "jam_at_outfeed"}),
    (state(FAULT, 42, 41, 5), HardwareFault, {"fault": "over_temperature"}),
    (state(FAULT, 42, 41, 6), CoverOpen, {}),
    (state(DOOR_OPEN, 42, 41, 0), CoverOpen, {}),
]


@pytest.mark.parametrize(("found", "error", "facts"), FAULTS)
async def test_faults_during_an_act(
    found: bytes, error: type[DriverError], facts: dict[str, str | float]
) -> None:
    script = {LAMINATE: [ACCEPTED], STATE: [state(BUSY, 42, 41), state(BUSY, 42, 41), found]}
    async with slave(script) as (wire, peer):
        with pytest.raises(error) as caught:
            await Laminator(wire).laminate(NOTE, 12_000, 300)
        assert type(caught.value) is error
        assert caught.value.facts == facts
        assert peer.count(LAMINATE) == 1


@pytest.mark.parametrize("after", [state(NOT_HOMED, 42, 41), state(NOT_HOMED, 0, 0)])
async def test_a_restart_during_an_act_is_a_fault(after: bytes) -> None:
    async with slave({LAMINATE: [ACCEPTED], STATE: [state(BUSY, 42, 41), after]}) as (wire, _):
        with pytest.raises(HardwareFault):
            await Laminator(wire).laminate(NOTE, 12_000, 300)


@pytest.mark.parametrize(
    ("found", "error", "facts"),
    [
        (state(BUSY, 41, 40), NotReady, {"state": "busy", "fault": "none"}),
        (state(NOT_HOMED, 41, 41), NotReady, {"state": "not_homed", "fault": "none"}),
        (state(FAULT, 41, 40, 3), NotReady, {"state": "fault", "fault": "jam_at_infeed"}),
        (state(FAULT, 41, 40, 1), ConsumableEmpty, {"what": "film", "fault": "film_out"}),
        (state(DOOR_OPEN, 41, 41, 6), CoverOpen, {}),
    ],
)
async def test_a_refused_act_says_why(
    found: bytes, error: type[DriverError], facts: dict[str, str | float]
) -> None:
    async with slave({LAMINATE: [REFUSED], STATE: [found]}) as (wire, peer):
        with pytest.raises(error) as caught:
            await Laminator(wire).laminate(NOTE, 12_000, 300)
        assert caught.value.facts == facts
        assert peer.count(LAMINATE) == 1


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (SILENCE, ReplyTimeout),
        (ACCEPTED[:-1] + b"\0", Garbled),
        (sealed("03 90 02"), CommandRefused),
    ],
)
async def test_an_act_is_never_sent_again(answer: bytes, error: type[DriverError]) -> None:
    async with slave({LAMINATE: [answer]}) as (wire, peer):
        with pytest.raises(error):
            await Laminator(wire).laminate(NOTE, 12_000, 300)
        assert peer.requests == [vector("laminate-12s-300kPa")]


@pytest.mark.parametrize(
    ("found", "outcome"),
    [
        pytest.param(state(READY, 42, 42), Outcome.DONE, id="finished is ours"),
        pytest.param(state(READY, 42, 42, 0, 1), Outcome.DONE, id="finished, badly"),
        pytest.param(state(READY, 41, 41), Outcome.NOT_DONE, id="never started"),
        pytest.param(state(NOT_HOMED, 41, 41), Outcome.NOT_DONE, id="restarted before it"),
        pytest.param(state(FAULT, 42, 41, 1), Outcome.UNKNOWN, id="film out"),
        pytest.param(state(FAULT, 42, 41, 3), Outcome.UNKNOWN, id="jam at infeed"),
        pytest.param(state(DOOR_OPEN, 42, 41), Outcome.UNKNOWN, id="door open"),
        pytest.param(state(NOT_HOMED, 42, 41), Outcome.UNKNOWN, id="restarted in it"),
        pytest.param(state(READY, 43, 43), Outcome.UNKNOWN, id="others came after"),
        pytest.param(state(READY, 0, 0), Outcome.UNKNOWN, id="memory lost"),
    ],
)
async def test_outcome_of_an_act(found: bytes, outcome: Outcome) -> None:
    async with slave({SERIAL: [NAME], STATE: [found]}) as (wire, _):
        assert await Laminator(wire).act_outcome(NOTE) is outcome


async def test_outcome_waits_for_heat_and_cycle() -> None:
    running = [state(HEATING, 42, 41)] * 3 + [state(BUSY, 42, 41)] * 4
    async with slave({SERIAL: [NAME], STATE: [*running, state(READY, 42, 42)]}) as (wire, _):
        assert await Laminator(wire).act_outcome(NOTE) is Outcome.DONE
    for stuck in running[0], running[-1]:
        async with slave({SERIAL: [NAME], STATE: [stuck]}) as (wire, _):
            assert await Laminator(wire).act_outcome(NOTE) is Outcome.UNKNOWN


async def test_another_laminator_makes_the_outcome_unknown() -> None:
    other = identification(3, 4, {0x80: b"LAM00005"})
    async with slave({SERIAL: [other], STATE: [state(READY, 42, 42)]}) as (wire, _):
        assert await Laminator(wire).act_outcome(NOTE) is Outcome.UNKNOWN


async def test_note_and_last_result() -> None:
    async with slave({SERIAL: [NAME], STATE: [state(READY, 41, 41)]}) as (wire, peer):
        laminator = Laminator(wire)
        assert await laminator.act_note() == NOTE
        assert await laminator.act_note() == NOTE
        assert await laminator.last_result() == MEASURED
        assert peer.count(SERIAL) == 1


async def test_clearing_a_fault() -> None:
    clear = "03 10 00 00 00 04 08 00 04 00 00 00 00 00 2A"
    states = [state(FAULT, 41, 40, 3), state(FAULT, 42, 40, 3), state(READY, 42, 42)]
    async with slave({clear: [ACCEPTED], SERIAL: [NAME], STATE: states}) as (wire, peer):
        laminator = Laminator(wire)
        await laminator.clear_fault()
        await laminator.clear_fault()
        assert peer.count(clear) == 1, "no fault, nothing to clear"


async def test_a_door_still_open_cannot_be_cleared() -> None:
    clear = "03 10 00 00 00 04 08 00 04 00 00 00 00 00 2A"
    script = {clear: [REFUSED], SERIAL: [NAME], STATE: [state(DOOR_OPEN, 41, 40, 6)]}
    async with slave(script) as (wire, _):
        with pytest.raises(CoverOpen):
            await Laminator(wire).clear_fault()
