"""What one record of a package becomes in the books: an order, or a refusal with every reason.

It decides and builds drafts; reading packages, sealing and recording are `controller/intake.py`'s.
Whatever the sender wrote goes into a draft only as a code that is known to be one, never as text.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import date
from typing import Any

from config.centre import Centre
from jobs.application import FIRST_GENERATION, SECOND_GENERATION, Application
from jobs.books import Books
from jobs.events import Draft, Kind
from jobs.fees import fee_of
from jobs.load import load_of
from jobs.package_reader import PackageRecord
from jobs.promise import promise_date
from jobs.reasons import DUPLICATE_NUMBER, OTHER, Reason
from jobs.regions import region_name
from jobs.rows import Order
from jobs.states import OrderState

#: 申领原因 has two digits (GA 214.5); the list itself is local, so that an unknown one may come.
_REASON_CODE = re.compile("[0-9]{2}")


def order_draft(
    config: Centre,
    batch: str,
    record: PackageRecord,
    application: Application,
    received: date,
    holding: Iterable[Reason],
) -> Draft:
    """Return the order that an acceptable application becomes; no keys and no actor yet."""
    promised = promise_date(
        config.promise,
        county=application.county_code,
        express=application.express,
        received=received,
        accepted=application.accepted_at.date(),
    )
    hold = "; ".join(reason.text for reason in holding)
    if config.product(application.product_code) is None:
        hold = hold or f"this centre does not make product {application.product_code}"
    fee = fee_of(record.fields)
    reason_code = application.reason_code
    data: dict[str, Any] = {
        "position": record.index,
        "county": application.county_code,
        "product": application.product_code,
        "express": application.express,
        "reason_code": reason_code if _REASON_CODE.fullmatch(reason_code) else "",
        "promise_date": promised.isoformat(),
        "load": load_of(application, received).value,
        "fee_type": fee.type,
        "fee_cents": fee.cents,
        "hold": hold,
    }
    order = f"O-{batch[2:]}-{record.index:05d}"
    return Draft(Kind.ORDER_CREATED, "", data, batch=batch, order=order)


def refusal_draft(
    batch: str, package_number: str, record: PackageRecord, reasons: Iterable[Reason]
) -> Draft:
    """Return the refusal that an application becomes; no keys and no actor yet."""
    data = {
        "package_number": package_number,
        "position": record.index,
        "reasons": [_plain(reason) for reason in reasons],
        **_counted_as(record),
    }
    return Draft(Kind.APPLICATION_REFUSED, "", data, batch=batch)


def refused_content(record: PackageRecord) -> bytes:
    """Return what the reject message to the authority must name; it is sealed."""
    names = ("slh", "gmsfhm", "xm")
    return "\x1f".join(record.text(name) for name in names).encode()


def remembered(
    books: Books, application: Application, keys: tuple[str, str], pending: Sequence[Draft]
) -> list[Reason]:
    """Return what speaks against an application from what came before it (domain 4.5).

    `keys` are the keyed indexes of the person and of the approval; `pending` is what the same
    package brought and the books do not hold yet.
    """
    person, approval = keys
    earlier = [books.orders[order] for order in books.approvals.get(approval, ())]
    reasons = list(_known_approval(earlier, resend=application.resend))
    orders = [books.orders[order] for order in books.persons.get(person, ())]
    if any(order not in earlier and _stands(order, application) for order in orders) or any(
        draft.kind is Kind.ORDER_CREATED and draft.person_key == person for draft in pending
    ):
        text = "the same person has an order already"
        reasons.append(Reason(DUPLICATE_NUMBER, "gmsfhm", text, "公民身份号码重复"))
    return reasons


def _known_approval(earlier: Sequence[Order], *, resend: bool) -> Iterator[Reason]:
    """Yield what speaks against a record whose acceptance number came before.

    Sent by mistake it is refused. Sent again on purpose it replaces what was not made; while the
    first order stands a person has to choose between the two.
    """
    standing = [order for order in earlier if order.state is not OrderState.CANCELLED]
    if earlier and not resend:
        text = f"its acceptance number is known: {earlier[-1].id} is {earlier[-1].state.value}"
        yield Reason(OTHER, "slh", text, "受理号重复")
    elif standing:
        text = f"sent again, while {standing[-1].id} is {standing[-1].state.value}"
        yield Reason(OTHER, "slh", text, "重新传输，原任务未结束", hold=True)


def _stands(order: Order, application: Application) -> bool:
    if order.state is OrderState.CANCELLED:
        return False
    # A second card while one is being made, or a second first issue, is one card too many.
    return order.state is not OrderState.DONE or application.reason_code.startswith("1")


def _plain(reason: Reason) -> dict[str, str]:
    facts: Mapping[str, Any] = asdict(reason)
    return {name: facts[name] for name in ("code", "field", "text", "description")}


def _counted_as(record: PackageRecord) -> dict[str, str]:
    """Return what a refused record says of its county and product, as far as both are known."""
    county, product = record.text("ssxqdm"), record.text("zjlbdm")
    known = {"county": county} if region_name(county) else {}
    if product in {FIRST_GENERATION, SECOND_GENERATION}:
        known["product"] = product
    return known
