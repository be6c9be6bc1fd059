"""How a serial port is set: what a URL says of it, and which settings machines usually have.

Pure; it opens no port and asks nobody.
"""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class SerialSettings:
    """Speed and framing of a serial port; unset is 115,200 8N1."""

    baud: int = 115_200
    parity: str = "N"
    stopbits: int = 1
    databits: int = 8

    def __str__(self) -> str:
        return f"{self.baud} {self.databits}{self.parity}{self.stopbits}"

    @property
    def query(self) -> str:
        """Return what a wire's URL says for these settings, after its question mark."""
        framing = [
            f"{name}={getattr(self, name)}"
            for name in ("parity", "stopbits", "databits")
            if getattr(self, name) != getattr(USUAL, name)
        ]
        return "&".join((f"baud={self.baud}", *framing))

    def hears_like(self, other: "SerialSettings") -> bool:
        """Tell whether the two differ in stop bits alone, of which only the first is looked at."""
        mine, others = ((one.baud, one.parity, one.databits) for one in (self, other))
        return mine == others


USUAL: Final = SerialSettings()
#: In the order of their likelihood: the machines' own rates first.
LIKELY: Final = (
    USUAL,
    SerialSettings(stopbits=2),
    SerialSettings(19_200, "E"),
    SerialSettings(19_200),
    SerialSettings(9_600),
    SerialSettings(9_600, "E"),
    SerialSettings(57_600),
    SerialSettings(38_400),
)
