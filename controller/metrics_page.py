"""One scrape as text: the centre's figures, its programme's, and what others registered.

It runs in the thread that serves metrics and may take its time there.
"""

from dataclasses import dataclass

from prometheus_client import CollectorRegistry, generate_latest

from controller.exposition import exposition
from controller.metric_families import families
from controller.telemetry import Snapshot


@dataclass(frozen=True, slots=True)
class MetricsPage:
    """What is on the page besides the snapshot."""

    registry: CollectorRegistry  # the process, MQTT: read as they are when the page is made

    def text(self, now: Snapshot) -> str:
        """Return the whole page."""
        return exposition(families(now)) + generate_latest(self.registry).decode()
