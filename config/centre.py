"""What a person may set of a centre: its lines and stations, its ledger and limits, and the whole.

Every value has its unit in its name. Values about machines are defaults of our own where no source
gives one (devices reference, section 11). Which machine is simulated is told by its URL alone.
"""

from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import (
    Field,
    StringConstraints,
    field_validator,
    model_validator,
)

from config.chip_keys import ChipKeySettings, why_not_in_production
from config.deliveries import Delivery
from config.doors import Api, Metrics, Output, Reports
from config.loading import Mistakes, Problem, load_toml
from config.mqtt import Mqtt
from config.printer_models import why_not_a_printer
from config.products import Operation, Product, shipped_product, shipped_product_names
from config.programme_settings import ProgrammeSettings
from config.settings import Settings
from config.shifts import Shift, shift_problems
from config.simulation import Simulation
from config.wire_urls import encoder_url, wire_url

Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,39}$")]
CountyCode = Annotated[str, StringConstraints(pattern=r"^[0-9]{6}$")]


class Purpose(StrEnum):
    """What a file is for; it decides what the file may contain and nothing else."""

    SIMULATION = "simulation"
    PRODUCTION = "production"


class StationKind(StrEnum):
    """The machines (and the one person's desk) that a line is made of."""

    PRINTER = "printer"
    LAMINATOR = "laminator"
    ENCODER = "encoder"
    READER = "reader"
    INSPECTION = "inspection"


#: Which kind of station does which operation of a route.
STATION_OF_OPERATION = {
    Operation.PRINT: StationKind.PRINTER,
    Operation.LAMINATE: StationKind.LAMINATOR,
    Operation.ENCODE: StationKind.ENCODER,
    Operation.READ_BACK: StationKind.READER,
    Operation.INSPECT: StationKind.INSPECTION,
}


class MachineTimeouts(Settings):
    """How long to wait for a machine; never divided by a simulation's pace."""

    connect_s: float = Field(default=5.0, gt=0, le=60)
    reply_s: float = Field(default=3.0, gt=0, le=60)
    act_s: float = Field(default=120.0, gt=0, le=3600)


class Machine(Settings):
    """A machine behind a wire."""

    url: str
    model: str = ""
    serial_number: str = ""  # when set, another unit on the port is refused
    timeouts: MachineTimeouts = MachineTimeouts()

    _check_url = field_validator("url")(wire_url)


class Station(Settings):
    """One station of a line; its order in the file is its position on the transport."""

    name: Name
    kind: StationKind
    url: str = ""
    model: str = ""
    serial_number: str = ""
    echo: bool = True  # encoders of the GemPCTwin family repeat what they were sent
    timeouts: MachineTimeouts = MachineTimeouts()

    @model_validator(mode="after")
    def _has_a_wire(self) -> Self:
        if self.kind is StationKind.INSPECTION:
            if self.url:
                raise ValueError(f"{self.name}: a person's desk has no wire")
        elif not self.url:
            raise ValueError(f"{self.name}: url is missing")
        elif self.kind is StationKind.ENCODER:
            encoder_url(self.url)
        else:
            wire_url(self.url)
        if self.kind is StationKind.PRINTER and (problem := why_not_a_printer(self.model)):
            raise ValueError(f"{self.name}: {problem}")
        return self


class Line(Settings):
    """One line: a transport and the stations along it."""

    name: Name
    transport: Machine
    stations: tuple[Station, ...] = Field(min_length=1, max_length=47)
    trays: int = Field(default=8, ge=1, le=16)
    magazine_capacity: int = Field(default=500, ge=1, le=100_000)
    magazine_low_share: float = Field(default=0.2, ge=0, le=1)  # from there a person is asked
    work_in_process_max: int = Field(default=24, ge=1, le=200)

    def makes(self, product: Product) -> bool:
        """Tell whether the line has a station for every operation of a product."""
        kinds = {station.kind for station in self.stations}
        return all(STATION_OF_OPERATION[operation] in kinds for operation in product.route)


class Ledger(Settings):
    """Where the books are, and the keys apart from them."""

    path: Path = Path("ledger.sqlite")
    keys: Path = Path("keys")
    retry_s: float = Field(default=2.0, gt=0, le=600)


class Limits(Settings):
    """What an operator may expect and a remake may cost."""

    box_size: int = Field(default=200, ge=1, le=10_000)
    remakes_max: int = Field(default=3, ge=0, le=20)
    #: How long a finished batch waits before it is sent out: until then a person may still find a
    #: packed card bad.
    closing_delay_s: float = Field(default=600.0, ge=0, le=86_400)
    package_bytes_max: int = Field(default=4_000_000_000, ge=1_000)
    applications_max: int = Field(default=99_999, ge=1, le=99_999)


class Promise(Settings):
    """The dates by which a card must be made; the earlier of two counts."""

    centre_days: int = Field(default=30, ge=1, le=365)
    express_days: int = Field(default=5, ge=1, le=365)
    acceptance_days: int = Field(default=60, ge=1, le=365)
    remote_counties: tuple[CountyCode, ...] = ()
    remote_extra_days: int = Field(default=30, ge=0, le=365)
    distribution_days: int = Field(default=15, ge=0, le=180)
    distribution_days_of: dict[CountyCode, Annotated[int, Field(ge=0, le=180)]] = Field({})


