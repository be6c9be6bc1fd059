"""Packages of invented people: any size, with faults on purpose, the same from the same seed.

For demonstrations, simulations and tests. Names, counties and region codes (2299xx) are obviously
nobody's; it is no model of how many people have which age or nation.
"""

from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from random import Random
from xml.sax.saxutils import escape

from jobs.age import OF_AGE_YEARS, age_on, valid_until, years_for
from jobs.application import EXPRESS, FIRST_GENERATION, LONG_TERM, ORDINARY, SECOND_GENERATION
from jobs.citizen_number import check_digit
from jobs.fees import RELIEVED_TYPE
from jobs.invented_faults import FaultKind, spoil
from jobs.load import Load
from jobs.portrait import portraits
from jobs.regions import INVENTED

_STEMS, _BRANCHES = "甲乙丙丁戊己庚辛壬癸", "子丑寅卯辰巳午未申酉戌亥"
_VILLAGES = ("虚构乡样例村", "假想镇模拟街", "例证乡无名屯", "试验镇空白路")
_NATIONS, _NATION_WEIGHTS = ("01", "11", "10", "03", "02"), (80, 8, 7, 3, 2)
_PORTRAIT_POOL = 24
_CHILD_SHARE = 0.03
_LOST = "31"  # 补领: the first of the replacements


@dataclass(frozen=True, slots=True)
class Applicant:
    """What is wanted of one record."""

    load: Load = Load.PERSON
    express: bool = False
    faulty: bool = False


@dataclass(slots=True)
class Series:
    """What packages of one run share, so that no two people in them have one number."""

    numbers: set[str] = field(default_factory=set)
    photos: list[str] = field(default_factory=list)  # drawn by the first package


@dataclass(frozen=True, slots=True)
class PackagePlan:
    """What to make."""

    count: int
    day: date  # of the package; people applied a few days before
    counties: int | Sequence[str] = 1  # how many of the invented ones, or which region codes
    serial: int = 1  # of the day; packages of one day need different ones
    product: str = SECOND_GENERATION
    express_share: float = 0.1
    faults: int = 0
    fault_kinds: Sequence[FaultKind] = tuple(FaultKind)
    encoding: str = "UTF-8"
    #: One a record, instead of the shares and `faults` above; nobody gives up a first generation.
    applicants: Sequence[Applicant] = ()

    def __post_init__(self) -> None:
        assert 1 <= self.count <= 99_999
        assert 1 <= self.serial <= 999, "the serial becomes the police station's three digits"
        assert 0 <= self.faults <= self.count
        assert len(self.applicants) in {0, self.count}

    @property
    def county_codes(self) -> tuple[str, ...]:
        """Return the region codes of the counties."""
        if isinstance(self.counties, int):
            return tuple(INVENTED)[: self.counties]
        return tuple(self.counties)

    @property
    def package_number(self) -> str:
        """Return the number: the sending unit, the day, the serial."""
        codes = self.county_codes
        unit = codes[0] if len(codes) == 1 else codes[0][:4] + "00"
        return f"{unit}000000{self.day:%Y%m%d}{self.serial:05}"


def make_package(random: Random, plan: PackagePlan) -> tuple[str, bytes]:
    """Return a package's file name and bytes."""
    return file_name(plan), b"".join(package_pieces(random, plan))


def file_name(plan: PackagePlan) -> str:
    """Return the name that the package's file must have."""
    return f"ZAGL_ZZJH_{plan.package_number}.XML"


def package_pieces(
    random: Random, plan: PackagePlan, series: Series | None = None
) -> Iterator[bytes]:
    """Yield a package's bytes record by record, for packages that memory should not hold."""
    number = plan.package_number
    head = (
        f'<?xml version="1.0" encoding="{plan.encoding}"?>\n<zzjh version="1">\n'
        f"<bt><sjbbh>{number}</sjbbh><fsdw>{number[:12]}</fsdw>"
        f"<scsj>{plan.day:%Y%m%d}180000</scsj><jls>{plan.count}</jls></bt>\n"
    )
    yield head.encode(plan.encoding)
    for fields in invented_records(random, plan, series):
        inside = "".join(f"<{name}>{escape(text)}</{name}>" for name, text in fields.items())
        yield f"<jl>{inside}</jl>\n".encode(plan.encoding)
    yield b"</zzjh>\n"


def invented_records(
    random: Random, plan: PackagePlan, series: Series | None = None
) -> Iterator[dict[str, str]]:
    """Yield the fields of each record, the faulty ones spoilt."""
    pool_size = _PORTRAIT_POOL if series else min(_PORTRAIT_POOL, plan.count)
    series = series or Series()
    if not series.photos:
        series.photos = [b64encode(photo).decode() for photo in portraits(random, pool_size)]
    faulty = _faulty_indexes(random, plan)
    for index in range(1, plan.count + 1):
        fields = _person(random, plan, index, series.numbers)
        fields["sdxp"] = random.choice(series.photos)
        if index in faulty:
            spoil(fields, faulty[index], random)
        yield fields


