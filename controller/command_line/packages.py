"""Packages outside a centre: `package make` writes invented ones, `package check` judges one."""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from pathlib import Path
from random import Random
from typing import Any

import click

from controller.command_line.output import Column, Page, json_option, write_json
from controller.command_line.problems import THE_ANSWER_IS_NO, No, WrongUse, emit
from controller.command_line.progress import STEPS_TOLD, progress
from controller.command_line.session import Session, pass_session
from jobs.package_checks import CheckRules, Judgement, judge
from jobs.package_maker import PackagePlan, file_name, package_pieces
from jobs.package_reader import Package, PackageBroken, PackageLimits, read_package
from jobs.regions import INVENTED

_DAY = click.DateTime(["%Y-%m-%d"])
_REASONS = [
    Column("application", "application"),
    Column("line", "line"),
    Column("verdict", "verdict"),
    Column("field", "field"),
    Column("code", "code"),
    Column("text", "reason", wraps=True),
]


@click.group()
def package() -> None:
    """Make synthetic packages, or judge one."""


@package.command("make")
@click.option("--orders", default=40, show_default=True, type=click.IntRange(1, 99_999))
@click.option("--counties", default=3, show_default=True, type=click.IntRange(1, len(INVENTED)))
@click.option("--seed", default=1, show_default=True, help="The same seed makes the same package.")
@click.option("--faults", default=0, show_default=True, type=click.IntRange(0, 99_999),
              help="How many applications are faulty on purpose.")  # fmt: skip
@click.option("--product", default="2", show_default=True, type=click.Choice(["1", "2"]),
              help="1 first, 2 second generation.")  # fmt: skip
@click.option("--date", "day", type=_DAY, help="Of the package; else the centre's day, or today.")
@click.option("--serial", default=1, show_default=True, type=click.IntRange(1, 999),
              help="Packages of one day need different ones.")  # fmt: skip
@click.option("--out", default=Path(), type=click.Path(file_okay=False, path_type=Path),
              help="The folder that it is written to; else this one.")  # fmt: skip
@pass_session
def package_make(
    session: Session, orders: int, counties: int, seed: int, faults: int, product: str,
    day: datetime | None, serial: int, out: Path,
) -> None:  # fmt: skip
    """Write a package of invented people; prints its path."""
    if faults > orders:
        raise WrongUse(f"--faults {faults} are more than --orders {orders}")
    plan = PackagePlan(
        count=orders,
        day=day.date() if day else _todays_date(session),
        counties=counties,
        serial=serial,
        product=product,
        faults=faults,
    )
    path = out / file_name(plan)
    try:
        out.mkdir(parents=True, exist_ok=True)
        _write_new(path, package_pieces(Random(seed), plan), orders)
    except FileExistsError:
        raise No(f"{path} is there already; give another --serial, --date or --out") from None
    except OSError as error:
        raise No(f"{path} cannot be written: {error.strerror or error}") from error
    emit(str(path))


@package.command("check")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--date", "day", type=_DAY,
              help="The day to judge it for; else the centre's, or the package's.")  # fmt: skip
@json_option
@pass_session
def package_check(session: Session, file: Path, day: datetime | None, *, as_json: bool) -> int:
    """Judge a package without taking it in. Exit 1 if it is broken or an application is refused."""
    if not file.is_file():
        raise No(f"{file} is not a file")
    findings = _Findings(file.name)
    try:
        with file.open("rb") as stream:
            _judge_all(read_package(stream, file.name, _limits(session)), session, day, findings)
    except OSError as error:
        raise No(f"{file} cannot be read: {error.strerror or error}") from error
    except PackageBroken as error:
        if not as_json:
            raise No(f"{file.name} is broken: {error}") from error
        findings.broken = f"{error.code}: {error}"
    findings.write(as_json=as_json)
    return THE_ANSWER_IS_NO if findings.broken or findings.counts["refused"] else 0


@dataclass(slots=True)
class _Findings:
    """What was found in a package."""

    package: str
    broken: str = ""
    counts: Counter[str] = field(default_factory=Counter)
    reasons: list[dict[str, Any]] = field(default_factory=list)

    def add(self, application: int, line: int, judged: Judgement) -> None:
        """Take note of one judgement."""
        verdict = "refused" if judged.application is None else "held" if judged.held else "accepted"
        self.counts[verdict] += 1
        for reason in judged.reasons:
            weight = "warning" if reason.warning else "held" if reason.hold else "refused"
            self.reasons.append(
                {
                    "application": application,
                    "line": line,
                    "verdict": weight,
                    "field": reason.field,
                    "code": reason.code,
                    "text": reason.text,
                    "description": reason.description,
                }
            )

    def write(self, *, as_json: bool) -> None:
        """Show the findings."""
        verdicts = ("accepted", "held", "refused")
        if as_json:
            counts = {verdict: self.counts[verdict] for verdict in verdicts}
            write_json({"package": self.package, "broken": self.broken, **counts,
                        "reasons": self.reasons})  # fmt: skip
            return
        page = Page()
        parts = ", ".join(f"{self.counts[verdict]} {verdict}" for verdict in verdicts)
        page.text(f"{self.package}: {self.counts.total()} applications, {parts}")
        if self.reasons:
            page.table(_REASONS, self.reasons)
        page.write()


def _judge_all(
    package: Package, session: Session, day: datetime | None, findings: _Findings
) -> None:
    rules = _rules(session, package, day.date() if day else None)
    total = package.header.record_count
    with progress("judging", total) as advance:
        for record in package:
            findings.add(record.index, record.line, judge(record.fields, rules))
            if record.index % STEPS_TOLD == 0:
                advance(STEPS_TOLD)


def _rules(session: Session, package: Package, day: date | None) -> CheckRules:
    from controller.rendering.fonts import PrintFont

    sent_on = package.header.sent_at.date()
    cut_off = None
    if session.has_file():
        cut_off = session.config().programme.first_generation_cut_off
        day = day or _todays_date(session)
    return CheckRules(
        intake_date=day or sent_on,
        package_date=sent_on,
        has_glyph=PrintFont.shipped().has_glyph,
        first_generation_cut_off=cut_off,
    )


def _limits(session: Session) -> PackageLimits:
    if not session.has_file():
        return PackageLimits()
    limits = session.config().limits
    return replace(
        PackageLimits(),
        bytes_max=limits.package_bytes_max,
        records_max=limits.applications_max,
    )


def _todays_date(session: Session) -> date:
    """Return the day that the centre at hand has, which a simulated one may set, or today."""
    if session.has_file():
        simulation = session.config().simulation
        if simulation is not None and simulation.calendar_date is not None:
            return simulation.calendar_date
    return date(*time.localtime()[:3])


def _write_new(path: Path, pieces: Iterator[bytes], total: int) -> None:
    """Write a file that was not there; what was begun is removed when it cannot be ended."""
    with path.open("xb") as stream:
        try:
            with progress("making", total) as advance:
                _write_all(stream.write, pieces, advance)
        except BaseException:
            path.unlink()
            raise


def _write_all(
    write: Callable[[bytes], int], pieces: Iterator[bytes], advance: Callable[[int], None]
) -> None:
    for number, piece in enumerate(pieces, start=1):
        write(piece)
        if number % STEPS_TOLD == 0:
            advance(STEPS_TOLD)
