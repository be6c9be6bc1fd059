"""The laminator mechanics' register map: thirteen input registers and what they say. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

from drivers.errors import ConsumableEmpty, CoverOpen, DriverError, HardwareFault, Jam, NotReady
from drivers.heat_zone import signed
from drivers.plc import known

MECHANICS_ADDRESS, MECHANICS_REGISTERS = 0x0000, 13


class LaminatorPhase(IntEnum):
    """What the mechanics are doing."""

    NOT_HOMED = 0
    READY = 1
    BUSY = 2
    WAITING_FOR_HEAT = 3
    FAULT = 4
    DOOR_OPEN = 5


class LaminatorFault(IntEnum):
    """The mechanics' present fault."""

    NONE = 0
    FILM_OUT = 1
    FILM_BROKEN = 2
    JAM_AT_INFEED = 3
    JAM_AT_OUTFEED = 4
    OVER_TEMPERATURE = 5
    DOOR = 6


class ResultCode(IntEnum):
    """How the command last finished went."""

    GOOD = 0
    TEMPERATURE = 1
    PRESSURE = 2
    FILM = 3


FILM_FAULTS = (LaminatorFault.FILM_OUT, LaminatorFault.FILM_BROKEN)
JAMS = (LaminatorFault.JAM_AT_INFEED, LaminatorFault.JAM_AT_OUTFEED)


@dataclass(frozen=True, slots=True)
class LaminateResult:
    """What the machine measured during its last cycle; zones in order, upper first."""

    code: ResultCode
    zone_low_c: tuple[float, float]
    zone_high_c: tuple[float, float]
    lowest_pressure_kpa: int


@dataclass(frozen=True, slots=True)
class Mechanics:
    """One reading of all input registers: one moment of the machine."""

    state: LaminatorPhase
    started: int
    finished: int
    fault: LaminatorFault
    last: LaminateResult
    cycles: int
    film_left_m: float


def decode_mechanics(registers: Sequence[int]) -> Mechanics:
    """Return what the thirteen registers say; raises `UnexpectedReply` at values not in the map."""
    state, started, finished, result, fault = registers[:5]
    low_1, high_1, low_2, high_2 = (signed(register) / 10 for register in registers[5:9])
    pressure_kpa, cycles_high, cycles_low, film = registers[9:]
    return Mechanics(
        state=known(LaminatorPhase, state),
        started=started,
        finished=finished,
        fault=known(LaminatorFault, fault),
        last=LaminateResult(
            known(ResultCode, result), (low_1, low_2), (high_1, high_2), pressure_kpa
        ),
        cycles=cycles_high << 16 | cycles_low,
        film_left_m=film / 10,
    )


def fault_error(mechanics: Mechanics) -> DriverError | None:
    """Return the error that a fault or an open door stands for."""
    if mechanics.state is LaminatorPhase.DOOR_OPEN:
        return CoverOpen()
    if mechanics.state is not LaminatorPhase.FAULT:
        return None
    fault = mechanics.fault.name.lower()
    if mechanics.fault in FILM_FAULTS:
        return ConsumableEmpty(what="film", fault=fault)
    if mechanics.fault in JAMS:
        return Jam(fault=fault)
    if mechanics.fault is LaminatorFault.DOOR:
        return CoverOpen()
    return HardwareFault(fault=fault)


def refused_error(mechanics: Mechanics) -> DriverError:
    """Return why the mechanics refused a command: they did nothing, whatever the old fault was."""
    error = fault_error(mechanics)
    if isinstance(error, (CoverOpen, ConsumableEmpty)):
        return error
    return NotReady(state=mechanics.state.name.lower(), fault=mechanics.fault.name.lower())