def _faulty_indexes(random: Random, plan: PackagePlan) -> Mapping[int, FaultKind]:
    """Choose which records are faulty and how, each kind once before any comes again."""
    kinds = list(plan.fault_kinds)
    random.shuffle(kinds)
    if plan.applicants:
        indexes = [place for place, one in enumerate(plan.applicants, start=1) if one.faulty]
    else:
        indexes = random.sample(range(1, plan.count + 1), plan.faults)
    return {index: kinds[place % len(kinds)] for place, index in enumerate(indexes)}


def _person(random: Random, plan: PackagePlan, index: int, numbers: set[str]) -> dict[str, str]:
    wanted = plan.applicants[index - 1] if plan.applicants else None
    county = random.choice(plan.county_codes)
    county_name = INVENTED.get(county, "示例某县")
    station = f"{plan.serial:03}"
    accepted = plan.day - timedelta(days=random.randint(3, 12))
    issued = accepted + timedelta(days=2)
    male = random.random() < 0.5
    birth_date = _birth_date(random, issued, child=_is_child(random, plan, wanted))
    number = _unused_number(random, county, birth_date, numbers, male=male)
    if plan.product == FIRST_GENERATION and random.random() < 0.5:
        number = number[:6] + number[8:17]
    age = age_on(issued, birth_date)
    until = valid_until(issued, years_for(age))
    village, group = random.choice(_VILLAGES), random.randint(1, 20)
    return {
        "ssxqdm": county,
        "slh": f"{county}{station}{accepted:%Y%m%d}{index:05}",
        "gmsfhm": number,
        "xm": f"测试{random.choice(_STEMS)}{random.choice(_BRANCHES)}",
        "xbdm": "1" if male else "2",
        "csrq": f"{birth_date:%Y%m%d}",
        "mzdm": random.choices(_NATIONS, _NATION_WEIGHTS)[0],
        "ssxqmc": f"吉林省{county_name}",
        "dzmc": f"吉林省{county_name}{village}{group}组{random.randint(1, 99)}号",
        "qfjgmc": f"{county_name}公安局",
        "yxqqsrq": f"{issued:%Y%m%d}",
        "yxqjzrq": f"{until:%Y%m%d}" if until else LONG_TERM,
        "slyydm": _reason_code(wanted, age),
        "zzlxdm": EXPRESS if _is_express(random, plan, wanted) else ORDINARY,
        "lzfsdm": "10",
        "slsj": f"{accepted:%Y%m%d}{random.randint(8, 16):02}{random.randint(0, 59):02}00",
        "slr_xm": "测试受理",
        "qfrq": f"{issued:%Y%m%d}",
        "qfjg_gajgjgdm": f"{county}000000",
        "qfr_xm": "测试签发",
        "cxcsbs": "0",
        "xj_gajgmc": f"{county_name}公安局",
        "xj_gajgjgdm": f"{county}000000",
        "pcs_gajgmc": f"{county_name}公安局虚构派出所",
        "pcs_gajgjgdm": f"{county}{station}000",
        "xxtqsj": f"{plan.day:%Y%m%d}170000",
        "zjlbdm": plan.product,
        **_fee(plan, index, wanted),
    }


def _is_child(random: Random, plan: PackagePlan, wanted: Applicant | None) -> bool:
    """Do as wanted; else draw, now and then a child for the second generation."""
    if wanted is not None:
        return wanted.load is Load.UNDER_16
    return plan.product == SECOND_GENERATION and random.random() < _CHILD_SHARE


def _is_express(random: Random, plan: PackagePlan, wanted: Applicant | None) -> bool:
    return random.random() < plan.express_share if wanted is None else wanted.express


def _reason_code(wanted: Applicant | None, age: int) -> str:
    if wanted is not None and wanted.load is Load.REPLACEMENT:
        return _LOST
    return "11" if age < OF_AGE_YEARS else "12"


def _fee(plan: PackagePlan, index: int, wanted: Applicant | None) -> dict[str, str]:
    """Return what was charged; every twentieth person was relieved of it."""
    if wanted is not None and wanted.load is Load.REPLACEMENT:
        return {"sflx": "2", "sfje": "40.00"}
    if index % 20 == 0:
        return {"sflx": RELIEVED_TYPE, "sfje": "0.00"}
    return {"sflx": "1", "sfje": "10.00" if plan.product == FIRST_GENERATION else "20.00"}


def _birth_date(random: Random, day: date, *, child: bool) -> date:
    """Draw an age of 16 to 85 years, or of 5 to 15."""
    oldest, youngest = (15, 5) if child else (85, 17)
    return day - timedelta(days=random.randint(youngest * 366, oldest * 365))


def _unused_number(
    random: Random, county: str, birth_date: date, numbers: set[str], *, male: bool
) -> str:
    region = county if county in INVENTED else random.choice(tuple(INVENTED))
    while True:
        serial = 2 * random.randrange(1, 499) + male
        first_17 = f"{region}{birth_date:%Y%m%d}{serial:03}"
        if first_17 not in numbers:
            numbers.add(first_17)
            return first_17 + check_digit(first_17)
