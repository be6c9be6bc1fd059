"""What a person may set of the chips' keys: where their file is, and what is in that file.

The keys are never in the centre's file; `controller/chip_keys.py` reads theirs.
"""

from pathlib import Path
from typing import Annotated, Self

from pydantic import ConfigDict, Field, StringConstraints, model_validator

from config.products import ChipProfile
from config.settings import Settings

KeyText = Annotated[str, StringConstraints(pattern=r"^[0-9A-Fa-f]{32}$"), Field(repr=False)]


class ChipKeySettings(Settings):
    """Where the keys are that the chips came with: nobody but the file's owner may read it."""

    file: Path

    def placed_in(self, folder: Path) -> "ChipKeySettings":
        """Return the same with its path counted from a folder."""
        return ChipKeySettings(file=folder / self.file)


def why_not_in_production(
    name: str, profile: ChipProfile | None, keys: ChipKeySettings | None
) -> list[str]:
    """Tell why a production centre may not write the chips of a product as its file says."""
    if profile is ChipProfile.RID2_PLAIN:
        what = "writes chips without secure messaging (rid2-plain)"
        return [f"{name} {what}, which a production centre may not"]
    if profile is ChipProfile.RID2 and keys is None:
        return [f"{name} needs the keys that its chips come with: [chip_keys] file"]
    return []


class _Secret(Settings):
    # A mistake is told without the text that it is in.
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class KeySet(_Secret):
    """One set of static keys (AES-128), as the chips' maker delivered it."""

    version: int = Field(ge=0x01, le=0x7F)
    enc: KeyText
    mac: KeyText


class KeyFile(_Secret):
    """The file of the key sets."""

    key_sets: tuple[KeySet, ...] = Field(min_length=1, max_length=20)

    @model_validator(mode="after")
    def _has_each_version_once(self) -> Self:
        versions = [one.version for one in self.key_sets]
        if len(set(versions)) < len(versions):
            raise ValueError("a key version comes twice")
        return self
