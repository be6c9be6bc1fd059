"""Packages in, batches and orders: `intake`, `batch`, `order`."""

from pathlib import Path
from typing import Any

import click

from controller.command_line.output import (
    Column,
    Page,
    json_option,
    limit_option,
    state_option,
    write_json,
    yes_option,
)
from controller.command_line.problems import THE_ANSWER_IS_NO
from controller.command_line.progress import waiting
from controller.command_line.session import Session, pass_session
from jobs.states import OrderState

INTAKE_TIMEOUT_S = 4 * 3600.0
NOT_MADE = ("queued", "in production", "held")

reason_option = click.option("--reason", default="", help="Why; it is kept in the ledger.")

_BATCH = [
    Column("id", "batch"),
    Column("package", "package"),
    Column("state", "state"),
    Column("received_at", "received"),
    Column("applications", "applications"),
    Column("refused", "refused"),
    Column("orders.queued", "queued"),
    Column("orders.in production", "in production"),
    Column("orders.held", "held"),
    Column("orders.done", "done"),
    Column("orders.cancelled", "cancelled"),
    Column("reason", "reason", wraps=True),
]
_ORDER = [
    Column("id", "order"),
    Column("county", "county"),
    Column("express", "express"),
    Column("state", "state"),
    Column("promise_date", "promised by"),
    Column("card", "card"),
    Column("place", "place"),
    Column("attempts", "attempts"),
    Column("reason", "reason", wraps=True),
]
_REFUSAL = [
    Column("position", "application"),
    Column("at", "refused"),
    Column(
        "reasons", "reasons", lambda found: "; ".join(_reason(one) for one in found), wraps=True
    ),
]
CARD = [
    Column("id", "card"),
    Column("order", "order"),
    Column("state", "state"),
    Column("place", "place"),
    Column("box", "box"),
    Column("issued_at", "issued"),
    Column("reason", "reason", wraps=True),
]
EVENT = [
    Column("sequence", "event"),
    Column("at", "at"),
    Column("actor", "by"),
    Column("card", "card"),
    Column("station", "station"),
    Column("text", "what", wraps=True),
]
_TAKEN = [
    Column("package_number", "package"),
    Column("batch", "batch"),
    Column("accepted", "accepted"),
    Column("held", "held"),
    Column("refused", "refused"),
    Column("remark", "remark", wraps=True),
]


@click.command()
@click.argument(
    "files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path)
)
@json_option
@pass_session
def intake(session: Session, files: tuple[Path, ...], *, as_json: bool) -> int:
    """Take packages in; the same package twice changes nothing. Exit 1 if one is refused whole."""
    taken = []
    for file in files:
        with waiting(f"taking in {file.name}"):
            body = {"path": str(file.absolute())}
            found = session.act("packages", body=body, timeout_s=INTAKE_TIMEOUT_S)
        remark = f"refused whole: {found['broken']}" if found["broken"] else ""
        taken.append(found | {"remark": remark or ("known already" if found["known"] else "")})
    if as_json:
        write_json(taken)
    else:
        page = Page()
        page.table(_TAKEN, taken)
        page.write()
    return THE_ANSWER_IS_NO if any(found["broken"] for found in taken) else 0


@click.group()
def batch() -> None:
    """List, show, release, hold or cancel batches."""


@batch.command("list")
@json_option
@pass_session
def batch_list(session: Session, *, as_json: bool) -> None:
    """List the batches."""
    found = session.listing("batches")
    if as_json:
        write_json(found)
        return
    page = Page()
    page.table(_BATCH, found, empty="no batches yet: `cardcentre intake FILE`")
    page.write()


@batch.command("show")
@click.argument("batch_id", metavar="BATCH")
@json_option
@pass_session
def batch_show(session: Session, batch_id: str, *, as_json: bool) -> None:
    """Show a batch with its refused applications and its boxes."""
    found = session.listing("batches", batch_id)
    if as_json:
        write_json(found)
        return
    page = Page()
    page.facts((column.heading, column.cell(found)) for column in _BATCH)
    page.table(_REFUSAL, found["refusals"], title="Refused applications", empty="none")
    boxes = [Column("id", "box"), Column("county", "county"), Column("state", "state"),
             Column("cards", "cards")]  # fmt: skip
    page.table(boxes, found["boxes"], title="Boxes", empty="none yet")
    page.write()


