"""The centre at a glance: `status` and `todo`.

A command runs no event loop and has nothing else to do: between two looks it sleeps.
"""

import sys
import time
from typing import Any

import click

from controller.command_line.output import Column, Page, json_option, write_json
from controller.command_line.problems import emit
from controller.command_line.session import Session, pass_session
from controller.command_line.stations import LINE, STATION

_TODO = [
    Column("need", "what"),
    Column("subject", "which"),
    Column("reason", "why", wraps=True),
    Column("command", "answer", wraps=True),
]
_SHOWN_IN_STATUS = {"name", "state", "since", "act", "cards", "reason"}


@click.command()
@json_option
@pass_session
def todo(session: Session, *, as_json: bool) -> None:
    """List what waits for a person, each with the command that answers it."""
    found = session.listing("todo")
    if as_json:
        write_json(found)
        return
    page = Page()
    page.table(_TODO, found, empty="nothing waits for a person")
    page.write()


@click.command()
@click.option("--watch", is_flag=True, help="Show it again and again, until Ctrl-C.")
@click.option("--every", "every_s", default=2.0, show_default=True, type=click.FloatRange(0.5),
              help="Seconds between two looks.")  # fmt: skip
@json_option
@pass_session
def status(session: Session, every_s: float, *, watch: bool, as_json: bool) -> None:
    """Show the centre at a glance."""
    if not watch:
        found = session.listing("status")
        if as_json:
            write_json(found)
        else:
            status_page(found).write()
    elif sys.stdout.isatty() and not as_json:
        _watch_on_terminal(session, every_s)
    else:
        _watch_in_pipe(session, every_s, as_json=as_json)


def status_page(found: dict[str, Any]) -> Page:
    """Lay out what a centre says of itself."""
    page = Page()
    promises, account = found["promises"], found["account"]
    due = f"{promises['overdue']} overdue, {promises['due_in_3_days']} due within 3 days"
    page.facts(
        [
            ("centre", found.get("name", "")),
            ("running", found["running"]),
            ("day", promises["today"]),
            ("shift", found.get("shift", "")),
            ("ledger", f"{found['ledger']['events']} events"),
            ("ledger fault", found["ledger"]["fault"]),
            ("output fault", found.get("outputs_fault", "")),
            ("batches", counted(found["batches"])),
            ("orders", counted(found["orders"])),
            ("promises", f"{due}, of {promises['open']} open orders"),
            ("boxes", counted(found["boxes"])),
            ("blanks", equation(account)),
            ("waits for you", f"{found['todo']}: see `cardcentre todo`" if found["todo"] else ""),
        ]
    )
    page.table(LINE, found["lines"])
    page.table([one for one in STATION if one.key in _SHOWN_IN_STATUS], found["stations"])
    return page


def counted(counts: dict[str, int]) -> str:
    """Return counts by name, without the zeros."""
    return ", ".join(f"{count} {name}" for name, count in counts.items() if count) or "none"


def equation(account: dict[str, Any]) -> str:
    """Return the equation of blanks as one line."""
    names = ("good", "spoiled", "samples", "returned", "in_process", "in_doubt")
    parts = " + ".join(f"{account[name]} {name.replace('_', ' ')}" for name in names)
    verdict = "balanced" if account["balanced"] else "NOT BALANCED"
    return f"{account['issued']} issued = {parts} ({verdict})"


def _watch_on_terminal(session: Session, every_s: float) -> None:
    from rich.live import Live

    try:
        with Live(refresh_per_second=1, screen=True) as live:
            while True:
                live.update(status_page(session.ask("status")).rich(), refresh=True)
                time.sleep(every_s)
    except KeyboardInterrupt:
        return


def _watch_in_pipe(session: Session, every_s: float, *, as_json: bool) -> None:
    while True:
        found = session.ask("status")
        if as_json:
            write_json(found)
        else:
            status_page(found).write()
            emit("")
        time.sleep(every_s)
