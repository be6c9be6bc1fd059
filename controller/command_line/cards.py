"""Physical things: `card`, `box` and `stock`."""

import sys
from typing import Any

import click

from controller.command_line.orders import CARD, EVENT
from controller.command_line.output import (
    Column,
    Page,
    json_option,
    limit_option,
    state_option,
    write_json,
    yes_option,
)
from controller.command_line.problems import THE_ANSWER_IS_NO, WrongUse
from controller.command_line.session import Session, pass_session
from jobs.rows import BoxState
from jobs.states import CardState

_CARD_FACTS = [
    *CARD,
    Column("batch", "batch"),
    Column("county", "county"),
    Column("attempt", "attempt"),
    Column("chip_serial", "chip serial"),
    Column("card_serial", "card serial"),
    Column("may_be_at", "may be at"),
    Column("doing", "being done"),
    Column("waits", "waits"),
]
_BOX = [
    Column("id", "box"),
    Column("batch", "batch"),
    Column("county", "county"),
    Column("state", "state"),
    Column("cards", "cards"),
    Column("line", "line"),
    Column("tray", "tray"),
    Column("opened_at", "opened"),
    Column("sealed_at", "sealed"),
]
_CONTENTS = [
    Column("id", "card"),
    Column("order", "order"),
    Column("state", "state"),
    Column("card_serial", "card serial"),
    Column("reason", "reason", wraps=True),
]
_STOCK = [
    Column("line", "line"),
    Column("in_magazine", "in the magazine"),
    Column("loaded", "loaded"),
    Column("taken", "taken"),
    Column("returned", "returned"),
    Column("samples", "samples"),
]

card_argument = click.argument("card_id", metavar="CARD")


@click.group()
def card() -> None:
    """Find, show, settle, spoil or judge cards."""


@card.command("list")
@state_option(CardState)
@click.option("--batch", "batch_id", default="", metavar="BATCH", help="Of one batch.")
@click.option("--line", "line_name", default="", metavar="LINE", help="Of one line.")
@limit_option
@json_option
@pass_session
def card_list(
    session: Session, state: str | None, batch_id: str, line_name: str, limit: int, *, as_json: bool
) -> None:
    """List cards."""
    found = session.rows("cards", limit, state=state or "", batch=batch_id, line=line_name)
    if as_json:
        write_json(found)
    else:
        _table(CARD, found, "no such cards")


@card.command("show")
@card_argument
@json_option
@pass_session
def card_show(session: Session, card_id: str, *, as_json: bool) -> None:
    """Show a card: where it is, what was done to it, and why it waits."""
    found = session.listing("cards", card_id)
    if as_json:
        write_json(found)
        return
    page = Page()
    page.facts((column.heading, column.cell(found)) for column in _CARD_FACTS)
    page.table([one for one in EVENT if one.key != "card"], found["events"], title="What was done")
    page.write()


@card.command("find")
@click.argument("what")
@json_option
@pass_session
def card_find(session: Session, what: str, *, as_json: bool) -> int:
    """Find a card by chip serial, card serial, order, or acceptance number.

    An acceptance number is never written down anywhere. Give - to be asked for it, so that it does
    not stay in the shell's memory either.
    """
    if what == "-":
        prompt = sys.stdin.isatty()
        what = click.prompt("Find", err=True) if prompt else sys.stdin.readline().strip()
    if not what:
        raise WrongUse("nothing to find")
    found = session.find_cards(what)
    if as_json:
        write_json(found)
    else:
        _table(CARD, found, "no such card")
    return 0 if found else THE_ANSWER_IS_NO


@card.command("settle")
@card_argument
@click.option("--spoiled", is_flag=True, help="It is spoiled, and lies in the reject bin.")
@click.option("--at", "place", default="", help="It is good, and lies at this place.")
@yes_option
@pass_session
def card_settle(session: Session, card_id: str, place: str, *, spoiled: bool, yes: bool) -> None:
    """Settle a doubt about a card, after looking for it."""
    if spoiled == bool(place):
        raise WrongUse("say one of --spoiled and --at PLACE")
    if spoiled:

        def describe() -> str:
            found = session.ask("cards", card_id)
            places = " or ".join(found["may_be_at"]) or found["place"]
            return (
                f"This spoils {card_id} of order {found['order']}, and another is made. "
                f"It must lie in the reject bin by now (it may have been at {places})."
            )

        session.confirm(yes, describe)
    session.act("cards", card_id, "settle", body={"found_at": place})
    session.say(f"{card_id} is settled: {f'at {place}' if place else 'spoiled'}")


