"""What leaves the centre on paper: a box's manifest, and the receipt of a batch.

A manifest goes to the county with the cards and names nobody. A receipt goes to the authority that
sent the package: it has the two feedback messages, made (制证回馈) and rejected (质量控制回馈),
with names, numbers and chip photos, in the form of `receipt.xsd`. This module writes no files.
"""

import csv
import io
import json
import re
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import TypeAlias
from xml.etree import ElementTree as ET

from jobs.application import CHINA_TIME
from jobs.reasons import OTHER, Reason
from jobs.rows import Box

RECEIPT_VERSION = "1"

#: The widest values that the authority's system takes.
NAME_MAX, UNIT_MAX, DESCRIPTION_MAX, MANAGEMENT_NUMBER_MAX = 15, 20, 100, 20

_COLUMNS = ("position", "order", "card", "acceptance_number", "county", "packed_at")

#: What XML 1.0 cannot hold, not even escaped.
_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

#: One message of a receipt: identifier to text.
Message: TypeAlias = dict[str, str]


@dataclass(frozen=True, slots=True)
class ManifestRow:
    """One card of a box."""

    order: str
    card: str
    acceptance_number: str = field(repr=False)
    county: str
    packed_us: int


@dataclass(frozen=True, slots=True)
class MadeCard:
    """A card that was made and leaves the centre (制证回馈)."""

    acceptance_number: str = field(repr=False)
    citizen_number: str = field(repr=False)
    name: str = field(repr=False)
    dispatched_on: date
    chip_photo: bytes = field(repr=False)  # as written to the chip; empty for a card without one
    management_number: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class RejectedApplication:
    """An application of which no card was made (质量控制回馈)."""

    acceptance_number: str = field(repr=False)
    citizen_number: str = field(repr=False)
    name: str = field(repr=False)
    error_code: str  # two digits, never 00: that means good
    description: str
    unit: str
    inspector: str
    inspected_on: date


@dataclass(frozen=True, slots=True)
class BatchReceipt:
    """Both kinds of message for one batch, each in the order of the package."""

    package_number: str
    batch: str
    closed_us: int
    made: tuple[MadeCard, ...]
    rejected: tuple[RejectedApplication, ...]


def box_manifest_csv(box: Box, rows: Sequence[ManifestRow]) -> str:
    """Return the manifest as a table, one card a line, in the order of packing."""
    text = io.StringIO()
    table = csv.DictWriter(text, _COLUMNS, lineterminator="\n")
    table.writeheader()
    table.writerows(_manifest_rows(box, rows))
    return text.getvalue()


def box_manifest_json(box: Box, rows: Sequence[ManifestRow]) -> str:
    """Return the manifest with the box's own facts."""
    manifest = {
        "box": box.id,
        "batch": box.batch,
        "county": box.county,
        "sealed_at": _moment(box.sealed_us),
        "count": len(rows),
        "cards": _manifest_rows(box, rows),
    }
    return json.dumps(manifest, ensure_ascii=False, indent=2) + "\n"


def told(reasons: Sequence[Reason]) -> tuple[str, str]:
    """Return the one code and the one description that a reject message has room for.

    The first reason that refuses gives the code; every reason is named as far as there is room.
    """
    refusing = [reason for reason in reasons if reason.refuses] or list(reasons)
    code = refusing[0].code if refusing else OTHER
    return code, "；".join(reason.description for reason in refusing)[:DESCRIPTION_MAX]


def batch_receipt_xml(receipt: BatchReceipt) -> bytes:
    """Return the receipt as an XML document, UTF-8, as `receipt.xsd` describes it."""
    root = ET.Element("hk", version=RECEIPT_VERSION)
    head, made, rejected = _messages(receipt)
    for tag, messages in (("bt", [head]), ("zzhk", made), ("zlkzhk", rejected)):
        for message in messages:
            element = ET.SubElement(root, tag)
            for identifier, text in message.items():
                ET.SubElement(element, identifier).text = _NO_XML.sub("\ufffd", text)
    ET.indent(root)
    document: bytes = ET.tostring(root, encoding="UTF-8", xml_declaration=True)
    return document + b"\n"


def batch_receipt_json(receipt: BatchReceipt) -> str:
    """Return the receipt with the same identifiers as the XML document."""
    head, made, rejected = _messages(receipt)
    content = {"version": RECEIPT_VERSION, "bt": head, "zzhk": made, "zlkzhk": rejected}
    return json.dumps(content, ensure_ascii=False, indent=2) + "\n"


def _manifest_rows(box: Box, rows: Sequence[ManifestRow]) -> list[dict[str, str | int]]:
    strangers = [row.card for row in rows if row.county != box.county]
    assert not strangers, f"{box.id} holds cards of another county: {strangers}"
    return [
        {
            "position": position,
            "order": row.order,
            "card": row.card,
            "acceptance_number": row.acceptance_number,
            "county": row.county,
            "packed_at": _moment(row.packed_us),
        }
        for position, row in enumerate(rows, start=1)
    ]


def _messages(receipt: BatchReceipt) -> tuple[Message, list[Message], list[Message]]:
    head = {
        "sjbbh": receipt.package_number,
        "pch": receipt.batch,
        "scsj": f"{_local(receipt.closed_us):%Y%m%d%H%M%S}",
        "zzs": str(len(receipt.made)),
        "ths": str(len(receipt.rejected)),
    }
    made = [_made(card) for card in receipt.made]
    return head, made, [_rejected(application) for application in receipt.rejected]


def _made(card: MadeCard) -> Message:
    assert len(card.management_number) <= MANAGEMENT_NUMBER_MAX
    message = {
        "slh": card.acceptance_number,
        "gmsfhm": card.citizen_number,
        "xm": card.name,
        "zzdwffrq": f"{card.dispatched_on:%Y%m%d}",
    }
    if card.chip_photo:
        message["jdzp"] = b64encode(card.chip_photo).decode()
    if card.management_number:
        message["ktglh"] = card.management_number
    return message


def _rejected(application: RejectedApplication) -> Message:
    assert re.fullmatch("[0-9]{2}", application.error_code), application.error_code
    assert application.error_code != "00", "00 means good"
    return {
        "slh": application.acceptance_number,
        "gmsfhm": application.citizen_number,
        "xm": application.name,
        "zzxxcwlb": application.error_code,
        "cwms": application.description[:DESCRIPTION_MAX],
        "jydw": application.unit[:UNIT_MAX],
        "jyr_xm": application.inspector[:NAME_MAX],
        "jyrq": f"{application.inspected_on:%Y%m%d}",
    }


def _local(time_us: int) -> datetime:
    # Whole seconds first: a float of microseconds would round to a neighbour.
    return datetime.fromtimestamp(time_us // 1_000_000, UTC).astimezone(CHINA_TIME)


def _moment(time_us: int) -> str:
    return _local(time_us).isoformat()
