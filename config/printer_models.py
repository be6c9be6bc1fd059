"""The makes of printers that there are drivers for: what a printer's `model` in a centre's file is.

Who drives which is said in `controller/printers.py`, who simulates which in `simulators/plant.py`.
"""

from enum import StrEnum


class PrinterModel(StrEnum):
    """A make by the language it speaks."""

    ESCAPE = ""  # escape commands; what a printer is that names no model
    RETRANSFER = "retransfer"  # numbered jobs on film


def why_not_a_printer(model: str) -> str:
    """Return why there is no driver for a model, or nothing."""
    if model in {one.value for one in PrinterModel}:
        return ""
    known = ", ".join(one.value for one in PrinterModel if one.value)
    return f"there is no driver for a printer of model {model!r} (known: {known})"
