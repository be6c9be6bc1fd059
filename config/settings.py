"""What all tables of a centre's file have in common: nothing unknown, and nothing changes later."""

from pydantic import BaseModel, ConfigDict


class Settings(BaseModel):
    """One table of a centre's file."""

    model_config = ConfigDict(extra="forbid", frozen=True)
