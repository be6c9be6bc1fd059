"""`report targets`, `shift`, `quality`, `oee`, `counties`: from the ledger's file, always.

A report is of the ledger as it was when the command began; the day is China's.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from controller.command_line.problems import No, WrongUse
from controller.command_line.session import Session, pass_session

if TYPE_CHECKING:  # what reports need takes longer to import than most commands run
    from config.programme import Programme, YearTarget
    from controller.reports.making import Made
    from controller.reports.reading import Basis, Period

_FILE = click.Path(path_type=Path, dir_okay=False)
_DAY = click.DateTime(["%Y-%m-%d"])
_YEAR = click.IntRange(1990, 2099)

Options = Callable[[Callable[..., Any]], Callable[..., Any]]


def _options(*options: Options) -> Options:
    def put(command: Callable[..., Any]) -> Callable[..., Any]:
        for option in reversed(options):
            command = option(command)
        return command

    return put


_output = _options(
    click.option("--lang", type=click.Choice(["en", "zh"]), default="en", show_default=True),
    click.option("--json", "how", flag_value="json", default=None, help="Write JSON."),
    click.option("--csv", "how", flag_value="csv", help="Write CSV."),
    click.option("--html", type=_FILE, help="Write a page with charts to this file."),
    click.option("--ledger", type=_FILE, help="Another ledger than the centre's."),
)
_programme = _options(
    click.option(
        "--programme", "plan", metavar="NAME|FILE", help="Another programme than the centre's."
    ),
    click.option(
        "--scale",
        type=click.IntRange(1),
        default=1,
        help="Divide its people by this.",
    ),
)
_period = _options(
    click.option("--day", type=_DAY, help="One day."),
    click.option("--from", "first", type=_DAY, help="From this day ..."),
    click.option("--until", "last", type=_DAY, help="... to this day, both included."),
    click.option("--year", type=_YEAR, help="A calendar year."),
)


@click.command("targets")
@click.option("--day", type=_DAY, help="On the evening of this day; else the ledger's last day.")
@click.option("--year", type=_YEAR, help="At the end of a year's target.")
@_programme
@_output
@pass_session
def targets(session: Session, /, day: datetime | None, year: int | None, **options: Any) -> None:
    """Show where the programme stands: plan, counted, forecast, what waits."""
    from controller.reports.making import targets_report

    if day and year:
        raise WrongUse("give --day or --year, not both")
    with _reported(session, options) as (basis, programme, shown):
        plan = _needed(programme)
        today = _date(day) or basis.today()
        if year:
            today = min(basis.today(), _target(plan, year, basis.today()).ends)
        shown(targets_report(basis, plan, today))


@click.command("shift")
@click.option("--day", type=_DAY, help="The day on which it began; else the ledger's last day.")
@click.option("--shift", "name", default="", help="Its name; else the day's last.")
@_output
@pass_session
def shift(session: Session, /, day: datetime | None, name: str, **options: Any) -> None:
    """Show one shift: cards by hour, spoilage, station time, stops, blanks, who did what."""
    from controller.reports.making import shift_report
    from controller.reports.shift import NoSuchShift, shift_of

    with _reported(session, options) as (basis, _, shown):
        try:
            span = shift_of(basis, _date(day) or basis.today(), name)
        except NoSuchShift as error:
            raise No(str(error)) from error
        shown(shift_report(basis, span))


@click.command("quality")
@_period
@_output
@pass_session
def quality(session: Session, /, **options: Any) -> None:
    """Show what was spoiled, made again and refused; on the ledger's last day unless told."""
    from controller.reports.making import quality_report

    with _reported(session, options) as (basis, _, shown):
        shown(quality_report(basis, _period_of(options, basis.today(), basis.today())))


@click.command("oee")
@_period
@_output
@pass_session
def oee(session: Session, /, **options: Any) -> None:
    """Show where every second of every station went; on the ledger's last day unless told."""
    from controller.reports.making import NothingToReport, oee_report

    with _reported(session, options) as (basis, _, shown):
        try:
            shown(oee_report(basis, _period_of(options, basis.today(), basis.today())))
        except NothingToReport as error:
            raise No(str(error)) from error


@click.command("counties")
@_period
@_programme
@_output
@pass_session
def counties(session: Session, /, **options: Any) -> None:
    """Show counties, started or not, and prefectures; from the programme's begin unless told."""
    from controller.reports.making import counties_report

    with _reported(session, options) as (basis, programme, shown):
        plan = _needed(programme)
        shown(counties_report(basis, plan, _period_of(options, plan.begins, basis.today())))


@contextmanager
def _reported(
    session: Session, options: dict[str, Any]
) -> Iterator[tuple["Basis", "Programme | None", Callable[["Made"], None]]]:
    """Open the ledger; give what a report is made from, and what shows it."""
    from controller.command_line.offline import reading
    from controller.command_line.report_output import show
    from controller.reports.reading import basis

    language: Literal["en", "zh"] = options["lang"]
    centre = session.config()
    programme = _plan(centre.programme.read_plan(), options.get("plan"), options.get("scale", 1))

    def shown(made: "Made") -> None:
        show(made, language, options["how"] or "", options["html"])

    with reading(options["ledger"] or centre.ledger.path) as store:
        if not store.head()[0]:
            raise No("the ledger is empty: there is nothing to report")
        yield basis(store, centre, programme), programme, shown


def _plan(of_the_centre: "Programme | None", named: str | None, scale: int) -> "Programme | None":
    from config.loading import ConfigError
    from config.programme_settings import ProgrammeSettings

    try:
        programme = ProgrammeSettings(plan=named).read_plan() if named else of_the_centre
        return programme.scaled(scale) if programme else None
    except ConfigError as error:
        raise WrongUse(str(error)) from error
    except ValueError as error:
        raise WrongUse(_first_line(error)) from error


def _first_line(error: ValueError) -> str:
    from pydantic import ValidationError

    if isinstance(error, ValidationError):
        return str(error.errors()[0]["ctx"]["error"])
    return str(error)


def _needed(programme: "Programme | None") -> "Programme":
    if programme is None:
        raise No("the centre works to no plan: set plan in its [programme], or give --programme")
    return programme


def _target(plan: "Programme", year: int, today: date) -> "YearTarget":
    found = next((target for target in plan.targets if target.year == year), None)
    if found is None:
        known = ", ".join(str(target.year) for target in plan.targets)
        raise WrongUse(f"{plan.name} has no target for {year} (it has: {known})")
    if found.begins > today:
        raise No(f"the ledger ends on {today}, before the target of {year} begins")
    return found


def _period_of(options: dict[str, Any], first: date, last: date) -> "Period":
    from controller.reports.reading import Period

    day, year = _date(options["day"]), options["year"]
    begins, ends = _date(options["first"]), _date(options["last"])
    if bool(day) + bool(year) + bool(begins or ends) > 1:
        raise WrongUse("give --day, or --year, or --from and --until")
    if day:
        return Period(day, day)
    if year:
        return Period(date(year, 1, 1), date(year, 12, 31))
    period = Period(begins or min(first, ends or first), ends or max(last, begins or last))
    if period.last < period.first:
        raise WrongUse(f"--until {period.last} is before --from {period.first}")
    return period


def _date(moment: datetime | None) -> date | None:
    return moment.date() if moment else None
