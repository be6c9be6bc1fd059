"""The physics of one heated roller.

Temperatures follow from the time alone, worked out when somebody asks; no timer runs.
"""

import asyncio
import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class HeatSettings:
    """Plausible figures of a small roll laminator, not a measured machine's."""

    ambient_c: float = 20.0
    heating_constant_s: float = 51.0  # 20 to within 3 of 125 degrees in about 180 s
    cooling_constant_s: float = 600.0
    runaway_c: float = 260.0  # where a heater that nothing switches off ends
    ripple_c: float = 0.2  # what the controller leaves of its own swinging
    highest_set_point_c: float = 200.0
    heater_current_a: float = 8.0


class Roller:
    """A mass that warms and cools along first-order curves; each change of plan begins one."""

    def __init__(self, settings: HeatSettings, pace_factor: float) -> None:
        self._settings = settings
        self._factor = pace_factor
        self._since_s = 0.0
        self._from_c = self._towards_c = self._never_below_c = settings.ambient_c
        self._constant_s = settings.cooling_constant_s / pace_factor
        self._lowest_c = self._highest_c = settings.ambient_c

    def temperature_c(self) -> float:
        """Return the temperature at this moment."""
        elapsed_s = asyncio.get_running_loop().time() - self._since_s
        gone = math.exp(-elapsed_s / self._constant_s)
        return max(self._never_below_c, self._towards_c + (self._from_c - self._towards_c) * gone)

    def head_for(self, target_c: float | None) -> None:
        """Heat towards a target, or cool down to it; None leaves the heater off."""
        now_c = self.temperature_c()
        self._note(now_c)
        self._since_s, self._from_c = asyncio.get_running_loop().time(), now_c
        settings = self._settings
        if target_c is not None and target_c > now_c:
            self._towards_c, self._never_below_c = target_c, settings.ambient_c
            self._constant_s = settings.heating_constant_s / self._factor
        else:
            self._towards_c = settings.ambient_c
            self._never_below_c = max(settings.ambient_c, target_c or settings.ambient_c)
            self._constant_s = settings.cooling_constant_s / self._factor

    def seconds_until(self, low_c: float, high_c: float) -> float | None:
        """Return when the present curve comes between two temperatures; None means never."""
        now_c = self.temperature_c()
        if low_c <= now_c <= high_c:
            return 0.0
        # Aim a little inside, so that rounding cannot leave us waiting again for nothing.
        edge_c = low_c + 0.01 if now_c < low_c else high_c - 0.01
        end_c = max(self._towards_c, self._never_below_c)
        if (end_c - edge_c) * (edge_c - now_c) <= 0:
            return None
        share = (self._towards_c - now_c) / (self._towards_c - edge_c)
        return self._constant_s * math.log(share)

    def watch(self) -> None:
        """Begin to note the lowest and highest temperature."""
        self._lowest_c = self._highest_c = self.temperature_c()

    def extremes_c(self) -> tuple[float, float]:
        """Return the lowest and highest temperature since `watch`; every curve is monotone."""
        self._note(self.temperature_c())
        return self._lowest_c, self._highest_c

    def _note(self, now_c: float) -> None:
        self._lowest_c = min(self._lowest_c, now_c)
        self._highest_c = max(self._highest_c, now_c)