@card.command("spoil")
@card_argument
@click.option("--reason", required=True, help="What is wrong with it; kept in the ledger.")
@yes_option
@pass_session
def card_spoil(session: Session, card_id: str, reason: str, *, yes: bool) -> None:
    """Spoil a card that is bad; its order is made again."""

    def describe() -> str:
        found = session.ask("cards", card_id)
        return (
            f"This spoils {card_id} ({found['state']}, {found['place']}) of order "
            f"{found['order']}, and another is made."
        )

    session.confirm(yes, describe)
    session.act("cards", card_id, "spoil", body={"reason": reason})
    session.say(f"{card_id} is spoiled: {reason}")


@card.command("accept")
@card_argument
@pass_session
def card_accept(session: Session, card_id: str) -> None:
    """Accept the card that lies before you for inspection."""
    session.act("cards", card_id, "accept")
    session.say(f"{card_id} is accepted")


@card.command("reject")
@card_argument
@click.option("--reason", required=True, help="What is wrong with it; kept in the ledger.")
@pass_session
def card_reject(session: Session, card_id: str, reason: str) -> None:
    """Reject the card that lies before you for inspection."""
    session.act("cards", card_id, "reject", body={"reason": reason})
    session.say(f"{card_id} is rejected: {reason}")


@click.group()
def box() -> None:
    """List, show or seal boxes."""


@box.command("list")
@state_option(BoxState)
@json_option
@pass_session
def box_list(session: Session, state: str | None, *, as_json: bool) -> None:
    """List the boxes."""
    found = session.listing("boxes", state=state or "")
    if as_json:
        write_json(found)
    else:
        _table(_BOX, found, "no such boxes")


@box.command("show")
@click.argument("box_id", metavar="BOX")
@json_option
@pass_session
def box_show(session: Session, box_id: str, *, as_json: bool) -> None:
    """Show a box with its cards."""
    found = session.listing("boxes", box_id)
    if as_json:
        write_json(found)
        return
    page = Page()
    page.facts((column.heading, column.cell(found)) for column in _BOX)
    page.table(_CONTENTS, found["contents"], title="Cards", empty="none")
    page.write()


@box.command("seal")
@click.argument("box_id", metavar="BOX")
@yes_option
@pass_session
def box_seal(session: Session, box_id: str, *, yes: bool) -> None:
    """Seal a box before it is full."""

    def describe() -> str:
        found = session.ask("boxes", box_id)
        return (
            f"This seals {box_id} with {found['cards']} cards of county {found['county']}; "
            "further cards of the county go into another box."
        )

    session.confirm(yes, describe)
    session.act("boxes", box_id, "seal")
    session.say(f"{box_id} is sealed")


@click.group()
def stock() -> None:
    """Show, load or return blanks."""


@stock.command("show")
@json_option
@pass_session
def stock_show(session: Session, *, as_json: bool) -> None:
    """Show the blanks of every line."""
    found = session.listing("stock")
    if as_json:
        write_json(found)
    else:
        _table(_STOCK, found, "no lines")


blanks_argument = click.argument("blanks", metavar="COUNT", type=click.IntRange(1, 100_000))


@stock.command("load")
@click.argument("line_name", metavar="LINE")
@blanks_argument
@pass_session
def stock_load(session: Session, line_name: str, blanks: int) -> None:
    """Record blanks that you have put into a line's magazine."""
    session.act("stock", line_name, "load", body={"blanks": blanks})
    session.say(f"{blanks} blanks are loaded into {line_name}")


@stock.command("return")
@click.argument("line_name", metavar="LINE")
@blanks_argument
@yes_option
@pass_session
def stock_return(session: Session, line_name: str, blanks: int, *, yes: bool) -> None:
    """Record blanks that you have taken out of a line's magazine, unused."""

    def describe() -> str:
        found = [row["in_magazine"] for row in session.ask("stock") if row["line"] == line_name]
        return (
            f"This writes {blanks} of the {sum(found)} blanks in the magazine of {line_name} off "
            "as returned; they must be out of it."
        )

    session.confirm(yes, describe)
    session.act("stock", line_name, "return", body={"blanks": blanks})
    session.say(f"{blanks} blanks are returned from {line_name}")


def _table(columns: list[Column], rows: list[dict[str, Any]], empty: str) -> None:
    page = Page()
    page.table(columns, rows, empty=empty)
    page.write()