class Policy(Settings):
    """Which steps wait for a person."""

    authorise_after_restart: bool = True
    release_batches: Literal["by hand", "at once"] = "by hand"
    act_retries_max: int = Field(default=3, ge=1, le=20)


class Centre(Settings):
    """A whole centre: the root of a centre's file."""

    name: Name
    purpose: Purpose
    products: tuple[str, ...] = Field(default=("second-generation",), min_length=1)
    lines: tuple[Line, ...] = Field(min_length=1)
    ledger: Ledger = Ledger()
    limits: Limits = Limits()
    promise: Promise = Promise()
    programme: ProgrammeSettings = ProgrammeSettings()
    shifts: tuple[Shift, ...] = ()  # none: round the clock, every day
    deliveries: tuple[Delivery, ...] = ()  # none: how long the stock lasts is not told
    policy: Policy = Policy()
    api: Api = Api()
    metrics: Metrics = Metrics()
    mqtt: Mqtt | None = None
    chip_keys: ChipKeySettings | None = None
    output: Output = Output()
    reports: Reports = Reports()
    simulation: Simulation | None = None

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        problems = [*_names_twice(self), *_route_gaps(self), *_purpose_problems(self)]
        problems += shift_problems(self.shifts)
        if problems:
            raise Mistakes(tuple(problems))
        return self

    def product(self, code: str) -> Product | None:
        """Return the product that records of this code (`zjlbdm`) ask for."""
        for name in self.products:
            product = shipped_product(name)
            if product.code == code:
                return product
        return None


def wires(centre: Centre) -> Iterator[tuple[str, str]]:
    """Return every wire with its place in the file."""
    for number, line in enumerate(centre.lines):
        yield f"lines[{number}].transport.url", line.transport.url
        for index, station in enumerate(line.stations):
            if station.url:
                yield f"lines[{number}].stations[{index}].url", station.url


def _names(centre: Centre) -> Iterator[tuple[str, str]]:
    """Return every name with its place in the file; a line names its transport too."""
    for number, line in enumerate(centre.lines):
        yield f"lines[{number}].name", line.name
        yield f"lines[{number}].name", f"{line.name}-transport"
        for index, station in enumerate(line.stations):
            yield f"lines[{number}].stations[{index}].name", station.name


def _names_twice(centre: Centre) -> Iterator[Problem]:
    for places in (_names(centre), wires(centre)):
        seen: dict[str, str] = {}
        for place, thing in places:
            if thing in seen:
                yield Problem(place, f"{thing} is used twice, first in {seen[thing]}")
            seen.setdefault(thing, place)


def _route_gaps(centre: Centre) -> Iterator[Problem]:
    for number, name in enumerate(centre.products):
        known = shipped_product_names()
        if name in known:
            texts = _why_not_made(centre, shipped_product(name), name)
        else:
            texts = [f"there is no product {name!r} (known: {', '.join(known)})"]
        yield from (Problem(f"products[{number}]", text) for text in texts)


def _why_not_made(centre: Centre, product: Product, name: str) -> list[str]:
    kinds = {station.kind for line in centre.lines for station in line.stations}
    missing = [one for one in product.route if STATION_OF_OPERATION[one] not in kinds]
    texts = [f"no station for the operation {one.value!r} of {name}" for one in missing]
    if not missing and not any(line.makes(product) for line in centre.lines):
        texts.append(f"no single line has a station for every operation of {name}")
    if centre.purpose is Purpose.PRODUCTION:
        texts += why_not_in_production(name, product.chip_profile, centre.chip_keys)
    return texts


def _purpose_problems(centre: Centre) -> Iterator[Problem]:
    simulated = [(place, url) for place, url in wires(centre) if url.startswith("sim://")]
    if centre.purpose is Purpose.PRODUCTION:
        for place, url in simulated:
            yield Problem(place, f"a production centre has no simulated machine: {url}")
        if centre.simulation is not None:
            text = "a production centre has no [simulation], and no date but today's"
            yield Problem("simulation", text)
    elif simulated and centre.simulation is None:
        yield Problem("simulation", "sim:// wires need a [simulation] table")


def load_centre(path: Path) -> Centre:
    """Read a centre's file and try its plan; raises `ConfigError`.

    Relative paths count from the file's folder.
    """
    centre = placed_in(load_toml(path, Centre), path.absolute().parent)
    centre.programme.read_plan()
    return centre


def placed_in(centre: Centre, folder: Path) -> Centre:
    """Return a centre whose relative paths count from a folder."""
    ledger = centre.ledger.model_copy(
        update={"path": folder / centre.ledger.path, "keys": folder / centre.ledger.keys}
    )
    return centre.model_copy(
        update={
            "ledger": ledger,
            "api": centre.api.model_copy(update={"socket": folder / centre.api.socket}),
            "mqtt": centre.mqtt and centre.mqtt.placed_in(folder),
            "chip_keys": centre.chip_keys and centre.chip_keys.placed_in(folder),
            "output": centre.output.model_copy(update={"folder": folder / centre.output.folder}),
            "programme": centre.programme.placed_in(folder),
        }
    )


def shipped_centre(name: str) -> Path:
    """Return the path of a centre's file that comes with the software."""
    return Path(__file__).with_name("centres") / f"{name}.toml"
