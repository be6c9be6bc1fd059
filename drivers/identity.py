"""Who is at the other end of a wire: the facts that evidence and the books are tied to.

It does not judge whether that is the machine which the configuration expects; the controller does.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Identity:
    """One machine, as it names itself."""

    kind: str
    model: str
    serial_number: str
    firmware: str
