"""The fee that was charged for a card upstream: read and counted, never collected here. Pure.

The centre only reconciles fees (收支两条线); what a fee should be is the programme's to say.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from jobs.reasons import OTHER, Reason

#: Fee type (收费类型) of whoever was relieved of the fee, whole or in part (减免). The authority's
#: table of types is not published, so this one is ours until it is known.
RELIEVED_TYPE = "9"
_TYPE = re.compile("[0-9A-Z]")
_YUAN = re.compile(r"([0-9]{1,5})(?:\.([0-9]{1,2}))?")  # number(7,2) upstream


@dataclass(frozen=True, slots=True)
class Fee:
    """What a record says of its fee; a type of "" says nothing."""

    type: str = ""
    cents: int = 0

    @property
    def relieved(self) -> bool:
        """Tell whether the person was spared the fee or part of it."""
        return bool(self.type) and (self.cents == 0 or self.type == RELIEVED_TYPE)


def fee_of(fields: Mapping[str, str]) -> Fee:
    """Return the fee in a record's `sflx` and `sfje`; a half or malformed one is unknown."""
    kind, amount = fields.get("sflx", ""), _YUAN.fullmatch(fields.get("sfje", ""))
    if not _TYPE.fullmatch(kind) or amount is None:
        return Fee()
    yuan, part = amount.groups(default="")
    return Fee(kind, int(yuan) * 100 + int(part.ljust(2, "0")))


def check_fee(fields: Mapping[str, str]) -> Iterator[Reason]:
    """Yield a warning when the fee cannot be counted; a card is made all the same."""
    given = [name for name in ("sflx", "sfje") if fields.get(name)]
    if given and not fee_of(fields).type:
        text = "fee is not a type of one character and an amount in yuan"
        yield Reason(OTHER, given[-1], text, "收费类型或金额格式错误", warning=True)
