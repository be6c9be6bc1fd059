"""What a centre's file says of the programme: the plan that it works to, and a limit of its own.

The plan itself is `config/programme.py`.
"""

from datetime import date
from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict, field_validator

from config.programme import Programme, load_programme, shipped_programme, shipped_programme_names

#: What tells the path of a programme's file from the name of a shipped one.
FILE_ENDING = ".toml"


class ProgrammeSettings(BaseModel):
    """The table `[programme]` of a centre's file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    first_generation_cut_off: date | None = None
    #: The name of a shipped programme, or the path of a programme's file; "" is no plan.
    plan: str = ""

    @field_validator("plan")
    @classmethod
    def _is_there(cls, plan: str) -> str:
        known = shipped_programme_names()
        if plan and not plan.endswith(FILE_ENDING) and plan not in known:
            raise ValueError(f"there is no programme {plan!r} (known: {', '.join(known)})")
        return plan

    def read_plan(self) -> Programme | None:
        """Return the plan; raises `ConfigError` if its file cannot be used."""
        if self.plan.endswith(FILE_ENDING):
            return load_programme(Path(self.plan))
        return shipped_programme(self.plan) if self.plan else None

    def placed_in(self, folder: Path) -> Self:
        """Return the settings with the path of a file counted from a folder."""
        if not self.plan.endswith(FILE_ENDING):
            return self
        return self.model_copy(update={"plan": str(folder / self.plan)})
