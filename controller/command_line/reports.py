"""The group `report`, and what can be proved of the books: `report account`, `audit verify`."""

from typing import Any

import click

from controller.command_line.centre import counted, equation
from controller.command_line.lazy import Entry, LazyGroup
from controller.command_line.output import Column, Page, json_option, write_json
from controller.command_line.problems import THE_ANSWER_IS_NO
from controller.command_line.session import Session, pass_session

_REPORTS = "controller.command_line.report_commands"
_ENTRIES = {
    "account": Entry(f"{__name__}:report_account", "The equation of blanks."),
    "targets": Entry(f"{_REPORTS}:targets", "Where the programme stands, and the forecast."),
    "counties": Entry(f"{_REPORTS}:counties", "Counties and prefectures, started or not."),
    "shift": Entry(f"{_REPORTS}:shift", "One shift."),
    "quality": Entry(f"{_REPORTS}:quality", "What was spoiled, made again and refused."),
    "oee": Entry(f"{_REPORTS}:oee", "Where every second of every station went."),
}


@click.group(cls=LazyGroup, entries=_ENTRIES)
def report() -> None:
    """Account for every blank, and for the programme's progress."""


@click.command("account")
@json_option
@pass_session
def report_account(session: Session, *, as_json: bool) -> int:
    """Show the equation of blanks. Exit 1 if it does not hold."""
    found = session.listing("account")
    if as_json:
        write_json(found)
    else:
        account_page(found).write()
    return 0 if found["balanced"] else THE_ANSWER_IS_NO


def account_page(found: dict[str, Any]) -> Page:
    """Lay the account out."""
    page = Page()
    page.facts(
        [
            ("blanks", equation(found)),
            ("of those in process", f"{found['in_magazine']} in the magazine"),
            ("of those good", f"{found['dispatched']} dispatched"),
            ("orders", counted(found["orders_by_state"])),
            ("orders remade", found["remade_orders"]),
            ("applications refused", found["refused_applications"]),
        ]
    )
    reasons = [
        {"reason": reason, "cards": cards} for reason, cards in found["spoiled_by_reason"].items()
    ]
    page.table(
        [Column("reason", "spoiled because", wraps=True), Column("cards", "cards")],
        reasons,
        empty="nothing was spoiled",
    )
    return page


@click.group()
def audit() -> None:
    """Prove that the ledger is whole."""


@audit.command("verify")
@json_option
@pass_session
def audit_verify(session: Session, *, as_json: bool) -> int:
    """Check the whole chain, the tables against all events, and the account. Exit 1 if any fails.

    It reads the ledger's file, whether a centre runs or not.
    """
    from controller.command_line.auditing import audit_ledger

    found = audit_ledger(session.doors().ledger)
    if as_json:
        write_json(found.plain())
    else:
        page = Page()
        page.facts(
            [
                ("ledger", session.doors().ledger),
                ("events", found.events),
                ("generation", found.generation),
                ("digest", found.ledger_digest),
                ("account", found.account),
                ("verdict", "whole" if not found.problems else "NOT WHOLE"),
            ]
        )
        for problem in found.problems:
            page.text(f"problem: {problem}")
        page.write()
    return THE_ANSWER_IS_NO if found.problems else 0
