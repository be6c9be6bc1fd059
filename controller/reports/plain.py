"""Figures as JSON has them: names of fields as keys, days as ISO 8601, ratios as numbers."""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import date
from enum import Enum
from typing import Any

from pydantic import BaseModel

DECIMALS = 6


def plain(value: Any) -> Any:
    """Return figures as JSON's types; what a class works out is there like what it holds."""
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    if is_dataclass(value) and not isinstance(value, type):
        held = [one.name for one in fields(value) if one.metadata.get("plain", True)]
        worked_out = [name for name, one in vars(type(value)).items() if isinstance(one, property)]
        return {name: plain(getattr(value, name)) for name in (*held, *worked_out)}
    if isinstance(value, Mapping):
        return {str(key): plain(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(one) for one in value]
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, float):
        return round(value, DECIMALS)
    return value.isoformat() if isinstance(value, date) else value
