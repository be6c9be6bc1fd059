"""`simulate --programme`: a year of a programme at a fraction of its size, or one whole day."""

import asyncio
import cProfile
import json
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path

from pydantic import ValidationError

from config.centre import Centre
from config.loading import ConfigError
from config.programme_settings import ProgrammeSettings
from controller.command_line.output import Column, Page
from controller.command_line.problems import No, WrongUse, emit
from controller.command_line.progress import Advance, progress
from controller.programme_account import YearAccount, year_account
from controller.programme_page import programme_page
from controller.programme_year import Progress, YearPlan, simulate_year
from controller.reports.html_page import html_page
from controller.reports.words import Language, Words
from controller.simulating import Simulated
from controller.simulation_report import equation
from controller.virtual_time import VirtualTimeLoop

DEFAULT_SCALE = 1000
_MONTH = [
    *(Column(name, name) for name in ("month", "received", "refused", "made", "spoiled")),
    Column("counted", "counted"),
    Column("counted_so_far", "so far"),
    Column("plan_so_far", "plan", text="{:.0f}".format),
    Column("ahead_working_days", "days ahead", text="{:+.1f}".format),
]
_PREFECTURE = [
    Column("label", "prefecture"),
    Column("people", "quota of all years"),
    *(Column(name, name) for name in ("received", "made", "counted", "waiting")),
]


@dataclass(frozen=True, slots=True)
class Asked:
    """What was asked for on the command line."""

    programme: str
    year: int | None
    day: date | None
    scale: int | None
    seed: int
    ledger: Path | None
    html: Path | None
    lang: Language | None
    as_json: bool
    profile: bool


def run_programme(asked: Asked, config: Centre) -> None:
    """Simulate, write the pages that were asked for, and print the account."""
    plan = _plan(asked)
    if asked.html is not None and not asked.html.absolute().parent.is_dir():
        raise WrongUse(f"there is no folder {asked.html.parent} to write {asked.html.name} to")
    profile = cProfile.Profile() if asked.profile else None
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="cardcentre-")))
        advance = stack.enter_context(progress("cards", plan.applications))
        runner = stack.enter_context(asyncio.Runner(loop_factory=VirtualTimeLoop))
        made = runner.run(simulate_year(config, plan, folder, _moved_on(advance), profile))
    languages: tuple[Language, ...] = (asked.lang,) if asked.lang else ("en", "zh")
    with closing(made):
        found = year_account(made, plan)
        pages = list(_write_pages(asked.html, languages, made, plan)) if asked.html else []
    if asked.as_json:
        emit(json.dumps(found.plain(), ensure_ascii=False, indent=2, default=str))
    else:
        account_page(found, pages).write()
    if not found.balanced:
        raise No("the account does not balance")


def _plan(asked: Asked) -> YearPlan:
    if (asked.year is None) == (asked.day is None):
        raise WrongUse("which year of the programme? give --year, or --day for one day of it")
    if asked.day is not None and asked.scale is not None:
        raise WrongUse("a day is made at full size: leave --scale out")
    year = asked.day.year if asked.day else asked.year
    assert year is not None
    scale = 1 if asked.day else asked.scale or DEFAULT_SCALE
    try:
        programme = ProgrammeSettings(plan=asked.programme).read_plan()
        assert programme is not None, "the command line leaves no programme unnamed"
        return YearPlan(
            asked.programme, programme, year, scale, asked.seed, asked.ledger, asked.day
        )
    except ValidationError as error:
        raise WrongUse(error.errors()[0]["msg"].removeprefix("Value error, ")) from error
    except (ConfigError, ValueError) as error:
        raise WrongUse(str(error)) from error


def _moved_on(advance: Advance) -> Progress:
    """Return what moves a bar on to how many are done."""
    shown = 0

    def show(done: int) -> None:
        nonlocal shown
        advance(done - shown)
        shown = done

    return show


def _write_pages(
    first: Path, languages: tuple[Language, ...], made: Simulated, plan: YearPlan
) -> Iterator[Path]:
    """Write the report in every language; other languages than the first lie beside it."""
    laid_out = programme_page(made, plan)
    for place, language in enumerate(languages):
        path = first.with_name(f"{first.stem}.{language}{first.suffix}") if place else first
        page = html_page(laid_out(Words(language)))
        try:
            path.write_text(page, encoding="utf-8")
        except OSError as error:
            raise No(f"{path} cannot be written: {error.strerror}") from error
        yield path


def account_page(found: YearAccount, pages: list[Path]) -> Page:
    """Lay the account out for a person."""
    spoiled = ", ".join(f"{count} {reason}" for reason, count in found.spoiled_by_reason.items())
    page = Page()
    page.facts(
        [
            ("programme", f"{found.programme}, {found.day or found.year}"),
            ("scale", f"1 : {found.scale:,}"),
            ("applications", f"{found.applications:,}, {found.refused} refused"),
            ("good cards", f"{found.good:,}"),
            ("spoiled cards", f"{found.spoiled} ({spoiled})" if spoiled else f"{found.spoiled}"),
            ("remade orders", f"{found.remade}"),
            ("waiting orders", f"{found.waiting_orders}"),
            ("counted", f"{found.counted:,} of {found.people:,} people"),
            *_standing(found),
            ("events", f"{found.events:,}"),
            ("intake", f"{found.intake_wall_s:.1f} s of this computer's time"),
            ("production", f"{found.production_wall_s:.1f} s of this computer's time"),
            *((f"time in {part}", f"{share} %") for part, share in found.profile_percent.items()),
            *(("report", one) for one in pages),
        ]
    )
    if found.months:
        page.table(_MONTH, [asdict(one) for one in found.months])
    page.table(_PREFECTURE, [asdict(one) for one in found.prefectures])
    page.text(f"programme.wall_s = {found.wall_s:.1f}")
    page.text(f"programme.cards_per_s = {found.cards_per_s:.2f}")
    page.text(f"ledger_digest = {found.ledger_digest}")
    page.text(equation(found.blanks))
    return page


def _standing(found: YearAccount) -> Iterator[tuple[str, str]]:
    """Yield where a year came out, what its middle foresaw, and how long orders took."""
    if found.standing is not None:
        standing = found.standing
        beside = standing.load_counted_separately
        yield "not counted", ", ".join(f"{count} {name}" for name, count in beside.items() if count)
        ahead = f"{standing.ahead_people:+.0f} people, {standing.ahead_working_days:+.1f}"
        yield "ahead", f"{ahead} working days"
        yield "will be late", f"{standing.will_be_late} of {standing.waiting} open orders"
    if found.forecast is not None and found.forecast.days_used:
        foreseen = found.forecast
        band = f"{foreseen.year_low:,} to {foreseen.year_high:,} (80 %)"
        yield f"foreseen {found.forecast_day}", band
    if found.turnaround_days is not None:
        median, slow = found.turnaround_days
        yield "package to dispatch", f"{median} working days, 99 % within {slow}"
    if found.day is not None:
        yield "last card packed", f"{found.last_packed_s / 3600:.2f} h after the first shift began"