@batch.command("release")
@click.argument("batch_id", metavar="BATCH")
@reason_option
@pass_session
def batch_release(session: Session, batch_id: str, reason: str) -> None:
    """Let a batch be made."""
    session.act("batches", batch_id, "release", body={"reason": reason})
    session.say(f"{batch_id} is released")


@batch.command("hold")
@click.argument("batch_id", metavar="BATCH")
@reason_option
@pass_session
def batch_hold(session: Session, batch_id: str, reason: str) -> None:
    """Begin no more cards of a batch; those in process are finished."""
    session.act("batches", batch_id, "hold", body={"reason": reason})
    session.say(f"{batch_id} is held")


@batch.command("cancel")
@click.argument("batch_id", metavar="BATCH")
@reason_option
@yes_option
@pass_session
def batch_cancel(session: Session, batch_id: str, reason: str, *, yes: bool) -> None:
    """Cancel a batch: its orders that are not done are cancelled for good."""

    def describe() -> str:
        orders = session.ask("batches", batch_id)["orders"]
        open_count = sum(orders[state] for state in NOT_MADE)
        return (
            f"This cancels {batch_id}: {open_count} orders that are not done get no card "
            f"({orders['in production']} in production are spoiled); {orders['done']} done stay."
        )

    session.confirm(yes, describe)
    session.act("batches", batch_id, "cancel", body={"reason": reason})
    session.say(f"{batch_id} is cancelled")


@click.group()
def order() -> None:
    """List, show, hold, cancel or remake orders."""


@order.command("list")
@state_option(OrderState)
@click.option("--batch", "batch_id", default="", metavar="BATCH", help="Of one batch.")
@click.option("--county", default="", help="Of one county.")
@limit_option
@json_option
@pass_session
def order_list(
    session: Session, state: str | None, batch_id: str, county: str, limit: int, *, as_json: bool
) -> None:
    """List orders."""
    found = session.rows("orders", limit, state=state or "", batch=batch_id, county=county)
    if as_json:
        write_json(found)
        return
    page = Page()
    page.table(_ORDER, found, empty="no such orders")
    page.write()


@order.command("show")
@click.argument("order_id", metavar="ORDER")
@json_option
@pass_session
def order_show(session: Session, order_id: str, *, as_json: bool) -> None:
    """Show an order: where its card is, what was done to it, and why it waits."""
    found = session.listing("orders", order_id)
    if as_json:
        write_json(found)
        return
    page = Page()
    page.facts(
        [
            *((column.heading, column.cell(found)) for column in _ORDER),
            ("box", found["box"]),
            ("waits", found["waits"]),
        ]
    )
    page.table(CARD, found["cards"], title="Cards", empty="none yet")
    page.table(EVENT, found["events"], title="What was done")
    page.write()


@order.command("hold")
@click.argument("order_id", metavar="ORDER")
@reason_option
@pass_session
def order_hold(session: Session, order_id: str, reason: str) -> None:
    """Hold an order that is not begun."""
    session.act("orders", order_id, "hold", body={"reason": reason})
    session.say(f"{order_id} is held")


@order.command("cancel")
@click.argument("order_id", metavar="ORDER")
@reason_option
@yes_option
@pass_session
def order_cancel(session: Session, order_id: str, reason: str, *, yes: bool) -> None:
    """Cancel an order: no card is made for it any more."""

    def describe() -> str:
        found: dict[str, Any] = session.ask("orders", order_id)
        text = f"This cancels {order_id} ({found['state']}) of county {found['county']} for good."
        if found["state"] == "in production":
            text += f" Its card {found['card']} is spoiled."
        return text

    session.confirm(yes, describe)
    session.act("orders", order_id, "cancel", body={"reason": reason})
    session.say(f"{order_id} is cancelled")


@order.command("remake")
@click.argument("order_id", metavar="ORDER")
@reason_option
@pass_session
def order_remake(session: Session, order_id: str, reason: str) -> None:
    """Let a held order be made (again)."""
    session.act("orders", order_id, "release", body={"reason": reason})
    session.say(f"{order_id} is queued")


def _reason(reason: dict[str, str]) -> str:
    return f"{reason['field']}: {reason['text']}" if reason["field"] else reason["text"]
