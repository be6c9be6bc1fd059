"""What a person may set of the machines made of software, and of who looks after them.

Times are in machine time: they are divided by the pace.
"""

from datetime import date

from pydantic import Field

from config.settings import Settings


class MachineWear(Settings):
    """How the simulated machines behave: all defaults of our own, plausible and no maker's."""

    spread: float = Field(default=0.05, ge=0, le=1)
    insert_s: float = Field(default=2.0, gt=0)
    print_s: float = Field(default=16.0, gt=0)
    laminate_s: float = Field(default=10.5, gt=0)
    laminator_eject_s: float = Field(default=1.5, gt=0)
    chip_s: float = Field(default=6.0, gt=0)
    read_s: float = Field(default=2.0, gt=0)
    move_s: float = Field(default=1.5, gt=0)
    misprint_share: float = Field(default=0.004, ge=0, le=1)
    jam_share: float = Field(default=0.0005, ge=0, le=1)
    chip_failure_share: float = Field(default=0.003, ge=0, le=1)
    ribbon_cards: int = Field(default=1000, ge=1)
    film_cards: int = Field(default=1500, ge=1)


class SimulatedOperator(Settings):
    """How soon the simulated operator comes, in machine time."""

    delay_s: float = Field(default=60.0, ge=0)
    inspection_s: float = Field(default=5.0, ge=0)


class Simulation(Settings):
    """What stands at the far end of `sim://` wires."""

    seed: int = 1
    pace: float = Field(default=1.0, gt=0, le=1000)
    #: Within the years in which dates of birth, issue and validity can be told apart.
    calendar_date: date | None = Field(default=None, ge=date(1984, 1, 1), le=date(2099, 12, 31))
    machines: MachineWear = MachineWear()
    operator: SimulatedOperator = SimulatedOperator()
