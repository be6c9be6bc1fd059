"""One line of the ledger: what happened, when, by whom, to what. Pure.

An event names everything that a later audit may ask for (see `docs/decisions/0005`): what is not
written when it happens cannot be added to a hash chain afterwards. No event carries personal data.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

GENESIS = "0" * 64


class Kind(StrEnum):
    """Everything that can happen."""

    LEDGER_OPENED = "ledger_opened"
    PACKAGE_REFUSED = "package_refused"
    BATCH_RECEIVED = "batch_received"
    BATCH_CHANGED = "batch_changed"
    APPLICATION_REFUSED = "application_refused"
    ORDER_CREATED = "order_created"
    ORDER_CHANGED = "order_changed"
    CARD_ISSUED = "card_issued"
    CARD_CHANGED = "card_changed"
    WORK_BEGUN = "work_begun"
    WORK_FINISHED = "work_finished"
    STATION_CHANGED = "station_changed"
    MACHINE_SEEN = "machine_seen"
    LINE_CHANGED = "line_changed"
    STOCK_CHANGED = "stock_changed"
    BOX_OPENED = "box_opened"
    BOX_SEALED = "box_sealed"
    BOX_DISPATCHED = "box_dispatched"
    SHIFT_BEGUN = "shift_begun"
    CAPTURE_BEGUN = "capture_begun"
    CAPTURE_ENDED = "capture_ended"
    CLEANING_BEGUN = "cleaning_begun"
    CLEANING_ENDED = "cleaning_ended"


@dataclass(frozen=True, slots=True)
class Draft:
    """An event before it has a place in the chain."""

    kind: Kind
    actor: str
    data: Mapping[str, Any] = field(default_factory=dict)
    batch: str = ""
    order: str = ""
    card: str = ""
    work: str = ""
    station: str = ""
    box: str = ""
    #: Keyed index (HMAC) of the citizen number: tells two orders of one person, names nobody.
    person_key: str = ""
    #: Keyed index of the acceptance number: the approval that the order rests on.
    approval_key: str = ""
    chip_serial: str = ""
    machine_serial: str = ""


@dataclass(frozen=True, slots=True)
class Event:
    """A draft with its place: sequence number, time, the ledger's generation and the chain."""

    sequence: int
    time_us: int  # microseconds since 1970-01-01 UTC
    generation: int
    draft: Draft
    previous: str
    digest: str

    @property
    def kind(self) -> Kind:
        """What happened."""
        return self.draft.kind


IDENTITY_FIELDS = (
    "batch",
    "order",
    "card",
    "work",
    "station",
    "box",
    "person_key",
    "approval_key",
    "chip_serial",
    "machine_serial",
)

_encode = json.JSONEncoder(
    ensure_ascii=False, separators=(",", ":"), sort_keys=True, check_circular=False
).encode


def canonical(data: Mapping[str, Any]) -> str:
    """Return the one JSON text of some data: sorted keys, no spaces."""
    return _encode(data)


def content(sequence: int, time_us: int, generation: int, draft: Draft, data_text: str) -> str:
    """Return the text that an event's digest covers, after the previous digest."""
    names = "\x1f".join(getattr(draft, name) for name in IDENTITY_FIELDS)
    head = f"{sequence}\x1f{time_us}\x1f{generation}\x1f{draft.kind}\x1f{draft.actor}"
    return f"{head}\x1f{names}\x1f{data_text}"


def digest(previous: str, text: str) -> str:
    """Return SHA-256 over the previous event's digest and this event's content."""
    return hashlib.sha256(f"{previous}\n{text}".encode()).hexdigest()
