"""Deliveries of blanks to the store room, ordered or arrived, as a person writes them.

The ledger knows a blank from the moment at which it is put into a magazine; only this list tells
what was and will be there to put in.
"""

from datetime import date

from pydantic import BaseModel, ConfigDict, Field


class Delivery(BaseModel):
    """Blanks that come on one day; all since the ledger's beginning are listed."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    day: date
    blanks: int = Field(ge=1, le=100_000_000)
