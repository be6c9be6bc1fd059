"""What became of an act, told from evidence alone."""

from enum import StrEnum
from typing import TypeAlias


class Outcome(StrEnum):
    """The three answers a driver may give; there is no fourth."""

    DONE = "done"
    NOT_DONE = "not_done"
    UNKNOWN = "unknown"


#: What was noted of a machine before an act: kept in the ledger, so strings and integers only.
Note: TypeAlias = dict[str, str | int]
